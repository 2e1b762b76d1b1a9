//! Sums that do not depend on the order in which anything comes (promise A-11): counts are sets of lines, two of them make their union, and how
//! often a counter was hit is how many lines it has. So lines may come in any order, in any parts, and twice.

use std::collections::{BTreeMap, BTreeSet};

use super::day::Day;
use super::lines::Mark;
use crate::telemetry::metrics::FunctionName;

/// What is counted: on this day a tenant of this app has used this function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counter {
    pub(super) day: Day,
    /// By its slug.
    pub(super) app: &'static str,
    pub(super) function: FunctionName,
    /// The tenant, as the log has it on that day.
    pub(super) mark: Mark,
}

/// Which lines each counter was hit by. The same under every order and every grouping of what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts<'l>(BTreeMap<Counter, BTreeSet<&'l str>>);

impl<'l> Counts<'l> {
    /// A counter was hit by one line, of this id.
    fn of(counter: Counter, line: &'l str) -> Self {
        Self(BTreeMap::from([(counter, BTreeSet::from([line]))]))
    }

    /// Both together.
    fn and(mut self, other: Self) -> Self {
        for (counter, lines) in other.0 {
            self.0.entry(counter).or_default().extend(lines);
        }
        self
    }

    /// Each counter, in an order of its own, with the ids of its lines.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Counter, &BTreeSet<&'l str>)> {
        self.0.iter().map(|(counter, lines)| (*counter, lines))
    }
}

/// Each counter that was hit, with the id of the line that did.
impl<'l> FromIterator<(Counter, &'l str)> for Counts<'l> {
    fn from_iter<I: IntoIterator<Item = (Counter, &'l str)>>(hits: I) -> Self {
        hits.into_iter().map(|(counter, line)| Self::of(counter, line)).fold(Self::default(), Self::and)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One of a few days, functions and tenants.
    pub(in super::super) fn counter() -> impl Strategy<Value = Counter> {
        (0..3_i64, 0..4_usize, 0..6_u8).prop_map(|(day, function, tenant)| Counter {
            day: Day::of(1_795_305_600 + day * 86_400).unwrap(),
            app: "test-management",
            function: FunctionName::of(FunctionName::ALL[function]).unwrap(),
            mark: Mark::read(&hex::encode([tenant; 16])).unwrap(),
        })
    }

    /// Lines, each with its id.
    fn hits() -> impl Strategy<Value = Vec<(Counter, String)>> {
        proptest::collection::vec(counter(), 0..60)
            .prop_map(|hits| hits.into_iter().enumerate().map(|(at, counter)| (counter, at.to_string())).collect())
    }

    fn counts(hits: &[(Counter, String)]) -> Counts<'_> {
        hits.iter().map(|(counter, line)| (*counter, line.as_str())).collect()
    }

    proptest! {
        /// Promise A-11.
        #[test]
        fn neither_order_nor_split_nor_repetition_changes_a_sum(hits in hits(), shuffled in any::<u64>(), cuts in any::<[prop::sample::Index; 3]>()) {
            let whole = counts(&hits);
            let mut other = [hits.clone(), hits.iter().take(7).cloned().collect()].concat();
            other.sort_by_key(|(_, line)| line.parse::<u64>().unwrap().wrapping_mul(shuffled | 1));
            let mut cuts = cuts.map(|cut| cut.index(other.len() + 1));
            cuts.sort_unstable();
            let parts = [&other[..cuts[0]], &other[cuts[0]..cuts[1]], &other[cuts[1]..cuts[2]], &other[cuts[2]..]].map(counts);
            let [a, b, c, d] = parts;
            prop_assert_eq!(&a.clone().and(b.clone()).and(c.clone()).and(d.clone()), &whole);
            prop_assert_eq!(&d.and(c.and(b.and(a))), &whole);
            prop_assert_eq!(&whole.clone().and(Counts::default()), &whole);
        }

        #[test]
        fn every_line_is_in_the_sum(hits in hits()) {
            prop_assert_eq!(counts(&hits).iter().map(|(_, lines)| lines.len()).sum::<usize>(), hits.len());
        }
    }
}
