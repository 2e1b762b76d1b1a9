//! Whatever call to AWS fails while lines are counted, before or after its effect, and whoever counts at the same time: Lambda brings the same delivery
//! again, and in the end each line has counted once (promise A-11).

use std::sync::Arc;

use futures::future::join_all;
use local::aws::Service;
use serde_json::Value;
use shared::platform::log_lines::LogLine;

use crate::attachment_faults::{FAULTS, operations};
use crate::harness::{BEGINNING, World};
use crate::usage::{TODAY, bring, close, line, points, sums, traffic, traffic_counted, with_datadog};

#[tokio::test]
async fn each_line_counts_once_whatever_call_fails() {
    let world = with_datadog().await;
    let mark = world.aws().calls().mark();
    bring(&world, &traffic()).await.unwrap();
    let needed = operations(&world.aws().calls().since(mark));
    let names: Vec<&str> = needed.iter().map(|(_, operation)| operation.as_str()).collect();
    assert_eq!(names, ["GetItem", "PutItem", "TransactWriteItems", "SendMessage"]);
    let sent = points(&world).await;
    // The SDK's patience need not be ours.
    tokio::time::pause();
    for (service, operation) in needed {
        for fault in FAULTS {
            for times in [1, 2, u32::MAX] {
                let (world, case) = (with_datadog().await, format!("{operation} {fault:?} {times}"));
                world.aws().faults().on(service, &operation, fault, times);
                let first = bring(&world, &traffic()).await;
                assert!(first.is_err() || times < u32::MAX, "{case}");
                world.aws().faults().clear();
                // As Lambda does it; and once too often.
                for _ in 0..2 {
                    bring(&world, &traffic()).await.unwrap();
                    assert_eq!(sums(&world), traffic_counted(), "{case}");
                }
                let after = points(&world).await;
                assert!(sent.iter().all(|point| after.contains(point)), "{case}: nothing that was to be sent is missing");
            }
        }
    }
}

#[tokio::test]
async fn what_counts_at_random_faults_counts_once() {
    tokio::time::pause();
    for seed in 0..8 {
        let world = World::new().await;
        world.aws().faults().on_every(0.4, seed);
        for delivery in traffic().chunks(5) {
            let mut tries = 0;
            while bring(&world, delivery).await.is_err() {
                tries += 1;
                assert!(tries < 100, "{seed}");
            }
        }
        world.aws().faults().clear();
        assert_eq!(sums(&world), traffic_counted(), "{seed}");
    }
}

#[tokio::test]
async fn nothing_is_sent_on_before_everything_is_counted() {
    tokio::time::pause();
    let world = with_datadog().await;
    world.aws().faults().on(Service::DynamoDb, "TransactWriteItems", FAULTS[3], u32::MAX);
    assert!(bring(&world, &traffic()).await.is_err());
    assert_eq!(points(&world).await, Vec::<Value>::new());
}

/// The same delivery twice at once, and others about the same tenants at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_that_come_at_once_count_once_each() {
    let world = Arc::new(World::new().await);
    let delivery = |number: u32| -> Vec<LogLine> { (0..6).map(|id| line(number * 10 + id, BEGINNING, "page", (id % 3) as u8)).collect() };
    let tasks = (0..16).map(|number| {
        let world = Arc::clone(&world);
        // Each comes twice.
        tokio::spawn(async move { while bring(&world, &delivery(number % 8)).await.is_err() {} })
    });
    join_all(tasks).await.into_iter().for_each(|ended| ended.unwrap());
    assert_eq!(sums(&world), [((format!("{TODAY}#test-management"), "page".to_owned()), vec![16; 3])].into());
    assert_eq!(world.aws().items("UsageSaltsTable").unwrap().len(), 1);
}

/// Two who find no salt both make one: one of them counts, for both.
#[tokio::test]
async fn a_day_has_one_salt_however_many_make_it() {
    let world = World::new().await;
    let deliveries: Vec<_> = (0..8).map(|id| [line(id, BEGINNING, "page", 1)]).collect();
    for ended in join_all(deliveries.iter().map(|delivery| bring(&world, delivery))).await {
        ended.unwrap();
    }
    assert_eq!(sums(&world), [((format!("{TODAY}#test-management"), "page".to_owned()), vec![8])].into());
}

#[tokio::test]
async fn what_failed_until_its_day_was_closed_is_dropped_and_the_rest_counts() {
    tokio::time::pause();
    let (world, lines) = (World::new().await, traffic());
    world.aws().faults().on(Service::DynamoDb, "TransactWriteItems", FAULTS[0], u32::MAX);
    assert!(bring(&world, &lines).await.is_err());
    world.aws().faults().clear();
    // The salt of the day before is gone, this one's is not.
    crate::usage::advance(&world, 12 * 3_600);
    world.host.run_schedule("usage-salts").await.unwrap().unwrap();
    let report = bring(&world, &lines).await.unwrap();
    assert_eq!((report.count("counted"), report.count("too-old")), (6, 5));
    assert_eq!(sums(&world).values().flatten().sum::<u64>(), 6);
}

#[tokio::test]
async fn a_salt_is_destroyed_in_the_end_whatever_call_fails() {
    tokio::time::pause();
    for operation in ["Scan", "DeleteItem"] {
        for fault in FAULTS {
            let (world, case) = (World::new().await, format!("{operation} {fault:?}"));
            bring(&world, &[line(0, BEGINNING, "page", 1)]).await.unwrap();
            crate::usage::advance(&world, 36 * 3_600);
            world.aws().faults().on(Service::DynamoDb, operation, fault, u32::MAX);
            assert!(world.host.run_schedule("usage-salts").await.unwrap().is_err(), "{case}");
            world.aws().faults().clear();
            close(&world).await;
            assert_eq!(world.aws().items("UsageSaltsTable").unwrap(), Vec::<Value>::new(), "{case}");
        }
    }
}
