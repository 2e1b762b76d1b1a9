//! What leaving writes: one date, whatever the tenant holds.

use super::super::departure::{Cause, Departure, Evidence, Stage};
use super::super::departures;
use super::super::item::TenantItem;
use super::super::state::{Order, State};
use super::{DOUBTFUL, Event, LEAVING_DOUBTED, SILENTLY_LEFT, by_digest, dated};
use crate::platform::Platform;
use crate::platform::signal::Signal;
use crate::problem::Problem;
use crate::records::item::{n, s};
use crate::records::transaction::{Outcome, Transaction, at_revision, of_tenant};

/// One leaving: told by Atlassian, or found by us.
pub(super) struct Leave<'a> {
    /// Names it, so that a lost answer is recognised.
    pub(super) move_id: &'a str,
    /// The order of the event that told it; none changes nothing, so that any later installation is a return.
    pub(super) order: Option<Order>,
    /// Why.
    pub(super) cause: Cause,
    /// What the site answered, where that is why.
    pub(super) evidence: Option<Evidence>,
}

/// Out of use, dated, and not one record touched: ten records or ten million cost the same.
pub(super) async fn depart(platform: &Platform, leave: &Leave<'_>, before: &TenantItem, has_keys: bool) -> Result<Outcome, Problem> {
    let earlier = departures::find(platform, &before.digest, &before.tenant_id).await?;
    let departure = departure(leave, before, earlier, platform.now());
    let order = leave.order.unwrap_or(before.last);
    let tables = &platform.config().tables;
    let transaction = Transaction::new()
        .update(
            &tables.tenants,
            by_digest(&before.digest),
            "SET #state = :unsubscribed, left_at = :left_at, purge_after = :purge_after, revision = revision + :one, event_iat = :iat, \
             event_rank = :rank, move_id = :move_id",
            "revision = :revision AND tenant_id = :tenant_id AND #state = :active",
            &[
                (":unsubscribed", s(State::Unsubscribed.name())),
                (":active", s(State::Active.name())),
                (":left_at", n(departure.left_at)),
                (":purge_after", n(departure.kept_until())),
                (":one", n(1)),
                (":iat", n(order.iat)),
                (":rank", n(order.rank)),
                (":move_id", s(leave.move_id)),
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
    let transaction = dated(transaction, &tables.tenant_keys, &departure, has_keys);
    let outcome = transaction.commit(platform, leave.move_id).await?;
    if !has_keys && outcome == Outcome::Done {
        let signal = Signal::KeysMissing.name();
        tracing::error!(target: "lethe", digest = before.digest, signal, "incident: a tenant has left whose key item is missing");
    }
    Ok(outcome)
}

fn departure(leave: &Leave<'_>, before: &TenantItem, earlier: Option<Departure>, now: i64) -> Departure {
    let beginning = Departure::beginning(&before.app, &before.digest, &before.tenant_id, before.epoch, now);
    // A hold is about the data, which was there all the while: coming back and leaving again does not end it.
    let (hold, past_holds) = earlier.map(|earlier| (earlier.hold, earlier.past_holds)).unwrap_or_default();
    let (hold, over): (Option<_>, Option<_>) =
        hold.map_or((None, None), |hold| if hold.until > now { (Some(hold), None) } else { (None, Some(hold)) });
    let past_holds = past_holds.into_iter().chain(over.map(|hold| hold.ended(now))).collect();
    let departure = Departure { cause: leave.cause, evidence: leave.evidence, hold, past_holds, ..beginning };
    let departure = Departure { due_at: Some(departure.next()), ..departure };
    match leave.cause {
        // A word of Atlassian's may be an old one that is told late.
        Cause::Uninstalled if now.saturating_sub(before.last.iat) < DOUBTFUL => departure.doubted(now.saturating_add(LEAVING_DOUBTED)),
        // Nobody ever said that they left, so nobody will say that they are back: a renewed licence installs nothing.
        Cause::Dormant | Cause::LicenceEnded => departure.doubted(now.saturating_add(SILENTLY_LEFT)),
        Cause::Uninstalled | Cause::Operator => departure,
    }
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
