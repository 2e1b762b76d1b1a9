//! What is taken of a line of the log: which function was called when, how that ended, and for whom, as a mark. Everything else in a line is never
//! looked at, and what does not have the form of these few members is no line of a call.

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::counters::Counter;
use super::day::Day;
use crate::connect::catalogue::Catalogue;
use crate::telemetry::metrics::{FunctionName, Outcome};

/// What stands for a tenant on one day, as the log has it: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark([u8; 16]);

impl Mark {
    /// The mark that is written so.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut mark = [0; 16];
        hex::decode_to_slice(text, &mut mark).ok()?;
        let mark = Self(mark);
        (mark.text() == text).then_some(mark)
    }

    /// As it is written.
    pub(super) fn text(self) -> String {
        hex::encode(self.0)
    }
}

/// One call, as its line tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// When it ended, in epoch seconds.
    pub(super) at: i64,
    pub(super) function: FunctionName,
    pub(super) outcome: Outcome,
    pub(super) nanoseconds: u64,
    /// The function did what it was asked.
    succeeded: bool,
    /// The app, and the tenant that was proved, if one was.
    tenant: Option<(&'static str, Mark)>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    faas: Faas,
    event: Event,
    #[serde(default)]
    http: Http,
    #[serde(default)]
    labels: Labels,
}

#[derive(Deserialize)]
struct Faas {
    name: String,
}

#[derive(Deserialize)]
struct Event {
    outcome: Ended,
    /// Only the one line of a call has it.
    duration: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ended {
    Success,
    Failure,
}

#[derive(Default, Deserialize)]
struct Http {
    #[serde(default)]
    response: Response,
}

#[derive(Default, Deserialize)]
struct Response {
    status_code: Option<u16>,
}

#[derive(Default, Deserialize)]
struct Labels {
    app: Option<String>,
    tenant: Option<String>,
}

impl Call {
    /// The call that a line tells of; none, if it is no such line.
    pub(super) fn read(line: &str) -> Option<Self> {
        let Line { timestamp, faas, event, http, labels } = serde_json::from_str(line).ok()?;
        let at = OffsetDateTime::parse(&timestamp, &Rfc3339).ok()?.unix_timestamp();
        let outcome = match (http.response.status_code, event.outcome) {
            (Some(400..=499), _) => Outcome::Refused,
            (_, Ended::Success) => Outcome::Success,
            (_, Ended::Failure) => Outcome::Failure,
        };
        let tenant = match (labels.app, labels.tenant) {
            (Some(app), Some(tenant)) => Some((Catalogue::hosted().find(&app)?.slug, Mark::read(&tenant)?)),
            _ => None,
        };
        let (function, succeeded) = (FunctionName::of(&faas.name)?, event.outcome == Ended::Success);
        Some(Self { at, function, outcome, nanoseconds: event.duration, succeeded, tenant })
    }

    /// What it counts for: a tenant has used a function, and got what it asked for.
    pub(super) fn counter(&self) -> Option<Counter> {
        let (app, mark) = self.tenant.filter(|_| self.succeeded)?;
        Some(Counter { day: Day::of(self.at)?, app, function: self.function, mark })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const MARK: &str = "00112233445566778899aabbccddeeff";

    fn line() -> Value {
        json!({
            "@timestamp": "2026-11-22T12:00:00.123Z", "log": {"level": "info"}, "message": "answered", "faas": {"name": "configuration"},
            "event": {"kind": "event", "outcome": "success", "duration": 12_000_000},
            "http": {"request": {"method": "GET"}, "response": {"status_code": 200}},
            "labels": {"route": "/{app}/configuration/{name}", "app": "test-management", "tenant": MARK},
            "Function": "configuration",
        })
    }

    /// The line with `value` where `path` leads.
    fn with(path: &str, value: Value) -> Option<Call> {
        let mut line = line();
        let (parent, name) = path.rsplit_once('/').unwrap();
        line.pointer_mut(parent).unwrap()[name] = value;
        Call::read(&line.to_string())
    }

    #[test]
    fn a_line_is_a_call_of_a_function_by_a_tenant_on_a_day() {
        let call = Call::read(&line().to_string()).unwrap();
        assert_eq!((call.at, call.function.as_str(), call.nanoseconds), (1_795_348_800, "configuration", 12_000_000));
        let counter = call.counter().unwrap();
        assert_eq!(
            (counter.day.to_string().as_str(), counter.app, counter.mark),
            ("2026-11-22", "test-management", Mark::read(MARK).unwrap())
        );
        let over_there = with("/@timestamp", "2026-11-23T00:30:00+01:00".into()).unwrap();
        assert_eq!(over_there.counter().unwrap().day.to_string(), "2026-11-22", "days are those of UTC");
    }

    #[test]
    fn what_has_not_the_form_of_a_call_is_no_call() {
        let long = "0".repeat(33);
        for (path, value) in [
            ("/@timestamp", json!("yesterday")),
            ("/@timestamp", json!(1_795_348_800)),
            ("/faas/name", json!("another")),
            ("/faas/name", Value::Null),
            ("/event/outcome", json!("unknown")),
            ("/event/duration", Value::Null),
            ("/event/duration", json!(-1)),
            ("/event/duration", json!("12")),
            ("/http/response", json!({"status_code": "200"})),
            ("/labels/app", json!("other")),
            ("/labels/tenant", json!("")),
            ("/labels/tenant", json!(long)),
            ("/labels/tenant", json!(MARK.to_uppercase())),
            ("/labels/tenant", json!("557058:0f4a3c2b-1111-2222-3333-44445555")),
        ] {
            assert_eq!(with(path, value.clone()), None, "{path} {value}");
        }
        for text in ["", "{}", "[]", "null", "START RequestId: 1", "{\"event\":{\"duration\":1}}"] {
            assert_eq!(Call::read(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_a_proven_tenant_got_is_counted() {
        for (path, value) in [("/labels/tenant", Value::Null), ("/labels/app", Value::Null), ("/event/outcome", json!("failure"))] {
            assert_eq!(with(path, value).unwrap().counter(), None, "{path}");
        }
    }

    #[test]
    fn a_call_succeeds_is_refused_or_fails() {
        for (status, ended, outcome) in [
            (json!(200), "success", Outcome::Success),
            (Value::Null, "success", Outcome::Success),
            (json!(404), "success", Outcome::Refused),
            (json!(401), "failure", Outcome::Refused),
            (json!(503), "failure", Outcome::Failure),
            (Value::Null, "failure", Outcome::Failure),
        ] {
            let mut line = line();
            line["http"]["response"]["status_code"] = status;
            line["event"]["outcome"] = ended.into();
            assert_eq!(Call::read(&line.to_string()).unwrap().outcome, outcome, "{line}");
        }
        let mut line = line();
        line.as_object_mut().unwrap().remove("http");
        assert_eq!(Call::read(&line.to_string()).unwrap().outcome, Outcome::Success, "a run has no status");
    }

    proptest! {
        /// Promise A-12: whatever else a line holds makes no difference.
        #[test]
        fn nothing_else_of_a_line_is_read(name in "[a-z_.]{1,12}", text: String) {
            let plain = Call::read(&line().to_string()).unwrap();
            for part in ["", "/labels", "/event", "/http", "/http/response", "/faas"] {
                let mut more = line();
                let part = more.pointer_mut(part).unwrap().as_object_mut().unwrap();
                prop_assume!(!part.contains_key(&name));
                part.insert(name.clone(), text.clone().into());
                prop_assert_eq!(Call::read(&more.to_string()), Some(plain.clone()));
            }
        }

        #[test]
        fn no_text_is_too_odd_to_be_skipped(text: String) {
            prop_assert_eq!(Call::read(&text), None);
        }
    }
}
