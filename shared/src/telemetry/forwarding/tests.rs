use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::telemetry::browser_error::{Browser, BrowserError, BrowserName, Exception, Frame, Os};
use crate::telemetry::metrics::{FunctionName, Metric, Outcome};
use crate::telemetry::page_view::PageView;
use crate::telemetry::scrub::Scrubbed;

/// Every member that holds a value, by its path.
fn fields(of: &impl Serialize) -> BTreeSet<String> {
    fn walk(value: &Value, path: String, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    walk(value, if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, into);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, format!("{path}[]"), into)),
            _ => drop(into.insert(path)),
        }
    }
    let mut fields = BTreeSet::new();
    walk(&serde_json::to_value(of).unwrap(), String::new(), &mut fields);
    fields
}

fn registered(destination: Destination) -> BTreeSet<String> {
    destination.sink().fields.iter().map(|field| (*field).to_owned()).collect()
}

/// An error that has everything that there can be.
fn error() -> BrowserError {
    let text = |text: &str| Scrubbed::from(text.to_owned());
    BrowserError {
        event_id: "0".repeat(32),
        at: 1_795_348_800,
        addon_key: "io.lethe.test-management".to_owned(),
        client_key: "acme-client-key".to_owned(),
        base_url: "https://acme.atlassian.net".to_owned(),
        tracking_id: "1".repeat(32),
        exceptions: vec![Exception {
            kind: text("TypeError"),
            message: text("x is not a function"),
            frames: vec![Frame { file: Some(text("app.js")), function: Some(text("render")), line: Some(1), column: Some(2) }],
        }],
        browser: Some(Browser { name: BrowserName::Firefox, version: Some(145) }),
        os: Some(Os::MacOs),
    }
}

fn view() -> PageView {
    serde_json::from_value(
        json!({"page": "/test-management/page", "referrer": "https://your-site.atlassian.net/browse/:id", "tenant": "2".repeat(32)}),
    )
    .unwrap()
}

fn point() -> Point {
    Point {
        metric: Metric::Calls,
        minute: 1_795_348_800,
        function: FunctionName::of("page").unwrap(),
        outcome: Outcome::Success,
        value: 3.0,
    }
}

/// Promises.
#[test]
fn sentry_gets_the_registered_fields_and_no_others() {
    assert_eq!(fields(&sentry::Event::of(&error())), registered(Destination::Sentry));
}

/// Promises.
#[test]
fn google_gets_the_registered_fields_and_no_others() {
    let public = Url::parse("https://eu.lethe.example").unwrap();
    let view = view();
    let collected = ga4::Collected::of(&view, &public, [7; 16]);
    assert_eq!(fields(&collected), registered(Destination::GoogleAnalytics));
    let params = json!({"page_location": "https://eu.lethe.example/test-management/page",
        "page_referrer": "https://your-site.atlassian.net/browse/:id", "tenant": "2".repeat(32)});
    let expected = json!({"client_id": "07".repeat(16), "events": [{"name": "page_view", "params": params}]});
    assert_eq!(serde_json::to_value(collected).unwrap(), expected);
}

/// Promises.
#[test]
fn datadog_gets_the_registered_fields_and_no_others() {
    let submitted = datadog::Submitted::of(&[point()], "eu-west-1", "0a0b0c0d");
    assert_eq!(fields(&submitted), registered(Destination::Datadog));
    let tags = ["function:page", "outcome:success", "region:eu-west-1", "forwarder:0a0b0c0d"];
    let series = json!({"metric": "lethe.calls", "type": 1, "interval": 60, "unit": "request",
        "points": [{"timestamp": 1_795_348_800, "value": 3.0}], "tags": tags});
    assert_eq!(serde_json::to_value(submitted).unwrap(), json!({"series": [series]}));
}

/// A letter of another shape is dead at once, so what is in the queue while a release goes out must stay readable.
#[test]
fn letters_are_read_as_they_always_were() {
    for (letter, destination) in [
        (
            json!({"outgoing": {"pageView": {"page": "/test-management/page", "referrer": null, "tenant": "t"}}, "at": 1, "tried": 2}),
            Destination::GoogleAnalytics,
        ),
        (
            json!({"outgoing": {"metrics": [{"metric": "lethe.calls", "minute": 0, "function": "page", "outcome": "success", "value": 1.0}]}, "at": 1}),
            Destination::Datadog,
        ),
        (json!({"outgoing": {"browserError": serde_json::to_value(error()).unwrap()}, "at": 1, "notBefore": 9}), Destination::Sentry),
    ] {
        let read: Letter = serde_json::from_value(letter).unwrap();
        assert_eq!(read.outgoing.destination(), destination);
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Letter>(&written).unwrap(), read);
        assert_eq!(kind(&written).is_some(), destination == Destination::Datadog);
    }
}
