//! Concurrency by revision: every writing gives a record a new one, an `ETag` shows it, `If-Match` and `If-None-Match` ask for it
//! (RFC 9110, sections 8.8.3 and 13.1).

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::platform::random::{Random, Unavailable};
use crate::problem::Problem;

/// One writing of one record: how many there were, and which this is. The second half lets a writer whose answer was lost recognise its own
/// writing, and keeps a record that was deleted and made again from looking like the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub(crate) number: u64,
    pub(crate) writing: String,
}

impl Revision {
    /// A name for a writing that is about to happen: 8 random bytes in hex.
    pub(crate) fn new_writing(random: &dyn Random) -> Result<String, Unavailable> {
        let mut bytes = [0; 8];
        random.fill(&mut bytes)?;
        Ok(hex::encode(bytes))
    }

    /// Whether the record was not there before.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.number == 1
    }

    /// The revision as an `ETag`.
    #[must_use]
    pub fn etag(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).unwrap_or(HeaderValue::from_static("\"\""))
    }

    fn parse(etag: &str) -> Option<Self> {
        let (number, writing) = etag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
        let named = writing.len() == 16 && writing.bytes().all(|byte| byte.is_ascii_hexdigit());
        named.then_some(Self { number: number.parse().ok()?, writing: writing.to_owned() })
    }

    /// Whether `If-None-Match` says that the caller has this revision already; weak comparison, as a GET asks for.
    #[must_use]
    pub fn is_known_to(&self, headers: &HeaderMap) -> bool {
        is_known(headers, &self.to_string())
    }
}

/// Whether `If-None-Match` names this tag, quotes included, or any: then the caller has what would be answered (RFC 9110, section 13.1.2).
#[must_use]
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|list| list.split(',')).map(str::trim).any(|known| known.trim_start_matches("W/") == etag || known == "*")
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}-{}\"", self.number, self.writing)
    }
}

/// What must hold of a record before it is written or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: the last writer wins.
    None,
    /// It is there, at whatever revision.
    Present,
    /// It is at this revision.
    At(Revision),
    /// It is not there.
    Absent,
}

impl Precondition {
    /// Reads `If-Match` (one strong tag, or `*`) and `If-None-Match` (`*`).
    ///
    /// # Errors
    /// 400 that names the header where it is of another form, or where both are there.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let if_match = single(headers, &header::IF_MATCH)?;
        let if_none_match = single(headers, &header::IF_NONE_MATCH)?;
        match (if_match, if_none_match) {
            (None, None) => Ok(Self::None),
            (Some("*"), None) => Ok(Self::Present),
            // A tag that we never gave cannot be current, so it is a conflict and not a malformed request.
            (Some(etag), None) if etag.starts_with('"') && etag.ends_with('"') && etag.len() > 1 && !etag.contains(',') => {
                Ok(Self::At(Revision::parse(etag).unwrap_or(Revision { number: 0, writing: String::new() })))
            }
            (Some(_), None) => Err(Problem::malformed("if-match", "must be one strong entity tag or *")),
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(_)) => Err(Problem::malformed("if-none-match", "must be * here")),
            (Some(_), Some(_)) => Err(Problem::malformed("if-match", "must not stand beside if-none-match")),
        }
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(|text| Some(text.trim())).map_err(|_| Problem::malformed(name.to_string(), "must be text"))
        }
        (Some(_), Some(_)) => Err(Problem::malformed(name.to_string(), "must stand once")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn an_etag_names_the_revision_it_came_from() {
        let revision = Revision { number: 7, writing: "0123456789abcdef".to_owned() };
        assert_eq!(revision.etag(), "\"7-0123456789abcdef\"");
        assert_eq!(Precondition::of(&headers(&[("if-match", "\"7-0123456789abcdef\"")])).unwrap(), Precondition::At(revision.clone()));
        assert!(revision.is_known_to(&headers(&[("if-none-match", "\"1-0000000000000000\", W/\"7-0123456789abcdef\"")])));
        assert!(!revision.is_known_to(&headers(&[("if-none-match", "\"8-0123456789abcdef\"")])));
    }

    #[test]
    fn a_precondition_of_another_form_is_refused_by_its_header() {
        for (name, value) in [("if-match", "7"), ("if-match", "W/\"7\""), ("if-match", "\"1\", \"2\""), ("if-none-match", "\"7\"")] {
            assert!(Precondition::of(&headers(&[(name, value)])).is_err(), "{name}: {value}");
        }
        assert!(Precondition::of(&headers(&[("if-match", "*"), ("if-none-match", "*")])).is_err());
    }

    #[test]
    fn a_tag_that_we_never_gave_is_a_revision_that_never_was() {
        let never = Revision { number: 0, writing: String::new() };
        assert_eq!(Precondition::of(&headers(&[("if-match", "\"someone-elses\"")])).unwrap(), Precondition::At(never));
    }
}
