//! The Lambda `purge-worker`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_queue(purge_worker::handle).await
}
