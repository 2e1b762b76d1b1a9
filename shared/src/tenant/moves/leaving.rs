//! What leaving writes: one date, whatever the tenant holds.

use super::super::departure::{Departure, Stage};
use super::super::item::{TenantItem, state_name};
use super::super::state::{Order, State};
use super::{Event, by_digest};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::records::item::{n, s};
use crate::records::transaction::{Outcome, Transaction, at_revision, of_tenant};

/// Out of use, dated, and not one record touched: ten records or ten million cost the same.
pub(super) async fn depart(platform: &Platform, event: &Event, before: &TenantItem, has_keys: bool) -> Result<Outcome, Problem> {
    let departure = Departure::beginning(&event.digest, &before.tenant_id, before.epoch, platform.now());
    let tables = &platform.config().tables;
    let transaction = Transaction::new()
        .update(
            &tables.tenants,
            by_digest(&event.digest),
            "SET #state = :unsubscribed, left_at = :left_at, purge_after = :purge_after, revision = revision + :one, event_iat = :iat, \
             event_rank = :rank, move_id = :move_id",
            "revision = :revision AND tenant_id = :tenant_id AND #state = :active",
            &[
                (":unsubscribed", s(state_name(State::Unsubscribed))),
                (":active", s(state_name(State::Active))),
                (":left_at", n(departure.left_at)),
                (":purge_after", n(departure.purge_after)),
                (":one", n(1)),
                (":iat", n(event.iat)),
                (":rank", n(Order::uninstalled(event.iat).rank)),
                (":move_id", s(&event.move_id)),
                at_revision(before.revision),
                of_tenant(&before.tenant_id),
            ],
        )
        .put(
            &tables.departures,
            departure.to_item(),
            // A tenant that came back may leave again: the closed departure of its earlier leaving gives way.
            "attribute_not_exists(digest) OR stage = :returned",
            &[(":returned", s(Stage::Returned.name()))],
        );
    let tenant_id = of_tenant(&before.tenant_id);
    let transaction = if has_keys {
        transaction.update(
            &tables.tenant_keys,
            by_digest(&event.digest),
            "SET expires_at = :expires_at, rev = rev + :one",
            "tenant_id = :tenant_id",
            &[(":expires_at", n(departure.keys_expire_at())), (":one", n(1)), tenant_id],
        )
    } else {
        let other = "attribute_not_exists(digest) OR tenant_id <> :tenant_id";
        transaction.check(&tables.tenant_keys, by_digest(&event.digest), other, &[tenant_id])
    };
    let outcome = transaction.commit(platform, &event.move_id).await?;
    if !has_keys && outcome == Outcome::Done {
        tracing::error!(target: "lethe", digest = event.digest, "incident: a tenant has left whose key item is missing");
    }
    Ok(outcome)
}

/// Left already: only the order of this newer event is kept.
pub(super) async fn note(platform: &Platform, event: &Event, before: &TenantItem) -> Result<Outcome, Problem> {
    Transaction::new()
        .update(
            &platform.config().tables.tenants,
            by_digest(&event.digest),
            "SET event_iat = :iat, event_rank = :rank, revision = revision + :one, move_id = :move_id",
            "revision = :revision AND tenant_id = :tenant_id",
            &[
                (":iat", n(event.iat)),
                (":rank", n(Order::uninstalled(event.iat).rank)),
                (":one", n(1)),
                (":move_id", s(&event.move_id)),
                at_revision(before.revision),
                of_tenant(&before.tenant_id),
            ],
        )
        .commit(platform, &event.move_id)
        .await
}
