//! People appear as account ids and nothing else: names, addresses and pictures are planted wherever a payload has a place for them, and found
//! nowhere behind the webhook.

use std::cell::Cell;

use http::StatusCode;
use local::jira::user::PROJECT;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tokio::runtime::Builder;

use crate::harness::World;
use crate::webhooks::{copies, deliver, millis, payload, select, tell};

/// What is planted: no part of it may be found.
const NAME: &str = "Nam3-0f-s0mebody";
const ADDRESS: &str = "m4il.0f+s0mebody@planted.example";
const PICTURE: &str = "https://avatar.example/p1cture";

/// A user as Jira shows it, with and without some of it.
fn user() -> impl Strategy<Value = Value> {
    let members = [
        ("accountId", json!("557058:f58131cb-b67d-43c7-b30d-6b58d40bd077")),
        ("displayName", json!(NAME)),
        ("emailAddress", json!(ADDRESS)),
        ("avatarUrls", json!({"48x48": PICTURE, "16x16": PICTURE})),
        ("timeZone", json!("Europe/Berlin")),
        ("self", json!(format!("https://acme.atlassian.net/user?username={NAME}"))),
        ("name", json!(NAME)),
        ("key", json!(NAME)),
        ("active", json!(true)),
    ];
    // Which of them are left out. Whoever has no account id, and is neither shown nor older than account ids, is no user.
    prop::collection::vec(any::<bool>(), members.len()).prop_map(move |left_out| {
        let kept = members.iter().zip(left_out).filter(|((name, _), out)| !out || ["name", "active"].contains(name));
        Value::Object(kept.map(|((name, value), _)| ((*name).to_owned(), value.clone())).collect())
    })
}

/// Whatever else may name somebody.
fn naming() -> impl Strategy<Value = Value> {
    prop_oneof![
        user(),
        Just(json!(format!("written to {ADDRESS}, twice"))),
        Just(json!(format!("@{ADDRESS} or mailto:{}", ADDRESS.replace('@', "%40")))),
        Just(json!(json!({"owner": {"displayName": NAME, "mail": ADDRESS}}).to_string())),
        Just(json!(format!("ask [~{NAME}]"))),
        Just(json!({"type": "mention", "attrs": {"id": "5b10", "text": format!("@{NAME}")}})),
        Just(json!({"avatarUrls": {"48x48": PICTURE}, "name": "a project"})),
        Just(json!({ ADDRESS: true })),
        "[a-z ]{0,12}".prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
    ]
}

/// Such, as deep in lists and objects as anybody nests.
fn nested() -> impl Strategy<Value = Value> {
    naming().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

async fn watching() -> World {
    let world = World::installed().await;
    let fields = ["summary", "description", "assignee", "comment", "customfield_1"];
    assert!(select(&world, &world.acme, &[PROJECT], &fields).await.status.is_success());
    deliver(&world).await;
    world
}

/// Promises E-01, A-13: whatever field it stands in and however deep.
#[test]
fn people_are_kept_as_account_ids_and_nothing_else() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(watching());
    let cases = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) };
    let issues = Cell::new(0);
    proptest!(cases, |(summary in nested(), description in nested(), assignee in user(), comment in nested(), custom in nested())| {
        let issue = issues.get() + 1;
        issues.set(issue);
        let fields = json!({"summary": summary, "description": description, "assignee": assignee, "comment": comment, "customfield_1": custom});
        let mut told = payload("jira:issue_updated", issue, millis(&world), &fields);
        told["user"] = assignee.clone();
        told["changelog"]["items"] = json!([{"field": "assignee", "fromString": NAME, "toString": NAME}]);
        let shown = runtime.block_on(async {
            assert_eq!(tell(&world, "jira:issue_updated", &issue.to_string(), &told).await.status, StatusCode::NO_CONTENT);
            deliver(&world).await;
            copies(&world, &world.acme, issue).await
        });
        prop_assert_eq!(shown.status, StatusCode::OK);
        let text = shown.text();
        for planted in [NAME, "m4il", "planted.example", "p1cture", "Berlin"] {
            prop_assert!(!text.contains(planted), "{} in {}", planted, text);
        }
        let expected = if assignee.get("accountId").is_some() { json!({"accountId": assignee["accountId"]}) } else { Value::Null };
        prop_assert_eq!(&shown.json()["latest"]["fields"]["assignee"], &expected);
    });
}

/// What is sealed is looked at where it is read, above. What is not sealed, the keys and the outsides, names nobody and nothing.
#[tokio::test]
async fn no_key_and_no_message_names_anybody() {
    let world = watching().await;
    let told = payload(
        "jira:issue_updated",
        1,
        millis(&world),
        &json!({"assignee": {"accountId": "5b10", "displayName": NAME}, "summary": ADDRESS}),
    );
    assert_eq!(tell(&world, "jira:issue_updated", ADDRESS, &told).await.status, StatusCode::NO_CONTENT);
    let queued = world.aws().messages("IssueEventsQueue").await.unwrap().concat();
    deliver(&world).await;
    let stored = world.aws().dump().unwrap().to_string();
    for planted in [NAME, ADDRESS, "5b10"] {
        assert!(!queued.contains(planted) && !stored.contains(planted), "{planted}");
    }
}
