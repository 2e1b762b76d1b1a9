//! The real binary under the Lambda runtime's API: it hears whom IAM let in, and nobody else, whatever they bring.

use local::runtime_api::{ORIGIN_SECRET, Process};
use local::samples::Sample;
use serde_json::{Value, json};

/// Promises.
#[tokio::test]
async fn the_binary_hears_only_whom_iam_let_in() {
    let mut process = Process::start(env!("CARGO_BIN_EXE_erasure"), "Erasure").await.unwrap();
    let mut sample = Sample::of_operators().unwrap().into_iter().find(|sample| sample.case == "hold").unwrap();
    // A body that is refused before anything is asked of AWS.
    sample.event["body"] = json!({"clientKey": "acme-client-key", "ticket": 1234, "reason": "boredom", "days": 1}).to_string().into();
    let mut anonymous = sample.filled("", ORIGIN_SECRET);
    anonymous["requestContext"]["authorizer"] = Value::Null;
    for (event, status) in [(sample.event.clone(), 400), (anonymous, 403)] {
        let answer: Value = serde_json::from_slice(&process.answer(event).await.unwrap().body).unwrap();
        assert_eq!(answer["statusCode"], status, "{answer}");
    }
}
