//! The Lambda `issue-copies-read`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::platform::StartFault> {
    shared::platform::start(issue_copies_read::routes).await
}
