//! Marks: of whom they may be made, and how a mistake shows and is taken back.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use shared::platform::clock::rfc3339;

use super::{DAY, ask, assert_refused, days, done, early, kept, left, tenant_id};
use crate::harness::World;

const NOT_MARKED: &str = "no operator marked it";

/// A world in which somebody was marked by mistake.
async fn marked() -> World {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"red\"").await;
    days(&world, 2);
    let answer = done(&world, "mark", json!({"reason": "site-gone"})).await;
    assert_eq!(answer["tenantId"], tenant_id(&world, &world.acme).as_str());
    world
}

#[tokio::test]
async fn a_tenant_that_left_without_a_word_is_marked_once_and_may_return() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"red\"").await;
    world.clock.advance(Duration::from_secs(60));
    let marked = done(&world, "mark", json!({"reason": "site-gone"})).await;
    assert_eq!(
        (&marked["cause"], &marked["stage"], &marked["leftAt"]),
        (&json!("operator"), &json!("marked"), &json!(rfc3339(world.now())))
    );
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::UNAUTHORIZED, "use ends at once");
    let before = kept(&world);
    days(&world, 1);
    assert_eq!(done(&world, "mark", json!({"reason": "contract-end"})).await, marked);
    assert!(kept(&world) == before);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"red\"");
    days(&world, 2);
    world.uninstall(&world.acme).await;
    assert_refused(&ask(&world, "mark", json!({"reason": "site-gone"})).await, "it has left already");
}

/// Promise E-35: everything is there again, as if nothing had been.
#[tokio::test]
async fn a_mark_that_was_a_mistake_is_taken_back_with_everything() {
    let world = marked().await;
    days(&world, 109);
    done(&world, "hold", json!({"reason": "investigation", "days": 3})).await;
    let unmarked = done(&world, "unmark", json!({})).await;
    assert_eq!(
        (&unmarked["stage"], &unmarked["returnedAt"], &unmarked["hold"]),
        (&json!("returned"), &json!(rfc3339(world.now())), &json!(null))
    );
    assert_eq!(unmarked["pastHolds"][0]["endedAt"], rfc3339(world.now()), "the hold ended with the return");
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"red\"");
    let (tenant, keys) = (world.tenant(&world.acme).await, world.key_item(&world.acme).await);
    assert_eq!((&tenant["state"], tenant.get("purge_after"), keys.get("expires_at")), (&json!("active"), None, None));
    let before = kept(&world);
    days(&world, 1);
    assert_eq!(done(&world, "unmark", json!({})).await, unmarked, "asked again, and not done again");
    assert!(kept(&world) == before);
    assert_eq!(done(&world, "mark", json!({"reason": "site-gone"})).await["stage"], "marked", "the next mark is another");
}

#[tokio::test]
async fn only_a_mark_of_an_operator_is_taken_back_and_only_within_the_grace() {
    let world = World::installed().await;
    assert_refused(&ask(&world, "unmark", json!({})).await, NOT_MARKED);
    days(&world, 2);
    world.uninstall(&world.acme).await;
    let before = kept(&world);
    assert_refused(&ask(&world, "unmark", json!({})).await, NOT_MARKED);
    assert!(kept(&world) == before);
    let world = marked().await;
    days(&world, 110);
    let before = kept(&world);
    assert_refused(&ask(&world, "unmark", json!({})).await, "its grace is over");
    assert!(kept(&world) == before);
    super::purge(&world).await;
    assert_refused(&ask(&world, "unmark", json!({})).await, "the purge has begun");
    let world = marked().await;
    world.lose_keys(&world.acme).await;
    assert_refused(&ask(&world, "unmark", json!({})).await, "its keys are gone, and what they sealed with them");
}

/// Promise E-36: whoever marks a customer by mistake, or by malice, cannot delete it before the customer notices.
#[tokio::test]
async fn whoever_was_marked_is_not_deleted_early_before_a_day_has_passed() {
    let world = marked().await;
    let before = kept(&world);
    world.clock.advance(Duration::from_secs(86_399));
    assert_refused(&early(&world, "customer-request").await, "an operator marked it; it can be deleted early a day after that");
    assert!(kept(&world) == before);
    world.clock.advance(Duration::from_secs(1));
    let asked_at = rfc3339(world.now());
    assert_eq!(early(&world, "customer-request").await.json()["askedAt"], asked_at);
    assert_refused(&ask(&world, "unmark", json!({})).await, "its grace is over");
}

#[tokio::test]
async fn whoever_left_by_itself_is_deleted_early_at_once() {
    let world = left().await;
    assert_eq!(early(&world, "customer-request").await.json()["liveDataGoneBy"], rfc3339(world.now() + DAY));
}
