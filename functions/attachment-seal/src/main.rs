//! The Lambda `attachment-seal`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_queue(attachment_seal::handle).await
}
