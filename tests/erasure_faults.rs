//! Whatever call to AWS fails while an operator does something: without its entry in the audit nothing happens, and asked again it is as if it had
//! been asked once. And what operators do leaves no trace of whom it was about but a digest.

use axum::body::Body;
use http::{Request, StatusCode};
use local::atlassian::Site;
use local::aws::{Call, Fault, Service};
use serde_json::{Value, json};
use shared::tenant::id::digest;

use crate::erasure::{ADA, DAY, about, audit, by, kept, request, tenant_id};
use crate::harness::{Answer, World, site};
use crate::secrets::Log;

const FAULTS: [Fault; 2] = [Fault::BeforeSend, Fault::AfterEffect];

/// What can be done, and to whom: one who is there, who has left, who was marked, or who is held.
const DEEDS: [(&str, Before); 8] = [
    ("status", Before::Left),
    ("dry-run", Before::Left),
    ("early-deletion", Before::Left),
    ("mark", Before::Active),
    ("unmark", Before::Marked),
    ("hold", Before::Left),
    ("hold", Before::Held),
    ("lift", Before::Held),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Active,
    Left,
    Marked,
    Held,
}

fn more(deed: &str) -> Value {
    match deed {
        "early-deletion" => json!({"reason": "customer-request"}),
        "mark" => json!({"reason": "site-gone"}),
        "hold" => json!({"reason": "investigation", "days": 30}),
        _ => json!({}),
    }
}

/// One world for many, whose clock stands still, so that what becomes of one can be compared with what became of another. From here on no socket
/// is waited for, and the SDK's patience need not be ours.
async fn world() -> World {
    let world = World::new().await;
    world.fetch_install_keys().await;
    tokio::time::pause();
    world
}

/// Somebody new, to whom the deed can be done.
async fn somebody(world: &World, before: Before) -> Site {
    let somebody = site(&format!("site-{}", world.aws().calls().count_all(Service::DynamoDb)));
    let (came, now) = (world.now() - 60, world.now());
    assert_eq!(world.lifecycle(&somebody, "installed", came, &somebody.payload("installed")).await.status, StatusCode::NO_CONTENT);
    came_long_ago(world, &somebody);
    if before == Before::Marked {
        let marked = by(world, ADA, request("mark", &about(&somebody, more("mark")))).await;
        assert_eq!(marked.status, StatusCode::OK, "{}", marked.text());
    } else if before != Before::Active {
        assert_eq!(world.lifecycle(&somebody, "uninstalled", now, &somebody.payload("uninstalled")).await.status, StatusCode::NO_CONTENT);
    }
    if before == Before::Held {
        let held = by(world, ADA, request("hold", &about(&somebody, json!({"reason": "dispute", "days": 3})))).await;
        assert_eq!(held.status, StatusCode::OK, "{}", held.text());
    }
    somebody
}

/// So that no leaving is in doubt.
fn came_long_ago(world: &World, somebody: &Site) {
    let key = json!({"digest": {"S": digest(somebody.app.slug, &somebody.client_key)}});
    let mut tenant = world.aws().item("TenantsTable", &key).unwrap().unwrap();
    tenant["event_iat"] = json!({"N": (world.now() - 2 * DAY).to_string()});
    world.aws().put_item("TenantsTable", &tenant).unwrap();
}

/// Does the deed.
async fn act(world: &World, deed: &str, whom: &Site) -> Answer {
    let mut more = more(deed);
    if deed == "early-deletion" {
        more["tenantId"] = tenant_id(world, whom).into();
    }
    by(world, ADA, request(deed, &about(whom, more))).await
}

/// Does it where nothing fails: the calls that it took, and what is stored then.
async fn act_well(world: &World, deed: &str, before: Before) -> (Vec<Call>, Value) {
    let whom = somebody(world, before).await;
    let mark = world.aws().calls().mark();
    let answer = act(world, deed, &whom).await;
    assert_eq!(answer.status, StatusCode::OK, "{deed}: {}", answer.text());
    (world.aws().calls().since(mark), stored(world, &whom).await)
}

/// What is stored of a tenant, without what is random or its own.
async fn stored(world: &World, whom: &Site) -> Value {
    let mut stored = json!(world.stored(whom).await);
    for items in stored.as_array_mut().unwrap() {
        for item in items.as_array_mut().unwrap().iter_mut().filter_map(Value::as_object_mut) {
            for own in ["digest", "due_shard", "tenant_id", "account", "versions", "move_id"] {
                item.remove(own);
            }
        }
    }
    stored
}

fn operations(calls: &[Call]) -> Vec<(Service, String)> {
    let mut found: Vec<(Service, String)> = Vec::new();
    for call in calls.iter().map(|call| (call.service, call.operation.clone())) {
        if !found.contains(&call) {
            found.push(call);
        }
    }
    found
}

/// Promise E-36.
#[tokio::test]
async fn a_deed_that_failed_is_done_once_when_it_is_asked_for_again() {
    let world = world().await;
    for (deed, before) in DEEDS {
        let (calls, expected) = act_well(&world, deed, before).await;
        let needed = operations(&calls);
        assert!(needed.contains(&(Service::DynamoDb, "PutItem".to_owned())) && needed.len() >= 3, "{deed}: {needed:?}");
        for ((service, operation), fault) in needed.into_iter().flat_map(|call| FAULTS.map(|fault| (call.clone(), fault))) {
            let (whom, case) = (somebody(&world, before).await, format!("{deed} {before:?}: {operation} {fault:?}"));
            world.aws().faults().on(service, &operation, fault, u32::MAX);
            let refused = act(&world, deed, &whom).await;
            assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"), "{case}");
            world.aws().faults().clear();
            let again = act(&world, deed, &whom).await;
            assert_eq!(again.status, StatusCode::OK, "{case}: {}", again.text());
            assert_eq!(stored(&world, &whom).await, expected, "{case}");
        }
    }
}

/// The same where only one call fails: the SDK asks again, and nobody notices.
#[tokio::test]
async fn a_call_that_fails_once_changes_nothing_of_what_is_done() {
    let world = world().await;
    for (deed, before) in DEEDS {
        let (calls, expected) = act_well(&world, deed, before).await;
        for (number, fault) in (1..=calls.len() as u64).flat_map(|number| FAULTS.map(|fault| (number, fault))) {
            let (whom, case) = (somebody(&world, before).await, format!("{deed} {before:?}: call {number} {fault:?}"));
            world.aws().faults().on_call(number, fault);
            let answer = act(&world, deed, &whom).await;
            assert_eq!(answer.status, StatusCode::OK, "{case}: {}", answer.text());
            assert_eq!(stored(&world, &whom).await, expected, "{case}");
        }
    }
}

/// Promise E-30.
#[tokio::test]
async fn what_cannot_be_noted_is_not_done_and_what_cannot_be_done_is_noted() {
    let world = world().await;
    for ((deed, before), fault) in DEEDS.into_iter().flat_map(|deed| FAULTS.map(|fault| (deed, fault))) {
        let whom = somebody(&world, before).await;
        let untouched = kept(&world);
        world.aws().faults().on(Service::DynamoDb, "PutItem", fault, u32::MAX);
        assert_eq!(act(&world, deed, &whom).await.status, StatusCode::SERVICE_UNAVAILABLE, "{deed} {fault:?}");
        world.aws().faults().clear();
        assert!(kept(&world) == untouched, "{deed} {fault:?}");
    }
    for (deed, before) in DEEDS.into_iter().filter(|(deed, _)| !matches!(*deed, "status" | "dry-run")) {
        let whom = somebody(&world, before).await;
        let (untouched, noted) = (kept(&world), audit(&world));
        world.aws().faults().on(Service::DynamoDb, "TransactWriteItems", Fault::BeforeSend, u32::MAX);
        assert_eq!(act(&world, deed, &whom).await.status, StatusCode::SERVICE_UNAVAILABLE, "{deed}");
        world.aws().faults().clear();
        let entries: Vec<Value> = audit(&world).into_iter().filter(|entry| !noted.contains(entry)).collect();
        let told: Vec<_> = entries.iter().map(|entry| (&entry["what"]["S"], &entry["outcome"]["S"])).collect();
        assert_eq!(told, [(&json!(deed), &Value::Null), (&Value::Null, &json!("failed"))], "{deed}");
        assert!(kept(&world) == untouched, "{deed}");
    }
}

/// What happened stays true, though nobody could write how it ended.
#[tokio::test]
async fn an_outcome_that_cannot_be_noted_takes_nothing_back() {
    let (world, log) = (world().await, Log::kept());
    let (calls, _) = act_well(&world, "early-deletion", Before::Left).await;
    assert_eq!(calls.last().map(ToString::to_string), Some("DynamoDB.PutItem".to_owned()), "the outcome is the last");
    let whom = somebody(&world, Before::Left).await;
    let noted = audit(&world);
    for attempt in 0..3 {
        world.aws().faults().on_call(calls.len() as u64 + attempt, Fault::BeforeSend);
    }
    let answer = act(&world, "early-deletion", &whom).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let entries: Vec<Value> = audit(&world).into_iter().filter(|entry| !noted.contains(entry)).collect();
    assert_eq!((entries.len(), &entries[0]["what"]["S"]), (1, &json!("early-deletion")));
    assert!(stored(&world, &whom).await[2][0]["early_at"].is_number());
    assert!(log.text().contains("an outcome is not in the audit"), "{}", log.text());
}

/// Promises A-36 and E-30: whom it was about is in no log and in no table, as little as what an operator may have typed.
#[tokio::test]
async fn what_operators_do_names_nobody() {
    let log = Log::kept();
    let marked =
        Site { client_key: "m4rk-client-key".to_owned(), base_url: "https://m4rk-site.atlassian.net".to_owned(), ..site("marked") };
    let world = World::new().await;
    world.install(&marked).await;
    world.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    let deeds = ["status", "dry-run", "mark", "unmark", "mark", "hold", "lift", "early-deletion", "hold", "status"];
    for deed in deeds {
        if deed == "early-deletion" {
            world.clock.advance(std::time::Duration::from_secs(86_400));
        }
        let answer = act(&world, deed, &marked).await;
        assert_eq!(answer.status, StatusCode::OK, "{deed}: {}", answer.text());
        assert!(!answer.text().contains("m4rk"), "{deed}: {}", answer.text());
    }
    for bad in [
        json!({"ticket": "m4rk-ticket"}),
        json!({"reason": "m4rk-reason"}),
        json!({"note": "m4rk-note"}),
        json!({"m4rk-member": 1}),
        json!({"clientKey": "m4rk-nobody"}),
    ] {
        let mut body = about(&marked, more("mark"));
        body.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        let answer = by(&world, ADA, request("mark", &body)).await;
        assert!(answer.status.is_client_error() && !answer.text().contains("m4rk"), "{}", answer.text());
    }
    let path = Request::post("/test-management/erasure/m4rk-path?m4rk-query").body(Body::from("m4rk-body")).unwrap();
    assert_eq!(by(&world, ADA, path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.aws().places_of(b"m4rk").unwrap(), Vec::<String>::new());
    assert!(!log.text().contains("m4rk"), "{}", log.text());
    assert!(log.events().iter().any(|event| event["labels"]["route"] == "/{app}/erasure/hold"), "the log tells of every call");
    assert!(!log.text().contains("AWS4") && !log.text().contains(ADA));
}
