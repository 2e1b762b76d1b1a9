//! The Lambda `disabled`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(disabled::routes).await
}
