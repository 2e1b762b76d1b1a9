//! What is sent: changes of issues, each with a number of its own that grows with its time, as Jira tells of them. And what must be kept of it
//! in the end: the two newest of each issue.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use local::jira::user::{ADMIN, PROJECT};
use serde_json::json;
use shared::platform::clock::{Clock as _, SystemClock};

/// What the site's administrator has selected: the project of these issues, and the field that numbers are in.
pub(super) const SELECTION: &str = r#"{"projects":["10000"],"fields":["summary","status","assignee"]}"#;

/// The number of the first issue.
const FIRST_ISSUE: u64 = 10_001;

/// Something that was never selected, so that payloads are about as long as they are.
const DESCRIPTION: &str = "What is to be done, by whom and until when, is written down here at some length, as people do. ";

/// All of it.
pub(super) struct Events {
    clock: Arc<SystemClock>,
    sent: AtomicU64,
    issues: Vec<Mutex<Issue>>,
}

#[derive(Default)]
struct Issue {
    /// The number of its last event, and when that happened, in milliseconds since 1970.
    number: u64,
    at: i64,
    /// The numbers of the events that the app has taken.
    taken: BTreeSet<u64>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Names it, the same whenever it is sent.
    pub(super) identifier: String,
    pub(super) body: Bytes,
    issue: usize,
    number: u64,
}

/// What must be kept of an issue.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// The issue's number.
    pub(super) issue: u64,
    /// The `summary` of the newest event, and of the one before.
    pub(super) summaries: [Option<String>; 2],
}

impl Events {
    pub(super) fn of(issues: u32, clock: Arc<SystemClock>) -> Self {
        Self { clock, sent: AtomicU64::new(0), issues: (0..issues).map(|_| Mutex::default()).collect() }
    }

    /// The next one, of the next issue; `None` if there are no issues.
    pub(super) fn next(&self) -> Option<Event> {
        let change = self.sent.fetch_add(1, Ordering::Relaxed);
        let issue = usize::try_from(change).unwrap_or_default().checked_rem(self.issues.len())?;
        let (number, at) = {
            let mut issue = locked(self.issues.get(issue)?);
            issue.number += 1;
            // No two changes of an issue are of one millisecond, so that everybody knows which is newer.
            issue.at = self.clock.now().epoch_millis().max(issue.at + 1);
            (issue.number, issue.at)
        };
        Some(Event { identifier: format!("load-{change}"), body: payload(issue_id(issue), number, at, change), issue, number })
    }

    /// The app has taken it.
    pub(super) fn take(&self, event: &Event) {
        if let Some(issue) = self.issues.get(event.issue) {
            locked(issue).taken.insert(event.number);
        }
    }

    /// How many were made.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many the app has taken.
    pub(super) fn taken(&self) -> u64 {
        self.issues.iter().map(|issue| locked(issue).taken.len() as u64).sum()
    }

    /// What must be kept, issue by issue.
    pub(super) fn expected(&self) -> impl Iterator<Item = Expected> {
        self.issues.iter().enumerate().map(|(index, issue)| {
            let issue = locked(issue);
            let mut newest = issue.taken.iter().rev().map(|number| summary(*number));
            Expected { issue: issue_id(index), summaries: [newest.next(), newest.next()] }
        })
    }
}

fn locked(issue: &Mutex<Issue>) -> MutexGuard<'_, Issue> {
    issue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn issue_id(index: usize) -> u64 {
    FIRST_ISSUE + index as u64
}

fn summary(number: u64) -> String {
    format!("Change {number}")
}

/// As Jira writes it: with the names and addresses of people, which nobody may keep, and with more fields than were selected.
fn payload(issue: u64, number: u64, at: i64, change: u64) -> Bytes {
    let person = json!({
        "accountId": ADMIN.account_id, "accountType": "atlassian", "displayName": ADMIN.name, "emailAddress": "ada@people.example",
        "active": true, "timeZone": "Europe/Berlin",
    });
    let item = json!({
        "field": "summary", "fieldId": "summary", "fieldtype": "jira", "from": null, "fromString": summary(number.saturating_sub(1)),
        "to": null, "toString": summary(number),
    });
    let payload = json!({
        "timestamp": at, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_updated", "user": person,
        "issue": {
            "id": issue.to_string(), "key": format!("DEMO-{issue}"),
            "fields": {
                "project": {"id": PROJECT.to_string(), "key": "DEMO", "name": "Demonstration"},
                "summary": summary(number), "description": DESCRIPTION.repeat(10),
                "status": {"id": "3", "name": "In Progress", "statusCategory": {"id": 4, "key": "indeterminate"}},
                "assignee": person, "reporter": person, "creator": person,
            },
        },
        "changelog": {"id": change.to_string(), "items": [item]},
    });
    payload.to_string().into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn events_of_an_issue_grow_in_number_and_in_time() {
        let events = Events::of(2, Arc::new(SystemClock::start()));
        let [first, _, second] = [(); 3].map(|()| events.next().unwrap());
        assert_ne!(first.identifier, second.identifier);
        let [first, second] = [first, second].map(|event| serde_json::from_slice::<Value>(&event.body).unwrap());
        assert_eq!(first["issue"]["id"], second["issue"]["id"]);
        assert_eq!(second["issue"]["fields"]["summary"], "Change 2");
        assert!(first["timestamp"].as_i64() < second["timestamp"].as_i64());
    }

    #[test]
    fn the_two_newest_that_were_taken_are_expected() {
        let events = Events::of(1, Arc::new(SystemClock::start()));
        let made = [(); 4].map(|()| events.next().unwrap());
        let expected =
            |summaries: [Option<&str>; 2]| [Expected { issue: 10_001, summaries: summaries.map(|one| one.map(ToOwned::to_owned)) }];
        assert_eq!(events.expected().collect::<Vec<_>>(), expected([None, None]));
        for event in [&made[2], &made[0], &made[0]] {
            events.take(event);
        }
        assert_eq!(events.expected().collect::<Vec<_>>(), expected([Some("Change 3"), Some("Change 1")]));
        assert_eq!((events.sent(), events.taken()), (4, 2));
    }
}
