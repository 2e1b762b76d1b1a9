//! A tenant's keys that no KMS has to unwrap: for what seals and opens and does nothing else.

use std::collections::BTreeMap;

use shared::envelope::{KeyItem, KeyMaterial, TenantKeys, Usage, WrappedVersion};

/// Always the same ones, with an id as long as real ones are.
///
/// # Panics
/// If they are no keys, which they are.
#[must_use]
pub fn tenant_keys() -> TenantKeys {
    let version = WrappedVersion { wrapped: Vec::new(), created_at: 0, key_arn: String::new(), usage: Usage::SealAndOpen };
    let versions = BTreeMap::from([(1, version)]);
    let item = KeyItem { tenant_id: "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned(), rev: 1, current: 1, versions, expires_at: None };
    TenantKeys::from_item(&item, &KeyMaterial::new(vec![7; 64]).unwrap(), u64::MAX).unwrap()
}
