//! Telemetry in the small Jira: what a page sends, what leaves of it, and what is shown of both.

use super::*;
use crate::jira::user::ADMIN;

impl Player {
    /// Has the page do something, and lets all of it leave.
    async fn reports(&self, site: &str, deed: &str) -> Value {
        let done = json(self.post(&format!("sites/{site}/telemetry/{deed}"), &json!({"user": "ada"})).await).await;
        self.advance(0).await;
        done
    }

    /// What a service was sent last.
    async fn received(&self, sink: &str) -> Vec<Value> {
        let telemetry = self.get("telemetry").await;
        let sinks = telemetry["sinks"].as_array().unwrap();
        sinks.iter().find(|one| one["key"] == sink).unwrap()["received"].as_array().unwrap().clone()
    }
}

/// Promises.
#[tokio::test]
async fn a_view_leaves_with_three_facts_and_with_no_header_of_the_browser() {
    let player = Player::new().await;
    player.act("acme", "install").await;
    assert_eq!(player.reports("acme", "view").await["taken"], true);
    let received = player.received("ga4").await;
    assert_eq!((received.len(), &received[0]["status"], &received[0]["complaint"]), (1, &json!(204), &Value::Null));
    let body: Value = serde_json::from_str(received[0]["body"].as_str().unwrap()).unwrap();
    let params = body.pointer("/events/0/params").unwrap().as_object().unwrap();
    assert_eq!(params.keys().collect::<Vec<_>>(), ["page_location", "page_referrer", "tenant"]);
    let headers = received[0]["headers"].as_array().unwrap();
    let names: Vec<&str> = headers.iter().map(|header| header[0].as_str().unwrap()).collect();
    assert!(names.iter().all(|name| ["accept", "content-length", "content-type", "host"].contains(name)), "{names:?}");
}

/// Promise A-23.
#[tokio::test]
async fn an_error_comes_in_with_people_in_it_and_leaves_without() {
    let player = Player::new().await;
    player.act("acme", "install").await;
    assert_eq!(player.reports("acme", "error").await["taken"], true);
    let arrived = player.get("telemetry").await["arrived"][0].clone();
    assert_eq!((&arrived["sent"], &arrived["status"]), (&json!("browser-errors"), &json!(200)));
    let left = player.received("sentry").await[0].to_string();
    assert!(left.contains("Cannot read properties of undefined") && left.contains("showAssignee"), "{left}");
    for plant in [ADMIN.account_id.unwrap(), "ada.lovelace", "Mozilla", "breadcrumbs", "eyJhbGciOiJIUzI1NiJ9"] {
        assert!(arrived.to_string().contains(plant), "{plant} was not sent");
        assert!(!left.contains(plant), "{plant} has left: {left}");
    }
}

#[tokio::test]
async fn a_site_without_the_app_has_no_page_that_reports() {
    let player = Player::new().await;
    let refused = player.post("sites/acme/telemetry/view", &json!({"user": "ada"})).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let nobody = player.post("sites/acme/telemetry/view", &json!({"user": "somebody"})).await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_day_is_reported_before_it_is_closed() {
    let player = Player::new().await;
    let answer = json(player.post("telemetry/report", &json!({})).await).await;
    assert_eq!(answer["reports"], json!([]));
    assert!(answer["said"].as_str().unwrap().starts_with("No day is closed yet"));
}
