//! The restored key items: one whose tenant stays is dated as its departure says, every other one goes.

use super::Run;
use super::scan::{Read, Scan};
use super::tenants::{Kept, delete};
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Damaged, Item, n, s};
use crate::tenant::moves::by_digest;

/// What of a key item is looked at: it is never unwrapped here.
struct KeyItem {
    digest: String,
    tenant_id: String,
    rev: u64,
    expires_at: Option<i64>,
}

impl Run<'_> {
    /// Goes over the key items. Whether the next part may begin.
    pub(super) async fn keys(&mut self, kept: &mut Kept) -> Result<bool, Problem> {
        let Some(table) = self.restored.tenant_keys.as_deref() else { return Ok(self.may_go_on()) };
        let mut scan = Scan::of(table, Read::Whole);
        while let Some(page) = scan.page(self.platform).await? {
            for item in &page {
                if self.is_late() {
                    return Ok(false);
                }
                self.key_item(table, &KeyItem::from_item(item)?, kept).await;
            }
        }
        self.counts.lacking_keys = kept.values().filter(|tenant| !tenant.has_keys).count() as u64;
        Ok(self.may_go_on())
    }

    async fn key_item(&mut self, table: &str, found: &KeyItem, kept: &mut Kept) {
        let Some(tenant) = kept.get_mut(&found.tenant_id).filter(|tenant| tenant.digest == found.digest) else {
            if !self.only_checks() {
                let deleted = delete(self.platform, table, by_digest(&found.digest), &found.tenant_id).await;
                if self.is_done(deleted) {
                    self.counts.keys_deleted += 1;
                    self.counts.gone.insert(found.tenant_id.clone());
                }
            }
            return;
        };
        tenant.has_keys = true;
        let expires_at = tenant.keys_expire_at;
        if found.expires_at == expires_at || self.only_checks() {
            return;
        }
        let dated = date(self.platform, table, found, expires_at).await;
        if self.is_done(dated) {
            let counted = if expires_at.is_some() { &mut self.counts.left_again } else { &mut self.counts.returned_again };
            counted.insert(found.tenant_id.clone());
        }
    }
}

impl KeyItem {
    fn from_item(item: &Item) -> Result<Self, Damaged> {
        Ok(Self {
            digest: item::text(item, "digest")?,
            tenant_id: item::text(item, "tenant_id")?,
            rev: item::number(item, "rev")?,
            expires_at: item::number_if_any(item, "expires_at")?,
        })
    }
}

/// Gives a key item its date, or takes it away. Written twice, as when an answer is lost, it is the same.
async fn date(platform: &Platform, table: &str, found: &KeyItem, expires_at: Option<i64>) -> Result<(), Problem> {
    let call = platform.dynamodb().update_item().table_name(table).set_key(Some(by_digest(&found.digest)));
    let call = call
        .condition_expression("tenant_id = :tenant_id AND rev BETWEEN :rev AND :next")
        .expression_attribute_values(":tenant_id", s(&found.tenant_id))
        .expression_attribute_values(":rev", n(found.rev))
        .expression_attribute_values(":next", n(found.rev.saturating_add(1)));
    let call = match expires_at {
        Some(expires_at) => {
            call.update_expression("SET expires_at = :expires_at, rev = :next").expression_attribute_values(":expires_at", n(expires_at))
        }
        None => call.update_expression("SET rev = :next REMOVE expires_at"),
    };
    call.send().await.map(drop).map_err(|error| aws::problem("dynamodb UpdateItem", &error))
}
