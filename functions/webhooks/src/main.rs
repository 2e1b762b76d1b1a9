//! The Lambda `webhooks`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(webhooks::routes).await
}
