//! `DynamoDB`: dynoxide on SQLite, in memory or in a file. A request's JSON goes straight to the database's own request types.
//!
//! The clock given drives [`ttl`], which moves only when it is asked to. The ten minutes of a client request token are wall time.
//! A request the SDK would not build may be refused in other words than AWS's; streams and vector search are not reachable.

mod settings;
mod ttl;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use shared::platform::clock::Clock;

pub use ttl::Lateness;

use super::{StartFault, TableSpec, answer};

/// All tables.
pub(super) struct Tables {
    database: Database,
    clock: Arc<dyn Clock>,
    /// What was asked to be made, by name.
    specs: Mutex<BTreeMap<String, TableSpec>>,
    lateness: Mutex<Lateness>,
    /// For how many days each table can be restored, by name; one that is not here cannot.
    recovery: Mutex<BTreeMap<String, u64>>,
    /// Which table of a batch is read first changes from batch to batch, because AWS promises no order.
    backwards: AtomicBool,
}

/// Every operation there is: the API's name and the database's.
macro_rules! operations {
    ($($name:literal => $method:ident,)+) => {
        impl Tables {
            /// The answer's JSON; none if there is no such operation.
            fn run(&self, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>, DynoxideError>> {
                match operation {
                    $($name => Some(decode(body).and_then(|request| self.database.$method(request)).and_then(|answer| encode(&answer))),)+
                    _ => None,
                }
            }
        }
    };
}

operations! {
    "BatchExecuteStatement" => batch_execute_statement,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "CreateTable" => create_table,
    "DeleteItem" => delete_item,
    "DeleteTable" => delete_table,
    "DescribeTable" => describe_table,
    "DescribeTimeToLive" => describe_time_to_live,
    "ExecuteStatement" => execute_statement,
    "ExecuteTransaction" => execute_transaction,
    "GetItem" => get_item,
    "ListTables" => list_tables,
    "ListTagsOfResource" => list_tags_of_resource,
    "PutItem" => put_item,
    "Query" => query,
    "Scan" => scan,
    "TagResource" => tag_resource,
    "TransactGetItems" => transact_get_items,
    "TransactWriteItems" => transact_write_items,
    "UntagResource" => untag_resource,
    "UpdateItem" => update_item,
    "UpdateTable" => update_table,
    "UpdateTimeToLive" => update_time_to_live,
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|cause| refusal(&cause))
}

fn encode(answer: &impl Serialize) -> Result<Vec<u8>, DynoxideError> {
    serde_json::to_vec(answer).map_err(|cause| DynoxideError::InternalServerError(cause.to_string()))
}

/// dynoxide checks a request while it is read and says in a prefix which error the complaint is; `serde_json` adds the position.
fn refusal(cause: &serde_json::Error) -> DynoxideError {
    let complaint = cause.to_string();
    let complaint = complaint.rsplit_once(" at line ").map_or(complaint.as_str(), |(complaint, _position)| complaint);
    match complaint.split_once(':') {
        Some((class, message)) if class.starts_with("VALIDATION") => DynoxideError::ValidationException(message.to_owned()),
        Some((class, message)) if class.starts_with("SERIALIZATION") => DynoxideError::SerializationException(message.to_owned()),
        _ if complaint.starts_with("missing field") => DynoxideError::ValidationException(complaint.to_owned()),
        _ => DynoxideError::SerializationException(complaint.to_owned()),
    }
}

impl Tables {
    pub(super) fn in_memory(clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        Ok(Self::over(Database::memory()?, clock))
    }

    pub(super) fn in_file(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        Ok(Self::over(Database::new(&path.to_string_lossy())?, clock))
    }

    fn over(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            clock,
            specs: Mutex::default(),
            lateness: Mutex::default(),
            recovery: Mutex::default(),
            backwards: AtomicBool::default(),
        }
    }

    /// Blocks its thread for the microseconds that SQLite takes.
    pub(super) async fn answer(&self, operation: &str, request: &HttpRequest) -> HttpResponse {
        let body = request.body().bytes().unwrap_or_default();
        let answered = match operation {
            "BatchGetItem" => Some(self.batch_get(body).await),
            _ => self.setting(operation, body).or_else(|| self.run(operation, body)),
        };
        match answered {
            Some(Ok(body)) => answer::json(StatusCode::OK, body),
            Some(Err(refused)) => {
                let status = StatusCode::from_u16(refused.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                answer::json(status, refused.to_json())
            }
            None => answer::json(StatusCode::BAD_REQUEST, r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#),
        }
    }

    /// `BatchGetItem` is isolated item by item and no further (DynamoDB's developer guide, "Transactions: isolation levels"): between the reads
    /// of two tables somebody else's transaction may come. dynoxide would answer all of them at once, so they are asked one by one.
    async fn batch_get(&self, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        let mut request: Map<String, Value> = decode(body)?;
        let tables = match request.remove("RequestItems") {
            Some(Value::Object(tables)) if tables.len() > 1 => tables,
            _ => return self.run("BatchGetItem", body).unwrap_or_else(|| Err(DynoxideError::InternalServerError(String::new()))),
        };
        let mut whole = Map::new();
        let mut tables: Vec<_> = tables.into_iter().collect();
        if self.backwards.fetch_xor(true, Ordering::Relaxed) {
            tables.reverse();
        }
        for (table, keys) in tables {
            request.insert("RequestItems".to_owned(), json!({ table: keys }));
            let Value::Object(part) = self.ask("BatchGetItem", &Value::Object(request.clone()))? else { continue };
            for (name, value) in part {
                match (whole.entry(name).or_insert_with(|| json!({})), value) {
                    (Value::Object(all), Value::Object(more)) => all.extend(more),
                    (Value::Array(all), Value::Array(more)) => all.extend(more),
                    (other, value) => *other = value,
                }
            }
            tokio::task::yield_now().await;
        }
        encode(&whole)
    }

    fn ask(&self, operation: &str, request: &Value) -> Result<Value, DynoxideError> {
        let unknown = || Err(DynoxideError::InternalServerError(format!("no operation {operation}")));
        let body = self.run(operation, request.to_string().as_bytes()).unwrap_or_else(unknown)?;
        serde_json::from_slice(&body).map_err(|cause| DynoxideError::InternalServerError(cause.to_string()))
    }

    pub(super) fn create(&self, spec: &TableSpec) -> Result<(), DynoxideError> {
        match self.ask("CreateTable", &spec.request()) {
            Ok(_) | Err(DynoxideError::ResourceInUseException(_)) => {}
            Err(refused) => return Err(refused),
        }
        self.specs().insert(spec.name.clone(), spec.clone());
        let Some(attribute) = &spec.ttl_attribute else { return Ok(()) };
        let ttl = self.ask("DescribeTimeToLive", &json!({"TableName": spec.name}))?;
        // Asking for what is on already is an error.
        if ttl.pointer("/TimeToLiveDescription/TimeToLiveStatus") != Some(&json!("ENABLED")) {
            let wanted = json!({"Enabled": true, "AttributeName": attribute});
            self.ask("UpdateTimeToLive", &json!({"TableName": spec.name, "TimeToLiveSpecification": wanted}))?;
        }
        Ok(())
    }

    /// An item by its key.
    pub(super) fn item(&self, table: &str, key: &Value) -> Result<Option<Value>, DynoxideError> {
        let mut answer = self.ask("GetItem", &json!({"TableName": table, "Key": key, "ConsistentRead": true}))?;
        Ok(answer.get_mut("Item").map(Value::take))
    }

    pub(super) fn items(&self, table: &str) -> Result<Vec<Value>, DynoxideError> {
        self.pages("Scan", json!({"TableName": table, "ConsistentRead": true}), "Items", ["LastEvaluatedKey", "ExclusiveStartKey"])
    }

    pub(super) fn put(&self, table: &str, item: &Value) -> Result<(), DynoxideError> {
        self.ask("PutItem", &json!({"TableName": table, "Item": item})).map(drop)
    }

    pub(super) fn remove(&self, table: &str) -> Result<(), DynoxideError> {
        self.ask("UpdateTable", &json!({"TableName": table, "DeletionProtectionEnabled": false}))?;
        self.ask("DeleteTable", &json!({"TableName": table}))?;
        self.specs().remove(table);
        Ok(())
    }

    /// What the key of an item of this table consists of; nothing if there is no such table.
    pub(super) fn key_names(&self, table: &str) -> Vec<String> {
        let specs = self.specs();
        let keys = specs.get(table).into_iter().flat_map(|spec| [Some(&spec.partition_key), spec.sort_key.as_ref()]);
        keys.flatten().map(|key| key.name.clone()).collect()
    }

    pub(super) fn be_late(&self, lateness: Lateness) {
        *self.lateness.lock().unwrap_or_else(PoisonError::into_inner) = lateness;
    }

    pub(super) fn lateness(&self) -> Lateness {
        *self.lateness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn specs(&self) -> MutexGuard<'_, BTreeMap<String, TableSpec>> {
        self.specs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The smallest sort key, a number, of an index over these partitions, which are numbers too.
    pub(super) fn earliest_in(
        &self,
        table: &str,
        index: &str,
        partitions: impl IntoIterator<Item = u8>,
    ) -> Result<Option<i64>, DynoxideError> {
        let none = || DynoxideError::ResourceNotFoundException(format!("no index {index} with a sort key on {table}"));
        let spec =
            self.specs().get(table).and_then(|spec| spec.indexes.iter().find(|spec| spec.name == index).cloned()).ok_or_else(none)?;
        let sort_key = spec.sort_key.ok_or_else(none)?.name;
        let mut earliest = None;
        for partition in partitions {
            let answer = self.ask(
                "Query",
                &json!({
                    "TableName": table, "IndexName": index, "Limit": 1, "KeyConditionExpression": "#partition = :partition",
                    "ExpressionAttributeNames": {"#partition": spec.partition_key.name},
                    "ExpressionAttributeValues": {":partition": {"N": partition.to_string()}},
                }),
            )?;
            let first = answer.pointer("/Items/0").and_then(|item| item.get(&sort_key)?.get("N")?.as_str()?.parse::<i64>().ok());
            earliest = earliest.into_iter().chain(first).min();
        }
        Ok(earliest)
    }

    /// `{table: [item, …]}`.
    pub(super) fn dump(&self) -> Result<Map<String, Value>, DynoxideError> {
        let listed = self.pages("ListTables", json!({}), "TableNames", ["LastEvaluatedTableName", "ExclusiveStartTableName"])?;
        let mut tables = Map::new();
        for name in listed.iter().filter_map(Value::as_str) {
            let items = self.pages("Scan", json!({"TableName": name}), "Items", ["LastEvaluatedKey", "ExclusiveStartKey"])?;
            tables.insert(name.to_owned(), Value::Array(items));
        }
        Ok(tables)
    }

    /// All pages of a list: `member` holds it, `[last, start]` carry on.
    fn pages(&self, operation: &str, mut request: Value, member: &str, [last, start]: [&str; 2]) -> Result<Vec<Value>, DynoxideError> {
        let mut all = Vec::new();
        loop {
            let mut page = self.ask(operation, &request)?;
            if let Some(Value::Array(found)) = page.get_mut(member).map(Value::take) {
                all.extend(found);
            }
            match (page.get_mut(last).map(Value::take), request.as_object_mut()) {
                (Some(next), Some(request)) if !next.is_null() => request.insert(start.to_owned(), next),
                _ => return Ok(all),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
    use aws_sdk_dynamodb::types::{ConditionCheck, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};

    use super::super::testing::{self, dynamodb, text};
    use super::super::{EmbeddedAws, StartFault, TableSpec};
    use super::DynoxideError;

    fn increment(
        aws: &EmbeddedAws,
        token: &str,
    ) -> aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder {
        let one = aws_sdk_dynamodb::types::AttributeValue::N("1".to_owned());
        let update = Update::builder().table_name("pairs").key("id", text("a"));
        let update = update.update_expression("ADD hits :one").expression_attribute_values(":one", one).build().unwrap();
        let item = TransactWriteItem::builder().update(update).build();
        dynamodb(aws).transact_write_items().transact_items(item).client_request_token(token)
    }

    #[tokio::test]
    async fn a_failed_condition_gives_the_old_item() {
        let (aws, _) = testing::world();
        testing::put(&aws, "a", "old").await.unwrap();
        let request = dynamodb(&aws).put_item().table_name("pairs").item("id", text("a")).item("value", text("new"));
        let request = request.condition_expression("attribute_not_exists(id)");
        let request = request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let PutItemError::ConditionalCheckFailedException(failed) = request.send().await.unwrap_err().into_service_error() else {
            panic!("another error")
        };
        assert_eq!(failed.item.unwrap()["value"], text("old"));
        assert_eq!(testing::get(&aws, "a").await.unwrap()["value"], text("old"));
    }

    #[tokio::test]
    async fn a_cancelled_transaction_says_why_and_leaves_nothing() {
        let (aws, _) = testing::world();
        let check = ConditionCheck::builder().table_name("pairs").key("id", text("missing")).condition_expression("attribute_exists(id)");
        let put = Put::builder().table_name("pairs").item("id", text("a")).build().unwrap();
        let items =
            [TransactWriteItem::builder().condition_check(check.build().unwrap()).build(), TransactWriteItem::builder().put(put).build()];
        let cancelled = dynamodb(&aws).transact_write_items().set_transact_items(Some(items.to_vec())).send().await.unwrap_err();
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = cancelled.into_service_error() else {
            panic!("another error")
        };
        let reasons: Vec<Option<&str>> = cancelled.cancellation_reasons().iter().map(|reason| reason.code()).collect();
        assert_eq!(reasons, [Some("ConditionalCheckFailed"), Some("None")]);
        assert_eq!(testing::get(&aws, "a").await, None);
    }

    #[tokio::test]
    async fn a_request_token_given_twice_applies_once() {
        let (aws, _) = testing::world();
        increment(&aws, "token-1").send().await.unwrap();
        increment(&aws, "token-1").send().await.unwrap();
        assert_eq!(testing::get(&aws, "a").await.unwrap()["hits"].as_n().unwrap(), "1");
        increment(&aws, "token-2").send().await.unwrap();
        assert_eq!(testing::get(&aws, "a").await.unwrap()["hits"].as_n().unwrap(), "2");
    }

    #[tokio::test]
    async fn one_batch_reads_two_tables_consistently() {
        let (aws, _) = testing::world();
        aws.create_table(&TableSpec { name: "others".to_owned(), ..testing::pairs() }).unwrap();
        for table in ["pairs", "others"] {
            dynamodb(&aws).put_item().table_name(table).item("id", text("a")).item("value", text(table)).send().await.unwrap();
        }
        let wanted = || {
            let key = std::collections::HashMap::from([("id".to_owned(), text("a"))]);
            KeysAndAttributes::builder().keys(key).consistent_read(true).build().unwrap()
        };
        let request = dynamodb(&aws).batch_get_item().request_items("pairs", wanted()).request_items("others", wanted());
        let read = request.send().await.unwrap().responses.unwrap();
        assert_eq!(read["pairs"][0]["value"], text("pairs"));
        assert_eq!(read["others"][0]["value"], text("others"));
    }

    #[tokio::test]
    async fn an_index_holds_an_item_while_it_has_the_key() {
        let (aws, _) = testing::world();
        dynamodb(&aws).put_item().table_name("pairs").item("id", text("a")).item("due", text("today")).send().await.unwrap();
        let due = || {
            let query = dynamodb(&aws).query().table_name("pairs").index_name("due").key_condition_expression("due = :due");
            query.expression_attribute_values(":due", text("today")).send()
        };
        assert_eq!(due().await.unwrap().items()[0]["id"], text("a"));
        let update = dynamodb(&aws).update_item().table_name("pairs").key("id", text("a")).update_expression("REMOVE due");
        update.send().await.unwrap();
        assert!(due().await.unwrap().items().is_empty());
    }

    #[tokio::test]
    async fn an_operation_there_is_not_is_refused() {
        use aws_sdk_dynamodb::error::ProvideErrorMetadata;
        let (aws, _) = testing::world();
        let refused = dynamodb(&aws).list_backups().send().await.unwrap_err();
        assert_eq!(refused.raw_response().unwrap().status().as_u16(), 400);
        assert_eq!(refused.code(), Some("UnknownOperationException"));
    }

    #[tokio::test]
    async fn the_earliest_of_an_index_is_found_over_all_its_partitions() {
        use super::super::{IndexSpec, Key, Projection};
        let (aws, _) = testing::world();
        let due = IndexSpec {
            name: "due".to_owned(),
            partition_key: Key::number("shard"),
            sort_key: Some(Key::number("due_at")),
            projection: Projection::KeysOnly,
        };
        aws.create_table(&TableSpec { name: "dated".to_owned(), indexes: vec![due], ..testing::pairs() }).unwrap();
        assert_eq!(aws.earliest_in("dated", "due", 0..16).unwrap(), None);
        for (id, shard, due_at) in [("a", 3, 900), ("b", 3, 1_000), ("c", 15, 99)] {
            let number = |number: i32| aws_sdk_dynamodb::types::AttributeValue::N(number.to_string());
            let put = dynamodb(&aws).put_item().table_name("dated").item("id", text(id));
            put.item("shard", number(shard)).item("due_at", number(due_at)).send().await.unwrap();
        }
        assert_eq!(aws.earliest_in("dated", "due", 0..16).unwrap(), Some(99));
        assert_eq!(aws.earliest_in("dated", "due", 0..15).unwrap(), Some(900));
        assert!(aws.earliest_in("dated", "other", 0..16).is_err());
    }

    #[tokio::test]
    async fn a_table_made_twice_keeps_its_items() {
        let (aws, _) = testing::world();
        testing::put(&aws, "a", "1").await.unwrap();
        aws.create_table(&testing::pairs()).unwrap();
        assert!(testing::get(&aws, "a").await.is_some());
    }

    #[tokio::test]
    async fn a_table_that_dynamodb_would_refuse_is_refused() {
        let (aws, _) = testing::world();
        let refused = aws.create_table(&TableSpec { name: "x".to_owned(), ..testing::pairs() });
        assert!(matches!(refused, Err(StartFault::TablesUnusable(DynoxideError::ValidationException(_)))));
    }
}
