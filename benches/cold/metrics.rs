//! What is recorded of the rows. Times are compared as ratios within one run, because machines differ; counts and weights as they are, because
//! they do not.

use benches::{Found, Metric};

use crate::subject::{HELLO, NODE};
use crate::table::{Row, of, ratio};

/// Scenes are binaries.
pub(crate) const METRICS: [Metric; 6] = [
    Metric {
        name: "answer",
        margin: 1.0,
        because: "times ACE's, by the clock on the wall; a start of ours is a few milliseconds, in which another process that gets the core is much",
    },
    Metric { name: "calls", margin: 0.1, because: "a count of system calls: a thread more or a read in two halves" },
    Metric { name: "cpu", margin: 0.4, because: "times hello's; a few milliseconds of CPU, on a core whose caches others use too" },
    Metric { name: "files", margin: 0.0, because: "a count: none is opened by chance" },
    Metric { name: "warm", margin: 0.3, because: "times ACE's; CPU of thousands of answers, on a core whose caches others use too" },
    Metric { name: "zip", margin: 0.03, because: "bytes: another version of the compiler or of a library makes another binary" },
];

/// Notes what was found, and what no tool here can tell.
pub(crate) fn note(rows: &[Row], found: &mut Found) {
    let hello = of(rows, HELLO);
    for row in rows.iter().filter(|row| row.name != NODE) {
        let mut note = |metric: &'static str, number: Option<f64>, otherwise: &str| match number {
            Some(number) => found.note(metric, row.name, number),
            None => found.unable(metric, otherwise),
        };
        if row.name != HELLO {
            note("cpu", hello.and_then(|hello| Some(ratio(row.on_processor?, hello.on_processor?))), "only Linux tells");
            note("answer", of(rows, NODE).map(|node| ratio(row.answer, node.answer)), "ACE is left out");
        }
        if row.name == "account" {
            let warm = of(rows, NODE).and_then(|node| Some(ratio(row.warm?, node.warm?)));
            note("warm", warm, "ACE is left out, or this is not Linux");
        }
        note("zip", row.counts.zipped.map(count), "there is no zip here");
        note("calls", row.counts.system_calls.map(count), "there is no strace here");
        note("files", row.counts.opened.as_ref().map(|files| count(files.len() as u64)), "there is no strace here");
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(count: u64) -> f64 {
    count as f64
}
