//! Whatever call to AWS fails while a file is attached, read or removed, before or after its effect: the caller is told to come again, the file is
//! there or it is not, and the counts agree with what is there.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use local::aws::{Call, Fault, Service};
use serde_json::Value;

use crate::attachments::{MIB, PATH, as_bytes, attached, noise, read};
use crate::harness::{Answer, World, page_request};

pub const FAULTS: [Fault; 4] = [Fault::BeforeSend, Fault::AfterEffect, Fault::Throttle, Fault::InternalError];

async fn attach(world: &World) -> Answer {
    let request = page_request(&world.acme, Method::POST, &format!("{PATH}?name=a&owner=o"), world.now());
    world.send(as_bytes(request.body(noise(MIB + 1).into()).unwrap())).await
}

async fn remove(world: &World, id: &str) -> Answer {
    world.as_page(&world.acme, Method::DELETE, &format!("{PATH}/{id}"), Body::empty()).await
}

/// The calls of a good run, each operation once, and how often.
pub fn operations(calls: &[Call]) -> Vec<(Service, String)> {
    let mut found = Vec::new();
    for call in calls {
        let operation = (call.service, call.operation.clone());
        if !found.contains(&operation) {
            found.push(operation);
        }
    }
    found
}

/// The names of the attachments whose records lie in the table, and how many files are counted.
fn recorded(world: &World) -> (Vec<String>, u64) {
    let dump = world.aws().dump().unwrap();
    let items = dump["AttachmentsTable"].as_array().unwrap();
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    let records = items.iter().filter(|item| text(item, "partition").ends_with("#attachment"));
    let usage = items.iter().find(|item| text(item, "id") == "all");
    let counted = usage.map_or(0, |usage| usage["files_kept"]["N"].as_str().unwrap().parse().unwrap());
    (records.map(|item| text(item, "id")).collect(), counted)
}

/// Every record has its object, and is counted.
fn assert_whole(world: &World, case: &str) {
    let (records, counted) = recorded(world);
    assert_eq!(records.len() as u64, counted, "{case}");
    let files = world.aws().files().unwrap();
    for id in records {
        assert!(files.keys().any(|name| name.contains(&id) && !name.contains('#')), "{case}: {id} has no object");
    }
}

async fn cold() -> World {
    let world = World::installed().await.restarted().await;
    // From here on no socket is waited for, and the SDK's patience need not be ours.
    tokio::time::pause();
    world
}

#[tokio::test]
async fn a_file_is_there_or_not_whatever_call_fails_while_it_is_attached() {
    let good = cold().await;
    let mark = good.aws().calls().mark();
    assert_eq!(attach(&good).await.status, StatusCode::CREATED);
    let needed = operations(&good.aws().calls().since(mark));
    assert!(needed.contains(&(Service::S3, "PutObject".to_owned())) && needed.len() >= 5, "{needed:?}");
    for (service, operation) in needed {
        for fault in FAULTS {
            tokio::time::resume();
            let (world, case) = (cold().await, format!("{operation} {fault:?}"));
            world.aws().faults().on(service, &operation, fault, u32::MAX);
            let refused = attach(&world).await;
            assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"), "{case}");
            world.aws().faults().clear();
            assert_whole(&world, &case);
            let again = attach(&world).await;
            assert_eq!(again.status, StatusCode::CREATED, "{case}: {}", again.text());
            assert!(read(&world, &world.acme, again.json()["id"].as_str().unwrap(), &[]).await.body == noise(MIB + 1), "{case}");
            assert_whole(&world, &case);
        }
    }
}

#[tokio::test]
async fn a_lost_answer_that_the_sdk_asks_for_again_is_no_second_file() {
    for operation in ["PutObject", "TransactWriteItems"] {
        let world = cold().await;
        let service = if operation == "PutObject" { Service::S3 } else { Service::DynamoDb };
        world.aws().faults().on(service, operation, Fault::AfterEffect, 1);
        assert_eq!(attach(&world).await.status, StatusCode::CREATED, "{operation}");
        assert_eq!(recorded(&world).1, 1, "{operation}");
        assert_whole(&world, operation);
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_file_is_gone_or_whole_whatever_call_fails_while_it_is_removed() {
    let good = cold().await;
    let id = attached(&good, "name=a", noise(10)).await;
    let mark = good.aws().calls().mark();
    assert_eq!(remove(&good, &id).await.status, StatusCode::NO_CONTENT);
    let needed = operations(&good.aws().calls().since(mark));
    assert!(needed.contains(&(Service::S3, "DeleteObjects".to_owned())), "{needed:?}");
    for (service, operation) in needed {
        for fault in FAULTS {
            tokio::time::resume();
            let world = cold().await;
            let (id, case) = (attached(&world, "name=a", noise(10)).await, format!("{operation} {fault:?}"));
            world.clock.advance(Duration::from_secs(3601));
            world.aws().faults().on(service, &operation, fault, u32::MAX);
            let refused = remove(&world, &id).await;
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{case}: {}", refused.text());
            world.aws().faults().clear();
            assert_whole(&world, &case);
            assert_eq!(remove(&world, &id).await.status, StatusCode::NO_CONTENT, "{case}");
            assert_eq!(
                (recorded(&world), read(&world, &world.acme, &id, &[]).await.status),
                ((Vec::new(), 0), StatusCode::NOT_FOUND),
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_is_read_again_once_aws_is_back() {
    let world = cold().await;
    let id = attached(&world, "name=a", noise(10)).await;
    for (service, operation) in [(Service::S3, "GetObject"), (Service::DynamoDb, "BatchGetItem")] {
        for fault in FAULTS.into_iter().chain([Fault::Never]) {
            world.aws().faults().on(service, operation, fault, u32::MAX);
            let answer = read(&world, &world.acme, &id, &[]).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{operation} {fault:?}");
            world.aws().faults().clear();
            assert!(read(&world, &world.acme, &id, &[]).await.body == noise(10), "{operation} {fault:?}");
        }
    }
}
