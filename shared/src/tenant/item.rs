//! The tenants item: where a tenant stands, and its sealed account.

use super::state::{Order, State, Stored};
use crate::records::item::{self, Damaged, Item, b, n, s};

/// A tenants item as it was read or is to be written.
#[derive(Clone, Debug)]
pub(crate) struct TenantItem {
    pub(crate) digest: String,
    pub(crate) app: String,
    pub(crate) tenant_id: String,
    pub(crate) state: State,
    pub(crate) epoch: u64,
    /// Grows with every move; the condition of the next one.
    pub(crate) revision: u64,
    pub(crate) last: Order,
    /// Names the event that made the last move, so that a lost answer is recognised.
    pub(crate) move_id: String,
    pub(crate) installed_at: i64,
    pub(crate) left_at: Option<i64>,
    pub(crate) purge_after: Option<i64>,
    pub(crate) enabled: bool,
    pub(crate) account: Vec<u8>,
}

impl TenantItem {
    pub(crate) const fn stored(&self) -> Stored {
        Stored { state: self.state, last: self.last, purge_after: self.purge_after }
    }

    pub(crate) fn to_item(&self) -> Item {
        let mut item = item::item([
            ("digest", s(&self.digest)),
            ("app", s(&self.app)),
            ("tenant_id", s(&self.tenant_id)),
            ("state", s(self.state.name())),
            ("epoch", n(self.epoch)),
            ("revision", n(self.revision)),
            ("event_iat", n(self.last.iat)),
            ("event_rank", n(self.last.rank)),
            ("move_id", s(&self.move_id)),
            ("installed_at", n(self.installed_at)),
            ("enabled", aws_sdk_dynamodb::types::AttributeValue::Bool(self.enabled)),
            ("account", b(self.account.clone())),
        ]);
        for (name, moment) in [("left_at", self.left_at), ("purge_after", self.purge_after)] {
            if let Some(moment) = moment {
                item.insert(name.to_owned(), n(moment));
            }
        }
        item
    }

    pub(crate) fn from_item(item: &Item) -> Result<Self, Damaged> {
        let state = State::named(&item::text(item, "state")?).ok_or(Damaged("state"))?;
        Ok(Self {
            digest: item::text(item, "digest")?,
            app: item::text(item, "app")?,
            tenant_id: item::text(item, "tenant_id")?,
            state,
            epoch: item::number(item, "epoch")?,
            revision: item::number(item, "revision")?,
            last: Order { iat: item::number(item, "event_iat")?, rank: item::number(item, "event_rank")? },
            move_id: item::text(item, "move_id")?,
            installed_at: item::number(item, "installed_at")?,
            left_at: item::number_if_any(item, "left_at")?,
            purge_after: item::number_if_any(item, "purge_after")?,
            enabled: item.get("enabled").and_then(|value| value.as_bool().ok()).copied().ok_or(Damaged("enabled"))?,
            account: item::bytes(item, "account")?.to_vec(),
        })
    }
}
