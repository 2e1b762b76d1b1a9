//! What lies in the buckets, held against the records: what a fault, a browser that was closed or a tenant that left have forgotten there. Run
//! once a day; what is younger than a day is left alone, because it may still be on its way.
//!
//! - [`incoming`]: what arrived, or half arrived, and was never sealed goes. - [`sealed`]: objects that no record tells of go, and records that
//!   have no object are told. - [`position`]: where the next run goes on.
//!
//! Whatever it does twice, or two do at once, is done once. A fault costs what it struck: the next run finds it again. Only records decide, and
//! only those of active tenants: what a tenant leaves is the purge's business. A record without an object is an incident, because a backup may
//! hold the object; one whose tenant has no object at all any more is found by whoever reads it, since without a scan nothing leads to it.

mod incoming;
mod position;
mod sealed;

use aws_sdk_s3::primitives::DateTime;

use crate::platform::Platform;
use crate::platform::schedule::{Deadline, Report};
use crate::platform::signal::Signal;
use crate::problem::Problem;

/// How old something must be that is removed, in seconds: no upload and no sealing takes so long.
pub const AGE: i64 = 24 * 60 * 60;

/// One run, and what it did.
struct Run<'p> {
    platform: &'p Platform,
    deadline: Deadline,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    /// Objects of the incoming bucket that were removed.
    arrivals_removed: u64,
    /// Of these, how many their uploaders believed to be on their way into an attachment.
    arrivals_lost: u64,
    /// Multipart uploads that were aborted, in both buckets.
    multiparts_aborted: u64,
    /// Sealed objects that no record told of, and that were removed.
    objects_removed: u64,
    /// Records whose object is not there.
    records_without_object: u64,
    /// Tenants who have fewer records than were counted: their objects are left alone.
    tenants_lacking_records: u64,
    /// Tenants whose objects were held against their records.
    tenants_reconciled: u64,
    /// Digests whose tenant is not active.
    tenants_passed_over: u64,
    /// What lies in the sealed bucket under no name of ours; it is left alone.
    strangers: u64,
    /// Things that a fault left for the next run.
    faults: u64,
    /// Whether all was reached.
    finished: bool,
}

/// Holds what lies in the buckets against the records, until all is done or the deadline is near.
///
/// # Errors
/// 503 if a bucket cannot be listed, or the position not be kept: what was done stays done.
pub async fn reconcile(platform: &Platform, deadline: Deadline) -> Result<Report, Problem> {
    let mut run = Run { platform, deadline, counts: Counts::default() };
    run.arrivals().await?;
    run.incoming_multiparts().await?;
    run.sealed_multiparts().await?;
    run.tenants().await?;
    Ok(run.counts.report())
}

impl Run<'_> {
    fn is_late(&self) -> bool {
        self.deadline.is_near(self.platform)
    }

    /// Counts what was done, or that it was not.
    fn count(&mut self, done: Result<(), Problem>, counter: fn(&mut Counts) -> &mut u64) {
        match done {
            Ok(()) => *counter(&mut self.counts) += 1,
            Err(problem) => {
                self.counts.faults += 1;
                tracing::warn!(target: "lethe", reason = problem.reason().0.as_ref(), "left for the next run");
            }
        }
    }
}

/// Whether something is old enough to be removed; what does not say how old it is, is not.
fn is_of_age(since: Option<&DateTime>, now: i64) -> bool {
    since.is_some_and(|since| since.secs().saturating_add(AGE) <= now)
}

impl Counts {
    fn report(&self) -> Report {
        let incident = self.arrivals_lost + self.records_without_object + self.tenants_lacking_records + self.strangers > 0;
        let counts = vec![
            ("arrivals-removed", self.arrivals_removed),
            ("arrivals-lost", self.arrivals_lost),
            ("multiparts-aborted", self.multiparts_aborted),
            ("objects-removed", self.objects_removed),
            ("records-without-object", self.records_without_object),
            ("tenants-lacking-records", self.tenants_lacking_records),
            ("tenants-reconciled", self.tenants_reconciled),
            ("tenants-passed-over", self.tenants_passed_over),
            ("strangers", self.strangers),
            ("faults", self.faults),
            ("finished", u64::from(self.finished)),
        ];
        Report { counts, signal: incident.then_some(Signal::Incident) }
    }
}
