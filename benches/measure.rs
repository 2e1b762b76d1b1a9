//! How fast Lethe is, beside the least that it could cost and beside what a vendor would use instead.
//!
//! Each bench measures two ways of doing the same in one run, so that what else the machine does strikes both: ratios count, times do not. Where there
//! are rounds, both take turns; `purging` and `sealing` take too long for that, and do each once.
//!
//! | bench | measures | against |
//! |---|---|---|
//! | `cold` | release binaries from their spawning to the first answer, and warm; what they weigh, and what they ask of the kernel | a bare Lambda in Rust, ACE on Lambda |
//! | `growth` | calls, bytes and time of operations among 10,000 tenants and 100,000 records, and of a purge | the same with one |
//! | `frames` | sealing and opening frames of 1 MiB | AES-256-GCM alone |
//! | `micro` | verifying a token, sealing and opening a cell, writing and reading a record | HMAC, AES-256-GCM, the bare item |
//! | `peer` | functions that answer: CPU, rate, latency, calls to AWS, memory, start; verifying a token | ACE as a server |
//! | `purging` | purging a large tenant | deletes of known names |
//! | `sealing` | a large file into the sealed bucket | a plain copy |
//! | `telemetry` | an authenticated read with its event of the log | the same with nobody listening |
//!
//! ACE is atlassian-connect-express in Node, in the folder `ace`. Each bench says in its own file what it needs.
//!
//! ```text
//! cargo bench                             # all of them: what was measured, every ratio, what was to be reached
//! cargo bench -- --check                  # and fails if a ratio or a count is worse than recorded, by more than its margin
//! cargo bench -- --record                 # and writes what was reached
//! cargo bench --bench micro -- --check    # only this one
//! ```
//!
//! What was reached lies in `recorded/<bench>.json` ([`Found`] says how it is compared), what is to be reached in `targets.rs`. Cargo ends with
//! the first bench that fails; with `--no-fail-fast` before the `--` it goes on.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what cannot start cannot be measured; a person reads it"
)]

use std::cmp::Ordering;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

pub use ace::Ace;
pub use recorded::{Found, Metric};
pub use tenant_keys::tenant_keys;
pub use world::{APP, World, settings};

mod ace;
mod asked;
pub mod linux;
mod recorded;
mod targets;
mod tenant_keys;
mod world;

/// How long two ways of doing the same take: medians.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Of what is measured.
    pub ours: Duration,
    /// Of what it is measured against.
    pub limit: Duration,
}

impl Pair {
    /// Of what was measured in rounds.
    #[must_use]
    pub fn of_rounds(ours: Vec<Duration>, limit: Vec<Duration>) -> Self {
        Self { ours: median(ours).unwrap_or_default(), limit: median(limit).unwrap_or_default() }
    }

    /// How many times as long ours takes.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.ours.as_secs_f64() / self.limit.as_secs_f64()
    }
}

/// Work, and how often a round does it: often enough that the clock shows it. What it works with goes through `black_box`, where the compiler
/// might see that nothing comes of it.
pub struct Times<F: FnMut()>(pub u32, pub F);

impl<F: FnMut()> Times<F> {
    /// How long it takes once.
    fn round(&mut self) -> Duration {
        let began = cpu();
        for _ in 0..self.0 {
            (self.1)();
        }
        (cpu() - began) / self.0
    }
}

/// Does both in turn, in so many rounds. What is counted is the CPU of this thread, so both must do their work in it.
pub fn compare(rounds: usize, mut ours: Times<impl FnMut()>, mut limit: Times<impl FnMut()>) -> Pair {
    let (our_rounds, limit_rounds) = (0..rounds).map(|_| (ours.round(), limit.round())).unzip();
    Pair::of_rounds(our_rounds, limit_rounds)
}

/// How long this thread has been on a processor, where Linux tells: what else the machine does is not in it. Elsewhere [`elapsed`].
#[must_use]
pub fn cpu() -> Duration {
    linux::cpu_of_this_thread().unwrap_or_else(elapsed)
}

/// How long it is since this was first asked. Finer than `SystemClock`, whose ages are never short: it rounds to the wall clock's milliseconds.
#[expect(clippy::disallowed_methods, reason = "it is what is measured here, and nothing is decided by it")]
#[must_use]
pub fn elapsed() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// The middle one, or the upper one of the two in the middle; none of none.
pub fn median<T: PartialOrd>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(Ordering::Equal));
    let middle = values.len() / 2;
    values.into_iter().nth(middle)
}

/// How large something is to be: what this variable says, or `otherwise` if it says nothing.
///
/// # Panics
/// If it says what is no number.
#[expect(clippy::disallowed_methods, reason = "a program for a person at a terminal")]
#[must_use]
pub fn size(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |said| said.parse().unwrap_or_else(|_| panic!("{variable} must be a number")))
}

/// The most memory that this process ever had, in MiB; Linux tells.
#[must_use]
pub fn peak_mib() -> Option<u64> {
    Some(linux::Process::own().peak_kib()? / 1024)
}
