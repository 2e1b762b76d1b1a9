//! The hourly run: whoever is due begins to be purged, and whose purge stands still is sent to the worker again, whatever became of the message
//! before. What is late is counted, and makes the run an incident, every hour until it is mended.

use crate::platform::Platform;
use crate::platform::schedule::{Deadline, Report};
use crate::platform::signal::Signal;
use crate::problem::Problem;
use crate::purge::message::Message;
use crate::purge::timeline;
use crate::tenant::departure::{DUE_SHARDS, Departure, Stage};
use crate::tenant::departures;
use crate::tenant::moves::purging::{self, Begun};
use crate::tenant::moves::waiting;

const DAY: i64 = 24 * 60 * 60;

/// One run, and what it did.
struct Run<'p> {
    platform: &'p Platform,
    deadline: Deadline,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    /// Purges that began: keys deleted.
    begun: u64,
    /// Purges that were sent on to the worker.
    sent: u64,
    /// Leavings and returns that wait for their site to be asked.
    doubted: u64,
    /// Leavings that came back, or are held, since the index named them.
    passed_over: u64,
    /// Holds that stand past the day on which the purge had to begin for everything to be gone in time: the promise is suspended.
    held_too_long: u64,
    /// Purges that have not begun a day after their date, or are not done a day after they began.
    late: u64,
    /// Purges that take longer than the timeline has days for: the deadline is at risk.
    overdue: u64,
    /// Purges that began although the tenants item was gone, or another's.
    torn: u64,
    /// What a fault left for the next run.
    faults: u64,
    /// Whether all shards were read to their end.
    finished: bool,
}

/// Starts and sends on what is due.
///
/// # Errors
/// 503 if the index cannot be read; what was done stays done, and the next run does the rest.
pub async fn start_due(platform: &Platform, deadline: Deadline) -> Result<Report, Problem> {
    let mut run = Run { platform, deadline, counts: Counts::default() };
    for shard in 0..DUE_SHARDS {
        if !run.shard(shard).await? {
            return Ok(run.counts.report());
        }
    }
    run.counts.finished = true;
    Ok(run.counts.report())
}

impl Run<'_> {
    /// Whether the time was enough for this shard.
    async fn shard(&mut self, shard: u8) -> Result<bool, Problem> {
        let (mut from, now) = (None, self.platform.now());
        loop {
            let (keys, next) = departures::due(self.platform, shard, now, from).await?;
            for (digest, tenant_id) in keys {
                if self.deadline.is_near(self.platform) {
                    return Ok(false);
                }
                if let Err(problem) = self.departure(&digest, &tenant_id).await {
                    self.counts.faults += 1;
                    tracing::error!(target: "lethe", digest, reason = problem.reason().0.as_ref(), "left for the next run");
                }
            }
            from = next;
            if from.is_none() {
                return Ok(true);
            }
        }
    }

    async fn departure(&mut self, digest: &str, tenant_id: &str) -> Result<(), Problem> {
        let now = self.platform.now();
        let Some(departure) = departures::find(self.platform, digest, tenant_id).await? else { return Ok(()) };
        let is_due = departure.due_at.is_some_and(|due_at| due_at <= now);
        self.counts.late += u64::from(departure.is_late(now));
        match departure.stage {
            _ if !is_due => self.counts.passed_over += 1,
            Stage::Marked if departure.kept_until() <= now => self.begin(&departure).await?,
            Stage::Marked if departure.hold.is_some() && departure.must_begin_by() <= now => self.tell_of_hold(&departure, now).await?,
            Stage::Marked | Stage::Returned => self.counts.doubted += 1,
            Stage::Purging => self.send_on(&departure, now).await?,
            Stage::Purged => self.counts.passed_over += 1,
        }
        Ok(())
    }

    async fn begin(&mut self, departure: &Departure) -> Result<(), Problem> {
        match purging::begin(self.platform, departure).await? {
            Begun::Purging { departure: begun, is_torn } => {
                self.counts.begun += 1;
                if is_torn {
                    self.counts.torn += 1;
                    tracing::error!(target: "lethe", digest = departure.digest, "incident: a leaving was due whose tenant is not there");
                }
                self.send_on(&begun, self.platform.now()).await
            }
            Begun::NotDue => {
                self.counts.passed_over += 1;
                Ok(())
            }
        }
    }

    /// While such a hold stands the promise is suspended, and every day says so.
    async fn tell_of_hold(&mut self, departure: &Departure, now: i64) -> Result<(), Problem> {
        self.counts.held_too_long += 1;
        tracing::error!(target: "lethe", digest = departure.digest, "a hold stands so long that the deadline cannot be met: the promise is suspended");
        waiting::look_again(self.platform, departure, now.saturating_add(DAY).min(departure.kept_until())).await
    }

    /// Its lease ran out, or it was never taken.
    async fn send_on(&mut self, departure: &Departure, now: i64) -> Result<(), Problem> {
        let since = now.saturating_sub(departure.shredded_at.unwrap_or(now));
        self.counts.overdue += u64::from(since > i64::try_from(timeline::PURGE).unwrap_or(i64::MAX).saturating_mul(DAY));
        let wait = departure.due_at.unwrap_or(now).saturating_sub(now);
        Message::about(departure).send_in(self.platform, wait).await?;
        self.counts.sent += 1;
        Ok(())
    }
}

impl Counts {
    fn report(&self) -> Report {
        let incident = self.held_too_long + self.late + self.overdue + self.torn + self.faults > 0 || !self.finished;
        let counts = vec![
            ("begun", self.begun),
            ("sent", self.sent),
            ("doubted", self.doubted),
            ("passed-over", self.passed_over),
            ("held-too-long", self.held_too_long),
            ("late", self.late),
            ("overdue", self.overdue),
            ("torn", self.torn),
            ("faults", self.faults),
            ("finished", u64::from(self.finished)),
        ];
        Report { counts, signal: incident.then_some(Signal::PurgeIncident) }
    }
}
