//! A large tenant purged, in runs that send themselves on, against raw deletes of as many items and objects by the same emulator: how fast, in
//! how many runs, with how much memory, and whether the counts are right. `LETHE_RECORDS` and `LETHE_OBJECTS` say how large; 200,000 and 2,000 if
//! they say nothing. Another size is printed, and not compared with what was recorded.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a program for a person at a terminal")]

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use benches::{Found, Metric, Pair, World, elapsed, peak_mib, size};
use local::clock::MovableClock;
use serde_json::{Value, json};
use shared::platform::queue::QueueEvent;
use shared::platform::schedule::Deadline;
use shared::purge::starting;

const METRICS: [Metric; 1] = [Metric {
    name: "time",
    margin: 1.0,
    because: "each is done once, by the clock on the wall, and others use the same cores and the same disk",
}];

/// How many there are in the tenant that is compared.
const RECORDS: u64 = 200_000;
/// Likewise.
const OBJECTS: u64 = 2_000;

/// The world with what is done to its AWS behind its back.
struct Scene {
    world: World,
    clock: Arc<MovableClock>,
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
}

impl Scene {
    async fn start(folder: &std::path::Path) -> Self {
        let clock = Arc::new(MovableClock::start());
        let world = World::start(folder, Arc::<MovableClock>::clone(&clock), None).await;
        let config = world.host.aws().sdk_config();
        Self { clock, dynamodb: aws_sdk_dynamodb::Client::new(&config), s3: aws_sdk_s3::Client::new(&config), world }
    }

    async fn lifecycle(&self, event: &str) {
        self.world.lifecycle(event).await;
        self.clock.advance(Duration::from_secs(2)).unwrap();
    }

    fn items(&self, table: &str) -> Vec<Value> {
        self.world.host.aws().dump().unwrap()[table].as_array().unwrap().clone()
    }

    /// Writes or deletes items by batches.
    async fn batches(&self, partition: &str, names: std::ops::Range<u64>, delete: bool) {
        let names: Vec<u64> = names.collect();
        for names in names.chunks(25) {
            let request = |number: &u64| {
                let key = [("partition", partition.to_owned()), ("id", format!("{number:064}"))];
                let mut item: HashMap<_, _> = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into();
                if delete {
                    return WriteRequest::builder().delete_request(DeleteRequest::builder().set_key(Some(item)).build().unwrap()).build();
                }
                item.insert("sealed".to_owned(), AttributeValue::B(vec![7; 200].into()));
                WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
            };
            let requests = HashMap::from([("ConfigurationTable".to_owned(), names.iter().map(request).collect::<Vec<_>>())]);
            self.dynamodb.batch_write_item().set_request_items(Some(requests)).send().await.unwrap();
        }
    }

    async fn put_objects(&self, prefix: &str, count: u64) {
        for number in 0..count {
            let body = ByteStream::from(vec![7; 256]);
            self.s3.put_object().bucket("sealed-bucket").key(format!("{prefix}{number:08}/blob")).body(body).send().await.unwrap();
        }
    }

    /// What is deleted if nothing is to be found, written down or verified: the names are known.
    async fn raw_deletes(&self, records: u64, objects: u64) -> Duration {
        self.batches("raw#configuration", 0..records, false).await;
        self.put_objects("raw/", objects).await;
        let mut page = self.s3.list_object_versions().bucket("sealed-bucket").prefix("raw/").send().await.unwrap();
        let mut versions = Vec::new();
        loop {
            versions.extend(page.versions().iter().map(|found| (found.key().unwrap().to_owned(), found.version_id().unwrap().to_owned())));
            let Some(marker) = page.next_key_marker else { break };
            page = self.s3.list_object_versions().bucket("sealed-bucket").prefix("raw/").key_marker(marker).send().await.unwrap();
        }
        let began = elapsed();
        self.batches("raw#configuration", 0..records, true).await;
        for versions in versions.chunks(1_000) {
            let named = versions.iter().map(|(key, id)| ObjectIdentifier::builder().key(key).version_id(id).build().unwrap());
            let delete = Delete::builder().set_objects(Some(named.collect())).quiet(true).build().unwrap();
            self.s3.delete_objects().bucket("sealed-bucket").delete(delete).send().await.unwrap();
        }
        elapsed() - began
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut found = Found::start("purging", &METRICS, &[]);
    let (records, objects) = (size("LETHE_RECORDS", RECORDS), size("LETHE_OBJECTS", OBJECTS));
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::start(folder.path()).await;
    let limit = scene.raw_deletes(records, objects).await;
    println!("{records} records and {objects} objects deleted by their names in {limit:?}; peak memory so far {:?} MiB", peak_mib());

    scene.lifecycle("installed").await;
    let tenant = scene.items("TenantsTable").remove(0);
    let (digest, tenant_id) = (tenant["digest"]["S"].as_str().unwrap().to_owned(), tenant["tenant_id"]["S"].as_str().unwrap().to_owned());
    scene.batches(&format!("{tenant_id}#configuration"), 0..records, false).await;
    scene.put_objects(&format!("{digest}/{tenant_id}/"), objects).await;
    scene.lifecycle("uninstalled").await;
    scene.clock.advance(Duration::from_secs(110 * 86_400)).unwrap();
    let purge = scene.world.host.platform("purge").unwrap();
    let begun = starting::start_due(&purge, Deadline::after(&purge, Duration::from_secs(900))).await.ok().unwrap();
    assert_eq!(begun.count("begun"), 1);
    scene.clock.advance(Duration::from_secs(20 * 60)).unwrap();

    let worker = scene.world.host.platform("purge-worker").unwrap();
    let message = json!({"Records": [{"messageId": "1", "body": json!({"digest": digest, "tenantId": tenant_id}).to_string()}]});
    let (mut runs, mut ours, memory_before) = (0, Duration::ZERO, peak_mib());
    let departure = loop {
        // A run of Lambda's is fifteen minutes; this one is long enough for a part of it.
        let event: QueueEvent = serde_json::from_value(message.clone()).unwrap();
        let event = event.until(Deadline::after(&worker, Duration::from_secs(60) + limit / 3));
        let began = elapsed();
        assert!(purge_worker::handle(worker.clone(), event).await.batch_item_failures.is_empty());
        ours += elapsed() - began;
        runs += 1;
        let asked = scene.dynamodb.query().table_name("DeparturesTable").key_condition_expression("digest = :digest");
        let answer = asked.expression_attribute_values(":digest", AttributeValue::S(digest.clone())).send().await.unwrap();
        let departure = answer.items.unwrap().remove(0);
        if departure.contains_key("verified") {
            break departure;
        }
    };
    let count = |what: &str| departure["purge_counts"].as_m().unwrap()[what].as_n().unwrap().clone();
    assert_eq!((count("configuration"), count("sealed-versions")), (records.to_string(), objects.to_string()));
    let pair = Pair { ours, limit };
    println!(
        "found, written down, deleted and verified in {ours:?}, by {runs} runs, {:.0} things a second; ratio to the raw deletes {:.2}",
        (records + objects) as f64 / ours.as_secs_f64(),
        pair.ratio(),
    );
    let memory_after = peak_mib();
    println!("counts as written; peak memory before the purge {memory_before:?} MiB, after it {memory_after:?} MiB");

    if (records, objects) == (RECORDS, OBJECTS) {
        found.note("time", "purge", pair.ratio());
    } else {
        METRICS.iter().for_each(|metric| found.unable(metric.name, "LETHE_RECORDS or LETHE_OBJECTS says another size"));
    }
    found.end()
}
