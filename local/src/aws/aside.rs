//! AWS by another door, for whoever watches the functions: what lies there can be looked at, and copies of tables be made and dropped as backups are,
//! and none of that is logged, faulted or tampered with.

use serde_json::{Map, Value, json};

use super::calls::CallLog;
use super::faults::FaultPlane;
use super::front::Front;
use super::tampering::Tampering;
use super::{EmbeddedAws, StoreFault};

/// One version of an object, a mark of a deletion, or an unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lying {
    /// The object's key.
    pub key: String,
    /// The version's id, or the upload's.
    pub id: String,
    /// What it is.
    pub what: What,
    /// Since when it lies there, in milliseconds since 1970.
    pub since_millis: i64,
}

/// What lies in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Bytes, current or not.
    Version,
    /// The mark of a deletion.
    Marker,
    /// An unfinished upload.
    Upload,
}

impl EmbeddedAws {
    /// The same world by another door: with a log and a plan of faults of its own, and nobody who tampers.
    #[must_use]
    pub fn aside(&self) -> Self {
        let (calls, faults, tampering) = (CallLog::default(), FaultPlane::default(), Tampering::default());
        Self { front: Front { backends: self.front.backends.clone(), calls, faults, tampering } }
    }

    /// An item as it is stored, in `DynamoDB`'s JSON.
    ///
    /// # Errors
    /// [`StoreFault::Tables`] if there is no such table, or the key is not of its form.
    pub fn item(&self, table: &str, key: &Value) -> Result<Option<Value>, StoreFault> {
        Ok(self.front.backends.tables.item(table, key)?)
    }

    /// Every item of a table, in no order.
    ///
    /// # Errors
    /// [`StoreFault::Tables`] if there is no such table.
    pub fn items(&self, table: &str) -> Result<Vec<Value>, StoreFault> {
        Ok(self.front.backends.tables.items(table)?)
    }

    /// Puts an item, in `DynamoDB`'s JSON.
    ///
    /// # Errors
    /// [`StoreFault::Tables`] if there is no such table, or the item is not of its form.
    pub fn put_item(&self, table: &str, item: &Value) -> Result<(), StoreFault> {
        Ok(self.front.backends.tables.put(table, item)?)
    }

    /// Drops a table.
    ///
    /// # Errors
    /// [`StoreFault::Tables`] if there is no such table.
    pub fn drop_table(&self, table: &str) -> Result<(), StoreFault> {
        Ok(self.front.backends.tables.remove(table)?)
    }

    /// The key of an item of this table.
    #[must_use]
    pub fn key_of(&self, table: &str, item: &Value) -> Option<Value> {
        let names = self.front.backends.tables.key_names(table);
        let key: Option<Map<String, Value>> = names.into_iter().map(|name| Some((name.clone(), item.get(&name)?.clone()))).collect();
        key.filter(|key| !key.is_empty()).map(|key| json!(key))
    }

    /// Everything in a bucket whose key begins so.
    #[must_use]
    pub fn lying_in(&self, bucket: &str, prefix: &str) -> Vec<Lying> {
        self.front.backends.objects.lying_in(bucket, prefix)
    }

    /// When the next message of this queue can be seen, in milliseconds since 1970.
    #[must_use]
    pub fn next_message(&self, queue: &str) -> Option<i64> {
        self.queues().next_visible(queue)
    }
}
