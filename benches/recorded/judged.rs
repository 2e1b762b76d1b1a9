//! How each number stands to what was recorded of it.

use std::collections::BTreeMap;
use std::fmt;

use super::{Numbers, Recorded};

/// A number that was measured, or recorded, or both.
#[derive(Debug)]
pub(super) struct Judged {
    name: String,
    verdict: Verdict,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    /// It is at most what it may be.
    Holds { measured: f64, recorded: f64, most: f64 },
    /// It is more.
    Worse { measured: f64, recorded: f64, most: f64 },
    /// Nothing is recorded of it.
    New { measured: f64 },
    /// It was not measured; why not, where this machine cannot.
    Missing { recorded: f64, unable: Option<String> },
}

impl Judged {
    /// Whether somebody must look at it.
    pub(super) fn is_finding(&self) -> bool {
        !matches!(self.verdict, Verdict::Holds { .. } | Verdict::Missing { unable: Some(_), .. })
    }

    /// Whether it was recorded, and this machine cannot tell.
    pub(super) const fn is_unmeasured(&self) -> bool {
        matches!(self.verdict, Verdict::Missing { unable: Some(_), .. })
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ratio {} ", self.name)?;
        match &self.verdict {
            Verdict::Holds { measured, recorded, most } => write!(out, "{measured} (recorded {recorded}, at most {most:.5})"),
            Verdict::Worse { measured, recorded, most } => write!(out, "{measured} (recorded {recorded}, at most {most:.5}): worse"),
            Verdict::New { measured } => write!(out, "{measured}: not recorded yet"),
            Verdict::Missing { recorded, unable: Some(why) } => write!(out, "cannot be measured (recorded {recorded}): {why}"),
            Verdict::Missing { recorded, unable: None } => write!(out, "was not measured (recorded {recorded}), though it can be"),
        }
    }
}

/// All of them, by name.
pub(super) fn all(recorded: &Recorded, numbers: &Numbers, unable: &BTreeMap<&'static str, String>) -> Vec<Judged> {
    let mut verdicts = BTreeMap::new();
    for (metric, scenes) in numbers {
        for (scene, measured) in scenes {
            verdicts.insert(format!("{metric}.{scene}"), Verdict::New { measured: *measured });
        }
    }
    for (metric, kept) in &recorded.0 {
        for (scene, recorded) in &kept.ratios {
            let (recorded, most) = (*recorded, recorded * (1.0 + kept.margin));
            let verdict = match super::of(numbers, metric, scene) {
                Some(measured) if measured <= most => Verdict::Holds { measured, recorded, most },
                Some(measured) => Verdict::Worse { measured, recorded, most },
                None => Verdict::Missing { recorded, unable: unable.get(metric.as_str()).cloned() },
            };
            verdicts.insert(format!("{metric}.{scene}"), verdict);
        }
    }
    verdicts.into_iter().map(|(name, verdict)| Judged { name, verdict }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Numbers, Recorded, RecordedMetric};

    /// `cpu.read` is recorded as 2, half of which it may be worse.
    fn judged(numbers: &[(&str, &str, f64)], unable: &[(&'static str, &str)]) -> Vec<(String, bool)> {
        let metric = RecordedMetric { margin: 0.5, because: "a test".to_owned(), ratios: BTreeMap::from([("read".to_owned(), 2.0)]) };
        let recorded = Recorded(BTreeMap::from([("cpu".to_owned(), metric)]));
        let mut found = Numbers::new();
        for (metric, scene, number) in numbers {
            super::super::keep(&mut found, metric, scene, *number);
        }
        let unable = unable.iter().map(|(metric, why)| (*metric, (*why).to_owned())).collect();
        super::all(&recorded, &found, &unable).iter().map(|judged| (judged.to_string(), judged.is_finding())).collect()
    }

    #[test]
    fn up_to_its_margin_a_number_holds() {
        assert_eq!(judged(&[("cpu", "read", 3.0)], &[]), [("ratio cpu.read 3 (recorded 2, at most 3.00000)".to_owned(), false)]);
        assert_eq!(judged(&[("cpu", "read", 0.1)], &[]), [("ratio cpu.read 0.1 (recorded 2, at most 3.00000)".to_owned(), false)]);
    }

    #[test]
    fn beyond_its_margin_a_number_is_a_finding() {
        assert_eq!(
            judged(&[("cpu", "read", 3.00001)], &[]),
            [("ratio cpu.read 3.00001 (recorded 2, at most 3.00000): worse".to_owned(), true)]
        );
    }

    #[test]
    fn what_is_not_recorded_is_a_finding() {
        let judged = judged(&[("cpu", "read", 2.0), ("cpu", "write", 1.0)], &[]);
        assert_eq!(judged[1], ("ratio cpu.write 1: not recorded yet".to_owned(), true));
    }

    #[test]
    fn what_was_not_measured_is_a_finding_unless_it_cannot_be() {
        assert_eq!(judged(&[], &[]), [("ratio cpu.read was not measured (recorded 2), though it can be".to_owned(), true)]);
        assert_eq!(
            judged(&[], &[("cpu", "there is no clock")]),
            [("ratio cpu.read cannot be measured (recorded 2): there is no clock".to_owned(), false)]
        );
    }
}
