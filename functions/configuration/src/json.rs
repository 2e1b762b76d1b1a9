//! What counts as JSON here: one value in UTF-8 whose objects name no member twice, since readers disagree about which one counts.

use std::collections::HashSet;
use std::fmt;

use axum::http::{HeaderMap, header};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use shared::problem::{Problem, Refusal};

/// Refuses a body that says it is something else.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    // Nothing is unpacked here, so packed bytes must not pass for the JSON in them.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(Refusal::UnsupportedType, "content-encoding"));
    }
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = named.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(Refusal::UnsupportedType, "not application/json"))
}

/// The text, if it is JSON. serde_json allows 127 levels and no more.
pub(crate) fn check(body: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("body", "must be UTF-8"))?;
    serde_json::from_str::<Unambiguous>(text)
        .map_err(|fault| match fault.classify() {
            serde_json::error::Category::Data => Problem::malformed("body", "must not name a member twice"),
            _ => Problem::malformed("body", "must be one JSON value, nested 127 deep at most"),
        })
        .map(|Unambiguous| text)
}

/// Any JSON value, read only to see that it means one thing.
struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Unambiguous;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_unit<E: Error>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unambiguous, A::Error> {
        while items.next_element::<Unambiguous>()?.is_some() {}
        Ok(Unambiguous)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unambiguous, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                members.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("a member is named twice"));
            }
            members.next_value::<Unambiguous>()?;
        }
        Ok(Unambiguous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_one_value_is_json() {
        for text in ["null", "true", "-1.5e300", "\"\\u00e4\"", "[]", "{\"a\":[1,{\"b\":null}]}", " {} ", "123456789012345678901234567890"]
        {
            assert_eq!(check(text.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_one_clear_value_is_refused() {
        let deep = "[".repeat(128) + &"]".repeat(128);
        for text in ["", "{", "{} {}", "nil", "{\"a\":1,\"a\":1}", "[{\"b\":{\"a\":1,\"a\":2}}]", "{\"a\":1,\"\\u0061\":2}", "1e999", &deep]
        {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(check(b"\"\xff\"").is_err());
    }
}
