//! What of a tenants item the filter looks at: neither the sealed account nor the order of events, so that only damage to what decides can stop it.

use crate::records::item::{self, Damaged, Item};
use crate::tenant::state::State;

/// A tenant that a tenants table names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) digest: String,
    pub(super) tenant_id: String,
    pub(super) app: String,
    pub(super) state: State,
    pub(super) epoch: u64,
    pub(super) revision: u64,
    pub(super) left_at: Option<i64>,
    pub(super) purge_after: Option<i64>,
}

impl Named {
    pub(super) fn from_item(item: &Item) -> Result<Self, Damaged> {
        Ok(Self {
            digest: item::text(item, "digest")?,
            tenant_id: item::text(item, "tenant_id")?,
            app: item::text(item, "app")?,
            state: State::named(&item::text(item, "state")?).ok_or(Damaged("state"))?,
            epoch: item::number(item, "epoch")?,
            revision: item::number(item, "revision")?,
            left_at: item::number_if_any(item, "left_at")?,
            purge_after: item::number_if_any(item, "purge_after")?,
        })
    }
}
