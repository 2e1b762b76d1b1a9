//! A delivery in parts, each of one day and no larger than a transaction. The same lines always make the same parts, and each part has a name of its
//! own: so that a part that comes again is known, whatever became of the others.

use std::collections::BTreeSet;

use aws_lc_rs::digest;

use super::counters::{Counter, Counts};
use super::day::Day;
use crate::telemetry::metrics::FunctionName;

/// Counters in a part: DynamoDB takes 100 writes in one transaction, and two of them are not counters.
pub(super) const MOST_COUNTERS: usize = 98;

/// Some counters of one day, and how often each was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) day: Day,
    /// Its name: 64 hexadecimal digits, a digest of which lines it counts and of nothing that they say of a tenant.
    pub(super) name: String,
    pub(super) counters: Vec<(Counter, u64)>,
}

impl Part {
    /// How many calls it counts.
    pub(super) fn calls(&self) -> u64 {
        self.counters.iter().map(|(_, calls)| calls).sum()
    }
}

struct Begun {
    day: Day,
    name: digest::Context,
    counters: Vec<(Counter, u64)>,
}

impl Begun {
    fn of(day: Day) -> Self {
        Self { day, name: digest::Context::new(&digest::SHA256), counters: Vec::new() }
    }

    fn takes(&self, counter: Counter) -> bool {
        self.day == counter.day && self.counters.len() < MOST_COUNTERS
    }

    fn push(&mut self, counter: Counter, lines: &BTreeSet<&str>) {
        for line in lines {
            self.name.update(&line_name(counter.function, line));
        }
        self.counters.push((counter, lines.len() as u64));
    }

    fn end(self) -> Part {
        Part { day: self.day, name: hex::encode(self.name.finish()), counters: self.counters }
    }
}

/// Ids of lines are unique within a log group, and a log group is one function's. Lengths keep the two apart, and one line from the next.
fn line_name(function: FunctionName, id: &str) -> Vec<u8> {
    let texts = [function.as_str(), id].into_iter();
    texts.flat_map(|text| [&(text.len() as u64).to_be_bytes(), text.as_bytes()].concat()).collect()
}

/// The parts of these counts.
pub(super) fn of(counts: &Counts<'_>) -> Vec<Part> {
    let (mut parts, mut begun) = (Vec::new(), None::<Begun>);
    for (counter, lines) in counts.iter() {
        let mut part = match begun.take() {
            Some(part) if part.takes(counter) => part,
            full => {
                parts.extend(full.map(Begun::end));
                Begun::of(counter.day)
            }
        };
        part.push(counter, lines);
        begun = Some(part);
    }
    parts.extend(begun.map(Begun::end));
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::counters::tests::counter;
    use super::super::lines::Mark;
    use super::*;

    fn counter_at(tenant: u16) -> Counter {
        Counter {
            day: Day::read("2026-11-22").unwrap(),
            app: "test-management",
            function: FunctionName::of("page").unwrap(),
            mark: Mark::read(&format!("{tenant:032x}")).unwrap(),
        }
    }

    #[test]
    fn a_part_fits_a_transaction() {
        let ids: Vec<String> = (0..500).map(|id| id.to_string()).collect();
        let counts: Counts<'_> = ids.iter().enumerate().map(|(at, id)| (counter_at(at as u16 % 250), id.as_str())).collect();
        let parts = of(&counts);
        assert_eq!(parts.iter().map(|part| (part.counters.len(), part.calls())).collect::<Vec<_>>(), [(98, 196), (98, 196), (54, 108)]);
        assert_eq!(parts.iter().map(|part| &part.name).collect::<BTreeSet<_>>().len(), 3);
        assert!(of(&Counts::default()).is_empty());
    }

    #[test]
    fn lines_of_two_functions_are_two_though_their_ids_are_one() {
        let of_page = counter_at(1);
        let of_account = Counter { function: FunctionName::of("account").unwrap(), ..of_page };
        let name = |counter| of(&[(counter, "1")].into_iter().collect()).remove(0).name;
        assert_ne!(name(of_page), name(of_account));
        assert_eq!(name(of_page), name(counter_at(2)), "it says nothing of a tenant");
    }

    /// The table, as far as it is of interest here: what comes under a known name is not counted again.
    #[derive(Default, Debug, PartialEq, Eq)]
    struct Table {
        names: BTreeSet<(Day, String)>,
        sums: BTreeMap<Counter, u64>,
    }

    impl Table {
        fn keep(&mut self, part: &Part) {
            if self.names.insert((part.day, part.name.clone())) {
                for (counter, calls) in &part.counters {
                    *self.sums.entry(*counter).or_default() += calls;
                }
            }
        }
    }

    proptest! {
        /// Promise A-11: deliveries come in any order, each once or more often, and some are broken off in the middle before they come again.
        #[test]
        fn what_is_kept_does_not_depend_on_how_it_came(
            deliveries in prop::collection::vec(prop::collection::vec(counter(), 1..20), 1..6),
            order in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize), 0..12),
        ) {
            let mut id = 0;
            let deliveries: Vec<Vec<(Counter, String)>> = deliveries.into_iter().map(|hits| hits.into_iter().map(|counter| {
                id += 1;
                (counter, id.to_string())
            }).collect()).collect();
            let parts = |at: usize| of(&deliveries[at].iter().map(|(counter, line)| (*counter, line.as_str())).collect());
            let (mut once, mut often) = (Table::default(), Table::default());
            for at in 0..deliveries.len() {
                parts(at).iter().for_each(|part| once.keep(part));
            }
            for (at, broken_off) in order {
                parts(at.index(deliveries.len())).iter().take(broken_off).for_each(|part| often.keep(part));
            }
            for at in (0..deliveries.len()).rev() {
                parts(at).iter().for_each(|part| often.keep(part));
            }
            prop_assert_eq!(&often, &once);
            prop_assert_eq!(often.sums.values().sum::<u64>(), id);
        }
    }
}
