//! The purge of more and more records. They are written as `benches/purging.rs` writes its own, without the functions: a purge looks at their
//! names alone, and their keys are gone by then.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use benches::elapsed;
use local::aws::{EmbeddedAws, Service};
use serde_json::{Value, json};
use shared::platform::queue::QueueEvent;
use shared::platform::schedule::Deadline;
use shared::purge::starting;

use crate::memory;
use crate::scene::{Scene, site};
use crate::table::slope;

/// By how much of itself the count of calls for each further record may differ from one size to the next.
const MARGIN: f64 = 0.01;

/// What the purge of a tenant cost.
struct Purged {
    records: usize,
    calls: u64,
    time: Duration,
    grown_kib: Option<u64>,
}

/// What three purges have shown.
pub(crate) struct Linear {
    /// Whether each further record costs as many calls as any other.
    pub(crate) is_linear: bool,
    /// As many calls, in the end.
    pub(crate) each: f64,
}

/// Purges three tenants, the largest with so many records.
pub(crate) async fn measure(largest: usize) -> Linear {
    let mut purges = Vec::new();
    for records in [largest / 100, largest / 10, largest] {
        let purged = purge(records).await;
        let each = |count: f64| count / records as f64;
        println!(
            "a purge of {records} records: {} calls, {:.4} each; {:.1} µs each; memory grew by {} KiB",
            purged.calls,
            each(purged.calls as f64),
            each(purged.time.as_secs_f64() * 1e6),
            purged.grown_kib.map_or_else(|| "?".to_owned(), |grown| grown.to_string()),
        );
        purges.push(purged);
    }
    let times: Vec<_> = purges.iter().map(|purged| (purged.records, purged.time / u32::try_from(purged.records).unwrap_or(1))).collect();
    println!("time for each record: {}", slope(&times).unwrap_or_default());
    let further: Vec<f64> = purges
        .windows(2)
        .filter_map(|pair| {
            let [fewer, more] = pair else { return None };
            Some((more.calls as f64 - fewer.calls as f64) / (more.records as f64 - fewer.records as f64))
        })
        .collect();
    let [early, late] = further.as_slice() else { return Linear { is_linear: false, each: f64::MAX } };
    let is_linear = (late / early - 1.0).abs() <= MARGIN;
    let word = if is_linear { "a purge is linear in calls" } else { "GREW: the calls of a purge" };
    println!("{word}: {early:.5} for each further record at first, {late:.5} in the end");
    Linear { is_linear, each: *late }
}

fn all_calls(aws: &EmbeddedAws) -> u64 {
    [Service::DynamoDb, Service::S3, Service::Kms, Service::Sqs].map(|service| aws.calls().count_all(service)).iter().sum()
}

async fn purge(records: usize) -> Purged {
    let (scene, site) = (Scene::start().await, site(0));
    scene.install(&site).await;
    let aws = scene.host.aws();
    let tenant = aws.items("TenantsTable").unwrap().remove(0);
    let text = |name: &str| tenant.get(name).and_then(|value| value.get("S")).and_then(Value::as_str).unwrap().to_owned();
    let (digest, tenant_id) = (text("digest"), text("tenant_id"));
    write(aws, &format!("{tenant_id}#configuration"), records).await;
    println!("  {records} records are there");

    scene.clock.advance(Duration::from_secs(2));
    scene.answer(scene.lifecycle(&site, "uninstalled")).await;
    scene.clock.advance(Duration::from_secs(110 * 86_400 + 1));
    let starter = scene.host.platform("purge").unwrap();
    let begun = starting::start_due(&starter, Deadline::after(&starter, Duration::from_secs(900))).await.ok().unwrap();
    assert_eq!(begun.count("begun"), 1);
    scene.clock.advance(Duration::from_secs(20 * 60));

    let worker = scene.host.platform("purge-worker").unwrap();
    let message = json!({"Records": [{"messageId": "1", "body": json!({"digest": digest, "tenantId": tenant_id}).to_string()}]});
    let event: QueueEvent = serde_json::from_value(message).unwrap();
    let (before, began) = (all_calls(aws), elapsed());
    // The clock stands still, so one run does all of it.
    let work = purge_worker::handle(worker.clone(), event.until(Deadline::after(&worker, Duration::from_secs(900))));
    let (answer, grown_kib) = memory::grown(work).await;
    let (time, calls) = (elapsed() - began, all_calls(aws) - before);
    assert!(answer.batch_item_failures.is_empty());
    let departure = aws.items("DeparturesTable").unwrap().remove(0);
    let count = departure.pointer("/purge_counts/M/configuration/N").and_then(Value::as_str).map(ToOwned::to_owned);
    assert_eq!(count, Some(records.to_string()), "all are counted");
    assert!(departure.get("verified").is_some() && aws.items("ConfigurationTable").unwrap().is_empty(), "all are gone");
    Purged { records, calls, time, grown_kib }
}

/// Writes so many items under this partition.
async fn write(aws: &EmbeddedAws, partition: &str, records: usize) {
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws.sdk_config());
    let item = |number: usize| {
        let text = |name: &str, value: String| (name.to_owned(), AttributeValue::S(value));
        let sealed = ("sealed".to_owned(), AttributeValue::B(vec![7; 200].into()));
        HashMap::from([text("partition", partition.to_owned()), text("id", format!("{number:064}")), sealed])
    };
    let put = |number| WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item(number))).build().unwrap()).build();
    for first in (0..records).step_by(25) {
        let requests = (first..records.min(first + 25)).map(put).collect::<Vec<_>>();
        let requests = HashMap::from([("ConfigurationTable".to_owned(), requests)]);
        dynamodb.batch_write_item().set_request_items(Some(requests)).send().await.unwrap();
    }
}
