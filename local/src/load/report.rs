//! What came of the load, as a table of Markdown; and what of it must not be.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Load;
use super::aftermath::Aftermath;
use super::host::Ending;
use super::memory::Memory;
use super::tally::Tally;

/// All of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) load: Load,
    /// From the first webhook to the last answer.
    pub(super) sent_for: Duration,
    pub(super) tally: Tally,
    pub(super) memory: Memory,
    pub(super) aftermath: Aftermath,
    /// What the host has logged.
    pub(super) log: BTreeMap<Ending, u64>,
}

impl Report {
    /// What is wrong, each in a sentence; nothing, if all is well.
    pub(super) fn violations(&self) -> Vec<String> {
        let Self { tally, memory, aftermath, .. } = self;
        let counts = [
            (tally.unanswered.values().sum(), "attempts had no answer"),
            (tally.refused.values().sum(), "answers were neither 200, 204, nor 429 or 503 that say when to come again"),
            (tally.given_up, "webhooks were never taken"),
            (aftermath.left_over, "messages are still in the queue"),
            (aftermath.lost(), "events are lost"),
            (aftermath.wrong.len() as u64, "issues are not kept as they were last"),
        ];
        let counted = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let idle = (aftermath.taken == 0).then(|| "nothing was taken".to_owned());
        let grown = (!memory.is_flat()).then(|| "memory grows".to_owned());
        counted.chain(idle).chain(grown).chain(aftermath.wrong.first().cloned()).collect()
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let Self { load, sent_for, tally, memory, aftermath, .. } = self;
        let [begin, soon, end] = [0, 10, u64::MAX].map(|second| megabytes(memory.after(Duration::from_secs(second))));
        let growth = memory.growth().map_or_else(|| "too short to say".to_owned(), |growth| format!("{growth:.2} times"));
        vec![
            ("connections, issues", format!("{}, {}", load.connections, load.issues)),
            ("sent for", seconds(*sent_for)),
            ("events sent", aftermath.sent.to_string()),
            ("events taken", aftermath.taken.to_string()),
            ("requests, of which repeated", format!("{}, {}", tally.answers(), tally.sent_again)),
            ("requests per second", format!("{:.0}", rate(tally.answers(), *sent_for))),
            ("latency: p50, p99", format!("{:.0} ms, {:.0} ms", tally.percentile(50), tally.percentile(99))),
            ("statuses", listed(&tally.statuses)),
            ("of them in error", listed(&tally.refused)),
            ("without an answer", listed(&tally.unanswered)),
            ("connections opened again", tally.opened_again.to_string()),
            ("memory at the beginning, after 10 s, at the end", format!("{begin}, {soon}, {end}")),
            ("memory at its peak", megabytes(memory.peak)),
            ("memory of the host's own: last quarter against second", growth),
            ("waiting in the queue at the end", memory.samples.last().map_or(0, |sample| sample.waiting).to_string()),
            ("the queue was empty after", seconds(aftermath.drained_for)),
            ("still in the queue", aftermath.left_over.to_string()),
            ("handled again, and counted once", self.handled_again().to_string()),
            ("events counted", aftermath.counted.to_string()),
            ("events lost", aftermath.lost().to_string()),
            ("issues not as they were last", aftermath.wrong.len().to_string()),
        ]
    }

    /// How many messages told of an event that had counted before.
    fn handled_again(&self) -> u64 {
        self.log.iter().filter(|(ending, _)| ending.reason == "seen before").map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "| What | How much |\n|---|---|")?;
        for (what, how_much) in self.rows() {
            writeln!(out, "| {what} | {how_much} |")?;
        }
        writeln!(out, "\n| Function | Logged | Reason | How often |\n|---|---|---|---|")?;
        for (Ending { function, outcome, reason }, count) in &self.log {
            writeln!(out, "| {function} | {outcome} | {reason} | {count} |")?;
        }
        Ok(())
    }
}

fn listed<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let listed: Vec<String> = counts.iter().map(|(key, count)| format!("{key}: {count}")).collect();
    if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }
}

fn megabytes(kib: u64) -> String {
    format!("{} MiB", kib / 1024)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "2^52 requests are enough")]
fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::super::memory::Sample;
    use super::super::tally::Answered;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    type Fault = fn(&mut Report);

    fn report() -> Report {
        let mut tally = Tally::default();
        tally.count(&Answered::Later(503, 5 * SECOND), SECOND);
        tally.count(&Answered::Taken(204), SECOND);
        let samples = (0..60).map(|second| Sample { at: second * SECOND, rss: 100_000, taken: 0, waiting: 0 }).collect();
        Report {
            load: Load { connections: 1, seconds: 1, issues: 1 },
            sent_for: 2 * SECOND,
            tally,
            memory: Memory { samples, peak: 100_000 },
            aftermath: Aftermath { sent: 1, taken: 1, drained_for: SECOND, left_over: 0, counted: 1, wrong: Vec::new() },
            log: BTreeMap::new(),
        }
    }

    #[test]
    fn what_was_put_off_and_taken_then_is_well() {
        assert_eq!(report().violations(), [""; 0]);
        assert!(report().to_string().contains("| statuses | 204: 1, 503: 1 |"));
    }

    #[test]
    fn whatever_must_not_be_is_said() {
        let faults: [(&str, Fault); 8] = [
            ("1 attempts had no answer", |report| report.tally.count(&Answered::Nothing("reset".to_owned()), SECOND)),
            ("1 answers were neither", |report| report.tally.count(&Answered::Refused(503), SECOND)),
            ("1 webhooks were never taken", |report| report.tally.given_up += 1),
            ("1 messages are still in the queue", |report| report.aftermath.left_over += 1),
            ("1 events are lost", |report| report.aftermath.counted = 0),
            ("1 issues are not kept", |report| report.aftermath.wrong.push("of issue 1".to_owned())),
            ("nothing was taken", |report| (report.aftermath.taken, report.aftermath.counted) = (0, 0)),
            ("memory grows", |report| report.memory.samples.iter_mut().skip(30).for_each(|sample| sample.rss *= 2)),
        ];
        for (said, fault) in faults {
            let mut report = report();
            fault(&mut report);
            assert!(report.violations().iter().any(|violation| violation.starts_with(said)), "{said}: {:?}", report.violations());
        }
    }
}
