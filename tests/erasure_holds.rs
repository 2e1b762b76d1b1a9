//! Holds: what they move, who may renew them, and what happens when they end late.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use shared::platform::clock::rfc3339;
use shared::tenant::departure::Stage;
use shared::tenant::moves::purging::{self, Begun};

use crate::erasure::{ADA, DAY, about, ask, by, departure, kept, left, request};
use crate::harness::{Answer, World};

const BEN: &str = "arn:aws:sts::111122223333:assumed-role/lethe-support/ben";

async fn hold(world: &World, days: i64) -> Answer {
    ask(world, "hold", json!({"reason": "legal-obligation", "days": days})).await
}

async fn held(world: &World, days: i64) -> Value {
    let answer = hold(world, days).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

async fn lifted(world: &World) -> Value {
    let answer = ask(world, "lift", json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

fn pass(world: &World, days: u64) {
    world.clock.advance(Duration::from_secs(days * 86_400));
}

/// The date of a return, of TTL and of the purge, in days after leaving.
async fn dates(world: &World) -> [i64; 3] {
    let (tenant, keys, departure) = (world.tenant(&world.acme).await, world.key_item(&world.acme).await, departure(world).await);
    let dates = [tenant["purge_after"].as_i64().unwrap(), keys["expires_at"].as_i64().unwrap(), departure.kept_until()];
    dates.map(|date| (date - departure.left_at) / DAY)
}

async fn purge(world: &World) -> Begun {
    purging::begin(&world.host.platform("purge").unwrap(), &departure(world).await).await.unwrap()
}

/// Promises E-34 and E-36: nobody can return to what TTL has deleted, and nothing is purged that can return.
#[tokio::test]
async fn a_hold_moves_the_return_the_ttl_and_the_purge_together() {
    let world = left().await;
    assert_eq!(dates(&world).await, [110, 111, 110]);
    held(&world, 30).await;
    assert_eq!(dates(&world).await, [110, 111, 110], "a hold that ends within the grace moves nothing");
    pass(&world, 100);
    let told = held(&world, 30).await;
    assert_eq!(dates(&world).await, [130, 131, 130]);
    assert_eq!(
        (&told["mayReturnUntil"], &told["hold"]["until"]),
        (&json!(rfc3339(world.now() + 30 * DAY)), &json!(rfc3339(world.now() + 30 * DAY)))
    );
    assert_eq!((&told["hold"]["placedBy"], &told["hold"]["suspendsThePromise"]), (&json!(ADA), &json!(true)));
    lifted(&world).await;
    assert_eq!(dates(&world).await, [110, 111, 110]);
}

#[tokio::test]
async fn a_hold_is_renewed_by_a_person_and_stands_since_it_was_placed() {
    let world = left().await;
    let placed_at = world.now();
    held(&world, 10).await;
    pass(&world, 5);
    let body = about(&world.acme, json!({"reason": "legal-obligation", "days": 30}));
    let renewed = by(&world, BEN, request("hold", &body)).await.json();
    let expected = json!({
        "placedBy": BEN, "reason": "legal-obligation", "placedAt": rfc3339(placed_at), "until": rfc3339(world.now() + 30 * DAY),
        "suspendsThePromise": false,
    });
    assert_eq!((&renewed["hold"], &renewed["pastHolds"]), (&expected, &json!([])));
}

/// The certificate tells for which reason it waited how long.
#[tokio::test]
async fn a_hold_for_another_reason_is_another_and_ends_the_first() {
    let world = left().await;
    let first = world.now();
    held(&world, 10).await;
    pass(&world, 5);
    let next = ask(&world, "hold", json!({"reason": "dispute", "days": 30})).await.json();
    let past = json!([{"reason": "legal-obligation", "placedAt": rfc3339(first), "endedAt": rfc3339(world.now())}]);
    assert_eq!((&next["hold"]["reason"], &next["hold"]["placedAt"]), (&json!("dispute"), &json!(rfc3339(world.now()))));
    assert_eq!(next["pastHolds"], past);
    let before = kept(&world);
    assert_eq!(ask(&world, "hold", json!({"reason": "dispute", "days": 30})).await.json(), next);
    assert!(kept(&world) == before);
}

#[tokio::test]
async fn what_has_no_keys_any_more_cannot_be_held() {
    let world = left().await;
    world.lose_keys(&world.acme).await;
    let before = kept(&world);
    let refused = hold(&world, 10).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::CONFLICT, "wrong-state"));
    assert_eq!(refused.json()["detail"], "its keys are gone, and what they sealed with them; there is nothing left to hold");
    assert!(kept(&world) == before);
}

#[tokio::test]
async fn a_hold_of_one_who_returned_ended_when_it_did() {
    let world = left().await;
    held(&world, 30).await;
    pass(&world, 3);
    let returned_at = rfc3339(world.now());
    world.install(&world.acme).await;
    pass(&world, 60);
    let status = ask(&world, "status", json!({})).await.json();
    assert_eq!(status["departures"][0]["pastHolds"][0]["endedAt"], returned_at);
}

#[tokio::test]
async fn a_hold_that_was_over_is_a_past_one_and_the_next_is_another() {
    let world = left().await;
    let first = world.now();
    held(&world, 10).await;
    pass(&world, 20);
    let over = json!([{"reason": "legal-obligation", "placedAt": rfc3339(first), "endedAt": rfc3339(first + 10 * DAY)}]);
    let status = ask(&world, "status", json!({})).await.json();
    assert_eq!((&status["departures"][0]["hold"], &status["departures"][0]["pastHolds"]), (&Value::Null, &over));
    let next = held(&world, 10).await;
    assert_eq!((&next["hold"]["placedAt"], &next["pastHolds"]), (&json!(rfc3339(world.now())), &over));
}

/// Promise E-35: whoever is kept because of a hold is kept whole.
#[tokio::test]
async fn a_return_during_a_hold_finds_everything_though_the_grace_is_over() {
    let world = left().await;
    pass(&world, 100);
    held(&world, 30).await;
    pass(&world, 29);
    assert_eq!(purge(&world).await, Begun::NotDue);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"red\"");
    assert_eq!((departure(&world).await.stage, world.tenant(&world.acme).await["epoch"].clone()), (Stage::Returned, json!(1)));
    assert_eq!(world.key_item(&world.acme).await.get("expires_at"), None);
}

#[tokio::test]
async fn a_hold_that_is_lifted_late_lets_the_purge_start_at_once() {
    let world = left().await;
    pass(&world, 100);
    held(&world, 30).await;
    pass(&world, 20);
    assert_eq!(purge(&world).await, Begun::NotDue);
    let told = lifted(&world).await;
    assert_eq!(told["pastHolds"][0]["endedAt"], rfc3339(world.now()));
    assert!(departure(&world).await.due_at.unwrap() <= world.now());
    assert!(matches!(purge(&world).await, Begun::Purging { .. }));
}

#[tokio::test]
async fn a_hold_that_nobody_lifts_or_renews_lets_the_purge_start_at_its_end() {
    let world = left().await;
    pass(&world, 100);
    held(&world, 30).await;
    world.clock.advance(Duration::from_secs(30 * 86_400 - 1));
    assert_eq!(purge(&world).await, Begun::NotDue);
    world.clock.advance(Duration::from_secs(1));
    assert!(matches!(purge(&world).await, Begun::Purging { .. }));
}

#[tokio::test]
async fn lifting_what_is_not_held_changes_nothing() {
    let world = left().await;
    let before = kept(&world);
    lifted(&world).await;
    assert!(kept(&world) == before);
    held(&world, 3).await;
    lifted(&world).await;
    let lifted_once = kept(&world);
    assert_eq!(lifted(&world).await["pastHolds"].as_array().map(Vec::len), Some(1));
    assert!(kept(&world) == lifted_once);
}

#[tokio::test]
async fn a_hold_is_refused_of_whoever_is_not_kept() {
    let world = World::installed().await;
    let refused = async |detail: &str| {
        for route in ["hold", "lift"] {
            let more = if route == "hold" { json!({"reason": "investigation", "days": 1}) } else { json!({}) };
            let (before, answer) = (kept(&world), ask(&world, route, more).await);
            assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::CONFLICT, "wrong-state"), "{route}");
            assert_eq!(answer.json()["detail"], detail, "{route}");
            assert!(kept(&world) == before, "{route}");
        }
    };
    refused("the app is installed; there is no purge that could wait").await;
    pass(&world, 2);
    world.uninstall(&world.acme).await;
    pass(&world, 110);
    purge(&world).await;
    refused("the purge has begun; there is nothing left to hold").await;
    let nobody = json!({"clientKey": "nobody", "ticket": 1, "reason": "dispute", "days": 1});
    assert_eq!(by(&world, ADA, request("hold", &nobody)).await.status, StatusCode::NOT_FOUND);
}

/// Two who place a hold at once: each counts, one after the other, and neither is lost without a word.
#[tokio::test]
async fn of_two_holds_at_once_both_are_answered_and_one_stands() {
    let world = left().await;
    let body = |days: i64| about(&world.acme, json!({"reason": "dispute", "days": days}));
    let (first, second) = futures::join!(by(&world, ADA, request("hold", &body(10))), by(&world, BEN, request("hold", &body(20))));
    assert_eq!((first.status, second.status), (StatusCode::OK, StatusCode::OK));
    let hold = departure(&world).await.hold.unwrap();
    assert!([(ADA, 10), (BEN, 20)].contains(&(hold.placed_by.as_str(), (hold.until - world.now()) / DAY)), "{hold:?}");
    assert_eq!(hold.placed_at, world.now());
}
