//! The Lambda `restore-filter`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_invoked(restore_filter::handle).await
}
