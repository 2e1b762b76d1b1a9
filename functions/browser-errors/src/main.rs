//! The Lambda `browser-errors`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(browser_errors::routes).await
}
