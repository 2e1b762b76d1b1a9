//! What a bench has found, beside what was once reached: `recorded/<bench>.json`, by metric, and there by scene.
//!
//! A metric is what is measured, a scene where it is. Most numbers are ratios of one run, because machines differ; some are counts, because those
//! do not. Less is always better. A run is not as recorded if
//!
//! - a number is greater than the recorded one by more than the metric's margin, a share of it, as the file has it;
//! - nothing is recorded of a number;
//! - a number is recorded and was not measured, unless the bench says why this machine cannot.
//!
//! That is always said, and fails only with `--check`. `--record` writes the numbers, with the margins that the bench has now.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::asked::Asked;
use crate::targets;

mod judged;

/// Something that a bench measures.
pub struct Metric {
    /// In one word.
    pub name: &'static str,
    /// The share of the recorded number by which it may be worse.
    pub margin: f64,
    /// Why by so much.
    pub because: &'static str,
}

/// Numbers by metric and scene.
type Numbers = BTreeMap<String, BTreeMap<String, f64>>;

/// What lies in the file.
#[derive(Default, Serialize, Deserialize)]
struct Recorded(BTreeMap<String, RecordedMetric>);

#[derive(Serialize, Deserialize)]
struct RecordedMetric {
    margin: f64,
    because: String,
    ratios: BTreeMap<String, f64>,
}

/// What one run of a bench finds, from its start to its end.
pub struct Found {
    bench: &'static str,
    metrics: &'static [Metric],
    asked: Asked,
    numbers: Numbers,
    asides: Numbers,
    /// By metric, why this machine cannot measure it.
    unable: BTreeMap<&'static str, String>,
}

impl Found {
    /// Reads the command line, where this bench may have options of its own, each with a value. Ends the program if it cannot be read.
    #[must_use]
    pub fn start(bench: &'static str, metrics: &'static [Metric], own: &[&'static str]) -> Self {
        let asked = Asked::read(bench, own, std::env::args().skip(1)).unwrap_or_else(|why| refuse(&why));
        Self { bench, metrics, asked, numbers: Numbers::new(), asides: Numbers::new(), unable: BTreeMap::new() }
    }

    /// The value of one of the bench's own options, if it was given. Ends the program if it is none.
    #[must_use]
    pub fn own<T: FromStr>(&self, option: &str) -> Option<T> {
        let value = self.asked.own.get(option)?;
        Some(value.parse().unwrap_or_else(|_| refuse(&format!("{option} cannot be {value}"))))
    }

    /// Notes a ratio or a count.
    ///
    /// # Panics
    /// If the bench has not named this metric, or this is no number.
    pub fn note(&mut self, metric: &str, scene: &str, number: f64) {
        assert!(self.metrics.iter().any(|known| known.name == metric), "{} names no metric {metric}", self.bench);
        assert!(number.is_finite(), "{metric}.{scene} is {number}");
        keep(&mut self.numbers, metric, scene, number);
    }

    /// Notes what is only held against a target and never recorded, such as a time: machines differ.
    pub fn note_aside(&mut self, metric: &str, scene: &str, number: f64) {
        keep(&mut self.asides, metric, scene, number);
    }

    /// This metric cannot be measured here, or not everywhere; why.
    pub fn unable(&mut self, metric: &'static str, because: impl Display) {
        self.unable.insert(metric, because.to_string());
    }

    /// Prints every number, what was recorded of it, and what is to be reached; records it, if that is asked. Failure, if something was not as
    /// recorded and that was to be checked, or if what is recorded cannot be read or written.
    #[must_use]
    pub fn end(self) -> ExitCode {
        match self.told_and_recorded() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(why) => {
                eprintln!("{}: {why}", self.bench);
                ExitCode::FAILURE
            }
        }
    }

    /// Whether that is well.
    fn told_and_recorded(&self) -> Result<bool, String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded").join(format!("{}.json", self.bench));
        let before = Recorded::read(&file)?;
        let judged = judged::all(&before, &self.numbers, &self.unable);
        println!();
        for judged in &judged {
            println!("{} {judged}", self.bench);
        }
        for line in targets::lines(self.bench, |metric, scene| of(&self.numbers, metric, scene).or_else(|| of(&self.asides, metric, scene)))
        {
            println!("{} {line}", self.bench);
        }
        let findings = judged.iter().filter(|judged| judged.is_finding()).count();
        let bench = self.bench;
        let unmeasured = judged.iter().filter(|judged| judged.is_unmeasured()).count();
        if unmeasured > 0 {
            println!("{bench}: {unmeasured} that are recorded cannot be measured here, and are held by nobody");
        }
        if findings == 0 {
            println!("{bench}: nothing that was measured is worse than recorded");
        } else {
            println!("{bench}: {findings} not as recorded; mend it, or record it on purpose: cargo bench --bench {bench} -- --record");
        }
        if self.asked.record {
            self.recorded(before).write(&file)?;
            println!("{bench}: written to {}", file.display());
        }
        Ok(findings == 0 || !self.asked.check)
    }

    /// What is to be recorded: what was found, and what was recorded before of what cannot be measured here.
    fn recorded(&self, mut before: Recorded) -> Recorded {
        let recorded = self.metrics.iter().map(|metric| {
            let kept = before.0.remove(metric.name).filter(|_| self.unable.contains_key(metric.name));
            let mut ratios = kept.map(|kept| kept.ratios).unwrap_or_default();
            ratios.extend(self.numbers.get(metric.name).into_iter().flatten().map(|(scene, number)| (scene.clone(), *number)));
            (metric.name.to_owned(), RecordedMetric { margin: metric.margin, because: metric.because.to_owned(), ratios })
        });
        Recorded(recorded.filter(|(_, metric)| !metric.ratios.is_empty()).collect())
    }
}

impl Recorded {
    /// Nothing, if there is no such file yet.
    fn read(file: &Path) -> Result<Self, String> {
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| format!("cannot read {}: {cause}", file.display())),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(format!("cannot read {}: {cause}", file.display())),
        }
    }

    fn write(&self, file: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|cause| cause.to_string())?;
        fs::write(file, text + "\n").map_err(|cause| format!("cannot write {}: {cause}", file.display()))
    }
}

/// Five digits behind the point are more than any run repeats, and a number is compared as it is written.
fn keep(numbers: &mut Numbers, metric: &str, scene: &str, number: f64) {
    numbers.entry(metric.to_owned()).or_default().insert(scene.to_owned(), (number * 1e5).round() / 1e5);
}

fn of(numbers: &Numbers, metric: &str, scene: &str) -> Option<f64> {
    numbers.get(metric)?.get(scene).copied()
}

fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(2);
}
