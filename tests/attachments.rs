//! Files that users attach, as far as they come in one request: kept sealed, read whole and by ranges, listed, removed, counted.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use http::{HeaderValue, Method, Request, StatusCode};
use local::atlassian::Site;
use local::aws::{Call, Service};
use local::jira::user::{ADMIN, ANONYMOUS, MEMBER, PROJECT, User};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::{Answer, World, page_request, site};

pub const PATH: &str = "/test-management/attachments";
pub const MIB: usize = 1 << 20;

pub fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) ^ (at >> 8)) as u8).collect()
}

async fn attach(world: &World, query: &str, bytes: impl Into<Body>) -> Answer {
    let request = page_request(&world.acme, Method::POST, &format!("{PATH}?{query}"), world.now()).body(bytes.into()).unwrap();
    world.send(as_bytes(request)).await
}

/// A file is sent as bytes, whatever it is.
pub fn as_bytes(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/octet-stream"));
    request
}

/// Attaches and gives the new one's name.
pub async fn attached(world: &World, query: &str, bytes: impl Into<Body>) -> String {
    let answer = attach(world, query, bytes).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn as_user(world: &World, user: User, method: Method, target: &str) -> Answer {
    let token = world.acme.context_token_for(user, world.now()).unwrap();
    let request = Request::builder().method(method).uri(target).header("authorization", format!("JWT {token}"));
    world.send(as_bytes(request.body(Body::from("by somebody")).unwrap())).await
}

pub async fn read(world: &World, site: &Site, id: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = page_request(site, Method::GET, &format!("{PATH}/{id}"), world.now());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

async fn list(world: &World, query: &str) -> Value {
    world.as_page(&world.acme, Method::GET, &format!("{PATH}?{query}"), Body::empty()).await.json()
}

async fn remove(world: &World, id: &str) -> Answer {
    world.as_page(&world.acme, Method::DELETE, &format!("{PATH}/{id}"), Body::empty()).await
}

fn s3_calls(calls: &[Call]) -> Vec<&str> {
    calls.iter().filter(|call| call.service == Service::S3).map(|call| call.operation.as_str()).collect()
}

/// How many files and bytes the tenant is said to have.
fn usage(world: &World) -> (String, String) {
    let items = world.aws().dump().unwrap()["AttachmentsTable"].as_array().unwrap().clone();
    let usage = items.iter().find(|item| item["id"]["S"] == "all").cloned().unwrap_or_default();
    let number = |name: &str| usage[name]["N"].as_str().unwrap_or("0").to_owned();
    (number("files_kept"), number("bytes_kept"))
}

/// Promise A-28.
#[tokio::test]
async fn a_file_comes_back_as_it_was() {
    let world = World::installed().await;
    for length in [0, 1, 1000, MIB - 1, MIB, MIB + 1, 4 * MIB] {
        let id = attached(&world, "name=plan.bin", noise(length)).await;
        let answer = read(&world, &world.acme, &id, &[]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, length));
        assert!(answer.body == noise(length), "{length}");
    }
}

/// A file may be anything, a page that steals included: it is saved, and can do nothing where it is shown all the same.
#[tokio::test]
async fn a_file_is_answered_as_an_attachment_that_can_do_nothing() {
    let world = World::installed().await;
    let id = attached(&world, "name=%C3%84%20%22evil%22.html&type=text%2Fhtml", "<script>alert(1)</script>").await;
    let headers = read(&world, &world.acme, &id, &[]).await.headers;
    for (name, value) in [
        ("content-type", "text/html"),
        ("content-disposition", "attachment; filename=\"_ _evil_.html\"; filename*=UTF-8''%C3%84%20%22evil%22.html"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("accept-ranges", "bytes"),
        ("content-length", "25"),
    ] {
        assert_eq!(headers[name], value);
    }
}

#[tokio::test]
async fn what_is_kept_of_a_file_is_told_and_nobodys_account_is() {
    let world = World::installed().await;
    let png = [b"\x89PNG\r\n\x1a\n".to_vec(), noise(40)].concat();
    let told = attach(&world, "name=a.txt&owner=case%201&project=10000", png.clone()).await;
    let mut shown = told.json();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!(told.headers["location"], format!("{PATH}/{id}"));
    let expected = json!({
        "id": id, "name": "a.txt", "type": "application/octet-stream", "detectedType": "image/png", "size": 48, "attachedAt": "2026-11-22T12:00:00Z",
        "owner": "case 1", "project": 10000, "yours": true,
        "sha256": hex::encode(crate::harness::digest_of(&png)),
    });
    assert_eq!(shown, expected);
    let listed = as_user(&world, MEMBER, Method::GET, &format!("{PATH}?owner=case%201")).await;
    shown["yours"] = false.into();
    assert_eq!(listed.json(), json!({"attachments": [shown]}));
    assert!(!listed.text().contains(ADMIN.account_id.unwrap()));
}

/// As browsers send it.
#[tokio::test]
async fn a_form_is_read_as_the_same() {
    let world = World::installed().await;
    let form = "--b\r\ncontent-disposition: form-data; name=\"owner\"\r\n\r\ncase-1\r\n--b\r\ncontent-disposition: form-data; name=\"file\"; \
                filename=\"plan.txt\"\r\ncontent-type: text/plain\r\n\r\none plan\r\n--b--\r\n";
    let answer = send_form(&world, form).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let shown = answer.json();
    assert_eq!((&shown["name"], &shown["type"], &shown["owner"]), (&json!("plan.txt"), &json!("text/plain"), &json!("case-1")));
    assert_eq!(read(&world, &world.acme, shown["id"].as_str().unwrap(), &[]).await.text(), "one plan");
}

async fn send_form(world: &World, form: impl Into<Body>) -> Answer {
    let request = page_request(&world.acme, Method::POST, PATH, world.now()).body(form.into()).unwrap();
    let (mut parts, body) = request.into_parts();
    parts.headers.insert("content-type", HeaderValue::from_static("multipart/form-data; boundary=b"));
    world.send(Request::from_parts(parts, body)).await
}

#[tokio::test]
async fn a_form_that_is_not_whole_or_holds_too_much_is_refused_by_its_field() {
    let world = World::installed().await;
    let field =
        |name: &str, rest: &str, value: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{rest}\r\n\r\n{value}\r\n");
    let file = field("file", "; filename=\"a\"", "x");
    for (form, status, named) in [
        (String::new(), 400, "body"),
        ("no form at all".to_owned(), 400, "body"),
        (file.clone(), 400, "body"),
        ("--b--\r\n".to_owned(), 400, "file"),
        (format!("{file}{file}--b--\r\n"), 400, "body"),
        (format!("{file}{}--b--\r\n", field("surprise", "", "x")), 400, "body"),
        (format!("{}--b--\r\n", field("file", "", "x")), 400, "name"),
        (format!("{file}{}--b--\r\n", field("project", "", "x")), 400, "project"),
        (format!("{file}{}--b--\r\n", field("owner", "", &"o".repeat(5000))), 413, "file"),
        (format!("{}--b--\r\n", field("file", "; filename=\"a\"", &"x".repeat(4 * MIB + 1))), 413, "file"),
    ] {
        let answer = send_form(&world, form.clone()).await;
        let shortened: String = form.chars().take(200).collect();
        assert_eq!((answer.status.as_u16(), answer.field().as_str()), (status, named), "{shortened}: {}", answer.text());
    }
    assert_eq!(usage(&world), ("0".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_by_its_field_and_leaves_nothing() {
    let world = World::installed().await;
    let long = "a".repeat(10_000);
    for (query, named) in [
        ("", "name"),
        ("name=", "name"),
        ("name=..%2F..%2Fetc", "name"),
        ("name=a%00b", "name"),
        ("name=a%0Ab", "name"),
        (&format!("name={long}"), "name"),
        ("name=a&name=b", "query"),
        ("name=a&type=png", "type"),
        ("name=%FF", "query"),
        (&format!("name=a&owner={}", &long[..300]), "owner"),
        ("name=a&project=x", "project"),
    ] {
        let answer = attach(&world, query, "x").await;
        // A query that can be read in two ways is refused before anything in it is.
        assert_eq!((answer.status, answer.field().as_str()), (StatusCode::BAD_REQUEST, named), "{query}: {}", answer.text());
    }
    let packed = page_request(&world.acme, Method::POST, &format!("{PATH}?name=a"), world.now()).header("content-encoding", "gzip");
    let packed = as_bytes(packed.body(Body::from("x")).unwrap());
    assert_eq!(world.send(packed).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // A function URL would change text that is not UTF-8.
    for media_type in ["text/plain", "application/json", "image/png", ""] {
        let mut request = page_request(&world.acme, Method::POST, &format!("{PATH}?name=a"), world.now()).body(Body::from("x")).unwrap();
        request.headers_mut().insert("content-type", HeaderValue::from_static(media_type));
        assert_eq!(world.send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
    }
    assert_eq!(world.aws().dump().unwrap()["AttachmentsTable"], json!([]));
    assert!(world.aws().files().unwrap().is_empty());
}

fn range(answer: &Answer) -> (u16, String) {
    let content_range = answer.headers.get("content-range").map(|range| range.to_str().unwrap().to_owned());
    (answer.status.as_u16(), content_range.unwrap_or_default())
}

#[tokio::test]
async fn a_range_is_read_as_from_a_web_server() {
    let world = World::installed().await;
    let bytes = noise(2 * MIB + 10);
    let id = attached(&world, "name=a", bytes.clone()).await;
    let size = bytes.len();
    for (asked, part) in [
        ("bytes=0-0".to_owned(), 0..1),
        (format!("bytes={}-{}", MIB - 1, MIB), MIB - 1..MIB + 1),
        (format!("bytes={MIB}-"), MIB..size),
        ("bytes=-100".to_owned(), size - 100..size),
        ("bytes=5-99999999".to_owned(), 5..size),
    ] {
        let answer = read(&world, &world.acme, &id, &[("range", &asked)]).await;
        assert_eq!(range(&answer), (206, format!("bytes {}-{}/{size}", part.start, part.end - 1)), "{asked}");
        assert_eq!(answer.headers["content-length"], part.len().to_string());
        assert!(answer.body == bytes[part], "{asked}");
    }
    let behind = read(&world, &world.acme, &id, &[("range", "bytes=99999999-")]).await;
    assert_eq!(range(&behind), (416, format!("bytes */{size}")));
    for (asked, name, value) in [("bytes=0-1,3-4", "x-none", ""), ("bytes=0-1", "if-range", "\"another\"")] {
        let answer = read(&world, &world.acme, &id, &[("range", asked), (name, value)]).await;
        assert_eq!((range(&answer), answer.body.len()), ((200, String::new()), size), "{asked}");
    }
}

/// Promise A-28: whatever the size around the frames' borders, whatever the range.
#[test]
fn any_range_of_any_file_is_what_was_written() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::installed());
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let cases = (0_usize..4, -3_i32..4, any::<u32>(), any::<u32>());
    let outcome = runner.run(&cases, |(frames, off, from, to)| {
        let Some(length) = (frames * MIB).checked_add_signed(off as isize).filter(|length| *length > 0) else { return Ok(()) };
        let (bytes, from, to) = (noise(length), from as usize % length, to as usize % length);
        let (first, last) = (from.min(to), from.max(to));
        runtime.block_on(async {
            let id = attached(&world, "name=a", bytes.clone()).await;
            let answer = read(&world, &world.acme, &id, &[("range", &format!("bytes={first}-{last}"))]).await;
            prop_assert!(
                answer.status == StatusCode::PARTIAL_CONTENT && answer.body == bytes[first..=last],
                "{}: {}-{}",
                length,
                first,
                last
            );
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_range_fetches_its_frames_and_no_other_and_what_is_known_is_not_fetched() {
    let world = World::installed().await;
    let id = attached(&world, "name=a", noise(3 * MIB)).await;
    let etag = read(&world, &world.acme, &id, &[]).await.headers["etag"].to_str().unwrap().to_owned();
    // A range is for GET alone.
    let head = page_request(&world.acme, Method::HEAD, &format!("{PATH}/{id}"), world.now()).header("range", "bytes=0-0");
    let head = head.body(Body::empty()).unwrap();
    let mark = world.aws().calls().mark();
    let answer = world.send(head).await;
    assert_eq!((answer.status, &answer.headers["content-length"], answer.body.len()), (StatusCode::OK, &HeaderValue::from(3 * MIB), 0));
    let known = read(&world, &world.acme, &id, &[("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(s3_calls(&world.aws().calls().since(mark)), Vec::<&str>::new());
    let mark = world.aws().calls().mark();
    read(&world, &world.acme, &id, &[("range", "bytes=1048570-1048580")]).await;
    let calls = world.aws().calls().since(mark);
    let services: Vec<_> = calls.iter().map(|call| (call.service, call.operation.as_str())).collect();
    assert_eq!(services, [(Service::DynamoDb, "BatchGetItem"), (Service::S3, "GetObject")]);
}

#[tokio::test]
async fn the_files_of_one_owner_are_listed_page_by_page_and_no_other_owners() {
    let world = World::installed().await;
    for number in 0..5 {
        attached(&world, &format!("name={number}.txt&owner=case-1"), "x").await;
    }
    attached(&world, "name=other.txt&owner=case-10", "x").await;
    attached(&world, "name=none.txt", "x").await;
    let (mut names, mut query) = (Vec::new(), "owner=case-1&limit=2".to_owned());
    loop {
        let page = list(&world, &query).await;
        names.extend(page["attachments"].as_array().unwrap().iter().map(|shown| shown["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["cursor"].as_str() else { break };
        query = format!("owner=case-1&limit=2&cursor={cursor}");
        let elsewhere = world.as_page(&world.acme, Method::GET, &format!("{PATH}?owner=case-10&cursor={cursor}"), Body::empty()).await;
        assert_eq!((elsewhere.status, elsewhere.field().as_str()), (StatusCode::BAD_REQUEST, "cursor"));
    }
    names.sort();
    assert_eq!(names, ["0.txt", "1.txt", "2.txt", "3.txt", "4.txt"]);
    assert_eq!(list(&world, "").await["attachments"].as_array().map(Vec::len), Some(1));
}

/// Promise A-43.
#[tokio::test]
async fn a_file_is_removed_by_its_author_and_by_administrators() {
    let world = World::installed().await;
    let by = async |user| as_user(&world, user, Method::POST, &format!("{PATH}?name=a")).await.json()["id"].as_str().unwrap().to_owned();
    let (theirs, own, admins) = (by(MEMBER).await, by(MEMBER).await, by(ADMIN).await);
    for (id, user, status) in [
        (&admins, MEMBER, StatusCode::FORBIDDEN),
        (&own, ANONYMOUS, StatusCode::FORBIDDEN),
        (&own, MEMBER, StatusCode::NO_CONTENT),
        (&theirs, ADMIN, StatusCode::NO_CONTENT),
        (&admins, ADMIN, StatusCode::NO_CONTENT),
    ] {
        assert_eq!(as_user(&world, user, Method::DELETE, &format!("{PATH}/{id}")).await.status, status, "{}", user.name);
    }
    assert_eq!(as_user(&world, ANONYMOUS, Method::POST, &format!("{PATH}?name=a")).await.status, StatusCode::FORBIDDEN);
}

/// Promise A-43: whose project it is decides, not who they are.
#[tokio::test]
async fn a_projects_file_follows_the_projects_permissions() {
    let world = World::installed().await;
    let seen = attached(&world, &format!("name=a&project={PROJECT}&owner=o"), "x").await;
    for (user, method, target, status) in [
        (MEMBER, Method::GET, format!("{PATH}/{seen}"), 200),
        (MEMBER, Method::DELETE, format!("{PATH}/{seen}"), 403),
        (MEMBER, Method::POST, format!("{PATH}?name=a&project={PROJECT}"), 403),
        (ADMIN, Method::POST, format!("{PATH}?name=a&project={}", PROJECT + 1), 403),
        (ADMIN, Method::DELETE, format!("{PATH}/{seen}"), 204),
    ] {
        assert_eq!(as_user(&world, user, method.clone(), &target).await.status, status, "{method} by {}", user.name);
    }
}

/// Promise A-28: the object too, in every version.
#[tokio::test]
async fn a_removed_file_is_gone_with_its_object_and_its_count() {
    let world = World::installed().await;
    let (kept, gone) = (attached(&world, "name=kept", noise(7)).await, attached(&world, "name=gone", noise(MIB)).await);
    assert_eq!((usage(&world), world.aws().files().unwrap().len()), (("2".to_owned(), (MIB + 7).to_string()), 2));
    for _ in 0..2 {
        assert_eq!(remove(&world, &gone).await.status, StatusCode::NO_CONTENT);
        assert_eq!(usage(&world), ("1".to_owned(), "7".to_owned()));
        assert_eq!(read(&world, &world.acme, &gone, &[]).await.status, StatusCode::NOT_FOUND);
        let files = world.aws().files().unwrap();
        assert!(files.len() == 1 && files.keys().all(|name| name.contains(&kept)), "{:?}", files.keys());
    }
}

async fn say_usage(world: &World, files: u64, bytes: u64) {
    let tenant_id = world.tenant(&world.acme).await["tenant_id"].as_str().unwrap().to_owned();
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let put =
        dynamodb.put_item().table_name("AttachmentsTable").item("partition", AttributeValue::S(format!("{tenant_id}#attachment-usage")));
    let put = put.item("id", AttributeValue::S("all".to_owned())).item("files_kept", AttributeValue::N(files.to_string()));
    put.item("bytes_kept", AttributeValue::N(bytes.to_string())).send().await.unwrap();
}

#[tokio::test]
async fn the_apps_limits_hold() {
    let world = World::installed().await;
    let limits = world.acme.app.attachments;
    for (files, bytes, status) in [
        (limits.most, 0, 409),
        (0, limits.total_bytes, 409),
        (0, limits.total_bytes - 9, 409),
        (limits.most - 1, limits.total_bytes - 10, 201),
    ] {
        say_usage(&world, files, bytes).await;
        let answer = attach(&world, "name=a", noise(10)).await;
        assert_eq!(answer.status.as_u16(), status, "{files} files of {bytes}: {}", answer.text());
    }
    assert_eq!(attach(&world, "name=a", noise(10)).await.problem(), "limit-reached");
    assert_eq!(world.aws().files().unwrap().len(), 1, "what was refused left no object");
}

/// Promise A-43.
#[tokio::test]
async fn another_tenants_file_is_not_found() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    let id = attached(&world, "name=a&owner=o", "x").await;
    assert_eq!(read(&world, &other, &id, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.as_page(&other, Method::DELETE, &format!("{PATH}/{id}"), Body::empty()).await.status, StatusCode::NO_CONTENT);
    let listed = world.as_page(&other, Method::GET, &format!("{PATH}?owner=o"), Body::empty()).await.json();
    assert_eq!(listed, json!({"attachments": []}));
    assert_eq!(read(&world, &world.acme, &id, &[]).await.text(), "x");
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let world = World::installed().await;
    for id in ["x", &"g".repeat(64), &"A".repeat(64), &"a".repeat(63), "%2e%2e%2f"] {
        for method in [Method::GET, Method::DELETE] {
            let answer = world.as_page(&world.acme, method, &format!("{PATH}/{id}"), Body::empty()).await;
            assert_eq!((answer.status, answer.field().as_str()), (StatusCode::BAD_REQUEST, "id"), "{id}");
        }
    }
    assert_eq!(read(&world, &world.acme, &"a".repeat(64), &[]).await.status, StatusCode::NOT_FOUND);
}

/// Promises E-33 and E-35.
#[tokio::test]
async fn files_are_out_of_reach_from_the_moment_of_leaving_and_back_after_a_return() {
    let world = World::installed().await;
    let id = attached(&world, "name=a", noise(100)).await;
    world.clock.advance(Duration::from_secs(1));
    world.uninstall(&world.acme).await;
    assert_eq!(read(&world, &world.acme, &id, &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(attach(&world, "name=b", "x").await.status, StatusCode::UNAUTHORIZED);
    world.clock.advance(Duration::from_secs(100 * 86_400));
    world.install(&world.acme).await;
    assert!(read(&world, &world.acme, &id, &[]).await.body == noise(100));
}
