//! Copies of issues as a whole, from Jira's events over queue and table to what a user sees: whatever order events come in, two newest versions
//! and never a third; gone when their time is over; and nothing of a tenant who has left.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use local::jira::user::{PROJECT, SECRET_PROJECT};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use local::mounts::Work;

use crate::harness::{World, site};
use crate::triggers::work_of;
use crate::webhooks::{copies, dead_letters, deliver, millis, payload, select, selected, summaries, tell, update};

/// What can happen to an issue.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Changed,
    Commented,
    MovedAway,
    Deleted,
}

#[derive(Clone, Debug)]
struct Event {
    issue: u64,
    at: i64,
    happening: Happening,
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => Just(Happening::Changed),
        2 => Just(Happening::Commented),
        2 => Just(Happening::MovedAway),
        1 => Just(Happening::Deleted),
    ]
}

/// What happens to a few issues, in the order in which it happens.
fn histories() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0..3_u64, 1..4_i64, happenings()), 1..14).prop_map(|steps| {
        let mut at = 0;
        let event = |(issue, pause, happening)| {
            at += pause;
            Event { issue, at, happening }
        };
        steps.into_iter().map(event).collect()
    })
}

/// What the reference keeps of an issue: when its two newest versions were made.
fn model(history: &[Event], issue: u64) -> Vec<i64> {
    let mut kept = Vec::new();
    for event in history.iter().filter(|event| event.issue == issue) {
        match event.happening {
            Happening::Changed => kept.insert(0, event.at),
            Happening::Commented => {}
            Happening::MovedAway => kept.clear(),
            Happening::Deleted => return Vec::new(),
        }
    }
    kept.truncate(2);
    kept
}

async fn tell_of(world: &World, event: &Event, base: u64) {
    let (issue, at, identifier) = (base + event.issue, millis(world) - 60_000 + event.at, format!("{base}-{}", event.at));
    let (name, told) = match event.happening {
        Happening::Changed => ("jira:issue_updated", payload("jira:issue_updated", issue, at, &json!({"summary": event.at.to_string()}))),
        Happening::Commented => ("comment_created", json!({"timestamp": at, "comment": {}, "issue": {"id": issue.to_string()}})),
        Happening::MovedAway => {
            let fields = json!({"summary": "elsewhere", "project": {"id": SECRET_PROJECT.to_string()}});
            let mut told = payload("jira:issue_updated", issue, at, &fields);
            told["changelog"]["items"] = json!([{"field": "project", "fieldId": "project"}]);
            ("jira:issue_updated", told)
        }
        Happening::Deleted => ("jira:issue_deleted", payload("jira:issue_deleted", issue, at, &json!({}))),
    };
    assert_eq!(tell(world, name, &identifier, &told).await.status, StatusCode::NO_CONTENT);
}

/// Promise E-15: Jira sends events late, twice and in any order.
#[test]
fn the_two_newest_versions_are_kept_whatever_order_events_come_in() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(selected());
    let cases = ProptestConfig { failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::with_cases(48) };
    let issues = Cell::new(1_000);
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..6);
    let pauses = prop::collection::vec(any::<bool>(), 20);
    proptest!(cases, |(history in histories(), picks in picks, shuffle in any::<prop::sample::Selector>(), pauses in pauses)| {
        let base = issues.get() + 10;
        issues.set(base);
        let mut arriving: Vec<&Event> = history.iter().chain(picks.iter().map(|pick| pick.get(&history))).collect();
        runtime.block_on(async {
            let mut pauses = pauses.iter().cycle();
            while !arriving.is_empty() {
                let at = shuffle.select(0..arriving.len());
                tell_of(&world, arriving.swap_remove(at), base).await;
                if pauses.next() == Some(&true) {
                    deliver(&world).await;
                }
            }
            deliver(&world).await;
        });
        for issue in 0..3 {
            let expected: Vec<String> = model(&history, issue).iter().map(ToString::to_string).collect();
            prop_assert_eq!(runtime.block_on(summaries(&world, base + issue)), expected);
        }
    });
    assert!(runtime.block_on(dead_letters(&world)).is_empty());
}

/// How many items of each kind there are.
pub fn items(world: &World) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for item in world.aws().dump().unwrap()["IssueCopiesTable"].as_array().unwrap() {
        let kind = item["partition"]["S"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

fn kinds(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

/// A day of hourly runs.
async fn swept_for_a_day(world: &World) -> u64 {
    let mut deleted = 0;
    for _ in 0..24 {
        world.clock.advance(Duration::from_secs(3_600));
        let report = world.host.run_schedule("issue-copies-sweep").await.unwrap().unwrap();
        assert!(!report.is_incident(), "{report}");
        deleted += report.count("deleted");
    }
    deleted
}

/// Promises E-10, E-11: what has ended is deleted when its time is over, whatever TTL does, and what has not stays.
#[tokio::test]
async fn what_has_ended_is_deleted_by_the_day_on_which_it_ends() {
    let world = selected().await;
    for issue in 1..=40 {
        update(&world, issue, millis(&world), "one").await;
    }
    deliver(&world).await;
    assert_eq!(items(&world), kinds(&[("issue-copies", 40), ("seen-event", 40)]));
    for day in 1..=30 {
        let deleted = swept_for_a_day(&world).await;
        let left = items(&world);
        if day == 6 {
            assert_eq!((deleted, left), (0, kinds(&[("issue-copies", 40), ("seen-event", 40)])));
        } else if day == 28 {
            // Also what TTL has left of the notes.
            assert_eq!(left, kinds(&[("issue-copies", 40)]));
        }
    }
    assert_eq!(items(&world), kinds(&[]));
}

/// What TTL and every sweep have left is absent for every reader.
#[tokio::test]
async fn copies_are_not_read_after_their_time() {
    let world = selected().await;
    update(&world, 1, millis(&world), "one").await;
    deliver(&world).await;
    world.clock.advance(Duration::from_secs(30 * 86_400 - 1));
    assert_eq!(summaries(&world, 1).await, ["one"]);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(copies(&world, &world.acme, 1).await.status, StatusCode::NOT_FOUND);
    assert_eq!(items(&world).get("issue-copies"), Some(&1), "nothing has swept it yet");
}

#[tokio::test]
async fn a_sweep_that_missed_its_time_is_told() {
    let world = selected().await;
    update(&world, 1, millis(&world), "one").await;
    deliver(&world).await;
    world.clock.advance(Duration::from_secs(32 * 86_400));
    let mut late = 0;
    for _ in 0..24 {
        world.clock.advance(Duration::from_secs(3_600));
        let report = world.host.run_schedule("issue-copies-sweep").await.unwrap().unwrap();
        assert_eq!(report.is_incident(), report.count("late") > 0);
        late += report.count("late");
    }
    assert_eq!((late, items(&world)), (1, kinds(&[])));
}

/// An event that lay in the queue for longer than its copies may be kept leaves nothing.
#[tokio::test]
async fn an_event_of_long_ago_is_not_kept() {
    let world = selected().await;
    let long_ago = millis(&world) - 31 * 86_400_000;
    update(&world, 1, long_ago, "one").await;
    deliver(&world).await;
    assert_eq!(items(&world), kinds(&[]));
}

/// Promise E-33: a tenant who leaves with a full queue leaves no copy that it did not have.
#[tokio::test]
async fn whoever_leaves_with_a_full_queue_leaves_nothing_new() {
    let world = selected().await;
    for issue in 1..=25 {
        update(&world, issue, millis(&world), "m4rk").await;
    }
    let messages = world.aws().messages("IssueEventsQueue").await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    deliver(&world).await;
    assert_eq!(items(&world), kinds(&[]));
    assert!(dead_letters(&world).await.is_empty());
    // Nor does what was for one life reach the next.
    world.clock.advance(Duration::from_secs(111 * 86_400));
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert!(select(&world, &world.acme, &[PROJECT], &["summary"]).await.status.is_success());
    for message in messages {
        world.host.send_to_queue("IssueEventsQueue", message).unwrap();
    }
    deliver(&world).await;
    assert_eq!(items(&world), kinds(&[]));
    assert!(dead_letters(&world).await.is_empty());
}

/// Two runs that were handed the same events at once keep each once.
#[tokio::test]
async fn two_who_keep_the_same_events_keep_each_once() {
    let world = selected().await;
    for change in 0..8 {
        update(&world, 1, millis(&world) + change, &change.to_string()).await;
    }
    let messages = world.aws().messages("IssueEventsQueue").await.unwrap();
    let batch = || {
        let records: Vec<Value> = messages
            .iter()
            .enumerate()
            .map(|(at, body)| json!({"messageId": at.to_string(), "body": body, "attributes": {"MessageGroupId": "one"}}))
            .collect();
        serde_json::from_value(json!({"Records": records})).unwrap()
    };
    let Work::Queue(handle) = work_of("issue-copies") else { panic!("no queue") };
    let platform = || world.host.platform("issue-copies").unwrap();
    let mark = world.aws().calls().mark();
    let (first, second) = futures::join!(handle(platform(), batch()), handle(platform(), batch()));
    assert!(first.batch_item_failures.is_empty() && second.batch_item_failures.is_empty());
    assert_eq!(summaries(&world, 1).await, ["7", "6"]);
    assert_eq!(items(&world), kinds(&[("issue-copies", 1), ("seen-event", 8)]));
    let written = world.aws().calls().since(mark).iter().filter(|call| call.operation == "TransactWriteItems").count();
    assert!((1..=4).contains(&written), "sixteen events are a few writings: {written}");
    deliver(&world).await;
    assert_eq!(summaries(&world, 1).await, ["7", "6"]);
}

/// Nothing that is queued can be read without the tenant's keys (promises A-35, E-01).
#[tokio::test]
async fn what_waits_in_the_queue_is_sealed() {
    let world = selected().await;
    update(&world, 987_654, millis(&world), "m4rk").await;
    let [message] = <[String; 1]>::try_from(world.aws().messages("IssueEventsQueue").await.unwrap()).unwrap();
    let outside: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(outside.as_object().unwrap().keys().collect::<Vec<_>>(), ["digest", "sealed", "tenant_id"]);
    for mark in ["m4rk", "987654", "DEMO", "summary"] {
        assert!(!message.contains(mark), "{mark}");
    }
    deliver(&world).await;
    let stored = world.aws().dump().unwrap()["IssueCopiesTable"].to_string();
    assert!(!stored.contains("987654") && !stored.contains("m4rk"));
}

/// However many changes of one issue come at once, two versions are kept and the queue is empty.
#[tokio::test]
async fn many_changes_of_one_issue_end_as_two_versions() {
    let world = selected().await;
    let now = millis(&world) - 10_000;
    for change in 0..300 {
        update(&world, 1, now + change, &change.to_string()).await;
        if change % 100 == 0 {
            deliver(&world).await;
        }
    }
    deliver(&world).await;
    assert_eq!(summaries(&world, 1).await, ["299", "298"]);
    assert_eq!(items(&world).get("issue-copies"), Some(&1));
    assert!(dead_letters(&world).await.is_empty());
}

/// Each tenant's queue is its own: a failing one does not keep another waiting.
#[tokio::test]
async fn events_of_one_tenant_wait_for_no_other() {
    let world = selected().await;
    let other = site("other");
    assert_eq!(world.install(&other).await.status, StatusCode::NO_CONTENT);
    assert!(select(&world, &other, &[PROJECT], &["summary"]).await.status.is_success());
    deliver(&world).await;
    update(&world, 1, millis(&world), "acme's").await;
    let others = payload("jira:issue_updated", 1, millis(&world), &json!({"summary": "other's"}));
    let request = crate::webhooks::webhook(&world, &other, "jira:issue_updated", "o", others.to_string());
    assert_eq!(world.send(request).await.status, StatusCode::NO_CONTENT);
    world.lose_keys(&world.acme).await;
    world.clock.advance(Duration::from_secs(61));
    world.host.deliver().await.unwrap();
    assert_eq!(world.host.waits(), 1, "what cannot be kept now comes again");
    assert_eq!(copies(&world, &other, 1).await.json()["latest"]["fields"]["summary"], "other's");
}
