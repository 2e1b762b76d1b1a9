//! Seeded defects: each is put on the wire between the functions and AWS, one at a time, and the simulation must find it. What is never found is
//! not tested.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use local::aws::{Asked, Service, Tamper};
use serde_json::{Value, json};

use super::course::{Broken, Plan};
use super::snapshots::{DEPARTURES, KEYS, TENANTS};
use super::{DAYS, run};

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// The purge deletes the keys when all else is gone, and not in the transaction that begins it.
    KeysDeletedLast,
    /// The purge leaves the keys to TTL, as if that deleted on time.
    TtlTrustedOnTime,
    /// The purge begins whatever has happened since it looked.
    PurgeWithoutConditions,
    /// The parts of a transaction are written one after the other.
    TwoWritesForOne,
    /// A hold moves the purge, and TTL deletes the keys all the same.
    HoldThatForgetsTtl,
    /// A leaving does not date the keys.
    LeavingThatForgetsTtl,
    /// A kind of record is not on the purge's list.
    ForgottenKind,
    /// Deletes are lost, and the verification sees nothing.
    BlindVerification,
    /// Older versions of objects are left.
    CurrentVersionsOnly,
    /// A return leaves the date on the keys.
    ReturnThatKeepsTheDate,
    /// The next life leaves the departure of the one before as it was.
    NextLifeThatForgetsTheLast,
    /// Whoever works on a purge is not alone.
    LeaseIgnored,
    /// What is deleted is counted afterwards.
    CountedAfterDeleting,
    /// The purge of a life takes what has arrived for the next one.
    TakesWhatIsTheNextLifes,
    /// The restore filter knows of purges that have ended, and of nothing else.
    FilterByTombstonesOnly,
}

/// The defect, where it takes effect.
#[derive(Debug)]
pub struct Saboteur {
    defect: Defect,
    /// The tenants whose purge is being verified.
    verified: Mutex<BTreeSet<String>>,
    /// Whether the restore filter is at work: the last table that was asked is one that it alone asks.
    filtering: AtomicBool,
    /// The versions that were once older ones.
    older: Mutex<BTreeSet<String>>,
}

impl Defect {
    pub fn on_the_wire(self) -> Arc<dyn Tamper> {
        Arc::new(Saboteur { defect: self, verified: Mutex::default(), filtering: AtomicBool::default(), older: Mutex::default() })
    }
}

/// The parts of a transaction: what each does, and its content.
fn parts(body: &Value) -> Vec<(String, Value)> {
    let parts = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
    parts.map(|(what, part)| (what.clone(), part.clone())).collect()
}

fn has_value(part: &Value, name: &str) -> bool {
    part["ExpressionAttributeValues"].get(name).is_some()
}

fn is_on(part: &Value, table: &str) -> bool {
    part["TableName"] == table
}

fn asked(operation: &str, body: &Value) -> Asked {
    Asked { service: Service::DynamoDb, operation: operation.to_owned(), address: String::new(), body: body.to_string() }
}

/// The transaction with other parts.
fn of_parts(body: &Value, parts: Vec<(String, Value)>) -> Vec<Asked> {
    let mut body = body.clone();
    body["TransactItems"] = parts.into_iter().map(|(what, part)| json!({ (what): part })).collect();
    vec![asked("TransactWriteItems", &body)]
}

/// A condition that says the same, and always holds.
fn without_condition(part: &mut Value, key: &str) {
    if let Some(condition) = part["ConditionExpression"].as_str() {
        part["ConditionExpression"] = format!("({condition}) OR attribute_exists({key}) OR attribute_not_exists({key})").into();
    }
}

impl Saboteur {
    fn transaction(&self, body: &Value) -> Option<Vec<Asked>> {
        let mut all = parts(body);
        let any = |table: &str, value: &str| all.iter().any(|(_, part)| is_on(part, table) && has_value(part, value));
        let (begins, ends) = (any(DEPARTURES, ":purging") && any(DEPARTURES, ":marked"), any(DEPARTURES, ":purged_at"));
        match self.defect {
            Defect::KeysDeletedLast | Defect::TtlTrustedOnTime if begins => {
                all.retain(|(what, part)| !(what == "Delete" && is_on(part, KEYS)))
            }
            Defect::KeysDeletedLast if ends => {
                let digest = all.iter().find(|(_, part)| is_on(part, DEPARTURES)).map(|(_, part)| part["Key"]["digest"].clone())?;
                all.push(("Delete".to_owned(), json!({"TableName": KEYS, "Key": {"digest": digest}})));
            }
            Defect::PurgeWithoutConditions if begins => all.iter_mut().for_each(|(_, part)| without_condition(part, "digest")),
            Defect::TwoWritesForOne => {
                let written = all.iter().filter(|(what, _)| what != "ConditionCheck");
                return Some(written.map(|(what, part)| asked(&format!("{what}Item"), part)).collect());
            }
            Defect::HoldThatForgetsTtl if any(TENANTS, ":kept_until") => all.retain(|(_, part)| !is_on(part, KEYS)),
            Defect::LeavingThatForgetsTtl if any(TENANTS, ":left_at") && any(TENANTS, ":rank") => {
                all.retain(|(_, part)| !is_on(part, KEYS))
            }
            Defect::ReturnThatKeepsTheDate => {
                let kept = all
                    .iter_mut()
                    .filter(|(_, part)| is_on(part, KEYS) && part["UpdateExpression"].to_string().contains("REMOVE expires_at"));
                kept.for_each(|(_, part)| part["UpdateExpression"] = "SET rev = rev + :one".into());
            }
            Defect::NextLifeThatForgetsTheLast if all.iter().any(|(what, part)| what == "Put" && is_on(part, TENANTS)) => {
                all.retain(|(_, part)| !is_on(part, DEPARTURES));
            }
            Defect::LeaseIgnored => {
                all.iter_mut().filter(|(_, part)| has_value(part, ":lease")).for_each(|(_, part)| without_condition(part, "digest"))
            }
            _ => return None,
        }
        Some(of_parts(body, all))
    }

    fn update(&self, body: &Value) -> Option<Vec<Asked>> {
        let mut body = body.clone();
        if !is_on(&body, DEPARTURES) {
            return None;
        }
        let cursor = body["ExpressionAttributeValues"][":cursor"]["S"].as_str().unwrap_or_default();
        if cursor.contains("verify") {
            self.verified.lock().unwrap().extend(body["Key"]["tenant_id"]["S"].as_str().map(ToOwned::to_owned));
        }
        match self.defect {
            Defect::LeaseIgnored if has_value(&body, ":lease") => without_condition(&mut body, "digest"),
            Defect::CountedAfterDeleting if has_value(&body, ":counts") => body["ExpressionAttributeValues"][":counts"] = json!({"M": {}}),
            _ => return None,
        }
        Some(vec![asked("UpdateItem", &body)])
    }

    /// A batch whose last delete is lost.
    fn batch(&self, body: &Value) -> Option<Vec<Asked>> {
        if self.defect != Defect::BlindVerification {
            return None;
        }
        let mut body = body.clone();
        let mut left = 0;
        for requests in body["RequestItems"].as_object_mut()?.values_mut() {
            let requests = requests.as_array_mut()?;
            requests.pop();
            left += requests.len();
        }
        // Something that changes nothing, where nothing is left to ask for.
        let nothing = json!({"TableName": TENANTS, "Key": {"digest": {"S": "nobody"}}});
        Some(vec![if left == 0 { asked("GetItem", &nothing) } else { asked("BatchWriteItem", &body) }])
    }
}

impl Saboteur {
    /// A listing without what is, or ever was, an older version.
    fn without_older(&self, xml: &str) -> String {
        let mut older = self.older.lock().unwrap();
        let mut pieces = xml.split("<Version>");
        let mut kept = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (entry, rest) = piece.split_once("</Version>").unwrap_or((piece, ""));
            let id = entry.split_once("<VersionId>").and_then(|(_, id)| id.split_once('<')).map_or("", |(id, _)| id);
            if entry.contains("<IsLatest>false</IsLatest>") {
                older.insert(id.to_owned());
            }
            if !older.contains(id) {
                kept += &format!("<Version>{entry}</Version>");
            }
            kept += rest;
        }
        kept
    }
}

impl Tamper for Saboteur {
    fn instead(&self, call: &Asked) -> Option<Vec<Asked>> {
        if call.service != Service::DynamoDb {
            return None;
        }
        if !call.body.contains(DEPARTURES) {
            self.filtering.store(call.body.contains("\"restored-"), Ordering::Relaxed);
        }
        let body: Value = serde_json::from_str(&call.body).ok()?;
        match call.operation.as_str() {
            "TransactWriteItems" => self.transaction(&body),
            "UpdateItem" => self.update(&body),
            "BatchWriteItem" => self.batch(&body),
            _ => None,
        }
    }

    fn reads(&self, call: &Asked) -> bool {
        match self.defect {
            Defect::KeysDeletedLast | Defect::TtlTrustedOnTime => call.operation == "GetItem" && call.body.contains(KEYS),
            Defect::ForgottenKind | Defect::BlindVerification => {
                call.operation == "Query" && call.body.contains("\"ProjectionExpression\":\"id\"")
            }
            Defect::CurrentVersionsOnly => call.operation == "ListObjectVersions",
            Defect::TakesWhatIsTheNextLifes => call.operation == "ListMultipartUploads" || call.operation == "ListObjectsV2",
            Defect::FilterByTombstonesOnly => {
                call.body.contains(DEPARTURES) && ["GetItem", "Query", "BatchGetItem"].contains(&call.operation.as_str())
            }
            _ => false,
        }
    }

    fn answered(&self, call: &Asked, body: &str) -> Option<String> {
        let empty = || Some(json!({"Items": [], "Count": 0, "ScannedCount": 0}).to_string());
        match self.defect {
            Defect::KeysDeletedLast | Defect::TtlTrustedOnTime if call.body.contains("\"ProjectionExpression\":\"tenant_id\"") => {
                Some("{}".to_owned())
            }
            Defect::ForgottenKind if call.body.contains("#attachment-usage\"") => empty(),
            Defect::BlindVerification if self.verified.lock().unwrap().iter().any(|id| call.body.contains(id)) => empty(),
            Defect::CurrentVersionsOnly => Some(self.without_older(body)),
            Defect::TakesWhatIsTheNextLifes => Some(dated(&dated(body, "Initiated"), "LastModified")),
            Defect::FilterByTombstonesOnly => {
                let answer: Value = serde_json::from_str(body).ok()?;
                let is_purging = answer["Item"]["stage"]["S"] == "purging" || answer["Item"]["stage"]["S"] == "marked";
                is_purging.then(|| "{}".to_owned())
            }
            _ => None,
        }
    }
}

/// A listing in which everything is old.
fn dated(xml: &str, element: &str) -> String {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    let mut pieces = xml.split(&begin);
    let mut changed = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.split_once(&end).map_or("", |(_, rest)| rest);
        changed += &format!("{begin}2020-01-01T00:00:00.000Z{end}{rest}");
    }
    changed
}

/// A small world with a defect; gives the promise that it breaks.
fn broken_by(defect: Defect, seed: u64) -> Option<Broken> {
    run(Plan { seed, tenants: 30, days: DAYS, troubled: 25, defect: Some(defect.on_the_wire()) }).err()
}

/// Each with the seed of a world in which it shows. That of a purge without its conditions is in [`super::race`]: it needs somebody else's move
/// between two calls.
const FOUND: [(Defect, u64); 14] = [
    (Defect::KeysDeletedLast, 1),
    (Defect::TtlTrustedOnTime, 1),
    (Defect::TwoWritesForOne, 1),
    (Defect::HoldThatForgetsTtl, 1),
    (Defect::LeavingThatForgetsTtl, 1),
    (Defect::ForgottenKind, 1),
    (Defect::BlindVerification, 1),
    (Defect::CurrentVersionsOnly, 1),
    (Defect::ReturnThatKeepsTheDate, 1),
    (Defect::NextLifeThatForgetsTheLast, 3),
    (Defect::LeaseIgnored, 1),
    (Defect::CountedAfterDeleting, 1),
    (Defect::TakesWhatIsTheNextLifes, 1),
    (Defect::FilterByTombstonesOnly, 1),
];

fn are_found(defects: &[(Defect, u64)]) {
    for (defect, seed) in defects {
        // The listed seed found it last; a story that has changed since may need the next ones.
        let found = (*seed..*seed + TRIED).find_map(|seed| broken_by(*defect, seed).map(|broken| (seed, broken)));
        let Some((seed, broken)) = found else { panic!("{defect:?} is not found with seeds from {seed} on") };
        println!("{defect:?}: found with seed {seed}, {}: {}", broken.promise, broken.what.chars().take(160).collect::<String>());
    }
}

/// How many seeds are tried for each.
const TRIED: u64 = 5;

#[test]
fn each_seeded_defect_is_found() {
    let (one, other) = FOUND.split_at(FOUND.len() / 2);
    std::thread::scope(|scope| {
        let threads = [one, other].map(|half| scope.spawn(move || are_found(half)));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
#[ignore = "for whoever changes the story: finds the seeds for the list above"]
fn a_hunt_finds_the_seed_of_every_defect() {
    // The list's own seeds are tried by the other test.
    for (defect, _) in FOUND.iter().rev().copied() {
        let found = (1..=6).find_map(|seed| broken_by(defect, seed).map(|broken| (seed, broken)));
        match found {
            Some((seed, broken)) => println!("{defect:?} {seed} {} {}", broken.promise, broken.what.chars().take(200).collect::<String>()),
            None => println!("{defect:?} is not found"),
        }
    }
}
