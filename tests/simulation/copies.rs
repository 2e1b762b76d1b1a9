//! What must be visible of a life's issues, whatever the code does: of the events that were accepted the two newest versions, of what is
//! selected, until 30 days after the last.
//!
//! Some of it nobody outside can know: whether an event was lost with its last try, whether it was kept before the selection changed, or before
//! the sweep came, which may be a day early. Such an event is not sure: it may be seen, and need not be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::model::DAY;

/// How long copies live after the last event of their issue.
pub const LIFE: i64 = 30 * DAY;

/// How long before their end the sweep may take them, and how long events may have waited then.
const EARLY: i64 = 28 * 3_600;

/// An event as the site tells it, as often as it does.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub number: u64,
    /// As our paths name it.
    pub event: &'static str,
    pub issue: u64,
    /// When it happened, in milliseconds since 1970, and Jira's number of the change: which of two is newer.
    pub order: (i64, u64),
    pub what: What,
    /// The project that it names.
    pub project: Option<u64>,
    /// The app did it itself.
    pub own: bool,
    pub body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Shown,
    /// The issue came from another project.
    Moved,
    Deleted,
    Touched,
}

impl Told {
    pub fn at(&self) -> i64 {
        self.order.0.div_euclid(1_000)
    }
}

/// What is selected.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub projects: BTreeSet<u64>,
    pub fields: BTreeSet<&'static str>,
}

impl Selection {
    fn has(&self, project: Option<u64>) -> bool {
        project.is_some_and(|project| self.projects.contains(&project))
    }
}

/// What an event means for the copies of its issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Version,
    /// What is older is not kept.
    Floor,
    Deletion,
}

/// An event that was accepted.
#[derive(Clone, Debug)]
struct Known {
    told: Arc<Told>,
    means: Means,
    /// It counts, and whatever is kept shows it.
    sure: bool,
    /// Its message may not have been handled yet.
    in_flight: bool,
    /// It was noted as seen for sure: it never counts again.
    noted: bool,
    /// Nothing of it can be there any more.
    removed: bool,
    /// The fields that must be there, and those that may.
    fields: [BTreeSet<&'static str>; 2],
}

#[derive(Debug, Default)]
struct Issue {
    known: Vec<Known>,
    /// When the last event happened that may have counted, in epoch seconds.
    last: i64,
}

/// What is known of a life's issues.
#[derive(Debug, Default)]
pub struct Issues {
    pub selection: Selection,
    issues: BTreeMap<u64, Issue>,
    /// The seconds in which events happened that were accepted.
    pub happened: BTreeSet<i64>,
    /// What the selection no longer names may be there still: the message that deletes it was lost.
    unsettled: bool,
}

impl Issues {
    /// The site told of an event, and was answered that it is taken in; if that is not `sure`, the answer was lost.
    pub fn accept(&mut self, told: &Arc<Told>, sure: bool, now: i64) {
        let (selected, nothing) = (self.selection.has(told.project), self.selection.projects.is_empty());
        if told.own && told.what != What::Deleted {
            return;
        }
        let (means, sure) = match told.what {
            What::Shown | What::Moved if selected => (Some(Means::Version), sure),
            // Where nothing is selected, or the project is not, it counts only if copies are there still.
            What::Moved => (Some(Means::Floor), sure && !nothing),
            What::Deleted => (Some(Means::Deletion), sure && (selected || (told.project.is_none() && !nothing))),
            What::Touched => (None, false),
            What::Shown => return,
        };
        self.happened.insert(told.at());
        let issue = self.issues.entry(told.issue).or_default();
        issue.pass(now);
        issue.last = issue.last.max(told.at());
        let Some(means) = means else { return };
        let fields = self.selection.fields.clone();
        match issue.known.iter_mut().find(|known| known.told.number == told.number && known.means == means) {
            Some(known) if known.noted => {}
            Some(known) => {
                (known.in_flight, known.sure, known.removed) = (true, known.sure && !known.removed, false);
                known.fields[1].extend(fields);
            }
            None => {
                // It came before, and meant something else then: whichever is kept first counts.
                let again = issue.known.iter().any(|known| known.told.number == told.number);
                let (told, fields) = (Arc::clone(told), [fields.clone(), fields]);
                issue.known.push(Known { told, means, sure: sure && !again, in_flight: true, noted: false, removed: false, fields });
            }
        }
    }

    /// A message of this event was handed out once more, long after the first time.
    pub fn handed_out_again(&mut self, told: &Told, now: i64) {
        let selected = self.selection.has(told.project);
        let Some(issue) = self.issues.get_mut(&told.issue) else { return };
        issue.pass(now);
        let mut floors = Vec::new();
        for known in issue.known.iter_mut().filter(|known| known.told.number == told.number && !known.noted) {
            (known.in_flight, known.sure, known.removed) = (true, known.sure && !known.removed, false);
            if known.means == Means::Version && !selected {
                floors.push(known.floor());
            }
        }
        issue.known.extend(floors);
    }

    /// Something else is selected from now on.
    pub fn select(&mut self, selection: Selection) {
        for issue in self.issues.values_mut() {
            issue.select(&selection);
        }
        (self.selection, self.unsettled) = (selection, false);
    }

    /// All messages of the life were handled.
    pub fn drained(&mut self) {
        for known in self.issues.values_mut().flat_map(|issue| &mut issue.known) {
            known.noted |= known.in_flight && known.sure;
            known.in_flight = false;
            if !self.unsettled {
                known.removed |= known.means == Means::Version && !self.selection.has(known.told.project);
                known.fields[1].retain(|field| self.selection.fields.contains(field));
            }
        }
    }

    /// Messages that were on their way may be lost, because the tenant left or they failed too often.
    pub fn lost(&mut self) {
        self.unsettled = true;
        for known in self.issues.values_mut().flat_map(|issue| &mut issue.known).filter(|known| known.in_flight) {
            known.sure = false;
        }
    }

    /// Why this cannot be what is shown of an issue; `null` if nothing is. Unless all messages were handled, what is not selected may be there.
    pub fn refuse(&mut self, number: u64, shown: &Value, now: i64, drained: bool) -> Result<(), String> {
        let settled = drained && !self.unsettled;
        let (mut none, selection) = (Issue::default(), self.selection.clone());
        let issue = self.issues.get_mut(&number).unwrap_or(&mut none);
        issue.pass(now);
        let copies: Vec<&Value> = [&shown["latest"], &shown["previous"]].into_iter().filter(|copy| copy.is_object()).collect();
        let mut seen = Vec::new();
        for copy in &copies {
            let said = copy["fields"]["summary"].as_str().unwrap_or_default();
            let version = issue.known.iter().find(|known| known.means == Means::Version && summary(known.told.number) == said);
            let Some(known) = version else { return Err(format!("{said:?} was never accepted")) };
            known.may_be_shown(copy, issue)?;
            if settled && !selection.has(known.told.project) {
                return Err(format!("{said} is of a project that is not selected"));
            }
            seen.push(known.told.order);
        }
        if !copies.is_empty() && issue.last + LIFE <= now {
            return Err(format!("the last event was {:.2} days ago", (now - issue.last) as f64 / DAY as f64));
        }
        if seen.len() == 2 && seen[0] <= seen[1] {
            return Err("the latest is not the newer one".to_owned());
        }
        for known in issue.known.iter().filter(|known| known.means == Means::Version && issue.must_show(known, now)) {
            let newer = seen.iter().filter(|order| **order > known.told.order).count();
            if !seen.contains(&known.told.order) && newer < 2 {
                return Err(format!("{} of {} is missing", summary(known.told.number), known.told.at()));
            }
        }
        Ok(())
    }
}

/// What the summary of the issue is after this event.
pub fn summary(number: u64) -> String {
    format!("as event {number} left it")
}

impl Known {
    /// The same event, if it is handled while its project is not selected.
    fn floor(&self) -> Self {
        Self { means: Means::Floor, sure: false, noted: false, ..self.clone() }
    }

    fn may_be_shown(&self, copy: &Value, issue: &Issue) -> Result<(), String> {
        let said = summary(self.told.number);
        if self.removed {
            return Err(format!("{said} was taken away"));
        }
        let gone = |other: &&Known| match other.means {
            Means::Deletion => true,
            Means::Floor => other.told.order >= self.told.order,
            Means::Version => false,
        };
        if let Some(other) = issue.known.iter().filter(|other| other.sure && !other.in_flight && !other.removed).find(gone) {
            return Err(format!("{said} is shown after a {:?}: {:?}", other.means, other.told));
        }
        let shown: BTreeSet<&str> = copy["fields"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let [must, may] = &self.fields;
        if !must.iter().all(|field| shown.contains(field)) || !shown.iter().all(|field| may.contains(field)) {
            return Err(format!("{said} has the fields {shown:?}, and not {must:?} to {may:?}"));
        }
        Ok(())
    }
}

impl Issue {
    /// When the last event happened that counted for sure.
    fn surely(&self) -> i64 {
        let counted = self.known.iter().filter(|known| known.sure && !known.removed && !known.in_flight);
        counted.map(|known| known.told.at()).max().unwrap_or(i64::MIN / 2)
    }

    /// The clock goes on.
    fn pass(&mut self, now: i64) {
        let (over, early) = (self.last + LIFE <= now, self.surely() + LIFE - EARLY <= now);
        for known in self.known.iter_mut().filter(|known| !known.in_flight) {
            known.removed |= over;
            known.sure &= !early;
        }
    }

    fn must_show(&self, known: &Known, now: i64) -> bool {
        let hides = |other: &Known| match other.means {
            Means::Deletion => !other.removed,
            Means::Floor => !other.removed && other.told.order >= known.told.order,
            Means::Version => false,
        };
        let counts = known.sure && !known.in_flight && !known.removed;
        counts && self.surely() + LIFE - EARLY > now && !self.known.iter().any(hides)
    }

    fn select(&mut self, selection: &Selection) {
        let unselected = |known: &&mut Known| known.means == Means::Version && !known.removed && !selection.has(known.told.project);
        let mut floors = Vec::new();
        let mut newest = None;
        for known in self.known.iter_mut().filter(unselected) {
            known.sure = false;
            newest = newest.max(Some(known.told.order));
            if known.in_flight {
                floors.push(known.floor());
            }
        }
        // The record may go as a whole, with what it knew of older events.
        for known in self.known.iter_mut().filter(|known| known.means != Means::Deletion && Some(known.told.order) < newest) {
            known.sure = false;
        }
        for known in &mut self.known {
            known.fields[0].retain(|field| selection.fields.contains(field));
        }
        self.known.extend(floors);
    }
}
