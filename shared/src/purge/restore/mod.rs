//! Makes restored tables and a restored bucket safe before they are used (promises A-48, E-34, E-35): a backup remembers tenants that were purged
//! since, and does not know who left or returned. What is true now stands in the departures, which are never restored backwards: it is always
//! the live table that is asked.
//!
//! - [`event`]: what was restored. - [`named`]: a tenant as its table names it. - [`fate`]: the rules, as pure functions. - [`tenants`]: who
//!   stays. - [`keys`], [`records`], [`objects`]: what is theirs stays with them, everything else goes. - [`settings`]: what AWS does not
//!   restore. - [`scan`]: how a table is read whole.
//!
//! A run mends, switches on what protects a table, and checks: the check is a second walk, with fresh reads, that changes nothing. Only a check
//! that finds nothing ends the work. Keys go first, so a run that is cut off leaves nothing readable that it has begun to remove. Every write is
//! conditional, and right however often it is done: after a fault or the deadline, the next run begins anew and finds less to do.

mod event;
mod fate;
mod keys;
mod named;
mod objects;
mod records;
mod scan;
mod settings;
mod tenants;

use std::collections::BTreeSet;

pub use event::Restored;

use crate::platform::Platform;
use crate::platform::schedule::{Deadline, Report};
use crate::platform::signal::Signal;
use crate::problem::Problem;

/// Goes over everything that was restored, until a check finds nothing more or the deadline is near.
///
/// # Errors
/// 503 if AWS is away, 500 if an item is damaged that says who stays: what was done stays done.
pub async fn filter(platform: &Platform, deadline: Deadline, restored: Restored) -> Result<Report, Problem> {
    restored.check(platform.config())?;
    let mut run = Run { platform, deadline, restored: &restored, pass: Pass::Mend, counts: Counts::default() };
    // What is to go is gone before a table is backed up again, and what expires is dated right before TTL looks at it.
    if run.walk().await? && run.settings().await? {
        run.pass = Pass::Check;
        let reached_all = run.walk().await? && run.settings().await?;
        run.counts.finished = reached_all && run.counts.found_unsafe == 0;
    }
    Ok(run.counts.report())
}

/// What a walk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// It changes what is not as it must be.
    Mend,
    /// It counts that.
    Check,
}

/// One run, and what it did.
struct Run<'r> {
    platform: &'r Platform,
    deadline: Deadline,
    restored: &'r Restored,
    pass: Pass,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    /// Tenants that stay, as the last walk found them.
    kept: u64,
    /// Tenants who had left after the backup, or stay away longer or shorter than it knows.
    left_again: BTreeSet<String>,
    /// Tenants who had returned after the backup.
    returned_again: BTreeSet<String>,
    /// Tenants of whom anything was removed.
    gone: BTreeSet<String>,
    keys_deleted: u64,
    records_deleted: u64,
    /// Versions and delete markers, each by itself.
    objects_deleted: u64,
    /// Settings of tables and buckets that were switched on.
    switched_on: u64,
    /// Tenants who had left by no departure; each has one now.
    incidents: u64,
    /// Tenants that stay and whose keys are not in the restored table.
    lacking_keys: u64,
    /// Whatever the check would have changed.
    found_unsafe: u64,
    /// Changes that failed and are left to the next run.
    faults: u64,
    /// Whether a check reached all and found nothing.
    finished: bool,
}

impl Run<'_> {
    /// Over everything once, keys first. Whether all was reached and nothing failed: else it ends behind the part that did.
    async fn walk(&mut self) -> Result<bool, Problem> {
        let Some((mut kept, changes)) = self.tenants().await? else { return Ok(false) };
        self.counts.kept = kept.len() as u64;
        Ok(self.keys(&mut kept).await? && self.apply(changes).await && self.records(&kept).await? && self.objects(&kept).await?)
    }

    /// Whether nothing new should be begun: the time is over.
    fn is_late(&self) -> bool {
        self.deadline.is_near(self.platform)
    }

    /// Whether something that is not as it must be is only to be counted.
    fn only_checks(&mut self) -> bool {
        let checks = self.pass == Pass::Check;
        self.counts.found_unsafe += u64::from(checks);
        checks
    }

    /// Whether a change was made; counts it if it failed.
    fn is_done(&mut self, done: Result<(), Problem>) -> bool {
        if let Err(problem) = &done {
            self.counts.faults += 1;
            tracing::warn!(target: "lethe", reason = problem.reason().0.as_ref(), "left for the next run");
        }
        done.is_ok()
    }

    /// Whether what comes next may begin: nothing failed so far, and there is time.
    fn may_go_on(&self) -> bool {
        self.counts.faults == 0 && !self.is_late()
    }
}

impl Counts {
    fn report(&self) -> Report {
        let incident = self.incidents + self.lacking_keys + self.found_unsafe > 0;
        let counts = vec![
            ("tenants-kept", self.kept),
            ("left-again", self.left_again.len() as u64),
            ("returned-again", self.returned_again.len() as u64),
            ("gone", self.gone.len() as u64),
            ("keys-deleted", self.keys_deleted),
            ("records-deleted", self.records_deleted),
            ("objects-deleted", self.objects_deleted),
            ("switched-on", self.switched_on),
            ("incidents", self.incidents),
            ("lacking-keys", self.lacking_keys),
            ("unsafe", self.found_unsafe),
            ("faults", self.faults),
            ("finished", u64::from(self.finished)),
        ];
        Report { counts, signal: incident.then_some(Signal::Incident) }
    }
}
