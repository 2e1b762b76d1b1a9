//! The Lambda `attachments`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_streaming(attachments::routes).await
}
