//! What an app's admins set: kept byte for byte, changed by whoever saw the last revision, listed without loss, and readable only where it
//! was put.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use futures::future::join_all;
use http::{HeaderValue, Method, StatusCode};
use local::aws::{Fault, Service};
use serde_json::Value;

use crate::harness::{Answer, CONFIGURATION, World, page_request, site};

const LARGEST: usize = 256 * 1024;

/// A request for one setting with one precondition.
async fn conditional(world: &World, method: Method, name: &str, header: &str, value: &HeaderValue, json: &str) -> Answer {
    let request = page_request(&world.acme, method, &format!("{CONFIGURATION}/{name}"), world.now()).header(header, value);
    world.send(request.body(Body::from(json.to_owned())).unwrap()).await
}

async fn put_if_match(world: &World, name: &str, etag: &HeaderValue, json: &str) -> Answer {
    conditional(world, Method::PUT, name, "if-match", etag, json).await
}

async fn delete(world: &World, name: &str) -> Answer {
    world.as_page(&world.acme, Method::DELETE, &format!("{CONFIGURATION}/{name}"), Body::empty()).await
}

async fn list(world: &World, query: &str) -> Answer {
    world.as_page(&world.acme, Method::GET, &format!("{CONFIGURATION}{query}"), Body::empty()).await
}

/// A string of JSON that has exactly this many bytes.
fn json_of(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

static ANY: HeaderValue = HeaderValue::from_static("*");

#[tokio::test]
async fn the_first_put_creates_and_the_next_replaces() {
    let world = World::installed().await;
    let first = world.put(&world.acme, "colour", "1").await;
    let second = world.put(&world.acme, "colour", "2").await;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::NO_CONTENT));
    assert_ne!(first.etag(), second.etag());
    let read = world.get(&world.acme, "colour").await;
    assert_eq!((read.text().as_str(), read.etag()), ("2", second.etag()));
    assert_eq!(read.headers["content-type"], "application/json");
    assert_eq!(read.headers["cache-control"], "no-store");
}

/// A number read into a float is another number, a map another order, an escape another text: none of it happens here.
#[tokio::test]
async fn what_was_put_comes_back_byte_for_byte() {
    let world = World::installed().await;
    let deep = "[".repeat(127) + &"]".repeat(127);
    for json in [
        r#"{"b":1,"a":2,"B":3,"":4}"#,
        "1.0",
        "-0",
        "1E+2",
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890",
        r#""\u00e4 ä \/ 😀 \uD83D\uDE00""#,
        "[ 1 ,\t2,\n3 ]",
        r#"{"nested" : {"z":null,"a":[true,false,{}]}}"#,
        "null",
        r#""""#,
        &deep,
    ] {
        assert!(world.put(&world.acme, "any", json).await.status.is_success(), "{json}");
        assert_eq!(world.get(&world.acme, "any").await.text(), json);
        assert!(list(&world, "").await.text().contains(&format!("\"value\":{json}}}")), "{json}");
    }
}

#[tokio::test]
async fn white_space_around_a_setting_is_no_part_of_it() {
    let world = World::installed().await;
    world.put(&world.acme, "any", "\r\n {\"a\": 1}\n").await;
    assert_eq!(world.get(&world.acme, "any").await.text(), "{\"a\": 1}");
}

#[tokio::test]
async fn a_reader_who_has_the_current_revision_is_told_so() {
    let world = World::installed().await;
    let etag = world.put(&world.acme, "colour", "1").await.etag();
    let text = etag.to_str().unwrap().to_owned();
    for known in [text.clone(), format!("W/{text}"), format!("\"other\", {text}"), "*".to_owned()] {
        let answer = conditional(&world, Method::GET, "colour", "if-none-match", &HeaderValue::try_from(&known).unwrap(), "").await;
        assert_eq!((answer.status, answer.text().as_str(), answer.etag()), (StatusCode::NOT_MODIFIED, "", etag.clone()), "{known}");
    }
    let other = HeaderValue::from_static("\"1-0000000000000000\"");
    assert_eq!(conditional(&world, Method::GET, "colour", "if-none-match", &other, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_writer_who_saw_the_last_revision_writes_and_one_who_did_not_is_refused() {
    let world = World::installed().await;
    let first = world.put(&world.acme, "colour", "1").await.etag();
    let second = put_if_match(&world, "colour", &first, "2").await;
    assert_eq!(second.status, StatusCode::NO_CONTENT);
    let stale = put_if_match(&world, "colour", &first, "3").await;
    assert_eq!((stale.status, stale.problem().as_str()), (StatusCode::PRECONDITION_FAILED, "revision-conflict"));
    assert_eq!(put_if_match(&world, "colour", &second.etag(), "4").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "4");
}

#[tokio::test]
async fn a_setting_made_again_is_not_the_one_that_was_deleted() {
    let world = World::installed().await;
    let before = world.put(&world.acme, "colour", "1").await.etag();
    delete(&world, "colour").await;
    assert_eq!(put_if_match(&world, "colour", &before, "2").await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.put(&world.acme, "colour", "3").await.status, StatusCode::CREATED);
    assert_eq!(put_if_match(&world, "colour", &before, "4").await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(conditional(&world, Method::DELETE, "colour", "if-match", &before, "").await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "3");
}

#[tokio::test]
async fn a_star_asks_whether_a_setting_is_there() {
    let world = World::installed().await;
    for (header, before, expected) in [
        ("if-match", None, StatusCode::PRECONDITION_FAILED),
        ("if-match", Some("1"), StatusCode::NO_CONTENT),
        ("if-none-match", None, StatusCode::CREATED),
        ("if-none-match", Some("1"), StatusCode::PRECONDITION_FAILED),
    ] {
        delete(&world, "colour").await;
        if let Some(json) = before {
            world.put(&world.acme, "colour", json).await;
        }
        assert_eq!(conditional(&world, Method::PUT, "colour", header, &ANY, "2").await.status, expected, "{header} {before:?}");
    }
}

#[tokio::test]
async fn of_writers_who_saw_the_same_revision_exactly_one_wins() {
    let world = World::installed().await;
    let etag = world.put(&world.acme, "colour", "-1").await.etag();
    let texts: Vec<String> = (0..8).map(|writer| writer.to_string()).collect();
    let answers = join_all(texts.iter().map(|json| put_if_match(&world, "colour", &etag, json))).await;
    let won: Vec<_> = answers.iter().zip(&texts).filter(|(answer, _)| answer.status == StatusCode::NO_CONTENT).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::NO_CONTENT || answer.problem() == "revision-conflict"));
    let read = world.get(&world.acme, "colour").await;
    assert_eq!((&read.text(), read.etag()), (won[0].1, won[0].0.etag()));
}

#[tokio::test]
async fn of_those_who_create_the_same_setting_exactly_one_wins() {
    let world = World::installed().await;
    let creators = (0..8).map(|_| conditional(&world, Method::PUT, "colour", "if-none-match", &ANY, "1"));
    let created = join_all(creators).await.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert_eq!(created, 1);
}

#[tokio::test]
async fn deleting_is_idempotent_and_conditional() {
    let world = World::installed().await;
    assert_eq!(delete(&world, "colour").await.status, StatusCode::NO_CONTENT);
    let first = world.put(&world.acme, "colour", "1").await.etag();
    let second = world.put(&world.acme, "colour", "2").await.etag();
    for (header, value, expected) in [
        ("if-match", &first, StatusCode::PRECONDITION_FAILED),
        ("if-none-match", &ANY, StatusCode::PRECONDITION_FAILED),
        ("if-match", &second, StatusCode::NO_CONTENT),
        ("if-match", &second, StatusCode::NO_CONTENT),
        ("if-none-match", &ANY, StatusCode::NO_CONTENT),
    ] {
        let answer = conditional(&world, Method::DELETE, "colour", header, value, "").await;
        assert_eq!(answer.status, expected, "{header}: {value:?}");
        let left = if expected == StatusCode::NO_CONTENT { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(world.get(&world.acme, "colour").await.status, left, "{header}: {value:?}");
    }
}

#[tokio::test]
async fn a_list_shows_every_setting_exactly_once_whatever_the_pages_size() {
    let world = World::installed().await;
    let names: Vec<String> = (0..130).map(|number| format!("name-{number}")).collect();
    let mut put = BTreeMap::new();
    for name in &names {
        let etag = world.put(&world.acme, name, &format!("{{\"name\":\"{name}\"}}")).await.etag();
        put.insert(name.clone(), etag.to_str().unwrap().to_owned());
    }
    for (query, size) in [("?", 25), ("?limit=100&", 100), ("?limit=1&", 1)] {
        let (mut listed, mut pages, mut cursor) = (BTreeMap::new(), 0, String::new());
        loop {
            let page = list(&world, &format!("{query}{cursor}")).await.json();
            pages += 1;
            for setting in page["configuration"].as_array().unwrap() {
                let name = setting["name"].as_str().unwrap().to_owned();
                assert_eq!(setting["value"]["name"], name.as_str());
                assert_eq!(listed.insert(name, setting["etag"].as_str().unwrap().to_owned()), None, "twice: {setting}");
            }
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("cursor={next}"),
                None => break,
            }
        }
        assert_eq!(listed, put, "{query}");
        assert!(pages <= put.len().div_ceil(size) + 1, "{query}: {pages} pages");
    }
}

#[tokio::test]
async fn a_page_is_asked_for_by_a_number_and_a_cursor_of_this_very_list() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    for name in ["a", "b", "c"] {
        world.put(&world.acme, name, "1").await;
    }
    let cursor = list(&world, "?limit=1").await.json()["cursor"].as_str().unwrap().to_owned();
    for query in ["limit=0", "limit=101", "limit=-1", "limit=", "limit=x", "limit=1&limit=2", "cursor=", "cursor=x", "cursor=AAAA"] {
        assert_eq!(list(&world, &format!("?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let target = format!("{CONFIGURATION}?cursor={cursor}");
    assert_eq!(world.as_page(&other, Method::GET, &target, Body::empty()).await.field(), "cursor", "another tenant's");
    world.clock.advance(std::time::Duration::from_secs(3599));
    assert_eq!(world.as_page(&world.acme, Method::GET, &target, Body::empty()).await.status, StatusCode::OK);
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(world.as_page(&world.acme, Method::GET, &target, Body::empty()).await.field(), "cursor", "an hour old");
}

#[tokio::test]
async fn the_largest_setting_is_kept_and_one_byte_more_is_refused() {
    let world = World::installed().await;
    let largest = json_of(LARGEST);
    assert_eq!(world.put(&world.acme, "large", &largest).await.status, StatusCode::CREATED);
    assert_eq!(world.get(&world.acme, "large").await.text(), largest);
    let refused = world.put(&world.acme, "larger", &json_of(LARGEST + 1)).await;
    assert_eq!((refused.status, refused.field().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "body"));
    assert_eq!(world.get(&world.acme, "larger").await.status, StatusCode::NOT_FOUND);
}

/// Promise A-35: a cell opens in its own place and in no other, and the answer tells nothing of either.
#[tokio::test]
async fn a_cell_that_was_moved_does_not_open() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    world.put(&world.acme, "planted", "\"of acme\"").await;
    let moved = stored(&world).remove(0);
    world.put(&world.acme, "elsewhere", "\"of acme\"").await;
    world.put(&other, "planted", "\"of the other\"").await;
    for place in stored(&world).into_iter().filter(|place| place != &moved) {
        let key = ["partition", "id"].map(|name| (name.to_owned(), AttributeValue::S(place[name]["S"].as_str().unwrap().to_owned())));
        let cell = moved["cell"]["B"].as_str().map(|cell| aws_smithy_types::base64::decode(cell).unwrap()).unwrap();
        let update = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config()).update_item().table_name("ConfigurationTable");
        let update = update.set_key(Some(key.into())).update_expression("SET cell = :cell");
        update.expression_attribute_values(":cell", AttributeValue::B(Blob::new(cell))).send().await.unwrap();
    }
    for (who, name) in [(&world.acme, "/elsewhere"), (&other, "/planted"), (&world.acme, ""), (&other, "")] {
        let answer = world.as_page(who, Method::GET, &format!("{CONFIGURATION}{name}"), Body::empty()).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"), "{name}");
        assert!(answer.json().get("detail").is_none() && !answer.text().contains("acme"), "{}", answer.text());
    }
    assert_eq!(world.get(&world.acme, "planted").await.text(), "\"of acme\"");
}

fn stored(world: &World) -> Vec<Value> {
    world.aws().dump().unwrap()["ConfigurationTable"].as_array().unwrap().clone()
}

/// The SDK asks again when an answer is lost, and is told that the record is not what it was: because we changed it.
#[tokio::test]
async fn a_writer_whose_answer_was_lost_recognises_its_own_writing() {
    let world = World::installed().await;
    let lose = |operation: &str| world.aws().faults().on(Service::DynamoDb, operation, Fault::AfterEffect, 1);
    lose("UpdateItem");
    let created = conditional(&world, Method::PUT, "colour", "if-none-match", &ANY, "1").await;
    assert_eq!(created.status, StatusCode::CREATED);
    lose("UpdateItem");
    let replaced = put_if_match(&world, "colour", &created.etag(), "2").await;
    assert_eq!(replaced.status, StatusCode::NO_CONTENT);
    let read = world.get(&world.acme, "colour").await;
    assert_eq!((read.text().as_str(), read.etag()), ("2", replaced.etag()));
    lose("DeleteItem");
    assert_eq!(conditional(&world, Method::DELETE, "colour", "if-match", &replaced.etag(), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::NOT_FOUND);
}

/// Lambda answers 6 MB at most, and the answer is a JSON string inside JSON: what compresses well in the table must not overflow there.
#[tokio::test]
async fn a_list_of_large_settings_comes_in_pages_that_lambda_can_answer() {
    let world = World::installed().await;
    let quotes = serde_json::to_string(&"\"".repeat(120_000)).unwrap();
    for number in 0..20 {
        assert_eq!(world.put(&world.acme, &number.to_string(), &quotes).await.status, StatusCode::CREATED);
    }
    let (mut listed, mut cursor) = (0, String::new());
    loop {
        let page = list(&world, &format!("?limit=100{cursor}")).await;
        let as_lambda_sends_it = serde_json::to_string(&page.text()).unwrap().len();
        assert!(as_lambda_sends_it < 6 * 1024 * 1024, "{as_lambda_sends_it}");
        let page = page.json();
        listed += page["configuration"].as_array().unwrap().len();
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, 20);
}

/// Without a precondition the SDK's retry would write again: the number would be wrong, and a writer in between would be written over.
#[tokio::test]
async fn a_put_whose_answer_was_lost_is_counted_once() {
    let world = World::installed().await;
    for (number, expected) in [("1", StatusCode::CREATED), ("2", StatusCode::NO_CONTENT)] {
        world.aws().faults().on(Service::DynamoDb, "UpdateItem", Fault::AfterEffect, 1);
        let put = world.put(&world.acme, "colour", number).await;
        assert_eq!(put.status, expected);
        assert!(put.etag().to_str().unwrap().starts_with(&format!("\"{number}-")), "{:?}", put.etag());
    }
}
