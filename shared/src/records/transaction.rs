//! A TransactWriteItems: writes whose parts hold together or not at all, as each move of a tenant is one.
//!
//! A lost answer is told apart from a refusal by reading again: the items carry the id of the move, or of the writing, that made them.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};

use super::item::{Item, n, s};
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};

/// How a move ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done.
    Done,
    /// Somebody else moved first, or we did and never heard: read again and decide anew.
    Again,
}

/// Some conditional writes that happen together.
pub(crate) struct Transaction {
    writes: Vec<TransactWriteItem>,
    fault: bool,
}

impl Transaction {
    pub(crate) const fn new() -> Self {
        Self { writes: Vec::new(), fault: false }
    }

    /// Puts a whole item, if `condition` holds of what is there.
    pub(crate) fn put(mut self, table: &str, item: Item, condition: &str, values: &[(&str, AttributeValue)]) -> Self {
        let mut put = Put::builder().table_name(table).set_item(Some(item)).condition_expression(condition);
        for (name, value) in values {
            put = put.expression_attribute_values(*name, value.clone());
        }
        self.push(put.build().map(|put| TransactWriteItem::builder().put(put).build()));
        self
    }

    /// Changes attributes of an item, if `condition` holds of it.
    pub(crate) fn update(mut self, table: &str, key: Item, change: &str, condition: &str, values: &[(&str, AttributeValue)]) -> Self {
        let mut update = Update::builder().table_name(table).set_key(Some(key));
        update = update.update_expression(change).condition_expression(condition);
        for (name, value) in values {
            update = update.expression_attribute_values(*name, value.clone());
        }
        // `state` is one of DynamoDB's reserved words.
        if change.contains("#state") || condition.contains("#state") {
            update = update.expression_attribute_names("#state", "state");
        }
        self.push(update.build().map(|update| TransactWriteItem::builder().update(update).build()));
        self
    }

    /// Deletes an item, if `condition` holds of it.
    pub(crate) fn delete(mut self, table: &str, key: Item, condition: &str, values: &[(&str, AttributeValue)]) -> Self {
        let mut delete = Delete::builder().table_name(table).set_key(Some(key)).condition_expression(condition);
        for (name, value) in values {
            delete = delete.expression_attribute_values(*name, value.clone());
        }
        if condition.contains("#state") {
            delete = delete.expression_attribute_names("#state", "state");
        }
        self.push(delete.build().map(|delete| TransactWriteItem::builder().delete(delete).build()));
        self
    }

    /// Goes ahead only if `condition` holds of an item that is not written.
    pub(crate) fn check(mut self, table: &str, key: Item, condition: &str, values: &[(&str, AttributeValue)]) -> Self {
        let mut check = ConditionCheck::builder().table_name(table).set_key(Some(key)).condition_expression(condition);
        for (name, value) in values {
            check = check.expression_attribute_values(*name, value.clone());
        }
        self.push(check.build().map(|check| TransactWriteItem::builder().condition_check(check).build()));
        self
    }

    fn push<E>(&mut self, write: Result<TransactWriteItem, E>) {
        match write {
            Ok(write) => self.writes.push(write),
            Err(_) => self.fault = true,
        }
    }

    /// Commits the move.
    ///
    /// The client token makes the SDK's own retry of a lost answer harmless. It begins with the move's id and ends in random bytes: sealing is
    /// never the same twice, and DynamoDB refuses one token for two contents.
    ///
    /// # Errors
    /// 503 if DynamoDB is away; then the move may or may not have happened.
    pub(crate) async fn commit(self, platform: &Platform, move_id: &str) -> Result<Outcome, Problem> {
        if self.fault {
            return Err(Problem::new(Refusal::Internal, "cannot build a transaction"));
        }
        let mut attempt = [0; 8];
        platform.random().fill(&mut attempt)?;
        let token = format!("{}-{}", move_id.get(..16).unwrap_or(move_id), hex::encode(attempt));
        let call = platform.dynamodb().transact_write_items().set_transact_items(Some(self.writes)).client_request_token(token);
        let Err(error) = call.send().await else { return Ok(Outcome::Done) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                let ours = reasons.iter().filter_map(|reason| reason.code()).any(|code| code == "ValidationError");
                if ours { Err(Problem::new(Refusal::Internal, "dynamodb TransactWriteItems: ValidationError")) } else { Ok(Outcome::Again) }
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Ok(Outcome::Again),
            _ => Err(aws::problem("dynamodb TransactWriteItems", &error)),
        }
    }
}

/// How often a move is decided anew before the caller is told to come back.
pub(crate) const ATTEMPTS: u32 = 8;

/// Waits 4 to 8 ms, twice as long each time up to half a second, and never the same for two who met.
pub(crate) async fn pause(platform: &Platform, attempt: u32) {
    let mut byte = [0];
    // Without randomness the wait is merely less spread.
    platform.random().fill(&mut byte).ok();
    let [byte] = byte;
    let least = 4 << attempt.min(6);
    tokio::time::sleep(Duration::from_millis(least + least * u64::from(byte) / 255)).await;
}

/// Values that many conditions share.
pub(crate) fn at_revision(revision: u64) -> (&'static str, AttributeValue) {
    (":revision", n(revision))
}

pub(crate) fn of_tenant(tenant_id: &str) -> (&'static str, AttributeValue) {
    (":tenant_id", s(tenant_id))
}
