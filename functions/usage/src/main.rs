//! The Lambda `usage`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_logs(usage::handle).await
}
