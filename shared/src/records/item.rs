//! Reading and writing DynamoDB items without trusting them: a missing or mistyped attribute is a fault that names it, never a panic and
//! never a default.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::problem::{Problem, Refusal};

/// An item as the SDK gives and takes it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A stored item lacks an attribute, or holds one of another type.
#[derive(Debug, thiserror::Error)]
#[error("cannot read stored item: attribute {0} is missing or damaged")]
pub(crate) struct Damaged(pub(crate) &'static str);

impl From<Damaged> for Problem {
    fn from(damaged: Damaged) -> Self {
        Self::new(Refusal::Internal, damaged.to_string())
    }
}

pub(crate) fn text(item: &Item, name: &'static str) -> Result<String, Damaged> {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().ok_or(Damaged(name))
}

pub(crate) fn number<N: FromStr>(item: &Item, name: &'static str) -> Result<N, Damaged> {
    item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).ok_or(Damaged(name))
}

pub(crate) fn number_if_any<N: FromStr>(item: &Item, name: &'static str) -> Result<Option<N>, Damaged> {
    if item.contains_key(name) { number(item, name).map(Some) } else { Ok(None) }
}

pub(crate) fn bytes<'a>(item: &'a Item, name: &'static str) -> Result<&'a [u8], Damaged> {
    item.get(name).and_then(|value| value.as_b().ok()).map(AsRef::as_ref).ok_or(Damaged(name))
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn b(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// An item, or a key of one, from its attributes.
pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// TTL is late by days (AWS gives no bound), so an item is gone for us from the second it names.
pub(crate) fn is_expired(item: &Item, now: i64) -> bool {
    matches!(number_if_any::<i64>(item, "expires_at"), Ok(Some(expires_at)) if expires_at <= now)
}
