//! Earlier deletion, because a customer asks for it (promise E-36). It ends the grace; the hourly purge does the rest. Whoever asks again is given
//! the same receipt, also when all is gone.

use axum::Json;
use axum::extract::State;
use shared::audit::What;
use shared::platform::Platform;
use shared::problem::Problem;
use shared::tenant::Operator;
use shared::tenant::departure::{Cause, Departure};
use shared::tenant::moves::waiting;
use shared::tenant::operator::Standing;

use crate::act::{ATTEMPTS, Act, not_now, torn};
use crate::asked::Asked;
use crate::receipt::Receipt;
use crate::shown::{DAY, standing_hold};

/// Why deletion may be asked for before its time.
const REASONS: [&str; 3] = ["customer-request", "contract-end", "regulator"];

/// A day in which a mistake shows: whom an operator marked is not deleted on the word of operators alone before it is over.
const MISTAKE_SHOWS: i64 = DAY;

/// Ends the grace of a tenant that has left.
pub(crate) async fn early_deletion(State(platform): State<Platform>, operator: Operator, asked: Asked) -> Result<Json<Receipt>, Problem> {
    asked.no_days()?;
    asked.named_tenant()?;
    let reason = asked.reason(&REASONS)?;
    let act = Act::begin(&platform, &operator, &asked, What::EarlyDeletion, Some(reason)).await?;
    let hastened = hasten(&act).await;
    act.end(hastened).await.map(Json)
}

async fn hasten(act: &Act<'_>) -> Result<Receipt, Problem> {
    let platform = act.platform;
    let mut case = act.case()?;
    for _ in 0..ATTEMPTS {
        match case.standing() {
            Standing::Active(_) => return Err(not_now("the app is installed; its data can be deleted once it has left")),
            Standing::Left(departure) if standing_hold(departure, platform.now()).is_some() => {
                return Err(not_now("a hold stands; it must be lifted first"));
            }
            Standing::Left(departure) if departure.early_at.is_none() => {
                check_certain(departure, platform.now())?;
                waiting::hasten(platform, departure).await?;
            }
            Standing::Left(departure) | Standing::Purged(departure) => return Receipt::of(departure).ok_or_else(torn),
            Standing::Torn => {}
        }
        case = act.look_again().await?;
    }
    Err(torn())
}

/// Nothing is deleted early of whoever may not have left at all.
fn check_certain(departure: &Departure, now: i64) -> Result<(), Problem> {
    match departure.cause {
        Cause::Uninstalled if departure.doubt_at.is_some() => {
            Err(not_now("it is in doubt whether it has left; its site is asked, as a rule within the hour: see doubtedUntil in its status"))
        }
        Cause::Operator if now < departure.left_at.saturating_add(MISTAKE_SHOWS) => {
            Err(not_now("an operator marked it; it can be deleted early a day after that"))
        }
        Cause::Uninstalled | Cause::Dormant | Cause::LicenceEnded | Cause::Operator => Ok(()),
    }
}
