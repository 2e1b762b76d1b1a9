//! The fault plane: the plan of what goes wrong, asked once for every call the SDK sends.
//!
//! A call has one fault at most: the one planned for its number, else the first rule for its operation, else the dice. The dice are
//! thrown from a seed, so the same calls in the same order meet the same faults. Retries are calls of their own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Service;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before the request is out: an I/O error, no effect.
    BeforeSend,
    /// The connection breaks before the answer is in: the effect, and an I/O error.
    AfterEffect,
    /// The service says that it is asked too often, in its own words; no effect.
    Throttle,
    /// The service says 500, in its own words; no effect.
    InternalError,
    /// Nothing is sent and nothing answered: the call waits until the SDK's timeout, for ever if it has none.
    Never,
    /// The function dies before the request is out: no effect. Whoever waits for [`FaultPlane::death`] is to drop it.
    DiesBefore,
    /// The function dies before the answer is in: the effect, and then the same.
    DiesAfter,
}

/// What the dice choose from. [`Fault::Never`] and deaths are not among them: without a timeout or somebody who waits for a death they would end
/// the test.
const DICE: [Fault; 4] = [Fault::BeforeSend, Fault::AfterEffect, Fault::Throttle, Fault::InternalError];

/// The plan. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct FaultPlane {
    plan: Arc<Mutex<Plan>>,
    deaths: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Plan {
    seen: u64,
    numbered: BTreeMap<u64, Fault>,
    rules: Vec<Rule>,
    dice: Option<Dice>,
}

#[derive(Debug)]
struct Rule {
    service: Service,
    operation: String,
    fault: Fault,
    left: u32,
}

#[derive(Debug)]
struct Dice {
    probability: f64,
    state: u64,
}

impl FaultPlane {
    /// The `n`th call from now fails with `fault`: 1 is the next one, 0 none.
    pub fn on_call(&self, n: u64, fault: Fault) {
        let mut plan = self.plan();
        let number = plan.seen.saturating_add(n);
        plan.numbered.insert(number, fault);
    }

    /// Every call fails with this probability (0 to 1), with any fault after which a call ends, until [`Self::clear`].
    pub fn on_every(&self, probability: f64, seed: u64) {
        self.plan().dice = Some(Dice { probability, state: seed });
    }

    /// The next `times` calls of `operation` fail with `fault`.
    pub fn on(&self, service: Service, operation: &str, fault: Fault, times: u32) {
        self.plan().rules.push(Rule { service, operation: operation.to_owned(), fault, left: times });
    }

    /// Ends when a function has died, as one does that Lambda has stopped: it makes no step any more, and is to be dropped.
    pub async fn death(&self) {
        self.deaths.notified().await;
    }

    /// A function dies here.
    pub(super) async fn die<T>(&self) -> T {
        self.deaths.notify_one();
        std::future::pending().await
    }

    /// Nothing fails any more.
    pub fn clear(&self) {
        let mut plan = self.plan();
        *plan = Plan { seen: plan.seen, ..Plan::default() };
    }

    /// Counts a call and says what goes wrong with it.
    pub(super) fn strike(&self, service: Service, operation: &str) -> Option<Fault> {
        let mut plan = self.plan();
        plan.seen += 1;
        let number = plan.seen;
        // Thrown for every call, whatever else is planned for it, so that a planned fault does not shift the ones that follow.
        let thrown = plan.dice.as_mut().and_then(Dice::throw);
        if let Some(fault) = plan.numbered.remove(&number) {
            return Some(fault);
        }
        let rule = plan.rules.iter_mut().find(|rule| rule.left > 0 && rule.service == service && rule.operation == operation);
        if let Some(rule) = rule {
            rule.left -= 1;
            return Some(rule.fault);
        }
        thrown
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dice {
    fn throw(&mut self) -> Option<Fault> {
        // 32 bits are exact in an f64.
        let (chance, choice) = (f64::from(self.next()), self.next());
        let hit = chance < self.probability * (f64::from(u32::MAX) + 1.0);
        DICE.into_iter().cycle().nth(usize::from(choice.to_le_bytes()[0])).filter(|_| hit)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014), the upper half: small, even and the same everywhere.
    fn next(&mut self) -> u32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(plane: &FaultPlane, calls: usize) -> Vec<Option<Fault>> {
        (0..calls).map(|_| plane.strike(Service::DynamoDb, "PutItem")).collect()
    }

    #[test]
    fn a_numbered_fault_counts_from_now_and_strikes_once() {
        let plane = FaultPlane::default();
        strikes(&plane, 5);
        plane.on_call(2, Fault::Throttle);
        assert_eq!(strikes(&plane, 3), [None, Some(Fault::Throttle), None]);
    }

    #[test]
    fn a_rule_strikes_its_operation_as_often_as_it_says() {
        let plane = FaultPlane::default();
        plane.on(Service::DynamoDb, "PutItem", Fault::BeforeSend, 2);
        assert_eq!(plane.strike(Service::DynamoDb, "GetItem"), None);
        assert_eq!(plane.strike(Service::S3, "PutItem"), None);
        assert_eq!(strikes(&plane, 3), [Some(Fault::BeforeSend), Some(Fault::BeforeSend), None]);
    }

    #[test]
    fn the_same_seed_brings_the_same_faults() {
        let thrown = |probability, seed| {
            let plane = FaultPlane::default();
            plane.on_every(probability, seed);
            strikes(&plane, 1000)
        };
        assert_eq!(thrown(0.2, 7), thrown(0.2, 7));
        assert_ne!(thrown(0.2, 7), thrown(0.2, 8));
        let hits = thrown(0.2, 7).into_iter().flatten().count();
        assert!((150..250).contains(&hits), "{hits}");
        assert!(DICE.iter().all(|fault| thrown(0.2, 7).contains(&Some(*fault))));
        assert_eq!(thrown(0.0, 7).into_iter().flatten().count(), 0);
        assert_eq!(thrown(1.0, 7).into_iter().flatten().count(), 1000);
    }

    #[test]
    fn a_cleared_plan_strikes_nothing() {
        let plane = FaultPlane::default();
        plane.on_every(1.0, 1);
        plane.on_call(1, Fault::Never);
        plane.on(Service::DynamoDb, "PutItem", Fault::Throttle, 1);
        plane.clear();
        assert_eq!(strikes(&plane, 2), [None, None]);
    }
}
