//! The secret that a site and we sign with: it comes with `installed`, and the one before it is honoured for requests in flight.

use std::time::Duration;

use http::{Method, StatusCode};
use local::atlassian::Site;

use crate::harness::World;

const SECOND: Duration = Duration::from_secs(1);

/// Acme with another secret.
fn with_secret(world: &World, shared_secret: &str) -> Site {
    Site { shared_secret: format!("{shared_secret}-of-acme-long-enough-to-sign-with"), ..world.acme.clone() }
}

/// Whether a token under the secret of `site` is accepted.
async fn accepted(world: &World, site: &Site) -> bool {
    let answer = world.as_host(site, Method::GET, "/test-management/account").await;
    assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&answer.status), "{answer:?}");
    answer.status == StatusCode::OK
}

#[tokio::test]
async fn the_previous_secret_is_honoured_for_fifteen_minutes() {
    let world = World::installed().await;
    let new = with_secret(&world, "new");
    assert!(!accepted(&world, &new).await);
    world.clock.advance(SECOND);
    world.install(&new).await;
    assert_eq!((accepted(&world, &new).await, accepted(&world, &world.acme).await), (true, true));
    world.clock.advance(SECOND * (15 * 60 - 1));
    assert_eq!((accepted(&world, &new).await, accepted(&world, &world.acme).await), (true, true));
    world.clock.advance(SECOND);
    assert_eq!((accepted(&world, &new).await, accepted(&world, &world.acme).await), (true, false));
}

#[tokio::test]
async fn a_redelivered_install_does_not_prolong_the_previous_secret() {
    let world = World::installed().await;
    let new = with_secret(&world, "new");
    world.clock.advance(SECOND);
    world.install(&new).await;
    world.clock.advance(SECOND * (15 * 60 - 1));
    world.install(&new).await;
    assert!(accepted(&world, &world.acme).await);
    world.clock.advance(SECOND);
    assert!(!accepted(&world, &world.acme).await);
}

#[tokio::test]
async fn a_second_rotation_drops_the_oldest_secret_at_once() {
    let world = World::installed().await;
    let (new, newest) = (with_secret(&world, "new"), with_secret(&world, "newest"));
    for site in [&new, &newest] {
        world.clock.advance(SECOND);
        world.install(site).await;
    }
    let found = [&world.acme, &new, &newest].map(|site| accepted(&world, site));
    assert_eq!(futures::future::join_all(found).await, [false, true, true]);
}

#[tokio::test]
async fn a_return_with_a_new_secret_honours_the_old_one_for_as_long() {
    let world = World::installed().await;
    let new = with_secret(&world, "new");
    world.clock.advance(SECOND);
    world.uninstall(&world.acme).await;
    assert!(!accepted(&world, &world.acme).await);
    world.clock.advance(SECOND);
    world.install(&new).await;
    assert_eq!((accepted(&world, &new).await, accepted(&world, &world.acme).await), (true, true));
    world.clock.advance(SECOND * 15 * 60);
    assert_eq!((accepted(&world, &new).await, accepted(&world, &world.acme).await), (true, false));
}

/// Promise E-35: nothing of the old life opens the new one.
#[tokio::test]
async fn the_next_life_does_not_know_the_last_ones_secret() {
    let world = World::installed().await;
    let new = with_secret(&world, "new");
    world.clock.advance(SECOND);
    world.uninstall(&world.acme).await;
    world.clock.advance(SECOND * 110 * 86_400);
    world.install(&new).await;
    assert_eq!((accepted(&world, &new).await, accepted(&world, &world.acme).await), (true, false));
}
