//! What begins with an issue: Jira tells of it, whether anybody has selected it or not; if so it goes through the queue into its copies, and somebody
//! reads them.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::CostFault;
use super::stage::{Stage, Step, Traffic};

/// How long the text of an issue is here.
const DESCRIPTION_CHARACTERS: usize = 2_000;

const JSON: &str = "application/json";

/// The steps.
pub(super) struct Issues {
    pub(super) ignored: Step,
    pub(super) kept: Step,
    pub(super) read: Step,
}

impl Issues {
    pub(super) const fn steps(&self) -> [&Step; 3] {
        [&self.ignored, &self.kept, &self.read]
    }
}

/// By functions that have the tenant's keys; the issue has two copies before it is told of once more.
pub(super) async fn measure(stage: &Stage) -> Result<Issues, CostFault> {
    tells(stage, 1).await?;
    let ignored = stage.measure("Jira tells of an issue that nobody has selected", &["webhooks"], tells(stage, 2)).await?;
    let selection = json!({"projects": ["10000"], "fields": ["summary", "description", "status"]}).to_string();
    stage.page_calls(Method::PUT, "configuration/issue-copies", JSON, selection).await?;
    for change in 3..5 {
        kept(stage, change).await?;
    }
    let kept = stage.measure("it tells of one that is selected, and it is copied", &["webhooks", "issue-copies"], kept(stage, 5)).await?;
    let read = || async { Ok(stage.page_calls(Method::GET, "issue-copies/10001", JSON, Bytes::new()).await?.traffic) };
    read().await?;
    Ok(Issues { ignored, kept, read: stage.measure("the copies of an issue are read", &["issue-copies-read"], read()).await? })
}

async fn kept(stage: &Stage, change: i64) -> Result<Traffic, CostFault> {
    let traffic = tells(stage, change).await?;
    stage.host.deliver().await?;
    Ok(traffic)
}

async fn tells(stage: &Stage, change: i64) -> Result<Traffic, CostFault> {
    stage.tells("issue_updated", &format!("change-{change}"), &payload(stage.now(), change)).await
}

fn payload(now: i64, change: i64) -> Value {
    let person = json!({"accountId": "5b10ac8d82e05b22cc7d4ef5", "accountType": "atlassian", "displayName": "Ada Lovelace"});
    let summary = format!("The export of plans stops, seen {change} times");
    json!({
        "timestamp": (now - 60 + change) * 1000,
        "webhookEvent": "jira:issue_updated",
        "user": person,
        "issue": {"id": "10001", "key": "DEMO-1", "fields": {
            "project": {"id": "10000", "key": "DEMO"},
            "summary": summary,
            "description": super::scenes::noise_text(DESCRIPTION_CHARACTERS),
            "status": {"id": "3", "name": "In Progress"},
            "assignee": person,
            "reporter": person,
        }},
        "changelog": {"id": change.to_string(), "items": [{"field": "summary", "toString": summary}]},
    })
}
