//! A departure as operators see it: with its dates as people write them, and with all that follows from them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use shared::platform::Platform;
use shared::platform::clock::rfc3339;
use shared::purge::timeline::Timeline;
use shared::tenant::departure::{Departure, Hold, Stage};

use crate::receipt::Receipt;

/// In seconds.
pub(crate) const DAY: i64 = 24 * 60 * 60;

/// One leaving.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    tenant_id: String,
    epoch: u64,
    stage: &'static str,
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    left_at: String,
    /// When the site is asked whether it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubted_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    early_deletion_asked_at: Option<String>,
    /// Of that request, unless it returned all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    returned_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Held>,
    past_holds: Vec<PastHeld>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    ahead: Option<Ahead>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purge: Option<Purge>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Evidence {
    since: String,
    times: u64,
    last_status: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    placed_by: String,
    reason: &'static str,
    placed_at: String,
    until: String,
    /// Whether it stands past the deadline, so that the promise is suspended.
    suspends_the_promise: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PastHeld {
    reason: &'static str,
    placed_at: String,
    ended_at: String,
}

/// What is still to come, or has come: absent for whoever returned.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ahead {
    /// Absent once nobody can return to this life.
    #[serde(skip_serializing_if = "Option::is_none")]
    may_return_until: Option<String>,
    purge_after: String,
    /// When TTL may delete the keys, should the purge not have done it; absent once they are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys_expire_at: Option<String>,
    /// When nothing can be read anywhere, backups included.
    unreadable_by: String,
    /// When nothing exists anywhere, backups included.
    gone_by: String,
    deadline: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Purge {
    keys_deleted_at: String,
    deleted: BTreeMap<String, u64>,
    found_empty_at: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purged_at: Option<String>,
    /// The whole file, as it is handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Box<RawValue>>,
    /// For the customer alone: shows whose certificate it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
}

impl Shown {
    /// As it stands now.
    pub(crate) fn of(departure: &Departure, platform: &Platform) -> Self {
        let (now, timeline) = (platform.now(), platform.config().timeline);
        let open_hold = standing_hold(departure, now);
        Self {
            tenant_id: departure.tenant_id.clone(),
            epoch: departure.epoch,
            stage: departure.stage.name(),
            cause: departure.cause.name(),
            evidence: departure.evidence.map(|evidence| Evidence {
                since: rfc3339(evidence.since),
                times: evidence.times,
                last_status: evidence.last_status,
            }),
            left_at: rfc3339(departure.left_at),
            doubted_until: departure.doubt_at.map(rfc3339),
            early_deletion_asked_at: departure.early_at.map(rfc3339),
            receipt: Receipt::of_request(departure).filter(|_| departure.stage != Stage::Returned),
            returned_at: departure.returned_at.map(rfc3339),
            hold: open_hold.map(|hold| Held {
                placed_by: hold.placed_by.clone(),
                reason: hold.reason.name(),
                placed_at: rfc3339(hold.placed_at),
                until: rfc3339(hold.until),
                suspends_the_promise: departure.suspends_the_promise(),
            }),
            past_holds: past_holds(departure, now),
            ahead: (departure.stage != Stage::Returned).then(|| Ahead::of(departure, timeline, now)),
            purge: departure.shredded_at.map(|shredded_at| Purge::of(departure, shredded_at)),
        }
    }
}

/// Those that were lifted, and one that was over before anybody lifted it, or that a return ended.
fn past_holds(departure: &Departure, now: i64) -> Vec<PastHeld> {
    let over = departure.hold.as_ref().filter(|_| standing_hold(departure, now).is_none());
    let over = over.map(|hold| hold.ended(departure.returned_at.unwrap_or(now)));
    let past = departure.past_holds.iter().copied().chain(over);
    past.map(|hold| PastHeld { reason: hold.reason.name(), placed_at: rfc3339(hold.placed_at), ended_at: rfc3339(hold.ended_at) }).collect()
}

impl Ahead {
    fn of(departure: &Departure, timeline: Timeline, now: i64) -> Self {
        let is_kept = departure.stage == Stage::Marked;
        let (shredded_by, deleted_by) = ends(departure, timeline);
        Self {
            may_return_until: (is_kept && departure.kept_until() > now).then(|| rfc3339(departure.kept_until())),
            purge_after: rfc3339(departure.kept_until()),
            keys_expire_at: is_kept.then(|| rfc3339(departure.keys_expire_at())),
            unreadable_by: rfc3339(timeline.unreadable_by(shredded_by)),
            gone_by: rfc3339(timeline.gone_by(deleted_by)),
            deadline: rfc3339(departure.deadline()),
        }
    }
}

/// By when the keys and by when everything but backups are gone: as it happened, or at the latest.
pub(crate) fn ends(departure: &Departure, timeline: Timeline) -> (i64, i64) {
    let (left_at, kept_until) = (departure.left_at, departure.kept_until());
    let shredded_by = departure.shredded_at.unwrap_or_else(|| timeline.keys_gone_by(left_at, kept_until));
    let begins_by = departure.shredded_at.unwrap_or(kept_until);
    // As the certificate says it: the account goes with the end of the purge.
    let deleted_by = departure.proof.as_ref().map(|proof| proof.purged_at);
    (shredded_by, deleted_by.unwrap_or_else(|| timeline.deleted_by(left_at, begins_by)))
}

impl Purge {
    fn of(departure: &Departure, shredded_at: i64) -> Self {
        let proof = departure.proof.as_ref();
        Self {
            keys_deleted_at: rfc3339(shredded_at),
            deleted: departure.purge.counts.clone(),
            found_empty_at: departure.purge.verified.iter().copied().map(rfc3339).collect(),
            purged_at: proof.map(|proof| rfc3339(proof.purged_at)),
            certificate: proof.and_then(|proof| RawValue::from_string(proof.certificate.clone()).ok()),
            salt: proof.map(|proof| proof.salt.clone()),
        }
    }
}

/// The hold that keeps it waiting now, if one does.
pub(crate) fn standing_hold(departure: &Departure, now: i64) -> Option<&Hold> {
    departure.hold.as_ref().filter(|hold| departure.stage == Stage::Marked && hold.until > now)
}
