//! Measuring two ways of doing the same in one run, turn and turn about, so that what else the machine does strikes both.

#![expect(clippy::unwrap_used, reason = "what cannot start cannot be measured")]

use std::time::Duration;

pub use world::World;

use shared::platform::clock::{Clock as _, SystemClock};

mod world;

/// Medians of both.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Of what is measured.
    pub ours: Duration,
    /// Of what it is measured against.
    pub limit: Duration,
}

impl Pair {
    /// How many times as long ours takes.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.ours.as_secs_f64() / self.limit.as_secs_f64()
    }
}

/// How long `work` takes.
pub fn time(clock: &SystemClock, work: impl FnOnce()) -> Duration {
    let began = clock.now();
    work();
    clock.now().since(began)
}

/// Does both in turn, `rounds` times.
pub fn compare(rounds: usize, mut ours: impl FnMut(), mut limit: impl FnMut()) -> Pair {
    let clock = SystemClock::start();
    let mut taken = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        taken.0.push(time(&clock, &mut ours));
        taken.1.push(time(&clock, &mut limit));
    }
    Pair { ours: median(taken.0), limit: median(taken.1) }
}

fn median(mut taken: Vec<Duration>) -> Duration {
    taken.sort();
    taken.get(taken.len() / 2).copied().unwrap_or_default()
}

/// The most memory that this process ever had, in MiB; Linux tells.
#[must_use]
pub fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
