//! What gets out, and what does not.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing::subscriber::with_default;

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is written while `speak` runs.
fn heard(speak: impl FnOnce()) -> Vec<Value> {
    let written = Written::default();
    let pen = written.clone();
    with_default(subscriber(move || pen.clone()), speak);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One line, without what every line has.
fn only(speak: impl FnOnce()) -> Value {
    let mut lines = heard(speak);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let mut line = lines.remove(0);
    for name in ["@timestamp", "ecs", "service"] {
        assert!(line.as_object_mut().unwrap().remove(name).is_some(), "{name}");
    }
    line
}

/// Promise A-17: whoever puts a field into an event has to put it on the list as well, where somebody looks.
#[test]
fn a_careless_field_does_not_get_out() {
    let line = only(|| tracing::info!(target: "lethe", email = "x@y.z", user = ?"Ada", body = %"m4rk", status = 200_u16, "answered"));
    let event = json!({"kind": "event"});
    assert_eq!(line, json!({"log": {"level": "info"}, "message": "answered", "event": event, "http": {"response": {"status_code": 200}}}));
}

#[test]
fn what_is_put_into_a_message_does_not_get_out() {
    let name = "Ada";
    for line in [only(|| tracing::info!(target: "lethe", "answered {name}")), only(|| tracing::warn!(target: "lethe", "a new word"))] {
        assert_eq!(line.get("message"), None, "{line}");
    }
}

#[test]
fn what_is_not_of_its_fields_form_does_not_get_out() {
    let line = only(|| {
        tracing::info!(
            target: "lethe", app = "x@y.z", tenant = "Ada Lovelace", digest = "0123", route = "/a?name=Ada", entry = "Ada L", counts = "a=\"b\"",
            signal = "alarming", stage = "a b", cause = "", outcome = "ü", status = -1_i64, duration_nanos = "1", succeeded = "yes", "answered"
        );
    });
    assert_eq!(line, json!({"log": {"level": "info"}, "message": "answered", "event": {"kind": "event"}}));
    let line = only(|| tracing::info!(target: "lethe", method = "ADA-LOVELACE", status = 405_u16, reason = "r".repeat(300), "answered"));
    assert_eq!(line["http"]["request"]["method"], "other");
    assert_eq!(line["event"]["reason"], "r".repeat(256));
}

#[test]
fn of_what_others_say_only_who_and_where_gets_out() {
    let line = only(|| tracing::warn!(target: "aws_smithy_runtime", request = "GET /m4rk", "could not send m4rk"));
    assert_eq!((&line["log"]["level"], &line["log"]["logger"]), (&json!("warn"), &json!("aws_smithy_runtime")));
    assert!(
        line["log"]["origin"]["file"]["name"].as_str().unwrap().ends_with("tests.rs") && line["log"]["origin"]["file"]["line"].is_u64()
    );
    assert!(!line.to_string().contains("m4rk"), "{line}");
    assert_eq!(heard(|| tracing::info!(target: "hyper", "a finer level")), Vec::<Value>::new());
    assert_eq!(heard(|| tracing::debug!(target: "lethe", "a finer level")), Vec::<Value>::new());
}

#[test]
fn a_line_says_of_itself_what_every_line_says() {
    let mut line = heard(|| tracing::info!(target: "lethe", at_millis = 1_700_000_000_123_i64, "ran")).remove(0);
    assert_eq!(line["@timestamp"], "2023-11-14T22:13:20.123Z");
    assert_eq!(line["ecs"].take(), json!({"version": "9.1.0"}));
    assert_eq!(line["service"].take(), json!({"name": "lethe", "version": env!("CARGO_PKG_VERSION")}));
}

#[test]
fn what_is_said_within_a_call_is_of_its_function_and_counted_in_its_namespace() {
    let call =
        || tracing::info_span!(target: "lethe", "call", function = "page", region = "eu-west-1", namespace = "Lethe/test", email = "x@y.z");
    let line = only(|| call().in_scope(|| tracing::error!(target: "lethe", at_millis = 7, signal = "failed", unwrapped = 2, "failed")));
    assert_eq!((&line["faas"], &line["cloud"]), (&json!({"name": "page"}), &json!({"provider": "aws", "region": "eu-west-1"})));
    let metric = |name: &str, dimensions: Value| json!({"Namespace": "Lethe/test", "Dimensions": [dimensions], "Metrics": [{"Name": name, "Unit": "Count"}]});
    let metrics = [metric("Signals", json!(["Signal"])), metric("Failures", json!(["Function"])), metric("KeysUnwrapped", json!([]))];
    assert_eq!(line["_aws"], json!({"Timestamp": 7, "CloudWatchMetrics": metrics}));
    let counted = ["Signal", "Signals", "Function", "Failures", "KeysUnwrapped"].map(|name| line[name].clone());
    assert_eq!(counted, [json!("failed"), json!(1), json!("page"), json!(1), json!(2)]);
    let quiet = only(|| call().in_scope(|| tracing::info!(target: "lethe", unwrapped = 0, "answered")));
    assert_eq!(quiet.as_object().unwrap().keys().collect::<Vec<_>>(), ["cloud", "event", "faas", "log", "message"]);
}

#[test]
fn a_signal_that_is_no_failure_is_none_of_its_function() {
    let call = || tracing::info_span!(target: "lethe", "call", function = "page", region = "eu-west-1", namespace = "Lethe/test");
    let line = only(|| call().in_scope(|| tracing::info!(target: "lethe", signal = "unknown-caller", "answered")));
    assert_eq!((&line["Signal"], &line["Signals"]), (&json!("unknown-caller"), &json!(1)));
    assert!(line.get("Failures").is_none() && line.get("Function").is_none() && line.get("KeysUnwrapped").is_none(), "{line}");
}
