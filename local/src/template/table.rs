//! A table of the template as the embedded DynamoDB takes it.

use yaml_serde::Value;

use super::{TemplateFault, at, text};
use crate::aws::{IndexSpec, Key, KeyKind, Projection, TableSpec};

pub(super) fn table_spec(id: &str, table: &Value) -> Result<TableSpec, TemplateFault> {
    let fault = |what: &str| TemplateFault(format!("{id}: {what}"));
    let properties = at(table, &["Properties"]).ok_or_else(|| fault("no properties"))?;
    let kind = |name: &str| {
        let definitions = at(properties, &["AttributeDefinitions"]).and_then(Value::as_sequence);
        let defined = definitions.into_iter().flatten().find(|definition| text(definition, "AttributeName") == Some(name));
        match defined.and_then(|definition| text(definition, "AttributeType")) {
            Some("S") => Ok(KeyKind::String),
            Some("N") => Ok(KeyKind::Number),
            Some("B") => Ok(KeyKind::Binary),
            _ => Err(fault("a key without a type")),
        }
    };
    let keys = |schema: &Value| -> Result<(Key, Option<Key>), TemplateFault> {
        let (mut partition, mut sort) = (None, None);
        for part in at(schema, &["KeySchema"]).and_then(Value::as_sequence).into_iter().flatten() {
            let name = text(part, "AttributeName").ok_or_else(|| fault("a key without a name"))?;
            let key = Key { name: name.to_owned(), kind: kind(name)? };
            if text(part, "KeyType") == Some("HASH") { partition = Some(key) } else { sort = Some(key) }
        }
        Ok((partition.ok_or_else(|| fault("no partition key"))?, sort))
    };
    let mut indexes = Vec::new();
    for index in at(properties, &["GlobalSecondaryIndexes"]).and_then(Value::as_sequence).into_iter().flatten() {
        let (partition_key, sort_key) = keys(index)?;
        let name = text(index, "IndexName").ok_or_else(|| fault("an index without a name"))?.to_owned();
        let projection = match at(index, &["Projection"]).and_then(|projection| text(projection, "ProjectionType")) {
            Some("KEYS_ONLY") => Projection::KeysOnly,
            Some("ALL") => Projection::All,
            _ => return Err(fault("an index with a projection that is not read here")),
        };
        indexes.push(IndexSpec { name, partition_key, sort_key, projection });
    }
    let (partition_key, sort_key) = keys(properties)?;
    let ttl_attribute = at(properties, &["TimeToLiveSpecification"]).and_then(|ttl| text(ttl, "AttributeName")).map(ToOwned::to_owned);
    Ok(TableSpec { name: id.to_owned(), partition_key, sort_key, indexes, ttl_attribute })
}
