//! The dates of a certificate: whole seconds of UTC, written in the one way that RFC 3339 has with a `Z` and no fraction.

use std::fmt;

use serde::de::{Deserializer, Error as _, Unexpected};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::platform::clock::rfc3339;

/// A second of UTC. One outside the years 0 to 9999 cannot be written into a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Second(i64);

impl Second {
    /// The second that begins this many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn at(epoch_seconds: i64) -> Self {
        Self(epoch_seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn epoch_seconds(self) -> i64 {
        self.0
    }

    fn written(self) -> Option<String> {
        OffsetDateTime::from_unix_timestamp(self.0).ok()?.format(&Rfc3339).ok()
    }

    fn read(text: &str) -> Option<Self> {
        let second = Self(OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp());
        // Offsets, fractions and small letters are other ways to write a second that has one already.
        (second.written()? == text).then_some(second)
    }
}

impl fmt::Display for Second {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&rfc3339(self.0))
    }
}

impl Serialize for Second {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written().ok_or_else(|| S::Error::custom("a date outside the years 0 to 9999"))?)
    }
}

impl<'de> Deserialize<'de> for Second {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"a second like 2026-01-31T12:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_written_in_one_way_only() {
        let second = Second::at(1_800_000_000);
        assert_eq!(serde_json::to_string(&second).unwrap(), r#""2027-01-15T08:00:00Z""#);
        assert_eq!(Second::read("2027-01-15T08:00:00Z"), Some(second));
        for other in ["2027-01-15T08:00:00+00:00", "2027-01-15T09:00:00+01:00", "2027-01-15T08:00:00.0Z", "2027-01-15t08:00:00Z", ""] {
            assert_eq!(Second::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_date_that_no_calendar_has_is_not_written() {
        assert!(serde_json::to_string(&Second::at(i64::MAX)).is_err());
        assert!(serde_json::to_string(&Second::at(253_402_300_800)).is_err());
    }
}
