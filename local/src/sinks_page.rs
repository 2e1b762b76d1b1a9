//! `docs/SINKS.md`, made of the register of sinks that the code runs on, so that the page cannot say anything else. A test compares the two.

use std::fmt::Write as _;

use shared::records::retention::LONGEST_SINK;
use shared::telemetry::budget::Counted;
use shared::telemetry::sink::{Kept, Names, Purpose, REGISTER, Sink};

use crate::retention_page::{class, table};

/// The page.
#[must_use]
pub fn sinks_page() -> String {
    [introduction(), rows(), fields(), leaving(), budgets()].join("\n")
}

fn introduction() -> String {
    "# Sinks and processors\n\n\
     Who gets anything of ours, what for, and exactly what. This page is printed by `cargo run -p local -- sinks` from the register that the code \
     itself uses; tests compare it with the register, and the register with what is sent. A sink that is not configured is `off`: nothing of its \
     kind leaves, and the log says so when a function starts.\n"
        .to_owned()
}

fn rows() -> String {
    let row = |sink: &Sink| {
        [
            sink.name.to_owned(),
            sink.gets.to_owned(),
            purpose(sink.purpose).to_owned(),
            class(sink.class),
            names(sink.names).to_owned(),
            kept(sink.kept),
            sink.region.to_owned(),
            sink.configured.to_owned(),
        ]
    };
    let head = ["Who", "Gets", "What for", "Class", "Can name", "Days kept there", "Where", "Switched on by"];
    let longest = LONGEST_SINK.as_secs() / 86_400;
    format!(
        "## Who\n\n{}\nWhat can name a customer is kept for {longest} days at most, because earlier deletion takes no longer. Days are set there, by \
         hand ([OPERATIONS](OPERATIONS.md)): no sink lets us set them with what we send.\n",
        table(head, REGISTER.iter().map(row))
    )
}

fn fields() -> String {
    let mut text = "## Exactly what\n\nAll members of what is sent. There are no others, no map among them, and no text of a browser's that was not scrubbed.\n\n".to_owned();
    for sink in REGISTER {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "### {}\n\n{}\n", sink.name, sink.beyond);
        if !sink.fields.is_empty() {
            let _ = writeln!(text, "```\n{}\n```\n", sink.fields.join("\n"));
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn leaving() -> String {
    "## How it leaves\n\n\
     What leaves is put into a queue as it will leave, and `telemetry-forwarder`, which knows no tenant and has no right on any key or table, takes it \
     to its sink: at least once, and more than once where an answer was lost. What a sink does not take now is tried again, 30 seconds later and then \
     after twice as long each time, up to a quarter of an hour; a sink that asks for more time gets it. After 12 times or a day, or when a sink \
     refuses it, it is given up: the dead letter says why, and nothing of what it held. What failed five times for a reason of ours lies there as it \
     came.\n\n\
     Our calls carry no `User-Agent`, no address but ours, and nothing of the browser's request.\n"
        .to_owned()
}

fn budgets() -> String {
    let (views, errors) = (Counted::PageViews.per_minute(), Counted::BrowserErrors.per_minute());
    format!(
        "## How much may come\n\n\
         A tenant may send {views} page views and {errors} errors a minute to one environment of a function; more is answered 429 and not read. \
         Environments do not know of each other, so altogether it may be ten times that, as many as `template.yaml` lets run at once. This bounds \
         what a page that fails in a loop, or a stolen page token, costs; it is no exact number.\n\n\
         Of an envelope of Sentry's SDK at most one event is kept: SDKs send one.\n"
    )
}

const fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Improvement => "to improve the product, and nothing else",
        Purpose::Operation => "to see that it is well",
        Purpose::Foundation => "without it there is no product",
    }
}

pub(crate) const fn names(names: Names) -> &'static str {
    match names {
        Names::Nobody => "nobody",
        Names::Organisation => "a customer as an organisation, no person",
        Names::Sealed => "whom users wrote of, sealed under their own keys",
        Names::ItsOwnUsers => "its own users, to itself",
    }
}

fn kept(kept: Kept) -> String {
    match kept {
        Kept::Days(days) => days.to_string(),
        Kept::AsRetention => "as [RETENTION](RETENTION.md) says".to_owned(),
        Kept::Nothing => "nothing is kept".to_owned(),
    }
}
