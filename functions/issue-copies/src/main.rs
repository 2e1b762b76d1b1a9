//! The Lambda `issue-copies`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start_queue(issue_copies::handle).await
}
