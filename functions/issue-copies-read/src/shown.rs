//! Both copies as JSON, and the difference between them by field.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use shared::connect::WebhookEvent;
use shared::issue_copies::IssueCopies;
use shared::issue_copies::version::Version;
use shared::platform::clock::rfc3339;

/// The copies of one issue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown<'a> {
    issue_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    last_event_at: String,
    gone_at: String,
    latest: Copy<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Copy<'a>>,
    difference: Vec<Difference<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Copy<'a> {
    event: WebhookEvent,
    at: String,
    fields: &'a BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    left_out: &'a [String],
}

/// A field that is not as it was; one that is missing on a side was not there.
#[derive(Debug, PartialEq, Serialize)]
struct Difference<'a> {
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Value>,
}

impl<'a> Shown<'a> {
    /// What is kept of the issue with this number; `None` if nothing of it is.
    pub(crate) fn of(issue_id: &'a str, copies: &'a IssueCopies) -> Option<Self> {
        let (latest, previous) = (copies.latest()?, copies.previous());
        Some(Self {
            issue_id,
            issue_key: latest.key.as_deref(),
            project_id: latest.project.map(|project| project.to_string()),
            last_event_at: rfc3339(copies.last_event_at()),
            gone_at: rfc3339(copies.gone_at()),
            latest: Copy::of(latest),
            previous: previous.map(Copy::of),
            difference: previous.map(|previous| difference(previous, latest)).unwrap_or_default(),
        })
    }
}

impl<'a> Copy<'a> {
    fn of(version: &'a Version) -> Self {
        Self { event: version.event, at: rfc3339(version.at()), fields: &version.fields, left_out: &version.left_out }
    }
}

/// What differs. Of a field that was left out on a side nobody knows whether it does.
fn difference<'a>(before: &'a Version, after: &'a Version) -> Vec<Difference<'a>> {
    let left_out: BTreeSet<&String> = before.left_out.iter().chain(&after.left_out).collect();
    let fields: BTreeSet<&String> = before.fields.keys().chain(after.fields.keys()).collect();
    let differences =
        fields.difference(&left_out).map(|field| Difference { field, before: before.fields.get(*field), after: after.fields.get(*field) });
    differences.filter(|difference| difference.before != difference.after).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(fields: &Value, left_out: &[&str]) -> Version {
        let version = json!({
            "order": {"at_millis": 1, "change": 0, "tie": ""}, "event": "jira:issue_updated", "key": null, "project": 1,
            "fields": fields, "left_out": left_out,
        });
        serde_json::from_value(version).unwrap()
    }

    #[test]
    fn the_difference_names_what_changed_came_and_went() {
        let before = version(&json!({"summary": "a", "status": 1, "gone": true, "large": 5}), &[]);
        let after = version(&json!({"summary": "b", "status": 1, "new": null}), &["large"]);
        let shown = serde_json::to_value(difference(&before, &after)).unwrap();
        let expected = json!([
            {"field": "gone", "before": true},
            {"field": "new", "after": null},
            {"field": "summary", "before": "a", "after": "b"},
        ]);
        assert_eq!(shown, expected);
    }
}
