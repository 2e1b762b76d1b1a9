//! How much telemetry a tenant may send: so much a minute of each kind, by the process that it happens to reach.
//!
//! A page that fails in a loop, or somebody who plays with its token, costs us a message and a sink a call for each time. Over its budget it costs no
//! more than finding the tenant. It is counted in memory, so what a tenant may send altogether is this times the environments that Lambda runs at once
//! (ten, as `template.yaml` reserves), and a new environment begins anew: a bound on cost, and no promise of fairness.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;

use crate::platform::clock::Moment;
use crate::problem::{Problem, Refusal};

/// How many tenants are counted at once. Whoever was not heard of for the longest is forgotten, which fills its budget.
const KEPT: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Pages that were seen.
    PageViews,
    /// What failed in a browser.
    BrowserErrors,
}

impl Counted {
    /// So many a minute, and at once.
    #[must_use]
    pub const fn per_minute(self) -> u32 {
        match self {
            Self::PageViews => 60,
            Self::BrowserErrors => 30,
        }
    }
}

/// What is left of one budget at a moment, as the time in which it grows.
#[derive(Clone, Copy)]
struct Left {
    milliseconds: u64,
    at: Moment,
}

const MINUTE: Duration = Duration::from_secs(60);

/// The budgets of all tenants that were heard of lately.
pub struct Budgets(Mutex<LruCache<(String, Counted), Left>>);

impl Default for Budgets {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Budgets {
    /// Takes one of what the tenant with this digest has left.
    ///
    /// # Errors
    /// 429 if nothing is left.
    pub fn spend(&self, digest: &str, counted: Counted, now: Moment) -> Result<(), Problem> {
        let full = u64::try_from(MINUTE.as_millis()).unwrap_or(u64::MAX);
        // A budget is time: one costs the part of a minute in which another one grows.
        let cost = full / u64::from(counted.per_minute());
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = budgets.get_or_insert_mut((digest.to_owned(), counted), || Left { milliseconds: full, at: now });
        let grown = u64::try_from(now.since(left.at).as_millis()).unwrap_or(u64::MAX);
        *left = Left { milliseconds: left.milliseconds.saturating_add(grown).min(full), at: now };
        match left.milliseconds.checked_sub(cost) {
            Some(rest) => {
                left.milliseconds = rest;
                Ok(())
            }
            None => Err(Problem::new(Refusal::TooManyRequests, "over the tenant's budget of telemetry")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::new(i64::try_from(milliseconds).unwrap(), Duration::from_millis(milliseconds))
    }

    fn spent(budgets: &Budgets, digest: &str, counted: Counted, now: Moment) -> u32 {
        (0..1000).take_while(|_| budgets.spend(digest, counted, now).is_ok()).count().try_into().unwrap()
    }

    #[test]
    fn a_minute_brings_as_many_as_it_says_and_no_more() {
        for counted in [Counted::PageViews, Counted::BrowserErrors] {
            let budgets = Budgets::default();
            assert_eq!(spent(&budgets, "a", counted, at(0)), counted.per_minute());
            assert_eq!(spent(&budgets, "a", counted, at(30_000)), counted.per_minute() / 2);
            assert_eq!(spent(&budgets, "a", counted, at(3_600_000)), counted.per_minute());
        }
    }

    #[test]
    fn one_grows_after_the_other() {
        let budgets = Budgets::default();
        spent(&budgets, "a", Counted::PageViews, at(0));
        assert!(budgets.spend("a", Counted::PageViews, at(999)).is_err());
        assert!(budgets.spend("a", Counted::PageViews, at(1000)).is_ok());
        assert!(budgets.spend("a", Counted::PageViews, at(1999)).is_err());
    }

    #[test]
    fn each_tenant_and_each_kind_has_its_own() {
        let budgets = Budgets::default();
        spent(&budgets, "a", Counted::PageViews, at(0));
        assert!(budgets.spend("a", Counted::BrowserErrors, at(0)).is_ok());
        assert!(budgets.spend("b", Counted::PageViews, at(0)).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing() {
        let budgets = Budgets::default();
        spent(&budgets, "a", Counted::PageViews, at(60_000));
        let earlier = Moment::new(0, Duration::from_secs(60));
        assert!(budgets.spend("a", Counted::PageViews, earlier).is_err());
    }

    #[test]
    fn the_budgets_are_bounded() {
        let budgets = Budgets::default();
        for number in 0..2000 {
            budgets.spend(&format!("tenant-{number}"), Counted::PageViews, at(0)).unwrap();
        }
        assert_eq!(budgets.0.lock().unwrap().len(), KEPT.get());
    }
}
