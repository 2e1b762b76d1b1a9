//! What can go wrong while a restored table is filtered: any call to AWS, the time, the event, the rights.

use std::collections::BTreeSet;
use std::sync::Arc;

use local::aws::{Call, Fault, Need, Service};
use local::host::{LocalHost, Settings};
use local::mounts::Work;
use shared::platform::clock::{Clock, ManualClock};
use shared::platform::invocation::Invocation;
use shared::platform::random::SystemRandom;
use shared::platform::schedule::Deadline;

use super::*;
use crate::harness::settings;
use crate::reconciling::Busy;
use crate::secrets::Log;
use crate::triggers::work_of;

impl Differing {
    /// Takes what was restored away again, and what was filtered with it.
    async fn forget(&self, event: &Value) {
        for name in event["tables"].as_object().unwrap().values().map(|name| name.as_str().unwrap()) {
            let update = dynamodb(&self.world).update_table().table_name(name).deletion_protection_enabled(false);
            update.send().await.unwrap();
            dynamodb(&self.world).delete_table().table_name(name).send().await.unwrap();
        }
    }
}

/// A run that has so long.
async fn run_for(event: &Value, platform: &Platform, seconds: u64) -> Report {
    let Work::Invoked(handle) = work_of("restore-filter") else { panic!("not invoked") };
    let deadline = Deadline::after(platform, Duration::from_secs(seconds));
    handle(platform.clone(), Invocation { event: event.clone(), deadline }).await.unwrap()
}

#[tokio::test]
async fn whatever_call_fails_the_next_run_ends_where_one_would_have() {
    let differing = Differing::new().await;
    let (world, event) = (&differing.world, differing.restore("-good").await);
    let mark = world.aws().calls().mark();
    assert_eq!(done(&filter(world, &event).await), DIFFERENCES);
    let (calls, expected) = (world.aws().calls().since(mark), contents(world, &event));
    differing.forget(&event).await;
    // A call that only reads has no effect to be before or after, and asked again of the same table it is the same.
    let reads = |call: &Call| ["Get", "Describe", "Scan", "List"].iter().any(|beginning| call.operation.starts_with(beginning));
    let is_asked_before =
        |at: usize| calls[..at].iter().any(|call| (&call.operation, &call.needs) == (&calls[at].operation, &calls[at].needs));
    let cases: Vec<(usize, Fault)> = (0..calls.len())
        .flat_map(|at| match (reads(&calls[at]), is_asked_before(at)) {
            (true, true) => vec![],
            (true, false) => vec![(at, Fault::BeforeSend)],
            (false, _) => vec![(at, Fault::BeforeSend), (at, Fault::AfterEffect)],
        })
        .collect();
    let mut struck = 0;
    for &(at, fault) in &cases {
        let case = format!("{at} {} {fault:?}", calls[at]);
        let event = differing.restore(&format!("-{at}-{}", fault == Fault::AfterEffect).to_lowercase()).await;
        tokio::time::pause();
        // The SDK asks three times.
        for attempt in 0..3 {
            world.aws().faults().on_call(at as u64 + 1 + attempt, fault);
        }
        let first = world.host.invoke("restore-filter", event.clone()).await;
        world.aws().faults().clear();
        let is_finished = first.is_ok_and(|report| report.count("finished") == 1);
        struck += usize::from(!is_finished);
        assert!(!is_finished || contents(world, &event) == expected, "{case}");
        let second = filter(world, &event).await;
        assert_eq!((second.count("finished"), second.count("faults"), second.count("unsafe")), (1, 0, 0), "{case}: {second}");
        assert_eq!(contents(world, &event), expected, "{case}");
        tokio::time::resume();
        differing.forget(&event).await;
    }
    assert!(struck > cases.len() / 2, "{struck} of {}", cases.len());
}

/// A lost answer that the SDK asks for again is neither a fault nor counted twice.
#[tokio::test]
async fn an_answer_that_is_lost_once_changes_nothing() {
    let differing = Differing::new().await;
    let world = &differing.world;
    let operations = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "DeleteObjects", "PutBucketVersioning"];
    for (number, operation) in operations.into_iter().enumerate() {
        let event = differing.restore(&format!("-{number}")).await;
        let service = if operation.contains("Object") || operation.contains("Bucket") { Service::S3 } else { Service::DynamoDb };
        tokio::time::pause();
        world.aws().faults().on(service, operation, Fault::AfterEffect, 1);
        let report = filter(world, &event).await;
        tokio::time::resume();
        assert_eq!((done(&report), report.count("finished")), (DIFFERENCES.to_vec(), 1), "{operation}");
    }
}

#[tokio::test]
async fn a_run_that_is_short_of_time_stops_and_the_next_does_the_rest() {
    let differing = Differing::new().await;
    let (world, event) = (&differing.world, differing.restore("-good").await);
    filter(world, &event).await;
    let (expected, event) = (contents(world, &event), differing.restore("-short").await);
    let clock: Arc<dyn Clock> = Arc::new(Busy(ManualClock::at(world.now())));
    let settings = Settings { clock, ..settings(&world.clock, Arc::new(SystemRandom)) };
    let host = LocalHost::start_on(world.aws().clone(), &settings).await.unwrap();
    let platform = host.platform("restore-filter").unwrap();
    let (mut runs, mut deleted) = (0, 0);
    loop {
        // A little more each time: so each is cut off somewhere else.
        let report = run_for(&event, &platform, 60 + 10 * runs).await;
        (runs, deleted) = (runs + 1, deleted + report.count("records-deleted"));
        assert_eq!((report.count("faults"), report.count("unsafe")), (0, 0), "{report}");
        if report.count("finished") == 1 {
            break;
        }
        assert!(runs < 30, "no end: {report}");
    }
    assert!(runs > 3, "{runs} runs were enough");
    assert_eq!((deleted, contents(world, &event)), (8, expected));
}

#[tokio::test]
async fn a_run_that_has_no_time_does_nothing() {
    let differing = Differing::new().await;
    let (world, event) = (&differing.world, differing.restore("").await);
    let (before, platform) = (contents(world, &event), platform(world));
    let report = run_for(&event, &platform, 60).await;
    assert!(report.counts.iter().all(|(_, count)| *count == 0), "{report}");
    assert_eq!(contents(world, &event), before);
}

#[tokio::test]
async fn an_event_that_is_not_one_is_refused_by_its_field_and_told() {
    let world = World::new().await;
    let (log, mark) = (Log::kept(), world.aws().calls().mark());
    for (event, said) in [
        (json!({"tables": {"tenants": "TenantsTable"}}), "tables.tenants must begin with restored-"),
        (
            json!({"tables": {"departures": "restored-departures"}}),
            "tables must have no fields but tenants, tenant-keys, configuration, attachments, licences, issue-copies",
        ),
        (json!({"tabels": {}}), "event must have no fields but tables, buckets"),
        (json!({"tables": {}}), "tables or buckets must name what was restored"),
    ] {
        let refused = world.host.invoke("restore-filter", event).await.unwrap_err();
        assert_eq!(refused.reason().0, said);
        assert!(log.events().iter().any(|line| line["faas"]["name"] == "restore-filter" && line["event"]["reason"] == said));
    }
    assert!(world.aws().calls().since(mark).is_empty());
    assert!(world.host.invoke("purge", json!({})).await.is_err(), "a schedule's function is not invoked");
}

/// Tables without what a filter could look for: departures, the audit, which names nobody, and counters with their salts, of which there is no copy.
const NEVER_RESTORED: [&str; 4] = ["DeparturesTable", "AuditTable", "UsageTable", "UsageSaltsTable"];

/// Every table that holds something of tenants can be filtered.
#[test]
fn every_table_is_filtered_or_never_restored() {
    let known = TABLES.iter().map(|(_, id)| (*id).to_owned()).chain(NEVER_RESTORED.map(ToOwned::to_owned));
    let tables = Template::deployed().unwrap().tables().unwrap();
    assert_eq!(known.collect::<BTreeSet<String>>(), tables.into_iter().map(|table| table.name).collect());
}

/// The role may do what the filter does and nothing else; of the wrapping key, nothing.
#[tokio::test]
async fn the_role_allows_what_the_filter_does() {
    let differing = Differing::new().await;
    let (world, event) = (&differing.world, differing.restore("").await);
    let mark = world.aws().calls().mark();
    filter(world, &event).await;
    filter(world, &json!({"buckets": event["buckets"]})).await;
    let table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/restored-*";
    let logical = |resource: &str| match (resource.starts_with("restored-sealed"), resource.strip_suffix("/*")) {
        (true, Some(_)) => "arn:${AWS::Partition}:s3:::restored-*/*".to_owned(),
        (true, None) => "arn:${AWS::Partition}:s3:::restored-*".to_owned(),
        (false, _) if resource.starts_with("restored-") => table.to_owned(),
        (false, _) => resource.to_owned(),
    };
    let needs = world.aws().calls().since(mark).into_iter().flat_map(|call| call.needs);
    let used: BTreeSet<(String, String)> = needs.map(|Need { action, resource }| (action, logical(&resource))).collect();
    let grants = Template::deployed().unwrap().grants("RestoreFilter");
    let granted =
        grants.iter().flat_map(|grant| grant.actions.iter().flat_map(|action| grant.resources.iter().map(move |on| (action, on))));
    let granted = granted.filter(|(_, on)| *on != "StorageKey").map(|(action, on)| (action.clone(), on.clone()));
    assert_eq!(used, granted.collect());
}
