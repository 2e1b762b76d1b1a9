//! The Lambda `account`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(account::routes).await
}
