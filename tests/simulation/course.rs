//! The course of a world: what is on the agenda happens, the clock jumps to the next event, faults strike and functions die, and after each event
//! what was touched is looked at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use local::aws::{Fault, Lateness, Tamper};
use serde_json::{Value, json};

use super::invariants;
use super::model::Tenant;
use super::snapshots::{AUDIT, DEPARTURES, INCOMING, ISSUE_COPIES, KEYS, SEALED, Shelf, TENANTS, number, owner, text, wanted};
use super::story::Deed;
use super::totals::Totals;
use super::wire::{Place, Wire};
use super::worlds::{rotation_of, world_of};
use crate::harness::{BEGINNING, World};
use crate::interleavings::Dice;
use crate::model::DAY;

pub const HOUR: i64 = 3_600;

/// How many of the system's own events are told if something is wrong.
const TOLD: usize = 25;

/// TTL is late by up to this.
const LATEST_TTL: u64 = 3 * 86_400;

/// A world to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub tenants: usize,
    pub days: i64,
    /// Of a hundred calls by tenants, operators and AWS, so many meet trouble.
    pub troubled: u64,
    pub defect: Option<Arc<dyn Tamper>>,
}

/// A promise that does not hold, and how it came to that.
#[derive(Debug)]
pub struct Broken {
    pub promise: &'static str,
    pub what: String,
    pub story: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}\n{}", self.promise, self.what, self.story)
    }
}

pub type Held<T = ()> = Result<T, Broken>;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Tenant(usize),
    Function(&'static str),
    Queues,
    /// TTL and lifecycle rules.
    Time,
}

#[derive(Clone, Debug)]
pub enum Event {
    Deed(usize, Deed),
    Ttl(Place, i64),
    Daily,
}

pub struct Course {
    pub plan: Plan,
    pub world: Arc<World>,
    pub wire: Arc<Wire>,
    pub dice: Dice,
    pub step: u64,
    /// How often something was done apart at this moment.
    at_once: (i64, u64),
    agenda: BTreeMap<(i64, u64), Event>,
    pub tenants: Vec<Tenant>,
    pub by_digest: BTreeMap<String, usize>,
    pub shelf: Shelf,
    pub totals: Totals,
    /// When the sweep may take what lies among the copies of issues, and the hours whose run was lost.
    pub ends: BTreeSet<(i64, Place)>,
    pub lost_sweeps: BTreeSet<i64>,
    /// Until then its schedule stands still.
    pub swept_again_at: i64,
    /// The tenants of whom a message may be in the queue of issues' events, and the messages that it gave up.
    pub in_flight: BTreeSet<usize>,
    pub dead: BTreeSet<String>,
    /// When each open departure wants the purge, and when its doubt is to be settled.
    dues: BTreeSet<(i64, Place)>,
    doubts: BTreeSet<(i64, Place)>,
    pub ran_at: BTreeMap<&'static str, i64>,
    pub rotation: Router,
    /// The published keys, for whoever verifies a certificate.
    pub published: Vec<u8>,
    told: VecDeque<String>,
}

impl Course {
    pub async fn begin(plan: Plan) -> Self {
        let world = Arc::new(world_of(plan.seed).await);
        let keys = world.send(Request::get("/certificates/keys").body(Body::empty()).unwrap()).await;
        let rotation = rotation_of(&world);
        // What this simulation ends by itself is never this late; see Event::Ttl.
        world.aws().be_late(Lateness::Latest);
        let mut course = Self {
            wire: Wire::between(world.aws(), plan.defect.clone()),
            dice: Dice(plan.seed),
            step: 0,
            at_once: (0, 0),
            agenda: BTreeMap::new(),
            tenants: Vec::new(),
            by_digest: BTreeMap::new(),
            shelf: Shelf::default(),
            totals: Totals::default(),
            ends: BTreeSet::new(),
            lost_sweeps: BTreeSet::new(),
            swept_again_at: 0,
            in_flight: BTreeSet::new(),
            dead: BTreeSet::new(),
            dues: BTreeSet::new(),
            doubts: BTreeSet::new(),
            ran_at: BTreeMap::new(),
            rotation,
            published: keys.body.to_vec(),
            told: VecDeque::new(),
            world,
            plan,
        };
        for number in 0..course.plan.tenants {
            course.add(&format!("site-{}-{number}", course.plan.seed));
        }
        course
    }

    /// A tenant that is not there yet.
    pub fn add(&mut self, name: &str) -> usize {
        let tenant = Tenant::new(name);
        self.by_digest.insert(tenant.digest.clone(), self.tenants.len());
        self.tenants.push(tenant);
        self.totals.tenants += 1;
        self.tenants.len() - 1
    }

    /// Does something with dice of its own. How often messages come and the sweep finds something is not the same each time that a seed runs:
    /// keys are another each time, and so is the order of what lies under them. Nothing else is to depend on it.
    async fn apart(&mut self, at: i64, work: impl AsyncFnOnce(&mut Self) -> Held) -> Held {
        self.at_once = if self.at_once.0 == at { (at, self.at_once.1 + 1) } else { (at, 0) };
        let dice = Dice(self.dice_of(at).throw(u64::MAX) ^ self.at_once.1);
        let dice = std::mem::replace(&mut self.dice, dice);
        let done = work(self).await;
        self.dice = dice;
        done
    }

    /// Dice of their own for this moment, whatever was thrown before.
    pub fn dice_of(&self, moment: i64) -> Dice {
        Dice(self.plan.seed ^ moment.cast_unsigned().rotate_left(32))
    }

    pub fn now(&self) -> i64 {
        self.world.now()
    }

    pub fn plan_at(&mut self, at: i64, event: Event) {
        let number = u64::try_from(self.agenda.len()).unwrap() + self.step * 1_000;
        let mut key = (at.max(self.now()), number);
        while self.agenda.contains_key(&key) {
            key.1 += 1;
        }
        self.agenda.insert(key, event);
    }

    /// Lives through all days, and then until the queues are empty.
    pub async fn live(&mut self) -> Held {
        for index in 0..self.tenants.len() {
            self.settle_in(index);
        }
        let end = BEGINNING + self.plan.days * DAY;
        self.plan_at(BEGINNING + 7 * HOUR, Event::Daily);
        self.live_until(end).await?;
        self.agenda.retain(|_, event| !matches!(event, Event::Deed(..)));
        self.live_until(end + 2 * DAY).await?;
        self.totals.days += u64::try_from(self.plan.days).unwrap();
        self.totals.versions += self.shelf.versions;
        self.totals.calls += self.calls();
        invariants::at_the_end(self)
    }

    fn calls(&self) -> u64 {
        use local::aws::Service;
        [Service::DynamoDb, Service::S3, Service::Kms, Service::Sqs]
            .iter()
            .map(|service| self.world.aws().calls().count_all(*service))
            .sum()
    }

    pub async fn live_until(&mut self, end: i64) -> Held {
        loop {
            let now = self.now();
            let planned = self.agenda.first_key_value().map(|(key, _)| key.0);
            let message = ["PurgeQueue", "ArrivalQueue"].iter().filter_map(|queue| self.world.aws().next_message(queue)).min();
            // Events of issues are handed out a few at once.
            let event = self.world.aws().next_message("IssueEventsQueue").map(|millis| (millis + 299_999).div_euclid(300_000) * 300_000);
            let message = message.into_iter().chain(event).min().map(|millis| (millis + 999).div_euclid(1_000).max(now));
            let purge = self.next_run("purge", &self.dues);
            // Three of four of its runs are lost, which it must bear.
            let doubtful = self.next_run("doubtful", &self.doubts).map(|hour| (hour + 3 * HOUR).div_euclid(4 * HOUR) * 4 * HOUR);
            let sweep = self.next_run("issue-copies-sweep", &self.ends);
            let next = [planned, message, purge, doubtful, sweep].into_iter().flatten().min().filter(|next| *next <= end);
            let Some(at) = next else {
                self.pass_to(end);
                return Ok(());
            };
            self.pass_to(at);
            self.step += 1;
            self.totals.events += 1;
            if message.is_some_and(|message| message <= at) {
                self.apart(at, Self::deliver).await?;
            } else if purge.is_some_and(|run| run <= at) {
                self.run("purge").await?;
            } else if doubtful.is_some_and(|run| run <= at) {
                self.run("doubtful").await?;
            } else if sweep.is_some_and(|run| run <= at) {
                self.apart(at, Self::sweep_copies).await?;
            } else if let Some((_, event)) = self.agenda.pop_first() {
                self.happen(event).await?;
            }
        }
    }

    /// The first whole hour at which a function that runs every hour finds something to do.
    fn next_run(&self, function: &str, dues: &BTreeSet<(i64, Place)>) -> Option<i64> {
        let due = dues.first()?.0;
        let hour = (due + HOUR - 1).div_euclid(HOUR) * HOUR;
        let after = self.ran_at.get(function).map_or(i64::MIN, |ran_at| ran_at.div_euclid(HOUR) * HOUR + HOUR);
        Some(hour.max(after).max((self.now() + HOUR - 1).div_euclid(HOUR) * HOUR))
    }

    pub fn pass_to(&mut self, at: i64) {
        let now = self.now();
        if at > now {
            self.shelf.pass(now, at);
            self.world.clock.advance(Duration::from_secs(u64::try_from(at - now).unwrap()));
        }
    }

    async fn happen(&mut self, event: Event) -> Held {
        match event {
            Event::Deed(index, deed) => self.deed(index, deed).await,
            Event::Ttl(place, expires_at) => self.expire(&place, expires_at).await,
            Event::Daily => self.daily().await,
        }
    }

    async fn daily(&mut self) -> Held {
        let day = (self.now() - BEGINNING) / DAY;
        self.plan_at(self.now() + DAY, Event::Daily);
        // It runs every hour; a run that would find nothing is left out, but for one now and then.
        if day % 5 == 0 {
            self.run("purge").await?;
        }
        if day % 7 == 3 {
            self.run("attachment-reconcile").await?;
        }
        if day % 60 == 50 {
            self.run("dormant").await?;
        }
        if self.dice.throw(30) == 0 {
            self.restore().await?;
        }
        if self.world.aws().sweep().unwrap().objects > 0 {
            for digest in self.by_digest.keys() {
                self.wire.touch_objects(digest);
            }
        }
        self.absorb(Actor::Time)?;
        invariants::of_the_day(self)
    }

    /// TTL deletes an item, if it still has the date.
    async fn expire(&mut self, place: &Place, expires_at: i64) -> Held {
        if self.shelf.get(place).and_then(|item| number(item, "expires_at")) != Some(expires_at) {
            return Ok(());
        }
        let key: Value = serde_json::from_str(&place.key).unwrap();
        let key = key
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), aws_sdk_dynamodb::types::AttributeValue::S(value["S"].as_str().unwrap().to_owned())));
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.wire.aws().sdk_config());
        dynamodb.delete_item().table_name(&place.table).set_key(Some(key.collect())).send().await.unwrap();
        self.totals.expired += 1;
        self.wire.touch_item(place.clone());
        self.absorb(Actor::Time)
    }

    /// Whatever makes this call from now on dies there.
    pub fn dies(&mut self, call: u64, fault: Fault) {
        self.world.aws().faults().on_call(call, fault);
    }

    /// What tenants were about to do they do not.
    pub fn forget_plans(&mut self) {
        self.agenda.retain(|_, event| !matches!(event, Event::Deed(..)));
    }

    /// Looks at all that may have changed.
    pub fn absorb(&mut self, actor: Actor) -> Held {
        let (touched, mut affected) = (self.wire.take(), BTreeSet::new());
        // What was restored is looked at where it is restored.
        for place in touched.items.into_iter().filter(|place| !place.table.starts_with("restored-")) {
            let value = self.wire.aws().item(&place.table, &serde_json::from_str(&place.key).unwrap()).unwrap();
            self.change(actor, place, value, &mut affected)?;
        }
        for digest in touched.objects {
            for bucket in [SEALED, INCOMING] {
                let lying = self.wire.aws().lying_in(bucket, &format!("{digest}/"));
                let mut there: BTreeMap<Place, Value> = lying.iter().map(|lying| Shelf::object(bucket, lying)).collect();
                for place in self.shelf.objects(bucket, &digest) {
                    let value = there.remove(&place);
                    self.change(actor, place, value, &mut affected)?;
                }
                for (place, value) in there {
                    self.change(actor, place, Some(value), &mut affected)?;
                }
            }
        }
        for digest in affected {
            self.totals.looks += 1;
            invariants::of_digest(self, &digest)?;
        }
        Ok(())
    }

    fn change(&mut self, actor: Actor, place: Place, value: Option<Value>, affected: &mut BTreeSet<String>) -> Held {
        let before = self.shelf.put(&place, value.clone());
        if before.as_deref() == value.as_ref() || place.table == AUDIT {
            return Ok(());
        }
        let item = value.as_ref().or(before.as_deref()).unwrap();
        let digest = match place.table.as_str() {
            TENANTS | KEYS | DEPARTURES => text(item, "digest").to_owned(),
            SEALED | INCOMING => place.key.chars().take(64).collect(),
            table => self.shelf.digests.get(&owner(table, item)).cloned().unwrap_or_default(),
        };
        let place_table = place.table.clone();
        if place.table == ISSUE_COPIES {
            self.plan_sweep(&place, before.as_deref(), value.as_ref());
        }
        invariants::may_touch(self, actor, &place, before.as_deref(), value.as_ref(), &digest)?;
        if place.table == DEPARTURES {
            for at in before.as_deref().map(wanted).into_iter().flatten().flatten() {
                self.dues.remove(&(at, place.clone()));
                self.doubts.remove(&(at, place.clone()));
            }
            let [due, doubt] = value.as_ref().map_or([None, None], wanted);
            self.dues.extend(due.map(|at| (at, place.clone())));
            self.doubts.extend(doubt.map(|at| (at, place.clone())));
        }
        if let Some(expires_at) = value.as_ref().filter(|_| place.table != DEPARTURES).and_then(|item| number(item, "expires_at"))
            && before.as_deref().and_then(|item| number(item, "expires_at")) != Some(expires_at)
        {
            let late = if place.table == ISSUE_COPIES { self.dice_of(expires_at).throw(LATEST_TTL) } else { self.dice.throw(LATEST_TTL) };
            let late = i64::try_from(late).unwrap();
            self.plan_at(expires_at + 1 + late, Event::Ttl(place, expires_at));
        }
        if matches!(actor, Actor::Time | Actor::Function("issue-copies-sweep")) && value.is_none() {
            let owner = owner(&place_table, before.as_deref().unwrap());
            let tenant = self.by_digest.get(&digest).map(|index| &mut self.tenants[*index]);
            for life in tenant.into_iter().flat_map(|tenant| &mut tenant.lives).filter(|life| owner.is_empty() || life.id == owner) {
                life.is_inexact |= life.left.is_some_and(|left| left.shredded_at.is_some());
            }
        }
        affected.insert(digest);
        Ok(())
    }

    pub fn tell(&mut self, what: String) {
        if self.told.len() == TOLD {
            self.told.pop_front();
        }
        let when = self.when();
        self.told.push_back(format!("{when} {what}"));
    }

    pub fn tell_of(&mut self, index: usize, what: String) {
        let when = self.when();
        self.tenants[index].tell(format!("{when} {what}"));
    }

    fn when(&self) -> String {
        format!("step {} day {:.4}", self.step, (self.now() - BEGINNING) as f64 / DAY as f64)
    }

    /// A promise does not hold.
    pub fn broken<T>(&self, promise: &'static str, what: String, index: Option<usize>) -> Held<T> {
        let mut story = format!(
            "seed {} with {} tenants, {}; alone: LETHE_SIMULATION_SEED={} cargo test --workspace --test integration simulation::one_seed -- --ignored --nocapture",
            self.plan.seed,
            self.plan.tenants,
            self.when(),
            self.plan.seed
        );
        if let Some(index) = index {
            let tenant = &self.tenants[index];
            story += &format!("\nevents of {}:{}", tenant.site.client_key, tenant.told());
            let lives: Vec<String> = tenant.lives.iter().map(|life| format!("{} {:?}", life.id, life.left)).collect();
            story += &format!("\nits lives by the model: {lives:?}");
            let items = [TENANTS, KEYS].map(|table| self.shelf.of_digest(table, &tenant.digest).cloned().unwrap_or_default());
            story += &format!("\nits items: {}", json!(items));
            let departures: Vec<_> = tenant.lives.iter().filter_map(|life| self.shelf.departure(&life.id)).collect();
            story += &format!("\nits departures: {}", json!(departures));
        }
        story += "\nevents of the system:";
        self.told.iter().for_each(|line| story += &format!("\n  {line}"));
        Err(Broken { promise, what, story })
    }
}
