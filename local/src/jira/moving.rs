//! The clock as the small Jira moves it: schedules, queues and TTL of the functions, and Jira's own webhooks that are sent again, each when it
//! is due.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use shared::platform::clock::Clock;

use super::SiteFault;
use super::issues::doings::IssueDoings;
use crate::clock::MovableClock;
use crate::host::LocalHost;
use crate::time_passing::{Passed, PassingFault};

/// How long a webhook that is due waits at most while the clock goes by itself.
const RETRIED_EVERY: Duration = Duration::from_secs(1);

/// Why the clock does not get there.
#[derive(Debug, thiserror::Error)]
pub(super) enum MovingFault {
    /// The functions' time does not pass.
    #[error(transparent)]
    Passing(#[from] PassingFault),
    /// The sites cannot be kept.
    #[error(transparent)]
    Site(#[from] SiteFault),
}

/// Moves the clock to `until`, in epoch seconds, and lets all happen that happens meanwhile.
pub(super) async fn move_to(until: i64, clock: &MovableClock, host: &LocalHost, issues: &IssueDoings) -> Result<Passed, MovingFault> {
    let mut passed = Passed::default();
    loop {
        let stop = issues.next_retry().map_or(until, |due| due.min(until));
        add(&mut passed, host.pass(stop, clock).await?);
        // What the app is told now it may put into a queue, so that there is more to do at this very time.
        if issues.retry().await?.is_empty() && clock.now().epoch_seconds() >= until {
            return Ok(passed);
        }
    }
}

/// Sends webhooks again, as the clock goes by itself.
pub(crate) async fn work(issues: Arc<IssueDoings>) -> io::Result<()> {
    loop {
        tokio::time::sleep(RETRIED_EVERY).await;
        issues.retry().await.map_err(io::Error::other)?;
    }
}

fn add(passed: &mut Passed, more: Passed) {
    passed.items += more.items;
    passed.objects += more.objects;
    for (all, more) in [(&mut passed.runs, more.runs), (&mut passed.messages, more.messages)] {
        for (function, count) in more {
            let all = all.entry(function).or_default();
            all.done += count.done;
            all.failed += count.failed;
        }
    }
}
