//! What a restore or a mistake may have taken out of one table: the tenant's clock runs all the same, and nothing becomes unreachable.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use serde_json::Value;

use crate::harness::World;

const DAY: Duration = Duration::from_secs(86_400);

async fn lose_departures(world: &World) {
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    for item in departures(world) {
        let key = ["digest", "tenant_id"].map(|key| (key.to_owned(), AttributeValue::S(item[key]["S"].as_str().unwrap().to_owned())));
        dynamodb.delete_item().table_name("DeparturesTable").set_key(Some(key.into())).send().await.unwrap();
    }
}

fn departures(world: &World) -> Vec<Value> {
    world.aws().dump().unwrap()["DeparturesTable"].as_array().unwrap().clone()
}

fn state(world: &World) -> Value {
    world.aws().dump().unwrap()["TenantsTable"][0]["state"]["S"].clone()
}

/// Promise E-33: missing keys are an incident, but no reason to let a customer's clock stand.
#[tokio::test]
async fn a_tenant_whose_keys_are_missing_leaves_all_the_same() {
    let world = World::installed().await;
    world.clock.advance(DAY);
    world.lose_keys(&world.acme).await;
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(state(&world), "unsubscribed");
    assert_eq!(departures(&world)[0]["stage"]["S"], "marked");
    assert_eq!(world.aws().dump().unwrap()["TenantKeysTable"].as_array().map(Vec::len), Some(0));
}

/// Keys that a backup brings back after that expire like any others.
#[tokio::test]
async fn keys_that_turn_up_again_let_the_tenant_return_in_time() {
    let world = World::installed().await;
    assert_eq!(world.put(&world.acme, "colour", "1").await.status, StatusCode::CREATED);
    world.clock.advance(DAY);
    let mut keys = world.lose_keys(&world.acme).await;
    world.uninstall(&world.acme).await;
    world.clock.advance(DAY);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::SERVICE_UNAVAILABLE);
    // What whoever restores them must add, because they were backed up before the leaving.
    let expires_at = departures(&world)[0]["purge_after"]["N"].as_str().unwrap().parse::<i64>().unwrap() + 86_400;
    keys.insert("expires_at".to_owned(), AttributeValue::N(expires_at.to_string()));
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    dynamodb.put_item().table_name("TenantKeysTable").set_item(Some(keys)).send().await.unwrap();
    world.clock.advance(DAY);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "1");
}

/// Promise E-34: without a departure nothing would lead to the records of the earlier life any more.
#[tokio::test]
async fn a_next_life_leaves_a_departure_behind_even_where_that_was_lost() {
    let world = World::installed().await;
    let old = world.aws().dump().unwrap()["TenantsTable"][0]["tenant_id"]["S"].clone();
    world.clock.advance(DAY);
    world.uninstall(&world.acme).await;
    lose_departures(&world).await;
    world.clock.advance(DAY * 111);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    let departures = departures(&world);
    assert_eq!(departures.len(), 1);
    assert_eq!((&departures[0]["tenant_id"]["S"], &departures[0]["stage"]["S"]), (&old, &Value::from("purging")));
    assert!(departures[0]["due_at"]["N"].is_string());
}
