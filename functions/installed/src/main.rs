//! The Lambda `installed`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(installed::routes).await
}
