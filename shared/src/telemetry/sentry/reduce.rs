//! An event, as far as it is read: what was thrown, where, and in which browser. No other member is declared, so none can get out.
//! Source: <https://develop.sentry.dev/sdk/data-model/event-payloads/>.

use std::collections::VecDeque;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::agent;
use super::last::Last;
use crate::lenient::lenient;
use crate::telemetry::browser_error::{Browser, Exception, Frame, MOST_EXCEPTIONS, MOST_FRAMES, Os};
use crate::telemetry::scrub::Scrubbed;

/// The longest type of an exception, in characters.
const LONGEST_KIND: usize = 128;

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 1024;

/// The longest address of a script, in characters.
const LONGEST_FILE: usize = 512;

/// The longest name of a function, in characters.
const LONGEST_FUNCTION: usize = 256;

/// Lines and columns beyond it are nobody's: a number that long may be one that reaches somebody.
const LAST_PLACE: u32 = 10_000_000;

/// What is kept of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    /// What was thrown; what it was caused by comes before it. At least one.
    pub exceptions: Vec<Exception>,
    /// Which browser.
    pub browser: Option<Browser>,
    /// Which operating system.
    pub os: Option<Os>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, deserialize_with = "lenient")]
    exception: Option<Chain>,
    #[serde(default, deserialize_with = "lenient")]
    logentry: Option<Message>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<Message>,
}

/// Old SDKs leave the object around the list out.
#[derive(Deserialize)]
#[serde(from = "Box<RawValue>")]
struct Chain(VecDeque<Thrown>);

#[derive(Deserialize)]
struct Values {
    values: Last<Thrown, MOST_EXCEPTIONS>,
}

impl From<Box<RawValue>> for Chain {
    fn from(raw: Box<RawValue>) -> Self {
        let values = serde_json::from_str(raw.get()).map(|values: Values| values.values);
        Self(values.or_else(|_| serde_json::from_str(raw.get())).map(|values| values.0).unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Thrown {
    #[serde(default, deserialize_with = "lenient")]
    r#type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    value: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stacktrace: Option<Stack>,
}

#[derive(Deserialize)]
struct Stack {
    frames: Last<Call, MOST_FRAMES>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default, deserialize_with = "lenient")]
    filename: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    abs_path: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    function: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    lineno: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    colno: Option<u32>,
}

/// A text, or an object that holds it: filled in, else as it is to be filled in.
struct Message(String);

#[derive(Deserialize)]
struct Parts {
    #[serde(default, deserialize_with = "lenient")]
    formatted: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
}

/// Reads in one go, so that nothing of the other members is held.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Message;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, or an object that holds one")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Message, E> {
        Ok(Message(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Message, A::Error> {
        let parts = Parts::deserialize(MapAccessDeserializer::new(members))?;
        parts.formatted.or(parts.message).map(Message).ok_or_else(|| de::Error::missing_field("formatted"))
    }
}

/// What may leave of an event; `None` if it is none, or tells of nothing that was thrown or said. `user_agent` is that of the request which
/// brought it: what the event says of its own is not read.
#[must_use]
pub fn reduce(event: &[u8], user_agent: Option<&str>) -> Option<Reduced> {
    let event: Event = serde_json::from_slice(event).ok()?;
    let mut exceptions: Vec<_> = event.exception.into_iter().flat_map(|chain| chain.0).filter_map(Thrown::reduced).collect();
    if exceptions.is_empty() {
        let message = event.logentry.or(event.message)?.0;
        exceptions.push(Exception { kind: Scrubbed::of("Message"), message: Scrubbed::cut(&message, LONGEST_MESSAGE), frames: Vec::new() });
    }
    let (browser, os) = user_agent.map(agent::of).unwrap_or_default();
    Some(Reduced { exceptions, browser, os })
}

impl Thrown {
    fn reduced(self) -> Option<Exception> {
        let frames: Vec<_> = self.stacktrace.into_iter().flat_map(|stack| stack.frames.0).map(Call::reduced).collect();
        if self.r#type.is_none() && self.value.is_none() && frames.is_empty() {
            return None;
        }
        let kind = Scrubbed::cut(self.r#type.as_deref().unwrap_or("Error"), LONGEST_KIND);
        Some(Exception { kind, message: Scrubbed::cut(&self.value.unwrap_or_default(), LONGEST_MESSAGE), frames })
    }
}

impl Call {
    fn reduced(self) -> Frame {
        let file = self.filename.or(self.abs_path);
        Frame {
            file: file.map(|file| Scrubbed::cut(script(&file), LONGEST_FILE)),
            function: self.function.map(|function| Scrubbed::cut(&function, LONGEST_FUNCTION)),
            line: self.lineno.filter(|line| *line <= LAST_PLACE),
            column: self.colno.filter(|column| *column <= LAST_PLACE),
        }
    }
}

/// The address of a script without query and fragment, whatever stands in them; not where it is the tale of an `eval`, which has several. `&#` is
/// of an escaped letter.
fn script(file: &str) -> &str {
    if file.starts_with("eval at") || file.contains(" (") {
        return file;
    }
    let ends = |(at, mark): &(usize, &str)| *mark == "?" || !file.get(..*at).is_some_and(|before| before.ends_with('&'));
    file.match_indices(['?', '#']).find(ends).and_then(|(at, _)| file.get(..at)).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::telemetry::browser_error::BrowserName;

    fn reduced(event: &Value) -> Option<Reduced> {
        reduce(event.to_string().as_bytes(), None)
    }

    fn messages(event: &Value) -> Vec<String> {
        let exceptions = reduced(event).map(|reduced| reduced.exceptions).unwrap_or_default();
        exceptions.into_iter().map(|exception| format!("{}: {}", exception.kind.as_str(), exception.message.as_str())).collect()
    }

    #[test]
    fn what_was_thrown_is_kept_with_where() {
        let frame = json!({"filename": "https://x.example/app.js?v=1", "function": "render", "lineno": 1, "colno": 23, "in_app": true});
        let event = json!({"exception": {"values": [{"type": "TypeError", "value": "x is not a function", "stacktrace": {"frames": [frame]}, "mechanism": {}}]}});
        let exception = reduced(&event).unwrap().exceptions.remove(0);
        assert_eq!(exception.kind.as_str(), "TypeError");
        let left = json!({"file": "https://x.example/app.js", "function": "render", "line": 1, "column": 23});
        assert_eq!(serde_json::to_value(&exception.frames).unwrap(), json!([left]));
    }

    #[test]
    fn members_of_another_form_are_absent() {
        for (event, left) in [
            (json!({"exception": 5, "message": "m"}), vec!["Message: m"]),
            (
                json!({"exception": {"values": [5, null, {"type": 7, "value": "v", "stacktrace": []}, {"type": "T", "value": {}}]}}),
                vec!["Error: v", "T: "],
            ),
            (json!({"exception": [{"type": "T", "value": "v"}]}), vec!["T: v"]),
            (json!({"logentry": {"formatted": "a b", "message": "a %s"}}), vec!["Message: a b"]),
            (json!({"logentry": {"message": "a"}}), vec!["Message: a"]),
            (json!({"message": {"formatted": "f"}}), vec!["Message: f"]),
            (json!({"logentry": {"formatted": 5, "message": "a", "params": [[{}]]}}), vec!["Message: a"]),
            (json!({"logentry": {"params": ["a"]}, "message": "m"}), vec!["Message: m"]),
            (json!({"exception": {"values": []}, "message": 5}), vec![]),
            (json!({"exception": {"values": [{}]}}), vec![]),
            (json!({}), vec![]),
            (json!([]), vec![]),
        ] {
            assert_eq!(messages(&event), left, "{event}");
        }
        assert_eq!(reduce(b"{\"message\":\"\xff\"}", None), None);
        let odd = json!({"exception": {"values": [{"stacktrace": {"frames": [{"filename": 5, "lineno": -1, "colno": 1.5}]}}]}});
        assert_eq!(reduced(&odd).unwrap().exceptions[0].frames, [Frame { file: None, function: None, line: None, column: None }]);
    }

    #[test]
    fn the_last_thrown_and_the_innermost_calls_are_kept() {
        let frames: Vec<_> = (0..60).map(|line| json!({"lineno": line})).collect();
        let values: Vec<_> = (0..10).map(|number| json!({"type": format!("E{number}"), "stacktrace": {"frames": frames}})).collect();
        let exceptions = reduced(&json!({"exception": {"values": values}})).unwrap().exceptions;
        assert_eq!((exceptions.len(), exceptions[0].kind.as_str(), exceptions[7].kind.as_str()), (MOST_EXCEPTIONS, "E2", "E9"));
        assert_eq!(
            (exceptions[0].frames.len(), exceptions[0].frames[0].line, exceptions[0].frames[49].line),
            (MOST_FRAMES, Some(10), Some(59))
        );
    }

    #[test]
    fn the_browser_is_that_of_the_request_whatever_the_event_says() {
        let event = json!({"message": "m", "request": {"headers": {"User-Agent": "Firefox/133.0 Windows"}}}).to_string();
        let reduced = reduce(event.as_bytes(), Some("Chrome/131.0 X11")).unwrap();
        assert_eq!((reduced.browser, reduced.os), (Some(Browser { name: BrowserName::Chrome, version: Some(131) }), Some(Os::Linux)));
        assert_eq!(reduce(event.as_bytes(), None).unwrap().browser, None);
    }

    #[test]
    fn a_place_is_none_that_no_script_has() {
        let event = json!({"exception": {"values": [{"stacktrace": {"frames": [{"lineno": 10_000_000, "colno": 1_701_234_567}]}}]}});
        let frame = reduced(&event).unwrap().exceptions.remove(0).frames.remove(0);
        assert_eq!((frame.line, frame.column), (Some(10_000_000), None));
    }

    #[test]
    fn texts_are_as_long_as_they_may_be() {
        let event = json!({"exception": {"values": [{"type": "ab ".repeat(99), "value": "ab ".repeat(999)}]}});
        let exception = reduced(&event).unwrap().exceptions.remove(0);
        let lengths = [exception.kind, exception.message].map(|text| text.as_str().chars().count());
        assert!(lengths[0] <= LONGEST_KIND && lengths[1] <= LONGEST_MESSAGE && lengths[1] > 1000, "{lengths:?}");
    }
}
