//! The metric filters of `template.yaml`, as CloudWatch Logs applies them to a line of the log. Of its language of patterns this knows what the
//! template uses and refuses the rest: a filter that is misread here would be believed.

use std::collections::BTreeMap;

use local::template::at;
use serde_json::Value as Line;
use yaml_serde::Value;

/// What a line has for a pattern to find.
#[derive(Debug, PartialEq)]
enum Pattern {
    /// `{ $.field = "text" }`; a lone `*` is any text.
    Is { field: String, text: String },
    /// `{ $.field > 0 }`
    Above { field: String, number: f64 },
}

/// What of a matching line becomes a point of a metric.
#[derive(Debug)]
pub struct Filter {
    /// The logical id of its log group.
    pub log_group: String,
    pattern: Pattern,
    metric: String,
    value: String,
    dimensions: Vec<(String, String)>,
}

/// A metric of ours: its name, and its dimensions by name.
pub type Metric = (String, BTreeMap<String, String>);

impl Pattern {
    fn read(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text} is no pattern that is known here");
        let inner = text.strip_prefix("{ $.").and_then(|rest| rest.strip_suffix(" }")).ok_or_else(unknown)?;
        let [field, operator, operand] = inner.splitn(3, ' ').collect::<Vec<_>>().try_into().map_err(|_| unknown())?;
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
        if field.is_empty() || !is_plain(field) {
            return Err(unknown());
        }
        let field = field.to_owned();
        match operator {
            "=" => {
                let text = operand.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(unknown)?;
                if text == "*" || (!text.is_empty() && is_plain(text)) {
                    Ok(Self::Is { field, text: text.to_owned() })
                } else {
                    Err(unknown())
                }
            }
            ">" => Ok(Self::Above { field, number: operand.parse().map_err(|_| unknown())? }),
            _ => Err(unknown()),
        }
    }

    fn matches(&self, line: &Line) -> bool {
        match self {
            Self::Is { field, text } => line[field].as_str().is_some_and(|found| text == "*" || text == found),
            Self::Above { field, number } => line[field].as_f64().is_some_and(|found| found > *number),
        }
    }
}

impl Filter {
    /// A filter as the template has it.
    pub fn read(filter: &Value) -> Result<Self, String> {
        let text = |value: &Value, names: &[&str]| match at(value, names) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Tagged(tagged)) => tagged.value.as_str().map(ToOwned::to_owned).ok_or(format!("{names:?} is no text")),
            _ => Err(format!("{names:?} is missing")),
        };
        let properties = filter.get("Properties").ok_or("no properties")?;
        let [transformation] =
            at(properties, &["MetricTransformations"]).and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default()
        else {
            return Err("a filter makes one metric".to_owned());
        };
        let dimensions = at(transformation, &["Dimensions"]).and_then(Value::as_sequence).into_iter().flatten();
        let dimensions: Vec<_> = dimensions.map(|one| Ok((text(one, &["Key"])?, text(one, &["Value"])?))).collect::<Result<_, String>>()?;
        // PutMetricFilter refuses the two together.
        if !dimensions.is_empty() && transformation.get("DefaultValue").is_some() {
            return Err("a metric with dimensions has no default".to_owned());
        }
        if text(transformation, &["MetricNamespace"])? != super::OURS {
            return Err("another namespace than ours".to_owned());
        }
        Ok(Self {
            log_group: text(properties, &["LogGroupName"])?,
            pattern: Pattern::read(&text(properties, &["FilterPattern"])?)?,
            metric: text(transformation, &["MetricName"])?,
            value: text(transformation, &["MetricValue"])?,
            dimensions,
        })
    }

    /// What its metric is called.
    pub fn metric_name(&self) -> &str {
        &self.metric
    }

    /// Whether some line would become a point of this metric.
    pub fn makes(&self, (metric, dimensions): &Metric) -> bool {
        let (own, wanted) = (self.dimensions.iter().map(|(key, _)| key).collect::<Vec<_>>(), dimensions.keys().collect::<Vec<_>>());
        let is_said = |from: &str, value: &str| match &self.pattern {
            Pattern::Is { field, text } if from.strip_prefix("$.") == Some(field.as_str()) => text == "*" || text == value,
            _ => from != "$.function" || self.log_group == format!("{}Log", super::id_of(value)),
        };
        self.metric == *metric
            && own == wanted
            && self.dimensions.iter().all(|(key, from)| dimensions.get(key).is_some_and(|value| is_said(from, value)))
    }

    /// The point that it makes of a line; none, if the line does not match or lacks what the point is made of.
    pub fn point(&self, line: &Line) -> Option<(Metric, f64)> {
        let field = |name: &str| name.strip_prefix("$.").and_then(|name| line.get(name));
        if !self.pattern.matches(line) {
            return None;
        }
        let value = self.value.parse().ok().or_else(|| field(&self.value)?.as_f64())?;
        let named = self.dimensions.iter().map(|(key, from)| Some((key.clone(), field(from)?.as_str()?.to_owned())));
        Some(((self.metric.clone(), named.collect::<Option<_>>()?), value))
    }
}

#[test]
fn a_pattern_finds_what_cloudwatch_would_find() {
    let line = serde_json::json!({"signal": "failed", "unwrapped": 2, "status": "5"});
    for (pattern, finds) in [
        (r#"{ $.signal = "*" }"#, true),
        (r#"{ $.signal = "failed" }"#, true),
        (r#"{ $.signal = "fail" }"#, false),
        (r#"{ $.reason = "*" }"#, false),
        (r#"{ $.unwrapped = "*" }"#, false),
        ("{ $.unwrapped > 0 }", true),
        ("{ $.unwrapped > 2 }", false),
        ("{ $.status > 0 }", false),
        ("{ $.reason > 0 }", false),
    ] {
        assert_eq!(Pattern::read(pattern).unwrap().matches(&line), finds, "{pattern}");
    }
}

#[test]
fn a_pattern_that_is_not_known_is_refused() {
    for pattern in [
        "",
        "ERROR",
        "[a, b]",
        "{ $.signal = failed }",
        r#"{ $.signal = "fail*" }"#,
        r#"{ $.signal = "" }"#,
        r#"{ $.signal != "failed" }"#,
        r#"{ $.signal = "a" || $.signal = "b" }"#,
        "{ $.signal EXISTS }",
        "{ $.a.b > 0 }",
        "{ $.unwrapped > a }",
        "{$.unwrapped > 0}",
    ] {
        assert!(Pattern::read(pattern).is_err(), "{pattern}");
    }
}
