//! How cost grows: from one tenant to ten thousand, of whom as many are at work as the functions hold keys of, and from one record of a tenant
//! to a hundred thousand. What an operation asks of AWS, in calls and in bytes, must be the same at every size, and a purge must cost the same
//! calls for every record: where not, a line says so and the exit code is 1, with or without `--check`. Times are printed, and how they grow; on the
//! embedded AWS they hold the growth of its SQLite too.
//!
//! `LETHE_TENANTS` and `LETHE_RECORDS` say how large: 10,000 and 100,000 if they say nothing. A million records take ten times as long. Another
//! size is held to be flat all the same, and not compared with what was recorded.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person at a terminal")]

mod memory;
mod purge;
mod records;
mod scales;
mod scene;
mod table;
mod tenants;

use std::process::ExitCode;

use benches::{Found, Metric, size};

/// Scenes are what there is more and more of, and what is done.
const METRICS: [Metric; 4] = [
    Metric { name: "bytes", margin: 0.0, because: "a count of what is sent to AWS and taken from it, where all names are of one length" },
    Metric { name: "calls", margin: 0.0, because: "a count" },
    Metric { name: "slope", margin: 1.0, because: "by the clock on the wall, and SQLite's own growth is in it" },
    Metric { name: "purge", margin: 0.01, because: "a count of calls for each further record; the last page is not full" },
];

const TENANTS: usize = 10_000;
const RECORDS: usize = 100_000;
/// For two sizes at least.
const LEAST: usize = 100;

fn asked(variable: &str, otherwise: usize) -> usize {
    let asked = usize::try_from(size(variable, otherwise as u64)).unwrap();
    assert!(asked >= LEAST, "{variable} is at least {LEAST}: of one size nothing can be told");
    asked
}

/// 1, and so many times as many each time, as long as it is no more than the largest.
fn sizes(largest: usize, factor: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), move |size| Some(size * factor)).take_while(move |size| *size <= largest)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut found = Found::start("growth", &METRICS, &[]);
    let (tenants, records) = (asked("LETHE_TENANTS", TENANTS), asked("LETHE_RECORDS", RECORDS));
    let tables = [tenants::measure(tenants).await, records::measure(records).await];
    let mut is_flat = true;
    for table in &tables {
        is_flat &= table.tell();
    }
    // Of fewer, the beginning and the end of a purge would show.
    let purged = purge::measure(records.max(RECORDS)).await;
    if (tenants, records) == (TENANTS, RECORDS) {
        tables.iter().for_each(|table| table.note(&mut found));
        found.note("purge", "records", purged.each);
    } else {
        METRICS.iter().for_each(|metric| found.unable(metric.name, "LETHE_TENANTS or LETHE_RECORDS says another size"));
    }
    let as_recorded = found.end();
    if is_flat && purged.is_linear { as_recorded } else { ExitCode::FAILURE }
}
