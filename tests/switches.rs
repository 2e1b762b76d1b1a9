//! `enabled` and `disabled`: signed with the tenant's secret, taken in every state, and of effect only while the tenant is active.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};

use crate::harness::{World, post, site};

const SWITCHES: [&str; 2] = ["enabled", "disabled"];
const SECOND: Duration = Duration::from_secs(1);

async fn switch(world: &World, event: &str, iat: i64) -> StatusCode {
    world.lifecycle(&world.acme, event, iat, &world.acme.payload(event)).await.status
}

async fn is_enabled(world: &World) -> bool {
    world.as_host(&world.acme, Method::GET, "/test-management/account").await.json()["enabled"].as_bool().unwrap()
}

#[tokio::test]
async fn switching_is_kept_for_the_account_to_show() {
    let world = World::installed().await;
    assert!(is_enabled(&world).await);
    for (event, expected) in [("disabled", false), ("enabled", true), ("enabled", true), ("disabled", false)] {
        world.clock.advance(SECOND);
        assert_eq!(switch(&world, event, world.now()).await, StatusCode::NO_CONTENT);
        assert_eq!(is_enabled(&world).await, expected, "{event}");
    }
}

#[tokio::test]
async fn an_older_switch_that_comes_late_changes_nothing() {
    let world = World::installed().await;
    for (late, current, expected) in [("disabled", "enabled", true), ("enabled", "disabled", false)] {
        world.clock.advance(SECOND * 60);
        assert_eq!(switch(&world, current, world.now()).await, StatusCode::NO_CONTENT);
        assert_eq!(switch(&world, late, world.now() - 1).await, StatusCode::NO_CONTENT);
        assert_eq!(is_enabled(&world).await, expected, "{late} late");
    }
}

/// Atlassian sends `disabled` around `uninstalled`, before or after.
#[tokio::test]
async fn a_tenant_that_has_left_is_answered_and_not_changed() {
    let world = World::installed().await;
    world.clock.advance(SECOND);
    world.uninstall(&world.acme).await;
    for days in [0, 109, 1] {
        world.clock.advance(SECOND * 86_400 * days);
        let before = world.aws().dump().unwrap();
        for event in SWITCHES {
            assert_eq!(switch(&world, event, world.now()).await, StatusCode::NO_CONTENT, "{event} after {days} days more");
        }
        assert_eq!(world.aws().dump().unwrap(), before);
    }
}

#[tokio::test]
async fn a_return_switches_on_and_an_upgrade_does_not() {
    let world = World::installed().await;
    world.clock.advance(SECOND);
    switch(&world, "disabled", world.now()).await;
    world.clock.advance(SECOND);
    world.install(&world.acme).await;
    assert!(!is_enabled(&world).await);
    world.clock.advance(SECOND);
    world.uninstall(&world.acme).await;
    world.clock.advance(SECOND);
    world.install(&world.acme).await;
    assert!(is_enabled(&world).await);
}

#[tokio::test]
async fn a_switch_without_proof_is_refused_in_every_state() {
    let world = World::installed().await;
    let mut left = site("left");
    world.install(&left).await;
    world.clock.advance(SECOND);
    world.uninstall(&left).await;
    left.shared_secret = "not-the-secret-of-this-site".to_owned();
    let mut active = world.acme.clone();
    active.shared_secret = left.shared_secret.clone();
    let before = world.aws().dump().unwrap();
    for event in SWITCHES {
        for site in [&active, &left, &site("nobody")] {
            let refused = world.lifecycle(site, event, world.now(), &site.payload(event)).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{event} of {}", site.client_key);
            let payload = site.payload(event).to_string();
            let bare = Request::post(format!("/test-management/{event}")).body(Body::from(payload.clone())).unwrap();
            assert_eq!(world.send(bare).await.status, StatusCode::UNAUTHORIZED, "{event} of {} without a token", site.client_key);
            let junk = post(&format!("/test-management/{event}"), "a.b.c", payload);
            assert_eq!(world.send(junk).await.status, StatusCode::UNAUTHORIZED, "{event} of {} with junk", site.client_key);
        }
    }
    assert_eq!(world.aws().dump().unwrap(), before);
}
