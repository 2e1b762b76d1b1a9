//! The Lambda `usage-report`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(usage_report::routes).await
}
