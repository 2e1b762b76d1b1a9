//! What a piece of work asks of AWS: calls, from the log that tests count by, and DynamoDB's units, which the embedded DynamoDB works out from
//! the sizes of the items when it is asked for them. It is asked for them here, on the way, so that the functions need not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::aws::{Asked, Call, Service, Tamper};

/// What was asked of AWS.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Calls, by service and operation.
    pub(super) calls: BTreeMap<(Service, String), u32>,
    /// Units that DynamoDB bills for reading.
    pub(super) read_units: f64,
    /// Units that it bills for writing; transactions count twice.
    pub(super) write_units: f64,
}

impl Usage {
    pub(super) fn of(calls: &[Call], (read_units, write_units): (f64, f64)) -> Self {
        let mut counted = BTreeMap::new();
        for call in calls {
            *counted.entry((call.service, call.operation.clone())).or_default() += 1;
        }
        Self { calls: counted, read_units, write_units }
    }

    /// What is left when this was taken away so many times.
    pub(super) fn less(&self, other: &Self, times: u32) -> Self {
        let taken = |call: &(Service, String)| other.calls.get(call).copied().unwrap_or_default() * times;
        let calls = self.calls.iter().map(|(call, count)| (call.clone(), count.saturating_sub(taken(call))));
        let units = |all: f64, other: f64| (all - other * f64::from(times)).max(0.0);
        Self {
            calls: calls.collect(),
            read_units: units(self.read_units, other.read_units),
            write_units: units(self.write_units, other.write_units),
        }
    }

    /// How many messages were sent.
    pub(super) fn sent(&self) -> u32 {
        self.counted(|(service, operation)| *service == Service::Sqs && operation == "SendMessage")
    }

    /// How many calls this service was asked for.
    pub(super) fn of_service(&self, service: Service) -> u32 {
        self.counted(|(asked, _)| *asked == service)
    }

    /// All calls.
    pub(super) fn all(&self) -> u32 {
        self.counted(|_| true)
    }

    /// KMS's calls with the key that signs certificates, which cost more.
    pub(super) fn signing(&self) -> u32 {
        self.counted(|(service, operation)| *service == Service::Kms && ["Sign", "GetPublicKey"].contains(&operation.as_str()))
    }

    /// S3's calls of the dearer class.
    pub(super) fn s3_writes(&self) -> u32 {
        self.of_service(Service::S3) - self.s3_reads() - self.s3_free()
    }

    /// S3's calls of the cheaper class.
    pub(super) fn s3_reads(&self) -> u32 {
        self.counted(|(service, operation)| *service == Service::S3 && ["GetObject", "HeadObject"].contains(&operation.as_str()))
    }

    /// Deleting is free.
    fn s3_free(&self) -> u32 {
        let free = ["DeleteObject", "DeleteObjects", "AbortMultipartUpload"];
        self.counted(|(service, operation)| *service == Service::S3 && free.contains(&operation.as_str()))
    }

    fn counted(&self, which: impl Fn(&(Service, String)) -> bool) -> u32 {
        self.calls.iter().filter(|(call, _)| which(call)).map(|(_, count)| count).sum()
    }
}

/// Stands between the functions and the embedded AWS, and reads what DynamoDB says that a call took.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<(f64, f64)>);

/// The operations that DynamoDB bills; those that write are marked.
const BILLED: [(&str, bool); 9] = [
    ("GetItem", false),
    ("BatchGetItem", false),
    ("Query", false),
    ("Scan", false),
    ("PutItem", true),
    ("UpdateItem", true),
    ("DeleteItem", true),
    ("BatchWriteItem", true),
    ("TransactWriteItems", true),
];

fn writes(asked: &Asked) -> Option<bool> {
    let billed = BILLED.iter().find(|(operation, _)| asked.service == Service::DynamoDb && *operation == asked.operation);
    billed.map(|(_, writes)| *writes)
}

impl Meter {
    /// What was read and written since this was last asked.
    pub(super) fn take(&self) -> (f64, f64) {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tamper for Meter {
    fn instead(&self, asked: &Asked) -> Option<Vec<Asked>> {
        writes(asked)?;
        let mut request: Value = serde_json::from_str(&asked.body).ok()?;
        request.as_object_mut()?.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
        Some(vec![Asked { body: request.to_string(), ..asked.clone() }])
    }

    fn reads(&self, asked: &Asked) -> bool {
        writes(asked).is_some()
    }

    fn answered(&self, asked: &Asked, body: &str) -> Option<String> {
        let (writes, answer): (bool, Value) = (writes(asked)?, serde_json::from_str(body).ok()?);
        let said = answer.get("ConsumedCapacity")?;
        // One table, or a list of them.
        let tables = said.as_array().map_or_else(|| std::slice::from_ref(said), Vec::as_slice);
        let units: f64 = tables.iter().filter_map(|table| table.get("CapacityUnits")?.as_f64()).sum();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if writes {
            taken.1 += units;
        } else {
            taken.0 += units;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
    use shared::platform::clock::ManualClock;

    use super::*;
    use crate::aws::{EmbeddedAws, Key, TableSpec};

    fn text(length: usize) -> AttributeValue {
        AttributeValue::S("x".repeat(length))
    }

    /// Two tables, and in each an item of this many bytes and a few.
    async fn tables_with(length: usize) -> (Client, Arc<Meter>) {
        let aws = EmbeddedAws::in_memory(Arc::new(ManualClock::at(0))).unwrap();
        let client = Client::new(&aws.sdk_config());
        for name in ["one", "other"] {
            let (partition_key, name) = (Key::string("id"), name.to_owned());
            aws.create_table(&TableSpec { name: name.clone(), partition_key, sort_key: None, indexes: Vec::new(), ttl_attribute: None })
                .unwrap();
            client.put_item().table_name(name).item("id", text(1)).item("held", text(length)).send().await.unwrap();
        }
        let meter = Arc::new(Meter::default());
        aws.tamper(Some(Arc::<Meter>::clone(&meter)));
        (client, meter)
    }

    #[tokio::test]
    async fn reads_are_counted_by_four_kibibytes_and_writes_by_one() {
        let (client, meter) = tables_with(4500).await;
        client.get_item().table_name("one").key("id", text(1)).send().await.unwrap();
        assert_eq!(meter.take(), (1.0, 0.0), "two halves: it need not be the last word");
        client.get_item().table_name("one").key("id", text(1)).consistent_read(true).send().await.unwrap();
        client.put_item().table_name("one").item("id", text(1)).send().await.unwrap();
        assert_eq!(meter.take(), (2.0, 5.0), "what is replaced counts too");
        assert_eq!(meter.take(), (0.0, 0.0));
    }

    #[tokio::test]
    async fn a_transaction_counts_twice_and_a_batch_for_every_table() {
        let (client, meter) = tables_with(10).await;
        let put = |table: &str| {
            let put = Put::builder().table_name(table).item("id", text(2)).build().unwrap();
            TransactWriteItem::builder().put(put).build()
        };
        client.transact_write_items().transact_items(put("one")).transact_items(put("other")).send().await.unwrap();
        assert_eq!(meter.take(), (0.0, 4.0));
        let keys = || {
            let key = [("id".to_owned(), text(1))].into();
            KeysAndAttributes::builder().keys(key).consistent_read(true).build().unwrap()
        };
        client.batch_get_item().request_items("one", keys()).request_items("other", keys()).send().await.unwrap();
        assert_eq!(meter.take(), (2.0, 0.0));
    }
}
