//! What administrators select is what is kept, from the moment that they say so: what they take out is deleted, also what was on its way.

use axum::body::Body;
use http::{Method, StatusCode};
use local::aws::{Fault, Service};
use local::jira::user::{PROJECT, SECRET_PROJECT};
use serde_json::json;

use crate::harness::{CONFIGURATION, World, page_request};
use crate::issue_copies::items;
use crate::webhooks::{copies, deliver, millis, payload, select, selected, summaries, tell, update};

async fn deselect(world: &World) -> StatusCode {
    world.as_page(&world.acme, Method::DELETE, &format!("{CONFIGURATION}/issue-copies"), Body::empty()).await.status
}

fn is_empty(world: &World) -> bool {
    !items(world).contains_key("issue-copies")
}

/// Promise E-10: what is not needed any more goes, all of it.
#[tokio::test]
async fn what_is_taken_out_of_the_selection_is_deleted() {
    let world = selected().await;
    for issue in 1..=120 {
        update(&world, issue, millis(&world), "one").await;
    }
    deliver(&world).await;
    assert_eq!(items(&world)["issue-copies"], 120);
    // Through three pages of copies.
    assert_eq!(deselect(&world).await, StatusCode::NO_CONTENT);
    deliver(&world).await;
    assert!(is_empty(&world), "{:?}", items(&world));
}

#[tokio::test]
async fn a_project_that_is_taken_out_takes_its_copies_along_and_no_others() {
    let world = World::installed().await;
    assert!(select(&world, &world.acme, &[PROJECT, SECRET_PROJECT], &["summary"]).await.status.is_success());
    update(&world, 1, millis(&world), "stays").await;
    let other =
        payload("jira:issue_updated", 2, millis(&world), &json!({"summary": "goes", "project": {"id": SECRET_PROJECT.to_string()}}));
    tell(&world, "jira:issue_updated", "other", &other).await;
    deliver(&world).await;
    assert_eq!(items(&world)["issue-copies"], 2);
    assert!(select(&world, &world.acme, &[PROJECT], &["summary"]).await.status.is_success());
    deliver(&world).await;
    assert_eq!((items(&world)["issue-copies"], summaries(&world, 1).await), (1, vec!["stays".to_owned()]));
    assert_eq!(copies(&world, &world.acme, 2).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_field_that_is_taken_out_is_taken_out_of_every_copy() {
    let world = World::installed().await;
    assert!(select(&world, &world.acme, &[PROJECT], &["summary", "description"]).await.status.is_success());
    for (at, text) in [(0, "one"), (1, "two")] {
        let told = payload("jira:issue_updated", 1, millis(&world) + at, &json!({"summary": text, "description": text}));
        tell(&world, "jira:issue_updated", text, &told).await;
    }
    deliver(&world).await;
    let gone_at = copies(&world, &world.acme, 1).await.json()["goneAt"].clone();
    world.clock.advance(std::time::Duration::from_secs(86_400));
    assert!(select(&world, &world.acme, &[PROJECT], &["summary"]).await.status.is_success());
    deliver(&world).await;
    let shown = copies(&world, &world.acme, 1).await.json();
    assert_eq!([&shown["latest"]["fields"], &shown["previous"]["fields"]], [&json!({"summary": "two"}), &json!({"summary": "one"})]);
    assert_eq!(shown["goneAt"], gone_at, "taking something out prolongs nothing");
}

/// An issue that is deleted while nothing is selected for a moment does not come back with the selection.
#[tokio::test]
async fn an_issue_that_is_deleted_while_nothing_is_selected_is_gone() {
    let world = selected().await;
    update(&world, 1, millis(&world), "one").await;
    deliver(&world).await;
    assert_eq!(deselect(&world).await, StatusCode::NO_CONTENT);
    assert_eq!(copies(&world, &world.acme, 1).await.status, StatusCode::NOT_FOUND, "not shown, though it lies there still");
    let deleted = payload("jira:issue_deleted", 1, millis(&world) + 1, &json!({}));
    assert_eq!(tell(&world, "jira:issue_deleted", "d", &deleted).await.status, StatusCode::NO_CONTENT);
    assert!(select(&world, &world.acme, &[PROJECT], &["summary"]).await.status.is_success());
    deliver(&world).await;
    assert_eq!(copies(&world, &world.acme, 1).await.status, StatusCode::NOT_FOUND);
}

/// What was selected when it came and is not when it is kept leaves nothing behind.
#[tokio::test]
async fn what_was_on_its_way_when_the_selection_changed_is_not_kept() {
    let world = selected().await;
    update(&world, 1, millis(&world), "on its way").await;
    assert_eq!(deselect(&world).await, StatusCode::NO_CONTENT);
    deliver(&world).await;
    assert!(is_empty(&world));
}

/// An issue that moves to a project which is not selected is forgotten, and what comes late from before the move is not kept.
#[tokio::test]
async fn an_issue_that_moves_out_of_the_selection_is_forgotten() {
    let world = selected().await;
    update(&world, 1, millis(&world), "here").await;
    let mut moved = payload("jira:issue_updated", 1, millis(&world) + 2, &json!({"summary": "there", "project": {"id": "77"}}));
    moved["changelog"]["items"] = json!([{"field": "project"}]);
    tell(&world, "jira:issue_updated", "moved", &moved).await;
    deliver(&world).await;
    assert_eq!(copies(&world, &world.acme, 1).await.status, StatusCode::NOT_FOUND);
    update(&world, 1, millis(&world) + 1, "late").await;
    deliver(&world).await;
    assert_eq!(copies(&world, &world.acme, 1).await.status, StatusCode::NOT_FOUND);
    update(&world, 1, millis(&world) + 3, "back").await;
    deliver(&world).await;
    assert_eq!(summaries(&world, 1).await, ["back"]);
}

#[tokio::test]
async fn a_selection_of_another_form_is_refused_and_changes_nothing() {
    let world = selected().await;
    for (json, field) in
        [("5", "body"), (r#"{"projects":["*"],"fields":["summary"]}"#, "projects"), (r#"{"projects":["1"],"fields":["a b"]}"#, "fields")]
    {
        let answer = world.put(&world.acme, "issue-copies", json).await;
        assert_eq!((answer.status, answer.field().as_str()), (StatusCode::BAD_REQUEST, field), "{json}");
    }
    update(&world, 1, millis(&world), "still").await;
    deliver(&world).await;
    assert_eq!(summaries(&world, 1).await, ["still"]);
}

/// Whoever cannot be told that the selection has changed says so, and is told when asked once more.
#[tokio::test]
async fn a_change_that_cannot_take_effect_is_said_and_can_be_sent_again() {
    let world = selected().await;
    update(&world, 1, millis(&world), "one").await;
    deliver(&world).await;
    tokio::time::pause();
    world.aws().faults().on(Service::Sqs, "SendMessage", Fault::InternalError, u32::MAX);
    let refused = world.as_page(&world.acme, Method::DELETE, &format!("{CONFIGURATION}/issue-copies"), Body::empty()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text().contains("send it once more"), "{}", refused.text());
    world.aws().faults().clear();
    // As whoever changes what they have read sends it again: the tag is an old one by now, and it takes effect.
    let request = page_request(&world.acme, Method::DELETE, &format!("{CONFIGURATION}/issue-copies"), world.now());
    let repeated = world.send(request.header("if-match", "\"1-0000000000000000\"").body(Body::empty()).unwrap()).await;
    assert!([StatusCode::NO_CONTENT, StatusCode::PRECONDITION_FAILED].contains(&repeated.status));
    deliver(&world).await;
    assert!(is_empty(&world));
}
