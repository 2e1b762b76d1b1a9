//! What will go, when, and why, before anything does. It counts and opens nothing, and it changes nothing but the audit.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::audit::What;
use shared::platform::Platform;
use shared::platform::clock::rfc3339;
use shared::problem::Problem;
use shared::purge::certificate::Method;
use shared::purge::inventory::{Count, Found, Lived};
use shared::tenant::Operator;
use shared::tenant::departure::{Departure, Stage};
use shared::tenant::operator::Case;

use crate::act::Act;
use crate::asked::Asked;
use crate::shown::{Shown, ends};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DryRun {
    /// Of every life of which something may be left; an active one's has no dates.
    lives: Vec<Going>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Going {
    tenant_id: String,
    epoch: u64,
    /// By the names and in the order of its certificate.
    what: Vec<Thing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    when: Vec<Moment>,
    /// The leaving itself: its cause, its hold, whether it was hastened.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Thing {
    what: &'static str,
    how: Method,
    count: u64,
    /// There are more than were counted.
    #[serde(skip_serializing_if = "is_false")]
    and_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

#[derive(Serialize)]
struct Moment {
    stage: &'static str,
    at: String,
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Shows what will go.
pub(crate) async fn dry_run(State(platform): State<Platform>, operator: Operator, asked: Asked) -> Result<Json<DryRun>, Problem> {
    asked.no_days()?;
    asked.no_reason()?;
    let act = Act::begin(&platform, &operator, &asked, What::DryRun, None).await?;
    let counted = count(&act).await;
    act.end(counted).await.map(Json)
}

async fn count(act: &Act<'_>) -> Result<DryRun, Problem> {
    let (case, count) = (act.case()?, Count::begin(act.platform));
    let mut lives = Vec::new();
    for (tenant_id, epoch, departure) in not_gone(&case) {
        let present = case.present.as_ref().filter(|life| life.tenant_id == tenant_id);
        // If another life has begun, whatever came since the keys were deleted is that one's.
        let begun_anew = case.present.is_some() && present.is_none();
        let before = departure.and_then(|departure| departure.shredded_at).filter(|_| begun_anew);
        let keys = one("tenant-keys", Method::KeysShredded, present.is_some_and(|life| life.has_keys));
        let account = one("account", Method::Deleted, present.is_some());
        let found = count.of_life(Lived { digest: &case.digest, tenant_id, before }).await?;
        lives.push(Going {
            tenant_id: tenant_id.to_owned(),
            epoch,
            what: [keys, account].into_iter().chain(found.iter().map(Thing::of)).collect(),
            when: departure.map(|departure| moments(departure, act.platform)).unwrap_or_default(),
            why: departure.map(|departure| Shown::of(departure, act.platform)),
        });
    }
    Ok(DryRun { lives })
}

/// The lives of which something may be left, each with its departure unless it is active.
fn not_gone(case: &Case) -> Vec<(&str, u64, Option<&Departure>)> {
    let open = |departure: &&Departure| matches!(departure.stage, Stage::Marked | Stage::Purging);
    let leaving = case.departures.iter().filter(open).map(|departure| (departure.tenant_id.as_str(), departure.epoch, Some(departure)));
    let mut lives: Vec<_> = leaving.collect();
    if let Some(life) = &case.present
        && !lives.iter().any(|(tenant_id, ..)| *tenant_id == life.tenant_id)
    {
        lives.push((&life.tenant_id, life.epoch, None));
    }
    lives
}

impl Thing {
    const fn of(found: &Found) -> Self {
        let Found { what, how, counted } = *found;
        Self { what, how, count: counted.count, and_more: counted.and_more, bytes: counted.bytes }
    }
}

/// What there is one of, or none.
fn one(what: &'static str, how: Method, is_there: bool) -> Thing {
    Thing { what, how, count: u64::from(is_there), and_more: false, bytes: None }
}

/// When each stage is reached at the latest.
fn moments(departure: &Departure, platform: &Platform) -> Vec<Moment> {
    let timeline = platform.config().timeline;
    let (shredded_by, deleted_by) = ends(departure, timeline);
    let stages = [
        ("left", departure.left_at),
        ("the purge may start", departure.kept_until()),
        ("the keys are deleted", shredded_by),
        ("everything but backups is deleted", deleted_by),
        ("nothing can be read anywhere", timeline.unreadable_by(shredded_by)),
        ("nothing exists anywhere", timeline.gone_by(deleted_by)),
        ("the promised deadline", departure.deadline()),
    ];
    stages.into_iter().map(|(stage, at)| Moment { stage, at: rfc3339(at) }).collect()
}
