//! What happens to a tenant when Atlassian says that an app was installed or removed: each event ruled, whatever came before it.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::{Method, StatusCode};
use local::atlassian::Site;
use serde_json::{Value, json};

use crate::harness::{World, site};
use crate::model::{self, GRACE, Standing};

const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);

/// Signs and delivers an event `age` seconds after it was signed, and expects it to be taken.
async fn deliver(world: &World, event: &str, age: i64) {
    let answer = world.lifecycle(&world.acme, event, world.now() - age, &world.acme.payload(event)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{event}");
}

async fn standing(world: &World) -> Standing {
    Standing::stored(world, &world.acme, "").await
}

async fn account(world: &World) -> Value {
    world.as_host(&world.acme, Method::GET, "/test-management/account").await.json()
}

/// Promise E-33: leaving takes effect at once; promise E-35: a return brings everything back.
#[tokio::test]
async fn a_customer_who_leaves_is_refused_and_one_who_returns_finds_everything() {
    let world = World::installed().await;
    assert_eq!(world.put(&world.acme, "colour", "\"blue\"").await.status, StatusCode::CREATED);
    world.clock.advance(DAY);
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::UNAUTHORIZED);
    world.clock.advance(DAY * 109);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
}

/// Promise E-35: day 109.99 restores, day 110.01 begins anew, and the border lies at 110 days to the second.
#[tokio::test]
async fn a_return_counts_until_the_hundred_and_tenth_day_is_over() {
    let grace = DAY * 110;
    let hundredth = DAY / 100;
    for (away, epoch, status, stage) in [
        (SECOND, 1, StatusCode::OK, "returned"),
        (grace - hundredth, 1, StatusCode::OK, "returned"),
        (grace - SECOND, 1, StatusCode::OK, "returned"),
        (grace, 2, StatusCode::NOT_FOUND, "purging"),
        (grace + hundredth, 2, StatusCode::NOT_FOUND, "purging"),
    ] {
        let world = World::installed().await;
        world.put(&world.acme, "colour", "\"blue\"").await;
        world.clock.advance(DAY);
        world.uninstall(&world.acme).await;
        let before = world.tenant(&world.acme).await;
        world.clock.advance(away);
        deliver(&world, "installed", 0).await;
        assert_eq!(world.get(&world.acme, "colour").await.status, status, "{away:?}");
        assert_eq!(account(&world).await["epoch"], epoch, "{away:?}");
        assert_eq!(standing(&world).await.departures[&1].stage, stage, "{away:?}");
        assert_eq!(world.tenant(&world.acme).await["tenant_id"] == before["tenant_id"], epoch == 1, "{away:?}");
    }
}

/// Promise E-35: after the grace the world is empty, and what the old one held is not reached under a new id.
#[tokio::test]
async fn a_customer_who_returns_too_late_begins_anew() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"blue\"").await;
    world.clock.advance(DAY);
    world.uninstall(&world.acme).await;
    world.clock.advance(DAY * 110);
    deliver(&world, "installed", 0).await;
    let list = world.as_page(&world.acme, Method::GET, "/test-management/configuration", "").await;
    assert_eq!(list.json(), json!({"configuration": []}));
    assert_eq!(world.put(&world.acme, "colour", "\"red\"").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn lives_are_counted_on_after_a_finished_purge() {
    let world = World::installed().await;
    world.clock.advance(DAY);
    world.uninstall(&world.acme).await;
    world.clock.advance(DAY * 120);
    // What a purge leaves: its tombstone, and nothing else.
    let departure = world.departures(&world.acme).await.remove(0);
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let key = |name: &str| (name.to_owned(), AttributeValue::S(departure[name].as_str().unwrap().to_owned()));
    for table in ["TenantsTable", "TenantKeysTable"] {
        dynamodb.delete_item().table_name(table).set_key(Some([key("digest")].into())).send().await.unwrap();
    }
    let tombstone = dynamodb.update_item().table_name("DeparturesTable").set_key(Some([key("digest"), key("tenant_id")].into()));
    let tombstone = tombstone.update_expression("SET stage = :purged REMOVE due_at, due_shard");
    tombstone.expression_attribute_values(":purged", AttributeValue::S("purged".to_owned())).send().await.unwrap();
    deliver(&world, "installed", 0).await;
    assert_eq!(account(&world).await["epoch"], 2);
    assert_ne!(world.tenant(&world.acme).await["tenant_id"], departure["tenant_id"]);
}

#[tokio::test]
async fn uninstalling_a_stranger_is_fine() {
    let world = World::new().await;
    let nobody = site("nobody");
    assert_eq!(world.uninstall(&nobody).await.status, StatusCode::NO_CONTENT);
    assert_eq!(Standing::stored(&world, &nobody, "").await, Standing::default());
}

#[tokio::test]
async fn an_event_of_the_same_bytes_changes_nothing() {
    let world = World::installed().await;
    for event in ["installed", "uninstalled"] {
        deliver(&world, event, 0).await;
        world.clock.advance(SECOND * 60);
        let before = world.aws().dump().unwrap();
        deliver(&world, event, 60).await;
        assert_eq!(world.aws().dump().unwrap(), before, "{event}");
    }
}

#[tokio::test]
async fn an_install_signed_again_is_the_same_life() {
    let world = World::installed().await;
    let (before, keys, seen) = (world.tenant(&world.acme).await, world.key_item(&world.acme).await, account(&world).await);
    world.clock.advance(SECOND);
    deliver(&world, "installed", 0).await;
    let after = world.tenant(&world.acme).await;
    for attribute in ["tenant_id", "epoch", "state", "installed_at", "enabled"] {
        assert_eq!(after[attribute], before[attribute], "{attribute}");
    }
    assert_eq!((after["event_iat"].as_i64(), world.key_item(&world.acme).await), (Some(world.now()), keys));
    assert_eq!(account(&world).await, seen);
}

/// An event, and how many seconds before its delivery it was signed.
type Aged = (&'static str, i64);

/// Every other order in which events may come late; the age of each is in seconds, and a minute lies before each but the first.
#[tokio::test]
async fn an_event_that_is_not_newer_than_the_last_one_changes_nothing() {
    let late: [(&str, &[Aged], Aged); 6] = [
        ("a leaving from before the install", &[("installed", 0)], ("uninstalled", 61)),
        ("a leaving of the install's own second", &[("installed", 0)], ("uninstalled", 60)),
        ("a leaving from before the return", &[("installed", 0), ("uninstalled", 0), ("installed", 0)], ("uninstalled", 61)),
        ("an install from before the leaving", &[("installed", 0), ("uninstalled", 0)], ("installed", 61)),
        ("an install from between two leavings", &[("installed", 0), ("uninstalled", 0), ("uninstalled", 0)], ("installed", 100)),
        ("an install older than the last one", &[("installed", 0), ("installed", 0)], ("installed", 61)),
    ];
    for (case, before, (event, age)) in late {
        let world = World::new().await;
        for (event, age) in before {
            deliver(&world, event, *age).await;
            world.clock.advance(SECOND * 60);
        }
        let before = world.aws().dump().unwrap();
        deliver(&world, event, age).await;
        assert_eq!(world.aws().dump().unwrap(), before, "{case}");
    }
}

#[tokio::test]
async fn in_the_same_second_being_installed_outranks_having_left() {
    let world = World::installed().await;
    world.clock.advance(SECOND);
    deliver(&world, "uninstalled", 0).await;
    deliver(&world, "installed", 0).await;
    deliver(&world, "uninstalled", 0).await;
    assert!(standing(&world).await.is_active());
}

/// Promise E-33: the clock runs from the first leaving.
#[tokio::test]
async fn leaving_twice_keeps_the_first_date() {
    let world = World::installed().await;
    world.clock.advance(DAY);
    let left_at = world.now();
    for _ in 0..3 {
        deliver(&world, "uninstalled", 0).await;
        let (tenant, departures) = (world.tenant(&world.acme).await, world.departures(&world.acme).await);
        for item in [&tenant, &departures[0]] {
            assert_eq!((item["left_at"].as_i64(), item["purge_after"].as_i64()), (Some(left_at), Some(left_at + GRACE)));
        }
        assert_eq!((tenant["event_iat"].as_i64(), departures.len()), (Some(world.now()), 1));
        world.clock.advance(DAY);
    }
}

#[tokio::test]
async fn a_second_leaving_has_a_date_of_its_own() {
    let world = World::installed().await;
    for _ in 0..2 {
        world.clock.advance(DAY);
        deliver(&world, "uninstalled", 0).await;
        assert_eq!(standing(&world).await.departures[&1], model::Departure { left_at: world.now(), stage: "marked".to_owned() });
        world.clock.advance(DAY);
        deliver(&world, "installed", 0).await;
    }
}

/// Only what is open is found by date; the index is asked as `purge` will ask it.
#[tokio::test]
async fn a_departure_is_due_from_leaving_until_it_is_closed() {
    let world = World::installed().await;
    world.clock.advance(DAY);
    deliver(&world, "uninstalled", 0).await;
    let departure = world.departures(&world.acme).await.remove(0);
    let last_digit = departure["digest"].as_str().unwrap().chars().next_back().unwrap().to_digit(16);
    assert_eq!(departure["due_shard"].as_u64(), last_digit.map(u64::from));
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let due = async |until: &Value| {
        let query = dynamodb.query().table_name("DeparturesTable").index_name("due");
        let query = query.key_condition_expression("due_shard = :shard AND due_at <= :until");
        let query = query.expression_attribute_values(":shard", AttributeValue::N(departure["due_shard"].to_string()));
        query.expression_attribute_values(":until", AttributeValue::N(until.to_string())).send().await.unwrap().count()
    };
    let purge_after = departure["purge_after"].as_i64().unwrap();
    assert_eq!((due(&json!(purge_after - 1)).await, due(&json!(purge_after)).await), (0, 1));
    deliver(&world, "installed", 0).await;
    let returned_at = world.departures(&world.acme).await.remove(0)["returned_at"].as_i64().unwrap();
    let asked_at = returned_at + i64::try_from(DAY.as_secs()).unwrap();
    let (before, then) = (due(&json!(asked_at - 1)).await, due(&json!(asked_at)).await);
    assert_eq!((before, then), (0, 1), "the site is asked whether it is true");
}

/// Promise E-33: ten records or none, leaving costs the same and rewrites nothing but the three items of the tenant's life.
#[tokio::test]
async fn leaving_touches_no_record() {
    let world = World::installed().await;
    let empty = site("empty");
    world.install(&empty).await;
    for number in 0..10 {
        world.put(&world.acme, &format!("setting-{number}"), "1").await;
    }
    world.clock.advance(DAY);
    let records = world.aws().dump().unwrap()["ConfigurationTable"].clone();
    let mut costs = Vec::new();
    for site in [&empty, &world.acme] {
        let mark = world.aws().calls().mark();
        world.uninstall(site).await;
        costs.push(world.aws().calls().since(mark).iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    assert_eq!(costs, [["DynamoDB.BatchGetItem", "DynamoDB.GetItem", "DynamoDB.TransactWriteItems"]; 2]);
    assert_eq!(world.aws().dump().unwrap()["ConfigurationTable"], records);
}

/// Promise E-34: the date on the keys stands exactly while the tenant is away; the model checks it in every state.
#[tokio::test]
async fn keys_have_a_date_only_while_their_tenant_is_away() {
    let world = World::installed().await;
    assert_eq!(world.key_item(&world.acme).await.get("expires_at"), None);
    world.clock.advance(DAY);
    deliver(&world, "uninstalled", 0).await;
    assert_eq!(world.key_item(&world.acme).await["expires_at"], world.now() + GRACE + model::DAY);
    deliver(&world, "installed", 0).await;
    assert_eq!(world.key_item(&world.acme).await.get("expires_at"), None);
}

#[tokio::test]
async fn an_event_signed_more_than_thirty_seconds_ahead_is_refused_and_nothing_is_stored() {
    let world = World::new().await;
    for event in ["installed", "uninstalled"] {
        let before = world.aws().dump().unwrap();
        let answer = world.lifecycle(&world.acme, event, world.now() + 31, &world.acme.payload(event)).await;
        assert_eq!((answer.status, world.aws().dump().unwrap()), (StatusCode::UNAUTHORIZED, before), "{event}");
        deliver(&world, event, -30).await;
    }
}

#[tokio::test]
async fn a_rename_or_an_upgrade_keeps_everything() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"blue\"").await;
    let before = world.tenant(&world.acme).await;
    world.clock.advance(SECOND);
    let renamed = Site { base_url: "https://acme-renamed.atlassian.net".to_owned(), ..world.acme.clone() };
    let mut payload = renamed.payload("installed");
    payload["pluginsVersion"] = "1001.1.0".into();
    assert_eq!(world.lifecycle(&renamed, "installed", world.now(), &payload).await.status, StatusCode::NO_CONTENT);
    assert_eq!(account(&world).await["baseUrl"], "https://acme-renamed.atlassian.net");
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
    assert_eq!(world.tenant(&world.acme).await["tenant_id"], before["tenant_id"]);
}

#[tokio::test]
async fn an_installation_id_that_is_left_out_is_kept() {
    let world = World::installed().await;
    let mut payload = world.acme.payload("installed");
    payload["installationId"] = "ari:cloud:ecosystem::installation/1".into();
    for payload in [payload, world.acme.payload("installed")] {
        world.clock.advance(SECOND);
        assert_eq!(world.lifecycle(&world.acme, "installed", world.now(), &payload).await.status, StatusCode::NO_CONTENT);
        assert_eq!(account(&world).await["installationId"], "ari:cloud:ecosystem::installation/1");
    }
}
