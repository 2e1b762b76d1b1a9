//! The shape of a line of the log: which members it may have, of which type, and which it must (promise A-17). Every test that reads the log holds
//! every line against it, so whatever a function says in any of them is of this shape; and the code is read for what it would say elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use http::StatusCode;
use local::samples::Sample;
use local::template::Template;
use serde_json::Value;
use shared::platform::door;
use shared::platform::log::{FIELDS, MESSAGES};
use shared::tenant::id::digest;

use crate::harness::{World, app, site};
use crate::secrets::Log;

/// What a member may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A text that is not empty.
    Text,
    /// A whole number from 0 on.
    Number,
    /// So many hexadecimal digits.
    Hex(usize),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// What CloudWatch reads; `emf` in the tests of alarms knows it.
    Metrics,
}

use Kind::{Hex, Metrics, Number, OneOf, Text};

/// Every member of a line by its way from the root, and whether every line has it.
const SHAPE: [(&str, Kind, bool); 34] = [
    ("/@timestamp", Text, true),
    ("/log/level", OneOf(&["info", "warn", "error"]), true),
    ("/log/logger", Text, false),
    ("/log/origin/file/name", Text, false),
    ("/log/origin/file/line", Number, false),
    ("/message", OneOf(&MESSAGES), false),
    ("/ecs/version", OneOf(&["9.1.0"]), true),
    ("/service/name", OneOf(&["lethe"]), true),
    ("/service/version", OneOf(&[env!("CARGO_PKG_VERSION")]), true),
    ("/cloud/provider", OneOf(&["aws"]), false),
    ("/cloud/region", Text, false),
    ("/faas/name", Text, false),
    ("/event/kind", OneOf(&["event"]), true),
    ("/event/outcome", OneOf(&["success", "failure"]), false),
    ("/event/reason", Text, false),
    ("/event/duration", Number, false),
    ("/http/request/method", Text, false),
    ("/http/response/status_code", Number, false),
    ("/labels/route", Text, false),
    ("/labels/app", Text, false),
    ("/labels/tenant", Hex(32), false),
    ("/labels/outcome", Text, false),
    ("/labels/signal", Text, false),
    ("/labels/counts", Text, false),
    ("/labels/digest", Hex(64), false),
    ("/labels/stage", Text, false),
    ("/labels/cause", Text, false),
    ("/labels/entry", Text, false),
    ("/_aws", Metrics, false),
    ("/Function", Text, false),
    ("/Signal", Text, false),
    ("/Signals", OneOf(&["1"]), false),
    ("/Failures", OneOf(&["1"]), false),
    ("/KeysUnwrapped", Number, false),
];

/// What is wrong with a line, by the member.
pub fn faults_of(line: &Value) -> Vec<String> {
    let mut found = Vec::new();
    leaves(line, "", &mut found);
    let mut faults: Vec<String> = found
        .iter()
        .filter(|(way, value)| !SHAPE.iter().any(|(known, kind, _)| known == way && is_of(*kind, value)))
        .map(|(way, _)| way.clone())
        .collect();
    let lacking = SHAPE.iter().filter(|(known, _, is_always)| *is_always && !found.iter().any(|(way, _)| way == known));
    faults.extend(lacking.map(|(known, ..)| format!("no {known}")));
    let has = |way: &str| line.pointer(way).is_some();
    for (one, other) in [
        ("/event/duration", "/event/outcome"),
        ("/event/outcome", "/event/duration"),
        ("/event/duration", "/faas/name"),
        ("/labels/app", "/labels/tenant"),
        ("/labels/tenant", "/labels/app"),
        ("/labels/signal", "/message"),
        ("/Signals", "/_aws"),
        ("/Failures", "/Function"),
        ("/Signals", "/labels/signal"),
        ("/labels/signal", "/Signals"),
    ] {
        if has(one) && !has(other) {
            faults.push(format!("{one} without {other}"));
        }
    }
    faults
}

/// What is no object, by its way from the root; what CloudWatch reads is one.
fn leaves(value: &Value, way: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) if way != "/_aws" => {
            members.iter().for_each(|(name, member)| leaves(member, &format!("{way}/{name}"), found))
        }
        other => found.push((way.to_owned(), other.clone())),
    }
}

fn is_of(kind: Kind, value: &Value) -> bool {
    match kind {
        Text => value.as_str().is_some_and(|text| !text.is_empty()),
        Number => value.is_u64(),
        Hex(digits) => value.as_str().is_some_and(|text| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())),
        OneOf(texts) => texts.contains(&value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned).as_str()),
        Metrics => value.as_object().is_some_and(|members| members.keys().eq(["CloudWatchMetrics", "Timestamp"])),
    }
}

#[test]
fn a_line_of_another_shape_is_noticed() {
    let good = serde_json::json!({
        "@timestamp": "2026-11-22T12:00:00.123Z", "log": {"level": "info"}, "message": "answered", "ecs": {"version": "9.1.0"},
        "service": {"name": "lethe", "version": env!("CARGO_PKG_VERSION")}, "faas": {"name": "page"},
        "event": {"kind": "event", "outcome": "success", "duration": 1},
    });
    assert_eq!(faults_of(&good), Vec::<String>::new());
    for (name, member, fault) in [
        ("email", "x@y.z".into(), "/email"),
        ("labels", serde_json::json!({"email": "x@y.z"}), "/labels/email"),
        ("labels", serde_json::json!({"digest": "Ada"}), "/labels/digest"),
        ("message", "Ada answered".into(), "/message"),
        ("ecs", Value::Null, "/ecs"),
        ("faas", serde_json::json!({}), "/event/duration without /faas/name"),
        ("Signals", 2.into(), "/Signals"),
    ] {
        let mut line = good.clone();
        line[name] = member;
        assert!(faults_of(&line).iter().any(|found| found == fault), "{fault}: {:?}", faults_of(&line));
    }
}

/// Promises: exactly one event a call, and of the tenant in it a mark of the day.
#[tokio::test]
async fn every_function_tells_of_each_call_once_and_in_the_one_shape() {
    let mut told = BTreeSet::new();
    for sample in Sample::of_workers().unwrap() {
        let world = World::of_samples().await;
        crate::triggers::end_upload(&world).await;
        let log = Log::kept();
        crate::triggers::work(&world, &sample).await.unwrap();
        told.extend(log.of_calls().iter().filter_map(|line| line["faas"]["name"].as_str().map(ToOwned::to_owned)));
    }
    let (world, log) = (World::of_samples().await, Log::kept());
    for (schedule, run) in world.host.run_schedules().await {
        assert!(run.is_ok(), "{schedule}");
    }
    for sample in [Sample::all().unwrap(), Sample::of_operators().unwrap()].concat() {
        let before = log.of_calls().len();
        let answer = match sample.principal() {
            None => world.send(world.sampled(&sample)).await,
            Some(_) => world.send_to(&sample.function, door::request(serde_json::from_value(sample.event.clone()).unwrap()).unwrap()).await,
        };
        let line = log.of_calls().pop().unwrap();
        assert_eq!(log.of_calls().len(), before + 1, "{}/{}", sample.function, sample.case);
        assert_eq!(line["http"]["response"]["status_code"], answer.status.as_u16(), "{line}");
        assert_eq!(line["faas"]["name"], sample.function.as_str(), "{line}");
        assert_eq!(line["event"]["outcome"], if answer.status.as_u16() < 400 { "success" } else { "failure" }, "{line}");
    }
    told.extend(log.of_calls().iter().filter_map(|line| line["faas"]["name"].as_str().map(ToOwned::to_owned)));
    assert_eq!(told, Template::deployed().unwrap().functions().into_iter().map(|id| Template::function_name(&id)).collect());
}

/// Promise A-22: whoever reads the log can count tenants within a day, and follow none from one to the next.
#[tokio::test]
async fn the_mark_of_a_tenant_is_another_one_each_day_and_for_each_tenant() {
    let (world, other) = (World::installed().await, site("other"));
    assert_eq!(world.install(&other).await.status, StatusCode::NO_CONTENT);
    let marks = |log: &Log| log.of_calls().iter().map(|line| line["labels"]["tenant"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let log = Log::kept();
    for site in [&world.acme, &world.acme, &other] {
        world.get(site, "colour").await;
    }
    world.clock.advance(std::time::Duration::from_secs(86_400));
    world.get(&world.acme, "colour").await;
    let found = marks(&log);
    assert_eq!(found[0], found[1], "within a day it is the same");
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 3, "{found:?}");
    assert!(log.of_calls().iter().all(|line| line["labels"]["app"] == app().slug));
    let text = log.text();
    let names = [digest(app().slug, &world.acme.client_key), world.acme.client_key.clone(), "atlassian.net".to_owned()];
    assert!(names.iter().all(|name| !text.contains(name.as_str())), "{text}");
}

#[tokio::test]
async fn a_call_that_proves_no_tenant_names_none() {
    let (world, log) = (World::installed().await, Log::kept());
    world.get(&site("stranger"), "colour").await;
    world.lifecycle(&world.acme, "installed", world.now() + 1, &world.acme.payload("installed")).await;
    assert_eq!(log.of_calls().len(), 2);
    assert!(log.of_calls().iter().all(|line| line["labels"].get("tenant").is_none() && line["labels"].get("app").is_none()));
}

/// What stands between the parentheses of `tracing::info!(…)` and the like, wherever in the code, but in its tests.
fn sayings(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sayings(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            for macro_name in ["error!(", "warn!(", "info!(", "debug!(", "trace!(", "event!(", "info_span!("] {
                found.extend(text.split(&format!("tracing::{macro_name}")).skip(1).map(|rest| within(rest).to_owned()));
            }
        }
    }
}

/// As far as the parenthesis that ends what has begun before.
fn within(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        depth == 0
    });
    &text[..end.unwrap()]
}

/// What is on no list would be dropped in silence, and be missed when it is needed.
#[test]
fn whatever_the_code_says_is_on_the_lists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    ["shared/src", "functions"].iter().for_each(|folder| sayings(&root.join(folder), &mut found));
    assert!(found.len() > 15, "{found:?}");
    for said in found {
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.starts_with("target: \"lethe\","), "{said}");
        let (fields, message) = said.rsplit_once(", \"").map_or((said.as_str(), None), |(fields, rest)| (fields, rest.split('"').next()));
        // A span has a name, and says nothing by it.
        assert!(message.is_none_or(|message| MESSAGES.contains(&message) || message == "call"), "{said}");
        // A comma ends a field, but within parentheses.
        let mut depth = 0;
        let parts = fields.split(|letter| {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            letter == ',' && depth == 0
        });
        for field in parts.skip(1).map(str::trim).filter(|field| !field.starts_with(['$', '"'])) {
            let name = field.split([' ', '=']).next().unwrap().trim_start_matches(['%', '?']);
            assert!(FIELDS.iter().any(|(known, _)| *known == name), "{name} in {said}");
        }
    }
}
