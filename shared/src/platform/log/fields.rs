//! What may be told: the closed list of fields, and the form that each one's value has. What is on no list is dropped, and what is not of its
//! form too, so that a text which somebody typed finds no way out by being put into the wrong field.

use std::fmt::Debug;

use tracing::field::{Field, Visit};

use crate::platform::signal::Signal;

/// What lines say. A message that is none of these, or has something put into it, is left out of its line.
pub const MESSAGES: [&str; 22] = [
    "a hold stands so long that the deadline cannot be met: the promise is suspended",
    "a purge is late",
    "an answer's body broke off",
    "an attachment broke off",
    "an outcome is not in the audit",
    "answered",
    "believed without the site's word",
    "cannot make an http client",
    "counts as gone",
    "datadog is off",
    "failed",
    "google analytics is off",
    "handled",
    "incident: a leaving was due whose tenant is not there",
    "incident: a tenant has left whose key item is missing",
    "incident: a tenant has left, and its departure is lost",
    "incident: something was left after a purge, which starts over",
    "left for the next run",
    "panicked",
    "points are too old",
    "ran",
    "sentry is off",
];

/// Methods of HTTP; a caller may send any other word as one.
const METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// A reason is a sentence of ours, with names of AWS's operations and of fields at most.
const LONGEST_REASON: usize = 256;

/// The form of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One of [`MESSAGES`].
    Message,
    /// The name of a [`Signal`].
    Signal,
    /// A method of HTTP; any other is told as `other`.
    Method,
    /// A sentence; what is too long is cut.
    Reason,
    /// Letters, digits and these, up to so many.
    Plain(&'static str, usize),
    /// So many hexadecimal digits.
    Hex(usize),
    /// A whole number from 0 on.
    Number,
    /// Yes or no.
    Truth,
}

/// The fields of our own events and spans.
pub const FIELDS: [(&str, Form); 23] = [
    ("app", Form::Plain("-", 64)),
    ("at_millis", Form::Number),
    ("cause", Form::Plain("-", 64)),
    ("counts", Form::Plain("-= ", 1024)),
    ("digest", Form::Hex(64)),
    ("duration_nanos", Form::Number),
    ("entry", Form::Plain("-:.#", 64)),
    ("file", Form::Plain("-_./", 256)),
    ("function", Form::Plain("-", 64)),
    ("line", Form::Number),
    ("message", Form::Message),
    ("method", Form::Method),
    ("namespace", Form::Plain("-_./:#", 255)),
    ("outcome", Form::Plain("-", 64)),
    ("reason", Form::Reason),
    ("region", Form::Plain("-", 64)),
    ("route", Form::Plain("-_./{}*", 128)),
    ("signal", Form::Signal),
    ("stage", Form::Plain("-", 64)),
    ("status", Form::Number),
    ("succeeded", Form::Truth),
    ("tenant", Form::Hex(32)),
    ("unwrapped", Form::Number),
];

/// The fields of one event or span that passed.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Vec<(&'static str, Value)>);

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Number(u64),
    Truth(bool),
}

impl Told {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.find(name).and_then(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None })
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.find(name).and_then(|value| if let Value::Number(number) = value { Some(*number) } else { None })
    }

    pub(super) fn truth(&self, name: &str) -> Option<bool> {
        self.find(name).and_then(|value| if let Value::Truth(is) = value { Some(*is) } else { None })
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn put(&mut self, field: &Field, read: impl FnOnce(Form) -> Option<Value>) {
        let known = FIELDS.iter().find(|(name, _)| *name == field.name());
        self.0.extend(known.and_then(|(name, form)| Some((*name, read(*form)?))));
    }
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, text: &str) {
        self.put(field, |form| form.text(text).map(Value::Text));
    }

    fn record_u64(&mut self, field: &Field, number: u64) {
        self.put(field, |form| (form == Form::Number).then_some(Value::Number(number)));
    }

    fn record_i64(&mut self, field: &Field, number: i64) {
        if let Ok(number) = u64::try_from(number) {
            self.record_u64(field, number);
        }
    }

    fn record_bool(&mut self, field: &Field, is: bool) {
        self.put(field, |form| (form == Form::Truth).then_some(Value::Truth(is)));
    }

    /// Messages come this way, and what is told by its `Display`.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, |form| form.text(&format!("{value:?}")).map(Value::Text));
    }
}

impl Form {
    /// The text as it may be told, if it may.
    fn text(self, text: &str) -> Option<String> {
        let one_of = |known: &[&str]| known.contains(&text).then(|| text.to_owned());
        let is_plain = |more: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter));
        match self {
            Self::Message => one_of(&MESSAGES),
            Self::Signal => Signal::ALL.iter().any(|signal| signal.name() == text).then(|| text.to_owned()),
            Self::Method => one_of(&METHODS).or_else(|| Some("other".to_owned())),
            Self::Reason => Some(text.chars().take(LONGEST_REASON).collect()).filter(|reason: &String| !reason.is_empty()),
            Self::Plain(more, longest) => (!text.is_empty() && text.len() <= longest && is_plain(more)).then(|| text.to_owned()),
            Self::Hex(digits) => {
                let is_hex = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                is_hex.then(|| text.to_owned())
            }
            Self::Number | Self::Truth => None,
        }
    }
}
