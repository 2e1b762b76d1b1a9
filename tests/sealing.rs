//! What arrived by its parts becomes an attachment: from the browser's first word over S3, EventBridge and the queue to the sealed object. Late,
//! twice, from nobody, wrong or while all fails: nothing is lost silently, nothing is half there, and nothing readable stays.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use local::atlassian::Site;
use local::aws::{Fault, Service};
use local::mounts::Work;
use serde_json::{Value, json};
use shared::platform::queue::QueueEvent;
use shared::tenant::id::digest;

use crate::attachments::{MIB, PATH, noise, read};
use crate::harness::{Answer, World, digest_of, site};
use crate::triggers::work_of;

const PART: usize = 8 * MIB;

pub const MARK: &str = "m4rk-of-a-customer";

/// Says what is to come; gives the answer.
pub async fn begun(world: &World, site: &Site, bytes: &[u8]) -> Value {
    let parts: Vec<String> = bytes.chunks(PART).map(|part| STANDARD.encode(digest_of(part))).collect();
    let begin = json!({"name": "plan.txt", "type": "text/plain", "owner": "case-1", "size": bytes.len(), "parts": parts}).to_string();
    let answer = world.as_page(site, Method::POST, &format!("{PATH}/uploads"), begin).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()
}

/// Uploads all of it and says so; gives the name of what is to become of it. Nobody has heard of it yet.
pub async fn arrived(world: &World, site: &Site, bytes: &[u8]) -> String {
    let begun = begun(world, site, bytes).await;
    for (address, part) in begun["missing"].as_array().unwrap().iter().zip(bytes.chunks(PART)) {
        assert_eq!(world.put_part(address, part.to_vec()).await.status, StatusCode::OK);
    }
    let id = begun["id"].as_str().unwrap().to_owned();
    assert_eq!(complete(world, site, &id).await.status, StatusCode::ACCEPTED);
    id
}

async fn complete(world: &World, site: &Site, id: &str) -> Answer {
    world.as_page(site, Method::POST, &format!("{PATH}/uploads/{id}/complete"), Body::empty()).await
}

pub async fn look(world: &World, site: &Site, id: &str) -> Answer {
    world.as_page(site, Method::GET, &format!("{PATH}/uploads/{id}"), Body::empty()).await
}

/// Where an upload arrives.
pub fn key(site: &Site, id: &str) -> String {
    format!("{}/{id}", digest(site.app.slug, &site.client_key))
}

/// How long a message is hidden that its function failed at: the queue's visibility timeout.
const HIDDEN_FOR: Duration = Duration::from_secs(960);

/// Delivers until nothing waits any more, and waits for what failed; gives how often.
pub async fn deliver_all(world: &World) -> usize {
    for times in 1..=5 {
        world.host.deliver().await.unwrap();
        if world.host.waits() == 0 {
            return times;
        }
        world.clock.advance(HIDDEN_FOR);
        if world.host.waits() == 0 {
            return times;
        }
    }
    panic!("{} wait still", world.host.waits());
}

/// What lies in a bucket, parts of unfinished uploads included.
pub fn lies_in(world: &World, bucket: &str) -> Vec<String> {
    world.aws().files().unwrap().into_keys().filter(|name| name.starts_with(bucket)).collect()
}

/// Whether the tenants' records and both buckets hold nothing of attachments; counts and closed uploads apart.
fn assert_nothing_is_left(world: &World, case: &str) {
    assert_eq!(world.aws().files().unwrap().into_keys().collect::<Vec<_>>(), Vec::<String>::new(), "{case}");
    assert_eq!(records(world, "attachment"), 0, "{case}");
    assert_eq!(world.aws().places_of(MARK.as_bytes()).unwrap(), Vec::<String>::new(), "{case}");
}

/// How many records of a kind there are.
pub fn records(world: &World, kind: &str) -> usize {
    let items = world.aws().dump().unwrap();
    let ending = format!("#{kind}");
    items["AttachmentsTable"].as_array().unwrap().iter().filter(|item| item["partition"]["S"].as_str().unwrap().ends_with(&ending)).count()
}

/// The reasons of all dead letters.
async fn reasons(world: &World) -> Vec<String> {
    let letters = world.host.dead_letters().await.unwrap();
    letters.iter().map(|letter| letter["reason"].as_str().unwrap_or("as it came").to_owned()).collect()
}

async fn assert_sealed(world: &World, id: &str, bytes: &[u8], case: &str) {
    let answer = read(world, &world.acme, id, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{case}: {}", answer.text());
    assert!(answer.body == bytes, "{case}");
    assert_eq!(lies_in(world, "incoming-bucket"), Vec::<String>::new(), "{case}");
    assert_eq!(look(world, &world.acme, id).await.status, StatusCode::NOT_FOUND, "{case}");
    assert_eq!((records(world, "attachment"), records(world, "upload")), (1, 0), "{case}");
}

pub fn s3(world: &World) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(&world.aws().sdk_config())
}

async fn put(world: &World, bucket: &str, key: &str, bytes: &[u8]) {
    s3(world).put_object().bucket(bucket).key(key).body(bytes.to_vec().into()).send().await.unwrap();
}

/// What EventBridge says of an object.
fn event(bucket: &str, key: &str) -> String {
    let detail = json!({"bucket": {"name": bucket}, "object": {"key": key}});
    json!({"source": "aws.s3", "detail-type": "Object Created", "time": "2026-11-22T12:00:00Z", "detail": detail}).to_string()
}

/// Promises A-28 and E-16.
#[tokio::test]
async fn a_file_put_by_its_parts_is_sealed_and_read_back() {
    let world = World::installed().await;
    let bytes = [MARK.as_bytes(), &noise(PART + 5)].concat();
    let id = arrived(&world, &world.acme, &bytes).await;
    assert_eq!(look(&world, &world.acme, &id).await.json()["stage"], "complete");
    assert_eq!(world.host.deliver().await.unwrap(), 1);
    assert_sealed(&world, &id, &bytes, "delivered").await;
    let list = world.as_page(&world.acme, Method::GET, &format!("{PATH}?owner=case-1"), Body::empty()).await.json();
    let shown = &list["attachments"][0];
    let told = [&shown["id"], &shown["name"], &shown["type"], &shown["size"], &shown["sha256"], &shown["attachedAt"]];
    let sha256 = hex::encode(digest_of(&bytes));
    let expected = [json!(id), json!("plan.txt"), json!("text/plain"), json!(bytes.len()), json!(sha256), json!("2026-11-22T12:00:00Z")];
    assert_eq!(told, expected.each_ref());
    let end = read(&world, &world.acme, &id, &[("range", "bytes=-5")]).await;
    assert_eq!((end.status, end.body.as_ref()), (StatusCode::PARTIAL_CONTENT, &bytes[bytes.len() - 5..]));
    assert_eq!(reasons(&world).await, Vec::<String>::new());
}

/// Promise A-35: it may lie unsealed for as long as it takes to hear of it, and no longer.
#[tokio::test]
async fn what_was_sealed_is_readable_nowhere() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, MARK.repeat(9).as_bytes()).await;
    assert_eq!(world.aws().places_of(MARK.as_bytes()).unwrap(), [format!("incoming-bucket/{}", key(&world.acme, &id))]);
    deliver_all(&world).await;
    assert_eq!(world.aws().places_of(MARK.as_bytes()).unwrap(), Vec::<String>::new());
    assert_eq!(world.aws().places_of(b"plan.txt").unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn an_event_that_comes_again_changes_nothing() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, b"a plan").await;
    let again = || world.host.send_to_queue("ArrivalQueue", event("incoming-bucket", &key(&world.acme, &id))).unwrap();
    again();
    deliver_all(&world).await;
    assert_sealed(&world, &id, b"a plan", "twice").await;
    let before = world.aws().dump().unwrap();
    again();
    deliver_all(&world).await;
    assert_eq!(world.aws().dump().unwrap(), before);
    let removed = world.as_page(&world.acme, Method::DELETE, &format!("{PATH}/{id}"), Body::empty()).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    again();
    deliver_all(&world).await;
    assert_nothing_is_left(&world, "removed");
    assert_eq!(reasons(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_event_about_an_upload_that_was_given_up_leaves_nothing() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, MARK.as_bytes()).await;
    let given_up = world.as_page(&world.acme, Method::DELETE, &format!("{PATH}/uploads/{id}"), Body::empty()).await;
    assert_eq!(given_up.status, StatusCode::NO_CONTENT);
    // It may even come back, by a request that was on its way.
    put(&world, "incoming-bucket", &key(&world.acme, &id), MARK.as_bytes()).await;
    deliver_all(&world).await;
    assert_nothing_is_left(&world, "given up");
    assert_eq!(reasons(&world).await, Vec::<String>::new());
}

/// The parts are joined, and the answer that says so is still on its way, or lost.
#[tokio::test]
async fn an_event_that_is_quicker_than_the_answer_is_not_lost() {
    let world = World::installed().await;
    let begun = begun(&world, &world.acme, MARK.as_bytes()).await;
    let id = begun["id"].as_str().unwrap();
    assert_eq!(world.put_part(&begun["missing"][0], MARK).await.status, StatusCode::OK);
    world.aws().faults().on(Service::DynamoDb, "UpdateItem", Fault::BeforeSend, u32::MAX);
    assert_eq!(complete(&world, &world.acme, id).await.status, StatusCode::SERVICE_UNAVAILABLE);
    world.aws().faults().clear();
    assert_eq!(look(&world, &world.acme, id).await.status, StatusCode::NOT_FOUND, "S3 knows the upload no longer");
    deliver_all(&world).await;
    assert_sealed(&world, id, MARK.as_bytes(), "quicker").await;
}

/// Promise A-35.
#[tokio::test]
async fn nothing_that_arrives_for_a_tenant_who_has_left_is_kept() {
    let world = World::installed().await;
    arrived(&world, &world.acme, MARK.as_bytes()).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    deliver_all(&world).await;
    assert_nothing_is_left(&world, "left");
    assert_eq!(reasons(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_none_of_ours_goes_to_the_dead_letters_with_its_reason() {
    let world = World::installed().await;
    put(&world, "incoming-bucket", "plans/secret.txt", MARK.as_bytes()).await;
    put(&world, "sealed-bucket", "elsewhere", b"left alone").await;
    for body in [event("sealed-bucket", "elsewhere"), "no json".to_owned(), json!({"source": "aws.s3"}).to_string(), String::new()] {
        world.host.send_to_queue("ArrivalQueue", body).unwrap();
    }
    assert_eq!(world.host.deliver().await.unwrap(), 5, "done with at once");
    let mut found = reasons(&world).await;
    found.sort();
    let form = "not an event of eventbridge";
    assert_eq!(found, ["another bucket", "not a name of ours", form, form, form]);
    assert_eq!(world.aws().files().unwrap().into_keys().collect::<Vec<_>>(), ["sealed-bucket/elsewhere"]);
    let letters = world.host.dead_letters().await.unwrap();
    assert!(!letters.iter().any(|letter| letter.to_string().contains("secret")), "{letters:?}");
}

#[tokio::test]
async fn what_is_not_as_it_was_said_is_refused_and_nothing_of_it_is_left() {
    let said = MARK.as_bytes();
    for (put_instead, reason) in [
        (MARK.to_uppercase().into_bytes(), "another SHA-256 than was said"),
        ([said, b"!"].concat(), "another length than was said"),
        (said[1..].to_vec(), "another length than was said"),
        (Vec::new(), "another length than was said"),
    ] {
        let world = World::installed().await;
        let id = begun(&world, &world.acme, said).await["id"].as_str().unwrap().to_owned();
        put(&world, "incoming-bucket", &key(&world.acme, &id), &put_instead).await;
        deliver_all(&world).await;
        assert_nothing_is_left(&world, reason);
        assert_eq!(look(&world, &world.acme, &id).await.json()["stage"], "refused");
        let letters = world.host.dead_letters().await.unwrap();
        let expected =
            json!({"reason": reason, "bucket": "incoming-bucket", "key": key(&world.acme, &id), "event_at": "2026-11-22T12:00:00Z"});
        assert_eq!(letters, [expected]);
        world.host.send_to_queue("ArrivalQueue", event("incoming-bucket", &key(&world.acme, &id))).unwrap();
        deliver_all(&world).await;
        assert_eq!(reasons(&world).await, [reason, "refused before"]);
    }
}

/// The bucket's lifecycle may be quicker than a queue that was held up.
#[tokio::test]
async fn what_is_gone_before_it_was_sealed_is_told() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, MARK.as_bytes()).await;
    s3(&world).delete_object().bucket("incoming-bucket").key(key(&world.acme, &id)).send().await.unwrap();
    deliver_all(&world).await;
    assert_nothing_is_left(&world, "gone");
    assert_eq!(reasons(&world).await, ["gone before it was sealed"]);
    assert_eq!(look(&world, &world.acme, &id).await.json()["stage"], "refused");
}

#[tokio::test]
async fn what_there_is_no_room_for_any_more_is_refused() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, MARK.as_bytes()).await;
    let tenant = world.tenant(&world.acme).await["tenant_id"].as_str().unwrap().to_owned();
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let usage = dynamodb.put_item().table_name("AttachmentsTable").item("id", AttributeValue::S("all".to_owned()));
    let usage = usage.item("partition", AttributeValue::S(format!("{tenant}#attachment-usage")));
    let full = usage.item("files_kept", AttributeValue::N("100000".to_owned())).item("bytes_kept", AttributeValue::N("0".to_owned()));
    full.send().await.unwrap();
    deliver_all(&world).await;
    assert_nothing_is_left(&world, "full");
    assert_eq!(reasons(&world).await, ["attachment limit reached"]);
    assert_eq!(look(&world, &world.acme, &id).await.json()["stage"], "refused");
}

#[tokio::test]
async fn two_who_seal_the_same_leave_one_record_and_one_object() {
    let world = World::installed().await;
    let id = arrived(&world, &world.acme, MARK.as_bytes()).await;
    let Work::Queue(handle) = work_of("attachment-seal") else { panic!("no queue") };
    let batch = || -> QueueEvent {
        let body = event("incoming-bucket", &key(&world.acme, &id));
        serde_json::from_value(json!({"Records": [{"messageId": "1", "body": body}]})).unwrap()
    };
    let platform = || world.host.platform("attachment-seal").unwrap();
    let (one, two) = futures::join!(handle(platform(), batch()), handle(platform(), batch()));
    assert_eq!(one.batch_item_failures.len() + two.batch_item_failures.len(), 0);
    assert_sealed(&world, &id, MARK.as_bytes(), "two").await;
    assert_eq!(lies_in(&world, "sealed-bucket").len(), 1);
    assert_eq!(reasons(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_fails_five_times_goes_to_the_dead_letters_as_it_came() {
    let world = World::installed().await;
    arrived(&world, &world.acme, MARK.as_bytes()).await;
    tokio::time::pause();
    world.aws().faults().on(Service::S3, "GetObject", Fault::InternalError, u32::MAX);
    assert_eq!(deliver_all(&world).await, 5);
    let letters = world.host.dead_letters().await.unwrap();
    assert_eq!((letters.len(), &letters[0]["detail-type"]), (1, &json!("Object Created")));
}

/// Each call of the sealing path fails, once or for good, before or after its effect.
#[tokio::test]
async fn whatever_call_fails_what_arrived_is_sealed_in_the_end() {
    let world = World::installed().await;
    let calls = {
        arrived(&world, &world.acme, MARK.as_bytes()).await;
        let mark = world.aws().calls().mark();
        deliver_all(&world).await;
        world.aws().calls().since(mark)
    };
    let asked: BTreeSet<String> = calls.iter().map(ToString::to_string).collect();
    assert!(asked.contains("S3.CompleteMultipartUpload") && asked.contains("DynamoDB.TransactWriteItems"), "{asked:?}");
    for (at, attempts, fault) in (0..calls.len()).flat_map(|at| {
        [1, 3].into_iter().flat_map(move |attempts| [Fault::BeforeSend, Fault::AfterEffect].map(move |fault| (at, attempts, fault)))
    }) {
        let case = format!("{} {fault:?} x{attempts}", calls[at]);
        let world = World::installed().await;
        let id = arrived(&world, &world.acme, MARK.as_bytes()).await;
        tokio::time::pause();
        for attempt in 0..attempts {
            // The SDK asks three times: those are the calls behind the first.
            world.aws().faults().on_call(at as u64 + 1 + attempt, fault);
        }
        deliver_all(&world).await;
        world.aws().faults().clear();
        assert_sealed(&world, &id, MARK.as_bytes(), &case).await;
        assert_eq!(reasons(&world).await, Vec::<String>::new(), "{case}");
        world.clock.advance(Duration::from_secs(25 * 3600));
        let ran = world.host.run_schedules().await;
        assert_eq!(ran["attachment-reconcile"].as_ref().unwrap().count("records-without-object"), 0, "{case}");
        assert_eq!(lies_in(&world, "sealed-bucket").len(), 1, "{case}: an orphan");
        tokio::time::resume();
    }
}

/// The other end of the path: what is refused, while a call fails.
#[tokio::test]
async fn whatever_call_fails_what_is_refused_is_told_and_leaves_nothing() {
    let refused = async |world: &World| {
        let id = begun(world, &world.acme, MARK.as_bytes()).await["id"].as_str().unwrap().to_owned();
        put(world, "incoming-bucket", &key(&world.acme, &id), MARK.to_uppercase().as_bytes()).await;
        id
    };
    let world = World::installed().await;
    refused(&world).await;
    let mark = world.aws().calls().mark();
    deliver_all(&world).await;
    let calls = world.aws().calls().since(mark);
    assert_eq!(calls.last().map(ToString::to_string).as_deref(), Some("SQS.SendMessage"));
    for (at, fault) in (0..calls.len()).flat_map(|at| [Fault::BeforeSend, Fault::AfterEffect].map(move |fault| (at, fault))) {
        let case = format!("{} {fault:?}", calls[at]);
        let world = World::installed().await;
        let id = refused(&world).await;
        tokio::time::pause();
        for attempt in 0..3 {
            world.aws().faults().on_call(at as u64 + 1 + attempt, fault);
        }
        deliver_all(&world).await;
        world.aws().faults().clear();
        assert_nothing_is_left(&world, &case);
        assert_eq!(look(&world, &world.acme, &id).await.json()["stage"], "refused", "{case}");
        assert!(!reasons(&world).await.is_empty(), "{case}");
        tokio::time::resume();
    }
}

/// Another tenant's message is not touched by what befalls this one's.
#[tokio::test]
async fn one_tenants_trouble_is_not_anothers() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    arrived(&world, &world.acme, b"mine").await;
    let theirs = arrived(&world, &other, b"theirs").await;
    world.lose_keys(&world.acme).await;
    assert_eq!(world.host.deliver().await.unwrap(), 1);
    assert_eq!(world.host.waits(), 1);
    assert_eq!(read(&world, &other, &theirs, &[]).await.text(), "theirs");
}
