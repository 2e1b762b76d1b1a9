//! Which code runs behind which function: the two lists that a new function is added to here, by how it is called. Each is the very value that
//! its Lambda runs.

use axum::Router;
use futures::future::BoxFuture;
use shared::platform::Platform;
use shared::platform::queue::{BatchAnswer, QueueEvent};
use shared::platform::schedule::{Deadline, Report};
use shared::problem::Problem;

/// A function's name and its routes.
pub type Mount = (&'static str, fn(Platform) -> Router);

/// Every HTTP function.
pub const MOUNTS: &[Mount] = &[
    ("account", account::routes),
    ("attachments", attachments::routes),
    ("configuration", configuration::routes),
    ("descriptor", descriptor::routes),
    ("disabled", disabled::routes),
    ("enabled", enabled::routes),
    ("installed", installed::routes),
    ("page", page::routes),
    ("uninstalled", uninstalled::routes),
];

/// What a function does that nobody calls over HTTP.
#[derive(Clone, Copy)]
pub enum Work {
    /// It handles the messages of a queue.
    Queue(fn(Platform, QueueEvent) -> BoxFuture<'static, BatchAnswer>),
    /// It runs by a schedule.
    Schedule(fn(Platform, Deadline) -> BoxFuture<'static, Result<Report, Problem>>),
}

/// Every function that a queue or a schedule starts.
pub const WORKERS: &[(&str, Work)] = &[
    ("attachment-reconcile", Work::Schedule(|platform, deadline| Box::pin(attachment_reconcile::handle(platform, deadline)))),
    ("attachment-seal", Work::Queue(|platform, event| Box::pin(attachment_seal::handle(platform, event)))),
];
