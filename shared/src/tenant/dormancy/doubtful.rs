//! Leavings and returns that are doubted: lifecycle events come late and signed again, so their order alone proves nothing, and the site is
//! asked. Run every hour.
//!
//! A site that knows us has not left, and has returned; one that refuses us has left, and, if it does so for four days, has not returned. One that does not answer is asked
//! again a day later, for a week; after that the event is believed, because nothing speaks against it.
//!
//! Whoever left without a word, because the site refused us or the licence had ended, is asked about every week until the purge: a site that comes
//! back, or a licence that is renewed, installs nothing, and the customer would lose what they believe to have.

use super::super::departure::{Cause, DUE_SHARDS, Departure, Evidence, Stage};
use super::super::moves::{SILENTLY_LEFT, doubting};
use super::super::recall::{self, Departed};
use super::super::{State, departures};
use super::asking::{self, Answer};
use crate::platform::Platform;
use crate::platform::schedule::{Deadline, Report};
use crate::problem::Problem;

const DAY: i64 = 24 * 60 * 60;

/// How long after a leaving or a return a site that does not answer is asked, in seconds.
const ASKED_FOR: i64 = 7 * DAY;

/// How often a site must refuse us, a day apart, before a return is undone: one refusal may be one bad day, and undoing locks a customer out.
const RETURN_REFUSED: u64 = 4;

/// What became of one departure.
enum Settled {
    /// What we were told is true.
    Believed,
    /// The site never said, and it is believed all the same.
    BelievedUnheard,
    /// The leaving was none.
    Revived,
    /// The return was none.
    ReturnUndone,
    /// The site did not answer.
    Postponed,
    /// It has changed since it was read, or is not to be asked about any more.
    Moved,
    /// There is no doubt about it now: something else is to be done for it.
    NotDoubted,
}

#[derive(Default)]
struct Counts {
    believed: u64,
    believed_unheard: u64,
    revived: u64,
    returns_undone: u64,
    postponed: u64,
    moved: u64,
    faults: u64,
    /// Whether all was reached.
    finished: bool,
}

/// Settles what is doubted and due, until all is done or the deadline is near.
///
/// # Errors
/// 503 if the index cannot be read: what was done stays done.
pub async fn settle(platform: &Platform, deadline: Deadline) -> Result<Report, Problem> {
    let (now, mut counts) = (platform.now(), Counts::default());
    for shard in 0..DUE_SHARDS {
        let mut from = None;
        loop {
            if deadline.is_near(platform) {
                return Ok(counts.report());
            }
            let (due, next) = departures::due(platform, shard, now, from).await?;
            for (digest, tenant_id) in due {
                if deadline.is_near(platform) {
                    return Ok(counts.report());
                }
                counts.count(settle_one(platform, &digest, &tenant_id).await);
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
    }
    counts.finished = true;
    Ok(counts.report())
}

async fn settle_one(platform: &Platform, digest: &str, tenant_id: &str) -> Result<Settled, Problem> {
    let now = platform.now();
    let departure = departures::find(platform, digest, tenant_id).await?;
    let is_doubted = |departure: &Departure| departure.doubt_at.is_some_and(|doubt_at| doubt_at <= now);
    let Some(doubted) = departure.filter(is_doubted) else { return Ok(Settled::NotDoubted) };
    // When it was that we were told what is doubted, and how the tenant stands if nothing came of it since.
    let (told_at, state) = match doubted.stage {
        Stage::Marked => (doubted.left_at, State::Unsubscribed),
        Stage::Returned => (doubted.returned_at.unwrap_or(doubted.left_at), State::Active),
        Stage::Purging | Stage::Purged => return Ok(Settled::NotDoubted),
    };
    let departed = recall::departed(platform, digest, tenant_id).await?.filter(|departed| departed.tenant.standing().state == state);
    let Some(Departed { tenant, revision }) = departed else { return Ok(Settled::Moved) };
    let answer = asking::ask(&tenant).await;
    if let (State::Unsubscribed, Cause::Dormant | Cause::LicenceEnded) = (state, doubted.cause) {
        let is_back = match &answer {
            Ok(Answer::Known(licence)) => doubted.cause == Cause::Dormant || licence.active == Some(true),
            _ => false,
        };
        let (done, settled) = if is_back {
            (doubting::revive(platform, &doubted, revision).await?, Settled::Revived)
        } else {
            let evidence = doubted.evidence;
            (doubting::ask_again(platform, &doubted, now.saturating_add(SILENTLY_LEFT), evidence).await?, Settled::Postponed)
        };
        return Ok(if done { settled } else { Settled::Moved });
    }
    let (done, settled) = match (answer, state) {
        (Ok(Answer::Known(_)), State::Unsubscribed) => (doubting::revive(platform, &doubted, revision).await?, Settled::Revived),
        (Ok(Answer::Refused(status)), State::Active) => {
            let said = refused_again(&doubted, status.as_u16(), now);
            if said.times < RETURN_REFUSED {
                (doubting::ask_again(platform, &doubted, now.saturating_add(DAY), Some(said)).await?, Settled::Postponed)
            } else {
                (doubting::undo_return(platform, &doubted, revision).await?, Settled::ReturnUndone)
            }
        }
        (Ok(_), _) => (doubting::believe(platform, &doubted).await?, Settled::Believed),
        (Err(unheard), _) if now.saturating_sub(told_at) >= ASKED_FOR => {
            let (stage, reason) = (doubted.stage.name(), unheard.to_string());
            tracing::warn!(target: "lethe", digest, stage, reason, "believed without the site's word");
            (doubting::believe(platform, &doubted).await?, Settled::BelievedUnheard)
        }
        (Err(_), _) => {
            let evidence = doubted.evidence;
            (doubting::ask_again(platform, &doubted, now.saturating_add(DAY), evidence).await?, Settled::Postponed)
        }
    };
    Ok(if done { settled } else { Settled::Moved })
}

/// What the site has said of a doubted return, this answer included.
fn refused_again(doubted: &Departure, last_status: u16, now: i64) -> Evidence {
    let before = doubted.evidence.filter(|said| doubted.returned_at.is_some_and(|returned_at| said.since > returned_at));
    let first = Evidence { since: now, times: 0, last_status };
    let before = before.unwrap_or(first);
    Evidence { times: before.times.saturating_add(1), last_status, ..before }
}

impl Counts {
    fn count(&mut self, settled: Result<Settled, Problem>) {
        let counter = match settled {
            Ok(Settled::Believed) => &mut self.believed,
            Ok(Settled::BelievedUnheard) => &mut self.believed_unheard,
            Ok(Settled::Revived) => &mut self.revived,
            Ok(Settled::ReturnUndone) => &mut self.returns_undone,
            Ok(Settled::Postponed) => &mut self.postponed,
            Ok(Settled::Moved) => &mut self.moved,
            Ok(Settled::NotDoubted) => return,
            Err(problem) => {
                tracing::warn!(target: "lethe", reason = problem.reason().0.as_ref(), "left for the next run");
                &mut self.faults
            }
        };
        *counter += 1;
    }

    fn report(&self) -> Report {
        let counts = vec![
            ("believed", self.believed),
            ("believed-unheard", self.believed_unheard),
            ("revived", self.revived),
            ("returns-undone", self.returns_undone),
            ("postponed", self.postponed),
            ("moved", self.moved),
            ("faults", self.faults),
            ("finished", u64::from(self.finished)),
        ];
        Report { counts, signal: None }
    }
}
