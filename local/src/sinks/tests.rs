//! What the doubles take, what they refuse, and what they keep.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use shared::platform::clock::ManualClock;
use tower::ServiceExt as _;

use super::*;

const NOW: i64 = 1_795_348_800;
const ID: &str = "0123456789abcdef0123456789abcdef";

struct World {
    doubles: Doubles,
    router: Router,
}

impl World {
    fn new() -> Self {
        let doubles = Doubles::new(Arc::new(ManualClock::at(NOW)));
        let router = doubles.router();
        Self { doubles, router }
    }

    async fn post(&self, target: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> u16 {
        let mut request = Request::post(format!("/sinks/{target}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap().status().as_u16()
    }

    /// The last one's complaint.
    fn complaint(&self, double: Double) -> Option<String> {
        self.doubles.received(double).first().unwrap().complaint.clone()
    }
}

fn envelope(length: usize) -> String {
    let event = event();
    format!("{}\n{}\n{event}\n", json!({"event_id": ID}), json!({"type": "event", "length": event.len() + length - 1}))
}

fn event() -> String {
    json!({"event_id": ID, "exception": {"values": [{"type": "Error"}]}}).to_string()
}

const SENTRY: &str = "sentry/api/1/envelope/";
const AUTH: (&str, &str) = ("X-Sentry-Auth", "Sentry sentry_version=7, sentry_key=local");

#[tokio::test]
async fn sentry_takes_an_event_of_its_project_with_its_key() {
    let world = World::new();
    assert_eq!(world.post(SENTRY, &[AUTH], envelope(1)).await, 200);
    assert_eq!(world.post("sentry/api/1/envelope/?sentry_key=local", &[], envelope(1)).await, 200);
    assert_eq!(world.complaint(Double::Sentry), None);
    assert_eq!(world.post(SENTRY, &[], envelope(1)).await, 401);
    assert_eq!(world.post(SENTRY, &[("X-Sentry-Auth", "Sentry sentry_key=local")], envelope(1)).await, 401);
    assert_eq!(world.post(SENTRY, &[("X-Sentry-Auth", "Sentry sentry_version=7, sentry_key=other")], envelope(1)).await, 403);
    assert_eq!(world.post("sentry/api/2/envelope/", &[AUTH], envelope(1)).await, 404);
}

#[tokio::test]
async fn sentry_refuses_an_envelope_that_is_none() {
    let world = World::new();
    let other = envelope(1).replacen(ID, &"f".repeat(32), 1);
    let no_length = format!("{}\n{{\"type\":\"event\"}}\n{}\n", json!({"event_id": ID}), event());
    let header = json!({"event_id": ID}).to_string();
    for refused in [String::new(), "{}\n".to_owned(), header, envelope(0), envelope(3), other, no_length] {
        assert_eq!(world.post(SENTRY, &[AUTH], refused.clone()).await, 400, "{refused}");
        assert!(world.complaint(Double::Sentry).is_some());
    }
}

const GA4: &str = "ga4/mp/collect?measurement_id=G-LOCAL&api_secret=local-ga4-secret";

#[tokio::test]
async fn google_analytics_answers_everything_alike_and_complains_here() {
    let world = World::new();
    let event = json!({"name": "page_view", "params": {"page_location": "x".repeat(1000), "tenant": "t"}});
    let body = |events: &[Value]| json!({"client_id": "1.2", "events": events}).to_string();
    assert_eq!(world.post(GA4, &[], body(std::slice::from_ref(&event))).await, 204);
    assert_eq!(world.complaint(Double::Ga4), None);
    let long = json!({"name": "page_view", "params": {"tenant": "t".repeat(101)}});
    for dropped in [body(&[]), body(&vec![event.clone(); 26]), json!({"events": [event]}).to_string(), body(&[long]), "x".to_owned()] {
        assert_eq!(world.post(GA4, &[], dropped.clone()).await, 204);
        assert!(world.complaint(Double::Ga4).is_some(), "{dropped}");
    }
    assert_eq!(world.post("ga4/mp/collect?measurement_id=G-LOCAL&api_secret=other", &[], body(&[json!({"name": "a"})])).await, 204);
    assert!(world.complaint(Double::Ga4).is_some());
}

const DATADOG: &str = "datadog/api/v2/series";
const KEY: (&str, &str) = ("DD-API-KEY", "local-datadog-key");

fn series(timestamp: i64) -> String {
    json!({"series": [{"metric": "lethe.calls", "type": 1, "points": [{"timestamp": timestamp, "value": 2}]}]}).to_string()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn datadog_takes_series_packed_or_not_with_its_key() {
    let world = World::new();
    assert_eq!(world.post(DATADOG, &[KEY], series(NOW)).await, 202);
    assert_eq!(world.post(DATADOG, &[KEY, ("content-encoding", "gzip")], gzip(&series(NOW))).await, 202);
    let received = world.doubles.received(Double::Datadog);
    assert_eq!((received[0].number, received[0].body.as_str(), received[0].complaint.as_ref()), (2, series(NOW).as_str(), None));
    assert_eq!(world.post(DATADOG, &[], series(NOW)).await, 403);
    assert_eq!(world.post(DATADOG, &[KEY, ("content-encoding", "gzip")], series(NOW)).await, 400);
}

#[tokio::test]
async fn datadog_drops_points_of_another_time_and_refuses_what_is_too_much() {
    let world = World::new();
    for (timestamp, dropped) in [(NOW - 3600, false), (NOW - 3601, true), (NOW + 600, false), (NOW + 601, true)] {
        assert_eq!(world.post(DATADOG, &[KEY], series(timestamp)).await, 202);
        assert_eq!(world.complaint(Double::Datadog).is_some(), dropped, "{timestamp}");
    }
    let large = format!("{}{}", series(NOW), " ".repeat(512_000));
    assert_eq!(world.post(DATADOG, &[KEY], large.clone()).await, 413);
    assert_eq!(world.post(DATADOG, &[KEY, ("content-encoding", "gzip")], gzip(&large)).await, 202);
    let larger = format!("{}{}", series(NOW), " ".repeat(5_242_880));
    assert_eq!(world.post(DATADOG, &[KEY, ("content-encoding", "gzip")], gzip(&larger)).await, 413);
    for refused in ["{}", "x", r#"{"series":[{"points":[]}]}"#, r#"{"series":[{"metric":"a","type":4,"points":[]}]}"#] {
        assert_eq!(world.post(DATADOG, &[KEY], refused).await, 400, "{refused}");
    }
}

#[tokio::test]
async fn what_came_is_kept_as_it_came_and_only_the_last_of_it() {
    let world = World::new();
    for number in 0..=KEPT {
        world.post(GA4, &[("x-forwarded-for", "192.0.2.7"), ("user-agent", "somebody's")], format!("{number}")).await;
    }
    let received = world.doubles.received(Double::Ga4);
    assert_eq!((received.len(), received[0].number, received[0].body.as_str(), received[0].bytes), (KEPT, 51, "50", 2));
    assert!(received[0].target.ends_with("api_secret=local-ga4-secret"));
    for header in [("x-forwarded-for", "192.0.2.7"), ("user-agent", "somebody's")] {
        assert!(received[0].headers.contains(&(header.0.to_owned(), header.1.to_owned())));
    }
    assert!(world.doubles.received(Double::Sentry).is_empty());
}
