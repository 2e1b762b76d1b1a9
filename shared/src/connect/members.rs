//! The members of one JSON object, taken out by name.
//!
//! Promises that a name given twice is noticed, which `serde_json::Value` hides by keeping the last one: two readers of one signed text
//! must never see two different values. Refuses what is not UTF-8, not one object, or nested deeper than `serde_json` goes (128).

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The text is not one JSON object. What was wrong with it stays unsaid, because parsers quote what they read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAnObject;

/// The member is there more than once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenTwice;

/// Names are the text's own where they are written plainly.
pub(super) struct Members<'a> {
    values: BTreeMap<Cow<'a, str>, Value>,
    twice: BTreeSet<Cow<'a, str>>,
}

impl<'a> Members<'a> {
    pub(super) fn parse(json: &'a [u8]) -> Result<Self, NotAnObject> {
        serde_json::from_slice(json).map_err(|_| NotAnObject)
    }

    /// Whether any name, known to us or not, is there more than once.
    pub(super) fn has_duplicates(&self) -> bool {
        !self.twice.is_empty()
    }

    /// The member's value; `None` if it is absent or `null`.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<Value>, GivenTwice> {
        if self.twice.contains(name) {
            return Err(GivenTwice);
        }
        Ok(self.values.remove(name).filter(|value| !value.is_null()))
    }

    /// Whether the member is there, even as `null`.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for MembersVisitor<'a> {
    type Value = Members<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
        let mut members = Members { values: BTreeMap::new(), twice: BTreeSet::new() };
        while let Some((Name(name), value)) = map.next_entry::<Name<'a>, Value>()? {
            match members.values.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(taken) => {
                    members.twice.insert(taken.key().clone());
                }
            }
        }
        Ok(members)
    }
}

/// One name, copied only where an escape stands in it.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor(PhantomData))
    }
}

struct NameVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for NameVisitor<'a> {
    type Value = Name<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'a>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'a>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_given_twice_is_not_taken() {
        let mut members = Members::parse(br#"{"iss":"a","exp":1,"iss":"b"}"#).unwrap();
        assert_eq!(members.take("iss"), Err(GivenTwice));
        assert_eq!(members.take("exp"), Ok(Some(Value::from(1))));
        assert!(members.has_duplicates());
    }

    #[test]
    fn a_name_given_twice_in_two_spellings_is_noticed() {
        assert!(Members::parse(br#"{"iss":"a","\u0069ss":"b"}"#).unwrap().has_duplicates());
    }

    #[test]
    fn null_counts_as_absent() {
        assert_eq!(Members::parse(br#"{"sub":null}"#).unwrap().take("sub"), Ok(None));
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        let deep = [br#"{"context":"#.as_slice(), "[".repeat(200).as_bytes(), "]".repeat(200).as_bytes(), b"}"].concat();
        for text in [b"".as_slice(), b"[]", b"\"{}\"", b"{} {}", b"{\"a\":\"\xff\"}", b"\xef\xbb\xbf{}", b"{'a':1}", &deep] {
            assert_eq!(Members::parse(text).err(), Some(NotAnObject), "{text:?}");
        }
    }
}
