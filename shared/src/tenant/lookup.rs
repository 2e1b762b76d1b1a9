//! Finding a tenant by its digest: the tenants item on every request, because leaving takes effect at once; its key item only when the
//! cached keys are a minute old; and, in the same call, the record that the route reads.
//!
//! Warm, that is one call to DynamoDB and none to KMS; cold, one call, one to KMS, and one more for the record.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::item::TenantItem;
use super::state::State;
use crate::envelope::{KeyItem, Looked};
use crate::platform::signal::Signal;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::item::{self, Item, s};
use crate::records::keyring::{self, Keyring};
use crate::records::reading::Wanted;
use crate::records::transaction;

/// A tenant that we know, and what was fetched along.
pub(crate) struct Known {
    pub(crate) item: TenantItem,
    pub(crate) keyring: Keyring,
    /// `None`: nothing was fetched along; `Some(None)`: it was, and is not there.
    pub(crate) along: Option<Option<Item>>,
}

/// What lies under a digest in the two tables, read together and consistently, each by itself.
pub(crate) struct Both {
    pub(crate) tenant: Option<TenantItem>,
    key_item: Option<Item>,
}

/// Both items of a digest.
pub(crate) async fn both(platform: &Platform, digest: &str) -> Result<Both, Problem> {
    let tables = &platform.config().tables;
    let mut found = get(platform, vec![by_digest(&tables.tenants, digest), by_digest(&tables.tenant_keys, digest)]).await?;
    let tenant = found.remove(&tables.tenants).as_ref().map(TenantItem::from_item).transpose()?;
    Ok(Both { tenant, key_item: found.remove(&tables.tenant_keys) })
}

impl Both {
    /// The key item, if it can be used for this tenant now.
    pub(crate) fn usable_keys(&self, tenant_id: &str, now: i64) -> Result<Option<KeyItem>, Problem> {
        let key_item = self.key_item.as_ref().map(keyring::from_item).transpose()?;
        Ok(key_item.filter(|key_item| key_item.readable(tenant_id, now).is_ok()))
    }

    /// Whether a key item lies there that says it is this tenant's, usable or not.
    pub(crate) fn holds_keys_of(&self, tenant_id: &str) -> bool {
        self.key_item.as_ref().is_some_and(|item| item::text(item, "tenant_id").is_ok_and(|owner| owner == tenant_id))
    }

    /// Whether any key item lies there.
    pub(crate) const fn holds_keys(&self) -> bool {
        self.key_item.is_some()
    }
}

/// What is said when keys are missing that must be there: 503, because a backup may hold them.
pub(crate) fn incident() -> Problem {
    Problem::unavailable("incident: the key item is missing or another tenant's").raising(Signal::KeysMissing)
}

/// The tenant with this digest and its keys, or `None` if there is none, if it has left and `must_be_active`, or if its keys are rightly gone.
/// Keys that could not be used are not unwrapped.
///
/// # Errors
/// 503 if the keys are gone, or are another tenant's, while its data must still be readable: an incident, because a backup may hold them.
pub(crate) async fn known(
    platform: &Platform,
    digest: &str,
    wanted: Option<&Wanted>,
    must_be_active: bool,
) -> Result<Option<Known>, Problem> {
    let tables = &platform.config().tables;
    // The two items are not read in one transaction, so a move between them shows as a mismatch: then both are read once more, and a third
    // time where the first only showed that the cache was of an earlier life.
    for attempt in 0..3 {
        let (cached, fresh) = match platform.key_cache().look(digest) {
            Looked::Fresh(keys) => (Some(Keyring::new(platform, digest, keys)), true),
            Looked::Stale(keys) => (Some(Keyring::new(platform, digest, keys)), false),
            Looked::Absent => (None, false),
        };
        let mut keys = vec![by_digest(&tables.tenants, digest)];
        if !fresh {
            keys.push(by_digest(&tables.tenant_keys, digest));
        }
        let along = cached.as_ref().zip(wanted).map(|(keyring, wanted)| (wanted.key)(keyring.clone(), &wanted.name));
        keys.extend(along.clone());
        let mut found = get(platform, keys).await?;
        let Some(item) = found.remove(&tables.tenants) else {
            platform.key_cache().forget(digest);
            return Ok(None);
        };
        let item = TenantItem::from_item(&item)?;
        if must_be_active && item.state != State::Active {
            return Ok(None);
        }
        // What was fetched along lies under the cached tenant's id, so it counts only while that is still the tenant's.
        let along = match (&cached, along) {
            (Some(cached), Some((table, _))) if cached.tenant_id() == item.tenant_id => Some(found.remove(&table)),
            _ => None,
        };
        if let (Some(keyring), true) = (cached, fresh) {
            if keyring.tenant_id() == item.tenant_id {
                return Ok(Some(Known { item, keyring, along }));
            }
            platform.key_cache().forget(digest);
            continue;
        }
        let key_item = found.remove(&tables.tenant_keys).as_ref().map(keyring::from_item).transpose()?;
        match key_item.filter(|key_item| key_item.readable(&item.tenant_id, platform.now()).is_ok()) {
            Some(key_item) => {
                let keyring = Keyring::admit(platform, digest, &key_item).await?;
                return Ok(Some(Known { item, keyring, along }));
            }
            None if must_have_keys(&item, platform.now()) => transaction::pause(platform, attempt).await,
            None => return Ok(None),
        }
    }
    Err(incident())
}

/// Whether losing the keys now would be losing data that we promised to keep.
pub(crate) fn must_have_keys(item: &TenantItem, now: i64) -> bool {
    match item.state {
        State::Active => true,
        State::Unsubscribed => item.purge_after.is_some_and(|purge_after| now < purge_after),
        State::Purging => false,
    }
}

fn by_digest(table: &str, digest: &str) -> (String, Item) {
    (table.to_owned(), item::item([("digest", s(digest))]))
}

/// One consistent BatchGetItem of at most one item a table.
async fn get(platform: &Platform, keys: Vec<(String, Item)>) -> Result<HashMap<String, Item>, Problem> {
    let mut requests = HashMap::new();
    for (table, key) in keys {
        let request = KeysAndAttributes::builder().keys(key).consistent_read(true).build();
        requests.insert(table, request.map_err(|_| Problem::new(Refusal::Internal, "cannot build a batch"))?);
    }
    let mut found = HashMap::new();
    // DynamoDB may leave keys unread under load and says which (BatchGetItem, UnprocessedKeys).
    for attempt in 0..3 {
        let answer = platform.dynamodb().batch_get_item().set_request_items(Some(requests)).send().await;
        let answer = answer.map_err(|error| aws::problem("dynamodb BatchGetItem", &error))?;
        for (table, items) in answer.responses.unwrap_or_default() {
            found.extend(items.into_iter().next().map(|item| (table, item)));
        }
        requests = answer.unprocessed_keys.unwrap_or_default();
        if requests.is_empty() {
            return Ok(found);
        }
        transaction::pause(platform, attempt).await;
    }
    Err(Problem::unavailable("dynamodb BatchGetItem: keys left unread"))
}

/// One item by its key, consistently.
pub(crate) async fn one(platform: &Platform, (table, key): (String, Item)) -> Result<Option<Item>, Problem> {
    Ok(get(platform, vec![(table.clone(), key)]).await?.remove(&table))
}
