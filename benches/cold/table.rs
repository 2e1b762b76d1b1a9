//! The table: medians in their units, and how each stands to the least that there can be and to ACE.

use std::time::Duration;

use benches::median;

use crate::emulator::Start;
use crate::kernel::Counts;
use crate::subject::{HELLO, NODE, Subject};

/// What was found of one subject: medians over its starts, and counts of one.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) init: Duration,
    pub(crate) answer: Duration,
    pub(crate) on_processor: Option<Duration>,
    memory_kib: Option<u64>,
    read_bytes: Option<u64>,
    /// What an answer costs on a processor once it is warm.
    pub(crate) warm: Option<Duration>,
    pub(crate) counts: Counts,
}

impl Row {
    pub(crate) fn new(subject: &Subject, starts: &[Start], warm: Vec<Duration>, counts: Counts) -> Self {
        Self {
            name: subject.name,
            init: median(starts.iter().map(|start| start.init)).unwrap_or_default(),
            answer: median(starts.iter().map(|start| start.answer)).unwrap_or_default(),
            on_processor: median(starts.iter().filter_map(|start| start.on_processor)),
            memory_kib: median(starts.iter().filter_map(|start| start.memory_kib)),
            read_bytes: median(starts.iter().filter_map(|start| start.read_bytes)),
            warm: median(warm),
            counts,
        }
    }
}

/// The row of this name; none for ACE where it is left out.
pub(crate) fn of<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.name == name)
}

/// How many times as long `one` takes.
pub(crate) fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Everything, for a person.
pub(crate) fn print(rows: &[Row], starts: usize) {
    println!("\nmedians of {starts} starts in turn; counts of one start below strace; medians of what an answer costs once warm\n");
    println!(
        "{:<14} {:>9} {:>9} {:>9} {:>8} {:>9} {:>9} {:>9} {:>7} {:>7} {:>9}",
        "", "init", "answer", "cpu", "memory", "read", "binary", "zip", "calls", "files", "warm cpu"
    );
    for row in rows {
        println!(
            "{:<14} {:>9} {:>9} {:>9} {:>8} {:>9} {:>9} {:>9} {:>7} {:>7} {:>9}",
            row.name,
            millis(Some(row.init)),
            millis(Some(row.answer)),
            millis(row.on_processor),
            mebibytes(row.memory_kib.map(|kib| kib * 1024)),
            mebibytes(row.read_bytes),
            mebibytes(Some(row.counts.bytes)),
            mebibytes(row.counts.zipped),
            text(row.counts.system_calls),
            text(row.counts.opened.as_ref().map(Vec::len)),
            row.warm.map_or_else(|| "?".to_owned(), |warm| format!("{:.3} ms", warm.as_secs_f64() * 1e3)),
        );
    }
    println!();
    for base in [HELLO, NODE] {
        let Some(base) = of(rows, base) else { continue };
        for row in rows.iter().filter(|row| row.name != HELLO && row.name != base.name && row.name != NODE) {
            let (init, answer) = (ratio(row.init, base.init), ratio(row.answer, base.answer));
            println!("{} against {}: init {init:.3}, first answer {answer:.3} (1/{:.1})", row.name, base.name, answer.recip());
            if let Some(warm) = row.warm.zip(base.warm).map(|(one, other)| ratio(one, other)) {
                println!("{} against {}: CPU of a warm answer {warm:.3} (1/{:.1})", row.name, base.name, warm.recip());
            }
        }
    }
    println!();
    for row in rows.iter().filter(|row| row.name != NODE) {
        println!("{} opens: {}", row.name, row.counts.opened.as_ref().map_or_else(|| "?".to_owned(), |files| shortened(files)));
    }
}

/// A long list by its ends.
fn shortened(files: &[String]) -> String {
    match files {
        [first @ .., _, _] if files.len() > 24 => {
            format!("{}, … {} in all", first.iter().take(20).cloned().collect::<Vec<_>>().join(" "), files.len())
        }
        _ => files.join(" "),
    }
}

fn millis(took: Option<Duration>) -> String {
    took.map_or_else(|| "?".to_owned(), |took| format!("{:.1} ms", took.as_secs_f64() * 1e3))
}

#[expect(clippy::cast_precision_loss, reason = "for a person, with two digits")]
fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{:.2} MB", bytes as f64 / 1e6))
}

fn text(count: Option<impl ToString>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| count.to_string())
}
