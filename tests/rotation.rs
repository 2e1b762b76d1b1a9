//! A new data key for a tenant that goes on working. A `Tenant` is made by a token alone, so the rotation stands behind a route of this test's
//! own, over the very platform of `configuration`.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use local::aws::{Fault, Service};
use local::host::ORIGIN_SECRET;
use serde_json::Value;
use shared::platform::front;
use shared::problem::Problem;
use shared::tenant::{Anonymous, HostToken, rotation};

use crate::harness::{Answer, World, answer, host_request};
use crate::model::Standing;

async fn rotate(token: HostToken<Anonymous>) -> Result<String, Problem> {
    rotation::rotate(&token.tenant).await.map(|version| version.to_string())
}

/// Rotates the keys of the first site, and answers the new version.
async fn rotated(world: &World) -> Answer {
    let routes = Router::new().route("/{app}/rotate", post(rotate));
    let router = world.host.platform("configuration").unwrap().serve("rotation", routes);
    let request = host_request(&world.acme, Method::POST, "/test-management/rotate", world.now());
    answer(router, request.header(front::ORIGIN_SECRET, ORIGIN_SECRET).body(Body::empty()).unwrap()).await
}

/// The stored settings: where each lies, and the version of the data key that its cell names.
fn cells(world: &World) -> BTreeSet<(String, u32)> {
    let version = |item: &Value| {
        let cell = STANDARD.decode(item["cell"]["B"].as_str().unwrap()).unwrap();
        (item["id"]["S"].as_str().unwrap().to_owned(), u32::from_be_bytes(cell[4..8].try_into().unwrap()))
    };
    world.aws().dump().unwrap()["ConfigurationTable"].as_array().unwrap().iter().map(version).collect()
}

/// A world with a setting sealed under the first version, and one under the second.
async fn world_of_two_versions() -> World {
    let world = World::installed().await;
    assert_eq!(world.put(&world.acme, "old", "1").await.status, StatusCode::CREATED);
    assert_eq!(rotated(&world).await.text(), "2");
    assert_eq!(world.put(&world.acme, "new", "2").await.status, StatusCode::CREATED);
    world
}

async fn both_open(world: &World) -> bool {
    world.get(&world.acme, "old").await.text() == "1" && world.get(&world.acme, "new").await.text() == "2"
}

#[tokio::test]
async fn what_was_sealed_before_opens_and_what_comes_after_is_sealed_under_the_new_version() {
    let world = world_of_two_versions().await;
    assert_eq!(cells(&world).into_iter().map(|(_, version)| version).collect::<BTreeSet<_>>(), [1, 2].into());
    assert!(both_open(&world).await);
    let list = world.as_page(&world.acme, Method::GET, "/test-management/configuration", "").await.json();
    assert_eq!(list["configuration"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn the_old_version_only_opens() {
    let world = world_of_two_versions().await;
    let keys = world.key_item(&world.acme).await;
    let uses = ["1", "2"].map(|version| keys["versions"][version]["use"].clone());
    assert_eq!((keys["current"].as_i64(), uses), (Some(2), ["open-only".into(), "seal-and-open".into()]));
    assert_ne!(keys["versions"]["1"]["wrapped"], keys["versions"]["2"]["wrapped"]);
}

/// Item keys are digests under the index key, which is carried over.
#[tokio::test]
async fn a_name_finds_the_same_item_under_every_version() {
    let world = World::installed().await;
    world.put(&world.acme, "old", "1").await;
    let before = cells(&world);
    for version in 2..5 {
        assert_eq!(rotated(&world).await.text(), version.to_string());
        assert_eq!(world.put(&world.acme, "old", "1").await.status, StatusCode::NO_CONTENT);
        assert_eq!(cells(&world), before.iter().map(|(id, _)| (id.clone(), version)).collect());
    }
}

#[tokio::test]
async fn functions_that_have_just_started_open_both_versions() {
    let world = world_of_two_versions().await.restarted().await;
    assert!(both_open(&world).await);
    assert_eq!(world.as_host(&world.acme, Method::GET, "/test-management/account").await.status, StatusCode::OK);
}

/// The other functions were warm with the old version; they go on, and seal under the new one after a minute.
#[tokio::test]
async fn functions_that_hold_the_old_version_go_on() {
    let world = World::installed().await;
    let warm = world.as_host(&world.acme, Method::GET, "/test-management/account").await;
    assert_eq!(warm.status, StatusCode::OK);
    assert_eq!(rotated(&world).await.status, StatusCode::OK);
    for _ in 0..3 {
        assert_eq!(world.as_host(&world.acme, Method::GET, "/test-management/account").await.json(), warm.json());
        world.clock.advance(Duration::from_secs(61));
    }
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    let account = STANDARD.decode(world.tenant(&world.acme).await["account"].as_str().unwrap()).unwrap();
    assert_eq!(account[4..8], 2_u32.to_be_bytes());
}

#[tokio::test]
async fn a_rotated_tenant_leaves_and_returns_with_both_versions() {
    let world = world_of_two_versions().await;
    world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(Duration::from_secs(109 * 86_400));
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert!(both_open(&world).await);
}

/// The SDK repeats a call whose answer was lost; its condition then fails, and the version that lies there is our own.
#[tokio::test]
async fn a_rotation_whose_answer_is_lost_is_known_as_done() {
    let world = World::installed().await;
    world.put(&world.acme, "old", "1").await;
    world.aws().faults().on(Service::DynamoDb, "UpdateItem", Fault::AfterEffect, 1);
    let answer = rotated(&world).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "2"));
    assert_eq!(world.key_item(&world.acme).await["current"], 2);
    world.put(&world.acme, "new", "2").await;
    assert!(both_open(&world).await);
}

/// Every call of a rotation fails, one after the other, before and after its effect: the item is the old one or the new one.
#[tokio::test]
async fn a_rotation_that_breaks_off_leaves_keys_that_open_everything() {
    for fault in [Fault::BeforeSend, Fault::AfterEffect, Fault::Throttle, Fault::InternalError] {
        for operation in ["GetItem", "Decrypt", "Encrypt", "UpdateItem"] {
            let world = World::installed().await;
            world.put(&world.acme, "old", "1").await;
            let service = if ["Decrypt", "Encrypt"].contains(&operation) { Service::Kms } else { Service::DynamoDb };
            world.aws().faults().on(service, operation, fault, 3);
            let answer = rotated(&world).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
                "{fault:?} {operation}"
            );
            let done = fault == Fault::AfterEffect && operation == "UpdateItem";
            assert_eq!(world.key_item(&world.acme).await["current"], if done { 2 } else { 1 }, "{fault:?} {operation}");
            world.put(&world.acme, "new", "2").await;
            let world = world.restarted().await;
            assert!(both_open(&world).await, "{fault:?} {operation}");
            assert_eq!(rotated(&world).await.text(), if done { "3" } else { "2" }, "{fault:?} {operation}");
            assert!(both_open(&world).await, "{fault:?} {operation}");
        }
    }
}

#[tokio::test]
async fn of_two_rotations_at_once_one_wins_and_nothing_breaks() {
    let world = World::installed().await;
    world.put(&world.acme, "old", "1").await;
    let (one, other) = futures::join!(rotated(&world), rotated(&world));
    let mut found = [(one.status, one.problem()), (other.status, other.problem())];
    found.sort();
    assert_eq!(found, [(StatusCode::OK, String::new()), (StatusCode::PRECONDITION_FAILED, "revision-conflict".to_owned())]);
    assert_eq!(world.key_item(&world.acme).await["current"], 2);
    world.put(&world.acme, "new", "2").await;
    let world = world.restarted().await;
    assert!(both_open(&world).await);
}

/// A rotation and a leaving write the same item: both take effect, or the rotation yields.
#[tokio::test]
async fn a_rotation_beside_a_leaving_keeps_the_date_on_the_keys() {
    let world = world_of_two_versions().await;
    world.clock.advance(Duration::from_secs(1));
    let (rotation, leaving) = futures::join!(rotated(&world), world.uninstall(&world.acme));
    assert_eq!(leaving.status, StatusCode::NO_CONTENT);
    assert!([StatusCode::OK, StatusCode::PRECONDITION_FAILED].contains(&rotation.status), "{}", rotation.status);
    assert!(!Standing::stored(&world, &world.acme, "").await.is_active());
    world.clock.advance(Duration::from_secs(1));
    world.install(&world.acme).await;
    assert!(both_open(&world).await);
}
