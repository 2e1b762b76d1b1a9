//! A return and a purge that begins, let forward call by call as a seed says: exactly one wins, and nothing is ever half.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use http::StatusCode;
use local::atlassian::{Signed, Site};
use local::aws::Fault;
use serde_json::{Value, json};
use shared::tenant::departure::Departure;
use shared::tenant::moves::purging;
use shared::tenant::{departures, id::digest};

use super::defects::Defect;
use super::snapshots::{DEPARTURES, KEYS, TENANTS, text};
use super::worlds::world_of;
use crate::harness::{ATLASSIAN, World, post, site};
use crate::interleavings::Dice;
use crate::model::{DAY, GRACE};

/// How a race ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Won {
    Return,
    Purge,
}

/// Runs both to their end: before each step it is drawn whose it is. A step goes up to the next call to AWS.
pub async fn interleaved<A: Future, B: Future>(dice: &mut Dice, one: A, other: B, mut before: impl FnMut()) -> (A::Output, B::Output) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut ended, mut other_ended) = (None, None);
    let mut steps = 0;
    while ended.is_none() || other_ended.is_none() {
        before();
        let first = dice.throw(2) == 0;
        poll_fn(|context| {
            if first && ended.is_none() {
                ended = ready(one.as_mut().poll(context));
            } else if !first && other_ended.is_none() {
                other_ended = ready(other.as_mut().poll(context));
            }
            Poll::Ready(())
        })
        .await;
        steps += 1;
        if steps % 16 == 0 {
            // Whoever waits before the next try waits no longer.
            tokio::time::advance(Duration::from_millis(20)).await;
        }
    }
    (ended.unwrap(), other_ended.unwrap())
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// A tenant that has left, as its items were then: put back before each race.
struct Stage {
    world: World,
    items: Vec<(&'static str, Value)>,
    departure: Departure,
    tenant: Site,
    /// The token of the return, and when it was signed: signing costs as much as a race.
    signed: Mutex<(String, i64)>,
}

impl Stage {
    async fn build(seed: u64) -> Self {
        let world = world_of(seed).await;
        let tenant = site("racer");
        assert_eq!(world.install(&tenant).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.put(&tenant, "colour", "\"blue\"").await.status, StatusCode::CREATED);
        world.clock.advance(Duration::from_secs(2 * 86_400));
        assert_eq!(world.uninstall(&tenant).await.status, StatusCode::NO_CONTENT);
        world.clock.advance(Duration::from_secs(u64::try_from(GRACE).unwrap()));
        let dump = world.aws().dump().unwrap();
        let items = [TENANTS, KEYS, DEPARTURES].map(|table| (table, dump[table][0].clone())).into();
        let (digest, platform) = (digest(tenant.app.slug, &tenant.client_key), world.host.platform("purge").unwrap());
        let departure = departures::of_digest(&platform, &digest).await.unwrap_or_default().pop().unwrap();
        Self { world, items, departure, tenant, signed: Mutex::default() }
    }

    /// A token for the return, not older than those are that count.
    fn token(&self) -> String {
        let (mut signed, now) = (self.signed.lock().unwrap(), self.world.now());
        if now - signed.1 > 150 {
            let request = Signed { method: "POST", path: "/test-management/installed", query: "" };
            *signed = (ATLASSIAN.0.install_token(&self.tenant, request, now).unwrap(), now);
        }
        signed.0.clone()
    }

    /// The tenant has left so long ago that its last second has begun.
    fn put_back(&self) {
        let (aws, kept_until) = (self.world.aws().aside(), self.world.now() + 1);
        for (table, item) in &self.items {
            let mut item = item.clone();
            for (name, moment) in
                [("left_at", kept_until - GRACE), ("purge_after", kept_until), ("due_at", kept_until), ("expires_at", kept_until + DAY)]
            {
                if item.get(name).is_some() {
                    item[name] = json!({"N": moment.to_string()});
                }
            }
            if *table == TENANTS {
                item["event_iat"] = json!({"N": (kept_until - GRACE).to_string()});
            }
            aws.put_item(table, &item).unwrap();
        }
    }

    /// One race: which of the two makes its next step is drawn, and so is when the last second ends.
    async fn race(&self, seed: u64) -> Result<Won, String> {
        let (mut dice, world) = (Dice(seed), &self.world);
        self.put_back();
        let platform = world.host.platform("purge").unwrap();
        let tenant_id = text(&self.items[0].1, "tenant_id");
        let payload = self.tenant.payload("installed");
        let request = post("/test-management/installed", &self.token(), payload.to_string());
        if dice.throw(4) == 0 {
            let faults = [Fault::BeforeSend, Fault::AfterEffect, Fault::Throttle, Fault::InternalError];
            world.aws().faults().on_call(1 + dice.throw(10), dice.pick(&faults));
        }
        // The purge may have looked before the second is over only if the hour strikes in it: it is one tick, somewhere in the race.
        let mut tick = dice.throw(12);
        let step = || {
            if tick == 0 {
                world.clock.advance(Duration::from_secs(1));
            }
            tick = tick.wrapping_sub(1);
        };
        let (returned, _) = interleaved(&mut dice, world.send(request), purging::begin(&platform, &self.departure), step).await;
        let returned = Some(returned.status);
        world.aws().faults().clear();
        if returned != Some(StatusCode::NO_CONTENT) {
            // Atlassian tells it once more.
            world.clock.advance(Duration::from_secs(1));
            let again = post("/test-management/installed", &self.token(), payload.to_string());
            let again = world.send(again).await.status;
            if again != StatusCode::NO_CONTENT {
                return Err(format!("the return was answered {returned:?}, then {again}"));
            }
        }
        self.judge(tenant_id, seed.is_multiple_of(8)).await
    }

    /// Promise E-35: either everything is back and readable, or the keys are gone and the next life has begun.
    async fn judge(&self, tenant_id: &str, reads: bool) -> Result<Won, String> {
        let aws = self.world.aws().aside();
        let digest = digest(self.tenant.app.slug, &self.tenant.client_key);
        let by_digest = json!({"digest": {"S": digest}});
        let tenant = aws.item(TENANTS, &by_digest).unwrap().unwrap_or_default();
        let keys = aws.item(KEYS, &by_digest).unwrap().unwrap_or_default();
        let departure = aws.item(DEPARTURES, &json!({"digest": {"S": digest}, "tenant_id": {"S": tenant_id}})).unwrap().unwrap_or_default();
        let colour = if reads { Some(self.world.get(&self.tenant, "colour").await.status) } else { None };
        let same = text(&tenant, "tenant_id") == tenant_id;
        let keys_agree = text(&keys, "tenant_id") == text(&tenant, "tenant_id") && keys.get("expires_at").is_none();
        let seen = (text(&tenant, "state"), same, keys_agree, text(&departure, "stage"), colour);
        match seen {
            ("active", true, true, "returned", None | Some(StatusCode::OK)) => Ok(Won::Return),
            ("active", false, true, "purging", None | Some(StatusCode::NOT_FOUND)) => Ok(Won::Purge),
            half => Err(format!("neither one nor the other: {half:?}")),
        }
    }
}

/// So many races on one stage; how many each of them won, or the first that nobody did.
fn races(seeds: std::ops::Range<u64>, defect: Option<Defect>) -> Result<[u64; 2], (u64, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut won = [0, 0];
        let stage = Stage::build(seeds.start).await;
        stage.world.aws().tamper(defect.map(Defect::on_the_wire));
        for seed in seeds {
            match stage.race(seed).await {
                Ok(Won::Return) => won[0] += 1,
                Ok(Won::Purge) => won[1] += 1,
                Err(what) => return Err((seed, what)),
            }
        }
        Ok(won)
    })
}

/// Promise E-35.
#[test]
fn of_a_return_and_a_purge_exactly_one_wins_in_ten_thousand_interleavings() {
    let halves = std::thread::scope(|scope| {
        let threads = [0..5_000, 5_000..10_000].map(|seeds| scope.spawn(move || races(seeds, None)));
        threads.map(|thread| thread.join().unwrap())
    });
    let mut won = [0, 0];
    for half in halves {
        let half = half.unwrap_or_else(|(seed, what)| panic!("race {seed}: {what}"));
        won = [won[0] + half[0], won[1] + half[1]];
    }
    println!("10000 interleavings: {} returns and {} purges won", won[0], won[1]);
    assert!(won.iter().all(|won| *won > 1_000), "one of the two hardly ever wins: {won:?}");
}

#[test]
fn a_purge_without_its_conditions_is_found() {
    let (seed, what) = races(0..2_000, Some(Defect::PurgeWithoutConditions)).expect_err("a defect that no race shows");
    println!("PurgeWithoutConditions: found with race {seed}, E-35: {what}");
}
