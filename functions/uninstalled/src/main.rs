//! The Lambda `uninstalled`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(uninstalled::routes).await
}
