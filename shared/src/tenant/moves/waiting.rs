//! How long a tenant that has left is kept: a hold lengthens it, earlier deletion ends it. Tenant, keys and departure change in one transaction,
//! so that TTL, a return and the purge go by the same date.

use super::super::departure::{Departure, Hold, Stage};
use super::super::lookup;
use super::super::state::State;
use super::{by_digest, dated, replace};
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{n, s};
use crate::records::transaction::{Transaction, of_tenant};

/// Places a hold, or renews the one that stands: the purge waits until its end, and a return finds everything until then.
///
/// # Errors
/// 503 if DynamoDB is away. [`Outcome::Again`](crate::records::transaction::Outcome) as `false`: somebody else was faster, or it has left no
/// more; nothing is changed.
pub async fn hold(platform: &Platform, before: &Departure, hold: Hold) -> Result<bool, Problem> {
    change(platform, before, Departure { hold: Some(hold), ..before.clone() }).await
}

/// Lifts the hold that stands. Past the end of the grace, the purge starts at once.
///
/// # Errors
/// As [`hold`].
pub async fn lift(platform: &Platform, before: &Departure) -> Result<bool, Problem> {
    let ended = before.hold.as_ref().map(|hold| hold.ended(platform.now()));
    let past_holds = before.past_holds.iter().copied().chain(ended).collect();
    change(platform, before, Departure { hold: None, past_holds, ..before.clone() }).await
}

/// Ends the grace now: the customer asked for earlier deletion, and can no longer return (promise E-36).
///
/// # Errors
/// As [`hold`].
pub async fn hasten(platform: &Platform, before: &Departure) -> Result<bool, Problem> {
    let now = platform.now();
    // No earlier than it left, by the clock of another.
    let hastened = Departure {
        purge_after: before.purge_after.min(now).max(before.left_at),
        early_at: Some(now.max(before.left_at)),
        doubt_at: None,
        ..before.clone()
    };
    change(platform, before, hastened).await
}

/// Nothing but the next moment at which it is looked at changes: a hold that stands past the deadline is told of every day.
///
/// # Errors
/// As [`hold`].
pub(crate) async fn look_again(platform: &Platform, before: &Departure, at: i64) -> Result<(), Problem> {
    let call = platform.dynamodb().update_item().table_name(&platform.config().tables.departures);
    let call = call
        .set_key(Some(Departure::key(&before.digest, &before.tenant_id)))
        .update_expression("SET due_at = :at")
        .condition_expression("stage = :marked AND due_at = :due_at")
        .expression_attribute_values(":at", n(at))
        .expression_attribute_values(":marked", s(Stage::Marked.name()))
        .expression_attribute_values(":due_at", n(before.due_at.unwrap_or_default()));
    match call.send().await {
        Err(error) if !error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => {
            Err(aws::problem("dynamodb UpdateItem departures", &error))
        }
        _ => Ok(()),
    }
}

/// Whether the departure is now as it should be. It must be marked, and as it was when it was read.
async fn change(platform: &Platform, before: &Departure, after: Departure) -> Result<bool, Problem> {
    if before.stage != Stage::Marked {
        return Ok(false);
    }
    let after = Departure { due_at: Some(after.next()), ..after };
    let tables = &platform.config().tables;
    // Keys that are lost, or that TTL was faster with, keep nothing: what is left is to go all the same.
    let has_keys = lookup::both(platform, &before.digest).await?.holds_keys_of(&before.tenant_id);
    let transaction = Transaction::new().update(
        &tables.tenants,
        by_digest(&before.digest),
        "SET purge_after = :kept_until, revision = revision + :one",
        "tenant_id = :tenant_id AND #state = :unsubscribed",
        &[
            (":kept_until", n(after.kept_until())),
            (":one", n(1)),
            (":unsubscribed", s(State::Unsubscribed.name())),
            of_tenant(&before.tenant_id),
        ],
    );
    let transaction = dated(transaction, &tables.tenant_keys, &after, has_keys);
    replace(platform, before, after, transaction).await
}
