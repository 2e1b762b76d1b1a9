//! The end of a tenancy: what is due is purged, nothing of it is left, and there is proof. The simulation asks the same of thousands at once; here
//! each rule stands by itself.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use local::atlassian::Site;
use local::host::{LocalHost, Settings};
use local::mounts::Work;
use serde_json::{Value, json};
use shared::platform::clock::{Clock, ManualClock, Moment};
use shared::platform::random::SystemRandom;
use shared::platform::schedule::Deadline;
use shared::purge::certificate::{Certificate, Method, Salt, SubjectClaim, verify};
use shared::tenant::id;

use crate::attachments::{PATH, as_bytes};
use crate::harness::{World, page_request, settings};
use crate::sealing::{begun, lies_in, s3};
use crate::triggers::work_of;

pub const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// A tenant with three settings, a file and an upload on its way.
pub async fn busy() -> World {
    let world = World::installed().await;
    fill(&world, &world.acme).await;
    world
}

async fn fill(world: &World, site: &Site) {
    for name in ["a", "b", "c"] {
        assert_eq!(world.put(site, name, "1").await.status, StatusCode::CREATED);
    }
    attach(world, site).await;
    begun(world, site, b"on its way").await;
}

async fn attach(world: &World, site: &Site) {
    let request = page_request(site, http::Method::POST, &format!("{PATH}?name=plan.txt&owner=case-1"), world.now());
    let attached = world.send(as_bytes(request.body("a plan".into()).unwrap())).await;
    assert_eq!(attached.status, StatusCode::CREATED, "{}", attached.text());
}

pub async fn pass(world: &World, seconds: i64) {
    world.host.pass(world.now() + seconds, world.clock.as_ref()).await.unwrap();
}

/// Leaves, so long after it was installed that nobody doubts it.
pub async fn leave(world: &World, site: &Site) -> String {
    world.clock.advance(Duration::from_secs(25 * 3_600));
    let tenant_id = world.tenant(site).await["tenant_id"].as_str().unwrap().to_owned();
    assert_eq!(world.uninstall(site).await.status, StatusCode::NO_CONTENT);
    tenant_id
}

pub async fn departure(world: &World, site: &Site) -> Value {
    world.departures(site).await.pop().unwrap_or_default()
}

/// A tenant that left something of every sort, and whose grace is over.
pub async fn left_with_everything() -> World {
    let world = busy().await;
    let (acme, s3) = (world.acme.clone(), s3(&world));
    leave(&world, &acme).await;
    let tenant = world.tenant(&acme).await;
    let sealed = format!("{}/{}/begun", tenant["digest"].as_str().unwrap(), tenant["tenant_id"].as_str().unwrap());
    s3.create_multipart_upload().bucket("sealed-bucket").key(sealed).send().await.unwrap();
    let arrived = s3.put_object().bucket("incoming-bucket").key(format!("{}/arrived", tenant["digest"].as_str().unwrap()));
    arrived.body(b"arrived".to_vec().into()).send().await.unwrap();
    drop(world.aws().take_notifications());
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    for (table, kind) in [("LicencesTable", "licence"), ("IssueCopiesTable", "issue-copies"), ("IssueCopiesTable", "seen-event")] {
        let partition = AttributeValue::S(format!("{}#{kind}", tenant["tenant_id"].as_str().unwrap()));
        let record = dynamodb.put_item().table_name(table).item("partition", partition);
        record.item("id", AttributeValue::S("one".to_owned())).send().await.unwrap();
    }
    world.clock.advance(Duration::from_secs(110 * 86_400));
    world
}

/// The certificate of the only departure of a site, verified as a customer would.
pub async fn certified(world: &World, site: &Site) -> Certificate {
    let departure = departure(world, site).await;
    let file = departure["certificate"].as_str().unwrap();
    let keys = world.send(http::Request::get("/certificates/keys").body("".into()).unwrap()).await;
    let salt = Salt::from_hex(departure["salt"].as_str().unwrap()).unwrap();
    let claim = SubjectClaim { app: site.app.slug.to_owned(), client_key: site.client_key.clone(), salt };
    verify(file.as_bytes(), &keys.body, Some(&claim)).unwrap()
}

/// Everything in tables and buckets that says this id, or lies under this digest; but for departures and the audit.
pub fn remains(world: &World, site: &Site, tenant_id: &str) -> Vec<String> {
    let digest = id::digest(site.app.slug, &site.client_key);
    let mut found = Vec::new();
    for (table, items) in world.aws().dump().unwrap().as_object().unwrap() {
        let says = |item: &&Value| [tenant_id, &digest].iter().any(|mark| item.to_string().contains(mark));
        if !["DeparturesTable", "AuditTable"].contains(&table.as_str()) {
            found.extend(items.as_array().unwrap().iter().filter(says).map(|item| format!("{table}: {item}")));
        }
    }
    found.extend(world.aws().files().unwrap().into_keys().filter(|name| name.contains(&digest)));
    found
}

fn count(certificate: &Certificate, what: &str) -> (Method, u64) {
    certificate.deleted.iter().find(|deleted| deleted.what == what).map(|deleted| (deleted.method, deleted.count)).unwrap()
}

/// Promises E-17, E-26, E-33, E-34: nothing is touched for 110 days, and everything is gone a day later, with proof.
#[tokio::test]
async fn whoever_left_is_purged_after_the_grace_and_the_certificate_says_what_went() {
    let world = busy().await;
    let acme = world.acme.clone();
    let tenant_id = leave(&world, &acme).await;
    let left_at = world.now();
    world.clock.advance(Duration::from_secs(109 * 86_400));
    pass(&world, HOUR).await;
    assert_eq!(departure(&world, &acme).await["stage"], "marked");
    assert!(!world.key_item(&acme).await.is_null());
    pass(&world, 2 * DAY).await;
    let closed = departure(&world, &acme).await;
    assert_eq!(closed["stage"], "purged", "{closed}");
    assert!(closed["due_at"].is_null() && closed["lease"].is_null() && closed["purge_cursor"].is_null(), "{closed}");
    assert_eq!(remains(&world, &acme, &tenant_id), Vec::<String>::new());
    let certificate = certified(&world, &acme).await;
    assert_eq!((certificate.left_at.epoch_seconds(), certificate.cause.as_str()), (left_at, "uninstalled"));
    assert_eq!(count(&certificate, "configuration"), (Method::Deleted, 3));
    assert_eq!(count(&certificate, "attachment"), (Method::Deleted, 1));
    assert_eq!(count(&certificate, "sealed-versions"), (Method::AllVersionsDeleted, 1));
    assert_eq!(count(&certificate, "tenant-keys"), (Method::KeysShredded, 1));
    let [first, second] = certificate.verified_at.map(|moment| moment.epoch_seconds());
    assert!(first >= certificate.shredded_at.epoch_seconds() + 20 * 60 && second >= first + HOUR);
    assert!(certificate.backups.unreadable_by.epoch_seconds() <= left_at + 127 * DAY);
    assert!(certificate.backups.gone_by.epoch_seconds() <= left_at + 165 * DAY);
    assert!(!certificate.deadline_missed && !certificate.promise_suspended && certificate.holds.is_empty());
    assert_eq!(world.host.waits(), 0, "the queues drain");
}

/// Promise E-35: the purge of one life leaves the next one alone, also where both lie under the same name.
#[tokio::test]
async fn the_next_life_of_an_installation_is_not_touched_by_the_purge_of_the_one_before() {
    let world = busy().await;
    let acme = world.acme.clone();
    let before = leave(&world, &acme).await;
    world.clock.advance(Duration::from_secs(110 * 86_400 + 1));
    assert_eq!(world.install(&acme).await.status, StatusCode::NO_CONTENT);
    fill(&world, &acme).await;
    let after = world.tenant(&acme).await["tenant_id"].as_str().unwrap().to_owned();
    let incoming = lies_in(&world, "incoming-bucket");
    pass(&world, 5 * HOUR).await;
    assert_eq!(departure(&world, &acme).await["stage"], "purged");
    assert_eq!(lies_in(&world, "incoming-bucket"), incoming);
    let digest = id::digest(acme.app.slug, &acme.client_key);
    assert!(!world.aws().dump().unwrap()["ConfigurationTable"].to_string().contains(&before));
    assert!(!lies_in(&world, "sealed-bucket").iter().any(|name| name.contains(&format!("{digest}/{before}/"))));
    assert_eq!(world.get(&acme, "a").await.status, StatusCode::OK);
    assert_eq!(world.tenant(&acme).await["tenant_id"], json!(after));
    assert_eq!(world.tenant(&acme).await["state"], "active");
}

/// Hands one message to the worker.
pub async fn work(world: &World, body: &str) -> usize {
    let Work::Queue(handle) = work_of("purge-worker") else { panic!("no queue") };
    let event = serde_json::from_value(json!({"Records": [{"messageId": "1", "body": body}]})).unwrap();
    handle(world.host.platform("purge-worker").unwrap(), event).await.batch_item_failures.len()
}

pub async fn start(world: &World) -> shared::platform::schedule::Report {
    let platform = world.host.platform("purge").unwrap();
    let Work::Schedule(run) = work_of("purge") else { panic!("no schedule") };
    run(platform.clone(), Deadline::after(&platform, Duration::from_secs(900))).await.unwrap()
}

async fn message(world: &World, site: &Site) -> String {
    let departure = departure(world, site).await;
    json!({"digest": departure["digest"], "tenantId": departure["tenant_id"]}).to_string()
}

/// A tenant whose keys are gone and whose data may be deleted from now on.
async fn shredded() -> (World, Site, String) {
    let world = busy().await;
    let acme = world.acme.clone();
    let tenant_id = leave(&world, &acme).await;
    world.clock.advance(Duration::from_secs(110 * 86_400));
    assert_eq!(start(&world).await.count("begun"), 1);
    world.clock.advance(Duration::from_secs(20 * 60));
    (world, acme, tenant_id)
}

#[tokio::test]
async fn nothing_is_deleted_while_a_writer_may_still_be_at_work() {
    let world = busy().await;
    let acme = world.acme.clone();
    leave(&world, &acme).await;
    world.clock.advance(Duration::from_secs(110 * 86_400));
    start(&world).await;
    assert!(world.key_item(&acme).await.is_null(), "the keys go at once");
    world.clock.advance(Duration::from_secs(20 * 60 - 1));
    assert_eq!(work(&world, &message(&world, &acme).await).await, 0);
    assert_eq!(world.aws().dump().unwrap()["ConfigurationTable"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn one_worker_at_a_time_has_a_purge_and_a_dead_one_loses_it() {
    let (world, acme, _) = shredded().await;
    let message = message(&world, &acme).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let departure = departure(&world, &acme).await;
    let lease = |until: i64| {
        let key = |name: &str| AttributeValue::S(departure[name].as_str().unwrap().to_owned());
        let update = dynamodb.update_item().table_name("DeparturesTable").key("digest", key("digest")).key("tenant_id", key("tenant_id"));
        let update = update.update_expression("SET lease = :lease, lease_until = :until");
        let update = update.expression_attribute_values(":lease", AttributeValue::S("another's".to_owned()));
        update.expression_attribute_values(":until", AttributeValue::N(until.to_string())).send()
    };
    lease(world.now() + 1).await.unwrap();
    assert_eq!(work(&world, &message).await, 0);
    assert_eq!(world.aws().dump().unwrap()["ConfigurationTable"].as_array().unwrap().len(), 3, "another has it");
    lease(world.now()).await.unwrap();
    assert_eq!(work(&world, &message).await, 0);
    assert_eq!(world.aws().dump().unwrap()["ConfigurationTable"], json!([]));
}

#[tokio::test]
async fn whatever_is_found_after_a_purge_makes_it_start_over() {
    let (world, acme, tenant_id) = shredded().await;
    let message = message(&world, &acme).await;
    assert_eq!(work(&world, &message).await, 0);
    assert_eq!(departure(&world, &acme).await["verified"].as_array().map(Vec::len), Some(1));
    let digest = id::digest(acme.app.slug, &acme.client_key);
    let put = s3(&world).put_object().bucket("sealed-bucket").key(format!("{digest}/{tenant_id}/late/late"));
    put.body(b"late".to_vec().into()).send().await.unwrap();
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(work(&world, &message).await, 0);
    let open = departure(&world, &acme).await;
    assert!(open["verified"].is_null() && open["stage"] == "purging", "{open}");
    pass(&world, 5 * HOUR).await;
    assert_eq!(departure(&world, &acme).await["stage"], "purged");
    let certificate = certified(&world, &acme).await;
    assert_eq!(count(&certificate, "sealed-versions"), (Method::AllVersionsDeleted, 2));
    assert_eq!(remains(&world, &acme, &tenant_id), Vec::<String>::new());
}

/// A clock that goes on by half a second whenever it is asked: work takes time.
#[derive(Debug)]
struct Working(ManualClock);

impl Clock for Working {
    fn now(&self) -> Moment {
        self.0.advance(Duration::from_millis(500));
        self.0.now()
    }
}

/// A run ends before Lambda ends it, and the next one goes on where it was.
#[tokio::test]
async fn a_large_tenant_is_purged_in_several_runs_that_send_themselves_on() {
    let (world, acme, tenant_id) = shredded().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    for number in 0..3_000 {
        let put = dynamodb.put_item().table_name("ConfigurationTable");
        let put = put.item("partition", AttributeValue::S(format!("{tenant_id}#configuration")));
        put.item("id", AttributeValue::S(format!("{number:08}"))).send().await.unwrap();
    }
    let clock: Arc<dyn Clock> = Arc::new(Working(ManualClock::at(world.now())));
    let settings = Settings { clock, ..settings(&world.clock, Arc::new(SystemRandom)) };
    let host = LocalHost::start_on(world.aws().clone(), &settings).await.unwrap();
    let (platform, message) = (host.platform("purge-worker").unwrap(), message(&world, &acme).await);
    let Work::Queue(handle) = work_of("purge-worker") else { panic!("no queue") };
    let mut runs = 0;
    while departure(&world, &acme).await["verified"].is_null() {
        runs += 1;
        assert!(runs < 50, "no end");
        let event =
            serde_json::from_value::<shared::platform::queue::QueueEvent>(json!({"Records": [{"messageId": "1", "body": message}]}));
        let event = event.unwrap().until(Deadline::after(&platform, Duration::from_secs(60 + 10)));
        assert!(handle(platform.clone(), event).await.batch_item_failures.is_empty());
    }
    assert!(runs > 1, "{runs}");
    assert_eq!(departure(&world, &acme).await["purge_counts"]["configuration"], 3_003);
}

#[tokio::test]
async fn a_tenant_that_is_there_is_never_due() {
    let world = busy().await;
    pass(&world, 20 * DAY).await;
    assert_eq!(start(&world).await.count("begun"), 0);
    assert_eq!(world.get(&world.acme, "a").await.status, StatusCode::OK);
}
