//! The Lambda `purge`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_schedule(purge::handle).await
}
