//! What a webhook says, as Jira writes it: names, addresses and pictures of people included, because an app must bear them and not keep them.
//!
//! Source: <https://developer.atlassian.com/cloud/jira/platform/webhooks/>; what is not written there is as sites have been seen to send it.

use serde_json::{Map, Value, json};
use shared::platform::clock::rfc3339;

use super::super::user::{PROJECTS, Project, USERS};
use super::issue::{Comment, Draft, Issue, Status};
use crate::atlassian::Site;

/// One thing that happened, told of a site.
pub(super) struct Teller<'s> {
    pub(super) site: &'s Site,
    /// The account of whoever did it.
    pub(super) actor: &'s str,
    /// When, in milliseconds since 1970.
    pub(super) at: i64,
}

impl Teller<'_> {
    /// Of the issue as a whole: `jira:issue_created` and its like. `kind` is Jira's name for what was done.
    pub(super) fn of_issue(&self, event: &str, kind: &str, issue: &Issue) -> Value {
        json!({
            "timestamp": self.at, "webhookEvent": event, "issue_event_type_name": kind, "user": self.person(self.actor),
            "issue": self.whole(issue),
        })
    }

    /// Of a change of its fields, by Jira's number of the change.
    pub(super) fn of_change(&self, kind: &str, issue: &Issue, change: u64, items: Vec<Value>) -> Value {
        let changelog = json!({"id": change.to_string(), "items": items});
        with(self.of_issue(super::UPDATED, kind, issue), [("changelog", changelog)])
    }

    /// Of a comment: the issue is shown in short.
    pub(super) fn of_comment(&self, event: &str, issue: &Issue, comment: &Comment) -> Value {
        let mut short = self.whole(issue);
        if let Some(fields) = short.get_mut("fields").and_then(Value::as_object_mut) {
            fields.retain(|name, _| ["summary", "issuetype", "project", "assignee", "priority", "status"].contains(&name.as_str()));
        }
        json!({"timestamp": self.at, "webhookEvent": event, "comment": self.comment(issue, comment), "issue": short})
    }

    /// Of the issue as something that was commented.
    pub(super) fn of_commented(&self, issue: &Issue, comment: &Comment) -> Value {
        with(self.of_issue(super::UPDATED, "issue_commented", issue), [("comment", self.comment(issue, comment))])
    }

    fn whole(&self, issue: &Issue) -> Value {
        let Issue { id, key, draft, reporter, created, updated, comments } = issue;
        let comments: Vec<Value> = comments.iter().map(|comment| self.comment(issue, comment)).collect();
        let total = comments.len();
        json!({
            "id": id, "key": key, "self": self.rest(&format!("2/issue/{id}")),
            "fields": {
                "project": draft.project().map(|project| self.project(project)),
                "summary": draft.summary, "description": none_if_empty(&draft.description), "status": self.status(draft.status),
                "assignee": draft.assignee().and_then(|user| user.account_id).map(|account| self.person(account)),
                "reporter": self.person(reporter), "creator": self.person(reporter),
                "created": moment(*created), "updated": moment(*updated),
                "issuetype": {
                    "self": self.rest("2/issuetype/10003"), "id": "10003", "name": "Task", "description": "A small piece of work.",
                    "iconUrl": self.picture("issuetype/task"), "subtask": false, "hierarchyLevel": 0,
                },
                "priority": {"self": self.rest("2/priority/3"), "iconUrl": self.picture("priority/medium"), "name": "Medium", "id": "3"},
                "comment": {"comments": comments, "maxResults": total, "total": total, "startAt": 0},
            },
        })
    }

    fn project(&self, project: Project) -> Value {
        json!({
            "self": self.rest(&format!("2/project/{}", project.id)), "id": project.id.to_string(), "key": project.key, "name": project.name,
            "projectTypeKey": "software", "simplified": false, "avatarUrls": self.pictures(&format!("project/{}", project.id)),
        })
    }

    fn status(&self, status: Status) -> Value {
        let (id, key, colour) = match status {
            Status::ToDo => (2, "new", "blue-gray"),
            Status::InProgress => (4, "indeterminate", "yellow"),
            Status::Done => (3, "done", "green"),
        };
        json!({
            "self": self.rest(&format!("2/status/{}", status.id())), "description": "", "iconUrl": self.picture("status"),
            "name": status.name(), "id": status.id(),
            "statusCategory": {
                "self": self.rest(&format!("2/statuscategory/{id}")), "id": id, "key": key, "colorName": colour, "name": status.name(),
            },
        })
    }

    fn comment(&self, issue: &Issue, comment: &Comment) -> Value {
        let (author, created) = (self.person(&comment.author), moment(comment.created));
        json!({
            "self": self.rest(&format!("2/issue/{}/comment/{}", issue.id, comment.id)), "id": comment.id, "author": author, "body": comment.body,
            "updateAuthor": author, "created": created, "updated": created, "jsdPublic": true,
        })
    }

    /// An account with everything that Jira says of it.
    pub(in crate::jira) fn person(&self, account_id: &str) -> Value {
        let address = self.rest(&format!("2/user?accountId={}", account_id.replace(':', "%3A")));
        let person = json!({
            "self": address, "accountId": account_id, "avatarUrls": self.pictures(&format!("user/{account_id}")), "active": true,
            "timeZone": "Europe/Berlin",
        });
        match USERS.iter().find(|user| user.account_id == Some(account_id)) {
            Some(user) => {
                let mail = format!("{}@people.example", user.key);
                with(person, [("displayName", user.name.into()), ("emailAddress", mail.into()), ("accountType", "atlassian".into())])
            }
            // Whoever acts and is none of them is the app: nobody else has an account.
            None => with(person, [("displayName", self.site.app.name.into()), ("accountType", "app".into())]),
        }
    }

    fn pictures(&self, of: &str) -> Value {
        let sizes = ["48x48", "32x32", "24x24", "16x16"];
        sizes.into_iter().map(|size| (size.to_owned(), Value::from(self.picture(&format!("{of}/{size}"))))).collect::<Map<_, _>>().into()
    }

    fn picture(&self, of: &str) -> String {
        format!("{}/pictures/{of}", self.site.base_url)
    }

    fn rest(&self, path: &str) -> String {
        format!("{}/rest/api/{path}", self.site.base_url)
    }
}

/// The items of a changelog between two drafts, and Jira's name for the change; nothing, if nothing has changed. `keys` are the issue's,
/// before and after.
pub(super) fn changed(before: &Draft, after: &Draft, keys: [&str; 2]) -> Option<(&'static str, Vec<Value>)> {
    let mut items = Vec::new();
    let mut kind = "issue_updated";
    if before.summary != after.summary {
        items.push(item("summary", [None, None], [none_if_empty(&before.summary), none_if_empty(&after.summary)]));
    }
    if before.description != after.description {
        items.push(item("description", [None, None], [none_if_empty(&before.description), none_if_empty(&after.description)]));
    }
    if before.status != after.status {
        kind = "issue_generic";
        items.push(item(
            "status",
            [before, after].map(|draft| Some(draft.status.id())),
            [before, after].map(|draft| Some(draft.status.name())),
        ));
    }
    if before.assignee != after.assignee {
        let (from, to) = (before.assignee(), after.assignee());
        let accounts @ [left, taken] = [from, to].map(|user| user.and_then(|user| user.account_id));
        let assigned = item("assignee", accounts, [from, to].map(|user| user.map(|user| user.name)));
        kind = if items.is_empty() { "issue_assigned" } else { kind };
        // Beside the documented members.
        items.push(with(assigned, [("tmpFromAccountId", left.into()), ("tmpToAccountId", taken.into())]));
    }
    if before.project != after.project {
        kind = "issue_moved";
        let ids = [before, after].map(|draft| draft.project.to_string());
        let names = [before, after].map(|draft| PROJECTS.iter().find(|project| project.id == draft.project).map(|project| project.name));
        items.push(item("project", ids.each_ref().map(|id| Some(id.as_str())), names));
        items.push(item("Key", [None, None], keys.map(Some)));
    }
    (!items.is_empty()).then_some((kind, items))
}

fn item(field: &str, [from, to]: [Option<&str>; 2], [from_string, to_string]: [Option<&str>; 2]) -> Value {
    json!({
        "field": field, "fieldtype": "jira", "fieldId": field.to_lowercase(),
        "from": from, "fromString": from_string, "to": to, "toString": to_string,
    })
}

/// The object with these members, too.
fn with<const MORE: usize>(mut object: Value, more: [(&str, Value); MORE]) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

fn none_if_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// As Jira writes it.
fn moment(millis: i64) -> String {
    let seconds = rfc3339(millis.div_euclid(1000));
    format!("{}.{:03}+0000", seconds.trim_end_matches('Z'), millis.rem_euclid(1000))
}
