//! The proof of a purge, and its end.

use super::lease::Leased;
use super::step::Step;
use crate::platform::Platform;
use crate::problem::{Problem, Refusal};
use crate::purge::certificate::{self, Backups, Certificate, Deleted, FORMAT, Hold, Issuer, Method, Policy, SERVICE, Salt, Second};
use crate::purge::timeline;
use crate::records::retention;
use crate::tenant::departure::{self, Departure, Proof};
use crate::tenant::moves::purging;

/// Counts the policies that certificates name: what [`retention`] and the timeline say.
const POLICY: u32 = 1;

const DAY: u64 = 24 * 60 * 60;

/// Certifies a purge that was verified twice, and ends it.
///
/// # Errors
/// 503 if AWS is away: then it is certified anew by whoever goes on, and only one certificate is ever kept.
pub(super) async fn finish(platform: &Platform, leased: &Leased, verified: [i64; 2]) -> Result<(), Problem> {
    let (departure, now) = (&leased.departure, platform.now());
    let salt = Salt::draw(platform.random())?;
    let statement = statement(platform, departure, &salt, verified, now)?;
    let certificate = certificate::issue(&statement, platform.certificate_key()).await?;
    let proof = Proof { purged_at: now, certificate, salt: salt.to_hex() };
    purging::finish(platform, departure, &leased.token, &proof).await
}

fn statement(platform: &Platform, departure: &Departure, salt: &Salt, verified: [i64; 2], now: i64) -> Result<Certificate, Problem> {
    let shredded_at = departure.shredded_at.ok_or_else(|| Problem::new(Refusal::Internal, "a purge without a beginning"))?;
    let config = platform.config();
    let backups = Backups {
        unreadable_by: Second::at(config.timeline.unreadable_by(shredded_at)),
        // The account, in the tenants item, goes only with the end of the purge, which is now.
        gone_by: Second::at(config.timeline.gone_by(now)),
    };
    let promise_suspended = departure.suspends_the_promise();
    Ok(Certificate {
        format: FORMAT,
        issuer: Issuer { service: SERVICE.to_owned(), region: config.region.clone(), app: departure.app.clone() },
        tenant_id: departure.tenant_id.clone(),
        epoch: departure.epoch,
        subject: certificate::subject(salt, &departure.digest),
        policy: Policy {
            version: POLICY,
            grace_days: retention::GRACE.as_secs() / DAY,
            deadline_days: retention::DEADLINE.as_secs() / DAY,
            early_deadline_days: timeline::EARLY_EXISTING,
        },
        cause: departure.cause.name().to_owned(),
        left_at: Second::at(departure.left_at),
        grace_ended_at: Second::at(departure.purge_after),
        early_requested_at: departure.early_at.map(Second::at),
        shredded_at: Second::at(shredded_at),
        verified_at: verified.map(Second::at),
        issued_at: Second::at(now),
        holds: holds(departure),
        deleted: deleted(departure),
        promise_suspended,
        deadline_missed: !promise_suspended && backups.gone_by.epoch_seconds() > departure.deadline(),
        backups,
    })
}

/// The holds of a departure: those that were lifted, and the one that was over when the purge began.
fn holds(departure: &Departure) -> Vec<Hold> {
    let past = departure.past_holds.iter().map(|hold: &departure::PastHold| Hold {
        reason: hold.reason.name().to_owned(),
        placed_at: Second::at(hold.placed_at),
        until: Second::at(hold.until),
        lifted_at: (hold.ended_at < hold.until).then(|| Second::at(hold.ended_at)),
    });
    let last = departure.hold.iter().map(|hold| Hold {
        reason: hold.reason.name().to_owned(),
        placed_at: Second::at(hold.placed_at),
        until: Second::at(hold.until),
        lifted_at: None,
    });
    past.chain(last).collect()
}

/// What went and how: first the keys, and with them every copy of the rest; then the rest.
fn deleted(departure: &Departure) -> Vec<Deleted> {
    let keys = Deleted { what: "tenant-keys".to_owned(), method: Method::KeysShredded, count: 1 };
    let account = Deleted { what: "account".to_owned(), method: Method::Deleted, count: 1 };
    let steps = Step::all().map(|step| Deleted {
        what: step.name().to_owned(),
        method: step.method(),
        count: departure.purge.counts.get(step.name()).copied().unwrap_or_default(),
    });
    [keys, account].into_iter().chain(steps).collect()
}
