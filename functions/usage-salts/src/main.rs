//! The Lambda `usage-salts`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_schedule(usage_salts::handle).await
}
