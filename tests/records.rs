//! The record store below the services, by a kind of our own whose records expire: behind the same tokens, tables and keys as all others.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::{HeaderMap, Method, StatusCode};
use local::aws::Service;
use local::host::ORIGIN_SECRET;
use serde::{Deserialize, Serialize};
use shared::platform::random::{Random as _, SystemRandom};
use shared::problem::{Problem, Refusal};
use shared::records::register::{self, KindRow};
use shared::records::{Kind, Life, Named, Precondition, Reading};
use shared::tenant::{Anonymous, ContextToken};

use crate::harness::{Answer, World, answer, page_request};

const LIFE: Duration = Duration::from_secs(3600);

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Kind for Note {
    const ROW: &'static KindRow = &KindRow { name: "note", ..register::CONFIGURATION };
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::After(LIFE);
}

impl Named for Note {
    const PARAMETER: &'static str = "name";

    fn check_name(_: &str) -> Result<(), Problem> {
        Ok(())
    }
}

async fn read(token: ContextToken<Anonymous, Reading<Note>>) -> Result<String, Problem> {
    token.along.0.map(|record| record.value.0).ok_or_else(|| Problem::new(Refusal::NotFound, "no such note"))
}

async fn write(
    token: ContextToken<Anonymous>,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    text: String,
) -> Result<String, Problem> {
    Ok(token.tenant.records().put(&name, &Note(text), &Precondition::of(&headers)?).await?.to_string())
}

async fn remove(token: ContextToken<Anonymous>, Path((_, name)): Path<(String, String)>, headers: HeaderMap) -> Result<(), Problem> {
    token.tenant.records::<Note>().delete(&name, &Precondition::of(&headers)?).await
}

async fn list(token: ContextToken<Anonymous>) -> Result<String, Problem> {
    let page = token.tenant.records::<Note>().list(None, 100).await?;
    Ok(page.records.into_iter().map(|record| record.name).collect::<Vec<_>>().join(","))
}

/// A request to the notes of the first site, with one more header or none.
async fn send(world: &World, method: Method, target: &str, header: Option<(&str, &str)>, text: &str) -> Answer {
    let routes = Router::new().route("/{app}/notes", get(list)).route("/{app}/notes/{name}", get(read).put(write).delete(remove));
    let router = world.host.platform("configuration").unwrap().serve("notes", routes.layer(axum::extract::DefaultBodyLimit::disable()));
    let request = page_request(&world.acme, method, &format!("/test-management/{target}"), world.now());
    let mut request = request.header("x-lethe-origin", ORIGIN_SECRET).body(Body::from(text.to_owned())).unwrap();
    if let Some((name, value)) = header {
        request.headers_mut().insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    answer(router, request).await
}

async fn put(world: &World, header: Option<(&str, &str)>, text: &str) -> Answer {
    send(world, Method::PUT, "notes/one", header, text).await
}

/// Promise E-10: the second that a record names is its end, whenever DynamoDB gets to deleting it.
#[tokio::test]
async fn an_expired_record_is_absent_for_every_reader() {
    let world = World::installed().await;
    put(&world, None, "kept an hour").await;
    world.clock.advance(LIFE - Duration::from_secs(1));
    assert_eq!(send(&world, Method::GET, "notes/one", None, "").await.text(), "kept an hour");
    assert_eq!(send(&world, Method::GET, "notes", None, "").await.text(), "one");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(send(&world, Method::GET, "notes/one", None, "").await.status, StatusCode::NOT_FOUND, "beside its tenant");
    assert_eq!(send(&world.restarted().await, Method::GET, "notes/one", None, "").await.status, StatusCode::NOT_FOUND, "by itself");
}

#[tokio::test]
async fn a_list_passes_expired_records_over() {
    let world = World::installed().await;
    put(&world, None, "").await;
    world.clock.advance(LIFE / 2);
    send(&world, Method::PUT, "notes/two", None, "").await;
    world.clock.advance(LIFE / 2);
    assert_eq!(send(&world, Method::GET, "notes", None, "").await.text(), "two");
    assert_eq!(world.aws().dump().unwrap()["ConfigurationTable"].as_array().map(Vec::len), Some(2), "TTL has not come by");
}

#[tokio::test]
async fn an_expired_record_is_absent_for_every_precondition() {
    for (method, named, expected) in [
        (Method::PUT, ("if-match", "*"), StatusCode::PRECONDITION_FAILED),
        (Method::PUT, ("if-match", "its tag"), StatusCode::PRECONDITION_FAILED),
        (Method::PUT, ("if-none-match", "*"), StatusCode::OK),
        (Method::DELETE, ("if-match", "its tag"), StatusCode::OK),
        (Method::DELETE, ("if-match", "\"9-0000000000000000\""), StatusCode::OK),
        (Method::DELETE, ("if-none-match", "*"), StatusCode::OK),
    ] {
        let world = World::installed().await;
        let tag = put(&world, None, "old").await.text();
        world.clock.advance(LIFE);
        let header = (named.0, if named.1 == "its tag" { tag.as_str() } else { named.1 });
        let answer = send(&world, method.clone(), "notes/one", Some(header), "new").await;
        assert_eq!(answer.status, expected, "{method} {named:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn every_writing_begins_a_life_anew() {
    let world = World::installed().await;
    for _ in 0..3 {
        put(&world, None, "written again").await;
        world.clock.advance(LIFE - Duration::from_secs(1));
        assert_eq!(send(&world, Method::GET, "notes/one", None, "").await.text(), "written again");
    }
    assert_eq!(world.aws().expire().unwrap(), 0);
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(world.aws().expire().unwrap(), 1, "TTL deletes what we call expired");
}

/// What cannot be packed into DynamoDB's 400 KB is refused here, with its limit, and DynamoDB is not asked.
#[tokio::test]
async fn a_record_that_no_item_can_hold_is_refused_before_anything_is_written() {
    let world = World::installed().await;
    // Randomness in hex packs to a little more than the randomness.
    let fits = put(&world, None, &hex::encode(noise(340 * 1024))).await;
    assert_eq!(fits.status, StatusCode::OK, "{}", fits.text());
    let written = world.aws().calls().count(Service::DynamoDb, "UpdateItem");
    let refused = put(&world, None, &hex::encode(noise(400 * 1024))).await;
    assert_eq!((refused.status, refused.field().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "record"));
    assert_eq!(world.aws().calls().count(Service::DynamoDb, "UpdateItem"), written);
}

fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    SystemRandom.fill(&mut bytes).unwrap();
    bytes
}
