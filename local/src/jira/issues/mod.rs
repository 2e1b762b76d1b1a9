//! The issues of a site, what users do to them, and the webhooks that an app is told of it by.
//!
//! - [`issue`]: one of them. - [`payload`]: what a webhook says. - [`webhook`]: how it is sent, and sent again.
//! - [`doings`]: what users do, told to the app. - [`api`]: all of it for the page.

pub(super) mod api;
pub mod doings;
pub mod issue;
mod payload;
pub mod webhook;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::issue::{Actor, Comment, Draft, Issue};
use self::payload::{Teller, changed};
use self::webhook::{Flow, Webhook};
use super::Jira;
use super::resident::Resident;
use super::user::{self, BROWSE};
use crate::atlassian::Site;

/// The number before that of the first issue.
const BEFORE_FIRST: u64 = 10_000;

/// More than anybody makes by hand.
const MOST: usize = 10_000;

const CREATED: &str = "jira:issue_created";
const UPDATED: &str = "jira:issue_updated";
const DELETED: &str = "jira:issue_deleted";
const COMMENT_CREATED: &str = "comment_created";
const COMMENT_DELETED: &str = "comment_deleted";

/// Why nothing is done to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is none of this number.
    #[error("cannot find the issue: it is not there")]
    Unknown,
    /// Whoever has no account, or does not see the project.
    #[error("cannot do this as this user: they do not see the project")]
    NotSeen,
    /// There is no such project, or nobody of that key, or no summary.
    #[error("cannot take the issue: it needs a project, a summary in a line, and an assignee who is there")]
    Malformed,
    /// A comment without words.
    #[error("cannot take the comment: it is empty")]
    Empty,
    /// There are enough.
    #[error("cannot create the issue: there are {MOST} already")]
    TooMany,
}

/// All of a site, with what numbers them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Issues {
    by_id: BTreeMap<String, Issue>,
    /// How many there ever were, and in each project.
    created: u64,
    created_in: BTreeMap<u64, u64>,
    changes: u64,
    comments: u64,
    events: u64,
    /// When something happened last, in milliseconds since 1970: what happens next is later, so that the order is plain.
    last_at: i64,
    /// What the app has not taken yet, oldest first.
    pub(super) outbox: Vec<Webhook>,
}

/// What an app is told of one event.
struct Event {
    name: &'static str,
    flow: Flow,
    payload: Value,
}

impl Event {
    const fn primary(name: &'static str, payload: Value) -> Self {
        Self { name, flow: Flow::Primary, payload }
    }
}

/// What users do.
pub(super) enum Deed<'d> {
    Create(Draft),
    Edit { id: &'d str, edit: Box<dyn FnOnce(&mut Draft) + Send + 'd> },
    Comment { id: &'d str, text: &'d str },
    Delete { id: &'d str },
}

impl Issues {
    /// All that are there, oldest first.
    pub(super) fn all(&self) -> Vec<Issue> {
        self.by_id.values().cloned().collect()
    }

    /// Does it, at this time or a little later, and gives the issue as it is afterwards, or was before it was deleted, and what happened.
    fn act(&mut self, site: &Site, actor: Actor, now_millis: i64, deed: Deed<'_>) -> Result<(Issue, Vec<Event>), Refusal> {
        let at = now_millis.max(self.last_at.saturating_add(1));
        let teller = Teller { site, actor: actor.account_id().ok_or(Refusal::NotSeen)?, at };
        let done = match deed {
            Deed::Create(draft) => self.create(&teller, actor, draft)?,
            Deed::Edit { id, edit } => self.edit(&teller, actor, id, edit)?,
            Deed::Comment { id, text } => self.comment(&teller, actor, id, text)?,
            Deed::Delete { id } => self.delete(&teller, actor, id)?,
        };
        self.last_at = at;
        Ok(done)
    }

    fn create(&mut self, teller: &Teller<'_>, actor: Actor, draft: Draft) -> Result<(Issue, Vec<Event>), Refusal> {
        check(actor, &draft)?;
        if self.by_id.len() >= MOST {
            return Err(Refusal::TooMany);
        }
        self.created += 1;
        let (id, key) = ((BEFORE_FIRST + self.created).to_string(), self.next_key(&draft));
        let (reporter, created) = (teller.actor.to_owned(), teller.at);
        let issue = Issue { id: id.clone(), key, draft, reporter, created, updated: created, comments: Vec::new() };
        self.by_id.insert(id, issue.clone());
        let told = Event::primary(CREATED, teller.of_issue(CREATED, "issue_created", &issue));
        Ok((issue, vec![told]))
    }

    fn edit(&mut self, teller: &Teller<'_>, actor: Actor, id: &str, edit: impl FnOnce(&mut Draft)) -> Result<(Issue, Vec<Event>), Refusal> {
        let before = self.seen(actor, id)?.clone();
        let mut draft = before.draft.clone();
        edit(&mut draft);
        check(actor, &draft)?;
        let key = if draft.project == before.draft.project { before.key.clone() } else { self.next_key(&draft) };
        let Some((kind, items)) = changed(&before.draft, &draft, [&before.key, &key]) else { return Ok((before, Vec::new())) };
        self.changes += 1;
        let issue = Issue { key, draft, updated: teller.at, ..before };
        self.by_id.insert(issue.id.clone(), issue.clone());
        let told = Event::primary(UPDATED, teller.of_change(kind, &issue, BEFORE_FIRST + self.changes, items));
        Ok((issue, vec![told]))
    }

    fn comment(&mut self, teller: &Teller<'_>, actor: Actor, id: &str, text: &str) -> Result<(Issue, Vec<Event>), Refusal> {
        let mut issue = self.seen(actor, id)?.clone();
        if text.trim().is_empty() {
            return Err(Refusal::Empty);
        }
        self.comments += 1;
        let number = (BEFORE_FIRST + self.comments).to_string();
        let comment = Comment { id: number, author: teller.actor.to_owned(), body: text.to_owned(), created: teller.at };
        issue.comments.push(comment.clone());
        issue.updated = teller.at;
        self.by_id.insert(issue.id.clone(), issue.clone());
        let told = Event::primary(COMMENT_CREATED, teller.of_comment(COMMENT_CREATED, &issue, &comment));
        let also = Event::primary(UPDATED, teller.of_commented(&issue, &comment));
        Ok((issue, vec![told, also]))
    }

    /// With its comments, of which an app is told later.
    fn delete(&mut self, teller: &Teller<'_>, actor: Actor, id: &str) -> Result<(Issue, Vec<Event>), Refusal> {
        let issue = self.seen(actor, id)?.clone();
        self.by_id.remove(id);
        let told = Event::primary(DELETED, teller.of_issue(DELETED, "issue_deleted", &issue));
        let comments = issue.comments.iter().map(|comment| {
            let payload = teller.of_comment(COMMENT_DELETED, &issue, comment);
            Event { name: COMMENT_DELETED, flow: Flow::Secondary, payload }
        });
        let events = std::iter::once(told).chain(comments).collect();
        Ok((issue, events))
    }

    fn seen(&self, actor: Actor, id: &str) -> Result<&Issue, Refusal> {
        let issue = self.by_id.get(id).ok_or(Refusal::Unknown)?;
        if sees(actor, issue.draft.project) { Ok(issue) } else { Err(Refusal::NotSeen) }
    }

    fn next_key(&mut self, draft: &Draft) -> String {
        let count = self.created_in.entry(draft.project).or_default();
        *count += 1;
        format!("{}-{count}", draft.project().map_or("NONE", |project| project.key))
    }

    /// Puts what happened into the outbox, once for each address that the app wants it at. `now` is in epoch seconds.
    fn post(&mut self, events: Vec<Event>, issue: &Issue, addresses: impl Fn(&str) -> Vec<String>, now: i64) {
        for Event { name, flow, payload } in events {
            self.events += 1;
            // With the time in it, no identifier comes twice even if the sites' file is lost and the app's state is not.
            let identifier = format!("{}-{}", self.last_at, self.events);
            for url in addresses(name) {
                self.outbox.push(Webhook {
                    identifier: identifier.clone(),
                    event: name.to_owned(),
                    url,
                    flow,
                    issue_key: issue.key.clone(),
                    payload: payload.clone(),
                    retries: 0,
                    due: now,
                    last_status: None,
                });
            }
        }
    }
}

/// Whether it can be an issue, made by them.
fn check(actor: Actor, draft: &Draft) -> Result<(), Refusal> {
    let project = draft.project().ok_or(Refusal::Malformed)?;
    let plain = !draft.summary.trim().is_empty() && !draft.summary.contains(['\n', '\r']);
    if !plain || draft.assignee.is_some() != draft.assignee().is_some() {
        return Err(Refusal::Malformed);
    }
    if sees(actor, project.id) { Ok(()) } else { Err(Refusal::NotSeen) }
}

/// In this small Jira whoever sees a project may do everything to its issues; the app sees them all.
fn sees(actor: Actor, project: u64) -> bool {
    match actor {
        Actor::User(user) => user.account_id.is_some_and(|account| user::permitted(account, BROWSE, project)),
        Actor::App => true,
    }
}

/// What a site answers to the app about the app's own account.
///
/// Source: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/>.
pub(super) fn myself(site: &Site) -> Value {
    Teller { site, actor: user::APP_ACCOUNT, at: 0 }.person(user::APP_ACCOUNT)
}

impl Jira {
    /// The issues of the site of this name, oldest first; none, if there is no such site.
    #[must_use]
    pub fn issues(&self, site: &str) -> Vec<Issue> {
        self.state().residents.values().find(|resident| resident.name == site).map(|resident| resident.issues.all()).unwrap_or_default()
    }

    /// What the app of this site has not taken yet, oldest first.
    #[must_use]
    pub fn webhooks(&self, site: &str) -> Vec<Webhook> {
        let found = |resident: &&Resident| resident.name == site;
        self.state().residents.values().find(found).map(|resident| resident.issues.outbox.clone()).unwrap_or_default()
    }
}
