//! Keys that are not where they must be: while a backup may still bring them back, nobody is told that they are gone and nothing is written
//! over them. Only once they may rightly be gone is the tenant a stranger.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::{Method, StatusCode};

use crate::harness::{Answer, World};
use crate::model::Standing;

const DAY: Duration = Duration::from_secs(86_400);

/// What every route with a token answers now.
async fn answers(world: &World) -> Vec<(&'static str, Answer)> {
    let acme = &world.acme;
    let mut answers = vec![
        ("account", world.as_host(acme, Method::GET, "/test-management/account").await),
        ("read", world.get(acme, "colour").await),
        ("write", world.put(acme, "colour", "\"red\"").await),
        ("remove", world.as_page(acme, Method::DELETE, "/test-management/configuration/colour", "").await),
        ("list", world.as_page(acme, Method::GET, "/test-management/configuration", "").await),
    ];
    for event in ["enabled", "disabled"] {
        answers.push((event, world.lifecycle(acme, event, world.now(), &acme.payload(event)).await));
    }
    answers
}

async fn with_a_record() -> World {
    let world = World::installed().await;
    assert_eq!(world.put(&world.acme, "colour", "\"blue\"").await.status, StatusCode::CREATED);
    world.clock.advance(DAY);
    world
}

#[tokio::test]
async fn keys_missing_while_active_are_an_incident_on_every_route_and_are_never_written_over() {
    let world = with_a_record().await;
    world.lose_keys(&world.acme).await;
    let before = world.aws().dump().unwrap();
    let mut answers = answers(&world).await;
    answers.push(("installed", world.install(&world.acme).await));
    for (route, answer) in answers {
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"), "{route}");
        assert_eq!(answer.headers["retry-after"], "5", "{route}");
    }
    assert_eq!(world.aws().dump().unwrap(), before);
}

/// Whoever has left is refused whatever lies there; but an event that may still count must not be told that the tenant is unknown.
#[tokio::test]
async fn keys_missing_before_the_purge_may_start_are_an_incident_to_every_event() {
    let world = with_a_record().await;
    world.uninstall(&world.acme).await;
    world.lose_keys(&world.acme).await;
    world.clock.advance(DAY * 110 - Duration::from_secs(1));
    let before = world.aws().dump().unwrap();
    let mut answers = answers(&world).await;
    answers.push(("installed", world.install(&world.acme).await));
    for (route, answer) in answers {
        let expected = match route {
            "installed" | "enabled" | "disabled" => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            _ => (StatusCode::UNAUTHORIZED, "unauthorized"),
        };
        assert_eq!((answer.status, answer.problem().as_str()), expected, "{route}");
    }
    assert_eq!(world.aws().dump().unwrap(), before);
}

/// Keys without a tenant: whatever they sealed would be buried under new ones.
#[tokio::test]
async fn keys_whose_tenant_is_missing_are_not_written_over() {
    let world = with_a_record().await;
    let digest = AttributeValue::S(world.tenant(&world.acme).await["digest"].as_str().unwrap().to_owned());
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    dynamodb.delete_item().table_name("TenantsTable").key("digest", digest).send().await.unwrap();
    let before = world.aws().dump().unwrap();
    assert_eq!(world.install(&world.acme).await.status, StatusCode::SERVICE_UNAVAILABLE);
    for (route, answer) in answers(&world).await {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{route}");
    }
    assert_eq!(world.aws().dump().unwrap(), before);
}

#[tokio::test]
async fn keys_brought_back_end_the_incident() {
    let world = with_a_record().await;
    let backup = world.lose_keys(&world.acme).await;
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    dynamodb.put_item().table_name("TenantKeysTable").set_item(Some(backup)).send().await.unwrap();
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
}

/// Promise E-34.
#[tokio::test]
async fn keys_missing_once_the_purge_may_start_make_room_for_a_new_life() {
    let world = with_a_record().await;
    world.uninstall(&world.acme).await;
    world.clock.advance(DAY * 110);
    world.lose_keys(&world.acme).await;
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::NOT_FOUND);
    assert_eq!(Standing::stored(&world, &world.acme, "").await.life.unwrap().epoch, 2);
}

/// Promise E-34: expired keys are gone on the second, whenever TTL gets to them.
#[tokio::test]
async fn keys_rightly_gone_make_a_stranger_on_every_route() {
    for (case, wait, swept) in [("expired", DAY * 111, false), ("swept", DAY * 112, true)] {
        let world = with_a_record().await;
        world.uninstall(&world.acme).await;
        world.clock.advance(wait);
        if swept {
            assert_eq!(world.aws().expire().unwrap(), 1);
        }
        for (route, answer) in answers(&world).await {
            assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{case}: {route}");
        }
    }
}
