//! The log: one JSON line an event on standard output, from where Lambda takes it.
//!
//! Ours at `info`, everybody else's at `warn`: the SDK's and hyper's finer levels may quote requests. A panic is told by its place alone,
//! because its message may quote what it failed on.

use std::panic::PanicHookInfo;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The log as a subscriber that writes to `writer`; tests read there what Lambda would.
pub fn subscriber<W>(writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_writer(writer);
    tracing_subscriber::registry().with(Targets::new().with_default(Level::WARN).with_target("lethe", Level::INFO)).with(lines)
}

/// Starts the log of this process.
pub fn start() {
    // A second start (tests, the local host) keeps the first one.
    subscriber(std::io::stdout).try_init().ok();
    std::panic::set_hook(Box::new(tell_panic));
}

/// Tells a panic by its place alone.
pub fn tell_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(target: "lethe", place, "panicked");
}
