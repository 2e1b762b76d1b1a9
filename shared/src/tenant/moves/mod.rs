//! The moves of a tenant's life as they happen: read, decide by the rules of [`state`](super::state), commit one transaction, and if
//! somebody was faster, read and decide again.

pub mod doubting;
mod installing;
mod leaving;
pub mod purging;
pub mod waiting;

use axum::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use self::installing::{begin, come_back, next_epoch, update};
use self::leaving::{Leave, depart, note};
use super::departure::{Cause, Departure, Evidence};
use super::departures;
use super::id::new_tenant_id;
use super::item::TenantItem;
use super::lookup;
use super::state::{self, Install, Leaving, Order, State};
use crate::connect::Installed;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Reason};
use crate::records::item::{self, Item, n, s};
use crate::records::keyring::Keyring;
use crate::records::transaction::{self, Outcome, Transaction, of_tenant};

/// A lifecycle event whose token was verified: about whom it is, when it was signed, and what it is called.
///
/// Only the extractors make one.
#[derive(Clone, Debug)]
pub struct Event {
    /// The app's slug.
    pub(crate) app: &'static str,
    /// The tenant's digest.
    pub(crate) digest: String,
    /// The token's `iat`, in epoch seconds.
    pub(crate) iat: i64,
    /// A digest of the token: the same for a redelivery of the same bytes, another for anything signed again.
    pub(crate) move_id: String,
}

/// What an event did. All of it is answered 204; the log says which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// A life began: the first, or the next after a finished purge.
    Begun,
    /// The account of an active tenant was brought up to date.
    Updated,
    /// A tenant came back in time.
    Returned,
    /// A tenant came back too late and began anew.
    BegunAnew,
    /// A tenant left.
    Left,
    /// It had left already; the order of the event was noted.
    Noted,
    /// The app was switched on or off.
    Switched,
    /// The event had done its work before, or is not newer than what counted last.
    Ignored,
}

impl IntoResponse for Moved {
    fn into_response(self) -> Response {
        let word = match self {
            Self::Begun => "begun",
            Self::Updated => "updated",
            Self::Returned => "returned",
            Self::BegunAnew => "begun anew",
            Self::Left => "left",
            Self::Noted => "noted",
            Self::Switched => "switched",
            Self::Ignored => "ignored",
        };
        (StatusCode::NO_CONTENT, Extension(Reason(word.into()))).into_response()
    }
}

/// An app was installed, upgraded, renamed or given a new secret; or the tenant comes back, in time or not.
///
/// # Errors
/// 503 if AWS is away or the tenant's keys are missing while they must not be; nothing is half-written then.
pub async fn install(platform: &Platform, event: &Event, installed: &Installed) -> Result<Moved, Problem> {
    let order = Order::installed(event.iat);
    let (mut tried, mut torn) = (Moved::Ignored, 0);
    for attempt in 0..transaction::ATTEMPTS {
        let now = platform.now();
        let both = lookup::both(platform, &event.digest).await?;
        let stored = both.tenant.as_ref().map(TenantItem::stored);
        let decided = state::on_installed(stored.as_ref(), order, now);
        let (outcome, moved) = match (decided, &both.tenant) {
            (Install::Ignore, before) => return Ok(own(event, before.as_ref(), tried)),
            // Keys without a tenant: what they sealed would be buried under new ones.
            (Install::Begin, _) if both.holds_keys() => (mismatched(&mut torn)?, tried),
            (Install::Begin, _) => (begin(platform, event, installed, now).await?, Moved::Begun),
            (Install::NextEpoch, Some(before)) => (next_epoch(platform, event, installed, before, now).await?, Moved::BegunAnew),
            (Install::Update | Install::Return, Some(before)) => match both.usable_keys(&before.tenant_id, now)? {
                Some(key_item) => {
                    let keyring = Keyring::admit(platform, &event.digest, &key_item).await?;
                    if decided == Install::Update {
                        (update(platform, event, installed, before, &keyring, now).await?, Moved::Updated)
                    } else {
                        (come_back(platform, event, installed, before, &keyring, now).await?, Moved::Returned)
                    }
                }
                // Writing new keys over missing ones would bury what a backup can bring back.
                None => (mismatched(&mut torn)?, tried),
            },
            (_, None) => (Outcome::Again, tried),
        };
        tried = moved;
        match outcome {
            Outcome::Done => return Ok(moved),
            Outcome::Again => transaction::pause(platform, attempt).await,
        }
    }
    Err(Problem::unavailable("the tenant's items keep moving"))
}

/// The customer has left: use ends at once, everything is kept for a return, the clock starts (promise E-33).
///
/// It leaves even if its keys are missing, which is an incident and is told in the log: its clock must start all the same.
///
/// # Errors
/// 503 if AWS is away; nothing is half-written then.
pub async fn leave(platform: &Platform, event: &Event) -> Result<Moved, Problem> {
    let order = Order::uninstalled(event.iat);
    let mut tried = Moved::Ignored;
    for attempt in 0..transaction::ATTEMPTS {
        let both = lookup::both(platform, &event.digest).await?;
        let stored = both.tenant.as_ref().map(TenantItem::stored);
        let (outcome, moved) = match (state::on_uninstalled(stored.as_ref(), order), &both.tenant) {
            (Leaving::Ignore, before) => return Ok(own(event, before.as_ref(), tried)),
            (_, None) => return Ok(Moved::Ignored),
            (Leaving::Leave, Some(before)) => {
                let leave = Leave { move_id: &event.move_id, order: Some(order), cause: Cause::Uninstalled, evidence: None };
                (depart(platform, &leave, before, both.holds_keys_of(&before.tenant_id)).await?, Moved::Left)
            }
            (Leaving::Note, Some(before)) => (note(platform, event, before).await?, Moved::Noted),
        };
        tried = moved;
        match outcome {
            Outcome::Done => return Ok(moved),
            Outcome::Again => transaction::pause(platform, attempt).await,
        }
    }
    Err(Problem::unavailable("the tenant's items keep moving"))
}

/// A tenant counts as gone that never said so: the same leaving, for another cause. Changes nothing unless it is `tenant_id` that is active, and
/// has not moved since its item had `revision`: whoever was installed meanwhile is there.
///
/// # Errors
/// 503 if AWS is away; nothing is half-written then.
pub async fn mark(platform: &Platform, marking: &Marking<'_>) -> Result<Moved, Problem> {
    let move_id = new_tenant_id(platform.random())?;
    for attempt in 0..transaction::ATTEMPTS {
        let both = lookup::both(platform, marking.digest).await?;
        let Some(before) = both.tenant.as_ref().filter(|before| before.tenant_id == marking.tenant_id) else { return Ok(Moved::Ignored) };
        if before.move_id == move_id {
            return Ok(Moved::Left);
        }
        if before.state != State::Active || before.revision != marking.revision {
            return Ok(Moved::Ignored);
        }
        let leave = Leave { move_id: &move_id, order: None, cause: marking.cause, evidence: marking.evidence };
        match depart(platform, &leave, before, both.holds_keys_of(&before.tenant_id)).await? {
            Outcome::Done => return Ok(Moved::Left),
            Outcome::Again => transaction::pause(platform, attempt).await,
        }
    }
    Err(Problem::unavailable("the tenant's items keep moving"))
}

/// Who is marked as gone, and why.
#[derive(Clone, Copy, Debug)]
pub struct Marking<'a> {
    /// The tenant's digest.
    pub digest: &'a str,
    /// Its id.
    pub tenant_id: &'a str,
    /// The revision of its tenants item when it was found to be gone.
    pub revision: u64,
    /// Why.
    pub cause: Cause,
    /// What the site answered, where that is why.
    pub evidence: Option<Evidence>,
}

/// A leaving within a day of an installation may be an older one that is told late: the site is asked soon.
pub const LEAVING_DOUBTED: i64 = 60 * 60;

/// Whoever left without a word is asked about every week until the purge, in seconds: what they do to come back may tell us nothing.
pub const SILENTLY_LEFT: i64 = 7 * 24 * 60 * 60;

/// Whose return was undone is asked about once more so much later, in seconds: before a purge can begin.
pub const ASKED_ONCE_MORE: i64 = 3 * 24 * 60 * 60;

/// How long after an installation a leaving is doubted, in seconds.
pub const DOUBTFUL: i64 = 24 * 60 * 60;

/// Each return is asked about a day later: whoever is there by then is there.
pub const RETURN_DOUBTED: i64 = 24 * 60 * 60;

/// The tenants item and the key item do not belong together. They are not read in one transaction, so a move between the two reads looks like
/// this for a moment, and an incident for good: it is one if it is seen three times.
fn mismatched(torn: &mut u32) -> Result<Outcome, Problem> {
    *torn += 1;
    if *torn < 3 { Ok(Outcome::Again) } else { Err(lookup::incident()) }
}

/// What to say of an event that no longer counts. If the tenants item carries our own move's id, the answer to what we `tried` was lost and
/// the move is ours; before the first try it is a redelivery of the same bytes.
fn own(event: &Event, stored: Option<&TenantItem>, tried: Moved) -> Moved {
    if stored.is_some_and(|stored| stored.move_id == event.move_id) { tried } else { Moved::Ignored }
}

/// The app was switched on or off in the site's admin pages. Changes nothing unless the tenant is active and the event is not older than the
/// last of its sort.
///
/// # Errors
/// 503 if DynamoDB is away.
pub async fn switch(platform: &Platform, event: &Event, tenant_id: &str, enabled: bool) -> Result<Moved, Problem> {
    let call = platform.dynamodb().update_item().table_name(&platform.config().tables.tenants).set_key(Some(by_digest(&event.digest)));
    let call = call
        .update_expression("SET enabled = :enabled, switched_iat = :iat")
        .condition_expression(
            "#state = :active AND tenant_id = :tenant_id AND event_iat <= :iat AND \
             (attribute_not_exists(switched_iat) OR switched_iat <= :iat)",
        )
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":enabled", aws_sdk_dynamodb::types::AttributeValue::Bool(enabled))
        .expression_attribute_values(":iat", n(event.iat))
        .expression_attribute_values(":active", s(State::Active.name()))
        .expression_attribute_values(":tenant_id", s(tenant_id));
    match call.send().await {
        Ok(_) => Ok(Moved::Switched),
        Err(error) if error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => Ok(Moved::Ignored),
        Err(error) => Err(aws::problem("dynamodb UpdateItem tenants", &error)),
    }
}

pub(crate) fn by_digest(digest: &str) -> Item {
    item::item([("digest", s(digest))])
}

/// Dates the keys of whoever leaves: TTL is the net under the purge. Where they are lost there is nothing to date, and they must not be back.
fn dated(transaction: Transaction, tenant_keys: &str, departure: &Departure, has_keys: bool) -> Transaction {
    let (key, tenant_id) = (by_digest(&departure.digest), of_tenant(&departure.tenant_id));
    if has_keys {
        let (expires_at, one) = ((":expires_at", n(departure.keys_expire_at())), (":one", n(1)));
        let change = "SET expires_at = :expires_at, rev = rev + :one";
        transaction.update(tenant_keys, key, change, "tenant_id = :tenant_id", &[expires_at, one, tenant_id])
    } else {
        transaction.check(tenant_keys, key, "attribute_not_exists(digest) OR tenant_id <> :tenant_id", &[tenant_id])
    }
}

/// Commits a move that puts `after` in the place of the departure `before`, which must be as it was when it was read. Whether it is so now: also
/// where the answer was lost.
async fn replace(platform: &Platform, before: &Departure, after: Departure, transaction: Transaction) -> Result<bool, Problem> {
    let (unchanged, values) = before.unchanged();
    let transaction = transaction.put(&platform.config().tables.departures, after.to_item(), &unchanged, &values);
    if transaction.commit(platform, &before.tenant_id).await? == Outcome::Done {
        return Ok(true);
    }
    Ok(departures::find(platform, &before.digest, &before.tenant_id).await?.as_ref() == Some(&after))
}
