//! What CloudWatch counts of a line of the log: the embedded metric format, as its specification reads it. Of the format this knows what our lines
//! use and refuses the rest: a line that is misread here would be believed.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A metric of ours: its name, and its dimensions by name.
pub type Metric = (String, BTreeMap<String, String>);

/// As many metrics a directive, and dimensions a set, as CloudWatch takes.
const MOST_METRICS: usize = 100;
const MOST_DIMENSIONS: usize = 30;

/// The points that a line is, in the namespace that is ours; what is wrong with it, if CloudWatch would take none of it.
pub fn points(line: &Value, namespace: &str) -> Result<Vec<(Metric, f64)>, String> {
    let Some(metadata) = line.get("_aws") else { return Ok(Vec::new()) };
    let fault = |what: &str| format!("{what}: {line}");
    let directives = metadata["CloudWatchMetrics"].as_array().filter(|_| metadata["Timestamp"].is_u64());
    let mut points = Vec::new();
    for directive in directives.ok_or_else(|| fault("a time in milliseconds, and directives"))? {
        if directive["Namespace"] != namespace {
            return Err(fault("the namespace is another"));
        }
        let metrics = directive["Metrics"].as_array().filter(|metrics| (1..=MOST_METRICS).contains(&metrics.len()));
        let sets = directive["Dimensions"].as_array().filter(|sets| !sets.is_empty()).ok_or_else(|| fault("sets of dimensions"))?;
        for metric in metrics.ok_or_else(|| fault("metrics"))? {
            let name = metric["Name"].as_str().filter(|_| metric["Unit"] == "Count").ok_or_else(|| fault("a name and its unit"))?;
            let value = line.get(name).and_then(Value::as_f64).ok_or_else(|| fault("the number at the root"))?;
            for set in sets {
                let names = set.as_array().filter(|names| names.len() <= MOST_DIMENSIONS).ok_or_else(|| fault("a set of dimensions"))?;
                let dimension = |name: &Value| Some((name.as_str()?.to_owned(), line.get(name.as_str()?)?.as_str()?.to_owned()));
                let dimensions: Option<BTreeMap<_, _>> = names.iter().map(dimension).collect();
                points.push(((name.to_owned(), dimensions.ok_or_else(|| fault("the text of a dimension at the root"))?), value));
            }
        }
    }
    if points.is_empty() { Err(fault("nothing is counted")) } else { Ok(points) }
}

fn line() -> Value {
    json!({
        "_aws": {"Timestamp": 1, "CloudWatchMetrics": [
            {"Namespace": "ours", "Dimensions": [["Signal"]], "Metrics": [{"Name": "Signals", "Unit": "Count"}]},
            {"Namespace": "ours", "Dimensions": [[]], "Metrics": [{"Name": "KeysUnwrapped", "Unit": "Count"}]},
        ]},
        "Signal": "failed", "Signals": 1, "KeysUnwrapped": 2,
    })
}

#[test]
fn a_line_is_the_points_that_its_directives_name() {
    let signals = (("Signals".to_owned(), BTreeMap::from([("Signal".to_owned(), "failed".to_owned())])), 1.0);
    assert_eq!(points(&line(), "ours").unwrap(), [signals, (("KeysUnwrapped".to_owned(), BTreeMap::new()), 2.0)]);
    assert_eq!(points(&json!({"Signals": 1}), "ours").unwrap(), []);
}

#[test]
fn a_line_that_cloudwatch_would_not_take_is_refused() {
    for (place, value) in [
        ("/_aws/Timestamp", json!("1")),
        ("/_aws/CloudWatchMetrics", json!([])),
        ("/_aws/CloudWatchMetrics/0/Namespace", json!("theirs")),
        ("/_aws/CloudWatchMetrics/0/Metrics", json!([])),
        ("/_aws/CloudWatchMetrics/0/Metrics/0/Name", json!("Failures")),
        ("/_aws/CloudWatchMetrics/0/Metrics/0/Unit", json!("Bytes")),
        ("/_aws/CloudWatchMetrics/0/Dimensions", json!([])),
        ("/_aws/CloudWatchMetrics/0/Dimensions/0/0", json!("Function")),
        ("/Signals", json!("1")),
        ("/Signal", json!(1)),
    ] {
        let mut line = line();
        *line.pointer_mut(place).unwrap() = value;
        assert!(points(&line, "ours").is_err(), "{place}");
    }
}
