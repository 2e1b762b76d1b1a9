//! What a site tells of its issues: through the front door into the queue that keeps their order, from there into the table, sealed all the way, and
//! read again by whom the project lets.

use http::{Method, StatusCode};
use local::jira::user::MEMBER;
use serde_json::{Value, json};

use super::customer::Customer;
use super::stack::until;
use super::stay::MARK;

const SELECTION: &str = "/configuration/issue-copies";

pub const COPIES: &str = "/issue-copies/10001";

/// Must be readable nowhere, sealed or not: nobody has selected it, and it is a person's.
pub const NAME: &str = "Ada of the deployment";

fn selection() -> Value {
    json!({"projects": ["10000"], "fields": ["summary"]})
}

fn summary(number: i64) -> String {
    format!("{MARK} for the {number}. time")
}

/// The issue as it was changed this often since `begun`, in seconds; a change a second. Told again, it is the same to the last byte: another
/// time under the same identifier would be another event, which nobody may take for the first.
async fn tells(customer: &Customer<'_>, begun: i64, number: i64) {
    let person = json!({"accountId": "5b10ac8d82e05b22cc7d4ef5", "accountType": "atlassian", "displayName": NAME});
    let payload = json!({
        "timestamp": (begun + number) * 1000,
        "webhookEvent": "jira:issue_updated",
        "user": person,
        "issue": {"id": "10001", "key": "DEMO-1", "fields": {
            "project": {"id": "10000", "key": "DEMO"},
            "summary": summary(number),
            "description": MARK,
            "assignee": person,
        }},
        "changelog": {"id": (20_000 + number).to_string(), "items": [{"field": "summary", "toString": summary(number)}]},
    });
    let identifier = format!("of-the-deployment-{number}");
    let answer = customer.tell_of_issue("issue_updated", &identifier, &payload).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
}

/// Nothing is kept before somebody selects it; then two states and never a third, however often each is told.
pub async fn are_copied_once_they_are_selected(customer: &Customer<'_>) {
    let begun = customer.stack.now() - 60;
    tells(customer, begun, 1).await;
    let put = customer.call(Method::PUT, SELECTION, selection().to_string()).await;
    assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
    for number in [3, 4, 2, 4] {
        tells(customer, begun, number).await;
    }
    until("the issue is copied", async || latest(customer).await == Some(summary(4))).await;
    are_there(customer).await;
}

async fn latest(customer: &Customer<'_>) -> Option<String> {
    let got = customer.call(Method::GET, COPIES, "").await;
    let is_there = got.status == StatusCode::OK;
    is_there.then(|| got.json()["latest"]["fields"]["summary"].as_str().map(ToOwned::to_owned)).flatten()
}

pub async fn are_there(customer: &Customer<'_>) {
    let got = customer.call_as(MEMBER, Method::GET, COPIES, "").await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text());
    let copies = got.json();
    assert_eq!(copies["latest"]["fields"], json!({"summary": summary(4)}), "{copies}");
    assert_eq!(copies["previous"]["fields"], json!({"summary": summary(3)}), "{copies}");
    assert_eq!(copies["difference"], json!([{"field": "summary", "before": summary(3), "after": summary(4)}]));
}
