//! All that lies in the tables and buckets of the stack, as whoever holds the account sees it.

use std::collections::BTreeMap;

use super::stack::Stack;

pub struct Contents {
    /// Items by table, and objects with all their versions by bucket, as text; by logical id.
    tables: BTreeMap<String, Vec<String>>,
    buckets: BTreeMap<String, Vec<String>>,
}

impl Contents {
    pub async fn of(stack: &Stack) -> Self {
        let mut contents = Self { tables: BTreeMap::new(), buckets: BTreeMap::new() };
        for table in stack.of_kind("AWS::DynamoDB::Table") {
            contents.tables.insert(table.to_owned(), items(stack, table).await);
        }
        for bucket in stack.of_kind("AWS::S3::Bucket") {
            contents.buckets.insert(bucket.to_owned(), objects(stack, bucket).await);
        }
        contents
    }

    pub fn items(&self, table: &str) -> &[String] {
        &self.tables[table]
    }

    /// How many versions of objects there are.
    pub fn objects(&self, bucket: &str) -> usize {
        self.buckets[bucket].len()
    }

    /// Where this text can be read.
    pub fn places_of(&self, text: &str) -> Vec<String> {
        let all = self.tables.iter().chain(&self.buckets);
        let found = all.flat_map(|(place, contents)| contents.iter().filter(|one| one.contains(text)).map(move |_| place.clone()));
        found.collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever holds the account reads everything at once")]
async fn items(stack: &Stack, table: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut pages = stack.dynamodb().scan().table_name(stack.physical(table)).into_paginator().items().send();
    while let Some(item) = pages.next().await {
        // Bytes are shown as text where they are such: what is looked for would be found in them too.
        let shown = item.unwrap().into_iter().map(|(name, value)| match value.as_b() {
            Ok(bytes) => format!("{name}: {}", String::from_utf8_lossy(bytes.as_ref())),
            Err(_) => format!("{name}: {value:?}"),
        });
        found.push(shown.collect::<Vec<_>>().join("\n"));
    }
    found
}

async fn objects(stack: &Stack, bucket: &str) -> Vec<String> {
    let (s3, mut found) = (stack.s3(), Vec::new());
    let listed = s3.list_object_versions().bucket(stack.physical(bucket)).send().await.unwrap();
    assert_ne!(listed.is_truncated(), Some(true));
    found.extend(listed.delete_markers().iter().map(|marker| format!("{:?}: deleted", marker.key())));
    for version in listed.versions() {
        let get = s3.get_object().bucket(stack.physical(bucket)).set_key(version.key.clone());
        // A bucket without versions calls the one that it has null.
        let get = get.set_version_id(version.version_id.clone().filter(|id| id != "null"));
        let bytes = get.send().await.unwrap().body.collect().await.unwrap().into_bytes();
        found.push(format!("{:?}: {}", version.key(), String::from_utf8_lossy(&bytes)));
    }
    found
}
