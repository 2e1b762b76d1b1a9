//! What sites said of their users within the last minute. Bounded, and by tenant, account and permission: one site's word counts for its own
//! users alone.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::AccountId;
use super::permissions::Permission;
use crate::platform::clock::Moment;

/// How long an answer counts: a right that is withdrawn ends after this at the latest.
const KEPT_FOR: Duration = Duration::from_secs(60);

const KEPT: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

type Key = (String, AccountId, Permission);

/// The answers.
pub struct PermissionCache(Mutex<LruCache<Key, (bool, Moment)>>);

impl Default for PermissionCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl PermissionCache {
    /// What the tenant's site said of this, if it was less than a minute ago.
    pub(super) fn look(&self, tenant_id: &str, account_id: &AccountId, permission: Permission, now: Moment) -> Option<bool> {
        let key = (tenant_id.to_owned(), account_id.clone(), permission);
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&key).filter(|(_, asked_at)| now.since(*asked_at) < KEPT_FOR).map(|(granted, _)| *granted)
    }

    /// Keeps what it said when it was asked at `asked_at`.
    pub(super) fn keep(&self, tenant_id: &str, account_id: &AccountId, permission: Permission, granted: bool, asked_at: Moment) {
        let key = (tenant_id.to_owned(), account_id.clone(), permission);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, (granted, asked_at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Moment {
        Moment::new(i64::try_from(second).unwrap() * 1000, Duration::from_secs(second))
    }

    #[test]
    fn an_answer_counts_for_its_tenant_account_and_permission_and_for_a_minute() {
        let (cache, ada, max) = (PermissionCache::default(), AccountId::parse("ada").unwrap(), AccountId::parse("max").unwrap());
        cache.keep("t-1", &ada, Permission::Administer, true, at(0));
        assert_eq!(cache.look("t-1", &ada, Permission::Administer, at(59)), Some(true));
        assert_eq!(cache.look("t-1", &ada, Permission::Administer, at(60)), None);
        assert_eq!(cache.look("t-1", &max, Permission::Administer, at(0)), None);
        assert_eq!(cache.look("t-2", &ada, Permission::Administer, at(0)), None);
    }

    #[test]
    fn a_thawed_environment_trusts_no_old_answer() {
        let (cache, ada) = (PermissionCache::default(), AccountId::parse("ada").unwrap());
        cache.keep("t", &ada, Permission::Administer, true, at(0));
        // Frozen for an hour: the steady clock stood still.
        assert_eq!(cache.look("t", &ada, Permission::Administer, Moment::new(3_600_000, Duration::ZERO)), None);
    }

    #[test]
    fn the_cache_is_bounded() {
        let (cache, permission) = (PermissionCache::default(), Permission::Administer);
        for number in 0..2000 {
            cache.keep(&format!("t-{number}"), &AccountId::parse("ada").unwrap(), permission, true, at(0));
        }
        assert_eq!(cache.0.lock().unwrap().len(), KEPT.get());
    }
}
