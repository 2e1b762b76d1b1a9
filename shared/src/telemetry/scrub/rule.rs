//! What a rule is, and all of them in their order: a pattern, and what comes into its place.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};

use super::{NOTHING_LEFT, accounts, content, links, names, noise, numbers, secrets};
use crate::addresses;

/// The most memory that the automata may take; the letters of all scripts are in them.
const AUTOMATA_BYTES: usize = 64 << 20;

/// A rule.
pub(super) struct Rule {
    /// What it looks for.
    pub(super) pattern: &'static str,
    /// What comes into the place of what it found; `None` if that only looked so.
    pub(super) instead: fn(&Found<'_>) -> Option<Cow<'static, str>>,
}

/// What a pattern found.
pub(super) struct Found<'t> {
    groups: Captures<'t>,
    text: &'t str,
    taken: Cell<usize>,
}

impl<'t> Found<'t> {
    /// What a group found, or nothing.
    pub(super) fn group(&self, number: usize) -> &'t str {
        self.groups.get(number).map(|found| found.as_str()).unwrap_or_default()
    }

    /// Whether a group found anything.
    pub(super) fn has(&self, number: usize) -> bool {
        self.groups.get(number).is_some()
    }

    /// All that was found.
    pub(super) fn whole(&self) -> &'t str {
        self.group(0)
    }

    /// Replaces so many bytes behind it as well: what a pattern cannot tell the end of.
    pub(super) fn take(&self, bytes: usize) {
        self.taken.set(bytes);
    }

    /// What stands before it.
    pub(super) fn before(&self) -> &'t str {
        self.groups.get(0).and_then(|found| self.text.get(..found.start())).unwrap_or_default()
    }

    /// What stands behind it.
    pub(super) fn after(&self) -> &'t str {
        self.groups.get(0).and_then(|found| self.text.get(found.end()..)).unwrap_or_default()
    }
}

/// The rules that come after those of links and after e-mail addresses: what has a form of its own first, names and
/// what else people write last.
const ORDER: [&[Rule]; 6] = [secrets::RULES, accounts::RULES, numbers::RULES, noise::RULES, names::RULES, content::RULES];

/// Rules, made ready. One look for all of them at once (`RegexSet`) was tried, and takes longer: its automaton has too many states.
struct Rules(Vec<(Regex, &'static Rule)>);

impl Rules {
    fn of(rules: &[&'static [Rule]]) -> Option<Self> {
        let one = |rule: &'static Rule| Some((RegexBuilder::new(rule.pattern).size_limit(AUTOMATA_BYTES).build().ok()?, rule));
        rules.iter().copied().flatten().map(one).collect::<Option<_>>().map(Self)
    }

    fn apply(&self, text: &mut Cow<'_, str>) {
        for (regex, rule) in &self.0 {
            // Most find nothing, and to say no more than that is quick.
            if regex.is_match(text) {
                apply(regex, rule, text);
            }
        }
    }
}

static LINKS: LazyLock<Option<Rules>> = LazyLock::new(|| Rules::of(&[links::RULES]));

static OTHERS: LazyLock<Option<Rules>> = LazyLock::new(|| Rules::of(&ORDER));

/// The text after the rules of links were applied once, if one had anything to remove.
pub(super) fn without_visitors(text: &str) -> Option<String> {
    changed(text, |clean| {
        LINKS.as_ref()?.apply(clean);
        Some(())
    })
}

/// The same after every rule.
pub(super) fn applied(text: &str) -> Option<String> {
    changed(text, |clean| {
        LINKS.as_ref()?.apply(clean);
        if addresses::may_be_in(clean) {
            let without = addresses::without_addresses_but(clean.clone().into_owned(), "[email]", links::at_of_something_else);
            *clean = Cow::Owned(without);
        }
        OTHERS.as_ref()?.apply(clean);
        Some(())
    })
}

/// The text after a change, if there was one. Where the rules could not be made, nothing may leave.
fn changed(text: &str, change: impl FnOnce(&mut Cow<'_, str>) -> Option<()>) -> Option<String> {
    let mut clean = Cow::Borrowed(text);
    let clean = change(&mut clean).map_or_else(|| NOTHING_LEFT.to_owned(), |()| clean.into_owned());
    (clean != text).then_some(clean)
}

fn apply(regex: &Regex, rule: &Rule, text: &mut Cow<'_, str>) {
    let (mut clean, mut kept, mut begin) = (String::new(), 0, 0);
    while let Some(groups) = regex.captures_at(text, begin) {
        let Some(range) = groups.get(0).map(|whole| whole.range()).filter(|range| !range.is_empty()) else { break };
        begin = range.end;
        let found = Found { groups, text, taken: Cell::new(0) };
        if let Some(instead) = (rule.instead)(&found) {
            clean.push_str(text.get(kept..range.start).unwrap_or_default());
            clean.push_str(&instead);
            begin = range.end + found.taken.get();
            kept = begin;
        }
    }
    if kept > 0 {
        clean.push_str(text.get(kept..).unwrap_or_default());
        *text = Cow::Owned(clean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_made() {
        for rule in links::RULES.iter().chain(ORDER.into_iter().flatten()) {
            assert!(Regex::new(rule.pattern).is_ok(), "{}", rule.pattern);
        }
        assert!(LINKS.is_some() && OTHERS.is_some());
    }
}
