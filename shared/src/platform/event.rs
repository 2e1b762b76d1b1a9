//! The one event that the log has of a call, a message or a run: begun when it comes in, told when it has ended, alike by all doors.
//!
//! Whatever else is said in between carries the same function, region and namespace of metrics, by the span that the work is done in.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Level, Span};

use super::Platform;
use super::call::ForTenant;
use super::clock::{self, Moment};
use super::signal::Signal;
use crate::problem::Problem;

/// A call, a message or a run from its beginning on.
pub(super) struct Begun<'p> {
    platform: &'p Platform,
    at: Moment,
    /// How often keys had been unwrapped when the last line was told.
    unwrapped: AtomicU64,
    /// How many are told of what is done once.
    shared_by: u32,
    span: Span,
}

/// How it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As it should.
    Well,
    /// It was refused, and that is the caller's business.
    Refused,
    /// So that somebody of ours should look.
    Badly,
}

/// What is told of the end, in one line.
#[derive(Default)]
pub(super) struct Ended<'e> {
    /// What follows from what became of it.
    pub(super) outcome: Option<&'static str>,
    /// Why.
    pub(super) reason: Option<&'e str>,
    /// Of what it is a signal.
    pub(super) signal: Option<Signal>,
    /// What was done, and how often.
    pub(super) counts: Option<String>,
    /// As the caller has it, where it came by HTTP.
    pub(super) method: Option<&'e str>,
    /// The template of its path: neither path nor query is told, both may hold what customers wrote.
    pub(super) route: Option<&'e str>,
    /// What was answered.
    pub(super) status: Option<u16>,
    /// For whom it was, if that was proved.
    pub(super) tenant: Option<&'e ForTenant>,
}

impl<'p> Begun<'p> {
    pub(super) fn now(platform: &'p Platform, function: &'static str) -> Self {
        let (region, namespace) = (platform.config().region.as_str(), platform.config().metrics_namespace.as_str());
        Self {
            platform,
            at: platform.clock().now(),
            unwrapped: AtomicU64::new(platform.wrapping_key().unwrapped()),
            shared_by: 1,
            span: tracing::info_span!(target: "lethe", "call", function, region, namespace),
        }
    }

    /// The same for messages that are worked on together: each is told with its part of the time, so that all parts are about the whole. What
    /// is done for single ones after that, as burying them, is shared too.
    pub(super) fn shared_by(self, messages: usize) -> Self {
        Self { shared_by: u32::try_from(messages).unwrap_or(u32::MAX).max(1), ..self }
    }

    /// What the work is done in.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Tells of a message or a run that failed and comes again.
    pub(super) fn fail(&self, problem: &Problem) {
        let (reason, signal) = (problem.reason().0, problem.signal());
        self.end("failed", End::Badly, &Ended { outcome: Some("again"), reason: Some(&reason), signal, ..Ended::default() });
    }

    /// Tells of it. `message` is one of the log's own.
    pub(super) fn end(&self, message: &'static str, end: End, ended: &Ended<'_>) {
        let _entered = self.span.enter();
        let Ended { outcome, reason, counts, method, route, status, tenant, .. } = ended;
        let (counts, signal, succeeded) = (counts.as_deref(), ended.signal.map(Signal::name), end == End::Well);
        let key = self.platform.wrapping_key();
        // What one line has told, no other tells again.
        let unwrapped = key.unwrapped_since(self.unwrapped.swap(key.unwrapped(), Ordering::Relaxed));
        let now = self.platform.clock().now();
        let at_millis = now.epoch_millis();
        let day = || clock::rfc3339(now.epoch_seconds()).chars().take(10).collect::<String>();
        let (app, tenant) = tenant.map(|tenant| (tenant.app, (tenant.mark)(&day()))).unzip();
        let tenant = tenant.as_deref();
        let duration_nanos = u64::try_from((now.since(self.at) / self.shared_by).as_nanos()).unwrap_or(u64::MAX);
        macro_rules! tell {
            ($level:expr) => {
                tracing::event!(
                    target: "lethe", $level, message, at_millis, duration_nanos, succeeded, method, route, status, outcome, reason, signal,
                    counts, app, tenant, unwrapped
                )
            };
        }
        if end == End::Badly { tell!(Level::ERROR) } else { tell!(Level::INFO) }
    }
}
