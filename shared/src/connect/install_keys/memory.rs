//! What is known about keys at a moment: those we have, those nobody knows, those being fetched, and how many fetches are left.
//!
//! Every part of it is bounded, whatever strangers ask for. Names nobody knows live apart, so that inventing names cannot crowd out keys.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Shared, WeakShared};
use lru::LruCache;

use super::KeyFault;
use crate::connect::kid::Kid;
use crate::platform::clock::Moment;

const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();
const UNKNOWN_KEPT_FOR: Duration = Duration::from_secs(60);

/// Fetches that gave no key, by this environment. A key that was found costs nothing of it, and is kept for good (a name never gets another
/// key), so that strangers who invent names cannot make us forget or refuse what we know.
pub(super) const FETCHES_PER_WINDOW: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);

pub(super) type Fetched = Result<Arc<Vec<u8>>, KeyFault>;
pub(super) type Fetch = Shared<BoxFuture<'static, Fetched>>;

pub(super) struct Memory {
    keys: LruCache<Kid, Arc<Vec<u8>>>,
    unknown: LruCache<Kid, Moment>,
    /// Weak, because a fetch that every caller gave up on stands still and must not be joined.
    running: HashMap<Kid, WeakShared<BoxFuture<'static, Fetched>>>,
    window_began: Option<Moment>,
    spent: u32,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { keys: LruCache::new(KEPT), unknown: LruCache::new(KEPT), running: HashMap::new(), window_began: None, spent: 0 }
    }

    /// What was fetched before and still counts.
    pub(super) fn known(&mut self, kid: &Kid, now: Moment) -> Option<Fetched> {
        if let Some(pem) = self.keys.get(kid) {
            return Some(Ok(Arc::clone(pem)));
        }
        let at = self.unknown.get(kid)?;
        (now.since(*at) < UNKNOWN_KEPT_FOR).then_some(Err(KeyFault::UnknownKid))
    }

    /// The fetch of this key that somebody is waiting for already.
    pub(super) fn running(&self, kid: &Kid) -> Option<Fetch> {
        self.running.get(kid)?.upgrade()
    }

    /// Takes one fetch from the budget.
    pub(super) fn spend(&mut self, now: Moment) -> Result<(), KeyFault> {
        if self.window_began.is_none_or(|began| now.since(began) >= WINDOW) {
            self.window_began = Some(now);
            self.spent = 0;
        }
        if self.spent >= FETCHES_PER_WINDOW {
            return Err(KeyFault::Unavailable);
        }
        self.spent += 1;
        Ok(())
    }

    pub(super) fn started(&mut self, kid: &Kid, fetch: &Fetch) {
        self.running.retain(|_, given_up| given_up.upgrade().is_some());
        if let Some(weak) = fetch.downgrade() {
            self.running.insert(kid.clone(), weak);
        }
    }

    pub(super) fn ended(&mut self, kid: &Kid, fetched: &Fetched, now: Moment) {
        self.running.remove(kid);
        match fetched {
            Ok(pem) => {
                self.keys.put(kid.clone(), Arc::clone(pem));
                self.spent = self.spent.saturating_sub(1);
            }
            Err(KeyFault::UnknownKid) => {
                self.unknown.put(kid.clone(), now);
            }
            Err(KeyFault::Unavailable) => {}
        }
    }
}
