//! The door of functions that log groups send their lines to: what CloudWatch Logs hands over, unpacked.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use futures::FutureExt as _;
use lambda_runtime::LambdaEvent;
use serde::Deserialize;

use super::Platform;
use super::schedule::Report;
use crate::problem::Problem;

/// CloudWatch Logs sends at most 1 MB, packed; lines of ours pack some ten times.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// Lines of one log stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLines {
    /// The lines, each with the id that CloudWatch Logs has given it.
    pub lines: Vec<LogLine>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LogLine {
    /// The same, however often the line comes.
    pub id: String,
    /// What was written.
    pub message: String,
}

#[derive(Deserialize)]
struct Event {
    awslogs: Packed,
}

#[derive(Deserialize)]
struct Packed {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unpacked {
    message_type: String,
    #[serde(default)]
    log_events: Vec<LogLine>,
}

impl LogLines {
    /// The lines of what Lambda is invoked with: base64 of gzip of JSON. A message that only asks whether we are there has none.
    ///
    /// # Errors
    /// 400 that names the member at fault; what it holds stays unsaid.
    pub fn read(event: &[u8]) -> Result<Self, Problem> {
        let event: Event = serde_json::from_slice(event).map_err(|_| Problem::malformed("awslogs.data", "must be there"))?;
        let packed = STANDARD.decode(event.awslogs.data).map_err(|_| Problem::malformed("awslogs.data", "must be base64"))?;
        let mut json = Vec::new();
        let unpacked = GzDecoder::new(packed.as_slice()).take(MOST_BYTES + 1).read_to_end(&mut json);
        unpacked.map_err(|_| Problem::malformed("awslogs.data", "must be gzip"))?;
        if json.len() as u64 > MOST_BYTES {
            return Err(Problem::malformed("awslogs.data", "must not unpack to more than 32 MiB"));
        }
        let unpacked: Unpacked = serde_json::from_slice(&json).map_err(|_| Problem::malformed("awslogs.data", "must be lines of a log"))?;
        let lines = if unpacked.message_type == "DATA_MESSAGE" { unpacked.log_events } else { Vec::new() };
        Ok(Self { lines })
    }
}

/// Serves `handle` to the Lambda runtime until the environment ends. Lambda is told of a run that fails, so that it tries again.
///
/// # Errors
/// If the runtime's API fails; a failing run does not.
pub(super) async fn run<F>(platform: Platform, handle: fn(Platform, LogLines) -> F) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<Report, Problem>>,
{
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<Box<serde_json::value::RawValue>>| {
        let platform = platform.clone();
        let ran = async move { handle(platform, LogLines::read(event.payload.get().as_bytes())?).await };
        // Boxed: a future of so many layers is more than the compiler lays out at once.
        let ran = ran.boxed_local();
        async move { ran.await.map_err(|problem| lambda_runtime::Error::from(problem.reason().0.into_owned())) }
    }))
    .await
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn event(packed: &[u8]) -> Vec<u8> {
        json!({"awslogs": {"data": STANDARD.encode(packed)}}).to_string().into_bytes()
    }

    fn message(kind: &str) -> Value {
        json!({
            "messageType": kind, "owner": "111122223333", "logGroup": "/lethe/lethe-eu/page", "logStream": "2026/11/22/[live]1",
            "subscriptionFilters": ["PageCounted"],
            "logEvents": [
                {"id": "1", "timestamp": 1_795_348_800_123_i64, "message": "{\"a\":1}\n"},
                {"id": "2", "timestamp": 1_795_348_800_124_i64, "message": "", "extractedFields": {"a": "1"}},
            ],
        })
    }

    #[track_caller]
    fn refused(event: &[u8]) -> String {
        LogLines::read(event).unwrap_err().reason().0.into_owned()
    }

    #[test]
    fn lines_are_read_as_cloudwatch_logs_packs_them() {
        let read = LogLines::read(&event(&gzip(message("DATA_MESSAGE").to_string().as_bytes()))).unwrap();
        let lines: Vec<_> = read.lines.iter().map(|line| (line.id.as_str(), line.message.as_str())).collect();
        assert_eq!(lines, [("1", "{\"a\":1}\n"), ("2", "")]);
    }

    #[test]
    fn who_only_asks_whether_we_are_there_brings_no_lines() {
        let read = LogLines::read(&event(&gzip(message("CONTROL_MESSAGE").to_string().as_bytes()))).unwrap();
        assert_eq!(read, LogLines::default());
    }

    #[test]
    fn what_is_packed_otherwise_is_refused_and_not_repeated() {
        let lines = message("DATA_MESSAGE").to_string();
        let cut = &gzip(lines.as_bytes())[..40];
        for (event, reason) in [
            (b"not json".to_vec(), "awslogs.data must be there"),
            (b"{}".to_vec(), "awslogs.data must be there"),
            (b"{\"awslogs\":{\"data\":7}}".to_vec(), "awslogs.data must be there"),
            (b"{\"awslogs\":{\"data\":\"*\"}}".to_vec(), "awslogs.data must be base64"),
            (event(lines.as_bytes()), "awslogs.data must be gzip"),
            (event(cut), "awslogs.data must be gzip"),
            (event(&gzip(b"[]")), "awslogs.data must be lines of a log"),
            (event(&gzip(b"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"id\":1}]}")), "awslogs.data must be lines of a log"),
        ] {
            assert_eq!(refused(&event), reason);
        }
    }

    #[test]
    fn what_unpacks_to_more_than_any_lines_is_given_up() {
        let blown_up = gzip(&vec![b' '; MOST_BYTES as usize + 1]);
        assert!(blown_up.len() < 1024 * 1024);
        assert_eq!(refused(&event(&blown_up)), "awslogs.data must not unpack to more than 32 MiB");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd_to_be_refused(bytes: Vec<u8>) {
            prop_assert!(LogLines::read(&bytes).is_err() && LogLines::read(&event(&bytes)).is_err());
            prop_assert!(LogLines::read(&event(&gzip(&bytes))).is_err());
        }
    }
}
