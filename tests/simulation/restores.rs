//! Restores: at a random moment tables and the sealed bucket come back from backups that AWS still keeps, the keys from another one than the rest, and
//! the filter makes them safe; then what lies in them is held against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use local::aws::{BucketSpec, TableSpec};
use local::template::Template;
use serde_json::{Value, json};

use super::course::{Course, Held};
use super::snapshots::{ISSUE_COPIES, KEYS, SEALED, TENANTS, last_backup, number, owner, text};
use crate::harness::BEGINNING;
use crate::model::DAY;

/// What the event calls each table.
const TABLES: [(&str, &str); 6] = [
    ("tenants", TENANTS),
    ("tenant-keys", KEYS),
    ("configuration", "ConfigurationTable"),
    ("attachments", "AttachmentsTable"),
    ("licences", "LicencesTable"),
    ("issue-copies", ISSUE_COPIES),
];

/// How often the filter is run: trouble may end a run.
const RUNS: usize = 6;

impl Course {
    /// Restores from a random backup, filters, and looks at what is there.
    pub async fn restore(&mut self) -> Held {
        let timeline = self.world.host.platform("purge").unwrap().config().timeline;
        let age = |days: u32| i64::from(days) * DAY;
        let (data_age, keys_age) = (self.drawn(age(timeline.data_backup_days())), self.drawn(age(timeline.key_backup_days())));
        let (data, keys) = (last_backup(self.now() - data_age), last_backup(self.now() - keys_age));
        if data < BEGINNING {
            return Ok(());
        }
        let name = |what: &str| format!("restored-{what}-{}", self.totals.restores);
        let names: BTreeMap<&str, String> =
            TABLES.iter().map(|(called, table)| (*table, name(called))).chain([(SEALED, name("sealed"))]).collect();
        let held = self.shelf.backup(data, keys);
        self.make_tables(&names, &held).await;
        self.tell(format!("restored the backup of day {:.2}, keys of day {:.2}", days(data), days(keys)));
        let tables: Value = TABLES.iter().map(|(called, table)| ((*called).to_owned(), json!(names[table]))).collect();
        let event = json!({"tables": tables, "buckets": {"sealed": names[SEALED]}});
        let mut finished = false;
        for run in 0..RUNS {
            let world = Arc::clone(&self.world);
            let filter = world.host.invoke("restore-filter", event.clone());
            let ended = if run < 2 { self.in_trouble(filter).await? } else { Some(filter.await) };
            if let Some(Ok(report)) = ended {
                finished = report.count("finished") == 1;
            }
            if finished {
                break;
            }
        }
        // What the filter writes to live tables is of no tenant whose items belong together.
        self.absorb(super::course::Actor::Function("restore-filter"))?;
        if !finished {
            return self.broken("A-48", "the restore filter does not come to its end".to_owned(), None);
        }
        self.totals.restores += 1;
        self.totals.restored_items += held.len() as u64;
        self.look_at_restored(&names, &held)?;
        for (_, table) in TABLES {
            self.wire.aws().drop_table(&names[table]).unwrap();
        }
        Ok(())
    }

    async fn make_tables(&self, names: &BTreeMap<&str, String>, held: &[(super::wire::Place, Arc<Value>)]) {
        let aws = self.wire.aws();
        for spec in Template::deployed().unwrap().tables().unwrap() {
            if let Some(name) = names.get(spec.name.as_str()) {
                // AWS restores neither TTL nor what else protects a table.
                aws.create_table(&TableSpec { name: name.clone(), ttl_attribute: None, ..spec }).unwrap();
            }
        }
        aws.create_bucket(BucketSpec::plain(&names[SEALED])).unwrap();
        let s3 = aws_sdk_s3::Client::new(&aws.sdk_config());
        for (place, value) in held {
            if place.table == SEALED {
                if value["what"] == "version" {
                    let put = s3.put_object().bucket(&names[SEALED]).key(value["key"].as_str().unwrap());
                    put.body(ByteStream::from_static(b"sealed")).send().await.unwrap();
                }
            } else if let Some(table) = names.get(place.table.as_str()) {
                aws.put_item(table, value).unwrap();
            }
        }
    }

    /// Promises A-48, E-34, E-35: of who was purged nothing is left; who left has left, with the same last day; who is active has everything.
    fn look_at_restored(&mut self, names: &BTreeMap<&str, String>, held: &[(super::wire::Place, Arc<Value>)]) -> Held {
        let aws = self.wire.aws();
        let mut left: BTreeMap<String, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
        for (_, table) in TABLES {
            for item in aws.items(&names[table]).unwrap() {
                left.entry(owner(table, &item)).or_default().entry(table).or_default().push(item);
            }
        }
        for lying in aws.lying_in(&names[SEALED], "") {
            let id = lying.key.split('/').nth(1).unwrap_or_default().to_owned();
            left.entry(id).or_default().entry(SEALED).or_default().push(json!({"key": lying.key}));
        }
        let named: BTreeSet<String> =
            held.iter().filter(|(place, _)| place.table == TENANTS).map(|(_, item)| text(item, "tenant_id").to_owned()).collect();
        let nothing = BTreeMap::new();
        for (index, tenant) in self.tenants.iter().enumerate().filter(|(_, tenant)| tenant.untruth.is_none()) {
            for life in tenant.lives.iter().filter(|life| !life.id.is_empty()) {
                let there = left.get(&life.id).unwrap_or(&nothing);
                let count =
                    |table: &str, kind: &str| there.get(table).map_or(0, |items| items.iter().filter(|item| is_of(item, kind)).count());
                let was = |table: &str, kind: &str| {
                    held.iter().filter(|(place, item)| place.table == table && owner(table, item) == life.id && is_of(item, kind)).count()
                };
                let one = |table: &str| there.get(table).and_then(|items| items.first());
                let refuse = |promise, what: &str| self.broken(promise, format!("in restored tables, {what}: {there:?}"), Some(index));
                let over = life.left.filter(|left| left.shredded_at.is_some() || left.kept_until() <= self.now());
                if let Some(over) = over {
                    // Of who is overdue the tenants item stays, so that the purge finds it.
                    let remains = there.iter().any(|(table, items)| !items.is_empty() && (over.shredded_at.is_some() || *table != TENANTS));
                    if remains {
                        return refuse("E-34", "something of who was purged, or must be");
                    }
                    continue;
                }
                if !named.contains(&life.id) {
                    continue;
                }
                for (table, kind) in [("ConfigurationTable", "configuration"), ("AttachmentsTable", "attachment")] {
                    if count(table, kind) != was(table, kind) {
                        return refuse("E-35", "not all that a living tenant had");
                    }
                }
                let state = one(TENANTS).map(|item| text(item, "state"));
                let expires_at = one(KEYS).map(|item| number(item, "expires_at"));
                match life.left {
                    None if state != Some("active") || expires_at.flatten().is_some() => {
                        return refuse("E-35", "an active tenant is not active");
                    }
                    Some(gone)
                        if state != Some("unsubscribed")
                            || one(TENANTS).and_then(|item| number(item, "purge_after")) != Some(gone.kept_until()) =>
                    {
                        return refuse("E-34", "who has left has not, or on another day");
                    }
                    Some(gone) if expires_at.is_some_and(|expires_at| expires_at != Some(gone.kept_until() + DAY)) => {
                        return refuse("E-34", "the keys of who has left do not expire");
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn is_of(item: &Value, kind: &str) -> bool {
    text(item, "partition").split('#').nth(1) == Some(kind)
}

fn days(moment: i64) -> f64 {
    (moment - BEGINNING) as f64 / DAY as f64
}
