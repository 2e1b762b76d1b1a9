//! The Lambda `telemetry-forwarder`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_queue(telemetry_forwarder::handle).await
}
