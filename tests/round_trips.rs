//! What a request costs: calls to AWS, counted at the wire, and bytes, counted in the table. These are budgets: a change that makes any of
//! them larger is a change of price and of speed, and is to be made on purpose.

use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::future::join_all;
use http::{Method, Request, StatusCode};
use local::aws::{Mark, Service};
use serde_json::Value;
use shared::platform::random::{Random as _, SystemRandom};

use crate::harness::{Answer, CONFIGURATION, World, site};

const ACCOUNT: &str = "/test-management/account";

/// Calls to DynamoDB and to KMS since then.
fn cost_since(world: &World, mark: Mark) -> (usize, usize) {
    let calls = world.aws().calls().since(mark);
    let of = |service: Service| calls.iter().filter(|call| call.service == service).count();
    assert_eq!(of(Service::DynamoDb) + of(Service::Kms), calls.len(), "{calls:?}");
    (of(Service::DynamoDb), of(Service::Kms))
}

/// What one request answers and costs.
async fn cost(world: &World, request: impl Future<Output = Answer>) -> (u16, (usize, usize)) {
    let mark = world.aws().calls().mark();
    let answer = request.await;
    (answer.status.as_u16(), cost_since(world, mark))
}

async fn account(world: &World) -> Answer {
    world.as_host(&world.acme, Method::GET, ACCOUNT).await
}

async fn configuration(world: &World, method: Method, rest: &str) -> Answer {
    world.as_page(&world.acme, method, &format!("{CONFIGURATION}{rest}"), "1").await
}

/// A world with one setting, in which nothing is in any cache.
async fn cold() -> World {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "1").await;
    world.restarted().await
}

/// A world with one setting, in which both functions have just been asked.
async fn warm() -> World {
    let world = cold().await;
    account(&world).await;
    configuration(&world, Method::GET, "/colour").await;
    world
}

#[tokio::test]
async fn a_warm_function_answers_in_one_round_trip_and_asks_kms_nothing() {
    let world = warm().await;
    assert_eq!(cost(&world, account(&world)).await, (200, (1, 0)), "account");
    assert_eq!(cost(&world, configuration(&world, Method::GET, "/colour")).await, (200, (1, 0)), "a record");
    assert_eq!(cost(&world, configuration(&world, Method::GET, "/none")).await, (404, (1, 0)), "no record");
    assert_eq!(cost(&world, configuration(&world, Method::GET, "")).await, (200, (2, 0)), "a list");
    assert_eq!(cost(&world, configuration(&world, Method::PUT, "/colour")).await, (204, (2, 0)), "a writing");
    assert_eq!(cost(&world, configuration(&world, Method::DELETE, "/colour")).await, (204, (2, 0)), "a deletion");
}

#[tokio::test]
async fn a_cold_function_needs_one_call_to_kms_and_one_more_for_a_record() {
    let world = cold().await;
    assert_eq!(cost(&world, account(&world)).await, (200, (1, 1)));
    assert_eq!(cost(&world, configuration(&world, Method::GET, "/colour")).await, (200, (2, 1)));
}

#[tokio::test]
async fn many_who_come_at_once_to_a_cold_function_unwrap_once() {
    let world = cold().await;
    let mark = world.aws().calls().mark();
    let answers = join_all((0..20).map(|_| account(&world))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(cost_since(&world, mark), (20, 1));
}

#[tokio::test]
async fn keys_are_confirmed_every_minute_in_the_same_call_and_unwrapped_every_hour() {
    let world = warm().await;
    let reads_keys = |mark: Mark| {
        let calls = world.aws().calls().since(mark);
        calls.iter().flat_map(|call| &call.needs).any(|need| need.resource == "TenantKeysTable")
    };
    for (seconds, confirms, cost_then) in [(59, false, (1, 0)), (1, true, (1, 0)), (59, false, (1, 0)), (3481, true, (2, 1))] {
        world.clock.advance(Duration::from_secs(seconds));
        let mark = world.aws().calls().mark();
        let found = cost(&world, configuration(&world, Method::GET, "/colour")).await;
        assert_eq!(found, (200, cost_then), "after {seconds} s more");
        assert_eq!(reads_keys(mark), confirms, "after {seconds} s more");
    }
}

/// Promise E-33: also where the keys are in the cache.
#[tokio::test]
async fn a_warm_function_refuses_from_the_moment_of_leaving() {
    let world = warm().await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cost(&world, account(&world)).await, (401, (1, 0)));
    assert_eq!(cost(&world, configuration(&world, Method::GET, "/colour")).await, (401, (1, 0)));
    assert_eq!(cost(&world, configuration(&world, Method::PUT, "/colour")).await, (401, (1, 0)));
}

#[tokio::test]
async fn a_token_of_nobody_costs_one_read() {
    let world = warm().await;
    let nobody = site("nobody");
    assert_eq!(cost(&world, world.as_host(&nobody, Method::GET, ACCOUNT)).await, (401, (1, 0)));
    assert_eq!(cost(&world, world.get(&nobody, "colour")).await, (401, (1, 0)));
}

#[tokio::test]
async fn a_token_that_is_none_costs_nothing() {
    let world = warm().await;
    let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let claims = encoded(r#"{"iss":"acme-client-key","iat":1,"exp":2,"qsh":"context-qsh"}"#);
    for token in [
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{}.{claims}.", encoded(r#"{"alg":"none","typ":"JWT"}"#)),
        format!("{}.{claims}.c2ln", encoded(r#"{"alg":"RS256","typ":"JWT"}"#)),
        format!("{}.{}.c2ln", encoded(r#"{"alg":"HS256"}"#), encoded("{}")),
        "x".repeat(9000),
    ] {
        for path in [ACCOUNT, CONFIGURATION, "/test-management/configuration/colour"] {
            let request = Request::builder().uri(path).header("authorization", format!("JWT {token}")).body(Body::empty()).unwrap();
            assert_eq!(cost(&world, world.send(request)).await, (401, (0, 0)), "{path}: {token}");
        }
    }
}

/// What a tenant's comings and goings cost, whatever it holds.
#[tokio::test]
async fn nothing_costs_more_where_there_is_more() {
    for records in [0, 40] {
        let world = World::new().await;
        assert_eq!(cost(&world, world.install(&world.acme)).await, (204, (3, 1)), "the first installation");
        for number in 0..records {
            world.put(&world.acme, &format!("name-{number}"), "1").await;
        }
        world.put(&world.acme, "colour", "1").await;
        for (what, event, expected) in [
            ("an upgrade, cold", "installed", (2, 1)),
            ("an upgrade, warm", "installed", (2, 0)),
            ("leaving", "uninstalled", (3, 0)),
            ("leaving twice", "uninstalled", (2, 0)),
            ("returning", "installed", (3, 0)),
        ] {
            world.clock.advance(Duration::from_secs(1));
            let payload = world.acme.payload(event);
            let sent = world.lifecycle(&world.acme, event, world.now(), &payload);
            assert_eq!(cost(&world, sent).await, (204, expected), "{what}, {records} records");
        }
        assert_eq!(cost(&world, configuration(&world, Method::GET, "/colour")).await, (200, (1, 0)), "a read, {records} records");
        assert_eq!(cost(&world, configuration(&world, Method::GET, "?limit=10")).await, (200, (2, 0)), "a list, {records} records");
    }
}

/// DynamoDB's size of an item: names and values (Developer Guide, "DynamoDB item sizes and formats").
fn size(item: &Value) -> usize {
    let value = |value: &Value| match value.as_object().and_then(|value| value.iter().next()) {
        Some((kind, Value::String(text))) if kind == "S" => text.len(),
        Some((kind, Value::String(text))) if kind == "N" => text.len().div_ceil(2) + 1,
        Some((kind, Value::String(text))) if kind == "B" => STANDARD.decode(text).unwrap().len(),
        other => panic!("{other:?}"),
    };
    item.as_object().unwrap().iter().map(|(name, held)| name.len() + value(held)).sum()
}

/// A write is billed by the kibibyte, so the frame around a setting is to stay well below one.
#[tokio::test]
async fn a_setting_costs_at_most_300_bytes_beside_its_own_and_long_ones_are_packed() {
    let mut noise = [0; 768];
    SystemRandom.fill(&mut noise).unwrap();
    let noise = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&noise[..766]));
    let words = format!("[{}]", vec!["{\"environment\":\"staging\",\"url\":\"https://staging.example\"}"; 17].join(","));
    let short = format!("{}\"", &noise[..99]);
    for (what, json, at_most) in
        [("a byte", "0", 300), ("100 bytes", &short, 400), ("1 KiB of noise", &noise, 1120), ("1 KiB of words", &words, 360)]
    {
        let world = World::installed().await;
        assert_eq!(world.put(&world.acme, "colour", json).await.status, StatusCode::CREATED);
        let item = &world.aws().dump().unwrap()["ConfigurationTable"][0];
        assert!(size(item) <= at_most, "{what}: {} bytes for {}", size(item), json.len());
    }
}
