//! The Lambda `descriptor`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(descriptor::routes).await
}
