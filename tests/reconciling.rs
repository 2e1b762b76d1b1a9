//! Once a day what lies in the buckets is held against the records: what nobody waits for goes, what is missing is told, and what may still be
//! on its way, or is somebody else's business, is left alone.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use local::atlassian::Site;
use local::aws::Fault;
use local::host::{LocalHost, Settings};
use local::mounts::Work;
use shared::platform::clock::{Clock, ManualClock, Moment};
use shared::platform::random::SystemRandom;
use shared::platform::schedule::{Deadline, Report};
use shared::problem::Problem;
use shared::tenant::id::digest;

use crate::asking::{TIME, run_on};
use crate::attachments::{attached, read};
use crate::harness::{World, settings, site};
use crate::sealing::{MARK, arrived, begun, key, lies_in, look, records, s3};
use crate::triggers::work_of;

const HOUR: Duration = Duration::from_secs(3600);

/// What is old enough to be removed was made so long ago.
const OLD: Duration = Duration::from_secs(24 * 3600);

async fn try_run(world: &World) -> Result<Report, Problem> {
    run_on(&world.host.platform("attachment-reconcile").unwrap(), "attachment-reconcile", TIME).await
}

async fn run(world: &World) -> Report {
    try_run(world).await.unwrap()
}

/// The counts that are not zero, those apart that every run has.
fn done(report: &Report) -> Vec<(&'static str, u64)> {
    let always = ["finished", "tenants-reconciled"];
    report.counts.iter().copied().filter(|(thing, count)| *count > 0 && !always.contains(thing)).collect()
}

/// The name of an object of this tenant that no record tells of, for this attachment.
pub async fn orphan_of(world: &World, site: &Site, id: &str) -> String {
    let tenant = world.tenant(site).await["tenant_id"].as_str().unwrap().to_owned();
    format!("{}/{tenant}/{id}/00000000-0000-4000-8000-000000000000", digest(site.app.slug, &site.client_key))
}

pub async fn put_sealed(world: &World, key: &str) {
    s3(world).put_object().bucket("sealed-bucket").key(key).body(b"sealed".to_vec().into()).send().await.unwrap();
}

/// The real object of an attachment.
fn object_of(world: &World, id: &str) -> String {
    let found = lies_in(world, "sealed-bucket").into_iter().find(|name| name.contains(id)).unwrap();
    found.strip_prefix("sealed-bucket/").unwrap().to_owned()
}

/// Every version of an object goes, as nobody but the reconciler and the purge may do it.
async fn lose_object(world: &World, key: &str) {
    let found = s3(world).list_object_versions().bucket("sealed-bucket").prefix(key).send().await.unwrap();
    for version in found.versions() {
        let id = version.version_id().unwrap();
        s3(world).delete_object().bucket("sealed-bucket").key(key).version_id(id).send().await.unwrap();
    }
}

#[tokio::test]
async fn an_object_that_no_record_tells_of_goes_with_all_its_versions_once_it_is_a_day_old() {
    let world = World::installed().await;
    let id = attached(&world, "name=plan.txt", "a plan").await;
    let (unknown, second) = (orphan_of(&world, &world.acme, &"f".repeat(64)).await, orphan_of(&world, &world.acme, &id).await);
    for key in [&unknown, &unknown, &second] {
        put_sealed(&world, key).await;
    }
    world.clock.advance(OLD - Duration::from_secs(1));
    assert_eq!(done(&run(&world).await), []);
    assert_eq!(lies_in(&world, "sealed-bucket").len(), 4);
    world.clock.advance(Duration::from_secs(1));
    let report = run(&world).await;
    assert_eq!((done(&report), report.is_incident()), (vec![("objects-removed", 2)], false));
    assert_eq!(lies_in(&world, "sealed-bucket").len(), 1);
    assert_eq!(read(&world, &world.acme, &id, &[]).await.text(), "a plan");
    assert_eq!(done(&run(&world).await), [], "once is enough");
}

/// What a tenant leaves is dated, and may come back: it is the purge's business.
#[tokio::test]
async fn objects_of_tenants_who_have_left_are_left_alone() {
    let world = World::installed().await;
    let orphan = orphan_of(&world, &world.acme, &"f".repeat(64)).await;
    put_sealed(&world, &orphan).await;
    world.clock.advance(HOUR);
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(OLD);
    assert_eq!(done(&run(&world).await), [("tenants-passed-over", 1)]);
    assert_eq!(lies_in(&world, "sealed-bucket").len(), 1);
}

#[tokio::test]
async fn a_record_without_an_object_is_told_and_stays() {
    let world = World::installed().await;
    let (kept, lost, covered) =
        (attached(&world, "name=1", "kept").await, attached(&world, "name=2", "lost").await, attached(&world, "name=3", "covered").await);
    lose_object(&world, &object_of(&world, &lost)).await;
    s3(&world).delete_object().bucket("sealed-bucket").key(object_of(&world, &covered)).send().await.unwrap();
    let before = world.aws().dump().unwrap();
    let report = run(&world).await;
    assert_eq!((done(&report), report.is_incident()), (vec![("records-without-object", 2)], true));
    assert_eq!(world.aws().dump().unwrap(), before);
    assert_eq!(read(&world, &world.acme, &kept, &[]).await.text(), "kept");
    assert!(!report.to_string().contains(&lost), "no names in the report");
}

/// Whoever restores a table does not find that its objects were taken for nobody's.
#[tokio::test]
async fn objects_whose_records_were_lost_are_left_alone_and_told() {
    let world = World::installed().await;
    for name in ["1", "2"] {
        attached(&world, &format!("name={name}"), "a plan").await;
    }
    let items = world.aws().dump().unwrap();
    let mut items = items["AttachmentsTable"].as_array().unwrap().iter();
    let record = items.find(|item| item["partition"]["S"].as_str().unwrap().ends_with("#attachment")).unwrap();
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let key = ["partition", "id"].map(|name| (name.to_owned(), AttributeValue::S(record[name]["S"].as_str().unwrap().to_owned())));
    dynamodb.delete_item().table_name("AttachmentsTable").set_key(Some(key.into())).send().await.unwrap();
    world.clock.advance(OLD);
    let report = run(&world).await;
    assert_eq!((done(&report), report.is_incident()), (vec![("tenants-lacking-records", 1)], true));
    assert_eq!(lies_in(&world, "sealed-bucket").len(), 2);
}

#[tokio::test]
async fn what_has_no_name_of_ours_is_told_and_left_alone() {
    let world = World::installed().await;
    for key in ["notes.txt", "notes/1.txt"] {
        put_sealed(&world, key).await;
    }
    world.clock.advance(OLD);
    let report = run(&world).await;
    assert_eq!((done(&report), report.is_incident()), (vec![("strangers", 2)], true));
    assert_eq!(lies_in(&world, "sealed-bucket").len(), 2);
}

/// Promise A-35: what arrived and was never sealed does not rest.
#[tokio::test]
async fn what_arrived_a_day_ago_goes_with_its_upload() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, MARK.as_bytes()).await;
    // Nobody is told of it: as if EventBridge had lost it.
    drop(world.aws().take_notifications());
    let unfinished = begun(&world, &world.acme, MARK.as_bytes()).await;
    assert_eq!(world.put_part(&unfinished["missing"][0], MARK).await.status, StatusCode::OK);
    let multipart = s3(&world).create_multipart_upload().bucket("sealed-bucket").key("a/b/c/d").send().await.unwrap();
    let call = s3(&world).upload_part().bucket("sealed-bucket").key("a/b/c/d").set_upload_id(multipart.upload_id);
    call.part_number(1).body(b"half".to_vec().into()).send().await.unwrap();
    world.clock.advance(OLD - Duration::from_secs(1));
    let young = begun(&world, &world.acme, b"just begun").await["id"].as_str().unwrap().to_owned();
    assert_eq!(done(&run(&world).await), []);
    assert_eq!(look(&world, &world.acme, &id).await.json()["stage"], "complete");
    world.clock.advance(Duration::from_secs(1));
    // Its uploader was told that it was being sealed: that it was not is told.
    let report = run(&world).await;
    assert_eq!(done(&report), [("arrivals-removed", 1), ("arrivals-lost", 1), ("multiparts-aborted", 2)]);
    assert!(report.is_incident());
    assert_eq!(world.aws().files().unwrap().into_keys().collect::<Vec<_>>(), Vec::<String>::new());
    for gone in [&id, unfinished["id"].as_str().unwrap()] {
        assert_eq!(look(&world, &world.acme, gone).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(look(&world, &world.acme, &young).await.json()["stage"], "open");
    assert_eq!(records(&world, "upload"), 1);
    assert_eq!(world.aws().places_of(MARK.as_bytes()).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_arrived_for_nobody_goes_too() {
    let world = World::installed().await;
    let stranger = site("stranger");
    for key in [key(&stranger, &"0".repeat(64)), "notes.txt".to_owned()] {
        s3(&world).put_object().bucket("incoming-bucket").key(key).body(MARK.as_bytes().to_vec().into()).send().await.unwrap();
    }
    drop(world.aws().take_notifications());
    world.clock.advance(OLD);
    assert_eq!(done(&run(&world).await), [("arrivals-removed", 2)]);
    assert_eq!(lies_in(&world, "incoming-bucket"), Vec::<String>::new());
}

/// A world with something of everything to do, and the name of an attachment in it that must stay.
async fn untidy() -> (World, String) {
    let world = World::installed().await;
    let id = attached(&world, "name=plan.txt", "a plan").await;
    put_sealed(&world, &orphan_of(&world, &world.acme, &id).await).await;
    arrived(&world, &world.acme, MARK.as_bytes()).await;
    drop(world.aws().take_notifications());
    begun(&world, &world.acme, MARK.as_bytes()).await;
    s3(&world).create_multipart_upload().bucket("sealed-bucket").key("a/b/c/d").send().await.unwrap();
    world.clock.advance(OLD);
    (world, id)
}

async fn assert_tidy(world: &World, id: &str, case: &str) {
    assert_eq!(world.aws().files().unwrap().into_keys().collect::<Vec<_>>(), [format!("sealed-bucket/{}", object_of(world, id))], "{case}");
    assert_eq!((records(world, "attachment"), records(world, "upload")), (1, 0), "{case}");
    assert_eq!(read(world, &world.acme, id, &[]).await.text(), "a plan", "{case}");
    assert_eq!(done(&run(world).await), [], "{case}");
}

#[tokio::test]
async fn two_runs_at_once_do_what_one_does() {
    let (world, id) = untidy().await;
    futures::join!(run(&world), run(&world));
    assert_tidy(&world, &id, "two").await;
}

#[tokio::test]
async fn what_a_fault_leaves_the_next_run_finds() {
    let (world, id) = untidy().await;
    let mark = world.aws().calls().mark();
    let all = [("arrivals-removed", 1), ("arrivals-lost", 1), ("multiparts-aborted", 2), ("objects-removed", 1)];
    assert_eq!(done(&run(&world).await), all);
    let calls = world.aws().calls().since(mark);
    assert_tidy(&world, &id, "no fault").await;
    for (at, fault) in (0..calls.len()).flat_map(|at| [Fault::BeforeSend, Fault::AfterEffect].map(move |fault| (at, fault))) {
        let case = format!("{} {fault:?}", calls[at]);
        let (world, id) = untidy().await;
        tokio::time::pause();
        for attempt in 0..3 {
            world.aws().faults().on_call(at as u64 + 1 + attempt, fault);
        }
        // It fails, or it counts what it left.
        let struck = try_run(&world).await;
        assert!(struck.is_err() || struck.is_ok_and(|report| report.count("faults") > 0), "{case}");
        world.aws().faults().clear();
        run(&world).await;
        assert_tidy(&world, &id, &case).await;
        tokio::time::resume();
    }
}

/// A clock on which everything takes a second.
#[derive(Debug)]
pub struct Busy(pub ManualClock);

impl Clock for Busy {
    fn now(&self) -> Moment {
        self.0.advance(Duration::from_secs(1));
        self.0.now()
    }
}

/// Runs with too little time, on a clock that goes on while they work, until one has reached all; gives how many it took and what they removed.
pub async fn in_short_runs(world: &World) -> (usize, u64) {
    let clock: Arc<dyn Clock> = Arc::new(Busy(ManualClock::at(world.now())));
    let settings = Settings { clock, ..settings(&world.clock, Arc::new(SystemRandom)) };
    let host = LocalHost::start_on(world.aws().clone(), &settings).await.unwrap();
    let platform = host.platform("attachment-reconcile").unwrap();
    let Work::Schedule(handle) = work_of("attachment-reconcile") else { panic!("no schedule") };
    let mut removed = 0;
    for run in 1..20 {
        let report = handle(platform.clone(), Deadline::after(&platform, Duration::from_secs(60 + 30))).await.unwrap();
        removed += report.count("objects-removed");
        if report.count("finished") == 1 {
            return (run, removed);
        }
    }
    panic!("no end");
}

/// More than one short run is enough for.
pub async fn six_orphans(world: &World) {
    for number in 0..6 {
        let site = site(&format!("site-{number}"));
        assert_eq!(world.install(&site).await.status, StatusCode::NO_CONTENT);
        put_sealed(world, &orphan_of(world, &site, &"f".repeat(64)).await).await;
    }
    world.clock.advance(OLD);
}

#[tokio::test]
async fn a_run_that_is_short_of_time_stops_and_the_next_goes_on() {
    let world = World::new().await;
    six_orphans(&world).await;
    let (runs, removed) = in_short_runs(&world).await;
    assert_eq!(removed, 6);
    assert!(runs > 1, "one run was enough");
    assert_eq!(lies_in(&world, "sealed-bucket"), Vec::<String>::new());
    assert_eq!(world.aws().dump().unwrap()["AttachmentsTable"], serde_json::json!([]), "the position is kept no longer");
}

#[tokio::test]
async fn a_run_that_has_no_time_does_nothing() {
    let (world, _) = untidy().await;
    let before = lies_in(&world, "");
    let platform = world.host.platform("attachment-reconcile").unwrap();
    let Work::Schedule(handle) = work_of("attachment-reconcile") else { panic!("no schedule") };
    let report = handle(platform.clone(), Deadline::after(&platform, Duration::from_secs(60))).await.unwrap();
    assert!(report.counts.iter().all(|(_, count)| *count == 0), "{report}");
    assert_eq!(lies_in(&world, ""), before);
}
