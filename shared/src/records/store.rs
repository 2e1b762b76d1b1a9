//! The typed store: put, delete and list the records of one kind of one tenant; one is read with its tenant, as a [`Reading`](super::Reading).
//!
//! A record is one item, its fields one sealed cell bound to the item's logical address. Expired counts as absent on every read and write,
//! whatever TTL has done. A writing whose answer was lost is recognised by its own mark, because the SDK's retry turns it into a failed
//! condition.

use std::marker::PhantomData;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::cursor;
use super::item::{self, Item, b, is_expired, n, s};
use super::keyring::Keyring;
use super::kind::{Keyed, Kind, Life};
use super::plaintext::{self, Unpacked};
use super::revision::{Precondition, Revision};
use crate::envelope::Place;
use crate::platform::aws;
use crate::problem::{Problem, Refusal};

/// The largest item that DynamoDB takes is 400 KB, names included; the rest is left for keys and bookkeeping.
const LARGEST_CELL: usize = 400 * 1024 - 1024;

/// How many records a page holds at most.
const LARGEST_PAGE: i32 = 100;

/// How many bytes of opened records a page holds before it ends early. Lambda answers 6 MB at most, and JSON inside JSON may double.
const LARGEST_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// The records of kind `K` of one tenant.
pub struct Records<K> {
    keyring: Keyring,
    partition: String,
    kind: PhantomData<fn() -> K>,
}

/// A stored record.
#[derive(Debug)]
pub struct Record<K> {
    /// The name that it was put under.
    pub name: String,
    /// Which writing of it this is.
    pub revision: Revision,
    /// The record itself.
    pub value: K,
}

/// Some records, and where to go on.
#[derive(Debug)]
pub struct Page<K> {
    /// In no order that means anything: names are not in the item keys.
    pub records: Vec<Record<K>>,
    /// Present where there may be more.
    pub cursor: Option<String>,
}

impl<K: Kind> Records<K> {
    pub(crate) fn of(keyring: Keyring) -> Self {
        let partition = format!("{}#{}", keyring.tenant_id(), K::ROW.name);
        Self { keyring, partition, kind: PhantomData }
    }

    /// The physical table of the kind's service.
    pub(crate) fn table(&self) -> &str {
        K::ROW.service.table(&self.keyring.platform().config().tables)
    }

    /// The item key of the record with this name.
    pub(crate) fn key(&self, name: &str) -> Item {
        item::item([("partition", s(&self.partition)), ("id", s(self.id(name)))])
    }

    fn id(&self, name: &str) -> String {
        match K::KEYED {
            Keyed::ByDigest => self.keyring.digest_of(K::ROW.name, name),
            Keyed::ByName => name.to_owned(),
        }
    }

    fn place<'a>(&'a self, id: &'a str) -> Place<'a> {
        let service = K::ROW.service.name();
        Place { service, resource: service, pk: self.partition.as_bytes(), sk: id.as_bytes(), attribute: "cell" }
    }

    /// The record in an item that was read, if it has not expired.
    ///
    /// # Errors
    /// 503 if DynamoDB or KMS is away; 500 if the stored item is damaged or of another place.
    pub(crate) async fn open(&self, item: Option<Item>) -> Result<Option<Record<K>>, Problem> {
        let Some(item) = item else { return Ok(None) };
        Ok(self.open_measured(&item).await?.map(|(record, _)| record))
    }

    /// The same, with how many bytes it opened to.
    async fn open_measured(&self, item: &Item) -> Result<Option<(Record<K>, usize)>, Problem> {
        if is_expired(item, self.keyring.platform().now()) {
            return Ok(None);
        }
        let id = item::text(item, "id")?;
        let revision = revision_of(item)?;
        let opened = self.keyring.open(&self.place(&id), item::bytes(item, "cell")?).await?;
        let Unpacked { name, value, bytes } = plaintext::unpack(&opened)?;
        Ok(Some((Record { name, revision, value }, bytes)))
    }

    /// The record with this name, read by itself.
    ///
    /// # Errors
    /// 503 if DynamoDB or KMS is away; 500 if the stored item is damaged.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Record<K>>, Problem> {
        let call = self.keyring.platform().dynamodb().get_item().table_name(self.table()).set_key(Some(self.key(name)));
        let answer = call.consistent_read(true).send().await.map_err(|error| aws::problem("dynamodb GetItem", &error))?;
        self.open(answer.item).await
    }

    /// A whole item for a record that is not there yet, to be written together with others.
    pub(crate) fn new_item(&self, name: &str, value: &K) -> Result<Item, Problem> {
        let ends_at = match K::LIFE {
            Life::Tenancy => None,
            Life::After(life) => Some(self.ends_at(life)),
        };
        self.whole_item(name, value, None, ends_at)
    }

    /// A whole item in the place of the writing that was read, if there was one; its life ends at this time, in epoch seconds, whenever it is
    /// written.
    pub(crate) fn item_over(&self, name: &str, value: &K, read: Option<&Revision>, ends_at: i64) -> Result<Item, Problem> {
        self.whole_item(name, value, read, Some(ends_at))
    }

    fn whole_item(&self, name: &str, value: &K, read: Option<&Revision>, ends_at: Option<i64>) -> Result<Item, Problem> {
        let id = self.id(name);
        let cell = self.keyring.seal(&self.place(&id), &plaintext::pack(name, value)?)?;
        let writing = Revision::new_writing(self.keyring.platform().random())?;
        let number = read.map_or(1, |read| read.number.saturating_add(1));
        let mut item = self.key(name);
        item.extend(item::item([("cell", b(cell)), ("writing", s(writing)), ("revision", n(number))]));
        item.extend(ends_at.map(|ends_at| ("expires_at".to_owned(), n(ends_at))));
        Ok(item)
    }

    fn ends_at(&self, life: Duration) -> i64 {
        self.keyring.platform().now().saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX))
    }

    /// Writes a record under `name` and answers its new revision; number 1 means that it was not there before.
    ///
    /// # Errors
    /// 412 if the precondition does not hold; 413 if the sealed record is larger than an item may be, before anything is written; 503 if
    /// DynamoDB is away, and then the writing may or may not have happened.
    pub async fn put(&self, name: &str, value: &K, precondition: &Precondition) -> Result<Revision, Problem> {
        let id = self.id(name);
        let cell = self.keyring.seal(&self.place(&id), &plaintext::pack(name, value)?)?;
        if cell.len() > LARGEST_CELL {
            return Err(Problem::too_large("record", LARGEST_CELL));
        }
        let platform = self.keyring.platform();
        let writing = Revision::new_writing(platform.random())?;
        let now = platform.now();
        let mut call = platform
            .dynamodb()
            .update_item()
            .table_name(self.table())
            .set_key(Some(self.key(name)))
            .expression_attribute_values(":cell", b(cell))
            .expression_attribute_values(":writing", s(&writing))
            .expression_attribute_values(":one", n(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // What is there has a number that only DynamoDB knows, unless the precondition says it; asking for it brings the whole cell back.
        let (set, number) = match precondition {
            Precondition::Absent => ("SET cell = :cell, writing = :writing, revision = :one", Some(1)),
            Precondition::At(revision) => (COUNTED, Some(revision.number.saturating_add(1))),
            Precondition::None | Precondition::Present => (COUNTED, None),
        };
        if *precondition != Precondition::Absent {
            call = call.expression_attribute_values(":zero", n(0));
        }
        if number.is_none() {
            call = call.return_values(ReturnValue::UpdatedNew);
        }
        call = match K::LIFE {
            Life::Tenancy => call.update_expression(format!("{set} REMOVE expires_at")),
            Life::After(life) => call
                .update_expression(format!("{set}, expires_at = :expires_at"))
                .expression_attribute_values(":expires_at", n(self.ends_at(life))),
        };
        call = call.condition_expression(condition(precondition));
        if *precondition != Precondition::None {
            call = call.expression_attribute_values(":now", n(now));
        }
        if let Precondition::At(revision) = precondition {
            call = call.expression_attribute_values(":revision", n(revision.number));
            call = call.expression_attribute_values(":known", s(&revision.writing));
        }
        match (call.send().await, number) {
            (Ok(_), Some(number)) => Ok(Revision { number, writing }),
            (Ok(answer), None) => Ok(Revision { number: item::number(&answer.attributes.unwrap_or_default(), "revision")?, writing }),
            (Err(error), _) => match refused_by_condition(&error) {
                Some(found) => match found.map(revision_of).transpose()? {
                    Some(revision) if revision.writing == writing => Ok(revision),
                    _ => Err(Problem::new(Refusal::RevisionConflict, "revision conflict")),
                },
                None => Err(aws::problem("dynamodb UpdateItem", &error)),
            },
        }
    }

    /// Deletes the record with this name. One that is not there is deleted already, also where it was asked to be present (RFC 9110, section
    /// 13.1.1: what was asked for is so).
    ///
    /// # Errors
    /// 412 if it is there and the precondition does not hold; 503 if DynamoDB is away, and then it may or may not be gone.
    pub async fn delete(&self, name: &str, precondition: &Precondition) -> Result<(), Problem> {
        let platform = self.keyring.platform();
        let mut call = platform.dynamodb().delete_item().table_name(self.table()).set_key(Some(self.key(name)));
        // A retry after a lost answer finds nothing, which is what was asked for: only a record that is there can conflict.
        let condition = match precondition {
            Precondition::None | Precondition::Present => None,
            Precondition::At(_) => Some("attribute_not_exists(id) OR expires_at <= :now OR (revision = :revision AND writing = :known)"),
            Precondition::Absent => Some(condition(precondition)),
        };
        if let Some(condition) = condition {
            call = call.condition_expression(condition).expression_attribute_values(":now", n(platform.now()));
        }
        if let Precondition::At(revision) = precondition {
            call = call
                .expression_attribute_values(":revision", n(revision.number))
                .expression_attribute_values(":known", s(&revision.writing));
        }
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => {
                Err(Problem::new(Refusal::RevisionConflict, "revision conflict"))
            }
            Err(error) => Err(aws::problem("dynamodb DeleteItem", &error)),
        }
    }

    /// Up to `limit` records (100 at most), beginning or going on where `cursor` says. A page may be short or even empty and still have a
    /// cursor: expired records are passed over.
    ///
    /// # Errors
    /// 400 for a cursor that is not of this tenant and kind, or older than an hour; 503 if DynamoDB or KMS is away.
    pub async fn list(&self, cursor: Option<&str>, limit: i32) -> Result<Page<K>, Problem> {
        self.list_beginning("", cursor, limit).await
    }

    /// The same, of those whose item key begins so: for kinds that are keyed [by name](Keyed::ByName).
    pub(crate) async fn list_beginning(&self, beginning: &str, cursor: Option<&str>, limit: i32) -> Result<Page<K>, Problem> {
        let start = match cursor {
            Some(cursor) => Some(cursor::open::<K>(&self.keyring, beginning, cursor).await?),
            None => None,
        };
        let start = start.map(|after| item::item([("partition", s(&self.partition)), ("id", s(after))]));
        let call = self.keyring.platform().dynamodb().query().table_name(self.table()).consistent_read(true);
        let call = call.expression_attribute_names("#partition", "partition").expression_attribute_values(":partition", s(&self.partition));
        let call = match beginning {
            "" => call.key_condition_expression("#partition = :partition"),
            beginning => call
                .key_condition_expression("#partition = :partition AND begins_with(id, :beginning)")
                .expression_attribute_values(":beginning", s(beginning)),
        };
        let call = call.limit(limit.clamp(1, LARGEST_PAGE)).set_exclusive_start_key(start);
        let answer = call.send().await.map_err(|error| aws::problem("dynamodb Query", &error))?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        let mut last = answer.last_evaluated_key;
        let mut items = answer.items.unwrap_or_default().into_iter().peekable();
        while let Some(item) = items.next() {
            let Some((record, opened)) = self.open_measured(&item).await? else { continue };
            records.push(record);
            bytes += opened;
            if bytes > LARGEST_PAGE_BYTES && items.peek().is_some() {
                last = Some(item);
                break;
            }
        }
        let cursor = match last {
            Some(last) => Some(cursor::seal::<K>(&self.keyring, beginning, item::text(&last, "id")?)?),
            None => None,
        };
        Ok(Page { records, cursor })
    }
}

fn revision_of(item: &Item) -> Result<Revision, item::Damaged> {
    Ok(Revision { number: item::number(item, "revision")?, writing: item::text(item, "writing")? })
}

/// Writes over what may be there and counts on.
const COUNTED: &str = "SET cell = :cell, writing = :writing, revision = if_not_exists(revision, :zero) + :one";

/// What DynamoDB is to check; an expired item is one that is not there. Where the precondition would hold of our own writing too, that is
/// excluded, so that a retry after a lost answer is refused and recognised instead of counted twice.
const fn condition(precondition: &Precondition) -> &'static str {
    match precondition {
        Precondition::None => "attribute_not_exists(writing) OR writing <> :writing",
        Precondition::Present => "attribute_exists(id) AND writing <> :writing AND (attribute_not_exists(expires_at) OR expires_at > :now)",
        Precondition::At(_) => "revision = :revision AND writing = :known AND (attribute_not_exists(expires_at) OR expires_at > :now)",
        Precondition::Absent => "attribute_not_exists(id) OR expires_at <= :now",
    }
}

/// Whether the condition did not hold, and the item that was found instead.
fn refused_by_condition<R>(error: &SdkError<UpdateItemError, R>) -> Option<Option<&Item>> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(found)) => Some(found.item()),
        _ => None,
    }
}
