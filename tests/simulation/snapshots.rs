//! What lies in tables and buckets now, and in every backup that AWS still keeps: backups are made every four hours, and of each version of an
//! item only the first and the last that hold it are remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use local::aws::{Lying, What};
use serde_json::{Value, json};
use shared::purge::timeline::{DATA_COPY_LAG, EXPIRY_LAG, KEY_COPY_LAG, RESTORED, Timeline};

use super::wire::Place;
use crate::harness::BEGINNING;
use crate::model::DAY;

/// How often AWS Backup makes a copy.
const EVERY: i64 = 4 * 3_600;

pub const TENANTS: &str = "TenantsTable";
pub const KEYS: &str = "TenantKeysTable";
pub const DEPARTURES: &str = "DeparturesTable";
pub const AUDIT: &str = "AuditTable";
pub const ISSUE_COPIES: &str = "IssueCopiesTable";
pub const SEALED: &str = "sealed-bucket";
pub const INCOMING: &str = "incoming-bucket";

/// The versions of one item that backups hold.
#[derive(Clone, Debug)]
pub struct Copy {
    pub place: Place,
    /// The first backup that holds it.
    pub from: i64,
    /// The last.
    pub to: i64,
    pub value: Arc<Value>,
}

#[derive(Debug, Default)]
pub struct Shelf {
    live: BTreeMap<Place, Arc<Value>>,
    /// The live places of each life, and of none the empty name.
    owned: BTreeMap<String, BTreeSet<Place>>,
    /// The version that the last backup holds, and the first backup that does.
    open: BTreeMap<Place, (i64, Arc<Value>)>,
    /// Those that no later backup holds, by life.
    closed: BTreeMap<String, Vec<Copy>>,
    changed: BTreeSet<Place>,
    /// The digest of each life.
    pub digests: BTreeMap<String, String>,
    pub versions: u64,
}

/// Whose an item is: the id of a life.
pub fn owner(table: &str, item: &Value) -> String {
    match table {
        AUDIT => String::new(),
        TENANTS | KEYS | DEPARTURES => text(item, "tenant_id").to_owned(),
        SEALED => item["key"].as_str().unwrap_or_default().split('/').nth(1).unwrap_or_default().to_owned(),
        INCOMING => String::new(),
        _ => text(item, "partition").split('#').next().unwrap_or_default().to_owned(),
    }
}

pub fn text<'i>(item: &'i Value, name: &str) -> &'i str {
    item[name]["S"].as_str().unwrap_or_default()
}

pub fn number(item: &Value, name: &str) -> Option<i64> {
    item[name]["N"].as_str()?.parse().ok()
}

/// Whether copies of this table hold anything of a customer's.
fn is_copied(table: &str) -> bool {
    ![DEPARTURES, AUDIT, INCOMING].contains(&table)
}

impl Shelf {
    /// What lies at a place from now on; gives what lay there before.
    pub fn put(&mut self, place: &Place, value: Option<Value>) -> Option<Arc<Value>> {
        let before = self.live.get(place).cloned();
        if before.as_deref() == value.as_ref() {
            return before;
        }
        if let Some(before) = &before {
            let owner = owner(&place.table, before);
            if let Some(places) = self.owned.get_mut(&owner) {
                places.remove(place);
            }
        }
        match value {
            Some(value) => {
                let owner = owner(&place.table, &value);
                if place.table == TENANTS {
                    self.digests.insert(owner.clone(), text(&value, "digest").to_owned());
                }
                self.owned.entry(owner).or_default().insert(place.clone());
                self.live.insert(place.clone(), Arc::new(value));
            }
            None => drop(self.live.remove(place)),
        }
        if is_copied(&place.table) {
            self.changed.insert(place.clone());
        }
        before
    }

    pub fn get(&self, place: &Place) -> Option<&Value> {
        self.live.get(place).map(AsRef::as_ref)
    }

    /// The item of a digest in one of the tables of tenants and keys.
    pub fn of_digest(&self, table: &str, digest: &str) -> Option<&Value> {
        self.get(&Place::of(table, &json!({"digest": {"S": digest}})))
    }

    /// Every live thing of a life; of tables, departures included.
    pub fn of_life(&self, id: &str) -> impl Iterator<Item = (&Place, &Value)> {
        let places = self.owned.get(id).into_iter().flatten();
        places.filter_map(|place| Some((place, self.live.get(place)?.as_ref())))
    }

    pub fn departure(&self, id: &str) -> Option<&Value> {
        self.of_life(id).find(|(place, _)| place.table == DEPARTURES).map(|(_, item)| item)
    }

    /// Everything live in a table.
    pub fn table<'s>(&'s self, table: &'s str) -> impl Iterator<Item = (&'s Place, &'s Value)> {
        let from = Place { table: table.to_owned(), key: String::new() };
        self.live.range(from..).take_while(move |(place, _)| place.table == table).map(|(place, value)| (place, value.as_ref()))
    }

    /// An object of a bucket as an item.
    pub fn object(bucket: &str, lying: &Lying) -> (Place, Value) {
        let what = match lying.what {
            What::Version => "version",
            What::Marker => "marker",
            What::Upload => "upload",
        };
        let place = Place { table: bucket.to_owned(), key: format!("{}#{}#{what}", lying.key, lying.id) };
        (place, json!({"key": lying.key, "what": what, "since": lying.since_millis / 1000}))
    }

    /// The objects of a bucket under a digest.
    pub fn objects(&self, bucket: &str, digest: &str) -> Vec<Place> {
        let from = Place { table: bucket.to_owned(), key: format!("{digest}/") };
        let under = |place: &&Place| place.table == bucket && place.key.starts_with(&format!("{digest}/"));
        self.live.range(from..).map(|(place, _)| place).take_while(under).cloned().collect()
    }

    /// The clock goes on: what was changed since the last backup goes into the next one.
    pub fn pass(&mut self, now: i64, until: i64) {
        let next = BEGINNING + ((now - BEGINNING).div_euclid(EVERY) + 1) * EVERY;
        if next > until || self.changed.is_empty() {
            return;
        }
        for place in std::mem::take(&mut self.changed) {
            let live = self.live.get(&place);
            if self.open.get(&place).map(|(_, value)| value) == live {
                continue;
            }
            if let Some((from, value)) = self.open.remove(&place) {
                let owner = owner(&place.table, &value);
                self.closed.entry(owner).or_default().push(Copy { place: place.clone(), from, to: next - EVERY, value });
            }
            if let Some(value) = live {
                self.versions += 1;
                self.open.insert(place, (next, Arc::clone(value)));
            }
        }
    }

    /// Until when a copy of a life's keys, and of anything else of it, exists somewhere, restored tables included; the last of all times if it is
    /// there still.
    pub fn copies_until(&self, id: &str, timeline: Timeline) -> (Option<i64>, Option<i64>) {
        let (mut keys, mut data) = (None, None);
        let mut add = |table: &str, until: i64| {
            let last = if table == KEYS { &mut keys } else { &mut data };
            *last = (*last).max(Some(until));
        };
        for (place, _) in self.of_life(id).filter(|(place, _)| is_copied(&place.table)) {
            add(&place.table, i64::MAX);
        }
        for copy in self.closed.get(id).into_iter().flatten() {
            add(&copy.place.table, copy.to + days(kept_days(&copy.place.table, timeline)) + days(RESTORED));
        }
        (keys, data)
    }

    /// The backups of this moment and the one of the keys: what they hold.
    pub fn backup(&self, data: i64, keys: i64) -> Vec<(Place, Arc<Value>)> {
        let mark = |place: &Place| if place.table == KEYS { keys } else { data };
        let open = self
            .open
            .iter()
            .filter(|(place, (from, _))| *from <= mark(place))
            .map(|(place, (_, value))| (place.clone(), Arc::clone(value)));
        let closed = self.closed.values().flatten().filter(|copy| (copy.from..=copy.to).contains(&mark(&copy.place)));
        open.chain(closed.map(|copy| (copy.place.clone(), Arc::clone(&copy.value)))).collect()
    }
}

/// How long a backup of a table exists at most.
fn kept_days(table: &str, timeline: Timeline) -> u64 {
    match table {
        KEYS => u64::from(timeline.key_backup_days()) + KEY_COPY_LAG + EXPIRY_LAG,
        _ => u64::from(timeline.data_backup_days()) + DATA_COPY_LAG + EXPIRY_LAG,
    }
}

fn days(days: u64) -> i64 {
    i64::try_from(days).unwrap() * DAY
}

/// The last backup before a moment.
pub fn last_backup(moment: i64) -> i64 {
    BEGINNING + (moment - BEGINNING).div_euclid(EVERY) * EVERY
}

/// When a departure wants the purge, and when its doubt is to be settled.
pub fn wanted(item: &Value) -> [Option<i64>; 2] {
    let (due, doubt) = (number(item, "due_at"), number(item, "doubt_at"));
    let kept_until = number(item, "purge_after").max(number(item, "hold_until"));
    let purge = match text(item, "stage") {
        "marked" if due == doubt => kept_until,
        "marked" | "purging" => due,
        _ => None,
    };
    let doubt = doubt.filter(|_| ["marked", "returned"].contains(&text(item, "stage")));
    [purge, doubt]
}
