//! The Lambda `issue-copies-sweep`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_schedule(issue_copies_sweep::handle).await
}
