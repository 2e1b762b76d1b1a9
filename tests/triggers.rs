//! What is started by queues, schedules and logs: the ways there as template.yaml lays them, the sample events, and the queue door, which handles each
//! message by itself and tells of each once.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use local::mounts::{WORKERS, Work};
use local::samples::{ATTACHMENT, Sample};
use local::template::{Template, at};
use serde_json::json;
use shared::platform::Platform;
use shared::platform::invocation::Invocation;
use shared::platform::log_lines::LogLines;
use shared::platform::queue::{self, DeadLetter, Handled, QueueEvent};
use shared::platform::schedule::{self, Deadline, Report};
use shared::platform::signal::Signal;
use shared::problem::Problem;
use shared::tenant::id::digest;
use yaml_serde::Value;

use crate::harness::World;
use crate::secrets::Log;

/// What a function of this name does for a queue, a schedule or a log.
pub fn work_of(function: &str) -> Work {
    WORKERS.iter().find(|(name, _)| *name == function).unwrap().1
}

/// Hands a sample event to its function, about the world's own upload.
pub async fn work(world: &World, sample: &Sample) -> Result<(), String> {
    let platform = world.host.platform(&sample.function).unwrap();
    match work_of(&sample.function) {
        Work::Schedule(handle) => {
            let deadline = Deadline::after(&platform, Duration::from_secs(900));
            handle(platform, deadline).await.map(drop).map_err(|problem| problem.reason().0.into_owned())
        }
        Work::Invoked(handle) => {
            let event = crate::restoring::Backup::of(world).restore(world, "").await;
            assert_eq!(sample.event, event);
            let invocation = Invocation { event, deadline: Deadline::after(&platform, Duration::from_secs(900)) };
            handle(platform, invocation).await.map(drop).map_err(|problem| problem.reason().0.into_owned())
        }
        Work::Queue(handle) => {
            let digest = digest(world.acme.app.slug, &world.acme.client_key);
            let event = sample.event.to_string().replace("${digest}", &digest).replace(ATTACHMENT, &world.upload);
            let answer = handle(platform, serde_json::from_str(&event).unwrap()).await;
            if answer.batch_item_failures.is_empty() { Ok(()) } else { Err("failed".to_owned()) }
        }
        Work::Logs(handle) => {
            let lines = LogLines::read(sample.event.to_string().as_bytes()).unwrap();
            assert!(!lines.lines.is_empty());
            handle(platform, lines).await.map(drop).map_err(|problem| problem.reason().0.into_owned())
        }
    }
}

/// Ends the world's own upload, so that it has arrived.
pub async fn end_upload(world: &World) {
    let complete = format!("/test-management/attachments/uploads/{}/complete", world.upload);
    assert_eq!(world.as_page(&world.acme, Method::POST, &complete, Body::empty()).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn every_sample_event_of_a_queue_a_schedule_or_a_log_succeeds() {
    for sample in Sample::of_workers().unwrap() {
        let world = World::of_samples().await;
        end_upload(&world).await;
        assert_eq!(work(&world, &sample).await, Ok(()), "{} {}", sample.function, sample.case);
        if sample.function == "attachment-seal" {
            let sealed = format!("/test-management/attachments/{}", world.upload);
            assert_eq!(world.as_page(&world.acme, Method::GET, &sealed, Body::empty()).await.text(), "one larger plan");
            assert_eq!(world.host.dead_letters().await.unwrap().len(), 0);
        }
    }
}

/// A queue gives up what fails, waits longer than its function takes, and outlives a long weekend; so does what it gave up.
#[test]
fn every_queue_that_starts_a_function_has_dead_letters_and_patience() {
    let template = Template::deployed().unwrap();
    let queues: BTreeMap<String, Value> = template.resources("AWS::SQS::Queue").into_iter().collect();
    let number = |queue: &str, name: &str| at(&queues[queue], &["Properties", name]).and_then(Value::as_u64).unwrap_or_default();
    let functions: BTreeMap<String, Value> = template.resources("AWS::Serverless::Function").into_iter().collect();
    for trigger in template.queue_triggers().unwrap() {
        // Lambda demands it; more would keep what failed waiting, and it may be a customer's file that is not sealed yet.
        assert!(number(&trigger.queue, "VisibilityTimeout") > template.timeout(&trigger.function).as_secs(), "{trigger:?}");
        assert!(at(&queues[&trigger.dead_letters], &["Properties", "RedrivePolicy"]).is_none(), "{trigger:?}");
        // How long exactly stands in the table of sinks. Of how we do nobody needs to know any more after a day, and why after a week.
        let (kept, dead) = if trigger.queue == "TelemetryQueue" { (1, 7) } else { (4, 14) };
        assert!(number(&trigger.queue, "MessageRetentionPeriod") >= kept * 86_400, "{trigger:?}");
        assert_eq!(number(&trigger.dead_letters, "MessageRetentionPeriod"), dead * 86_400, "{trigger:?}");
        for queue in [&trigger.queue, &trigger.dead_letters] {
            assert!(at(&queues[queue], &["Properties", "KmsMasterKeyId"]).is_some(), "{queue}");
        }
        let events = at(&functions[&trigger.function], &["Properties", "Events"]).and_then(Value::as_mapping).unwrap();
        for event in events.values() {
            let answers = at(event, &["Properties", "FunctionResponseTypes"]).and_then(Value::as_sequence).unwrap();
            assert!(answers.iter().any(|answer| answer.as_str() == Some("ReportBatchItemFailures")), "{trigger:?}");
        }
    }
}

/// Promise A-42: what the queues' policy lets in is our rule, and no other service or rule.
#[test]
fn nobody_but_the_rule_may_write_to_the_queues() {
    let mut rules = 0;
    for (id, policy) in Template::deployed().unwrap().resources("AWS::SQS::QueuePolicy") {
        for statement in at(&policy, &["Properties", "PolicyDocument", "Statement"]).and_then(Value::as_sequence).unwrap() {
            if at(statement, &["Effect"]).and_then(Value::as_str) == Some("Deny") {
                continue;
            }
            let service = at(statement, &["Principal", "Service"]).and_then(Value::as_str);
            let source = at(statement, &["Condition", "ArnEquals", "aws:SourceArn"]);
            let Some(Value::Tagged(source)) = source else { panic!("{id}: {statement:?}") };
            assert_eq!((service, source.value.as_str()), (Some("events.amazonaws.com"), Some("ArrivalRule.Arn")), "{id}: {statement:?}");
            rules += 1;
        }
    }
    assert_eq!(rules, 1);
}

/// Promise A-36: a service that uses a key for itself, and in nobody's name, may do so for what is of this stack alone.
#[test]
fn a_service_uses_a_key_for_this_stack_alone() {
    let mut uses = 0;
    for (id, key) in Template::deployed().unwrap().resources("AWS::KMS::Key") {
        for statement in at(&key, &["Properties", "KeyPolicy", "Statement"]).and_then(Value::as_sequence).unwrap() {
            if at(statement, &["Principal", "Service"]).is_none() {
                continue;
            }
            let condition = format!("{:?}", at(statement, &["Condition"]));
            assert!(condition.contains("kms:EncryptionContext:aws:") && condition.contains("${AWS::StackName}"), "{id}: {statement:?}");
            uses += 1;
        }
    }
    assert_eq!(uses, 3, "logs, queues, the topic of alarms");
}

/// Four messages: one that is done, one that fails, one that panics and one that is dead.
fn batch() -> QueueEvent {
    let message = |body: &str| json!({"messageId": format!("id-of-{body}"), "body": body});
    let messages = ["panic", "fail", "die", "pass"].map(message);
    serde_json::from_value(json!({"Records": messages})).unwrap()
}

async fn handle(_: Platform, body: String) -> Result<Handled, Problem> {
    match body.as_str() {
        "panic" => panic!("told by nobody"),
        "fail" => Err(Problem::unavailable("away")),
        "die" => Ok(Handled::Dead(DeadLetter { reason: "never", about: BTreeMap::new() })),
        _ => Ok(Handled::Done("passed")),
    }
}

#[tokio::test]
async fn each_message_is_handled_by_itself_and_told_once() {
    let world = World::new().await;
    let platform = world.host.platform("attachment-seal").unwrap();
    let dead_letters = platform.config().queues.attachment_dead_letters.clone();
    let log = Log::kept();
    let answer = queue::each(&platform, "probe", &dead_letters, batch(), handle).await;
    let failed: Vec<&str> = answer.batch_item_failures.iter().map(|failed| failed.item_identifier.as_str()).collect();
    assert_eq!(failed, ["id-of-panic", "id-of-fail"]);
    assert_eq!(world.host.dead_letters().await.unwrap(), [json!({"reason": "never"})]);
    let told: Vec<_> = log.of_calls().into_iter().filter(|line| line["faas"]["name"] == "probe").collect();
    let outcomes: Vec<_> =
        told.iter().map(|line| (line["labels"]["outcome"].as_str().unwrap(), line["event"]["reason"].as_str().unwrap())).collect();
    assert_eq!(outcomes, [("again", "panicked"), ("again", "away"), ("dead", "never"), ("done", "passed")]);
    let ended: Vec<_> = told.iter().map(|line| line["event"]["outcome"].as_str().unwrap()).collect();
    assert_eq!(ended, ["failure", "failure", "failure", "success"]);
    assert!(told.iter().all(|line| !line.to_string().contains("id-of-")), "{told:?}");
}

/// A run is told like a message: how often each thing, and a panic like any failure.
#[tokio::test]
async fn each_run_of_a_schedule_is_told_once() {
    let world = World::new().await;
    let platform = world.host.platform("attachment-reconcile").unwrap();
    let log = Log::kept();
    let report = |signal| Report { counts: vec![("removed", 2)], signal };
    for ran in [Ok(report(None)), Ok(report(Some(Signal::Incident))), Err(Problem::unavailable("away"))] {
        let _ = schedule::tell(&platform, "probe", async { ran }).await;
    }
    let panicked = schedule::tell(&platform, "probe", async { panic!("told by nobody") }).await;
    assert!(panicked.is_err());
    let told = log.of_calls();
    let ended = |line: &serde_json::Value| {
        let places = ["/log/level", "/event/outcome", "/labels/outcome"];
        places.map(|place| line.pointer(place).and_then(serde_json::Value::as_str).unwrap().to_owned()).join(" ")
    };
    let failed = "error failure again";
    assert_eq!(told.iter().map(ended).collect::<Vec<_>>(), ["info success done", "error failure incident", failed, failed]);
    assert_eq!(told[0]["labels"]["counts"], "removed=2");
    assert!(told.iter().all(|line| line["event"]["duration"].is_u64()), "{told:?}");
}
