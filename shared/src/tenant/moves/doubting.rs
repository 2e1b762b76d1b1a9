//! What becomes of a leaving or a return that was doubted, once its site has said what is true, or of one that an operator marked by mistake.
//! Lifecycle events come late and signed again, so their order alone proves nothing.

use super::super::departure::{Departure, Evidence, Stage};
use super::super::dormancy::spells::{REFUSALS, UNLICENSED};
use super::super::state::State;
use super::{ASKED_ONCE_MORE, SILENTLY_LEFT, by_digest, dated, replace};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::records::item::{n, s};
use crate::records::transaction::{Transaction, at_revision, of_tenant};

/// The leaving, or the return, is true: nothing is doubted any more.
///
/// # Errors
/// 503 if DynamoDB is away. `false`: the departure is not as it was; nothing is changed.
pub async fn believe(platform: &Platform, doubted: &Departure) -> Result<bool, Problem> {
    let believed = Departure { doubt_at: None, ..doubted.clone() };
    let due_at = (doubted.stage == Stage::Marked).then(|| believed.next());
    replace(platform, doubted, Departure { due_at, ..believed }, Transaction::new()).await
}

/// It is asked again at `doubt_at`; `evidence` is what it has said so far.
///
/// # Errors
/// As [`believe`].
pub async fn ask_again(platform: &Platform, doubted: &Departure, doubt_at: i64, evidence: Option<Evidence>) -> Result<bool, Problem> {
    let again = Departure { doubt_at: Some(doubt_at), evidence, ..doubted.clone() };
    let due_at = if doubted.stage == Stage::Marked { again.next() } else { doubt_at };
    replace(platform, doubted, Departure { due_at: Some(due_at), ..again }, Transaction::new()).await
}

/// The leaving was none, doubted or marked by mistake: the tenant is active again, with everything, and its keys expire no more.
///
/// # Errors
/// As [`believe`].
pub async fn revive(platform: &Platform, doubted: &Departure, revision: u64) -> Result<bool, Problem> {
    let (tables, now) = (&platform.config().tables, platform.now());
    let revived = Departure { stage: Stage::Returned, returned_at: Some(now), doubt_at: None, due_at: None, ..doubted.clone() };
    let transaction = Transaction::new()
        .update(
            &tables.tenants,
            by_digest(&doubted.digest),
            &format!("SET #state = :active, revision = revision + :one REMOVE left_at, purge_after, {REFUSALS}, {UNLICENSED}"),
            "tenant_id = :tenant_id AND #state = :unsubscribed AND purge_after > :now AND revision = :revision",
            &[
                at_revision(revision),
                (":active", s(State::Active.name())),
                (":unsubscribed", s(State::Unsubscribed.name())),
                (":one", n(1)),
                (":now", n(now)),
                of_tenant(&doubted.tenant_id),
            ],
        )
        .update(
            &tables.tenant_keys,
            by_digest(&doubted.digest),
            "SET rev = rev + :one REMOVE expires_at",
            "tenant_id = :tenant_id AND expires_at > :now",
            &[(":one", n(1)), (":now", n(now)), of_tenant(&doubted.tenant_id)],
        );
    replace(platform, doubted, revived, transaction).await
}

/// The return was none: the tenant has left, as of when it left first. It is kept for another week at least, as far as the deadline allows, and
/// asked about once more meanwhile, because whoever did return would lose everything. Changes nothing if anything moved since its tenants item
/// had `revision`.
///
/// # Errors
/// As [`believe`].
pub async fn undo_return(platform: &Platform, doubted: &Departure, revision: u64) -> Result<bool, Problem> {
    let tables = &platform.config().tables;
    let now = platform.now();
    let left =
        Departure { stage: Stage::Marked, returned_at: None, doubt_at: Some(now.saturating_add(ASKED_ONCE_MORE)), ..doubted.clone() };
    let purge_after = left.purge_after.max(now.saturating_add(SILENTLY_LEFT).min(left.must_begin_by()));
    let left = Departure { purge_after, ..left };
    let left = Departure { due_at: Some(left.next()), ..left };
    let transaction = Transaction::new().update(
        &tables.tenants,
        by_digest(&doubted.digest),
        "SET #state = :unsubscribed, left_at = :left_at, purge_after = :kept_until, revision = revision + :one",
        "tenant_id = :tenant_id AND #state = :active AND revision = :revision",
        &[
            (":active", s(State::Active.name())),
            (":unsubscribed", s(State::Unsubscribed.name())),
            (":left_at", n(left.left_at)),
            (":kept_until", n(left.kept_until())),
            (":one", n(1)),
            at_revision(revision),
            of_tenant(&doubted.tenant_id),
        ],
    );
    let transaction = dated(transaction, &tables.tenant_keys, &left, true);
    replace(platform, doubted, left, transaction).await
}
