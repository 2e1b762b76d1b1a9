//! What is kept of one issue, as a pure rule: whatever events come, in whatever order and however often, the two newest versions stay.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::selection::Selection;
use super::version::{Order, Version};
use crate::problem::Problem;
use crate::records::register::{self, KindRow};
use crate::records::{Kind, Life, Named, retention};
use crate::tenant::rights::{Owned, ProjectId};

/// How long copies live after the last event of their issue.
pub(crate) const LIFE: Duration = retention::ISSUE_COPIES.target;

/// The copies of one issue. A third has no place here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IssueCopies {
    /// When the last event of the issue happened, in milliseconds since 1970.
    last_event_millis: i64,
    /// The issue was deleted: nothing of it is kept any more, whatever comes late.
    #[serde(default)]
    deleted: bool,
    /// The newest event that showed the issue in a project which is not selected: what is older is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unselected: Option<Order>,
    /// The issue as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<Version>,
    /// The issue as it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Version>,
}

/// What an event means for the copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// The issue looks like this.
    Version(Box<Version>),
    /// The issue is gone.
    Deleted,
    /// The issue went to a project that is not selected.
    Unselected,
    /// Something that hangs on it has changed.
    Touched,
}

impl IssueCopies {
    /// Takes an event in. The order of arrival does not matter, nor does the number of times.
    pub(crate) fn apply(&mut self, order: &Order, what: &What) {
        // That it is deleted is forgotten a month later, whatever is said of it meanwhile.
        if self.deleted && *what != What::Deleted {
            return;
        }
        self.last_event_millis = self.last_event_millis.max(order.at_millis);
        match what {
            What::Version(version) => self.insert((**version).clone()),
            What::Deleted => self.deleted = true,
            What::Unselected => self.unselected = self.unselected.take().max(Some(order.clone())),
            What::Touched => {}
        }
        self.settle();
    }

    fn insert(&mut self, version: Version) {
        let newer = |kept: &Option<Version>| kept.as_ref().is_none_or(|kept| version.order > kept.order);
        if newer(&self.latest) {
            self.previous = self.latest.replace(version);
        } else if self.latest.as_ref().is_some_and(|latest| latest.order == version.order) {
            // The same event again.
        } else if newer(&self.previous) {
            self.previous = Some(version);
        }
    }

    /// Nothing of a deleted issue stays, and nothing from before it left the selected projects.
    fn settle(&mut self) {
        let gone = |version: &Version| self.deleted || self.unselected.as_ref().is_some_and(|since| version.order <= *since);
        let keep = |version: Option<Version>| version.filter(|version| !gone(version));
        let (latest, previous) = (self.latest.take(), self.previous.take());
        (self.latest, self.previous) = (keep(latest), keep(previous));
    }

    /// Whether an event of something that hangs on the issue changes anything: within the hour it does not prolong what is kept for a month.
    pub(crate) const fn is_prolonged_by(&self, order: &Order) -> bool {
        !self.deleted && order.at_millis > self.last_event_millis.saturating_add(60 * 60 * 1000)
    }

    /// The same, of what is selected now.
    pub(crate) fn selected(mut self, selection: &Selection) -> Self {
        let keep = |version: Option<Version>| {
            version.filter(|version| selection.has_project(version.project)).map(|version| version.selected(selection))
        };
        (self.latest, self.previous) = (keep(self.latest), keep(self.previous));
        if self.latest.is_none() {
            self.previous = None;
        }
        self
    }

    /// The issue as it is, unless nothing of it is kept.
    #[must_use]
    pub const fn latest(&self) -> Option<&Version> {
        self.latest.as_ref()
    }

    /// The issue as it was before, if that is known.
    #[must_use]
    pub const fn previous(&self) -> Option<&Version> {
        self.previous.as_ref()
    }

    /// When the last event of the issue happened, in epoch seconds.
    #[must_use]
    pub const fn last_event_at(&self) -> i64 {
        self.last_event_millis.div_euclid(1000)
    }

    /// When all of it is gone, in epoch seconds.
    #[must_use]
    pub fn gone_at(&self) -> i64 {
        self.last_event_at().saturating_add(i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX))
    }
}

impl Kind for IssueCopies {
    const ROW: &'static KindRow = &register::ISSUE_COPIES;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::After(LIFE);
}

impl Named for IssueCopies {
    const PARAMETER: &'static str = "issueId";

    fn check_name(name: &str) -> Result<(), Problem> {
        let is_number = name.parse().is_ok_and(|number: u64| number.to_string() == name);
        if is_number { Ok(()) } else { Err(Problem::malformed("issueId", "must be the number of an issue")) }
    }
}

impl Owned for IssueCopies {
    fn project(&self) -> Option<ProjectId> {
        self.latest.as_ref().and_then(|latest| latest.project).map(ProjectId)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn order(at_millis: i64) -> Order {
        serde_json::from_value(json!({"at_millis": at_millis, "change": 0, "tie": ""})).unwrap()
    }

    fn version(at_millis: i64) -> What {
        let version =
            json!({"order": order(at_millis), "event": "jira:issue_updated", "key": null, "project": 1, "fields": {"n": at_millis}});
        What::Version(Box::new(serde_json::from_value(version).unwrap()))
    }

    fn shown(copies: &IssueCopies) -> Vec<Value> {
        [copies.latest(), copies.previous()].into_iter().flatten().map(|version| version.fields["n"].clone()).collect()
    }

    fn taken_in(events: &[(i64, What)]) -> IssueCopies {
        let mut copies = IssueCopies::default();
        for (at, what) in events {
            copies.apply(&order(*at), what);
        }
        copies
    }

    fn what(kind: u8, at: i64) -> What {
        match kind {
            0 => What::Deleted,
            1 | 2 => What::Unselected,
            3 => What::Touched,
            _ => version(at),
        }
    }

    /// The rule in other words: whoever knew all events at once would keep this.
    fn model(events: &BTreeMap<i64, u8>) -> Vec<Value> {
        let is_version = |kind: u8| kind > 3;
        if events.values().any(|kind| *kind == 0) {
            return Vec::new();
        }
        let floor = events.iter().filter(|(_, kind)| matches!(kind, 1 | 2)).map(|(at, _)| *at).max().unwrap_or(-1);
        events.iter().rev().filter(|(at, kind)| is_version(**kind) && **at > floor).take(2).map(|(at, _)| json!(at)).collect()
    }

    proptest! {
        /// Promise E-15: whatever order the events come in, and however often.
        #[test]
        fn the_two_newest_versions_stay_and_never_a_third(
            events in prop::collection::btree_map(0..1_000_i64, 0..12_u8, 0..12),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            shuffle in any::<prop::sample::Selector>(),
        ) {
            let mut arriving: Vec<(i64, What)> = events.iter().map(|(at, kind)| (*at, what(*kind, *at))).collect();
            let again: Vec<(i64, What)> = picks.iter().filter(|_| !arriving.is_empty()).map(|pick| pick.get(&arriving).clone()).collect();
            arriving.extend(again);
            let mut shuffled = Vec::new();
            while !arriving.is_empty() {
                let at = shuffle.select(0..arriving.len());
                shuffled.push(arriving.swap_remove(at));
            }
            let copies = taken_in(&shuffled);
            prop_assert_eq!(shown(&copies), model(&events));
            if !copies.deleted {
                prop_assert_eq!(copies.last_event_millis, events.keys().copied().max().unwrap_or_default());
            }
        }
    }

    #[test]
    fn what_comes_late_is_put_in_its_place() {
        assert_eq!(shown(&taken_in(&[(1, version(1)), (3, version(3)), (2, version(2))])), [json!(3), json!(2)]);
        assert_eq!(shown(&taken_in(&[(3, version(3)), (2, version(2)), (1, version(1))])), [json!(3), json!(2)]);
    }

    #[test]
    fn a_deleted_issue_does_not_come_back() {
        assert!(shown(&taken_in(&[(5, What::Deleted), (3, version(3)), (9, version(9))])).is_empty());
    }

    #[test]
    fn an_issue_that_comes_back_to_a_selected_project_is_kept_from_then_on() {
        assert_eq!(shown(&taken_in(&[(1, version(1)), (2, What::Unselected), (3, version(3))])), [json!(3)]);
    }

    #[test]
    fn copies_end_a_month_after_the_last_event() {
        let copies = taken_in(&[(5_000, version(5)), (9_000, What::Touched), (7_000, What::Touched)]);
        assert_eq!((copies.last_event_at(), copies.gone_at()), (9, 9 + 30 * 86_400));
    }

    /// Promise A-05.
    #[test]
    fn what_is_no_longer_selected_is_taken_out() {
        let copies = taken_in(&[(1, version(1)), (2, version(2))]);
        let select = |json: &str| copies.clone().selected(&Selection::parse(json).unwrap());
        assert_eq!(shown(&select(r#"{"projects":["1"],"fields":["n"]}"#)), [json!(2), json!(1)]);
        assert!(select(r#"{"projects":["1"],"fields":["m"]}"#).latest().unwrap().fields.is_empty());
        assert!(shown(&select(r#"{"projects":["2"],"fields":["n"]}"#)).is_empty());
    }
}
