//! Time passes on the local host as on AWS: messages come when they can be seen, schedules run in their rhythm, TTL is late, and half a year of
//! it is as long as what happens in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use local::aws::Lateness;
use local::template::{Schedule, Template};
use local::time_passing::{Count, Passed, PassingFault};
use serde_json::json;
use shared::platform::clock::ManualClock;

use crate::attachments::read;
use crate::harness::{BEGINNING, World, site};
use crate::sealing::arrived;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The visibility timeout of the queue of arrivals.
const HIDDEN_FOR: i64 = 960;

const SEAL: &str = "attachment-seal";

/// Lets time pass until so many seconds after the beginning.
async fn until(world: &World, seconds: i64) -> Passed {
    let passed = world.host.pass(BEGINNING + seconds, world.clock.as_ref()).await.unwrap();
    assert_eq!(world.now(), BEGINNING + seconds);
    passed
}

/// Sends a message to the queue of arrivals, as a function would.
async fn send(world: &World, body: &str, delay_seconds: i32) {
    let platform = world.host.platform(SEAL).unwrap();
    let address = platform.config().queues.attachment_dead_letters.replace("AttachmentDeadLetters", "ArrivalQueue");
    let sqs = aws_sdk_sqs::Client::new(&world.aws().sdk_config());
    let message = sqs.send_message().queue_url(address).message_body(body).delay_seconds(delay_seconds);
    message.send().await.unwrap();
}

fn messages(passed: &Passed) -> (usize, usize) {
    passed.messages.get(SEAL).map_or((0, 0), |count| (count.done, count.failed))
}

fn schedules() -> Vec<(String, i64)> {
    let named = |Schedule { function, every }| (Template::function_name(&function), i64::try_from(Duration::as_secs(&every)).unwrap());
    Template::deployed().unwrap().schedules().unwrap().into_iter().map(named).collect()
}

#[tokio::test]
async fn a_message_that_is_held_back_is_handled_when_its_time_is_over() {
    let world = World::new().await;
    send(&world, "no json", 900).await;
    assert_eq!(messages(&until(&world, 899).await), (0, 0));
    assert_eq!(world.host.waits(), 1);
    assert_eq!(messages(&until(&world, 900).await), (1, 0));
    assert_eq!(world.host.dead_letters().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_fails_comes_again_when_it_can_be_seen_and_is_given_up_without_holding_up_others() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    arrived(&world, &world.acme, b"poison").await;
    let theirs = arrived(&world, &other, b"theirs").await;
    world.lose_keys(&world.acme).await;
    assert_eq!(messages(&until(&world, 0).await), (1, 1));
    assert_eq!(read(&world, &other, &theirs, &[]).await.text(), "theirs");
    assert_eq!(messages(&until(&world, HIDDEN_FOR - 1).await), (0, 0));
    assert_eq!(messages(&until(&world, HIDDEN_FOR).await), (0, 1));
    // Three times more, and no dead letter before the last time is over.
    assert_eq!(messages(&until(&world, 5 * HIDDEN_FOR - 1).await), (0, 3));
    assert_eq!((world.host.waits(), world.host.dead_letters().await.unwrap().len()), (1, 0));
    assert_eq!(messages(&until(&world, 5 * HIDDEN_FOR).await), (0, 0));
    let letters = world.host.dead_letters().await.unwrap();
    assert_eq!((world.host.waits(), letters.len(), &letters[0]["detail-type"]), (0, 1, &json!("Object Created")));
    until(&world, 14 * DAY).await;
    assert_eq!(world.host.dead_letters().await.unwrap().len(), 0, "a dead letter is not kept longer than the queue says");
}

/// Items with a date that no function knows.
async fn dated(world: &World, count: usize, expires_at: i64) {
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    for number in 0..count {
        let put = dynamodb.put_item().table_name("AttachmentsTable").item("id", AttributeValue::S(number.to_string()));
        let put = put.item("partition", AttributeValue::S("nobody#probe".to_owned()));
        put.item("expires_at", AttributeValue::N(expires_at.to_string())).send().await.unwrap();
    }
}

/// Promise E-35: what is promised must hold although TTL is late.
#[tokio::test]
async fn ttl_is_late_by_up_to_three_days() {
    let world = World::new().await;
    dated(&world, 30, BEGINNING + 100).await;
    assert_eq!(until(&world, 100).await.items, 0);
    let days = [until(&world, 101 + DAY).await.items, until(&world, 101 + 2 * DAY).await.items, until(&world, 101 + 3 * DAY).await.items];
    assert!(days.iter().all(|items| *items > 0) && days.iter().sum::<usize>() == 30, "{days:?}");
}

#[tokio::test]
async fn ttl_can_be_on_time_or_as_late_as_may_be() {
    for (lateness, expected) in [(Lateness::OnTime, 101), (Lateness::Latest, 101 + 3 * DAY)] {
        let world = World::new().await;
        world.aws().be_late(lateness);
        dated(&world, 3, BEGINNING + 100).await;
        assert_eq!(until(&world, expected - 1).await.items, 0, "{lateness:?}");
        assert_eq!(until(&world, expected).await.items, 3, "{lateness:?}");
    }
}

#[tokio::test]
async fn each_schedule_runs_at_once_and_then_in_its_rhythm() {
    let world = World::new().await;
    let one = |passed: &Passed| passed.runs.values().all(|count| *count == Count { done: 1, failed: 0 });
    let first = until(&world, 0).await;
    assert!(one(&first), "{first:?}");
    let names = |passed: &Passed| passed.runs.keys().cloned().collect::<Vec<_>>();
    let mut all: Vec<String> = schedules().into_iter().map(|(name, _)| name).collect();
    all.sort();
    assert_eq!(names(&first), all);
    let waited = until(&world, DAY - 1).await;
    assert_eq!(waited.runs, BTreeMap::new());
    let second = until(&world, DAY).await;
    assert!(one(&second) && second.runs.contains_key("attachment-reconcile"), "{second:?}");
}

/// Those that run every hour and find nothing run once a day: a button that moves half a year is quick.
#[tokio::test]
async fn half_a_year_in_which_nothing_happens_is_a_run_a_day() {
    let world = World::new().await;
    let passed = until(&world, 180 * DAY).await;
    for (name, every) in schedules() {
        let runs = usize::try_from(180 * DAY / every.max(DAY)).unwrap() + 1;
        assert_eq!(passed.runs.get(&name), Some(&Count { done: runs, failed: 0 }), "{name}");
    }
    assert_eq!((passed.messages, passed.items), (BTreeMap::new(), 0));
}

#[tokio::test]
async fn the_purge_runs_in_the_first_hour_after_a_departure_is_due() {
    let world = World::installed().await;
    until(&world, 2 * DAY + HOUR / 2).await;
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    let due = 112 * DAY + HOUR / 2;
    let departures = world.departures(&world.acme).await;
    assert_eq!(departures[0]["due_at"], json!(BEGINNING + due));
    until(&world, due).await;
    let runs = |passed: Passed| passed.runs.get("purge").copied();
    assert_eq!(runs(until(&world, due + HOUR / 2 - 1).await), None);
    assert_eq!(runs(until(&world, due + HOUR / 2).await), Some(Count { done: 1, failed: 0 }));
}

/// Nothing falls behind while no host runs.
#[tokio::test]
async fn a_host_that_starts_again_does_at_once_what_was_due_meanwhile() {
    let world = World::new().await;
    until(&world, 0).await;
    world.clock.advance(Duration::from_secs(30 * 86_400));
    let world = world.restarted().await;
    dated(&world, 3, BEGINNING).await;
    let passed = until(&world, 30 * DAY).await;
    assert_eq!((passed.runs.len(), passed.items), (schedules().len(), 3));
    assert!(passed.runs.values().all(|count| *count == Count { done: 1, failed: 0 }), "{passed:?}");
}

#[tokio::test]
async fn a_clock_that_is_not_the_hosts_is_refused() {
    let world = World::new().await;
    let other = Arc::new(ManualClock::at(BEGINNING));
    assert!(matches!(world.host.pass(BEGINNING + 1, other.as_ref()).await, Err(PassingFault::AnotherClock)));
}
