//! What was found: that what is asked of AWS is the same at every size, and how time grows.

use std::time::Duration;

use benches::{Found, median};
use local::aws::Service;

use crate::scales::Weight;
use crate::scene::Sample;

/// One operation.
struct Row {
    what: &'static str,
    /// What it asked of AWS the first time that it was done.
    first: Weight,
    /// The median of its times, by size.
    times: Vec<(usize, Duration)>,
}

/// All operations over one thing that there is more and more of.
pub(crate) struct Table {
    of: &'static str,
    rows: Vec<Row>,
    grown: Vec<String>,
}

impl Table {
    pub(crate) const fn of(of: &'static str) -> Self {
        Self { of, rows: Vec::new(), grown: Vec::new() }
    }

    /// Takes in what an operation cost, each time, among so many.
    pub(crate) fn add(&mut self, what: &'static str, size: usize, samples: &[Sample]) {
        let Some(first) = samples.first() else { return };
        if !self.rows.iter().any(|row| row.what == what) {
            self.rows.push(Row { what, first: first.weight.clone(), times: Vec::new() });
        }
        let Some(row) = self.rows.iter_mut().find(|row| row.what == what) else { return };
        row.times.push((size, median(samples.iter().map(|sample| sample.time)).unwrap_or_default()));
        if let Some(other) = samples.iter().find(|sample| sample.weight != row.first) {
            self.grown.push(format!("GREW: {what}, among {size} {}: {}; at first: {}", self.of, other.weight, row.first));
        }
    }

    /// One operation is to ask of AWS what another one does.
    pub(crate) fn same_as(&mut self, what: &'static str, other: &str) {
        let Some(first) = self.rows.iter().find(|row| row.what == other).map(|row| row.first.clone()) else { return };
        if !self.rows.iter().any(|row| row.what == what) {
            self.rows.push(Row { what, first, times: Vec::new() });
        }
    }

    /// Notes what each operation asks at every size, and how its time grows.
    pub(crate) fn note(&self, found: &mut Found) {
        for Row { what, first, times } in &self.rows {
            let scene = format!("{}: {what}", self.of);
            found.note("calls", &scene, first.calls.values().sum::<usize>() as f64);
            found.note("bytes", &scene, (first.sent + first.received) as f64);
            if let Some(growth) = growth(times) {
                found.note("slope", &scene, growth);
            }
        }
    }

    /// Prints all, and says whether nothing grew.
    pub(crate) fn tell(&self) -> bool {
        println!("\nAmong more and more {}, an operation asks of AWS at every size, and takes:\n", self.of);
        for Row { what, first, times } in &self.rows {
            let (dynamodb, kms, bytes) = (first.count(Service::DynamoDb), first.count(Service::Kms), first.sent + first.received);
            println!("{what}: DynamoDB {dynamodb}, KMS {kms}, {bytes} bytes");
            let each: Vec<String> = times.iter().map(|(size, time)| format!("{} µs among {size}", time.as_micros())).collect();
            println!("    {}{}", each.join(", "), slope(times).map(|slope| format!("; {slope}")).unwrap_or_default());
        }
        if self.grown.is_empty() {
            println!("\nIn calls and bytes nothing grew.\n");
        }
        self.grown.iter().for_each(|line| println!("{line}"));
        self.grown.is_empty()
    }
}

/// How many times as long it takes at the largest size as at the smallest, in all and for each time that there is ten times as much.
pub(crate) fn slope(times: &[(usize, Duration)]) -> Option<String> {
    let [(smallest, _), .., (largest, _)] = times else { return None };
    let all = growth(times)?;
    let tenfolds = (*largest as f64 / *smallest as f64).log10();
    Some(format!("{all:.2} times from {smallest} to {largest}, {:.3} times a tenfold", all.powf(tenfolds.recip())))
}

fn growth(times: &[(usize, Duration)]) -> Option<f64> {
    let [(_, quickest), .., (_, slowest)] = times else { return None };
    Some(slowest.as_secs_f64() / quickest.as_secs_f64())
}
