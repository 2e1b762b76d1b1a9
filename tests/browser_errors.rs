//! What fails in a browser: what Sentry's SDK may post, what of it reaches Sentry, and what is turned away.

use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Method, Request, StatusCode};
use local::aws::Service;
use local::host::SinkVariables;
use serde_json::{Value, json};

use crate::attachment_faults::{FAULTS, operations};
use crate::harness::{Answer, World, site};
use crate::secrets::Log;
use crate::sink_double::{DSN, page_token, restarted, variables, with_sinks};

const EVENT_ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// An event as the SDK writes one, with everything that must not leave.
fn event() -> Value {
    json!({
        "event_id": EVENT_ID, "platform": "javascript", "timestamp": 1_795_348_799.5, "level": "error", "release": "m4rk-release",
        "exception": {"values": [{
            "type": "TypeError", "value": "cannot read properties of undefined (reading 'ada.lovelace@example.com')",
            "stacktrace": {"frames": [{"filename": "https://eu.lethe.example/test-management/page/script.js?v=m4rk", "function": "render",
                "lineno": 12, "colno": 7, "vars": {"m4rk": "m4rk"}, "pre_context": ["m4rk"], "context_line": "m4rk"}]},
            "mechanism": {"type": "generic", "data": {"m4rk": "m4rk"}}
        }]},
        "user": {"id": "557058:m4rk", "email": "m4rk@example.com", "ip_address": "203.0.113.77", "username": "m4rk"},
        "request": {"url": "https://acme.atlassian.net/browse/M4RK-1?jwt=m4rk", "headers": {"Referer": "https://m4rk.example", "User-Agent": FIREFOX}},
        "breadcrumbs": [{"category": "ui.click", "message": "m4rk"}], "extra": {"m4rk": "m4rk"}, "tags": {"m4rk": "m4rk"},
        "contexts": {"m4rk": {"m4rk": "m4rk"}, "trace": {"trace_id": "m4rk"}}, "server_name": "m4rk", "transaction": "/m4rk", "modules": {"m4rk": "1"}
    })
}

fn envelope(dsn: &str, items: &[(&str, &str)]) -> String {
    let mut text = json!({"event_id": EVENT_ID, "sent_at": "2026-11-22T12:00:00.000Z", "sdk": {"name": "sentry.javascript.browser", "version": "10.25.0"},
        "dsn": dsn, "trace": {"user_id": "m4rk"}})
    .to_string();
    for (kind, payload) in items {
        text += &format!("\n{}\n{payload}", json!({"type": kind, "length": payload.len()}));
    }
    text
}

fn tunnel(token: &str, body: impl Into<Body>) -> http::Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(format!("/test-management/browser-errors/{token}"))
        .header("content-type", "text/plain;charset=UTF-8")
        .header("user-agent", FIREFOX)
        .header("x-forwarded-for", "203.0.113.77")
        .header("cookie", "session=m4rk-cookie")
        .body(body.into())
        .unwrap()
}

async fn fail(world: &World, token: &str, event: &Value) -> Answer {
    world.send(tunnel(token, envelope(DSN, &[("event", &event.to_string())]))).await
}

/// The event that Sentry was sent last.
async fn left(world: &World, sinks: &crate::sink_double::SinkDouble) -> Option<Value> {
    world.host.deliver().await.unwrap();
    sinks.seen().pop().map(|seen| seen.lines()[2].clone())
}

/// Promises A-19, A-20, A-23.
#[tokio::test]
async fn an_error_reaches_sentry_as_promised_and_without_a_person() {
    let log = Log::kept();
    let (world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let answered = fail(&world, &token, &event()).await;
    assert_eq!(answered.status, StatusCode::OK);
    let letters = world.aws().messages("TelemetryQueue").await.unwrap().join(" ");
    let left = left(&world, &sinks).await.unwrap();
    assert_eq!(answered.json(), json!({"id": left["event_id"]}));
    let tags = json!({"addon_key": "io.lethe.test-management", "client_key": "acme-client-key", "base_url": "https://acme.atlassian.net",
        "tracking_id": left["tags"]["tracking_id"]});
    assert_eq!(left["tags"], tags);
    assert_eq!(left["contexts"], json!({"browser": {"name": "Firefox", "version": "145"}, "os": {"name": "Linux"}}));
    let [thrown] = left["exception"]["values"].as_array().unwrap().as_slice() else { panic!("{left}") };
    assert_eq!(thrown["type"], "TypeError");
    let [frame] = thrown["stacktrace"]["frames"].as_array().unwrap().as_slice() else { panic!("{left}") };
    assert_eq!((&frame["lineno"], &frame["colno"], &frame["function"]), (&json!(12), &json!(7), &json!("render")));
    for text in [left.to_string(), letters, log.text(), answered.text()] {
        for mark in ["m4rk", "M4RK", "ada.lovelace", "example.com", "203.0.113.77", "Mozilla", EVENT_ID, token.as_str()] {
            assert!(!text.contains(mark), "{mark} in {text}");
        }
    }
}

/// Promise A-20.
#[tokio::test]
async fn errors_of_one_loading_share_a_mark_that_no_other_has() {
    let (world, sinks) = with_sinks(variables()).await;
    let other = site("other");
    world.install(&other).await;
    let mut marks = Vec::new();
    for (site, loads) in [(&world.acme, 2), (&other, 1)] {
        for _ in 0..loads {
            let token = page_token(&world, site).await;
            let mut of_loading = Vec::new();
            for _ in 0..2 {
                assert_eq!(fail(&world, &token, &event()).await.status, StatusCode::OK);
                let left = left(&world, &sinks).await.unwrap();
                of_loading.push((left["tags"]["tracking_id"].clone(), left["event_id"].clone()));
            }
            // The same event is the same, however often it comes.
            assert_eq!(of_loading[0], of_loading[1]);
            marks.push(of_loading.remove(0));
        }
    }
    let [(first, same), (second, again), (others, foreign)] = marks.try_into().unwrap();
    assert!(first != second && second != others && first != others);
    // An event's id is one tenant's: nobody can take the place of another's.
    assert!(same == again && again != foreign);
}

#[tokio::test]
async fn a_packed_envelope_is_taken() {
    let (world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(envelope(DSN, &[("event", &event().to_string())]).as_bytes()).unwrap();
    let mut request = tunnel(&token, packer.finish().unwrap());
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(world.send(request).await.status, StatusCode::OK);
    assert_eq!(left(&world, &sinks).await.unwrap()["exception"]["values"][0]["type"], "TypeError");
}

#[tokio::test]
async fn what_is_no_error_is_taken_and_dropped() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    for items in [
        vec![],
        vec![("session", "{\"sid\":\"m4rk\"}"), ("transaction", "{}"), ("client_report", "{}")],
        vec![("attachment", "m4rk\nm4rk"), ("replay_event", "{}"), ("m4rk", "m4rk")],
        vec![("event", "{\"type\":\"nothing was thrown\"}")],
    ] {
        let answered = world.send(tunnel(&token, envelope(DSN, &items))).await;
        assert_eq!((answered.status, answered.json()), (StatusCode::OK, json!({})), "{items:?}");
    }
    assert_eq!(world.host.waits(), 0);
}

#[tokio::test]
async fn of_several_events_the_first_is_taken() {
    let (world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let [first, second] = ["First", "Second"].map(|kind| json!({"exception": {"values": [{"type": kind, "value": "x"}]}}).to_string());
    let body = envelope(DSN, &[("session", "{}"), ("event", &first), ("event", &second)]);
    assert_eq!(world.send(tunnel(&token, body)).await.status, StatusCode::OK);
    assert_eq!(world.host.waits(), 1);
    assert_eq!(left(&world, &sinks).await.unwrap()["exception"]["values"][0]["type"], "First");
}

#[tokio::test]
async fn garbage_is_refused_by_the_part_at_fault_and_nothing_is_sent() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    let (event, header) = (event().to_string(), envelope(DSN, &[]));
    let with_length = |length: i64| format!("{header}\n{}\n{event}", json!({"type": "event", "length": length}));
    let invalid = [header.as_bytes(), b"\n{\"type\":\"event\"}\n{\"message\":\"\xff\xfe\"}"].concat();
    let many: Vec<_> = (0..51).map(|_| ("session", "{}")).collect();
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("nothing", Vec::new(), 400),
        ("no JSON", b"garbage".to_vec(), 400),
        ("no header", event.clone().into_bytes(), 400),
        ("a length beyond the end", with_length(10_000_000).into_bytes(), 400),
        ("a length that cuts off", with_length(5).into_bytes(), 400),
        ("a length below nothing", with_length(-1).into_bytes(), 400),
        ("an event that is none", envelope(DSN, &[("event", "m4rk")]).into_bytes(), 400),
        ("invalid UTF-8", invalid, 400),
        ("too many items", envelope(DSN, &many).into_bytes(), 400),
        ("no DSN", b"{}\n{\"type\":\"event\"}\n{\"message\":\"x\"}".to_vec(), 400),
        ("another key", envelope("https://abc124@sentry.example/42", &[("event", &event)]).into_bytes(), 400),
        ("another project", envelope("https://abc123@sentry.example/43", &[("event", &event)]).into_bytes(), 400),
        ("another host", envelope("https://abc123@elsewhere.example/42", &[("event", &event)]).into_bytes(), 400),
        ("more than a megabyte", vec![b' '; (1 << 20) + 1], 413),
        ("ten megabytes", vec![b' '; 10 << 20], 413),
    ];
    for (case, body, status) in cases {
        // More than a minute's budget, so that each is read.
        world.clock.advance(Duration::from_secs(2));
        let refused = world.send(tunnel(&token, body)).await;
        assert_eq!(refused.status.as_u16(), status, "{case}: {}", refused.text());
        assert!(!refused.text().contains("m4rk") && !refused.field().is_empty(), "{case}: {}", refused.text());
        if case.starts_with("another") || case == "no DSN" {
            assert_eq!(refused.field(), "dsn", "{case}");
        }
    }
    for (encoding, body, status) in [("gzip", b"not packed".to_vec(), 400), ("br", b"x".to_vec(), 415), ("gzip", bomb(), 413)] {
        let mut request = tunnel(&token, body);
        request.headers_mut().insert("content-encoding", encoding.parse().unwrap());
        assert_eq!(world.send(request).await.status.as_u16(), status, "{encoding}");
    }
    assert_eq!(world.host.waits(), 0);
}

/// Some kilobytes that unpack to five megabytes.
fn bomb() -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&vec![b' '; 5 << 20]).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn the_largest_error_still_fits_into_the_queue_and_into_sentry() {
    let (world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    // Control characters take six letters each in JSON.
    let long = "\u{1}".repeat(300);
    let frames: Vec<_> = (0..60).map(|line| json!({"filename": long, "function": long, "lineno": line})).collect();
    let thrown: Vec<_> =
        (0..10).map(|_| json!({"type": "Error", "value": "\u{1}".repeat(1024), "stacktrace": {"frames": frames}})).collect();
    let body = envelope(DSN, &[("event", &json!({"exception": {"values": thrown}}).to_string())]);
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(body.as_bytes()).unwrap();
    let mut request = tunnel(&token, packer.finish().unwrap());
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    let answered = world.send(request).await;
    assert_eq!(answered.status, StatusCode::OK, "{} {}", body.len(), answered.text());
    let left = left(&world, &sinks).await.unwrap();
    assert!(left.to_string().len() < 1_000_000);
    let frames = left["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames.last().unwrap()["lineno"], 59, "the innermost call stays");
}

#[tokio::test]
async fn a_flood_is_turned_away_in_the_words_of_sentrys_sdk() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    for _ in 0..30 {
        assert_eq!(fail(&world, &token, &event()).await.status, StatusCode::OK);
    }
    for body in [envelope(DSN, &[("event", &event().to_string())]), "garbage".to_owned()] {
        let refused = world.send(tunnel(&token, body)).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(
            (&refused.headers["retry-after"], &refused.headers["x-sentry-rate-limits"]),
            (&"60".parse().unwrap(), &"60:error;default:key".parse().unwrap())
        );
    }
    assert_eq!(world.host.waits(), 30);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(fail(&world, &token, &event()).await.status, StatusCode::OK);
}

/// Promise E-33.
#[tokio::test]
async fn who_has_left_or_has_no_token_of_the_app_reports_nothing() {
    let (world, _) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    assert_eq!(fail(&world, "none", &event()).await.status, StatusCode::UNAUTHORIZED);
    let elsewhere = Request::post(format!("/other/browser-errors/{token}")).body(Body::from("{}")).unwrap();
    assert_eq!(world.send(elsewhere).await.status, StatusCode::NOT_FOUND);
    world.clock.advance(Duration::from_secs(1));
    world.uninstall(&world.acme).await;
    assert_eq!(fail(&world, &token, &event()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.host.waits(), 0);
}

#[tokio::test]
async fn a_sink_that_is_off_gets_nothing_and_the_browser_is_content() {
    let log = Log::kept();
    let (world, sinks) = with_sinks(SinkVariables { sentry_dsn: "off".to_owned(), ..variables() }).await;
    assert!(log.text().contains("sentry is off") && !log.text().contains("google analytics is off"));
    let token = page_token(&world, &world.acme).await;
    let answered = fail(&world, &token, &event()).await;
    assert_eq!((answered.status, answered.json()), (StatusCode::OK, json!({})));
    assert_eq!((world.host.waits(), sinks.seen().len()), (0, 0));
}

#[tokio::test]
async fn an_error_costs_one_read_and_one_message_and_is_queued_or_refused() {
    let (mut world, sinks) = with_sinks(variables()).await;
    let token = page_token(&world, &world.acme).await;
    fail(&world, &token, &event()).await;
    let mark = world.aws().calls().mark();
    fail(&world, &token, &event()).await;
    let asked: Vec<_> = world.aws().calls().since(mark).into_iter().map(|call| call.operation).collect();
    assert_eq!(asked, ["BatchGetItem", "SendMessage"]);
    world = restarted(world, &sinks).await;
    let mark = world.aws().calls().mark();
    fail(&world, &token, &event()).await;
    let needed = operations(&world.aws().calls().since(mark));
    assert!(needed.contains(&(Service::Kms, "Decrypt".to_owned())) && needed.len() == 3, "{needed:?}");
    world.host.deliver().await.unwrap();
    sinks.seen();
    tokio::time::pause();
    for (service, operation) in needed {
        for fault in FAULTS {
            let case = format!("{operation} {fault:?}");
            world = restarted(world, &sinks).await;
            world.aws().faults().on(service, &operation, fault, u32::MAX);
            assert_eq!(fail(&world, &token, &event()).await.status, StatusCode::SERVICE_UNAVAILABLE, "{case}");
            world.aws().faults().clear();
            assert_eq!(fail(&world, &token, &event()).await.status, StatusCode::OK, "{case}");
            world.host.deliver().await.unwrap();
            // Sent once, or the same event more than once.
            let ids: std::collections::BTreeSet<_> = sinks.seen().iter().map(|seen| seen.lines()[2]["event_id"].to_string()).collect();
            assert_eq!(ids.len(), 1, "{case}");
        }
    }
}
