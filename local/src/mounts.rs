//! Which code runs behind which function: the two lists that a new function is added to here, by how it is called. Each is the very value that
//! its Lambda runs.

use axum::Router;
use futures::future::BoxFuture;
use shared::platform::Platform;
use shared::platform::invocation::Invocation;
use shared::platform::log_lines::LogLines;
use shared::platform::queue::{BatchAnswer, QueueEvent};
use shared::platform::schedule::{Deadline, Report};
use shared::problem::Problem;

/// A function's name and its routes.
pub type Mount = (&'static str, fn(Platform) -> Router);

/// Every HTTP function.
pub const MOUNTS: &[Mount] = &[
    ("account", account::routes),
    ("attachments", attachments::routes),
    ("browser-errors", browser_errors::routes),
    ("certificates", certificates::routes),
    ("configuration", configuration::routes),
    ("descriptor", descriptor::routes),
    ("disabled", disabled::routes),
    ("enabled", enabled::routes),
    ("erasure", erasure::routes),
    ("installed", installed::routes),
    ("issue-copies-read", issue_copies_read::routes),
    ("page", page::routes),
    ("page-views", page_views::routes),
    ("uninstalled", uninstalled::routes),
    ("usage-report", usage_report::routes),
    ("webhooks", webhooks::routes),
];

/// What a function does that nobody calls over HTTP.
#[derive(Clone, Copy)]
pub enum Work {
    /// It handles the messages of a queue.
    Queue(fn(Platform, QueueEvent) -> BoxFuture<'static, BatchAnswer>),
    /// It runs by a schedule.
    Schedule(fn(Platform, Deadline) -> BoxFuture<'static, Result<Report, Problem>>),
    /// Log groups send it their lines.
    Logs(fn(Platform, LogLines) -> BoxFuture<'static, Result<Report, Problem>>),
    /// A person invokes it by hand.
    Invoked(fn(Platform, Invocation) -> BoxFuture<'static, Result<Report, Problem>>),
}

/// Every function that a queue, a schedule, a log or a person starts.
pub const WORKERS: &[(&str, Work)] = &[
    ("attachment-reconcile", Work::Schedule(|platform, deadline| Box::pin(attachment_reconcile::handle(platform, deadline)))),
    ("attachment-seal", Work::Queue(|platform, event| Box::pin(attachment_seal::handle(platform, event)))),
    ("dormant", Work::Schedule(|platform, deadline| Box::pin(dormant::handle(platform, deadline)))),
    ("doubtful", Work::Schedule(|platform, deadline| Box::pin(doubtful::handle(platform, deadline)))),
    ("issue-copies", Work::Queue(|platform, event| Box::pin(issue_copies::handle(platform, event)))),
    ("issue-copies-sweep", Work::Schedule(|platform, deadline| Box::pin(issue_copies_sweep::handle(platform, deadline)))),
    ("purge", Work::Schedule(|platform, deadline| Box::pin(purge::handle(platform, deadline)))),
    ("purge-worker", Work::Queue(|platform, event| Box::pin(purge_worker::handle(platform, event)))),
    ("restore-filter", Work::Invoked(|platform, invocation| Box::pin(restore_filter::handle(platform, invocation)))),
    ("telemetry-forwarder", Work::Queue(|platform, event| Box::pin(telemetry_forwarder::handle(platform, event)))),
    ("usage", Work::Logs(|platform, lines| Box::pin(usage::handle(platform, lines)))),
    ("usage-salts", Work::Schedule(|platform, deadline| Box::pin(usage_salts::handle(platform, deadline)))),
];
