//! The Lambda `enabled`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(enabled::routes).await
}
