//! Small things that every call does, against the least that they could cost: verifying a token and its query string hash against the HMAC alone,
//! sealing and opening a cell against AES-256-GCM alone, and a record's writing and reading against the bare item of the same size.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a program for a person at a terminal")]

mod cell;
mod record;
mod token;

use std::process::ExitCode;

use benches::{Found, Metric, Pair, Times};

const METRICS: [Metric; 1] = [Metric {
    name: "cpu",
    margin: 0.5,
    because: "microseconds of CPU, on a core whose caches others use too, against a limit that fits into the smallest of them",
}];

/// How often both are done in turn.
const ROUNDS: usize = 21;

/// What is done so quickly that it is to be done more often, or the clock would not show it.
const LIMIT_IS_QUICKER: u32 = 10;

fn main() -> ExitCode {
    let mut found = Found::start("micro", &METRICS, &[]);
    token::all(&mut found);
    cell::all(&mut found);
    record::all(&mut found);
    found.end()
}

/// What is told of two ways that were measured in turn.
struct Told {
    scene: &'static str,
    what: &'static str,
    limit_is: &'static str,
}

impl Told {
    /// Prints it, and notes the ratio.
    fn note(&self, found: &mut Found, pair: Pair) {
        let micros = |took: std::time::Duration| took.as_secs_f64() * 1e6;
        let (ours, limit, ratio) = (micros(pair.ours), micros(pair.limit), pair.ratio());
        println!("{}: {ours:.2} µs; {}: {limit:.2} µs; ratio {ratio:.2}", self.what, self.limit_is);
        found.note("cpu", self.scene, ratio);
    }
}

/// Measures both, ours so many times a round.
fn compare(found: &mut Found, told: &Told, times: u32, ours: impl FnMut(), limit: impl FnMut()) {
    told.note(found, benches::compare(ROUNDS, Times(times, ours), Times(times * LIMIT_IS_QUICKER, limit)));
}
