//! The shape of a table, as template.yaml declares it, and the request that makes it. Tables are on demand; no index is local.

use serde_json::{Map, Value, json};

/// A table to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Its name.
    pub name: String,
    /// What its items are spread by.
    pub partition_key: Key,
    /// What they are ordered by within a partition.
    pub sort_key: Option<Key>,
    /// Its global secondary indexes.
    pub indexes: Vec<IndexSpec>,
    /// The attribute that holds the second at which an item expires.
    pub ttl_attribute: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSpec {
    /// Its name.
    pub name: String,
    /// What its entries are spread by; an item without it is not in the index.
    pub partition_key: Key,
    /// What they are ordered by; an item without it is not in the index.
    pub sort_key: Option<Key>,
    /// What an entry carries.
    pub projection: Projection,
}

/// An attribute that is part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The attribute.
    pub name: String,
    /// What it holds.
    pub kind: KeyKind,
}

/// What a key attribute can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `S`
    String,
    /// `N`
    Number,
    /// `B`
    Binary,
}

/// What of an item its index entry carries besides the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// Nothing.
    KeysOnly,
    /// These attributes.
    Include(Vec<String>),
    /// Everything.
    All,
}

impl Key {
    /// A key that holds text.
    #[must_use]
    pub fn string(name: &str) -> Self {
        Self { name: name.to_owned(), kind: KeyKind::String }
    }

    /// A key that holds a number.
    #[must_use]
    pub fn number(name: &str) -> Self {
        Self { name: name.to_owned(), kind: KeyKind::Number }
    }

    /// A key that holds bytes.
    #[must_use]
    pub fn binary(name: &str) -> Self {
        Self { name: name.to_owned(), kind: KeyKind::Binary }
    }

    fn definition(&self) -> Value {
        let kind = match self.kind {
            KeyKind::String => "S",
            KeyKind::Number => "N",
            KeyKind::Binary => "B",
        };
        json!({"AttributeName": self.name, "AttributeType": kind})
    }
}

impl Projection {
    fn request(&self) -> Value {
        match self {
            Self::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
            Self::Include(attributes) => json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": attributes}),
            Self::All => json!({"ProjectionType": "ALL"}),
        }
    }
}

impl TableSpec {
    /// The body of the `CreateTable` request; TTL is asked for on its own.
    pub(super) fn request(&self) -> Value {
        let mut keys: Vec<&Key> = vec![&self.partition_key];
        keys.extend(&self.sort_key);
        for index in &self.indexes {
            keys.push(&index.partition_key);
            keys.extend(&index.sort_key);
        }
        // An attribute may be in several keys but is defined once.
        let mut definitions: Vec<Value> = Vec::new();
        for definition in keys.into_iter().map(Key::definition) {
            if !definitions.contains(&definition) {
                definitions.push(definition);
            }
        }
        let mut request = Map::new();
        request.insert("TableName".to_owned(), json!(self.name));
        request.insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
        request.insert("AttributeDefinitions".to_owned(), json!(definitions));
        request.insert("KeySchema".to_owned(), schema(&self.partition_key, self.sort_key.as_ref()));
        // DynamoDB refuses an empty list.
        if !self.indexes.is_empty() {
            let indexes: Vec<Value> = self.indexes.iter().map(IndexSpec::request).collect();
            request.insert("GlobalSecondaryIndexes".to_owned(), json!(indexes));
        }
        Value::Object(request)
    }
}

impl IndexSpec {
    fn request(&self) -> Value {
        let schema = schema(&self.partition_key, self.sort_key.as_ref());
        json!({"IndexName": self.name, "KeySchema": schema, "Projection": self.projection.request()})
    }
}

fn schema(partition_key: &Key, sort_key: Option<&Key>) -> Value {
    let hash = json!({"AttributeName": partition_key.name, "KeyType": "HASH"});
    let range = sort_key.map(|key| json!({"AttributeName": key.name, "KeyType": "RANGE"}));
    Value::Array([hash].into_iter().chain(range).collect())
}
