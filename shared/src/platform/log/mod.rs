//! The log: one JSON line an event on standard output, from where Lambda takes it, in the field names of the Elastic Common Schema.
//!
//! A line is a [`Line`](line::Line), which has a place for what may be told and none for anything else: a field that is on no list is dropped,
//! and so is a text that is not of its field's form. Ours are told at `info`; everybody else's at `warn`, and of those only who spoke and from
//! where, because the SDK and hyper may quote requests. A panic is told by its place alone, because its message may quote what it failed on.
//!
//! What a line counts stands in it too, in CloudWatch's embedded metric format: alarms need no filter on any log group.

mod fields;
mod line;

use std::io::Write as _;
use std::panic::PanicHookInfo;

use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::clock::{Clock as _, SystemClock};
use fields::Told;
use line::Line;

pub use fields::{FIELDS, Form, MESSAGES};

/// Under which target we speak.
const OURS: &str = "lethe";

/// The log as a subscriber that writes to `writer`; tests read there what Lambda would.
pub fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = Lines { writer, clock: SystemClock::start() };
    tracing_subscriber::registry().with(Targets::new().with_default(Level::WARN).with_target(OURS, Level::INFO)).with(lines)
}

/// Starts the log of this process.
pub fn start() {
    // A second start (tests, the local host) keeps the first one.
    subscriber(std::io::stdout).try_init().ok();
    std::panic::set_hook(Box::new(tell_panic));
}

/// Tells a panic by its place alone.
pub fn tell_panic(panic: &PanicHookInfo<'_>) {
    let (file, line) = panic.location().map(|place| (place.file(), place.line())).unzip();
    tracing::error!(target: "lethe", file, line, "panicked");
}

/// Writes a line for each event.
struct Lines<W> {
    writer: W,
    /// Dates what is told outside of a call's own event, which knows its platform's clock.
    clock: SystemClock,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    /// What all lines of one call have in common.
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id).filter(|span| is_ours(span.metadata())) {
            let mut whose = Told::default();
            attributes.record(&mut whose);
            span.extensions_mut().insert(whose);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let (metadata, mut told) = (event.metadata(), Told::default());
        let mut spans = context.event_scope(event).into_iter().flatten();
        let whose = spans.find_map(|span| span.extensions().get::<Told>().cloned()).unwrap_or_default();
        let now = || self.clock.now().epoch_millis();
        let line = if is_ours(metadata) {
            event.record(&mut told);
            let at_millis = told.number("at_millis").and_then(|at| i64::try_from(at).ok()).unwrap_or_else(now);
            Line::ours(*metadata.level(), at_millis, &told, &whose)
        } else {
            Line::anothers(metadata, now(), &whose)
        };
        // There is nobody to tell of a line that cannot be written.
        if let Ok(mut line) = serde_json::to_vec(&line) {
            line.push(b'\n');
            self.writer.make_writer_for(metadata).write_all(&line).ok();
        }
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == OURS
}

#[cfg(test)]
mod tests;
