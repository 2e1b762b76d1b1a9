//! The worker: deletes what is left of a tenant whose keys are gone, slice by slice, verifies twice that nothing is left, certifies, and ends the
//! purge. Whatever fails or comes twice, the departure says where to go on.
//!
//! - [`lease`]: one worker at a time, and what it writes down. - [`step`]: what is deleted in which order. - [`records`], [`objects`], [`uploads`]:
//!   one slice of each. - [`certify`]: the proof.
//!
//! A slice is written down before it is deleted: its count and the name that it ends with move in one conditional update. So a crash neither
//! counts twice nor forgets: whoever goes on deletes everything up to that name, uncounted, and begins the next slice behind it.

mod certify;
mod lease;
mod objects;
mod records;
pub(crate) mod step;
mod uploads;

use crate::platform::Platform;
use crate::platform::queue::{DeadLetter, Handled};
use crate::platform::schedule::Deadline;
use crate::platform::signal::Signal;
use crate::problem::Problem;
use crate::purge::certificate;
use crate::purge::message::Message;
use crate::tenant::departure::{Departure, Stage};
use crate::tenant::departures;
use crate::tenant::moves::purging::{self, IN_FLIGHT};
use lease::Leased;
use step::{Cursor, Step};

/// Goes on with the purge that a message is about, until it is done or the deadline is near.
///
/// # Errors
/// 503 if AWS is away, 500 if something is damaged: what was done stays done, and the message comes again.
pub async fn go_on(platform: &Platform, body: &str, deadline: Deadline) -> Result<Handled, Problem> {
    let Ok(message) = serde_json::from_str::<Message>(body) else {
        return Ok(Handled::Dead(DeadLetter { reason: "not a message of the purge", about: [].into() }));
    };
    let Some(departure) = departures::find(platform, &message.digest, &message.tenant_id).await? else {
        return Ok(Handled::Dead(DeadLetter { reason: "no such departure", about: [].into() }));
    };
    if departure.stage != Stage::Purging {
        return Ok(Handled::Done("not purging"));
    }
    let now = platform.now();
    if departure.is_late(now) {
        tracing::error!(target: "lethe", digest = departure.digest, signal = Signal::PurgeIncident.name(), "a purge is late");
    }
    let begins = departure.shredded_at.unwrap_or(now).saturating_add(IN_FLIGHT);
    if now < begins {
        message.send_in(platform, begins.saturating_sub(now)).await?;
        return Ok(Handled::Done("waits for writers"));
    }
    if deadline.is_near(platform) {
        message.send_in(platform, 0).await?;
        return Ok(Handled::Done("sent on"));
    }
    let Some(leased) = Leased::take(platform, departure).await? else { return Ok(Handled::Done("another's")) };
    let mut work = Work { platform, leased, deadline, before: i64::MIN };
    match work.run().await {
        Ok(outcome) => Ok(Handled::Done(outcome)),
        Err(problem) => {
            // So that the message, when it comes again, finds it free. If this fails too, the lease runs out by itself.
            work.leased.give_back(platform, platform.now()).await.ok();
            Err(problem)
        }
    }
}

/// A purge at work.
struct Work<'p> {
    platform: &'p Platform,
    leased: Leased,
    deadline: Deadline,
    /// Only what is older than this, in epoch seconds, is the tenant's where it lies under the digest alone.
    before: i64,
}

impl Work<'_> {
    async fn run(&mut self) -> Result<&'static str, Problem> {
        self.before = self.ours_before().await?;
        let now = self.platform.now();
        if let [verified] = *self.leased.departure.purge.verified.as_slice() {
            let again_at = verified.saturating_add(certificate::BETWEEN_VERIFICATIONS);
            if now < again_at {
                self.leased.give_back(self.platform, again_at).await?;
                return Ok("waits for the second verification");
            }
        }
        if !self.delete().await? {
            self.leased.give_back(self.platform, self.platform.now()).await?;
            Message::about(&self.leased.departure).send_in(self.platform, 0).await?;
            return Ok("sent on");
        }
        if !self.is_empty().await? {
            let (digest, signal) = (&self.leased.departure.digest, Signal::PurgeIncident.name());
            tracing::error!(target: "lethe", digest, signal, "incident: something was left after a purge, which starts over");
            self.leased.start_over(self.platform).await?;
            Message::about(&self.leased.departure).send_in(self.platform, 0).await?;
            return Ok("started over");
        }
        self.leased.verified(self.platform).await?;
        if let [first, .., second] = *self.leased.departure.purge.verified.as_slice() {
            certify::finish(self.platform, &self.leased, [first, second]).await?;
            return Ok("purged");
        }
        let again_at = self.platform.now().saturating_add(certificate::BETWEEN_VERIFICATIONS);
        self.leased.give_back(self.platform, again_at).await?;
        Ok("verified once")
    }

    /// Deletes slice by slice; whether all is deleted.
    async fn delete(&mut self) -> Result<bool, Problem> {
        let mut cursor = Cursor::read(self.leased.departure.purge.cursor.as_deref())?;
        if let Cursor::At { step, up_to: Some(up_to) } = &cursor {
            // What the worker before us had written down and perhaps not deleted.
            self.delete_up_to(*step, up_to).await?;
        }
        while let Cursor::At { step, up_to } = cursor {
            if self.deadline.is_near(self.platform) {
                return Ok(false);
            }
            let slice = self.slice(step, up_to.as_deref()).await?;
            cursor = match slice.last() {
                Some(last) => Cursor::At { step, up_to: Some(last.to_owned()) },
                None => step.next().map_or(Cursor::Verify, |step| Cursor::At { step, up_to: None }),
            };
            if !slice.is_empty() || cursor == Cursor::Verify {
                self.leased.write(self.platform, &cursor, step.name(), slice.len()).await?;
            }
            slice.delete(self.platform).await?;
        }
        Ok(true)
    }

    /// Whether nothing of the tenant is found any more, its keys included.
    async fn is_empty(&self) -> Result<bool, Problem> {
        for step in Step::all() {
            if !self.slice(step, None).await?.is_empty() {
                return Ok(false);
            }
        }
        let Departure { digest, tenant_id, .. } = &self.leased.departure;
        if purging::owner_of_keys(self.platform, digest).await?.as_ref() == Some(tenant_id) {
            return Err(Problem::unavailable("incident: keys of a tenant are back that were deleted").raising(Signal::PurgeIncident));
        }
        Ok(true)
    }

    async fn delete_up_to(&self, step: Step, up_to: &str) -> Result<(), Problem> {
        loop {
            let slice = self.slice(step, None).await?.up_to(up_to);
            if slice.is_empty() {
                return Ok(());
            }
            slice.delete(self.platform).await?;
        }
    }

    /// The next things of a step behind `after`.
    async fn slice(&self, step: Step, after: Option<&str>) -> Result<step::Slice, Problem> {
        let departure = &self.leased.departure;
        match step {
            Step::IncomingUploads => uploads::incoming(self.platform, departure, self.before, after).await,
            Step::SealedUploads => uploads::sealed(self.platform, departure, after).await,
            Step::IncomingObjects => objects::incoming(self.platform, departure, self.before, after).await,
            Step::SealedVersions => objects::sealed(self.platform, departure, after).await,
            Step::Records(row) => records::slice(self.platform, departure, row, after).await,
        }
    }

    /// The moment before which whatever lies under the digest alone is this tenant's: its keys were deleted before any other life began, and if none has,
    /// one may while this run is at work.
    async fn ours_before(&self) -> Result<i64, Problem> {
        let Departure { digest, tenant_id, shredded_at, .. } = &self.leased.departure;
        let now = self.platform.now();
        let owner = purging::owner(self.platform, digest).await?;
        Ok(shredded_at.filter(|_| owner.is_some_and(|owner| owner != *tenant_id)).unwrap_or(now))
    }
}
