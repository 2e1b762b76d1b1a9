//! What Jira tells an app of issues: the events that we ask for, and the parts of a payload that we read.
//!
//! Only the shape of the three events of issues is documented; of the others whatever is missing is missed without complaint. Members that we
//! have no use for are never looked at. Source: <https://developer.atlassian.com/cloud/jira/platform/webhooks/>.

use std::collections::BTreeMap;

use http::{HeaderName, header::HeaderMap};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lifecycle::BadPayload;
use crate::lenient::lenient;

/// Names one event of one tenant, the same whenever it is sent again.
pub const IDENTIFIER: HeaderName = HeaderName::from_static("x-atlassian-webhook-identifier");

/// Carries what an app wrote into the REST call that caused the event.
pub const TRACE: HeaderName = HeaderName::from_static("x-atlassian-webhook-trace");

/// An event that we ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum WebhookEvent {
    #[serde(rename = "jira:issue_created")]
    IssueCreated,
    #[serde(rename = "jira:issue_updated")]
    IssueUpdated,
    #[serde(rename = "jira:issue_deleted")]
    IssueDeleted,
    #[serde(rename = "comment_created")]
    CommentCreated,
    #[serde(rename = "comment_updated")]
    CommentUpdated,
    #[serde(rename = "comment_deleted")]
    CommentDeleted,
    #[serde(rename = "worklog_created")]
    WorklogCreated,
    #[serde(rename = "worklog_updated")]
    WorklogUpdated,
    #[serde(rename = "worklog_deleted")]
    WorklogDeleted,
    #[serde(rename = "attachment_created")]
    AttachmentCreated,
    #[serde(rename = "attachment_deleted")]
    AttachmentDeleted,
}

impl WebhookEvent {
    /// Every event that we ask for.
    pub const ALL: &'static [Self] = &[
        Self::IssueCreated,
        Self::IssueUpdated,
        Self::IssueDeleted,
        Self::CommentCreated,
        Self::CommentUpdated,
        Self::CommentDeleted,
        Self::WorklogCreated,
        Self::WorklogUpdated,
        Self::WorklogDeleted,
        Self::AttachmentCreated,
        Self::AttachmentDeleted,
    ];

    /// As Jira names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IssueCreated => "jira:issue_created",
            Self::IssueUpdated => "jira:issue_updated",
            Self::IssueDeleted => "jira:issue_deleted",
            Self::CommentCreated => "comment_created",
            Self::CommentUpdated => "comment_updated",
            Self::CommentDeleted => "comment_deleted",
            Self::WorklogCreated => "worklog_created",
            Self::WorklogUpdated => "worklog_updated",
            Self::WorklogDeleted => "worklog_deleted",
            Self::AttachmentCreated => "attachment_created",
            Self::AttachmentDeleted => "attachment_deleted",
        }
    }

    /// As our paths name it: without the colon, which signers may escape or not.
    #[must_use]
    pub fn segment(self) -> &'static str {
        let name = self.name();
        name.strip_prefix("jira:").unwrap_or(name)
    }

    /// The event of this path segment.
    #[must_use]
    pub fn of_segment(segment: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.segment() == segment)
    }

    /// Whether the payload shows the issue with its fields.
    #[must_use]
    pub const fn shows_issue(self) -> bool {
        matches!(self, Self::IssueCreated | Self::IssueUpdated)
    }
}

/// What one payload says, as far as we read it.
#[derive(Debug)]
pub struct Told<'b> {
    /// When it happened, in milliseconds since 1970, by Jira's clock.
    pub at_millis: Option<i64>,
    /// Jira's number of the change; 0 where there was none.
    pub change: u64,
    /// Whether the issue went to another project by it.
    pub moved: bool,
    /// Who did it.
    pub actor: Option<Actor>,
    /// Jira's number of the issue, as text.
    pub issue_id: Option<String>,
    /// The issue's key, which may change.
    pub issue_key: Option<String>,
    /// Jira's number of the issue's project.
    pub project: Option<u64>,
    /// The issue's fields, unread.
    pub fields: BTreeMap<String, &'b RawValue>,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// Atlassian's account id.
    pub account_id: String,
    /// `app` for what is no person.
    #[serde(default)]
    pub account_type: Option<String>,
}

impl Actor {
    /// Whether it is an app.
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.account_type.as_deref() == Some("app")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'b> {
    webhook_event: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    timestamp: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<Actor>,
    #[serde(borrow)]
    issue: Option<Issue<'b>>,
    #[serde(default, deserialize_with = "lenient")]
    changelog: Option<Changelog>,
    #[serde(default, deserialize_with = "lenient")]
    comment: Option<Part>,
    #[serde(default, deserialize_with = "lenient")]
    worklog: Option<Part>,
    #[serde(default, deserialize_with = "lenient")]
    attachment: Option<Part>,
}

#[derive(Deserialize)]
struct Issue<'b> {
    id: Option<Id>,
    key: Option<String>,
    #[serde(borrow, default)]
    fields: Option<BTreeMap<String, &'b RawValue>>,
}

#[derive(Deserialize)]
struct Changelog {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<Id>,
    #[serde(default, deserialize_with = "lenient")]
    items: Option<Vec<Change>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    #[serde(default, deserialize_with = "lenient")]
    field: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    field_id: Option<String>,
}

/// A comment, a worklog or an attachment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default, deserialize_with = "lenient")]
    issue_id: Option<Id>,
    #[serde(default, deserialize_with = "lenient")]
    update_author: Option<Actor>,
    #[serde(default, deserialize_with = "lenient")]
    author: Option<Actor>,
}

#[derive(Deserialize)]
struct Project {
    id: Id,
}

/// Jira writes its numbers as texts and, here and there, as numbers.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

impl Id {
    fn number(&self) -> Option<u64> {
        match self {
            // Only as it would be written, so that one issue has one name.
            Self::Text(text) => text.parse().ok().filter(|number: &u64| number.to_string() == *text),
            Self::Number(number) => Some(*number),
        }
    }
}

impl<'b> Told<'b> {
    /// Reads a payload that came as `event`.
    ///
    /// # Errors
    /// [`BadPayload`] if it is no JSON object, is of another event, or is about an issue without naming it.
    pub fn read(body: &'b [u8], event: WebhookEvent) -> Result<Self, BadPayload> {
        let payload: Payload<'b> = serde_json::from_slice(body)
            .map_err(|_| BadPayload { field: "body", problem: "must be a JSON object as Jira's webhooks send it" })?;
        if payload.webhook_event.is_some_and(|said| said != event.name()) {
            return Err(BadPayload { field: "webhookEvent", problem: "must be the event that the path names" });
        }
        let (issue, parts) = (payload.issue, [payload.comment, payload.worklog, payload.attachment]);
        let part = parts.into_iter().flatten().next();
        let said = issue.as_ref().and_then(|issue| issue.id.clone()).or_else(|| part.as_ref()?.issue_id.clone());
        let issue_id = match said {
            Some(id) => Some(id.number().ok_or(BadPayload { field: "issue.id", problem: "must be a number" })?),
            // Of what hangs on an issue, some say whose it is and some do not.
            None if event.shows_issue() || event == WebhookEvent::IssueDeleted => {
                return Err(BadPayload { field: "issue.id", problem: "must be there" });
            }
            None => None,
        };
        let (issue_key, fields) = issue.map(|issue| (issue.key, issue.fields.unwrap_or_default())).unwrap_or_default();
        let project = fields.get("project").and_then(|raw| serde_json::from_str::<Project>(raw.get()).ok()?.id.number());
        let changelog = payload.changelog;
        let moved = changelog.iter().flat_map(|log| log.items.iter().flatten()).any(Change::is_of_project);
        Ok(Self {
            at_millis: payload.timestamp,
            change: changelog.and_then(|log| log.id?.number()).unwrap_or_default(),
            moved,
            actor: payload.user.or_else(|| part.and_then(|part| part.update_author.or(part.author))),
            issue_id: issue_id.map(|id| id.to_string()),
            issue_key,
            project,
            fields,
        })
    }
}

impl Change {
    fn is_of_project(&self) -> bool {
        [&self.field, &self.field_id].into_iter().flatten().any(|field| field == "project")
    }
}

/// What a header says, if it stands there once, as the bytes that came.
#[must_use]
pub fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value, event: WebhookEvent) -> Result<(Option<String>, Option<u64>, u64, bool), BadPayload> {
        let text = body.to_string();
        let told = Told::read(text.as_bytes(), event)?;
        Ok((told.issue_id, told.project, told.change, told.moved))
    }

    #[test]
    fn every_event_has_one_name_and_one_segment() {
        for event in WebhookEvent::ALL {
            assert_eq!(WebhookEvent::of_segment(event.segment()), Some(*event));
            assert_eq!(serde_json::to_value(event).unwrap(), event.name());
            assert!(event.segment().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        }
        assert_eq!(WebhookEvent::of_segment("jira:issue_created"), None);
    }

    #[test]
    fn an_issues_event_names_issue_project_and_change() {
        let body = json!({
            "timestamp": 1, "webhookEvent": "jira:issue_updated", "user": {"accountId": "a", "accountType": "app"},
            "issue": {"id": "10001", "key": "DEMO-1", "fields": {"project": {"id": "10000"}, "summary": "s"}},
            "changelog": {"id": "77", "items": [{"field": "summary", "toString": "s"}]},
        });
        assert_eq!(read(&body, WebhookEvent::IssueUpdated).unwrap(), (Some("10001".to_owned()), Some(10_000), 77, false));
        let text = body.to_string();
        let told = Told::read(text.as_bytes(), WebhookEvent::IssueUpdated).unwrap();
        assert!(told.actor.unwrap().is_app());
        assert_eq!(told.fields["summary"].get(), "\"s\"");
    }

    #[test]
    fn a_move_to_another_project_is_seen_in_the_change() {
        for item in [json!({"field": "project"}), json!({"field": "Projekt", "fieldId": "project"})] {
            let body = json!({"issue": {"id": 5}, "changelog": {"id": 9, "items": [{"field": "Key"}, item]}});
            assert_eq!(read(&body, WebhookEvent::IssueUpdated).unwrap(), (Some("5".to_owned()), None, 9, true));
        }
    }

    #[test]
    fn what_hangs_on_an_issue_may_say_on_which() {
        assert_eq!(read(&json!({"worklog": {"issueId": "7"}}), WebhookEvent::WorklogCreated).unwrap().0, Some("7".to_owned()));
        assert_eq!(read(&json!({"comment": {}, "issue": {"id": "8"}}), WebhookEvent::CommentCreated).unwrap().0, Some("8".to_owned()));
        assert_eq!(read(&json!({"attachment": {"id": "9"}}), WebhookEvent::AttachmentCreated).unwrap().0, None);
    }

    #[test]
    fn members_of_another_form_are_missed_without_complaint() {
        let body = json!({"timestamp": "soon", "user": 5, "changelog": [], "comment": "c", "issue": {"id": "5", "fields": null}});
        assert_eq!(read(&body, WebhookEvent::IssueUpdated).unwrap(), (Some("5".to_owned()), None, 0, false));
        let body = json!({"issue": {"id": "5"}, "changelog": {"id": {}, "items": [{"field": 7, "fieldId": "project"}]}});
        assert_eq!(read(&body, WebhookEvent::IssueUpdated).unwrap(), (Some("5".to_owned()), None, 0, true));
        let body = json!({"worklog": {"issueId": 5, "author": {"displayName": "nobody"}}, "changelog": {"items": null}});
        assert_eq!(read(&body, WebhookEvent::WorklogUpdated).unwrap().0, Some("5".to_owned()));
    }

    #[test]
    fn a_payload_that_is_none_is_refused_by_its_field() {
        for (body, field) in [
            (json!([]), "body"),
            (json!("x"), "body"),
            (json!({}), "issue.id"),
            (json!({"issue": {}}), "issue.id"),
            (json!({"issue": {"id": "DEMO-1"}}), "issue.id"),
            (json!({"issue": {"id": "007"}}), "issue.id"),
            (json!({"issue": {"id": "5"}, "webhookEvent": "jira:issue_created"}), "webhookEvent"),
        ] {
            assert_eq!(read(&body, WebhookEvent::IssueUpdated).unwrap_err().field, field, "{body}");
        }
        assert_eq!(Told::read(b"{\"issue\":", WebhookEvent::IssueUpdated).unwrap_err().field, "body");
    }
}
