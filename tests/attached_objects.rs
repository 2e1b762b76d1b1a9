//! The objects of attachments: nothing readable lies in them, and whoever can write to the bucket can take a file away but cannot make it another.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Method, StatusCode};
use local::host::ORIGIN_SECRET;
use local::jira::user::ADMIN;
use shared::problem::Problem;
use shared::tenant::{Anonymous, HostToken, rotation};

use crate::attachments::{MIB, PATH, as_bytes, attached, noise, read};
use crate::harness::{World, answer, host_request, page_request};
use crate::secrets::Log;

/// What lies in the bucket under some name of this attachment.
fn object_of(world: &World, id: &str) -> (String, Vec<u8>) {
    let files = world.aws().files().unwrap();
    let (name, bytes) = files.iter().find(|(name, _)| name.contains(id) && !name.contains('#')).unwrap();
    (name.strip_prefix("sealed-bucket/").unwrap().to_owned(), bytes.clone())
}

async fn put_object(world: &World, key: &str, bytes: Vec<u8>) {
    let s3 = aws_sdk_s3::Client::new(&world.aws().sdk_config());
    s3.put_object().bucket("sealed-bucket").key(key).body(bytes.into()).send().await.unwrap();
}

/// Promise A-35: whoever can write to the bucket can take a file away, and cannot make it another.
#[tokio::test]
async fn an_object_that_was_exchanged_or_changed_is_found_out() {
    let world = World::installed().await;
    let (one, two) = (attached(&world, "name=1", noise(2 * MIB)).await, attached(&world, "name=2", noise(2 * MIB)).await);
    let ((key, own), (_, other)) = (object_of(&world, &one), object_of(&world, &two));
    let frame = MIB + 16;
    let mut flipped = own.clone();
    flipped[72 + frame + 5] ^= 1;
    let swapped = [&own[..72], &own[72 + frame..], &own[72..72 + frame]].concat();
    for (what, bytes) in [
        ("another file of the same tenant", other),
        ("one bit of the second frame", flipped),
        ("frames in another order", swapped),
        ("cut off at a frame", own[..72 + frame].to_vec()),
        ("cut off inside a frame", own[..own.len() - 1].to_vec()),
        ("nothing", Vec::new()),
    ] {
        put_object(&world, &key, bytes).await;
        let request = page_request(&world.acme, Method::GET, &format!("{PATH}/{one}"), world.now());
        let request = request.header("range", format!("bytes={MIB}-")).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert!(answer.status.is_server_error(), "{what}: {}", answer.status);
        assert!(!answer.body.windows(16).any(|bytes| bytes == &noise(2 * MIB)[MIB..MIB + 16]), "{what}");
    }
    put_object(&world, &key, own).await;
    assert!(read(&world, &world.acme, &one, &[]).await.body == noise(2 * MIB));
}

#[tokio::test]
async fn an_object_that_is_missing_is_an_incident_and_no_empty_file() {
    let world = World::installed().await;
    let id = attached(&world, "name=a", "x").await;
    let (key, _) = object_of(&world, &id);
    aws_sdk_s3::Client::new(&world.aws().sdk_config()).delete_object().bucket("sealed-bucket").key(&key).send().await.unwrap();
    assert_eq!(read(&world, &world.acme, &id, &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// Promises.
#[tokio::test]
async fn neither_bytes_nor_names_nor_owners_are_stored_or_logged_readably() {
    let (world, log) = (World::installed().await, Log::kept());
    let id = attached(&world, "name=m4rk-name.txt&owner=m4rk-owner", "m4rk-bytes m4rk-bytes").await;
    assert_eq!(read(&world, &world.acme, &id, &[]).await.text(), "m4rk-bytes m4rk-bytes");
    // Also where it is refused: what is wrong with it is told by its field.
    for query in ["name=m4rk%0Aname", "name=a&owner=m4rk%00", "name=a&type=m4rk", "name=a&project=m4rk", "m4rk=%FF"] {
        let request = page_request(&world.acme, Method::POST, &format!("{PATH}?{query}"), world.now()).body(Body::from("m4rk")).unwrap();
        let answer = world.send(as_bytes(request)).await;
        assert_eq!((answer.status, answer.text().contains("m4rk")), (StatusCode::BAD_REQUEST, false), "{query}");
    }
    assert!(!log.events().is_empty());
    for mark in ["m4rk", ADMIN.account_id.unwrap()] {
        assert_eq!(world.aws().places_of(mark.as_bytes()).unwrap(), Vec::<String>::new(), "{mark}");
        assert!(!log.text().contains(mark), "{mark}");
    }
}

async fn rotate(token: HostToken<Anonymous>) -> Result<String, Problem> {
    rotation::rotate(&token.tenant).await.map(|version| version.to_string())
}

#[tokio::test]
async fn what_was_sealed_under_an_older_key_is_still_read() {
    let world = World::installed().await;
    let id = attached(&world, "name=a", noise(10)).await;
    let routes = Router::new().route("/{app}/rotate", post(rotate));
    let routes = world.host.platform("configuration").unwrap().serve("rotation", routes);
    let request = host_request(&world.acme, Method::POST, "/test-management/rotate", world.now());
    let request = request.header("x-lethe-origin", ORIGIN_SECRET).body(Body::empty()).unwrap();
    assert_eq!(answer(routes, request).await.text(), "2");
    let world = world.restarted().await;
    assert!(read(&world, &world.acme, &id, &[]).await.body == noise(10));
}
