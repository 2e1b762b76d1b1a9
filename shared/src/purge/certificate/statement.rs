//! What is certified. Every member is a number, a date, a name from a list or a random id: no customer text can get in.

use serde::{Deserialize, Serialize};

use super::second::Second;
use crate::tenant::id;

/// The one format so far. Another number is another set of members.
pub const FORMAT: u32 = 1;

/// Who certifies.
pub const SERVICE: &str = "lethe";

/// How far apart the two verifications are at least, in seconds: what was written while the first one looked is there for the second to find.
pub const BETWEEN_VERIFICATIONS: i64 = 60 * 60;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// The most characters of a name from one of our lists.
const MAX_NAME: usize = 64;

/// That a tenant's data is gone. Its JSON is compact, with the members in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Certificate {
    /// [`FORMAT`].
    pub format: u32,
    /// Who certifies.
    pub issuer: Issuer,
    /// Our random id of the tenant that is gone.
    pub tenant_id: String,
    /// Which of the installation's lives ended.
    pub epoch: u64,
    /// Whose data it was: see [`super::subject`].
    pub subject: String,
    /// What was promised.
    pub policy: Policy,
    /// Why the tenant left: a name from our list.
    pub cause: String,
    /// When the tenant left.
    pub left_at: Second,
    /// The end of the grace, or when earlier deletion was asked for. A hold does not change it, and while one stands a return is still possible.
    pub grace_ended_at: Second,
    /// When earlier deletion was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_requested_at: Option<Second>,
    /// When the keys were deleted: since then nothing live can be read.
    pub shredded_at: Second,
    /// When nothing was found any more, twice, at least an hour apart.
    pub verified_at: [Second; 2],
    /// When this was certified.
    pub issued_at: Second,
    /// What made the purge wait.
    pub holds: Vec<Hold>,
    /// What was deleted, how, and how much of it.
    pub deleted: Vec<Deleted>,
    /// What becomes of the copies that no purge can reach.
    pub backups: Backups,
    /// Whether a hold stood for so long that the deadline could not be met.
    pub promise_suspended: bool,
    /// Whether the last backup is gone only after the deadline, and no hold suspended the promise.
    pub deadline_missed: bool,
}

/// Who certifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Issuer {
    /// [`SERVICE`].
    pub service: String,
    /// The AWS region that held the data.
    pub region: String,
    /// The slug of the app that it was held for.
    pub app: String,
}

/// What was promised, in days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// Counts the policies.
    pub version: u32,
    /// For how long after leaving the tenant could come back.
    pub grace_days: u64,
    /// How long after leaving the last copy had to be gone.
    pub deadline_days: u64,
    /// How long after a request for earlier deletion, if that is sooner.
    pub early_deadline_days: u64,
}

/// A person's word that made the purge wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Hold {
    /// Why: a name from our list.
    pub reason: String,
    /// When it was placed.
    pub placed_at: Second,
    /// Until when it stood at the latest.
    pub until: Second,
    /// When it was lifted before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifted_at: Option<Second>,
}

/// One kind of thing that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Deleted {
    /// The name of the kind.
    pub what: String,
    /// How it was deleted.
    pub method: Method,
    /// How many there were.
    pub count: u64,
}

/// How something is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The only keys that could open it are destroyed.
    KeysShredded,
    /// Each is deleted by name.
    Deleted,
    /// Each is deleted with all versions it ever had.
    AllVersionsDeleted,
    /// Each unfinished upload is aborted, with the parts it had.
    Aborted,
}

/// What becomes of the backups: they hold sealed data until they expire, and the keys' backups expire first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Backups {
    /// When no backup can be read any more.
    pub unreadable_by: Second,
    /// When the last backup is gone.
    pub gone_by: Second,
}

/// Why this cannot be certified: it contradicts itself, or a member is not of its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// This member is not of its form.
    #[error("{0} is not of its form")]
    Form(&'static str),
    /// The first of these members is later than the second.
    #[error("{0} is later than {1}")]
    Order(&'static str, &'static str),
    /// The keys went while the tenant could still come back, and nobody had asked for that.
    #[error("shreddedAt is before graceEndedAt, and no early deletion was requested")]
    Early,
    /// The second verification is so soon after the first that it proves no more.
    #[error("the two verifiedAt are less than an hour apart")]
    Close,
    /// It says that the deadline was met and its dates say otherwise, or the other way round.
    #[error("deadlineMissed is not what backups.goneBy, the policy and promiseSuspended come to")]
    Deadline,
}

impl Certificate {
    /// The JSON that is signed.
    ///
    /// # Errors
    /// If a date lies outside the years 0 to 9999.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Checks the form of every member, and that the dates can have been so.
    ///
    /// # Errors
    /// [`Unsound`] with the first member that cannot be.
    pub fn check(&self) -> Result<(), Unsound> {
        let whole = |member, holds: bool| if holds { Ok(()) } else { Err(Unsound::Form(member)) };
        whole("format", self.format == FORMAT)?;
        whole("issuer.service", self.issuer.service == SERVICE)?;
        whole("issuer.region", is_name(&self.issuer.region))?;
        whole("issuer.app", is_name(&self.issuer.app))?;
        whole("tenantId", uuid::Uuid::parse_str(&self.tenant_id).is_ok_and(|id| id.to_string() == self.tenant_id))?;
        whole("subject", id::is_digest(&self.subject))?;
        whole("cause", is_name(&self.cause))?;
        whole("holds.reason", self.holds.iter().all(|hold| is_name(&hold.reason)))?;
        whole("deleted.what", self.deleted.iter().all(|deleted| is_name(&deleted.what)))?;
        self.check_dates()
    }

    fn check_dates(&self) -> Result<(), Unsound> {
        let [first, second] = self.verified_at;
        in_order(("leftAt", self.left_at), ("graceEndedAt", self.grace_ended_at))?;
        in_order(("leftAt", self.left_at), ("earlyRequestedAt", self.early_requested_at.unwrap_or(self.left_at)))?;
        in_order(("leftAt", self.left_at), ("shreddedAt", self.shredded_at))?;
        in_order(("shreddedAt", self.shredded_at), ("verifiedAt", first))?;
        in_order(("the first verifiedAt", first), ("the second", second))?;
        in_order(("verifiedAt", second), ("issuedAt", self.issued_at))?;
        in_order(("shreddedAt", self.shredded_at), ("backups.unreadableBy", self.backups.unreadable_by))?;
        in_order(("backups.unreadableBy", self.backups.unreadable_by), ("backups.goneBy", self.backups.gone_by))?;
        for hold in &self.holds {
            in_order(("holds.placedAt", hold.placed_at), ("holds.until", hold.until))?;
            in_order(("holds.placedAt", hold.placed_at), ("holds.liftedAt", hold.lifted_at.unwrap_or(hold.until)))?;
        }
        if self.shredded_at < self.grace_ended_at && self.early_requested_at.is_none() {
            return Err(Unsound::Early);
        }
        if second.epoch_seconds().saturating_sub(first.epoch_seconds()) < BETWEEN_VERIFICATIONS {
            return Err(Unsound::Close);
        }
        let is_missed = self.backups.gone_by > self.deadline() && !self.promise_suspended;
        if self.deadline_missed == is_missed { Ok(()) } else { Err(Unsound::Deadline) }
    }

    /// When, by the policy, the last copy had to be gone.
    fn deadline(&self) -> Second {
        let by_leaving = after(self.left_at, self.policy.deadline_days);
        self.early_requested_at.map_or(by_leaving, |asked| after(asked, self.policy.early_deadline_days).min(by_leaving))
    }
}

/// So many days later; a policy that no calendar can hold never ends.
fn after(moment: Second, days: u64) -> Second {
    let seconds = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(SECONDS_A_DAY);
    Second::at(moment.epoch_seconds().saturating_add(seconds))
}

fn in_order(earlier: (&'static str, Second), later: (&'static str, Second)) -> Result<(), Unsound> {
    if earlier.1 <= later.1 { Ok(()) } else { Err(Unsound::Order(earlier.0, later.0)) }
}

/// Whether this can be a name from one of our lists: small letters, digits and hyphens.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
