//! The real binary under the Lambda runtime's API: its answers are streams, status and headers first.

use local::runtime_api::{ORIGIN_SECRET, Process};
use local::samples::Sample;
use serde_json::Value;

/// What stands between the prelude and the bytes of a streamed answer.
const BORDER: &[u8] = &[0; 8];

#[tokio::test]
async fn the_binary_streams_its_answer_behind_status_and_headers() {
    let mut process = Process::start(env!("CARGO_BIN_EXE_attachments"), "Attachments").await.unwrap();
    let sample = Sample::all().unwrap().into_iter().find(|sample| sample.function == "attachments" && sample.case == "list").unwrap();
    // A token that is none is refused before anything is asked of AWS.
    for (origin_secret, status, kind) in [(ORIGIN_SECRET, 401, "unauthorized"), ("not-the-secret", 403, "forbidden")] {
        let answer = process.answer(sample.filled("x", origin_secret)).await.unwrap();
        assert_eq!(answer.headers["lambda-runtime-function-response-mode"], "streaming");
        assert_eq!(answer.headers["content-type"], "application/vnd.awslambda.http-integration-response");
        let border = answer.body.windows(BORDER.len()).position(|bytes| bytes == BORDER).unwrap();
        let prelude: Value = serde_json::from_slice(&answer.body[..border]).unwrap();
        let problem: Value = serde_json::from_slice(&answer.body[border + BORDER.len()..]).unwrap();
        assert_eq!((&prelude["statusCode"], &prelude["headers"]["cache-control"]), (&status.into(), &"no-store".into()), "{prelude}");
        assert_eq!(problem["type"], format!("urn:lethe:problem:{kind}"));
    }
}
