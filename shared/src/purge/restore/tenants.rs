//! Who stays: every tenant that the restored table names, or the live one where none was restored, held against its departure; and what that
//! makes of the restored tenants items.

use std::collections::HashMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::fate::{Fate, fate};
use super::named::Named;
use super::scan::{Read, Scan};
use super::{Pass, Run};
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Item, n, s};
use crate::tenant::departure::{Departure, Stage};
use crate::tenant::departures;
use crate::tenant::state::State;

/// How many departures are read at once.
const AT_ONCE: usize = 16;

/// How often a departure is put for one who has none before the next run tries.
const ATTEMPTS: u32 = 3;

/// A tenant that stays.
pub(super) struct Stays {
    pub(super) digest: String,
    /// When its keys are to expire; none while it is active.
    pub(super) keys_expire_at: Option<i64>,
    /// Whether its key item was seen.
    pub(super) has_keys: bool,
}

/// Every tenant that stays, by its tenant id: all in memory, about 250 bytes each, so that a function of 512 MB holds a million of them.
pub(super) type Kept = HashMap<String, Stays>;

/// A restored tenants item that is not as it must be.
pub(super) struct Change {
    digest: String,
    tenant_id: String,
    revision: u64,
    fate: Fate,
}

impl Run<'_> {
    /// Who stays, and which restored tenants items are to change; none if the time is over. Whatever is not known for sure ends the run, because
    /// everything that nobody is known to own goes.
    pub(super) async fn tenants(&mut self) -> Result<Option<(Kept, Vec<Change>)>, Problem> {
        let platform = self.platform;
        let table = self.restored.tenants.as_deref();
        let (mut kept, mut changes) = (Kept::new(), Vec::new());
        let mut scan = Scan::of(table.unwrap_or(&platform.config().tables.tenants), Read::Whole);
        while let Some(page) = scan.page(platform).await? {
            if self.is_late() {
                return Ok(None);
            }
            let tenants = page.iter().map(Named::from_item).collect::<Result<Vec<_>, _>>()?;
            let with_departures = stream::iter(tenants).map(|tenant| async move {
                let departure = departures::find(platform, &tenant.digest, &tenant.tenant_id).await?;
                Ok::<_, Problem>((tenant, departure))
            });
            let with_departures: Vec<_> = with_departures.buffered(AT_ONCE).try_collect().await?;
            for (tenant, departure) in with_departures {
                let fate = self.fate(&tenant, departure).await?;
                let keys_expire_at = match fate {
                    Fate::Active => Some(None),
                    Fate::Left { keys_expire_at, .. } => Some(Some(keys_expire_at)),
                    Fate::Overdue { .. } | Fate::Gone => None,
                };
                let Named { digest, tenant_id, revision, .. } = &tenant;
                if table.is_some() && !fate.is_told_by(&tenant) {
                    changes.push(Change { digest: digest.clone(), tenant_id: tenant_id.clone(), revision: *revision, fate });
                }
                if let Some(keys_expire_at) = keys_expire_at {
                    kept.insert(tenant.tenant_id, Stays { digest: tenant.digest, keys_expire_at, has_keys: false });
                }
            }
        }
        Ok(Some((kept, changes)))
    }

    /// What becomes of the tenant. Where its departure is lost it gets one: without, nothing would ever lead the purge to it.
    async fn fate(&mut self, tenant: &Named, mut departure: Option<Departure>) -> Result<Fate, Problem> {
        let now = self.platform.now();
        for attempt in 0..ATTEMPTS {
            if let Some(fate) = fate(tenant, departure.as_ref(), now) {
                return Ok(fate);
            }
            let left_at = tenant.left_at.unwrap_or(now);
            let beginning = Departure::beginning(&tenant.app, &tenant.digest, &tenant.tenant_id, tenant.epoch, left_at);
            if attempt == 0 {
                self.counts.incidents += u64::from(self.pass == Pass::Mend);
                tracing::error!(target: "lethe", digest = tenant.digest, "incident: a tenant has left, and its departure is lost");
            }
            if self.pass == Pass::Check {
                self.counts.found_unsafe += u64::from(attempt == 0);
                departure = Some(beginning);
                continue;
            }
            begin(self.platform, &beginning).await?;
            departure = departures::find(self.platform, &tenant.digest, &tenant.tenant_id).await?;
        }
        Err(Problem::unavailable("a departure keeps moving"))
    }

    /// Makes the restored tenants items what they must be. Whether all of them are, and the next part may begin.
    pub(super) async fn apply(&mut self, changes: Vec<Change>) -> bool {
        let Some(table) = self.restored.tenants.as_deref() else { return true };
        for change in changes {
            if self.is_late() {
                return false;
            }
            if self.only_checks() {
                continue;
            }
            let written = write(self.platform, table, &change).await;
            if self.is_done(written) {
                match change.fate {
                    Fate::Active => self.counts.returned_again.insert(change.tenant_id),
                    Fate::Left { .. } => self.counts.left_again.insert(change.tenant_id),
                    Fate::Overdue { .. } | Fate::Gone => self.counts.gone.insert(change.tenant_id),
                };
            }
        }
        self.may_go_on()
    }
}

/// Puts a departure where there is none, or one that was closed by a return before this leaving. Somebody else's stays.
async fn begin(platform: &Platform, departure: &Departure) -> Result<(), Problem> {
    let call = platform.dynamodb().put_item().table_name(&platform.config().tables.departures).set_item(Some(departure.to_item()));
    let call = call
        .condition_expression("attribute_not_exists(digest) OR (stage = :returned AND left_at < :left_at)")
        .expression_attribute_values(":returned", s(Stage::Returned.name()))
        .expression_attribute_values(":left_at", n(departure.left_at));
    match call.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => Ok(()),
        Err(error) => Err(aws::problem("dynamodb PutItem departures", &error)),
    }
}

/// One item of the restored table. Written twice, as when an answer is lost, it is the same.
async fn write(platform: &Platform, table: &str, change: &Change) -> Result<(), Problem> {
    let key = item::item([("digest", s(&change.digest))]);
    let (left_at, purge_after) = match change.fate {
        Fate::Gone => return delete(platform, table, key, &change.tenant_id).await,
        Fate::Active => (None, None),
        Fate::Left { left_at, purge_after, .. } | Fate::Overdue { left_at, purge_after } => (Some(left_at), Some(purge_after)),
    };
    let call = platform.dynamodb().update_item().table_name(table).set_key(Some(key));
    let call = call
        .condition_expression("tenant_id = :tenant_id AND revision BETWEEN :revision AND :next")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":tenant_id", s(&change.tenant_id))
        .expression_attribute_values(":revision", n(change.revision))
        .expression_attribute_values(":next", n(change.revision.saturating_add(1)));
    let call = match left_at.zip(purge_after) {
        Some((left_at, purge_after)) => call
            .update_expression("SET #state = :state, left_at = :left_at, purge_after = :purge_after, revision = :next")
            .expression_attribute_values(":state", s(State::Unsubscribed.name()))
            .expression_attribute_values(":left_at", n(left_at))
            .expression_attribute_values(":purge_after", n(purge_after)),
        // Whoever comes back is switched on, as by the installation that brought it back.
        None => call
            .update_expression("SET #state = :state, enabled = :enabled, revision = :next REMOVE left_at, purge_after")
            .expression_attribute_values(":state", s(State::Active.name()))
            .expression_attribute_values(":enabled", aws_sdk_dynamodb::types::AttributeValue::Bool(true)),
    };
    call.send().await.map(drop).map_err(|error| aws::problem("dynamodb UpdateItem", &error))
}

/// Deletes an item that is this tenant's, or is gone already.
pub(super) async fn delete(platform: &Platform, table: &str, key: Item, tenant_id: &str) -> Result<(), Problem> {
    let call = platform.dynamodb().delete_item().table_name(table).set_key(Some(key));
    let call = call.condition_expression("attribute_not_exists(digest) OR tenant_id = :tenant_id");
    let answer = call.expression_attribute_values(":tenant_id", s(tenant_id)).send().await;
    answer.map(drop).map_err(|error| aws::problem("dynamodb DeleteItem", &error))
}
