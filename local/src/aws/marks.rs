//! Looking for planted marks in what is stored, as bytes: base64 hides nothing, and names are searched like values.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// `table.attribute` of every attribute whose name or value, however deep, holds `mark`; `tables` as from a dump.
pub(super) fn in_tables(tables: &Map<String, Value>, mark: &[u8]) -> Vec<String> {
    let items = tables.iter().flat_map(|(table, items)| items.as_array().into_iter().flatten().map(move |item| (table, item)));
    let attributes = items.flat_map(|(table, item)| item.as_object().into_iter().flatten().map(move |pair| (table, pair)));
    let marked = attributes.filter(|(_, (name, value))| holds(name.as_bytes(), mark) || holds_deep(value, mark));
    marked.map(|(table, (name, _))| format!("{table}.{name}")).collect()
}

/// The names of the files that hold `mark` in their name or bytes.
pub(super) fn in_files(files: &BTreeMap<String, Vec<u8>>, mark: &[u8]) -> Vec<String> {
    files.iter().filter(|(name, bytes)| holds(name.as_bytes(), mark) || holds(bytes, mark)).map(|(name, _)| name.clone()).collect()
}

fn holds_deep(value: &Value, mark: &[u8]) -> bool {
    match value {
        Value::String(text) => holds(text.as_bytes(), mark),
        Value::Array(values) => values.iter().any(|value| holds_deep(value, mark)),
        Value::Object(members) => members.iter().any(|(name, value)| match (name.as_str(), value) {
            // An attribute may be named so too, but its value is then an object.
            ("B", Value::String(text)) => holds_decoded(text, mark),
            ("BS", Value::Array(texts)) => texts.iter().filter_map(Value::as_str).any(|text| holds_decoded(text, mark)),
            (name, value) => holds(name.as_bytes(), mark) || holds_deep(value, mark),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn holds_decoded(text: &str, mark: &[u8]) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| holds(&bytes, mark))
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    !mark.is_empty() && bytes.windows(mark.len()).any(|window| window == mark)
}
