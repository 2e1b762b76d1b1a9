//! From the queue to the sinks: what each is sent, what follows from what it answers, and when it is asked again.

use std::time::Duration;

use local::aws::{Fault, Service};
use local::host::SinkVariables;
use serde_json::{Value, json};

use crate::attachment_faults::FAULTS;
use crate::harness::World;
use crate::secrets::Log;
use crate::sink_double::{Play, SECRETS, Seen, SinkDouble, restarted, variables, with_sinks};

/// What the queue hides what failed for, and a little more.
const HIDDEN_FOR: Duration = Duration::from_secs(361);

fn view(world: &World) -> Value {
    json!({"outgoing": {"pageView": {"page": "/test-management/page", "referrer": null, "tenant": "0".repeat(32)}}, "at": world.now()})
}

fn metrics(world: &World, function: &str, minute: i64, value: f64) -> Value {
    let point = json!({"metric": "lethe.calls", "minute": minute, "function": function, "outcome": "success", "value": value});
    json!({"outgoing": {"metrics": [point]}, "at": world.now()})
}

fn error(world: &World, event_id: &str) -> Value {
    let exception = json!({"kind": "TypeError", "message": "x is not a function",
        "frames": [{"file": "app.js", "function": "render", "line": 1, "column": 2}, {"file": null, "function": null, "line": null, "column": null}]});
    json!({"outgoing": {"browserError": {"eventId": event_id, "at": world.now(), "addonKey": "io.lethe.test-management", "clientKey": "acme-client-key",
        "baseUrl": "https://acme.atlassian.net", "trackingId": "1".repeat(32), "exceptions": [exception],
        "browser": {"name": "Samsung Internet", "version": 29}, "os": "macOS"}}, "at": world.now()})
}

fn send(world: &World, letter: &Value) {
    world.host.send_to_queue("TelemetryQueue", letter.to_string()).unwrap();
}

async fn deliver(world: &World, sinks: &SinkDouble) -> Vec<Seen> {
    world.host.deliver().await.unwrap();
    sinks.seen()
}

/// The same, so many seconds later.
async fn deliver_after(world: &World, sinks: &SinkDouble, seconds: u64) -> usize {
    world.clock.advance(Duration::from_secs(seconds));
    deliver(world, sinks).await.len()
}

async fn dead(world: &World) -> Vec<Value> {
    world.host.dead_letters().await.unwrap()
}

fn header<'s>(seen: &'s Seen, name: &str) -> &'s str {
    seen.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// Promises.
#[tokio::test]
async fn sentry_is_sent_one_envelope_with_what_was_promised() {
    let (world, sinks) = with_sinks(variables()).await;
    send(&world, &error(&world, &"a".repeat(32)));
    let [seen] = deliver(&world, &sinks).await.try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.address.as_str()), ("POST", "https://sentry.example/api/42/envelope/"));
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "x-sentry-auth"]);
    assert_eq!(header(&seen, "content-type"), "application/x-sentry-envelope");
    let auth = format!("Sentry sentry_version=7, sentry_client=lethe/{}, sentry_key=abc123", env!("CARGO_PKG_VERSION"));
    assert_eq!(header(&seen, "x-sentry-auth"), auth);
    let [head, item, event] = seen.lines().try_into().unwrap();
    assert_eq!(head, json!({"event_id": "a".repeat(32), "sent_at": "2026-11-22T12:00:00Z"}));
    let length = seen.body.split(|byte| *byte == b'\n').nth(2).unwrap().len();
    assert_eq!(item, json!({"type": "event", "length": length}));
    let frames = json!([{"filename": "app.js", "function": "render", "lineno": 1, "colno": 2}, {}]);
    assert_eq!(
        event,
        json!({
            "event_id": "a".repeat(32), "timestamp": world.now(), "platform": "javascript",
            "exception": {"values": [{"type": "TypeError", "value": "x is not a function", "stacktrace": {"frames": frames}}]},
            "tags": {"addon_key": "io.lethe.test-management", "client_key": "acme-client-key", "base_url": "https://acme.atlassian.net",
                "tracking_id": "1".repeat(32)},
            "contexts": {"browser": {"name": "Samsung Internet", "version": "29"}, "os": {"name": "macOS"}},
            "sdk": {"name": "lethe", "version": env!("CARGO_PKG_VERSION"), "settings": {"infer_ip": "never"}},
        })
    );
    assert_eq!(world.host.waits(), 0);
}

/// Promises.
#[tokio::test]
async fn metrics_of_a_batch_leave_together_packed_and_without_a_tenant() {
    let (world, sinks) = with_sinks(variables()).await;
    let minute = world.now();
    for (function, value) in [("page", 2.0), ("page", 3.0), ("account", 1.0)] {
        send(&world, &metrics(&world, function, minute, value));
    }
    let [seen] = deliver(&world, &sinks).await.try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.address.as_str()), ("POST", "https://datadog.example/api/v2/series"));
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-encoding", "content-type", "dd-api-key"]);
    assert_eq!((header(&seen, "content-encoding"), header(&seen, "dd-api-key")), ("gzip", SECRETS[1]));
    let body = seen.unpacked();
    let forwarder = body["series"][0]["tags"][3].as_str().unwrap().to_owned();
    let series = |function: &str, value: f64| {
        json!({"metric": "lethe.calls", "type": 1, "interval": 60, "unit": "request", "points": [{"timestamp": minute, "value": value}],
            "tags": [format!("function:{function}"), "outcome:success", "region:eu-west-1", forwarder]})
    };
    assert_eq!(body, json!({"series": [series("account", 1.0), series("page", 5.0)]}));
    assert_eq!(forwarder.strip_prefix("forwarder:").map(str::len), Some(8));
}

/// Datadog keeps the last value of a second and a series.
#[tokio::test]
async fn what_is_sent_of_a_minute_holds_what_was_sent_of_it_before() {
    let (mut world, sinks) = with_sinks(variables()).await;
    let minute = world.now();
    let mut told = Vec::new();
    for again in [false, false, true] {
        if again {
            world = restarted(world, &sinks).await;
        }
        send(&world, &metrics(&world, "page", minute, 2.0));
        let [seen] = deliver(&world, &sinks).await.try_into().unwrap();
        let series = seen.unpacked()["series"][0].clone();
        told.push((series["points"][0]["value"].as_f64().unwrap(), series["tags"][3].as_str().unwrap().to_owned()));
    }
    assert_eq!(told.iter().map(|(value, _)| *value).collect::<Vec<_>>(), [2.0, 4.0, 2.0]);
    // Another process sums for itself, in series of its own.
    assert!(told[0].1 == told[1].1 && told[1].1 != told[2].1);
}

#[tokio::test]
async fn points_that_datadog_would_drop_are_not_sent_and_counted() {
    let log = Log::kept();
    let (world, sinks) = with_sinks(variables()).await;
    for minute in [world.now() - 3660, world.now() - 3600, world.now(), world.now() + 660] {
        send(&world, &metrics(&world, "page", minute, 1.0));
    }
    let [seen] = deliver(&world, &sinks).await.try_into().unwrap();
    let sent = seen.unpacked()["series"][0]["points"].clone();
    let times: Vec<_> = sent.as_array().unwrap().iter().map(|point| point["timestamp"].as_i64().unwrap()).collect();
    assert_eq!(times, [world.now() - 3600, world.now()]);
    assert_eq!(log.text().matches("points are too old").count(), 2, "{}", log.text());
    assert!(world.host.waits() == 0 && dead(&world).await.is_empty());
}

#[tokio::test]
async fn what_a_sink_does_not_take_is_tried_again_and_later_each_time() {
    for play in [Play::Says(500, &[]), Play::Says(503, &[]), Play::Nothing] {
        let (world, sinks) = with_sinks(variables()).await;
        for letter in [view(&world), error(&world, "e"), metrics(&world, "page", world.now(), 1.0)] {
            sinks.play([play; 3]);
            send(&world, &letter);
            let case = format!("{play:?} {letter}");
            assert_eq!(deliver(&world, &sinks).await.len(), 1, "{case}");
            for wait in [30, 60, 120] {
                assert_eq!(deliver_after(&world, &sinks, wait - 1).await, 0, "{case}");
                assert_eq!(deliver_after(&world, &sinks, 1).await, 1, "{case}");
            }
            assert_eq!(world.host.waits(), 0, "{case}");
        }
        assert!(dead(&world).await.is_empty());
    }
}

#[tokio::test]
async fn a_sink_that_names_a_time_is_not_asked_before_it_by_anybody() {
    for (limits, waits) in [
        (Play::Says(429, &[("retry-after", "2000")]), 2000),
        (Play::Says(503, &[("retry-after", "Sun, 22 Nov 2026 12:33:20 GMT")]), 2000),
        (Play::Says(429, &[("x-sentry-rate-limits", "2000:error;transaction:organization"), ("retry-after", "1")]), 2000),
        (Play::Says(429, &[]), 60),
    ] {
        let (mut world, sinks) = with_sinks(variables()).await;
        sinks.play([limits]);
        send(&world, &error(&world, "first"));
        assert_eq!(deliver(&world, &sinks).await.len(), 1);
        // Another letter for the same sink waits without asking; one for another sink does not.
        send(&world, &error(&world, "second"));
        assert_eq!(deliver(&world, &sinks).await.len(), 0, "{limits:?}");
        send(&world, &view(&world));
        assert_eq!(deliver(&world, &sinks).await.len(), 1, "{limits:?}");
        // The letter itself knows when it may be tried: a process that knows nothing of it does not ask either.
        let mut passed = 0;
        while passed + 300 < waits {
            assert_eq!(deliver_after(&world, &sinks, 300).await, 0, "{limits:?} {passed}");
            passed += 300;
        }
        assert_eq!(deliver_after(&world, &sinks, waits - passed - 1).await, 0, "{limits:?}");
        if waits > 900 {
            let first = world.aws().messages("TelemetryQueue").await.unwrap().iter().any(|letter| letter.contains("\"tried\":1"));
            assert!(first, "waiting is not trying");
        }
        world = restarted(world, &sinks).await;
        world.clock.advance(Duration::from_secs(900));
        let ids: Vec<_> = deliver(&world, &sinks).await.iter().map(|seen| seen.lines()[0]["event_id"].clone()).collect();
        assert_eq!(ids.len(), 2, "{limits:?}");
    }
}

#[tokio::test]
async fn a_process_that_knows_nothing_asks_no_sooner_for_a_letter_that_was_told_to_wait() {
    let (mut world, sinks) = with_sinks(variables()).await;
    sinks.play([Play::Says(429, &[("retry-after", "2000")])]);
    send(&world, &view(&world));
    assert_eq!(deliver(&world, &sinks).await.len(), 1);
    for _ in 0..2 {
        world = restarted(world, &sinks).await;
        assert_eq!(deliver_after(&world, &sinks, 900).await, 0);
    }
    assert_eq!(deliver_after(&world, &sinks, 199).await, 0);
    assert_eq!(deliver_after(&world, &sinks, 1).await, 1);
}

#[tokio::test]
async fn a_limit_that_comes_with_success_is_kept_too() {
    let (world, sinks) = with_sinks(variables()).await;
    sinks.play([Play::Says(200, &[("x-sentry-rate-limits", "100:error:key")])]);
    send(&world, &error(&world, "first"));
    assert_eq!(deliver(&world, &sinks).await.len(), 1);
    send(&world, &error(&world, "second"));
    assert_eq!(deliver(&world, &sinks).await.len(), 0);
    assert_eq!(deliver_after(&world, &sinks, 99).await, 0);
    assert_eq!(deliver_after(&world, &sinks, 1).await, 1);
}

#[tokio::test]
async fn what_was_tried_twelve_times_is_given_up() {
    let (world, sinks) = with_sinks(variables()).await;
    sinks.play([Play::Nothing; 12]);
    send(&world, &error(&world, "e"));
    let mut tried = 0;
    for _ in 0..20 {
        tried += deliver_after(&world, &sinks, 900).await;
    }
    assert_eq!((tried, world.host.waits()), (12, 0));
    assert_eq!(dead(&world).await, [json!({"reason": "tried too often", "sink": "Sentry"})]);
}

#[tokio::test]
async fn what_is_a_day_old_is_given_up_whatever_its_sink_asks_for() {
    let (world, sinks) = with_sinks(variables()).await;
    sinks.play([Play::Says(429, &[("retry-after", "172800")])]);
    send(&world, &view(&world));
    assert_eq!(deliver(&world, &sinks).await.len(), 1);
    for _ in 0..95 {
        assert_eq!(deliver_after(&world, &sinks, 900).await, 0);
        assert_eq!(world.host.waits(), 1);
    }
    assert_eq!(deliver_after(&world, &sinks, 900).await, 0);
    assert_eq!((world.host.waits(), dead(&world).await), (0, vec![json!({"reason": "older than a day", "sink": "Google Analytics"})]));
}

#[tokio::test]
async fn what_a_sink_refuses_is_given_up_at_once() {
    let (world, sinks) = with_sinks(variables()).await;
    for (letter, sink, reason) in [
        (view(&world), "Google Analytics", "refused by ga4"),
        (error(&world, "e"), "Sentry", "refused by sentry"),
        (metrics(&world, "page", world.now(), 1.0), "Datadog", "refused by datadog"),
    ] {
        for status in [302, 400, 403, 413] {
            let before = dead(&world).await.len();
            sinks.play([Play::Says(status, &[])]);
            send(&world, &letter);
            assert_eq!(deliver(&world, &sinks).await.len(), 1);
            let dead = dead(&world).await;
            assert_eq!((dead.len(), dead.last()), (before + 1, Some(&json!({"reason": reason, "sink": sink}))));
        }
    }
    assert_eq!(world.host.waits(), 0);
}

#[tokio::test]
async fn one_letter_that_fails_stops_no_other() {
    let (world, sinks) = with_sinks(variables()).await;
    let mut foreign = view(&world);
    foreign["outgoing"]["pageView"]["page"] = json!("/test-management/m4rk");
    let mut wider = view(&world);
    wider["outgoing"]["pageView"]["user"] = json!("m4rk");
    for body in ["garbage m4rk".to_owned(), foreign.to_string(), wider.to_string(), "{}".to_owned()] {
        world.host.send_to_queue("TelemetryQueue", body).unwrap();
    }
    for letter in [view(&world), error(&world, "e"), metrics(&world, "page", world.now(), 1.0)] {
        send(&world, &letter);
    }
    sinks.play([Play::Says(400, &[])]);
    assert_eq!(deliver(&world, &sinks).await.len(), 3);
    let mut reasons: Vec<_> = dead(&world).await.iter().map(|letter| letter["reason"].as_str().unwrap().to_owned()).collect();
    reasons.sort();
    assert_eq!(reasons, ["no letter of ours", "no letter of ours", "no letter of ours", "no letter of ours", "refused by ga4"]);
    assert!(!dead(&world).await.iter().any(|letter| letter.to_string().contains("m4rk")));
}

/// SQS brings a message twice now and then.
#[tokio::test]
async fn a_letter_that_comes_twice_is_known_again_by_its_event_id() {
    let (world, sinks) = with_sinks(variables()).await;
    let letter = error(&world, &"b".repeat(32));
    send(&world, &letter);
    send(&world, &letter);
    let seen = deliver(&world, &sinks).await;
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.lines()[2]["event_id"] == "b".repeat(32)));
}

#[tokio::test]
async fn no_letter_is_lost_whatever_call_to_aws_fails() {
    let (mut world, sinks) = with_sinks(variables()).await;
    tokio::time::pause();
    for fault in FAULTS {
        for times in [1, u32::MAX] {
            world = restarted(world, &sinks).await;
            // Not taken now, so that it is sent on.
            sinks.play([Play::Nothing]);
            send(&world, &error(&world, "e"));
            world.aws().faults().on(Service::Sqs, "SendMessage", fault, times);
            assert_eq!(deliver(&world, &sinks).await.len(), 1);
            world.aws().faults().clear();
            // It comes again as it was, or was sent on, or both.
            let mut taken = 0;
            for _ in 0..3 {
                world.clock.advance(HIDDEN_FOR);
                taken += deliver(&world, &sinks).await.len();
            }
            assert!(taken >= 1 && world.host.waits() == 0, "{fault:?} {times}: {taken}");
        }
    }
    assert!(dead(&world).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_buried_comes_again_and_lies_among_the_dead_letters_in_the_end() {
    let (world, sinks) = with_sinks(variables()).await;
    tokio::time::pause();
    world.aws().faults().on(Service::Sqs, "SendMessage", Fault::BeforeSend, u32::MAX);
    sinks.play([Play::Says(400, &[]); 5]);
    send(&world, &view(&world));
    for _ in 0..6 {
        deliver(&world, &sinks).await;
        world.clock.advance(HIDDEN_FOR);
    }
    world.aws().faults().clear();
    assert_eq!((world.host.waits(), dead(&world).await.len()), (0, 1));
}

/// Promise E-34: neither log nor dead letters hold what lets us in at the sinks, nor what was to leave.
#[tokio::test]
async fn neither_log_nor_dead_letters_say_a_secret_or_what_was_to_leave() {
    let log = Log::kept();
    let (world, sinks) = with_sinks(variables()).await;
    for play in [Play::Says(403, &[]), Play::Says(500, &[]), Play::Nothing, Play::Says(429, &[("retry-after", "m4rk-header")])] {
        for letter in [view(&world), error(&world, "m4rk-event"), metrics(&world, "page", world.now(), 1.0)] {
            sinks.play([play]);
            send(&world, &letter);
            deliver(&world, &sinks).await;
        }
    }
    let dead = serde_json::to_string(&dead(&world).await).unwrap();
    assert!(dead.contains("refused by") && log.text().contains("refused by"), "{}", log.text());
    for text in [dead, log.text()] {
        for mark in
            SECRETS.into_iter().chain(["m4rk-event", "m4rk-header", "acme-client-key", "atlassian.net", "is not a function", "abc123"])
        {
            assert!(!text.contains(mark), "{mark} in {text}");
        }
    }
}

#[tokio::test]
async fn each_sink_is_switched_off_by_itself() {
    let off = || "off".to_owned();
    for (variables, name) in [
        (SinkVariables { sentry_dsn: off(), ..variables() }, "sentry.example"),
        (SinkVariables { ga4_measurement_id: off(), ga4_api_secret: off(), ..variables() }, "ga.example"),
        (SinkVariables { datadog_api_url: off(), datadog_api_key: off(), ..variables() }, "datadog.example"),
    ] {
        let (world, sinks) = with_sinks(variables).await;
        for letter in [view(&world), error(&world, "e"), metrics(&world, "page", world.now(), 1.0)] {
            send(&world, &letter);
        }
        let seen = deliver(&world, &sinks).await;
        assert!(seen.len() == 2 && !seen.iter().any(|seen| seen.address.contains(name)), "{name}");
        assert!(world.host.waits() == 0 && dead(&world).await.is_empty());
    }
}
