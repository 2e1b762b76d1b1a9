//! The Lambda `attachment-reconcile`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_schedule(attachment_reconcile::handle).await
}
