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
        let state = item::text(item, "state")?;
        let known = [State::Active, State::Unsubscribed, State::Purging].into_iter().find(|known| word(*known) == state);
        Ok(Self {
            digest: item::text(item, "digest")?,
            tenant_id: item::text(item, "tenant_id")?,
            app: item::text(item, "app")?,
            state: known.ok_or(Damaged("state"))?,
            epoch: item::number(item, "epoch")?,
            revision: item::number(item, "revision")?,
            left_at: item::number_if_any(item, "left_at")?,
            purge_after: item::number_if_any(item, "purge_after")?,
        })
    }
}

/// How a state is written in the table.
pub(super) const fn word(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Unsubscribed => "unsubscribed",
        State::Purging => "purging",
    }
}
