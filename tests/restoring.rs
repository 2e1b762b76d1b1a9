//! Restored tables are made safe before they are used: whatever happened between the backup and now has happened in them too. A backup is a copy
//! of the tables here, as AWS makes it, and is put into tables of other names; to use them, their items take the place of the live ones.

mod faults;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use local::atlassian::Site;
use local::aws::{BucketSpec, TableSpec};
use local::template::Template;
use serde_json::{Value, json};
use shared::platform::Platform;
use shared::platform::schedule::Report;
use shared::tenant::departure::{Departure, Hold, HoldReason, Stage};
use shared::tenant::departures;
use shared::tenant::id::digest;
use shared::tenant::moves::{purging, waiting};

use crate::attachments::{PATH, as_bytes};
use crate::harness::{World, page_request, site};
use crate::sealing::s3;

type Item = HashMap<String, AttributeValue>;

const DAY: Duration = Duration::from_secs(86_400);

/// What the event calls each table, and its name here.
const TABLES: [(&str, &str); 6] = [
    ("tenants", "TenantsTable"),
    ("tenant-keys", "TenantKeysTable"),
    ("configuration", "ConfigurationTable"),
    ("attachments", "AttachmentsTable"),
    ("licences", "LicencesTable"),
    ("issue-copies", "IssueCopiesTable"),
];

/// All tables and the sealed bucket, as they were at a moment.
pub struct Backup {
    tables: BTreeMap<&'static str, Vec<Item>>,
    objects: Vec<(String, Vec<u8>)>,
}

impl Backup {
    pub fn of(world: &World) -> Self {
        let dump = world.aws().dump().unwrap();
        let tables = TABLES.map(|(table, id)| (table, dump[id].as_array().unwrap().iter().map(item).collect())).into();
        let objects = world.aws().files().unwrap().into_iter();
        let objects = objects.filter_map(|(name, bytes)| Some((name.strip_prefix("sealed-bucket/")?.to_owned(), bytes))).collect();
        Self { tables, objects }
    }

    /// Restores all of it under names that begin with `restored-` and end in this, and gives the event that tells of them.
    pub async fn restore(&self, world: &World, ending: &str) -> Value {
        let name = |what: &str| format!("restored-{what}{ending}");
        for (table, items) in &self.tables {
            let id = TABLES.iter().find(|(known, _)| known == table).unwrap().1;
            let spec = Template::deployed().unwrap().tables().unwrap().into_iter().find(|spec| spec.name == id).unwrap();
            // AWS restores neither TTL nor what else protects a table.
            world.aws().create_table(&TableSpec { name: name(table), ttl_attribute: None, ..spec }).unwrap();
            put(world, &name(table), items).await;
        }
        world.aws().create_bucket(BucketSpec::plain(&name("sealed"))).unwrap();
        for (key, bytes) in &self.objects {
            s3(world).put_object().bucket(name("sealed")).key(key).body(bytes.clone().into()).send().await.unwrap();
        }
        let tables: Value = TABLES.iter().map(|(table, _)| ((*table).to_owned(), json!(name(table)))).collect();
        json!({"tables": tables, "buckets": {"sealed": name("sealed")}})
    }
}

/// An item of a dump.
fn item(dumped: &Value) -> Item {
    fn value(dumped: &Value) -> AttributeValue {
        let (kind, value_of) = dumped.as_object().unwrap().iter().next().unwrap();
        match (kind.as_str(), value_of) {
            ("S", text) => AttributeValue::S(text.as_str().unwrap().to_owned()),
            ("N", number) => AttributeValue::N(number.as_str().unwrap().to_owned()),
            ("B", bytes) => AttributeValue::B(STANDARD.decode(bytes.as_str().unwrap()).unwrap().into()),
            ("BOOL", flag) => AttributeValue::Bool(flag.as_bool().unwrap()),
            ("M", map) => AttributeValue::M(item(map)),
            ("L", list) => AttributeValue::L(list.as_array().unwrap().iter().map(value).collect()),
            other => panic!("{other:?} is stored nowhere"),
        }
    }
    dumped.as_object().unwrap().iter().map(|(name, dumped)| (name.clone(), value(dumped))).collect()
}

fn dynamodb(world: &World) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&world.aws().sdk_config())
}

async fn put(world: &World, table: &str, items: &[Item]) {
    let dynamodb = dynamodb(world);
    for item in items {
        dynamodb.put_item().table_name(table).set_item(Some(item.clone())).send().await.unwrap();
    }
}

/// The items of a table, in no order.
fn items(world: &World, table: &str) -> Vec<Value> {
    world.aws().dump().unwrap()[table].as_array().unwrap().clone()
}

fn text<'v>(item: &'v Value, name: &str) -> &'v str {
    item[name]["S"].as_str().unwrap()
}

/// Everything that lies in what was restored: each table's items, then the names of the objects.
fn contents(world: &World, event: &Value) -> Vec<Vec<String>> {
    let dump = world.aws().dump().unwrap();
    let tables = TABLES.map(|(table, _)| &dump[event["tables"][table].as_str().unwrap()]);
    let mut contents: Vec<Vec<String>> =
        tables.iter().map(|items| items.as_array().unwrap().iter().map(Value::to_string).collect()).collect();
    contents.iter_mut().for_each(|items| items.sort());
    let bucket = event["buckets"]["sealed"].as_str().unwrap();
    let files = world.aws().files().unwrap().into_keys();
    contents.push(files.filter_map(|name| name.strip_prefix(bucket)?.strip_prefix('/').map(ToOwned::to_owned)).collect());
    contents
}

async fn filter(world: &World, event: &Value) -> Report {
    world.host.invoke("restore-filter", event.clone()).await.unwrap()
}

/// What a run did, without what it merely found.
fn done(report: &Report) -> Vec<(&'static str, u64)> {
    report.counts.iter().copied().filter(|(thing, count)| *count > 0 && !["finished", "tenants-kept"].contains(thing)).collect()
}

/// Puts what was restored in the place of the live tables, behind functions that have just started.
async fn in_use(world: World, event: &Value) -> World {
    for (table, id) in TABLES {
        let spec = Template::deployed().unwrap().tables().unwrap().into_iter().find(|spec| spec.name == id).unwrap();
        let keys: Vec<String> = [Some(spec.partition_key), spec.sort_key].into_iter().flatten().map(|key| key.name).collect();
        for found in items(&world, id) {
            let key = item(&found).into_iter().filter(|(name, _)| keys.contains(name)).collect();
            dynamodb(&world).delete_item().table_name(id).set_key(Some(key)).send().await.unwrap();
        }
        let restored: Vec<Item> = items(&world, event["tables"][table].as_str().unwrap()).iter().map(item).collect();
        put(&world, id, &restored).await;
    }
    world.restarted().await
}

/// What a site's page reads of the setting that every site made at its beginning; none if it is refused or there is nothing.
async fn readable(world: &World, site: &Site) -> Option<String> {
    let answer = world.get(site, "colour").await;
    (answer.status == StatusCode::OK).then(|| answer.text())
}

async fn departure(world: &World, site: &Site) -> Option<Departure> {
    let departures = departures::of_digest(&platform(world), &digest(site.app.slug, &site.client_key)).await.unwrap();
    departures.into_iter().max_by_key(|departure| departure.epoch)
}

fn platform(world: &World) -> Platform {
    world.host.platform("restore-filter").unwrap()
}

/// What may happen to a tenant; what cannot happen to it now does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Nothing,
    Leave,
    Install,
    Hold,
    Hasten,
    /// If it is due; one that was hastened is finished at once, any other stays on its way.
    Purge,
}

const TURNS: [Turn; 6] = [Turn::Nothing, Turn::Leave, Turn::Install, Turn::Hold, Turn::Hasten, Turn::Purge];

async fn take(world: &World, site: &Site, turn: Turn) {
    let departure = departure(world, site).await;
    let marked = departure.as_ref().filter(|departure| departure.stage == Stage::Marked);
    match (turn, marked) {
        (Turn::Leave, _) => assert_eq!(world.uninstall(site).await.status, StatusCode::NO_CONTENT),
        (Turn::Install, _) => assert_eq!(world.install(site).await.status, StatusCode::NO_CONTENT),
        (Turn::Hold, Some(marked)) => {
            let (placed_at, until) = (world.now(), world.now() + 29 * 86_400);
            let hold = Hold { placed_by: "p".to_owned(), reason: HoldReason::Dispute, placed_at, until };
            assert!(waiting::hold(&platform(world), marked, hold).await.unwrap());
        }
        (Turn::Hasten, Some(marked)) => assert!(waiting::hasten(&platform(world), marked).await.unwrap()),
        (Turn::Purge, Some(marked)) => {
            let begun = purging::begin(&platform(world), marked).await.unwrap();
            if let purging::Begun::Purging { departure: purging, .. } = begun
                && purging.early_at.is_some()
            {
                finish(world, *purging).await;
            }
        }
        _ => {}
    }
}

/// The end of a purge, as its worker writes it.
async fn finish(world: &World, purging: Departure) {
    let Departure { digest, tenant_id, .. } = purging;
    let (digest, tenant_id) = (AttributeValue::S(digest), AttributeValue::S(tenant_id));
    let update =
        dynamodb(world).update_item().table_name("DeparturesTable").key("digest", digest.clone()).key("tenant_id", tenant_id.clone());
    let update = update.update_expression("SET stage = :purged REMOVE due_shard, due_at");
    update.expression_attribute_values(":purged", AttributeValue::S("purged".to_owned())).send().await.unwrap();
    let delete = dynamodb(world).delete_item().table_name("TenantsTable").key("digest", digest);
    let delete = delete.condition_expression("tenant_id = :tenant_id").expression_attribute_values(":tenant_id", tenant_id);
    // Another life may have begun.
    delete.send().await.ok();
}

/// One site for every sequence of three turns, with a backup before each turn; between two turns lie two months.
async fn all_histories() -> (World, Vec<(Site, [Turn; 3])>, Vec<Backup>) {
    let world = World::new().await;
    let mut sites = Vec::new();
    for (number, turns) in TURNS.iter().flat_map(|a| TURNS.iter().flat_map(move |b| TURNS.iter().map(move |c| [*a, *b, *c]))).enumerate() {
        let site = site(&format!("site-{number}"));
        assert_eq!(world.install(&site).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.put(&site, "colour", &number.to_string()).await.status, StatusCode::CREATED);
        sites.push((site, turns));
    }
    let mut backups = Vec::new();
    for phase in 0..3 {
        world.clock.advance(60 * DAY);
        backups.push(Backup::of(&world));
        for (site, turns) in &sites {
            take(&world, site, turns[phase]).await;
        }
    }
    (world, sites, backups)
}

/// Promises A-48, E-34 and E-35: for all histories, what can be read after a restore is what can be read without one, and of whoever was purged
/// nothing comes back.
#[tokio::test]
async fn whatever_happened_since_the_backup_has_happened_in_what_is_restored() {
    let (mut world, sites, backups) = all_histories().await;
    let mut live = Vec::new();
    for (site, _) in &sites {
        live.push(readable(&world, site).await);
    }
    assert!(live.iter().flatten().count() > 50 && live.iter().filter(|read| read.is_none()).count() > 50);
    let state = |item: &Value| ["state", "left_at", "purge_after", "tenant_id"].map(|name| item[name].clone());
    let tenants: HashMap<String, [Value; 4]> =
        items(&world, "TenantsTable").iter().map(|item| (text(item, "tenant_id").to_owned(), state(item))).collect();
    let keys = items(&world, "TenantKeysTable");
    let expires: HashMap<&str, &Value> = keys.iter().map(|item| (text(item, "tenant_id"), &item["expires_at"])).collect();
    let departures = items(&world, "DeparturesTable");
    let at =
        |stage: &str| departures.iter().filter(|item| text(item, "stage") == stage).map(|item| text(item, "tenant_id")).collect::<Vec<_>>();
    let (purging, purged) = (at("purging"), at("purged"));
    assert!(purging.len() > 5 && !purged.is_empty(), "{} {}", purging.len(), purged.len());
    for (number, backup) in backups.iter().enumerate() {
        let event = backup.restore(&world, &format!("-{number}")).await;
        let report = filter(&world, &event).await;
        assert_eq!((report.count("finished"), report.count("incidents"), report.count("unsafe")), (1, 0, 0), "{number}: {report}");
        assert!(report.count("gone") > 0 && report.count("left-again") > 0, "{number}: {report}");
        let restored = contents(&world, &event);
        let whole = format!("{restored:?}");
        assert!(purging.iter().chain(&purged).all(|tenant_id| !whole.contains(tenant_id)), "{number}");
        for item in items(&world, event["tables"]["tenants"].as_str().unwrap()) {
            assert_eq!(state(&item), tenants[text(&item, "tenant_id")], "{number}");
        }
        for item in items(&world, event["tables"]["tenant-keys"].as_str().unwrap()) {
            assert_eq!(item["expires_at"], *expires[text(&item, "tenant_id")], "{number}");
        }
        assert_eq!(done(&filter(&world, &event).await), [], "{number}: twice");
        assert_eq!(contents(&world, &event), restored, "{number}");
        world = in_use(world, &event).await;
        for ((site, turns), live) in sites.iter().zip(&live) {
            assert_eq!(readable(&world, site).await, *live, "{number}: {turns:?}");
        }
    }
}

/// A world in which a backup and the truth differ in every way, and the backup.
struct Differing {
    world: World,
    backup: Backup,
    lost: Site,
}

/// What a run finds there.
const DIFFERENCES: [(&str, u64); 8] = [
    ("left-again", 1),
    ("returned-again", 1),
    ("gone", 3),
    ("keys-deleted", 3),
    ("records-deleted", 8),
    ("objects-deleted", 2),
    ("switched-on", 18),
    ("incidents", 1),
];

impl Differing {
    async fn new() -> Self {
        let world = World::new().await;
        let [stays, leaves, returns, purged, overdue, lost] = ["stays", "leaves", "returns", "purged", "overdue", "lost"].map(site);
        for site in [&stays, &leaves, &returns, &purged, &overdue, &lost] {
            assert_eq!(world.install(site).await.status, StatusCode::NO_CONTENT);
            assert_eq!(world.put(site, "colour", "1").await.status, StatusCode::CREATED);
        }
        for site in [&stays, &purged, &overdue] {
            // Of a file there are three: its record, the count and the object.
            let target = format!("{PATH}?name=a&owner=o");
            let request = page_request(site, Method::POST, &target, world.now()).body("a plan".into()).unwrap();
            assert_eq!(world.send(as_bytes(request)).await.status, StatusCode::CREATED);
        }
        world.clock.advance(2 * DAY);
        for site in [&returns, &lost] {
            take(&world, site, Turn::Leave).await;
        }
        // What belongs to nobody: where the reconciler stopped, and a licence and keys whose tenant is not named.
        let tenant_id = world.tenant(&purged).await["tenant_id"].as_str().unwrap().to_owned();
        for (table, partition) in [("AttachmentsTable", "reconcile".to_owned()), ("LicencesTable", format!("{tenant_id}#licence"))] {
            let record = [("partition", partition), ("id", "sealed".to_owned())];
            put(&world, table, &[record.map(|(name, text)| (name.to_owned(), AttributeValue::S(text))).into()]).await;
        }
        let mut backup = Backup::of(&world);
        let mut unnamed = backup.tables["tenant-keys"][0].clone();
        unnamed.insert("digest".to_owned(), AttributeValue::S("0".repeat(64)));
        unnamed.insert("tenant_id".to_owned(), AttributeValue::S("nobody".to_owned()));
        backup.tables.get_mut("tenant-keys").unwrap().push(unnamed);
        world.clock.advance(DAY);
        for (site, turns) in [
            (&leaves, &[Turn::Leave][..]),
            (&returns, &[Turn::Install]),
            (&purged, &[Turn::Leave, Turn::Hasten, Turn::Purge]),
            (&overdue, &[Turn::Leave, Turn::Hasten]),
        ] {
            for turn in turns {
                take(&world, site, *turn).await;
            }
        }
        Self { world, backup, lost }
    }

    /// Restores the backup, and loses a departure, as if nothing had been filtered yet.
    async fn restore(&self, ending: &str) -> Value {
        let (digest, tenant) = (digest(self.lost.app.slug, &self.lost.client_key), self.world.tenant(&self.lost).await);
        let delete = dynamodb(&self.world).delete_item().table_name("DeparturesTable").key("digest", AttributeValue::S(digest));
        let tenant_id = AttributeValue::S(tenant["tenant_id"].as_str().unwrap().to_owned());
        delete.key("tenant_id", tenant_id).send().await.unwrap();
        self.backup.restore(&self.world, ending).await
    }
}

#[tokio::test]
async fn each_thing_that_is_done_is_counted_and_done_once() {
    let differing = Differing::new().await;
    let (world, event) = (&differing.world, differing.restore("").await);
    let live = world.aws().dump().unwrap();
    let report = filter(world, &event).await;
    assert_eq!(done(&report), DIFFERENCES, "{report}");
    assert_eq!((report.count("finished"), report.count("tenants-kept"), report.is_incident()), (1, 4, true));
    // The lost departure is there again; nothing else that is in use was touched.
    assert_eq!(departure(world, &differing.lost).await.map(|departure| departure.stage), Some(Stage::Marked));
    let after = world.aws().dump().unwrap();
    for (_, id) in TABLES {
        assert_eq!(after[id], live[id], "{id}");
    }
    let before = contents(world, &event);
    let again = filter(world, &event).await;
    assert_eq!((done(&again), again.count("finished"), again.count("tenants-kept"), again.is_incident()), (vec![], 1, 4, false));
    assert_eq!(contents(world, &event), before);
}

/// A purge that is due finds its tenant in the restored table, and closes the departure.
#[tokio::test]
async fn who_was_to_be_purged_is_purged_from_what_was_restored() {
    let differing = Differing::new().await;
    let event = differing.restore("").await;
    filter(&differing.world, &event).await;
    let world = in_use(differing.world, &event).await;
    let overdue = departure(&world, &site("overdue")).await.unwrap();
    let begun = purging::begin(&platform(&world), &overdue).await.unwrap();
    assert!(matches!(begun, purging::Begun::Purging { .. }), "{begun:?}");
}

#[tokio::test]
async fn what_is_restored_alone_is_held_against_the_live_tenants() {
    let differing = Differing::new().await;
    let (world, whole) = (&differing.world, differing.restore("").await);
    let event = json!({"tables": {"tenant-keys": whole["tables"]["tenant-keys"]}});
    let report = filter(world, &event).await;
    let expected = [("left-again", 1), ("returned-again", 1), ("gone", 3), ("keys-deleted", 3), ("switched-on", 3), ("incidents", 1)];
    assert_eq!((done(&report), report.count("finished")), (expected.to_vec(), 1));
    let contents = contents(world, &whole);
    assert_eq!((contents[0].len(), contents[1].len(), contents[6].len()), (6, 4, 3), "only the keys were touched");
}

/// Promise A-48: what was restored is as safe as what is in use.
#[tokio::test]
async fn what_aws_does_not_restore_is_switched_on() {
    let differing = Differing::new().await;
    let (world, event) = (&differing.world, differing.restore("").await);
    filter(world, &event).await;
    for (table, id) in TABLES {
        let name = event["tables"][table].as_str().unwrap();
        let ttl = dynamodb(world).describe_time_to_live().table_name(name).send().await.unwrap().time_to_live_description;
        let live = Template::deployed().unwrap().tables().unwrap().into_iter().find(|spec| spec.name == id).unwrap();
        assert_eq!(ttl.and_then(|ttl| ttl.attribute_name), live.ttl_attribute, "{table}");
        let backups = dynamodb(world).describe_continuous_backups().table_name(name).send().await.unwrap();
        let recovery = backups.continuous_backups_description.unwrap().point_in_time_recovery_description.unwrap();
        assert_eq!(recovery.recovery_period_in_days, Some(if table == "tenant-keys" { 7 } else { 35 }), "{table}");
        let described = dynamodb(world).describe_table().table_name(name).send().await.unwrap().table.unwrap();
        assert_eq!(described.deletion_protection_enabled, Some(true), "{table}");
    }
    let bucket = event["buckets"]["sealed"].as_str().unwrap();
    let versioning = s3(world).get_bucket_versioning().bucket(bucket).send().await.unwrap();
    assert_eq!(versioning.status.map(|status| status.as_str().to_owned()).as_deref(), Some("Enabled"));
}
