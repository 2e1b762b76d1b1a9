//! A stack is worth something only if its frames survive: a corpus of them, in the forms of browsers and build tools, as the SDK sends them.
//! `leaves` says what is to be left of a file's address, where that is not all: without query, fragment, password and people's folders.

use serde_json::{Value, json};

use super::reduce;
use crate::telemetry::browser_error::MOST_FRAMES;

const STACKS: &str = include_str!("../fixtures/stacks.json");

/// What of a frame should be left, and what is.
fn frames(stack: &Value) -> Vec<(Value, Value)> {
    let sent = stack["frames"].as_array().unwrap();
    let mut pairs = Vec::new();
    for part in sent.chunks(MOST_FRAMES) {
        let event = json!({"exception": {"values": [{"type": stack["type"], "value": stack["value"], "stacktrace": {"frames": part}}]}});
        let exception = reduce(event.to_string().as_bytes(), None).unwrap().exceptions.remove(0);
        assert_eq!(exception.frames.len(), part.len());
        for (frame, left) in part.iter().zip(&exception.frames) {
            let file = frame.get("leaves").unwrap_or(&frame["filename"]);
            let due = json!({"file": file, "function": frame["function"], "line": frame["lineno"], "column": frame["colno"]});
            pairs.push((due, serde_json::to_value(left).unwrap()));
        }
    }
    pairs
}

#[test]
fn of_realistic_frames_over_99_in_100_survive() {
    let stacks: Vec<Value> = serde_json::from_str(STACKS).unwrap();
    let pairs: Vec<_> = stacks.iter().flat_map(frames).collect();
    let lost: Vec<_> = pairs.iter().filter(|(due, left)| due != left).collect();
    let survived = pairs.len() - lost.len();
    println!("{survived} of {} frames survive", pairs.len());
    assert!(pairs.len() >= 600, "{} frames", pairs.len());
    assert!(survived * 100 > pairs.len() * 99, "{survived} of {} survive; lost are {lost:#?}", pairs.len());
}

#[test]
fn what_is_thrown_most_often_is_left_as_it_was_said() {
    for stack in serde_json::from_str::<Vec<Value>>(STACKS).unwrap() {
        let event = json!({"exception": {"values": [{"type": stack["type"], "value": stack["value"]}]}});
        let exception = reduce(event.to_string().as_bytes(), None).unwrap().exceptions.remove(0);
        assert_eq!(json!([exception.kind, exception.message]), json!([stack["type"], stack["value"]]));
    }
}
