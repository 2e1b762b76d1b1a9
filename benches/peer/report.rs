//! What is measured, and a table of it for each scene.

use benches::{Found, Metric, median};

/// How much worse each may be.
pub(crate) const METRICS: [Metric; 11] = [
    Metric {
        name: "calls",
        margin: 0.02,
        because: "a count: only the minute after which a cache asks again falls differently from run to run",
    },
    Metric { name: "cpu", margin: 0.35, because: "both sides share two cores and their caches with whatever else runs" },
    Metric { name: "dynamodb", margin: 0.02, because: "a count of Lethe's own calls in a request; as calls" },
    Metric { name: "kms", margin: 0.02, because: "a count of Lethe's own calls in a request; as calls" },
    Metric { name: "memory", margin: 0.60, because: "Node's collector decides when it gives memory back: 123 to 175 MiB from run to run" },
    Metric {
        name: "p50",
        margin: 1.00,
        because: "the sender, AWS and both sides share two cores; under a load of ten it doubled from run to run",
    },
    Metric { name: "p99", margin: 2.00, because: "as p50, and a hundredth of the answers is what other processes disturb most" },
    Metric { name: "peak", margin: 0.25, because: "Node's collector decides when it collects" },
    Metric { name: "rate", margin: 1.00, because: "as p50, of which it is the other side" },
    Metric {
        name: "start",
        margin: 1.50,
        because: "a start of ours is a few milliseconds, in which one other process that gets the core is much",
    },
    Metric { name: "verification", margin: 0.30, because: "microseconds of CPU, on a core whose caches others use too" },
];

/// What was measured of both, round by round.
pub(crate) struct Row {
    /// One of [`METRICS`].
    pub(crate) metric: &'static str,
    pub(crate) words: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) ace: Vec<f64>,
    pub(crate) lethe: Vec<f64>,
}

/// Which of two numbers is the better one.
#[derive(Clone, Copy)]
pub(crate) enum Better {
    Less,
    More,
}

/// Where it was measured.
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) words: String,
}

impl Scene {
    pub(crate) fn of(name: &str, words: &str) -> Self {
        Self { name: name.to_owned(), words: words.to_owned() }
    }
}

impl Row {
    /// Lethe's share of the peer's, of what is better if there is less of it; the other way round where more is better. Less is always better.
    fn ratio(&self) -> f64 {
        let ratio = |(ace, lethe): (&f64, &f64)| match self.better {
            Better::Less => lethe / ace,
            Better::More => ace / lethe,
        };
        median(self.ace.iter().zip(&self.lethe).map(ratio)).unwrap()
    }
}

/// Prints a scene, and notes its ratios.
pub(crate) fn tell(found: &mut Found, scene: &Scene, rows: &[Row]) {
    println!("\n{:<34}{:>14}{:>14}{:>12}", scene.words, "ACE", "Lethe", "ratio");
    for row in rows {
        let shown = |values: &[f64]| format!("{} {:<3}", digits(median(values.iter().copied()).unwrap()), row.unit);
        println!("  {:<32}{:>14}{:>14}{:>12}", row.words, shown(&row.ace), shown(&row.lethe), share(row.ratio()));
        found.note(row.metric, &scene.name, row.ratio());
    }
}

/// With as many digits as tell something.
fn digits(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

fn share(ratio: f64) -> String {
    if ratio < 1.0 { format!("1/{:.1}", 1.0 / ratio) } else { format!("{ratio:.2}") }
}
