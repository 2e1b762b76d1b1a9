//! How often functions are used: counted from the log, anonymised, told in groups (promises ), over deliveries that come in any order and
//! more than once.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use local::aws::{Fault, Service};
use local::host::{Settings, SinkVariables};
use local::mounts::{WORKERS, Work};
use serde_json::{Value, json};
use shared::platform::clock::rfc3339;
use shared::platform::log_lines::{LogLine, LogLines};
use shared::platform::random::SystemRandom;
use shared::platform::schedule::Report;
use shared::problem::Problem;
use shared::telemetry::usage::report::SMALLEST_GROUP;

use crate::erasure::{ADA, DAY, audit, by};
use crate::harness::{Answer, BEGINNING, World, answer, settings};
use crate::interleavings::Dice;

/// The day on which every world begins, and the next.
pub const TODAY: &str = "2026-11-22";
const TOMORROW: &str = "2026-11-23";

/// The line of a call, as functions write it.
pub fn line(id: u32, at: i64, function: &str, tenant: u8) -> LogLine {
    let event = json!({
        "@timestamp": rfc3339(at), "log": {"level": "info"}, "message": "answered", "ecs": {"version": "9.1.0"},
        "service": {"name": "lethe", "version": "0.1.0"}, "cloud": {"provider": "aws", "region": "eu-west-1"}, "faas": {"name": function},
        "event": {"kind": "event", "outcome": "success", "duration": 12_000_000},
        "http": {"request": {"method": "GET"}, "response": {"status_code": 200}},
        "labels": {"route": "/{app}/page", "app": "test-management", "tenant": mark(tenant)},
    });
    LogLine { id: id.to_string(), message: event.to_string() }
}

/// The line with something else where `pointer` leads.
fn altered(line: &LogLine, pointer: &str, value: Value) -> LogLine {
    let mut event: Value = serde_json::from_str(&line.message).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    LogLine { id: line.id.clone(), message: event.to_string() }
}

fn mark(tenant: u8) -> String {
    hex::encode([tenant; 16])
}

/// One delivery.
pub async fn bring(world: &World, lines: &[LogLine]) -> Result<Report, Problem> {
    let (_, work) = WORKERS.iter().find(|(name, _)| *name == "usage").unwrap();
    let Work::Logs(handle) = work else { panic!("no log leads there") };
    handle(world.host.platform("usage").unwrap(), LogLines { lines: lines.to_vec() }).await
}

/// The rows, but no notes: day and app, the row's name, the calls.
pub fn rows(world: &World) -> Vec<(String, String, u64)> {
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().to_owned();
    let items = world.aws().items("UsageTable").unwrap();
    let rows = items.iter().filter(|item| item.get("calls").is_some());
    rows.map(|item| (text(item, "day"), text(item, "id"), item["calls"]["N"].as_str().unwrap().parse().unwrap())).collect()
}

/// How often each tenant used each function on each day, without saying which tenant.
pub fn sums(world: &World) -> BTreeMap<(String, String), Vec<u64>> {
    let mut sums = BTreeMap::<_, Vec<u64>>::new();
    for (day, id, calls) in rows(world) {
        sums.entry((day, id.split_once('#').unwrap().0.to_owned())).or_default().push(calls);
    }
    sums.values_mut().for_each(|calls| calls.sort_unstable());
    sums
}

/// What these calls come to: day, function, and how often each tenant.
fn expected(calls: &[(&str, &str, &[u64])]) -> BTreeMap<(String, String), Vec<u64>> {
    let row = |(day, function, calls): &(&str, &str, &[u64])| ((format!("{day}#test-management"), (*function).to_owned()), calls.to_vec());
    calls.iter().map(row).collect()
}

pub fn advance(world: &World, seconds: i64) {
    world.clock.advance(Duration::from_secs(seconds.try_into().unwrap()));
}

/// Lets the world's first day be over, and the next, and has the salt destroyed.
pub async fn close(world: &World) -> Report {
    advance(world, 36 * 3_600 - (world.now() - BEGINNING));
    world.host.run_schedule("usage-salts").await.unwrap().unwrap()
}

async fn told(world: &World, path: &str) -> Answer {
    by(world, ADA, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn told_of(world: &World, day: &str) -> Answer {
    told(world, &format!("/test-management/usage-report/{day}")).await
}

/// Calls of two functions on two days, by a few tenants.
pub fn traffic() -> Vec<LogLine> {
    let mut lines = Vec::new();
    for (at, function, tenant, times) in [
        (BEGINNING, "page", 1, 3),
        (BEGINNING, "page", 2, 1),
        (BEGINNING, "configuration", 1, 2),
        (BEGINNING - DAY, "page", 1, 4),
        (BEGINNING - DAY, "account", 3, 1),
    ] {
        for _ in 0..times {
            lines.push(line(u32::try_from(lines.len()).unwrap(), at, function, tenant));
        }
    }
    lines
}

pub fn traffic_counted() -> BTreeMap<(String, String), Vec<u64>> {
    expected(&[(TODAY, "page", &[1, 3]), (TODAY, "configuration", &[2]), ("2026-11-21", "page", &[4]), ("2026-11-21", "account", &[1])])
}

/// Promise A-11.
#[tokio::test]
async fn calls_are_counted_by_day_function_and_tenant() {
    let world = World::new().await;
    let report = bring(&world, &traffic()).await.unwrap();
    assert_eq!(report.to_string(), "lines=11 counted=11 repeated=0 too-old=0 skipped=0 points=0");
    assert_eq!(sums(&world), traffic_counted());
    // One tenant is one name in one function on one day, and another anywhere else.
    let of = |day: &str, function: &str, calls: u64| {
        let found = rows(&world).into_iter().find(|(at, id, sum)| at.starts_with(day) && id.starts_with(function) && *sum == calls);
        found.unwrap().1.split_once('#').unwrap().1.to_owned()
    };
    assert_ne!(of(TODAY, "page", 3), of(TODAY, "configuration", 2));
    assert_ne!(of(TODAY, "page", 3), of("2026-11-21", "page", 4));
    assert!(of(TODAY, "page", 3).len() == 32 && of(TODAY, "page", 3) != mark(1));
}

/// Promise A-11.
#[tokio::test]
async fn neither_order_nor_repetition_nor_split_changes_what_is_kept() {
    let lines: Vec<LogLine> = (0..60).map(|id| line(id, BEGINNING, ["page", "account"][id as usize % 2], (id % 7) as u8)).collect();
    let whole = World::new().await;
    bring(&whole, &lines).await.unwrap();
    for seed in 0..6 {
        let (world, mut dice, mut rest) = (World::new().await, Dice(seed), lines.clone());
        let mut deliveries = Vec::new();
        while !rest.is_empty() {
            let size = dice.throw(20) as usize + 1;
            deliveries.push((0..size.min(rest.len())).map(|_| rest.remove(dice.throw(rest.len() as u64) as usize)).collect::<Vec<_>>());
        }
        for delivery in &mut deliveries {
            bring(&world, delivery).await.unwrap();
            // The same again, in another order and with a line twice.
            delivery.reverse();
            delivery.extend(delivery.first().cloned());
            bring(&world, delivery).await.unwrap();
        }
        for delivery in deliveries.iter().rev() {
            bring(&world, delivery).await.unwrap();
        }
        assert_eq!(sums(&world), sums(&whole), "{seed}");
    }
}

#[tokio::test]
async fn more_tenants_than_fit_a_transaction_are_counted_all() {
    let world = World::new().await;
    let lines: Vec<LogLine> = (0..250).map(|id| line(id, BEGINNING, "page", id as u8)).collect();
    for counted in ["counted=250 repeated=0", "counted=0 repeated=250"] {
        let report = bring(&world, &lines).await.unwrap().to_string();
        assert!(report.contains(counted), "{report}");
        assert_eq!(sums(&world), expected(&[(TODAY, "page", &[1; 250])]));
    }
}

#[tokio::test]
async fn what_is_no_call_of_a_proven_tenant_is_not_counted() {
    let (world, call) = (World::new().await, line(0, BEGINNING, "page", 1));
    let lines = [
        LogLine { id: "1".to_owned(), message: "REPORT RequestId: 7".to_owned() },
        altered(&call, "/faas/name", json!("another")),
        altered(&call, "/labels/app", json!("another")),
        altered(&call, "/labels/tenant", json!("m4rk")),
        altered(&call, "/labels/tenant", Value::Null),
        altered(&call, "/event/outcome", json!("failure")),
    ];
    let report = bring(&world, &lines).await.unwrap();
    assert_eq!(report.to_string(), "lines=6 counted=0 repeated=0 too-old=0 skipped=4 points=0");
    assert_eq!(world.aws().items("UsageTable").unwrap(), Vec::<Value>::new());
    assert_eq!(world.aws().items("UsageSaltsTable").unwrap(), Vec::<Value>::new());
    assert_eq!(bring(&world, &[]).await.unwrap().count("lines"), 0);
}

#[tokio::test]
async fn what_comes_later_than_a_day_after_is_dropped_and_told() {
    let world = World::new().await;
    let lines = [line(0, BEGINNING - 2 * DAY, "page", 1), line(1, BEGINNING - DAY, "page", 1), line(2, BEGINNING + DAY, "page", 1)];
    let report = bring(&world, &lines).await.unwrap();
    assert_eq!(report.to_string(), "lines=3 counted=1 repeated=0 too-old=2 skipped=0 points=0");
    assert_eq!(sums(&world), expected(&[("2026-11-21", "page", &[1])]));
}

/// Promise A-12: what is planted wherever a line has room is not in the tables, and neither is what the line says of the tenant.
#[tokio::test]
async fn nothing_that_a_line_says_of_a_person_or_a_tenant_is_kept() {
    let (world, account) = (World::new().await, "557058:5be24ad8-b165-3240-3769-55d2a1b2c3d4");
    let call = line(0, BEGINNING, "page", 1);
    let mut lines = vec![call.clone()];
    for pointer in
        ["/message", "/labels/account", "/labels/route", "/labels/app", "/labels/tenant", "/http/request/method", "/user", "/faas/id"]
    {
        lines.push(LogLine { id: lines.len().to_string(), ..altered(&call, pointer, account.into()) });
    }
    bring(&world, &lines).await.unwrap();
    assert_eq!(sums(&world), expected(&[(TODAY, "page", &[7])]), "all but those whose tenant or app is none");
    for planted in [account, &account[7..], &mark(1), "test-management/", "GET"] {
        assert_eq!(world.aws().places_of(planted.as_bytes()).unwrap(), Vec::<String>::new(), "{planted}");
    }
}

/// Promise A-13.
#[tokio::test]
async fn a_day_is_told_without_groups_that_are_too_small() {
    let world = World::new().await;
    let (mut lines, large) = (Vec::new(), SMALLEST_GROUP as u8);
    for (function, tenants, times) in [("page", large, 3), ("account", large - 1, 50), ("configuration", large + 2, 1), ("webhooks", 1, 9)]
    {
        for tenant in 0..tenants {
            lines.extend((0..times).map(|_| (function, tenant)));
        }
    }
    let lines: Vec<_> = lines.iter().enumerate().map(|(id, (function, tenant))| line(id as u32, BEGINNING, function, *tenant)).collect();
    bring(&world, &lines).await.unwrap();
    close(&world).await;
    let answer = told_of(&world, TODAY).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let functions = json!([{"function": "configuration", "tenants": 7, "calls": 7}, {"function": "page", "tenants": 5, "calls": 15}]);
    assert_eq!(answer.json(), json!({"day": TODAY, "app": "test-management", "smallestGroup": 5, "functions": functions}));
    let nothing = json!({"day": "2026-11-20", "app": "test-management", "smallestGroup": 5, "functions": []});
    assert_eq!(told_of(&world, "2026-11-20").await.json(), nothing);
}

#[tokio::test]
async fn a_day_is_told_of_once_it_is_closed() {
    let world = World::new().await;
    bring(&world, &[line(0, BEGINNING, "page", 1)]).await.unwrap();
    let refused = async |world: &World, day: &str| {
        let answer = told_of(world, day).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::CONFLICT, "incomplete"), "{day}");
    };
    for day in [TODAY, "2026-11-21", TOMORROW, "9999-12-31"] {
        refused(&world, day).await;
    }
    assert_eq!(told_of(&world, "2026-11-20").await.status, StatusCode::OK, "nobody did anything then");
    advance(&world, 36 * 3_600 - 1);
    world.host.run_schedule("usage-salts").await.unwrap().unwrap();
    refused(&world, TODAY).await;
    advance(&world, 1);
    // The day may be closed, and is not yet.
    refused(&world, TODAY).await;
    assert_eq!(close(&world).await.to_string(), "read=1 destroyed=1");
    assert_eq!(told_of(&world, TODAY).await.status, StatusCode::OK);
    refused(&world, TOMORROW).await;
}

#[tokio::test]
async fn what_is_asked_for_must_be_a_day_of_an_app() {
    let world = World::new().await;
    for day in ["2026-11-1", "2026-02-30", "today", "2026-11-22T00:00:00Z"] {
        let answer = told_of(&world, day).await;
        assert_eq!((answer.status, answer.field().as_str()), (StatusCode::BAD_REQUEST, "day"), "{day}");
    }
    assert_eq!(told(&world, "/another/usage-report/2026-11-20").await.status, StatusCode::NOT_FOUND);
    assert_eq!(audit(&world), Vec::<Value>::new(), "it is about nothing");
}

/// Promises A-36 and E-30: who looks is written down before they see anything.
#[tokio::test]
async fn whoever_looks_is_in_the_audit_first() {
    let world = World::new().await;
    let request = Request::get("/test-management/usage-report/2026-11-20").body(Body::empty()).unwrap();
    assert_eq!(answer(world.host.function("usage-report").unwrap(), request).await.status, StatusCode::FORBIDDEN);
    world.aws().faults().on(Service::DynamoDb, "PutItem", Fault::InternalError, u32::MAX);
    let mark = world.aws().calls().mark();
    assert_eq!(told_of(&world, "2026-11-20").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let asked = world.aws().calls().since(mark);
    assert!(asked.iter().all(|call| call.operation == "PutItem"), "{asked:?}");
    world.aws().faults().clear();
    assert_eq!(audit(&world), Vec::<Value>::new());
    assert_eq!(told_of(&world, "2026-11-20").await.status, StatusCode::OK);
    assert_eq!(told_of(&world, TODAY).await.status, StatusCode::CONFLICT);
    let entries: Vec<_> =
        audit(&world).iter().map(|entry| ["service", "who", "what", "about", "outcome"].map(|name| entry[name]["S"].clone())).collect();
    let entry = |day: &str| json!(["usage", ADA, "usage-report", format!("{day}#test-management"), null]);
    let outcome = |outcome: &str| json!(["usage", null, null, null, outcome]);
    for told in [entry("2026-11-20"), outcome("done"), entry(TODAY), outcome("refused")] {
        assert!(entries.iter().any(|entry| json!(entry) == told), "{told} {entries:?}");
    }
    assert_eq!(entries.len(), 4);
}

/// Promise A-10: counting asks nothing of what belongs to tenants, and of the salt and the rows what it needs.
#[tokio::test]
async fn counting_and_telling_touch_nothing_of_a_tenants() {
    let world = World::installed().await;
    let mark = world.aws().calls().mark();
    bring(&world, &traffic()).await.unwrap();
    close(&world).await;
    told_of(&world, TODAY).await;
    let needs = world.aws().calls().since(mark).into_iter().flat_map(|call| call.needs);
    let tables: std::collections::BTreeSet<String> = needs.map(|need| need.resource).collect();
    assert_eq!(tables.into_iter().collect::<Vec<_>>(), ["AuditTable", "UsageSaltsTable", "UsageTable"]);
}

/// What TTL may take, and when: rows 400 days after the end of their day, what a part was known by after three days.
#[tokio::test]
async fn rows_are_kept_for_400_days_and_say_no_other_time() {
    let world = World::new().await;
    for (id, later) in [(0, 0), (1, 3_600)] {
        advance(&world, later);
        bring(&world, &[line(id, BEGINNING, "page", 1)]).await.unwrap();
    }
    let items = world.aws().items("UsageTable").unwrap();
    let (rows, notes): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.get("calls").is_some());
    let ends = |item: &Value| item["expires_at"]["N"].as_str().unwrap().parse::<i64>().unwrap() - BEGINNING;
    assert_eq!(rows.iter().map(|row| ends(row)).collect::<Vec<_>>(), [DAY / 2 + 400 * DAY]);
    assert_eq!(rows[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["calls", "day", "expires_at", "id"]);
    assert_eq!(notes.iter().map(|note| ends(note)).collect::<std::collections::BTreeSet<_>>(), [3 * DAY, 3 * DAY + 3_600].into());
    close(&world).await;
    advance(&world, 398 * DAY);
    world.aws().expire().unwrap();
    assert_eq!(sums(&world), expected(&[(TODAY, "page", &[2])]));
    advance(&world, DAY + 3_600);
    world.aws().expire().unwrap();
    assert_eq!(world.aws().items("UsageTable").unwrap(), Vec::<Value>::new());
}

/// A world in which somebody is to be told how functions do.
pub async fn with_datadog() -> World {
    let on = || SinkVariables {
        datadog_api_url: "https://datadog.example".to_owned(),
        datadog_api_key: "key".to_owned(),
        ..SinkVariables::off()
    };
    World::with(|clock| Settings { sink_variables: on(), ..settings(clock, std::sync::Arc::new(SystemRandom)) }).await
}

/// The sums that wait in the queue.
pub async fn points(world: &World) -> Vec<Value> {
    let messages = world.aws().messages("TelemetryQueue").await.unwrap();
    let letters = messages.iter().map(|message| serde_json::from_str::<Value>(message).unwrap());
    letters.flat_map(|letter| letter["outgoing"]["metrics"].as_array().unwrap().clone()).collect()
}

/// Promises.
#[tokio::test]
async fn how_functions_do_is_sent_on_without_any_tenant() {
    let world = with_datadog().await;
    let call = line(0, BEGINNING, "page", 1);
    let lines = [
        call.clone(),
        altered(&line(1, BEGINNING, "page", 2), "/event/duration", 3_000_000.into()),
        altered(&line(2, BEGINNING, "page", 2), "/labels", json!({})),
        altered(&line(3, BEGINNING - 3 * DAY, "page", 2), "/http/response/status_code", 404.into()),
        altered(&call, "/event/duration", Value::Null),
    ];
    let report = bring(&world, &lines).await.unwrap();
    assert_eq!(report.to_string(), "lines=5 counted=2 repeated=0 too-old=1 skipped=1 points=4");
    let point = |metric: &str, minute: i64, outcome: &str, value: f64| json!({"metric": metric, "minute": minute, "function": "page", "outcome": outcome, "value": value});
    let sent = [
        point("lethe.calls", BEGINNING - 3 * DAY, "refused", 1.0),
        point("lethe.duration", BEGINNING - 3 * DAY, "refused", 12.0),
        point("lethe.calls", BEGINNING, "success", 3.0),
        point("lethe.duration", BEGINNING, "success", 27.0),
    ];
    assert_eq!(points(&world).await, sent);
    let off = World::new().await;
    bring(&off, &lines).await.unwrap();
    assert_eq!(points(&off).await, Vec::<Value>::new());
}

#[tokio::test]
async fn many_sums_are_sent_in_messages_that_the_queue_takes() {
    let world = with_datadog().await;
    let lines: Vec<_> = (0..1_200).map(|id| line(id, BEGINNING - 60 * i64::from(id), "telemetry-forwarder", 1)).collect();
    assert_eq!(bring(&world, &lines).await.unwrap().count("points"), 2_400);
    let messages = world.aws().messages("TelemetryQueue").await.unwrap();
    assert!(messages.len() == 3 && messages.iter().all(|message| message.len() < 256 * 1024));
    assert_eq!(points(&world).await.len(), 2_400);
}
