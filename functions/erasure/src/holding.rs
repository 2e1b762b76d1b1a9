//! Holds: a person's word that a purge must wait, for 30 days at most and then renewed by a person again; nothing renews one by itself.

use axum::Json;
use axum::extract::State;
use shared::audit::What;
use shared::platform::Platform;
use shared::problem::{Problem, Refusal};
use shared::tenant::Operator;
use shared::tenant::departure::{Departure, Hold, HoldReason, hold};
use shared::tenant::moves::waiting;
use shared::tenant::operator::{Case, Standing};

use crate::act::{ATTEMPTS, Act, not_now, torn};
use crate::asked::Asked;
use crate::shown::{DAY, Shown, standing_hold};

/// Places a hold, or renews the one that stands for this reason: from now on it stands for so many days. One for another reason ends.
pub(crate) async fn hold(State(platform): State<Platform>, operator: Operator, asked: Asked) -> Result<Json<Shown>, Problem> {
    let name = asked.reason(&HoldReason::ALL.map(HoldReason::name))?;
    let reason = HoldReason::named(name).ok_or_else(|| Problem::new(Refusal::Internal, "a reason without a name"))?;
    let until = platform.now().saturating_add(asked.days(hold::LONGEST / DAY)?.saturating_mul(DAY));
    let act = Act::begin(&platform, &operator, &asked, What::Hold, Some(name)).await?;
    let placed = place(&act, reason, until).await;
    act.end(placed).await.map(|departure| Json(Shown::of(&departure, &platform)))
}

async fn place(act: &Act<'_>, reason: HoldReason, until: i64) -> Result<Departure, Problem> {
    let placed_by = act.operator.principal().arn();
    let mut case = act.case()?;
    for _ in 0..ATTEMPTS {
        if let Some(departure) = kept(&case)? {
            if !case.present.as_ref().is_some_and(|life| life.has_keys) {
                return Err(not_now("its keys are gone, and what they sealed with them; there is nothing left to hold"));
            }
            let now = act.platform.now();
            let standing = standing_hold(departure, now).filter(|hold| hold.reason == reason);
            let ours = |hold: &&Hold| hold.placed_by == placed_by && hold.until == until;
            if standing.filter(ours).is_some() {
                return Ok(departure.clone());
            }
            let hold = Hold { placed_by: placed_by.to_owned(), reason, placed_at: standing.map_or(now, |hold| hold.placed_at), until };
            waiting::hold(act.platform, &with_past(departure, reason, now), hold).await?;
        }
        case = act.look_again().await?;
    }
    Err(torn())
}

/// A hold that is over, or stands for another reason, is a past one; renewing would say that this one had stood all the time.
fn with_past(departure: &Departure, reason: HoldReason, now: i64) -> Departure {
    let past = departure.hold.as_ref().filter(|hold| hold.until <= now || hold.reason != reason).map(|hold| hold.ended(now));
    let past_holds = departure.past_holds.iter().copied().chain(past).collect();
    Departure { past_holds, ..departure.clone() }
}

/// Lifts the hold. What should have been purged by now is due at once.
pub(crate) async fn lift(State(platform): State<Platform>, operator: Operator, asked: Asked) -> Result<Json<Shown>, Problem> {
    asked.no_days()?;
    asked.no_reason()?;
    let act = Act::begin(&platform, &operator, &asked, What::Lift, None).await?;
    let lifted = release(&act).await;
    act.end(lifted).await.map(|departure| Json(Shown::of(&departure, &platform)))
}

async fn release(act: &Act<'_>) -> Result<Departure, Problem> {
    let mut case = act.case()?;
    for _ in 0..ATTEMPTS {
        if let Some(departure) = kept(&case)? {
            if departure.hold.is_none() {
                return Ok(departure.clone());
            }
            waiting::lift(act.platform, departure).await?;
        }
        case = act.look_again().await?;
    }
    Err(torn())
}

/// The departure that a hold can be about; `None` if it is to be looked at again.
fn kept(case: &Case) -> Result<Option<&Departure>, Problem> {
    match case.standing() {
        Standing::Left(departure) => Ok(Some(departure)),
        Standing::Active(_) => Err(not_now("the app is installed; there is no purge that could wait")),
        Standing::Purged(_) => Err(not_now("the purge has begun; there is nothing left to hold")),
        Standing::Torn => Ok(None),
    }
}
