//! What a purge writes of a tenant: its beginning, which deletes the keys in the same transaction, and its end, which leaves the tombstone.

use super::super::departure::item::tombstone_until;
use super::super::departure::{Departure, Proof, Stage};
use super::super::departures;
use super::super::state::State;
use super::by_digest;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, n, s};
use crate::records::transaction::{self, Outcome, Transaction, of_tenant};

/// How long after its keys are gone a tenant's data begins to be deleted, in seconds: by then no function that began before is still writing.
pub const IN_FLIGHT: i64 = 20 * 60;

/// What became of a purge that was to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It has begun, now or, unheard, before.
    Purging {
        /// The departure as it is from now on.
        departure: Box<Departure>,
        /// Whether the tenants item was gone, or another's: an incident, whatever it was.
        is_torn: bool,
    },
    /// It may not begin: the tenant came back, or a hold stands, or it is too early.
    NotDue,
}

/// Begins the purge of a tenant whose time is over: commit and shred are the same act. Before it everything can come back, after it nothing can
/// be read. Of a return and a purge exactly one wins (promise E-35).
///
/// # Errors
/// 503 if DynamoDB is away; then it may or may not have begun.
pub async fn begin(platform: &Platform, departure: &Departure) -> Result<Begun, Problem> {
    let move_id = super::super::id::new_tenant_id(platform.random())?;
    for attempt in 0..transaction::ATTEMPTS {
        let is_torn = owner(platform, &departure.digest).await?.as_ref() != Some(&departure.tenant_id);
        let outcome = try_begin(platform, departure, is_torn, &move_id).await?;
        // Also where ours was refused: it may have happened before, unheard.
        match departures::find(platform, &departure.digest, &departure.tenant_id).await? {
            Some(found) if found.stage == Stage::Purging => return Ok(Begun::Purging { departure: Box::new(found), is_torn }),
            Some(found) if found.stage == Stage::Marked && found.kept_until() <= platform.now() => {}
            _ => return Ok(Begun::NotDue),
        }
        if outcome == Outcome::Again {
            transaction::pause(platform, attempt).await;
        }
    }
    Err(Problem::unavailable("the tenant's items keep moving"))
}

async fn try_begin(platform: &Platform, departure: &Departure, is_torn: bool, move_id: &str) -> Result<Outcome, Problem> {
    let (tables, now) = (&platform.config().tables, platform.now());
    let (tenant_id, key) = (|| of_tenant(&departure.tenant_id), || by_digest(&departure.digest));
    let transaction = if is_torn {
        // Lost, as by a restore, or another's: what this tenant left must go all the same.
        Transaction::new().check(&tables.tenants, key(), "attribute_not_exists(digest) OR tenant_id <> :tenant_id", &[tenant_id()])
    } else {
        Transaction::new().update(
            &tables.tenants,
            key(),
            "SET #state = :purging, revision = revision + :one, move_id = :move_id",
            "tenant_id = :tenant_id AND #state = :unsubscribed AND purge_after <= :now",
            &[
                (":purging", s(State::Purging.name())),
                (":unsubscribed", s(State::Unsubscribed.name())),
                (":one", n(1)),
                (":move_id", s(move_id)),
                (":now", n(now)),
                tenant_id(),
            ],
        )
    };
    let is_another = owner_of_keys(platform, &departure.digest).await?.is_some_and(|owner| owner != departure.tenant_id);
    let transaction = if is_another {
        transaction
    } else {
        // TTL may have been faster.
        transaction.delete(&tables.tenant_keys, key(), "attribute_not_exists(digest) OR tenant_id = :tenant_id", &[tenant_id()])
    };
    transaction
        .update(
            &tables.departures,
            Departure::key(&departure.digest, &departure.tenant_id),
            "SET stage = :purging, shredded_at = :now, due_at = :due REMOVE doubt_at",
            "stage = :marked AND purge_after <= :now AND (attribute_not_exists(hold_until) OR hold_until <= :now)",
            &[
                (":purging", s(Stage::Purging.name())),
                (":marked", s(Stage::Marked.name())),
                (":now", n(now)),
                (":due", n(now.saturating_add(IN_FLIGHT))),
            ],
        )
        .commit(platform, move_id)
        .await
}

/// Ends the purge of a tenant of which nothing was found any more, twice: its tenants item goes, if it is still this tenant's, and the
/// departure becomes the tombstone.
///
/// # Errors
/// 503 if DynamoDB is away, or the lease is another's by now: then the purge goes on where it was.
pub async fn finish(platform: &Platform, departure: &Departure, lease: &str, proof: &Proof) -> Result<(), Problem> {
    let tables = &platform.config().tables;
    for attempt in 0..transaction::ATTEMPTS {
        let is_ours = owner(platform, &departure.digest).await?.as_ref() == Some(&departure.tenant_id);
        let (tenant_id, key) = (of_tenant(&departure.tenant_id), by_digest(&departure.digest));
        let transaction = if is_ours {
            let purging = (":purging", s(State::Purging.name()));
            Transaction::new().delete(&tables.tenants, key, "tenant_id = :tenant_id AND #state = :purging", &[tenant_id, purging])
        } else {
            // The next epoch has begun under this digest.
            Transaction::new().check(&tables.tenants, key, "attribute_not_exists(digest) OR tenant_id <> :tenant_id", &[tenant_id])
        };
        let transaction = transaction.update(
            &tables.departures,
            Departure::key(&departure.digest, &departure.tenant_id),
            "SET stage = :purged, purged_at = :purged_at, certificate = :certificate, salt = :salt, expires_at = :expires_at \
             REMOVE due_shard, due_at, lease, lease_until, purge_cursor",
            "stage = :purging AND lease = :lease",
            &[
                (":purged", s(Stage::Purged.name())),
                (":purging", s(Stage::Purging.name())),
                (":purged_at", n(proof.purged_at)),
                (":certificate", s(&proof.certificate)),
                (":salt", s(&proof.salt)),
                (":expires_at", n(tombstone_until(proof.purged_at))),
                (":lease", s(lease)),
            ],
        );
        if transaction.commit(platform, lease).await? == Outcome::Done {
            return Ok(());
        }
        let found = departures::find(platform, &departure.digest, &departure.tenant_id).await?;
        if found.and_then(|found| found.proof).as_ref() == Some(proof) {
            return Ok(());
        }
        transaction::pause(platform, attempt).await;
    }
    Err(Problem::unavailable("a purge cannot be ended: its items keep moving"))
}

/// Whose tenants item lies under this digest now: the id, and nothing else of it.
pub(crate) async fn owner(platform: &Platform, digest: &str) -> Result<Option<String>, Problem> {
    owner_in(platform, &platform.config().tables.tenants, digest).await
}

/// Whose keys lie under this digest now.
pub(crate) async fn owner_of_keys(platform: &Platform, digest: &str) -> Result<Option<String>, Problem> {
    owner_in(platform, &platform.config().tables.tenant_keys, digest).await
}

async fn owner_in(platform: &Platform, table: &str, digest: &str) -> Result<Option<String>, Problem> {
    let call = platform.dynamodb().get_item().table_name(table).consistent_read(true);
    let answer = call.set_key(Some(by_digest(digest))).projection_expression("tenant_id").send().await;
    let found = answer.map_err(|error| aws::problem("dynamodb GetItem tenant_id", &error))?.item;
    Ok(found.as_ref().map(|found| item::text(found, "tenant_id")).transpose()?)
}
