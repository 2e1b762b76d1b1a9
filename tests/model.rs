//! A tenant's life in a few lines: what an event must do, whatever the code does. Reading what is stored into the same form checks, by the way,
//! that the three tables agree and that the state is a legal one.

use std::collections::{BTreeMap, BTreeSet};

use local::atlassian::Site;
use serde_json::{Value, json};

use crate::harness::World;

pub const DAY: i64 = 86_400;

/// How long everything is kept for a return.
pub const GRACE: i64 = 110 * DAY;

/// Where a site stands: its present life, if it ever had one, and how its departures stand, by epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub life: Option<Life>,
    pub departures: BTreeMap<i64, Departure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    pub epoch: i64,
    /// The event that counted last: its iat, and 1 for `installed`, 0 for `uninstalled`.
    pub last: (i64, i64),
    /// While it is unsubscribed.
    pub left_at: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    pub left_at: i64,
    pub stage: String,
}

impl Standing {
    /// What an `installed` signed at `iat` and delivered `now` makes of it; says whether it counted.
    pub fn installed(&mut self, iat: i64, now: i64) -> bool {
        let last = (iat, 1);
        let Some(life) = &mut self.life else {
            self.life = Some(Life { epoch: 1, last, left_at: None });
            return true;
        };
        if last <= life.last {
            return false;
        }
        life.last = last;
        if let Some(left_at) = life.left_at.take() {
            let in_time = now < left_at + GRACE;
            let stage = if in_time { "returned" } else { "purging" };
            self.departures.insert(life.epoch, Departure { left_at, stage: stage.to_owned() });
            life.epoch += i64::from(!in_time);
        }
        true
    }

    /// What an `uninstalled` signed at `iat` and delivered `now` makes of it; says whether it counted.
    pub fn uninstalled(&mut self, iat: i64, now: i64) -> bool {
        let Some(life) = self.life.as_mut().filter(|life| (iat, 0) > life.last) else { return false };
        life.last = (iat, 0);
        if life.left_at.is_none() {
            life.left_at = Some(now);
            self.departures.insert(life.epoch, Departure { left_at: now, stage: "marked".to_owned() });
        }
        true
    }

    pub fn is_active(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.left_at.is_none())
    }

    /// Where `site` stands by what is stored of it. Panics with `story` if that is not a legal state.
    pub async fn stored(world: &World, site: &Site, story: &str) -> Self {
        let [tenants, keys, departures] = world.stored(site).await;
        let seen = format!("{story}\nstored at {}: {}", world.now(), json!([tenants, keys, departures]));
        assert!(tenants.len() <= 1 && keys.len() <= 1, "more than one item of a digest: {seen}");
        let Some(tenant) = tenants.first() else {
            assert!(keys.is_empty() && departures.is_empty(), "a stranger has left something: {seen}");
            return Self::default();
        };
        let left_at = tenant["left_at"].as_i64();
        match left_at {
            None => {
                assert_eq!(tenant["state"], "active", "{seen}");
                assert_eq!(tenant["purge_after"], Value::Null, "{seen}");
                assert_eq!(
                    keys.first().map(|keys| &keys["tenant_id"]),
                    Some(&tenant["tenant_id"]),
                    "an active tenant has its keys: {seen}"
                );
                assert_eq!(keys.first().and_then(|keys| keys.get("expires_at")), None, "an active tenant's keys do not expire: {seen}");
            }
            Some(left_at) => {
                let purge_after = left_at + GRACE;
                assert_eq!((&tenant["state"], &tenant["purge_after"]), (&json!("unsubscribed"), &json!(purge_after)), "{seen}");
                match keys.first() {
                    Some(keys) => {
                        assert_eq!(keys["tenant_id"], tenant["tenant_id"], "{seen}");
                        assert_eq!(keys["expires_at"], purge_after + DAY, "{seen}");
                    }
                    None => assert!(world.now() >= purge_after + DAY, "the keys are gone too early: {seen}"),
                }
            }
        }
        let epoch = tenant["epoch"].as_i64().unwrap();
        let ids: BTreeSet<&str> = departures.iter().filter_map(|departure| departure["tenant_id"].as_str()).collect();
        assert_eq!(ids.len(), departures.len(), "each life has an id of its own: {seen}");
        for departure in &departures {
            let is_open = departure.get("due_at").is_some() && departure.get("due_shard").is_some();
            let moment = |name: &str| departure[name].as_i64();
            let is_dated = moment("due_at") == moment("doubt_at").into_iter().chain(moment("purge_after")).min();
            let is_present = departure["tenant_id"] == tenant["tenant_id"];
            assert_eq!(departure["purge_after"], departure["left_at"].as_i64().unwrap() + GRACE, "{seen}");
            assert_eq!(is_present, departure["epoch"] == epoch, "{seen}");
            let is_legal = match departure["stage"].as_str().unwrap() {
                "marked" => is_present && is_open && is_dated && departure["left_at"].as_i64() == left_at,
                // The site is asked a day later.
                "returned" => {
                    is_open && moment("due_at") == moment("doubt_at") && moment("due_at") == moment("returned_at").map(|at| at + DAY)
                }
                // Its records go when no writer can be at work any more.
                "purging" => {
                    let is_dated = moment("due_at") == moment("shredded_at").map(|at| at + 20 * 60) && moment("doubt_at").is_none();
                    !is_present && is_open && is_dated && departure["epoch"].as_i64() < Some(epoch)
                }
                _ => false,
            };
            assert!(is_legal, "an illegal departure: {seen}");
        }
        let closed = |departure: &Value| {
            let (left_at, stage) = (departure["left_at"].as_i64().unwrap(), departure["stage"].as_str().unwrap().to_owned());
            (departure["epoch"].as_i64().unwrap(), Departure { left_at, stage })
        };
        let last = (tenant["event_iat"].as_i64().unwrap(), tenant["event_rank"].as_i64().unwrap());
        Self { life: Some(Life { epoch, last, left_at }), departures: departures.iter().map(closed).collect() }
    }
}
