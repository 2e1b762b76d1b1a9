//! Uploads as their uploaders see them: what is said beforehand is held against what S3 has, for whoever began it, for twenty hours, and not for more than
//! an app takes at once.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode};
use local::host::{LocalHost, Settings};
use local::jira::Trouble;
use local::jira::user::{ADMIN, MEMBER, PROJECT, User};
use serde_json::{Value, json};
use shared::platform::clock::ManualClock;
use shared::platform::random::SystemRandom;

use crate::attachments::{MIB, PATH, noise, read};
use crate::harness::{Answer, BEGINNING, World, digest_of, settings, site};
use crate::sealing::{arrived, begun, deliver_all, lies_in, look, records};

const PART: usize = 8 * MIB;

async fn by(world: &World, user: User, method: Method, target: &str, body: String) -> Answer {
    let token = world.acme.context_token_for(user, world.now()).unwrap();
    let request = Request::builder().method(method).uri(format!("{PATH}/uploads{target}")).header("authorization", format!("JWT {token}"));
    world.send(request.body(Body::from(body)).unwrap()).await
}

fn said(bytes: &[u8]) -> Value {
    let parts: Vec<String> = bytes.chunks(PART).map(|part| STANDARD.encode(digest_of(part))).collect();
    json!({"name": "plan.txt", "size": bytes.len(), "parts": parts})
}

fn with(mut said: Value, name: &str, value: Value) -> String {
    said[name] = value;
    said.to_string()
}

async fn complete(world: &World, id: &str) -> Answer {
    by(world, ADMIN, Method::POST, &format!("/{id}/complete"), String::new()).await
}

#[tokio::test]
async fn what_is_said_of_a_file_is_checked_before_anything_begins() {
    let world = World::installed().await;
    let sum = STANDARD.encode(digest_of(b"x"));
    let plain = said(b"x");
    for (body, field) in [
        (String::new(), "body"),
        ("[]".to_owned(), "body"),
        ("{\"name\":\"a\"}".to_owned(), "body"),
        (with(plain.clone(), "size", json!(-1)), "body"),
        (with(plain.clone(), "size", json!("1")), "body"),
        (with(plain.clone(), "surprise", json!(1)), "body"),
        (with(plain.clone(), "size", json!(0)), "size"),
        (with(plain.clone(), "name", json!("a/b")), "name"),
        (with(plain.clone(), "type", json!("png")), "type"),
        (with(plain.clone(), "parts", json!([])), "parts"),
        (with(plain.clone(), "parts", json!([sum, sum])), "parts"),
        (with(plain.clone(), "parts", json!(["not base64"])), "parts"),
        (with(plain.clone(), "parts", json!([STANDARD.encode([0; 31])])), "parts"),
        (with(plain.clone(), "size", json!(PART + 1)), "parts"),
        (with(plain, "size", json!(u64::MAX)), "parts"),
    ] {
        let answer = by(&world, ADMIN, Method::POST, "", body.clone()).await;
        assert_eq!((answer.status, answer.field().as_str()), (StatusCode::BAD_REQUEST, field), "{body}: {}", answer.text());
    }
    let huge: Vec<String> = vec![sum; 641];
    let too_large = with(with_parts(&huge), "size", json!((5_u64 << 30) + 1));
    let answer = by(&world, ADMIN, Method::POST, "", too_large).await;
    assert_eq!((answer.status, answer.field().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "size"));
    assert_eq!((records(&world, "upload"), lies_in(&world, "incoming").len()), (0, 0));
}

fn with_parts(parts: &[String]) -> Value {
    json!({"name": "a", "parts": parts})
}

/// The address is bound to the upload, the part, its length and its SHA-256, and to 15 minutes.
#[tokio::test]
async fn a_part_that_is_not_what_was_said_does_not_arrive() {
    let world = World::installed().await;
    let (one, other) = (begun(&world, &world.acme, b"a plan").await, begun(&world, &world.acme, b"another").await);
    let address = &one["missing"][0];
    for wrong in [&b"a plot"[..], b"a pla", b"a plan and more", b""] {
        let answer = world.put_part(address, wrong.to_vec()).await;
        assert!(answer.status.is_client_error(), "{wrong:?}: {}", answer.status);
    }
    let mut elsewhere = address.clone();
    let other_id = other["id"].as_str().unwrap();
    elsewhere["url"] = address["url"].as_str().unwrap().replace(one["id"].as_str().unwrap(), other_id).into();
    assert_eq!(world.put_part(&elsewhere, "a plan").await.status, StatusCode::FORBIDDEN);
    world.clock.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(world.put_part(address, "a plan").await.status, StatusCode::FORBIDDEN);
    let answer = complete(&world, one["id"].as_str().unwrap()).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::CONFLICT, "incomplete"));
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_is_missing_and_goes_on() {
    let world = World::installed().await;
    let bytes = noise(2 * PART + 3);
    let told = begun(&world, &world.acme, &bytes).await;
    let (id, first) = (told["id"].as_str().unwrap(), &told["missing"]);
    assert_eq!(first.as_array().map(Vec::len), Some(3));
    assert_eq!(world.put_part(&first[1], bytes[PART..2 * PART].to_vec()).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(16 * 60));
    let missing = look(&world, &world.acme, id).await.json()["missing"].clone();
    let numbers: Vec<_> = missing.as_array().unwrap().iter().map(|part| part["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 3]);
    for (address, part) in [(&missing[0], &bytes[..PART]), (&missing[1], &bytes[2 * PART..])] {
        assert_eq!(world.put_part(address, part.to_vec()).await.status, StatusCode::OK);
    }
    for _ in 0..2 {
        assert_eq!(complete(&world, id).await.status, StatusCode::ACCEPTED, "completing twice is completing once");
    }
    world.host.deliver().await.unwrap();
    assert!(read(&world, &world.acme, id, &[]).await.body == bytes);
}

#[tokio::test]
async fn an_upload_is_over_after_twenty_hours() {
    let world = World::installed().await;
    let id = begun(&world, &world.acme, b"a plan").await["id"].as_str().unwrap().to_owned();
    world.clock.advance(Duration::from_secs(71_999));
    assert_eq!(look(&world, &world.acme, &id).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(look(&world, &world.acme, &id).await.status, StatusCode::NOT_FOUND);
    assert_eq!(complete(&world, &id).await.status, StatusCode::NOT_FOUND);
}

fn user(number: usize) -> User {
    let accounts = ["one", "two", "three", "four", "five", "six"];
    User { key: "user", name: "A user", account_id: Some(accounts[number]), administers: false }
}

/// Each is a file of a customer that lies unsealed; and nobody takes the place of all.
#[tokio::test]
async fn a_user_has_ten_uploads_on_their_way_and_a_tenant_fifty() {
    let world = World::installed().await;
    let begin = async |user| by(&world, user, Method::POST, "", said(b"x").to_string()).await;
    let mut last = String::new();
    for number in 0..50 {
        let answer = begin(user(number / 10)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{number}");
        last = answer.json()["id"].as_str().unwrap().to_owned();
        if number == 9 {
            assert_eq!(begin(user(0)).await.problem(), "limit-reached");
        }
    }
    let full = begin(user(5)).await;
    assert_eq!((full.status, full.problem().as_str()), (StatusCode::CONFLICT, "limit-reached"));
    assert_eq!(by(&world, user(4), Method::DELETE, &format!("/{last}"), String::new()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(begin(user(5)).await.status, StatusCode::CREATED);
    // What is over takes no place, swept or not.
    world.clock.advance(Duration::from_secs(20 * 3600));
    assert_eq!(begin(user(0)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn whoever_completes_again_after_it_was_sealed_is_told_that_it_is_done() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, b"a plan").await;
    world.host.deliver().await.unwrap();
    assert_eq!(records(&world, "upload"), 0);
    assert_eq!(complete(&world, &id).await.status, StatusCode::ACCEPTED);
    assert_eq!(complete(&world, &"0".repeat(64)).await.status, StatusCode::NOT_FOUND);
}

/// What arrives for one who has left is deleted unsealed; who comes back is told, and does not wait for ever.
#[tokio::test]
async fn an_upload_that_was_complete_when_its_tenant_left_is_refused_when_they_return() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, b"a plan").await;
    world.clock.advance(Duration::from_secs(1));
    world.uninstall(&world.acme).await;
    world.host.deliver().await.unwrap();
    assert_eq!(lies_in(&world, "incoming"), Vec::<String>::new());
    world.clock.advance(Duration::from_secs(1));
    world.install(&world.acme).await;
    let looked = look(&world, &world.acme, &id).await;
    assert_eq!(looked.json()["stage"], "refused", "{}", looked.text());
    assert_eq!(complete(&world, &id).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_arrived_before_a_stop_is_sealed_after_the_next_start() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::at(BEGINNING)));
    let host = async || {
        let settings = Settings { folder: Some(folder.path().to_owned()), ..settings(&clock, Arc::new(SystemRandom)) };
        LocalHost::start(settings).await.unwrap()
    };
    let world = World { host: host().await, clock: Arc::clone(&clock), ..World::new().await };
    world.install(&world.acme).await;
    let id = arrived(&world, &world.acme, b"a plan").await;
    drop(world);
    let world = World { host: host().await, clock: Arc::clone(&clock), ..World::new().await };
    assert_eq!(world.host.deliver().await.unwrap(), 1);
    assert_eq!(read(&world, &world.acme, &id, &[]).await.text(), "a plan");
}

/// Promise A-43.
#[tokio::test]
async fn an_upload_is_its_uploaders_and_its_tenants() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    let id = begun(&world, &world.acme, b"a plan").await["id"].as_str().unwrap().to_owned();
    for (method, target) in [(Method::GET, format!("/{id}")), (Method::POST, format!("/{id}/complete")), (Method::DELETE, format!("/{id}"))]
    {
        assert_eq!(by(&world, MEMBER, method.clone(), &target, String::new()).await.status, StatusCode::FORBIDDEN, "{method}");
        let theirs = world.as_page(&other, method.clone(), &format!("{PATH}/uploads{target}"), Body::empty()).await;
        let expected = if method == Method::DELETE { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
        assert_eq!(theirs.status, expected, "{method}");
    }
    assert_eq!(look(&world, &world.acme, &id).await.status, StatusCode::OK, "it is there still");
}

/// Promise A-43: what the project allowed at the beginning is asked again.
#[tokio::test]
async fn a_right_that_was_withdrawn_ends_the_upload() {
    let world = World::installed().await;
    let begin = with(said(b"a plan"), "project", json!(PROJECT));
    assert_eq!(by(&world, MEMBER, Method::POST, "", begin.clone()).await.status, StatusCode::FORBIDDEN);
    let told = by(&world, ADMIN, Method::POST, "", begin).await.json();
    let id = told["id"].as_str().unwrap();
    assert_eq!(world.put_part(&told["missing"][0], "a plan").await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(61));
    world.jira.trouble(&world.acme, Some(Trouble::Status(500)));
    assert_eq!(complete(&world, id).await.status, StatusCode::SERVICE_UNAVAILABLE);
    world.jira.trouble(&world.acme, None);
    assert_eq!(complete(&world, id).await.status, StatusCode::ACCEPTED);
}

/// Whoever gives up while the file is being sealed has given up.
#[tokio::test]
async fn what_is_given_up_while_it_is_sealed_is_not_kept() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, &noise(MIB)).await;
    let target = format!("/{id}");
    let (delivered, given_up) = futures::join!(world.host.deliver(), by(&world, ADMIN, Method::DELETE, &target, String::new()));
    assert_eq!((delivered.unwrap(), given_up.status), (1, StatusCode::NO_CONTENT));
    deliver_all(&world).await;
    assert_eq!(read(&world, &world.acme, &id, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!((records(&world, "attachment"), records(&world, "upload")), (0, 0));
    assert_eq!(lies_in(&world, "sealed"), Vec::<String>::new());
}

#[tokio::test]
async fn a_list_asks_the_site_once_about_all_its_projects() {
    let world = World::installed().await;
    for project in [PROJECT, PROJECT, PROJECT] {
        let begin = with(said(b"a plan"), "project", json!(project));
        let told = by(&world, ADMIN, Method::POST, "", begin).await.json();
        world.put_part(&told["missing"][0], "a plan").await;
        complete(&world, told["id"].as_str().unwrap()).await;
    }
    world.host.deliver().await.unwrap();
    let asked = world.jira.asked().len();
    let list = world.as_page(&world.acme, Method::GET, PATH, Body::empty()).await.json();
    assert_eq!((list["attachments"].as_array().map(Vec::len), world.jira.asked().len() - asked), (Some(3), 1));
}

/// Lambda would take minutes over more, and a page asks for ranges anyway.
#[tokio::test]
async fn a_file_that_is_too_large_for_one_answer_is_read_by_ranges_alone() {
    let world = World::installed().await;
    let bytes = noise(32 * MIB + 1);
    let id = arrived(&world, &world.acme, &bytes).await;
    world.host.deliver().await.unwrap();
    let size = bytes.len();
    for range in [&[][..], &[("range", "bytes=0-")]] {
        let whole = read(&world, &world.acme, &id, range).await;
        assert_eq!((whole.status, whole.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
        assert_eq!(whole.headers["content-range"], format!("bytes */{size}"));
    }
    let part = read(&world, &world.acme, &id, &[("range", "bytes=1-")]).await;
    assert!(part.status == StatusCode::PARTIAL_CONTENT && part.body == bytes[1..]);
    let head = world.as_page(&world.acme, Method::HEAD, &format!("{PATH}/{id}"), Body::empty()).await;
    assert_eq!((head.status, head.headers["content-length"].to_str().unwrap()), (StatusCode::OK, size.to_string().as_str()));
}
