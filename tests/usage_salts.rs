//! That nobody can tell whose a row is once its day's salt is gone, with everything at hand that there is (promise A-12): every value of every table,
//! the tenant's own names, and the mark that its index key makes. The same search finds it while the salt is there.

use std::collections::BTreeSet;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use local::aws::Lateness;
use serde_json::Value;
use shared::tenant::id;

use crate::erasure::tenant_id;
use crate::harness::{BEGINNING, World, app, site};
use crate::purging::pass;
use crate::secrets::Log;
use crate::usage::{TODAY, advance, bring, close, line, rows, sums};

/// As long as a salt.
const KEY: usize = 32;

/// Every text and every run of bytes that is stored, and what a text may stand for.
fn stored(world: &World) -> BTreeSet<Vec<u8>> {
    let mut values = BTreeSet::new();
    collect(&world.aws().dump().unwrap(), &mut values);
    values
}

fn collect(value: &Value, found: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::Object(members) => {
            found.extend(members.keys().map(|name| name.as_bytes().to_vec()));
            members.values().for_each(|value| collect(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::String(text) => {
            for part in text.split('#').chain([text.as_str()]) {
                found.insert(part.as_bytes().to_vec());
                found.extend(hex::decode(part).ok());
                found.extend(STANDARD.decode(part).or_else(|_| URL_SAFE_NO_PAD.decode(part)).ok());
            }
        }
        _ => {}
    }
}

/// Whatever may have been a salt: each 32 bytes in a row of anything that is stored, and everything that is shorter.
fn keys(stored: &BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let runs = stored.iter().flat_map(|value| value.windows(KEY));
    runs.map(<[u8]>::to_vec).chain(stored.iter().filter(|value| value.len() < KEY).cloned()).collect()
}

/// Whatever a row's name may have been made of, for one of these names of a tenant.
fn messages(names: &[String]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    for name in names {
        for name in [Some(name.as_bytes().to_vec()), hex::decode(name).ok()].into_iter().flatten() {
            for before in ["", "test-management\0", "test-management", "page\0", "page#", TODAY, "test-management\0configuration\0"] {
                messages.push([before.as_bytes(), &name].concat());
            }
        }
    }
    messages
}

/// The rows whose name is what some key makes of some message.
fn linked(world: &World, names: &[String]) -> BTreeSet<String> {
    let (stored, messages) = (stored(world), messages(names));
    let pseudonym = |id: &str| hex::decode(id.split_once('#').unwrap().1).unwrap();
    let wanted: Vec<(String, Vec<u8>)> = rows(world).into_iter().map(|(_, id, _)| (id.clone(), pseudonym(&id))).collect();
    assert!(!wanted.is_empty());
    let mut linked = BTreeSet::new();
    let mut check = |made: &[u8]| linked.extend(wanted.iter().filter(|(_, name)| made.starts_with(name)).map(|(id, _)| id.clone()));
    for message in &messages {
        check(digest::digest(&digest::SHA256, message).as_ref());
    }
    for key in keys(&stored) {
        let mac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        for message in &messages {
            check(hmac::sign(&mac, message).as_ref());
            check(digest::digest(&digest::SHA256, &[key.as_slice(), message].concat()).as_ref());
            check(digest::digest(&digest::SHA256, &[message, key.as_slice()].concat()).as_ref());
        }
    }
    linked
}

/// The tenant's mark in a line of the log.
fn mark_in(line: &str) -> Option<String> {
    serde_json::from_str::<Value>(line).ok()?.pointer("/labels/tenant")?.as_str().map(ToOwned::to_owned)
}

/// Two sites use the app, and the log of that is counted: what the log says of the first one.
async fn used() -> (World, Vec<String>) {
    let (world, log) = (World::installed().await, Log::kept());
    assert_eq!(world.install(&site("other")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.put(&world.acme, "colour", "1").await.status, StatusCode::CREATED);
    let first = log.text().lines().filter_map(mark_in).next_back().unwrap();
    for site in [&world.acme, &world.acme, &site("other")] {
        world.get(site, "colour").await;
    }
    let lines: Vec<String> = log.text().lines().map(ToOwned::to_owned).collect();
    assert!(world.host.count_lines(&lines).await.unwrap() >= 4);
    let known = [world.acme.client_key.clone(), id::digest(app().slug, &world.acme.client_key), tenant_id(&world, &world.acme), first];
    (world, known.to_vec())
}

/// Promise A-12.
#[tokio::test]
async fn once_its_salt_is_gone_no_row_can_be_told_to_be_a_tenants() {
    let (world, known) = used().await;
    let found = linked(&world, &known);
    assert_eq!(found.len(), 1, "the first tenant's calls of configuration: {:?}", rows(&world));
    let before = rows(&world);
    close(&world).await;
    assert_eq!(rows(&world), before);
    assert_eq!(linked(&world, &known), BTreeSet::new());
}

/// The next day's salt makes other names: with it at hand, nothing is learned of the day before.
#[tokio::test]
async fn another_days_salt_tells_nothing() {
    let (world, known) = used().await;
    advance(&world, 36 * 3_600);
    bring(&world, &[line(0, world.now(), "page", 1)]).await.unwrap();
    world.host.run_schedule("usage-salts").await.unwrap().unwrap();
    assert_eq!(world.aws().items("UsageSaltsTable").unwrap().len(), 1);
    assert_eq!(linked(&world, &known), BTreeSet::new());
}

#[tokio::test]
async fn a_salt_lives_until_the_next_day_is_over_and_is_never_made_again() {
    let world = World::new().await;
    let days =
        |world: &World| world.aws().items("UsageSaltsTable").unwrap().iter().map(|item| item["day"]["S"].clone()).collect::<Vec<_>>();
    bring(&world, &[line(0, BEGINNING, "page", 1)]).await.unwrap();
    let salt = world.aws().items("UsageSaltsTable").unwrap();
    advance(&world, 35 * 3_600 - 1);
    world.host.run_schedule("usage-salts").await.unwrap().unwrap();
    bring(&world, &[line(1, BEGINNING, "page", 1)]).await.unwrap();
    assert_eq!(world.aws().items("UsageSaltsTable").unwrap(), salt, "one day has one salt");
    assert_eq!(close(&world).await.count("destroyed"), 1);
    for late in [2, 3] {
        assert_eq!(bring(&world, &[line(late, BEGINNING, "page", 1)]).await.unwrap().count("too-old"), 1);
        assert_eq!(days(&world), Vec::<Value>::new());
        world.host.run_schedule("usage-salts").await.unwrap().unwrap();
    }
    assert_eq!(sums(&world).values().flatten().sum::<u64>(), 2);
}

/// A run that began before a day was closed may end after it: so nothing is counted for it in the last hour, whether there is a salt or not.
#[tokio::test]
async fn nothing_is_counted_for_a_day_in_the_hour_before_it_may_be_closed() {
    for (at, dropped) in [(35 * 3_600 - 1, 0), (35 * 3_600, 1), (36 * 3_600 - 1, 1)] {
        for has_salt in [true, false] {
            let world = World::new().await;
            if has_salt {
                bring(&world, &[line(1, BEGINNING, "page", 1)]).await.unwrap();
            }
            advance(&world, at);
            let report = bring(&world, &[line(0, BEGINNING, "page", 1)]).await.unwrap();
            assert_eq!(report.count("too-old"), dropped, "{at} {has_salt}");
        }
    }
}

/// Salts that no run destroys, for whatever reason, are gone by TTL, and by no TTL while they are needed.
#[tokio::test]
async fn a_salt_that_is_not_destroyed_ends_by_itself() {
    let world = World::new().await;
    world.aws().be_late(Lateness::Latest);
    bring(&world, &[line(0, BEGINNING, "page", 1)]).await.unwrap();
    for (hours, left) in [(36, 1), (95, 1), (2, 0)] {
        advance(&world, hours * 3_600);
        if hours == 36 {
            assert_eq!(world.aws().expire().unwrap(), 0, "not before it is to be destroyed");
        }
        world.aws().sweep().unwrap();
        assert_eq!(world.aws().items("UsageSaltsTable").unwrap().len(), left, "{hours}");
    }
}

/// Nobody has to remember it: the clock alone destroys them, a day after each day.
#[tokio::test]
async fn salts_are_destroyed_as_time_passes() {
    let world = World::new().await;
    for day in 0..4 {
        bring(&world, &[line(day, world.now(), "page", 1)]).await.unwrap();
        pass(&world, 86_400).await;
        assert!(world.aws().items("UsageSaltsTable").unwrap().len() <= 2);
    }
    pass(&world, 2 * 86_400).await;
    assert_eq!(world.aws().items("UsageSaltsTable").unwrap(), Vec::<Value>::new());
}
