//! The bounded cache of tenants' keys: a warm function asks KMS for nothing.
//!
//! A key item is believed for the soft age and has to be read again then; unwrapped keys are forgotten at the hard age, so that a shred
//! and a revoked wrapping key are both felt in time. Ages are of both clocks: an environment that was frozen does not think itself young.
//! Never more tenants than the limit; the one unused longest makes room. One unwrapping at a time per tenant, and no failure is kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use lru::LruCache;

use super::key::{KeyFault, KeyMaterial, TenantKeys};
use super::key_item::{KeyItem, WrappedVersion};
use crate::platform::clock::{Clock, Moment};

/// How many keys are held, for how long and for how many seals.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Tenants held at once; 0 counts as 1.
    pub tenants: usize,
    /// From this age on the key item must be read again. A shred takes effect within it.
    pub soft: Duration,
    /// From this age on the keys must be unwrapped again. A revoked wrapping key takes effect within it.
    pub hard: Duration,
    /// How often one unwrapped key seals. Far below what TSE1 would bear: it is NIST SP 800-38D's bound for one key and random nonces.
    pub max_seals: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tenants: 512, soft: Duration::from_secs(60), hard: Duration::from_secs(3600), max_seals: 1 << 32 }
    }
}

/// What the cache knows of a tenant. The caller compares [`TenantKeys::tenant_id`] with the tenants item, which it reads every time.
#[derive(Debug)]
pub enum Looked {
    /// Keys to use.
    Fresh(Arc<TenantKeys>),
    /// Keys to use only after the key item was read again and [admitted](KeyCache::admit).
    Stale(Arc<TenantKeys>),
    /// No keys: read the item and admit it.
    Absent,
}

/// The cache. One per Lambda environment.
pub struct KeyCache {
    limits: Limits,
    clock: Arc<dyn Clock>,
    entries: Mutex<LruCache<String, Entry>>,
    /// The gates somebody holds or waits at now. They live apart from the entries: making room must not open one.
    gates: Mutex<HashMap<String, Weak<Gate>>>,
}

type Gate = tokio::sync::Mutex<()>;

#[derive(Clone)]
struct Entry {
    keys: Arc<TenantKeys>,
    /// What the keys were unwrapped from.
    wrapped: BTreeMap<u32, WrappedVersion>,
    expires_at: Option<i64>,
    unwrapped_at: Moment,
    confirmed_at: Moment,
}

impl Entry {
    /// Whether the item still says all that these keys were made from.
    fn agrees_with(&self, item: &KeyItem) -> bool {
        self.keys.tenant_id() == item.tenant_id
            && self.keys.current() == item.current
            && self.wrapped.iter().all(|(version, wrapped)| item.versions.get(version) == Some(wrapped))
    }

    fn is_over(&self, now: Moment, limits: &Limits) -> bool {
        let expired = self.expires_at.is_some_and(|expires_at| expires_at <= now.epoch_seconds());
        expired || now.since(self.unwrapped_at) >= limits.hard
    }
}

impl KeyCache {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let tenants = NonZeroUsize::new(limits.tenants).unwrap_or(NonZeroUsize::MIN);
        Self { limits, clock, entries: Mutex::new(LruCache::new(tenants)), gates: Mutex::default() }
    }

    /// What is known of the tenant with this digest. Never keys past the hard age or past the expiry that their item named.
    #[must_use]
    pub fn look(&self, digest: &str) -> Looked {
        let now = self.clock.now();
        let mut entries = self.entries();
        match entries.get(digest) {
            None => Looked::Absent,
            Some(entry) if entry.is_over(now, &self.limits) => {
                entries.pop(digest);
                Looked::Absent
            }
            Some(entry) if now.since(entry.confirmed_at) >= self.limits.soft => Looked::Stale(Arc::clone(&entry.keys)),
            Some(entry) => Looked::Fresh(Arc::clone(&entry.keys)),
        }
    }

    /// Takes in a key item that was just read and found [readable](KeyItem::readable), and gives its keys.
    ///
    /// If they are known, younger than the hard age and made from the same wrapped bytes, their soft age begins again. Else `unwrap` is
    /// asked for the current version, given its number and the item's entry for it, once for all who come at the same time; should the
    /// one who asked go away or fail, the next one asks. Ages count from this call, not from the answer.
    ///
    /// # Errors
    /// What `unwrap` fails with, and [`KeyFault`] if the item does not hold its current version. Neither is remembered.
    // `Fn` and not `AsyncFn`: with the latter rustc 1.95 does not find the future of a borrowing closure to be `Send`.
    pub async fn admit<'i, E, F, U>(&self, digest: &str, item: &'i KeyItem, unwrap: F) -> Result<Arc<TenantKeys>, E>
    where
        E: From<KeyFault>,
        F: Fn(u32, &'i WrappedVersion) -> U,
        U: Future<Output = Result<KeyMaterial, E>>,
    {
        let asked = self.clock.now();
        if let Some(entry) = self.renew(digest, item, asked) {
            return Ok(entry.keys);
        }
        let gate = self.gate(digest);
        let _turn = gate.lock().await;
        Ok(self.admit_in_turn(digest, item, asked, &unwrap).await?.keys)
    }

    /// As [`admit`](Self::admit), for a value that an older version sealed: the keys it gives hold `version` too. That costs one more
    /// unwrapping, kept and forgotten together with the tenant's other keys.
    ///
    /// # Errors
    /// As [`admit`](Self::admit), and [`KeyFault::Version`] if the item does not hold `version`.
    pub async fn admit_version<'i, E, F, U>(&self, digest: &str, item: &'i KeyItem, version: u32, unwrap: F) -> Result<Arc<TenantKeys>, E>
    where
        E: From<KeyFault>,
        F: Fn(u32, &'i WrappedVersion) -> U,
        U: Future<Output = Result<KeyMaterial, E>>,
    {
        let asked = self.clock.now();
        let wrapped = item.versions.get(&version).ok_or(KeyFault::Version(version))?;
        let gate = self.gate(digest);
        let _turn = gate.lock().await;
        let mut entry = self.admit_in_turn(digest, item, asked, &unwrap).await?;
        if !entry.keys.holds(version) {
            let material = unwrap(version, wrapped).await?;
            entry.keys = Arc::new(entry.keys.with_version(version, &material)?);
            entry.wrapped.insert(version, wrapped.clone());
            self.put(digest, entry.clone());
        }
        Ok(entry.keys)
    }

    /// Forgets a tenant's keys. Those that are being unwrapped now may still come in; the soft age bounds them.
    pub fn forget(&self, digest: &str) {
        self.entries().pop(digest);
    }

    /// For whoever holds the gate.
    async fn admit_in_turn<'i, E, F, U>(&self, digest: &str, item: &'i KeyItem, asked: Moment, unwrap: &F) -> Result<Entry, E>
    where
        E: From<KeyFault>,
        F: Fn(u32, &'i WrappedVersion) -> U,
        U: Future<Output = Result<KeyMaterial, E>>,
    {
        // Whoever held it before may have done the work.
        if let Some(entry) = self.renew(digest, item, asked) {
            return Ok(entry);
        }
        let wrapped = item.versions.get(&item.current).ok_or(KeyFault::Version(item.current))?;
        let unwrapped_at = self.clock.now();
        let material = unwrap(item.current, wrapped).await?;
        let keys = Arc::new(TenantKeys::from_item(item, &material, self.limits.max_seals)?);
        let wrapped = BTreeMap::from([(item.current, wrapped.clone())]);
        let entry = Entry { keys, wrapped, expires_at: item.expires_at, unwrapped_at, confirmed_at: asked };
        self.put(digest, entry.clone());
        Ok(entry)
    }

    /// Begins the soft age again if the item agrees with what is known; else forgets what is known, for the item is the truth.
    fn renew(&self, digest: &str, item: &KeyItem, asked: Moment) -> Option<Entry> {
        let now = self.clock.now();
        let mut entries = self.entries();
        let entry = entries.get_mut(digest)?;
        if entry.is_over(now, &self.limits) || !entry.agrees_with(item) {
            entries.pop(digest);
            return None;
        }
        entry.confirmed_at = asked;
        entry.expires_at = item.expires_at;
        Some(entry.clone())
    }

    fn put(&self, digest: &str, entry: Entry) {
        let now = self.clock.now();
        let mut entries = self.entries();
        // Nobody looks at an idle tenant's keys, so nobody else would wipe them.
        entries.retain(|_, entry| !entry.is_over(now, &self.limits));
        entries.put(digest.to_owned(), entry);
    }

    fn gate(&self, digest: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|_, gate| gate.strong_count() > 0);
        if let Some(gate) = gates.get(digest).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(Gate::default());
        gates.insert(digest.to_owned(), Arc::downgrade(&gate));
        gate
    }

    fn entries(&self) -> MutexGuard<'_, LruCache<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
