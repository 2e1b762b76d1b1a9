//! Which page is seen: what a browser may send, what of it reaches Google, and what it costs.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::aws::Service;
use local::host::SinkVariables;
use serde_json::{Value, json};

use crate::attachment_faults::{FAULTS, operations};
use crate::harness::{Answer, World, site};
use crate::secrets::Log;
use crate::sink_double::{SECRETS, page_token, restarted, variables, with_sinks};

const PAGE: &str = "/test-management/page";

fn beacon(token: &str, body: impl Into<Body>) -> Request<Body> {
    // As `sendBeacon` sends it, and with all that a browser and the front door say of a person.
    Request::builder()
        .method(Method::POST)
        .uri(format!("/test-management/page-views/{token}"))
        .header("content-type", "text/plain;charset=UTF-8")
        .header("user-agent", "m4rk-agent Mozilla/5.0")
        .header("x-forwarded-for", "203.0.113.77")
        .header("cookie", "session=m4rk-cookie")
        .header("referer", "https://acme.atlassian.net/browse/M4RK-1")
        .header("accept-language", "m4rk")
        .body(body.into())
        .unwrap()
}

async fn see(world: &World, token: &str, body: &Value) -> Answer {
    world.send(beacon(token, body.to_string())).await
}

fn queued(world: &World) -> usize {
    world.host.waits()
}

/// Promises A-14, A-17, A-18.
#[tokio::test]
async fn google_learns_the_page_the_referrer_and_a_mark_of_the_tenant_and_nothing_else() {
    let (world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let view = json!({
        "page": "https://eu.lethe.example/test-management/page?user=ada@example.com&jwt=m4rk-jwt#m4rk",
        "referrer": "https://acme.atlassian.net/browse/M4RK-1?assignee=ada%40example.com#m4rk",
        "user": {"name": "Ada Lovelace", "accountId": "557058:m4rk"}, "title": "m4rk-title", "screen": [1280, 720]
    });
    assert_eq!(see(&world, &token, &view).await.status, StatusCode::NO_CONTENT);
    world.host.deliver().await.unwrap();
    let [seen] = sinks.seen().try_into().unwrap();
    assert_eq!(
        (seen.method.as_str(), seen.address.as_str()),
        ("POST", "https://ga.example/mp/collect?measurement_id=G-TEST&api_secret=m4rk-ga4-secret")
    );
    assert_eq!(seen.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    let body = seen.json();
    let is_hex = |value: &Value| value.as_str().is_some_and(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let (client, tenant) = (&body["client_id"], &body["events"][0]["params"]["tenant"]);
    assert!(is_hex(client) && is_hex(tenant), "{body}");
    let params = json!({"page_location": "https://eu.lethe.example/test-management/page",
        "page_referrer": "https://your-site.atlassian.net/browse/:id", "tenant": tenant});
    assert_eq!(body, json!({"client_id": client, "events": [{"name": "page_view", "params": params}]}));
}

/// Promise A-18.
#[tokio::test]
async fn no_two_views_are_joined_by_anything_but_the_tenants_mark_of_the_month() {
    let (world, sinks) = with_sinks(variables()).await;
    let other = site("other");
    world.install(&other).await;
    let marks = async |site| {
        let token = page_token(&world, site).await;
        assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::NO_CONTENT);
        world.host.deliver().await.unwrap();
        let [seen] = sinks.seen().try_into().unwrap();
        let body = seen.json();
        (body["client_id"].clone(), body["events"][0]["params"]["tenant"].clone())
    };
    let (first, second, others) = (marks(&world.acme).await, marks(&world.acme).await, marks(&other).await);
    assert!(first.0 != second.0 && first.1 == second.1 && others.1 != first.1);
    // Into December.
    world.clock.advance(Duration::from_secs(9 * 86_400));
    let later = marks(&world.acme).await;
    assert!(later.1 != first.1 && later.0 != first.0);
}

#[tokio::test]
async fn a_view_costs_one_read_and_one_message() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    see(&world, &token, &json!({"page": PAGE})).await;
    let mark = world.aws().calls().mark();
    assert_eq!(see(&world, &token, &json!({"page": PAGE, "referrer": ""})).await.status, StatusCode::NO_CONTENT);
    let asked: Vec<_> = world.aws().calls().since(mark).into_iter().map(|call| call.operation).collect();
    assert_eq!(asked, ["BatchGetItem", "SendMessage"]);
}

#[tokio::test]
async fn what_is_no_view_is_refused_by_its_name_and_nothing_is_sent() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    for (body, field) in [
        (r#"{"page": "/test-management/account"}"#, "page"),
        (r#"{"page": "https://elsewhere.example/test-management/page"}"#, "page"),
        (r#"{"page": ""}"#, "page"),
        (r#"{"page": 5}"#, "page"),
        (r#"{"referrer": "https://acme.atlassian.net"}"#, "page"),
        (r#"{"page": "page", "referrer": ["https://acme.atlassian.net"]}"#, "referrer"),
        ("", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("page=page", "body"),
        ("{\"page\": \"page\"", "body"),
    ] {
        let refused = world.send(beacon(&token, body)).await;
        assert_eq!((refused.status, refused.field().as_str()), (StatusCode::BAD_REQUEST, field), "{body}");
    }
    let invalid = world.send(beacon(&token, b"{\"page\": \"\xff\"}".to_vec())).await;
    assert_eq!((invalid.status, invalid.field().as_str()), (StatusCode::BAD_REQUEST, "body"));
    let long = json!({"page": "page", "padding": "x".repeat(8 * 1024)}).to_string();
    assert_eq!(world.send(beacon(&token, long)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(queued(&world), 0);
}

#[tokio::test]
async fn a_referrer_that_is_none_is_left_out() {
    let (world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    for referrer in ["", "about:blank", "m4rk", "android-app://com.example.m4rk"] {
        assert_eq!(see(&world, &token, &json!({"page": "page", "referrer": referrer})).await.status, StatusCode::NO_CONTENT);
    }
    world.host.deliver().await.unwrap();
    for seen in sinks.seen() {
        assert_eq!(seen.json()["events"][0]["params"].get("page_referrer"), None);
    }
}

#[tokio::test]
async fn a_flood_is_turned_away_before_it_is_read_and_leaves_no_trace() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let other = site("other");
    world.install(&other).await;
    for _ in 0..60 {
        assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::NO_CONTENT);
    }
    for body in ["{\"page\": \"page\"}", "garbage"] {
        let refused = world.send(beacon(&token, body)).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-many-requests"));
        assert_eq!(refused.headers["retry-after"], "60");
    }
    assert_eq!(queued(&world), 60);
    // Who has no token is told nothing of budgets, and nobody pays for another.
    assert_eq!(see(&world, "none", &json!({"page": "page"})).await.status, StatusCode::UNAUTHORIZED);
    let others = page_token(&world, &other).await;
    assert_eq!(see(&world, &others, &json!({"page": "page"})).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(Duration::from_secs(2));
    for expected in [StatusCode::NO_CONTENT, StatusCode::NO_CONTENT, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, expected);
    }
}

/// Promise E-33.
#[tokio::test]
async fn who_has_left_sends_nothing_more() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    world.clock.advance(Duration::from_secs(1));
    world.uninstall(&world.acme).await;
    assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(queued(&world), 0);
}

#[tokio::test]
async fn a_token_is_good_for_its_app_and_its_time() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let elsewhere = Request::post(format!("/other/page-views/{token}")).body(Body::from("{\"page\": \"page\"}")).unwrap();
    assert_eq!(world.send(elsewhere).await.status, StatusCode::NOT_FOUND);
    world.clock.advance(Duration::from_secs(12 * 3600));
    assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(queued(&world), 0);
}

#[tokio::test]
async fn a_sink_that_is_off_gets_nothing_and_the_log_says_so_at_the_start() {
    let log = Log::kept();
    let (world, sinks) =
        with_sinks(SinkVariables { ga4_measurement_id: "off".to_owned(), ga4_api_secret: "off".to_owned(), ..variables() }).await;
    assert!(log.text().contains("google analytics is off") && !log.text().contains("sentry is off"), "{}", log.text());
    let token = page_token(&world, &world.acme).await;
    assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::NO_CONTENT);
    assert_eq!((queued(&world), sinks.seen().len()), (0, 0));
    // What was sent while it was on is dropped.
    let view = json!({"outgoing": {"pageView": {"page": PAGE, "referrer": null, "tenant": "t"}}, "at": world.now()});
    world.host.send_to_queue("TelemetryQueue", view.to_string()).unwrap();
    world.host.deliver().await.unwrap();
    assert_eq!((queued(&world), sinks.seen().len()), (0, 0));
    assert!(world.host.dead_letters().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_view_is_queued_or_the_browser_is_told_that_it_was_not() {
    let (mut world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    world = restarted(world, &sinks).await;
    let mark = world.aws().calls().mark();
    assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::NO_CONTENT);
    let needed = operations(&world.aws().calls().since(mark));
    assert!(needed.contains(&(Service::Sqs, "SendMessage".to_owned())) && needed.len() == 3, "{needed:?}");
    tokio::time::pause();
    for (service, operation) in needed {
        for fault in FAULTS {
            let case = format!("{operation} {fault:?}");
            world = restarted(world, &sinks).await;
            world.aws().faults().on(service, &operation, fault, u32::MAX);
            assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::SERVICE_UNAVAILABLE, "{case}");
            world.aws().faults().clear();
            world.host.deliver().await.unwrap();
            sinks.seen();
            assert_eq!(see(&world, &token, &json!({"page": "page"})).await.status, StatusCode::NO_CONTENT, "{case}");
            world.host.deliver().await.unwrap();
            assert_eq!(sinks.seen().len(), 1, "{case}");
        }
    }
}

/// Promise A-12: nothing that names the customer or a person is in the queue, the log or an answer.
#[tokio::test]
async fn a_view_leaves_no_name_on_its_way() {
    let log = Log::kept();
    let (world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let view = json!({"page": "page?m4rk", "referrer": "https://m4rk.example/m4rk?m4rk#m4rk", "m4rk": "m4rk"});
    let answered = see(&world, &token, &view).await;
    let letters = world.aws().messages("TelemetryQueue").await.unwrap();
    world.host.deliver().await.unwrap();
    sinks.seen();
    for text in [answered.text(), letters.join(" "), log.text()] {
        for mark in ["m4rk", "203.0.113.77", "acme", token.as_str(), SECRETS[0], SECRETS[1]] {
            assert!(!text.contains(mark), "{mark} in {text}");
        }
    }
}
