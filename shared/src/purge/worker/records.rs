//! One slice of a kind's records.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use futures::stream::{self, TryStreamExt as _};

use super::step::Slice;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::item::{self, s};
use crate::records::register::KindRow;
use crate::records::transaction;
use crate::tenant::departure::Departure;

/// How many records a slice has: two dozen batches, and a few hundred kilobytes of names at most.
const MOST: i32 = 600;

/// How many a BatchWriteItem takes.
const BATCH: usize = 25;

/// How many batches are on their way at once.
const AT_ONCE: usize = 4;

/// The names of some records of one kind.
pub(super) struct Names {
    pub(super) names: Vec<String>,
    table: String,
    partition: String,
}

/// The next records of this kind behind `after`, by a consistent read of their names alone.
pub(super) async fn slice(platform: &Platform, departure: &Departure, row: &KindRow, after: Option<&str>) -> Result<Slice, Problem> {
    let table = row.service.table(&platform.config().tables);
    let partition = format!("{}#{}", departure.tenant_id, row.name);
    // `partition` is one of DynamoDB's reserved words.
    let call = platform.dynamodb().query().table_name(table).consistent_read(true).limit(MOST).projection_expression("id");
    let call = call.key_condition_expression("#partition = :partition").expression_attribute_names("#partition", "partition");
    let call = call.expression_attribute_values(":partition", s(&partition));
    let from = after.map(|after| item::item([("partition", s(&partition)), ("id", s(after))]));
    let answer = call.set_exclusive_start_key(from).send().await;
    let answer = answer.map_err(|error| aws::problem("dynamodb Query records", &error))?;
    let names = answer.items.unwrap_or_default().iter().map(|found| item::text(found, "id")).collect::<Result<_, _>>()?;
    Ok(Slice::Records(Names { names, table: table.to_owned(), partition }))
}

impl Names {
    pub(super) async fn delete(self, platform: &Platform) -> Result<(), Problem> {
        let batches = self.names.chunks(BATCH).map(|names| Ok::<_, Problem>(self.requests(names)));
        stream::iter(batches).try_for_each_concurrent(AT_ONCE, |requests| async { write(platform, &self.table, requests?).await }).await
    }

    fn requests(&self, names: &[String]) -> Result<Vec<WriteRequest>, Problem> {
        let request = |name: &String| {
            let key = item::item([("partition", s(&self.partition)), ("id", s(name))]);
            let delete = DeleteRequest::builder().set_key(Some(key)).build();
            let delete = delete.map_err(|_| Problem::new(Refusal::Internal, "cannot name a record"))?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        };
        names.iter().map(request).collect()
    }
}

async fn write(platform: &Platform, table: &str, requests: Vec<WriteRequest>) -> Result<(), Problem> {
    let mut requests = HashMap::from([(table.to_owned(), requests)]);
    // DynamoDB may leave some undone under load and says which (BatchWriteItem, UnprocessedItems).
    for attempt in 0..transaction::ATTEMPTS {
        let answer = platform.dynamodb().batch_write_item().set_request_items(Some(requests)).send().await;
        let answer = answer.map_err(|error| aws::problem("dynamodb BatchWriteItem", &error))?;
        requests = answer.unprocessed_items.unwrap_or_default();
        if requests.is_empty() {
            return Ok(());
        }
        transaction::pause(platform, attempt).await;
    }
    Err(Problem::unavailable("dynamodb BatchWriteItem: records left undeleted"))
}
