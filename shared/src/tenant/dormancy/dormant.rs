//! Every active site is asked once a week whether it still knows us: Atlassian does not always say that an app was uninstalled. Run once a day,
//! each time for those whose last asking is a week ago, so that the days are even.
//!
//! What a site answers is noted in its tenants item, where no move depends on it. A row of refusals, or of licences that are not active, ends
//! in the same leaving as any other, with the evidence in its departure; it can come back as long. When more sites refuse us than know us, it
//! is more likely our own fault, and an incident.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use futures::{StreamExt as _, stream};
use http::StatusCode;

use super::super::departure::Cause;
use super::super::moves::{self, Marking, Moved};
use super::super::state::State;
use super::super::{Tenant, recall};
use super::asking::Answer;
use super::licence;
use super::spells::{Spells, Verdict};
use crate::platform::schedule::{Deadline, Report};
use crate::platform::signal::Signal;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Damaged, Item, n, s};

/// How long a site is left in peace, in seconds: half a day less than a week, because a run takes its time.
const PEACE: i64 = (7 * 24 - 12) * 60 * 60;

/// How many tenants a call reads, of which some are due.
const PAGE: i32 = 100;

/// How many sites are asked at once: most of a run is waiting for them.
const AT_ONCE: usize = 8;

/// From so many refusals on they may outweigh the rest: fewer may well be chance.
const MANY: u64 = 10;

/// A tenant that is due, as the table told of it.
struct Candidate {
    digest: String,
    tenant_id: String,
    revision: u64,
    asked_at: Option<i64>,
    spells: Spells,
}

/// What came of asking for one tenant.
enum Asked {
    Known,
    Unlicensed,
    Refused,
    Silent,
    Marked(Cause),
    /// It has moved since it was read: what its site says is about another day.
    Moved,
    /// The time is over.
    Late,
}

#[derive(Default)]
struct Counts {
    known: u64,
    unlicensed: u64,
    refused: u64,
    silent: u64,
    marked_dormant: u64,
    marked_unlicensed: u64,
    moved: u64,
    faults: u64,
    late: u64,
    /// Whether all was reached.
    finished: bool,
}

/// Asks the sites that are due, until all are asked or the deadline is near.
///
/// # Errors
/// 503 if the table cannot be read: what was done stays done.
pub async fn ask_all(platform: &Platform, deadline: Deadline) -> Result<Report, Problem> {
    let (mut counts, mut from) = (Counts::default(), None);
    loop {
        if deadline.is_near(platform) {
            return Ok(counts.report());
        }
        let (candidates, next) = due(platform, from).await?;
        let each = stream::iter(candidates).map(|candidate| async move { ask_one(platform, deadline, candidate?).await });
        let mut each = each.buffer_unordered(AT_ONCE);
        while let Some(asked) = each.next().await {
            counts.count(asked);
        }
        from = next;
        if from.is_none() {
            counts.finished = counts.late == 0;
            return Ok(counts.report());
        }
    }
}

/// Some tenants, those of them that are due, and where to go on. A damaged item costs nobody else anything.
#[expect(clippy::disallowed_methods, reason = "the one function that looks for tenants of which nobody speaks")]
async fn due(platform: &Platform, from: Option<Item>) -> Result<(Vec<Result<Candidate, Problem>>, Option<Item>), Problem> {
    let call = platform.dynamodb().scan().table_name(&platform.config().tables.tenants).limit(PAGE);
    let call = call
        // A tenant that was never asked has just come, or came before we asked.
        .filter_expression("#state = :active AND (asked_at <= :due OR (attribute_not_exists(asked_at) AND installed_at <= :due))")
        .projection_expression("digest, tenant_id, revision, asked_at, refused_since, refused_times, unlicensed_since, unlicensed_times")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":active", s(State::Active.name()))
        .expression_attribute_values(":due", n(platform.now().saturating_sub(PEACE)));
    let answer = call.set_exclusive_start_key(from).send().await;
    let answer = answer.map_err(|error| aws::problem("dynamodb Scan tenants", &error))?;
    let candidates = answer.items.unwrap_or_default();
    Ok((candidates.iter().map(|item| Ok(Candidate::of(item)?)).collect(), answer.last_evaluated_key))
}

async fn ask_one(platform: &Platform, deadline: Deadline, candidate: Candidate) -> Result<Asked, Problem> {
    if deadline.is_near(platform) {
        return Ok(Asked::Late);
    }
    let Candidate { digest, tenant_id, revision, spells, .. } = &candidate;
    let tenant = recall::active(platform, digest).await?.filter(|tenant| tenant.id() == tenant_id);
    let Some(tenant) = tenant else { return Ok(Asked::Moved) };
    let (answer, now) = (licence::asked(&tenant).await?, platform.now());
    let verdict = answer.as_ref().map_or(Verdict::Stays(*spells), |answer| spells.after(answer, tenant.app(), now));
    match verdict {
        Verdict::Gone(cause, evidence) => {
            let marking = Marking { digest, tenant_id, revision: *revision, cause, evidence: Some(evidence) };
            if moves::mark(platform, &marking).await? != Moved::Left {
                return Ok(Asked::Moved);
            }
            tracing::warn!(target: "lethe", digest, cause = cause.name(), "counts as gone");
            Ok(Asked::Marked(cause))
        }
        Verdict::Stays(spells) => {
            let (asked, status) = match answer {
                Ok(Answer::Refused(status)) => (Asked::Refused, Some(status)),
                Ok(Answer::Known(licence)) if licence.active == Some(false) => (Asked::Unlicensed, Some(StatusCode::OK)),
                Ok(Answer::Known(_)) => (Asked::Known, Some(StatusCode::OK)),
                Err(_) => (Asked::Silent, None),
            };
            Ok(if note(&tenant, &candidate, spells, status, now).await? { asked } else { Asked::Moved })
        }
    }
}

/// Notes what the site answered, unless the tenant has moved, or was asked by another, since it was read. No move depends on what is noted, so
/// the item keeps its revision.
async fn note(tenant: &Tenant, before: &Candidate, spells: Spells, status: Option<StatusCode>, now: i64) -> Result<bool, Problem> {
    let platform = tenant.platform();
    let (mut set, remove, values) = spells.change();
    if status.is_some() {
        set.push_str(", last_status = :status");
    }
    let change = if remove.is_empty() { format!("SET asked_at = :now{set}") } else { format!("SET asked_at = :now{set} REMOVE {remove}") };
    let unasked = if before.asked_at.is_some() { "asked_at = :before" } else { "attribute_not_exists(asked_at)" };
    let mut call = platform
        .dynamodb()
        .update_item()
        .table_name(&platform.config().tables.tenants)
        .key("digest", s(&before.digest))
        .update_expression(change)
        .condition_expression(format!("tenant_id = :tenant_id AND #state = :active AND revision = :revision AND {unasked}"))
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":now", n(now))
        .expression_attribute_values(":tenant_id", s(&before.tenant_id))
        .expression_attribute_values(":active", s(State::Active.name()))
        .expression_attribute_values(":revision", n(before.revision))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    for (name, value) in values {
        call = call.expression_attribute_values(name, value);
    }
    if let Some(asked_at) = before.asked_at {
        call = call.expression_attribute_values(":before", n(asked_at));
    }
    if let Some(status) = status {
        call = call.expression_attribute_values(":status", n(status.as_u16()));
    }
    let Err(error) = call.send().await else { return Ok(true) };
    match error.as_service_error() {
        // Ours, perhaps, and the answer was lost.
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            let found = refused.item().map(Candidate::of).transpose()?;
            Ok(found.is_some_and(|found| found.asked_at == Some(now) && found.spells == spells && found.tenant_id == before.tenant_id))
        }
        _ => Err(aws::problem("dynamodb UpdateItem tenants", &error)),
    }
}

impl Candidate {
    fn of(item: &Item) -> Result<Self, Damaged> {
        Ok(Self {
            digest: item::text(item, "digest")?,
            tenant_id: item::text(item, "tenant_id")?,
            revision: item::number(item, "revision")?,
            asked_at: item::number_if_any(item, "asked_at")?,
            spells: Spells::of(item)?,
        })
    }
}

impl Counts {
    fn count(&mut self, asked: Result<Asked, Problem>) {
        let counter = match asked {
            Ok(Asked::Known) => &mut self.known,
            Ok(Asked::Unlicensed) => &mut self.unlicensed,
            Ok(Asked::Refused) => &mut self.refused,
            Ok(Asked::Silent) => &mut self.silent,
            Ok(Asked::Marked(Cause::LicenceEnded)) => &mut self.marked_unlicensed,
            Ok(Asked::Marked(_)) => &mut self.marked_dormant,
            Ok(Asked::Moved) => &mut self.moved,
            Ok(Asked::Late) => &mut self.late,
            Err(problem) => {
                tracing::warn!(target: "lethe", reason = problem.reason().0.as_ref(), "left for the next run");
                &mut self.faults
            }
        };
        *counter += 1;
    }

    fn report(&self) -> Report {
        let refusing = self.refused + self.marked_dormant;
        let incident = refusing >= MANY && refusing > self.known + self.unlicensed + self.marked_unlicensed;
        let counts = vec![
            ("known", self.known),
            ("unlicensed", self.unlicensed),
            ("refused", self.refused),
            ("silent", self.silent),
            ("marked-dormant", self.marked_dormant),
            ("marked-unlicensed", self.marked_unlicensed),
            ("moved", self.moved),
            ("faults", self.faults),
            ("late", self.late),
            ("finished", u64::from(self.finished)),
        ];
        Report { counts, signal: incident.then_some(Signal::Incident) }
    }
}
