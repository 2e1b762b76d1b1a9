//! The tenant's key item: the one place where a tenant's keys lie, all versions of them, wrapped. One delete shreds them all.
//!
//! A plain value: reading and writing it is the store's affair. Nothing in it but `wrapped` is authenticated, so whoever may write it
//! can shred a tenant or pin an old version, but cannot read anything.

use std::collections::BTreeMap;
use std::fmt;

/// One tenant's keys, wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyItem {
    /// The tenant it belongs to: must be the one the tenants item names.
    pub tenant_id: String,
    /// Counts the writes (optimistic lock).
    pub rev: u64,
    /// The version that seals.
    pub current: u32,
    /// Every version that something may still be sealed under, from 1.
    pub versions: BTreeMap<u32, WrappedVersion>,
    /// Epoch seconds from which the item counts as gone; absent while the tenant is subscribed.
    pub expires_at: Option<i64>,
}

/// One version of a tenant's key material, wrapped by the wrapping key.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedVersion {
    /// The KMS ciphertext of 64 bytes: data key, then index key.
    pub wrapped: Vec<u8>,
    /// Epoch seconds of its making.
    pub created_at: i64,
    /// The ARN of the wrapping key.
    pub key_arn: String,
    /// What it may still be used for.
    pub usage: Usage,
}

/// The wrapped bytes stay out: a copy in a log would outlive the shred.
impl fmt::Debug for WrappedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedVersion").field("created_at", &self.created_at).field("usage", &self.usage).finish_non_exhaustive()
    }
}

/// What a version may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Seals new data and opens its own.
    SealAndOpen,
    /// Rotated out: only opens what it once sealed.
    OpenOnly,
}

/// There is no key, so nothing sealed under it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the tenant's key: it is gone")]
pub struct KeyGone;

impl KeyItem {
    /// The reader's rule, to be asked of every item read and before every use of it: TTL sweeps days late, and an item that expired or
    /// belongs to another tenant is no key. An item that is absent is [`KeyGone`] too.
    ///
    /// # Errors
    /// [`KeyGone`] if the item expired at or before `now_epoch_seconds`, or is not `tenant_id`'s.
    pub fn readable(&self, tenant_id: &str, now_epoch_seconds: i64) -> Result<(), KeyGone> {
        let expired = self.expires_at.is_some_and(|expires_at| expires_at <= now_epoch_seconds);
        if expired || self.tenant_id != tenant_id { Err(KeyGone) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::fixture;

    #[test]
    fn an_item_without_a_date_is_readable_by_its_tenant() {
        assert_eq!(fixture::item("t-1", 1).readable("t-1", i64::MAX), Ok(()));
    }

    #[test]
    fn an_item_is_readable_until_the_second_before_it_expires() {
        let item = KeyItem { expires_at: Some(1_000), ..fixture::item("t-1", 1) };
        assert_eq!(item.readable("t-1", 999), Ok(()));
        assert_eq!(item.readable("t-1", 1_000), Err(KeyGone));
    }

    #[test]
    fn an_item_of_another_tenant_is_no_key() {
        assert_eq!(fixture::item("t-1", 1).readable("t-2", 0), Err(KeyGone));
    }

    #[test]
    fn an_item_that_is_shown_keeps_its_wrapped_bytes_to_itself() {
        let mut item = fixture::item("t-1", 1);
        item.versions.get_mut(&1).unwrap().wrapped = vec![0xA7; 64];
        assert_eq!(
            format!("{item:?}"),
            "KeyItem { tenant_id: \"t-1\", rev: 1, current: 1, versions: {1: WrappedVersion { created_at: 0, usage: SealAndOpen, .. }}, \
             expires_at: None }"
        );
    }
}
