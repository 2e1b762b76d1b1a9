//! The real binary under the Lambda runtime's API: it takes batches of a queue and says which messages are to come again.

use local::runtime_api::Process;
use serde_json::json;

#[tokio::test]
async fn the_binary_answers_a_batch_by_what_failed_of_it() {
    let mut process = Process::start(env!("CARGO_BIN_EXE_attachment-seal"), "AttachmentSeal").await.unwrap();
    let answer = process.answer(json!({"Records": []})).await.unwrap();
    assert_eq!(answer.body.as_ref(), br#"{"batchItemFailures":[]}"#);
}
