//! Earlier deletion: its receipt, what it waits for, and whom it never strikes.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use shared::platform::clock::rfc3339;
use shared::tenant::moves::purging::Begun;

use super::{ADA, DAY, ask, assert_refused, by, days, departure, done, early, finish, kept, left, purge, request, tenant_id};
use crate::harness::World;

async fn granted(world: &World, reason: &str) -> Value {
    let answer = early(world, reason).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Promise E-36.
#[tokio::test]
async fn earlier_deletion_has_a_receipt_that_is_the_same_whenever_it_is_asked_for() {
    let world = left().await;
    days(&world, 5);
    let asked_at = world.now();
    let receipt = granted(&world, "customer-request").await;
    let dates = ["askedAt", "liveDataGoneBy", "unreadableBy", "goneBy"].map(|date| receipt[date].as_str().unwrap().to_owned());
    assert_eq!(dates, [0, 1, 14, 49].map(|days| rfc3339(asked_at + days * DAY)));
    let hastened = kept(&world);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(granted(&world, "regulator").await, receipt);
    assert!(kept(&world) == hastened);
    assert!(matches!(purge(&world).await, Begun::Purging { .. }), "it is due at once");
    assert_eq!(granted(&world, "customer-request").await, receipt);
    days(&world, 1);
    finish(&world).await;
    assert_eq!(granted(&world, "customer-request").await, receipt);
}

/// Promises E-35 and E-36: who had it deleted early begins anew.
#[tokio::test]
async fn a_return_after_earlier_deletion_finds_nothing() {
    let world = left().await;
    let before = departure(&world).await.tenant_id;
    granted(&world, "contract-end").await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::NOT_FOUND);
    let tenant = world.tenant(&world.acme).await;
    assert!((&tenant["epoch"], &tenant["tenant_id"]) != (&json!(1), &json!(before)));
    assert_refused(&early(&world, "contract-end").await, "the app is installed; its data can be deleted once it has left");
    assert_eq!(done(&world, "status", json!({})).await["departures"][0]["stage"], "purging");
}

#[tokio::test]
async fn earlier_deletion_is_refused_while_active_while_held_and_of_nobody() {
    let world = World::installed().await;
    let before = kept(&world);
    assert_refused(&early(&world, "customer-request").await, "the app is installed; its data can be deleted once it has left");
    let nobody = json!({"clientKey": "nobody", "ticket": 1, "tenantId": "a", "reason": "customer-request"});
    assert_eq!(by(&world, ADA, request("early-deletion", &nobody)).await.status, StatusCode::NOT_FOUND);
    assert!(kept(&world) == before);
    days(&world, 2);
    world.uninstall(&world.acme).await;
    done(&world, "hold", json!({"reason": "legal-obligation", "days": 30})).await;
    let before = kept(&world);
    assert_refused(&early(&world, "customer-request").await, "a hold stands; it must be lifted first");
    assert!(kept(&world) == before);
    days(&world, 30);
    assert!(granted(&world, "customer-request").await["askedAt"].is_string(), "a hold that is over hinders nothing");
}

/// Whom nobody asked about before the purge began is told the purge's own dates, and always the same.
#[tokio::test]
async fn earlier_deletion_that_comes_too_late_has_the_dates_of_the_purge() {
    let world = left().await;
    days(&world, 110);
    purge(&world).await;
    let shredded = world.now();
    let receipt = granted(&world, "customer-request").await;
    assert_eq!((&receipt["askedAt"], &receipt["unreadableBy"]), (&Value::Null, &json!(rfc3339(shredded + 13 * DAY))));
    days(&world, 1);
    assert_eq!(granted(&world, "customer-request").await, receipt);
}

/// Promise E-36: the customer's word is shown beside the hold that makes it wait.
#[tokio::test]
async fn the_status_shows_the_receipt_also_while_a_hold_stands_and_no_more_after_a_return() {
    let world = left().await;
    let receipt = granted(&world, "customer-request").await;
    let shown = async || done(&world, "status", json!({})).await["departures"][0]["receipt"].clone();
    assert_eq!(shown().await, receipt);
    done(&world, "hold", json!({"reason": "dispute", "days": 10})).await;
    assert_eq!(shown().await, receipt);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    let status = done(&world, "status", json!({})).await;
    assert_eq!((&status["departures"][0]["stage"], shown().await), (&json!("returned"), Value::Null));
}

/// Promise E-35: a retry that comes late never strikes the next life.
#[tokio::test]
async fn whoever_names_another_life_is_refused_and_nothing_happens() {
    let world = left().await;
    let first = tenant_id(&world, &world.acme);
    granted(&world, "contract-end").await;
    world.clock.advance(Duration::from_secs(1));
    world.install(&world.acme).await;
    days(&world, 2);
    world.uninstall(&world.acme).await;
    let before = kept(&world);
    for (route, more) in [
        ("early-deletion", json!({"reason": "contract-end"})),
        ("hold", json!({"reason": "dispute", "days": 1})),
        ("lift", json!({})),
        ("mark", json!({"reason": "contract-end"})),
        ("unmark", json!({})),
        ("dry-run", json!({})),
        ("status", json!({})),
    ] {
        let mut more = more;
        more["tenantId"] = json!(first);
        assert_refused(
            &ask(&world, route, more).await,
            "another life of this installation is the present one, or the last; status names it",
        );
    }
    assert!(kept(&world) == before);
    assert_eq!(done(&world, "status", json!({"tenantId": tenant_id(&world, &world.acme)})).await["epoch"], 2);
}

/// The first leaving of one who has just come may be an old one that is told late.
#[tokio::test]
async fn a_leaving_in_doubt_is_not_deleted_early() {
    let world = World::installed().await;
    world.clock.advance(Duration::from_secs(60));
    world.uninstall(&world.acme).await;
    let before = kept(&world);
    assert_refused(
        &early(&world, "customer-request").await,
        "it is in doubt whether it has left; its site is asked, as a rule within the hour: see doubtedUntil in its status",
    );
    assert!(kept(&world) == before);
    assert!(done(&world, "status", json!({})).await["departures"][0]["doubtedUntil"].is_string());
}
