//! Marking a tenant that left without a word: its site is gone, or its contract ended, and Atlassian never told. It is a leaving like any other,
//! and a return undoes it. So does an operator, if it was a mistake.

use axum::Json;
use axum::extract::State;
use shared::audit::What;
use shared::platform::Platform;
use shared::problem::Problem;
use shared::tenant::Operator;
use shared::tenant::departure::{Cause, Departure, Stage};
use shared::tenant::moves::{self, Marking, doubting};
use shared::tenant::operator::Standing;

use crate::act::{ATTEMPTS, Act, not_now, torn};
use crate::asked::Asked;
use crate::shown::Shown;

/// Why somebody may count as gone.
const REASONS: [&str; 3] = ["customer-request", "contract-end", "site-gone"];

/// Marks an active tenant as one that has left.
pub(crate) async fn mark(State(platform): State<Platform>, operator: Operator, asked: Asked) -> Result<Json<Shown>, Problem> {
    asked.no_days()?;
    let reason = asked.reason(&REASONS)?;
    let act = Act::begin(&platform, &operator, &asked, What::Mark, Some(reason)).await?;
    let marked = leave(&act).await;
    act.end(marked).await.map(|departure| Json(Shown::of(&departure, &platform)))
}

async fn leave(act: &Act<'_>) -> Result<Departure, Problem> {
    let mut case = act.case()?;
    for _ in 0..ATTEMPTS {
        match case.standing() {
            Standing::Active(life) => {
                let (tenant_id, revision) = (life.tenant_id.as_str(), life.revision);
                let marking = Marking { digest: &case.digest, tenant_id, revision, cause: Cause::Operator, evidence: None };
                moves::mark(act.platform, &marking).await?;
            }
            // Marked before, and perhaps the answer was not heard.
            Standing::Left(departure) | Standing::Purged(departure) if departure.cause == Cause::Operator => return Ok(departure.clone()),
            Standing::Left(_) | Standing::Purged(_) => return Err(not_now("it has left already")),
            Standing::Torn => {}
        }
        case = act.look_again().await?;
    }
    Err(torn())
}

/// Takes a mark back.
pub(crate) async fn unmark(State(platform): State<Platform>, operator: Operator, asked: Asked) -> Result<Json<Shown>, Problem> {
    asked.no_days()?;
    asked.no_reason()?;
    let act = Act::begin(&platform, &operator, &asked, What::Unmark, None).await?;
    let unmarked = revive(&act).await;
    act.end(unmarked).await.map(|departure| Json(Shown::of(&departure, &platform)))
}

async fn revive(act: &Act<'_>) -> Result<Departure, Problem> {
    let mut case = act.case()?;
    for _ in 0..ATTEMPTS {
        match case.standing() {
            // Taken back before, and perhaps the answer was not heard; or it came back by itself.
            Standing::Active(_) => return case.last().filter(|last| is_marked_by_operator(last)).cloned().ok_or_else(not_marked),
            Standing::Left(departure) if !is_marked_by_operator(departure) => return Err(not_marked()),
            Standing::Left(departure) if departure.kept_until() <= act.platform.now() => return Err(not_now("its grace is over")),
            Standing::Left(departure) => match case.present.as_ref().filter(|life| life.has_keys) {
                Some(life) => drop(doubting::revive(act.platform, departure, life.revision).await?),
                None => return Err(not_now("its keys are gone, and what they sealed with them")),
            },
            Standing::Purged(_) => return Err(not_now("the purge has begun")),
            Standing::Torn => {}
        }
        case = act.look_again().await?;
    }
    Err(torn())
}

fn is_marked_by_operator(departure: &Departure) -> bool {
    departure.cause == Cause::Operator && matches!(departure.stage, Stage::Marked | Stage::Returned)
}

fn not_marked() -> Problem {
    not_now("no operator marked it")
}
