//! Envelopes: what Sentry's SDK posts. A line of JSON about the whole; then each item as a line of JSON about it and its bytes, by their length or to
//! the end of the line. Items that are no events are passed over, as the SDK sends more than we ask for.
//! Source: <https://develop.sentry.dev/sdk/data-model/envelopes/>.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;
use thiserror::Error;

use crate::lenient::lenient;
use crate::problem::{Problem, Refusal};

/// The most bytes that are taken, packed or not.
pub const MOST_BYTES: usize = 1 << 20;

/// The most bytes that they may unpack to.
pub const MOST_UNPACKED_BYTES: usize = 4 << 20;

/// The most items that an envelope may have.
pub const MOST_ITEMS: usize = 50;

/// How many of them are looked at.
pub const MOST_ITEMS_READ: usize = 20;

/// The longest line of JSON about an envelope or an item.
pub const MOST_HEADER_BYTES: usize = 8 << 10;

/// Why an envelope was refused: names a part of it, never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadEnvelope {
    /// More bytes than are taken.
    #[error("body is longer than {0} bytes")]
    TooLarge(usize),
    /// A `Content-Encoding` other than gzip.
    #[error("body is packed in a way that is not taken")]
    UnknownEncoding,
    /// It says that it is packed, and is not.
    #[error("body cannot be unpacked")]
    NotPacked,
    /// More items than are taken.
    #[error("envelope has more than {MOST_ITEMS} items")]
    TooManyItems,
    /// A part is not as it should be.
    #[error("{field} {problem}")]
    Malformed {
        /// Which part.
        field: &'static str,
        /// What it should be.
        problem: &'static str,
    },
}

impl From<BadEnvelope> for Problem {
    fn from(bad: BadEnvelope) -> Self {
        match bad {
            BadEnvelope::TooLarge(limit) => Self::too_large("body", limit),
            BadEnvelope::UnknownEncoding => {
                Self::new(Refusal::UnsupportedType, bad.to_string()).told("content-encoding must be gzip or none")
            }
            BadEnvelope::NotPacked => Self::malformed("body", "must be packed as content-encoding says"),
            BadEnvelope::TooManyItems => Self::malformed("items", "must be 50 at most"),
            BadEnvelope::Malformed { field, problem } => Self::malformed(field, problem),
        }
    }
}

/// The bytes of a body, unpacked.
///
/// # Errors
/// [`BadEnvelope`] if they are too many, or packed in another way than gzip.
pub fn unpack<'b>(body: &'b [u8], content_encoding: Option<&str>) -> Result<Cow<'b, [u8]>, BadEnvelope> {
    if body.len() > MOST_BYTES {
        return Err(BadEnvelope::TooLarge(MOST_BYTES));
    }
    match content_encoding.map(|encoding| encoding.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => Ok(Cow::Borrowed(body)),
        Some("gzip" | "x-gzip") => {
            let (mut unpacked, limit) = (Vec::new(), u64::try_from(MOST_UNPACKED_BYTES).unwrap_or(u64::MAX));
            GzDecoder::new(body).take(limit + 1).read_to_end(&mut unpacked).map_err(|_| BadEnvelope::NotPacked)?;
            if unpacked.len() > MOST_UNPACKED_BYTES { Err(BadEnvelope::TooLarge(MOST_UNPACKED_BYTES)) } else { Ok(Cow::Owned(unpacked)) }
        }
        Some(_) => Err(BadEnvelope::UnknownEncoding),
    }
}

/// An envelope, as far as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'b> {
    /// The project that it is meant for, as the SDK was told.
    pub dsn: Option<String>,
    /// What the SDK calls its event: 32 hex digits.
    pub event_id: Option<String>,
    /// The events, unread.
    pub events: Vec<&'b [u8]>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default, deserialize_with = "lenient")]
    dsn: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    event_id: Option<String>,
}

#[derive(Deserialize)]
struct ItemHeader {
    r#type: String,
    // `null` is as good as nothing; everything else must be a length.
    length: Option<usize>,
}

impl<'b> Envelope<'b> {
    /// Takes an unpacked body apart.
    ///
    /// # Errors
    /// [`BadEnvelope`] that names the part which is not as it should be.
    pub fn parse(body: &'b [u8]) -> Result<Self, BadEnvelope> {
        let (line, mut rest) = header_line(body, "envelope header")?;
        let header: Header = object(line).ok_or(BadEnvelope::Malformed { field: "envelope header", problem: "must be a JSON object" })?;
        let (mut events, mut items) = (Vec::new(), 0);
        while rest.iter().any(|byte| !matches!(byte, b'\n' | b'\r')) {
            items += 1;
            if items > MOST_ITEMS {
                return Err(BadEnvelope::TooManyItems);
            }
            let (line, behind) = header_line(rest, "item header")?;
            let item = item_header(line)?;
            let (payload, behind) = match item.length {
                Some(length) => of_length(behind, length)?,
                None => to_line_end(behind),
            };
            rest = behind;
            if item.r#type == "event" && items <= MOST_ITEMS_READ {
                str::from_utf8(payload).map_err(|_| BadEnvelope::Malformed { field: "event", problem: "must be UTF-8" })?;
                events.push(payload);
            }
        }
        Ok(Self { dsn: header.dsn, event_id: header.event_id.as_deref().and_then(event_id), events })
    }
}

fn header_line<'b>(text: &'b [u8], field: &'static str) -> Result<(&'b [u8], &'b [u8]), BadEnvelope> {
    let (line, rest) = to_line_end(text);
    if line.len() > MOST_HEADER_BYTES {
        Err(BadEnvelope::Malformed { field, problem: "must be a line of 8 KiB at most" })
    } else {
        Ok((line, rest))
    }
}

/// Structs are read from lists too, which is nobody's form here.
fn object<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Option<T> {
    let text = str::from_utf8(line).ok()?;
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok())?
}

fn item_header(line: &[u8]) -> Result<ItemHeader, BadEnvelope> {
    object(line).ok_or_else(|| {
        let typed = object::<serde_json::Value>(line).is_some_and(|header| header.get("type").is_some_and(serde_json::Value::is_string));
        if typed {
            BadEnvelope::Malformed { field: "item length", problem: "must be a number of bytes" }
        } else {
            BadEnvelope::Malformed { field: "item header", problem: "must be a JSON object with a type" }
        }
    })
}

fn to_line_end(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), text.get(end + 1..).unwrap_or_default())
}

fn of_length(text: &[u8], length: usize) -> Result<(&[u8], &[u8]), BadEnvelope> {
    let wrong = BadEnvelope::Malformed { field: "item length", problem: "must be that of the item" };
    let (payload, rest) = text.split_at_checked(length).ok_or(wrong)?;
    match rest.split_first() {
        None => Ok((payload, rest)),
        Some((b'\n', rest)) => Ok((payload, rest)),
        Some(_) => Err(wrong),
    }
}

/// 32 hex digits, with or without the dashes of a UUID.
fn event_id(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect::<String>().to_ascii_lowercase();
    (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const HEADER: &str =
        r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://k@sentry.example/1","sent_at":"x","sdk":{"name":"j"}}"#;

    fn field(body: &[u8]) -> &'static str {
        match Envelope::parse(body).unwrap_err() {
            BadEnvelope::Malformed { field, .. } => field,
            other => panic!("{other}"),
        }
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn an_envelope_says_for_whom_it_is_and_holds_events() {
        let body = format!(
            "{HEADER}\n{{\"type\":\"session\"}}\n{{}}\n{{\"type\":\"event\",\"length\":7}}\n{{\"a\":\n}}\n{{\"type\":\"event\"}}\n{{\"b\":1}}\n\n"
        );
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(envelope.dsn.as_deref(), Some("https://k@sentry.example/1"));
        assert_eq!(envelope.event_id.as_deref(), Some("9ec79c33ec9942ab8353589fcb2e04dc"));
        assert_eq!(envelope.events, [&b"{\"a\":\n}"[..], b"{\"b\":1}"]);
    }

    #[test]
    fn an_envelope_may_be_empty_and_an_items_end_its_own() {
        assert_eq!(Envelope::parse(b"{}").unwrap(), Envelope { dsn: None, event_id: None, events: Vec::new() });
        assert_eq!(Envelope::parse(b"{}\n\n").unwrap().events.len(), 0);
        assert_eq!(Envelope::parse(b"{}\n{\"type\":\"event\",\"length\":2}\n{}").unwrap().events, [b"{}"]);
        assert_eq!(
            Envelope::parse(b"{}\n{\"type\":\"attachment\",\"length\":3}\n\n\xff\n\n{\"type\":\"event\"}\n{}").unwrap().events,
            [b"{}"]
        );
        assert_eq!(
            Envelope::parse(b"{\"dsn\":5,\"event_id\":\"../x\"}").unwrap(),
            Envelope { dsn: None, event_id: None, events: Vec::new() }
        );
    }

    #[test]
    fn what_is_no_envelope_is_refused_by_the_part_at_fault() {
        for (body, part) in [
            (&b""[..], "envelope header"),
            (b"[]", "envelope header"),
            (b"\xff\xfe{}", "envelope header"),
            (b"{\"a\":\"\xff\"}", "envelope header"),
            (b"{}\nhello", "item header"),
            (b"{}\n{\"length\":2}\n{}", "item header"),
            (b"{}\n{\"type\":\"event\",\"length\":\"2\"}\n{}", "item length"),
            (b"{}\n{\"type\":\"event\",\"length\":-2}\n{}", "item length"),
            (b"{}\n{\"type\":\"event\",\"length\":3}\n{}", "item length"),
            (b"{}\n{\"type\":\"event\",\"length\":1}\n{}", "item length"),
            (b"{}\n{\"type\":\"event\",\"length\":18446744073709551615}\n{}", "item length"),
            (b"{}\n{\"type\":\"event\"}\n{\"a\":\"\xff\"}", "event"),
        ] {
            assert_eq!(field(body), part, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(field(format!("{{\"a\":\"{}\"}}", "x".repeat(MOST_HEADER_BYTES)).as_bytes()), "envelope header");
    }

    #[test]
    fn only_the_first_items_are_read_and_too_many_are_refused() {
        let with = |count: usize| format!("{{}}\n{}", "{\"type\":\"event\"}\n{}\n".repeat(count));
        assert_eq!(Envelope::parse(with(MOST_ITEMS).as_bytes()).unwrap().events.len(), MOST_ITEMS_READ);
        assert_eq!(Envelope::parse(with(MOST_ITEMS + 1).as_bytes()), Err(BadEnvelope::TooManyItems));
    }

    #[test]
    fn what_is_packed_is_unpacked_up_to_a_limit() {
        assert_eq!(unpack(b"{}", None).unwrap(), &b"{}"[..]);
        assert_eq!(unpack(&packed(b"{}"), Some("GZIP")).unwrap(), &b"{}"[..]);
        assert_eq!(unpack(b"{}", Some("gzip")), Err(BadEnvelope::NotPacked));
        assert_eq!(unpack(b"{}", Some("br")), Err(BadEnvelope::UnknownEncoding));
        assert_eq!(unpack(&vec![b' '; MOST_BYTES + 1], None), Err(BadEnvelope::TooLarge(MOST_BYTES)));
        assert_eq!(unpack(&packed(&vec![b' '; MOST_UNPACKED_BYTES]), Some("gzip")).unwrap().len(), MOST_UNPACKED_BYTES);
        assert_eq!(unpack(&packed(&vec![b' '; 10 << 20]), Some("gzip")), Err(BadEnvelope::TooLarge(MOST_UNPACKED_BYTES)));
    }
}
