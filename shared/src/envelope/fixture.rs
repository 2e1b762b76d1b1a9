//! What the tests of the envelope share: keys, items and a source of randomness with known answers.

use std::collections::BTreeMap;

use super::context::Place;
use super::key::{KeyMaterial, TenantKeys};
use super::key_item::{KeyItem, Usage, WrappedVersion};
use crate::platform::random::{Random, Unavailable};

/// Gives the same byte for ever.
#[derive(Debug)]
pub(super) struct Repeating(pub(super) u8);

impl Random for Repeating {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Unavailable> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// The place of the golden vector.
pub(super) const PLACE: Place<'static> = Place { service: "svc", resource: "tbl", pk: b"T#1", sk: b"S#1", attribute: "body" };

/// A data key and an index key of one repeated byte each.
pub(super) fn material(data: u8, index: u8) -> KeyMaterial {
    KeyMaterial::new([[data; 32], [index; 32]].concat()).unwrap()
}

/// An item that holds versions 1 to `current`; the wrapped bytes of each repeat its number.
pub(super) fn item(tenant_id: &str, current: u32) -> KeyItem {
    let version = |number: u32| {
        let usage = if number == current { Usage::SealAndOpen } else { Usage::OpenOnly };
        (number, WrappedVersion { wrapped: vec![number as u8; 16], created_at: 0, key_arn: "arn".to_owned(), usage })
    };
    KeyItem {
        tenant_id: tenant_id.to_owned(),
        rev: 1,
        current,
        versions: BTreeMap::from_iter((1..=current).map(version)),
        expires_at: None,
    }
}

/// A tenant's keys at version 7, with the golden vector's data key.
pub(super) fn keys(tenant_id: &str) -> TenantKeys {
    TenantKeys::from_item(&item(tenant_id, 7), &material(0x42, 0x43), 1 << 32).unwrap()
}
