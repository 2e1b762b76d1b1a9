//! Whatever call to AWS fails while an event is taken in or kept, before or after its effect: Jira is told to come again or the queue brings it
//! again, and in the end the copies are as if nothing had failed.

use std::time::Duration;

use http::StatusCode;
use local::aws::Service;
use serde_json::json;

use crate::attachment_faults::{FAULTS, operations};
use crate::harness::World;
use crate::sealing::deliver_all;
use crate::webhooks::{dead_letters, millis, payload, selected, summaries, tell, update};

/// The same world, in which no cache knows anything, and a new issue of which one copy is kept.
async fn cold(world: World, issue: u64) -> World {
    update(&world, issue, millis(&world) - 10, "before").await;
    deliver_all(&world).await;
    world.restarted().await
}

async fn change(world: &World, issue: u64) -> StatusCode {
    let told = payload("jira:issue_updated", issue, millis(world), &json!({"summary": "after"}));
    tell(world, "jira:issue_updated", &format!("change-{issue}"), &told).await.status
}

/// The issue is as it would be if nothing had failed.
async fn assert_kept(world: &World, issue: u64, case: &str) {
    deliver_all(world).await;
    assert_eq!(summaries(world, issue).await, ["after", "before"], "{case}");
    assert!(dead_letters(world).await.is_empty(), "{case}");
}

#[tokio::test]
async fn an_event_is_queued_or_jira_is_told_to_come_again() {
    let mut world = cold(selected().await, 1).await;
    let mark = world.aws().calls().mark();
    assert_eq!(change(&world, 1).await, StatusCode::NO_CONTENT);
    let needed = operations(&world.aws().calls().since(mark));
    assert!(needed.contains(&(Service::Sqs, "SendMessage".to_owned())) && needed.len() >= 3, "{needed:?}");
    // From here on the SDK's patience need not be ours.
    tokio::time::pause();
    let mut issue = 1;
    for (service, operation) in needed {
        for fault in FAULTS {
            issue += 1;
            let case = format!("{operation} {fault:?}");
            world = cold(world, issue).await;
            world.aws().faults().on(service, &operation, fault, u32::MAX);
            assert_eq!(change(&world, issue).await, StatusCode::SERVICE_UNAVAILABLE, "{case}");
            world.aws().faults().clear();
            // As Jira does it: the same once more.
            assert_eq!(change(&world, issue).await, StatusCode::NO_CONTENT, "{case}");
            assert_kept(&world, issue, &case).await;
        }
    }
}

#[tokio::test]
async fn an_event_is_kept_in_the_end_whatever_call_fails() {
    let mut world = cold(selected().await, 1).await;
    assert_eq!(change(&world, 1).await, StatusCode::NO_CONTENT);
    world = world.restarted().await;
    let mark = world.aws().calls().mark();
    deliver_all(&world).await;
    let needed = operations(&world.aws().calls().since(mark));
    assert!(needed.contains(&(Service::DynamoDb, "TransactWriteItems".to_owned())) && needed.len() >= 4, "{needed:?}");
    tokio::time::pause();
    let mut issue = 1;
    for (service, operation) in needed {
        for fault in FAULTS {
            for times in [1, u32::MAX] {
                issue += 1;
                let case = format!("{operation} {fault:?} {times}");
                world = cold(world, issue).await;
                assert_eq!(change(&world, issue).await, StatusCode::NO_CONTENT, "{case}");
                world = world.restarted().await;
                world.aws().faults().on(service, &operation, fault, times);
                world.host.deliver().await.unwrap();
                world.aws().faults().clear();
                assert_kept(&world, issue, &case).await;
            }
        }
    }
}

#[tokio::test]
async fn a_site_that_does_not_say_who_the_app_is_is_asked_again() {
    let world = selected().await;
    let mut told = payload("jira:issue_updated", 1, millis(&world), &json!({"summary": "by an app"}));
    told["user"] = json!({"accountId": "557058:another", "accountType": "app"});
    assert_eq!(tell(&world, "jira:issue_updated", "a", &told).await.status, StatusCode::NO_CONTENT);
    world.jira.trouble(&world.acme, Some(local::jira::Trouble::Status(500)));
    world.host.deliver().await.unwrap();
    assert_eq!(world.host.waits(), 1);
    world.jira.trouble(&world.acme, None);
    world.clock.advance(Duration::from_secs(360));
    deliver_all(&world).await;
    assert_eq!(summaries(&world, 1).await, ["by an app"]);
}
