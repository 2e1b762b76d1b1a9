//! How much lies in the tables and buckets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::CostFault;
use crate::aws::EmbeddedAws;

/// What DynamoDB adds to every item when it bills for storage.
const PER_ITEM: u32 = 100;

/// Bytes by table, and how many objects there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stored {
    /// By the table's logical id, with what DynamoDB adds.
    pub(super) tables: BTreeMap<String, f64>,
    /// Items of all tables.
    pub(super) items: u32,
}

impl Stored {
    pub(super) fn of(aws: &EmbeddedAws) -> Result<Self, CostFault> {
        let dump = aws.dump()?;
        let mut stored = Self::default();
        for (table, items) in dump.as_object().into_iter().flatten() {
            let sizes: Vec<u32> = items.as_array().into_iter().flatten().map(item_size).collect();
            stored.items += u32::try_from(sizes.len()).unwrap_or(u32::MAX);
            let bytes: f64 = sizes.into_iter().map(|size| f64::from(size + PER_ITEM)).sum();
            // A signature in a certificate is a byte or two longer or shorter from one to the next.
            stored.tables.insert(table.clone(), (bytes / 100.0).ceil() * 100.0);
        }
        Ok(stored)
    }

    /// All tables together, in bytes.
    pub(super) fn bytes(&self) -> f64 {
        self.tables.values().sum()
    }
}

/// Names and values (Developer Guide, "DynamoDB item sizes and formats"), of an item in DynamoDB's JSON.
fn item_size(item: &Value) -> u32 {
    let attributes = item.as_object().into_iter().flatten();
    let bytes: usize = attributes.map(|(name, held)| name.len() + value_size(held)).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn value_size(value: &Value) -> usize {
    let Some((kind, held)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    match (kind.as_str(), held) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("B", Value::String(text)) => STANDARD.decode(text).map_or(0, |bytes| bytes.len()),
        ("L", Value::Array(values)) => 3 + values.iter().map(|value| value_size(value) + 1).sum::<usize>(),
        ("M", Value::Object(members)) => 3 + members.iter().map(|(name, value)| name.len() + value_size(value) + 1).sum::<usize>(),
        (_, Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::len).sum(),
        // Null and booleans.
        _ => 1,
    }
}

/// SHA-256 in base64, as an upload announces its parts.
pub(super) fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_is_as_large_as_its_names_and_values() {
        assert_eq!(item_size(&json!({"id": {"S": "abc"}, "at": {"N": "1795348800"}, "cell": {"B": "AAAA"}})), 5 + 8 + 7);
        assert_eq!(item_size(&json!({"list": {"L": [{"S": "ab"}, {"BOOL": true}]}})), 4 + 3 + 3 + 2);
    }
}
