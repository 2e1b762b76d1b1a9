//! What operators do about leavings: what they are shown, what they may do when, and that nobody else can.

mod counting;
mod early;
mod marks;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use local::atlassian::Site;
use local::host::ORIGIN_SECRET;
use serde_json::{Value, json};
use shared::platform::clock::rfc3339;
use shared::platform::door;
use shared::tenant::departure::{Departure, Proof};
use shared::tenant::departures;
use shared::tenant::id::digest;
use shared::tenant::moves::purging::{self, Begun};

use crate::attachments::{attached, noise};
use crate::harness::{Answer, World, answer};

pub const ADA: &str = "arn:aws:sts::111122223333:assumed-role/lethe-support/ada";
const BEN: &str = "arn:aws:sts::111122223333:assumed-role/lethe-support/ben";

pub const DAY: i64 = 86_400;

/// A body about this site.
pub fn about(site: &Site, more: Value) -> Value {
    let mut body = json!({"clientKey": site.client_key, "ticket": 1234});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

pub fn request(route: &str, body: &Value) -> Request<Body> {
    let request = Request::post(format!("/test-management/erasure/{route}")).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

pub async fn by(world: &World, principal: &str, request: Request<Body>) -> Answer {
    let (parts, body) = world.host.as_operator(principal, request).await.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

/// Asks as Ada, about the first site.
pub async fn ask(world: &World, route: &str, more: Value) -> Answer {
    by(world, ADA, request(route, &about(&world.acme, more))).await
}

/// Our own id of the life that a site has, or had last.
pub fn tenant_id(world: &World, site: &Site) -> String {
    let digest = digest(site.app.slug, &site.client_key);
    let of_site = |table| world.aws().items(table).unwrap().into_iter().filter(|item| item["digest"]["S"] == digest.as_str());
    let present = of_site("TenantsTable").next();
    let left = of_site("DeparturesTable").max_by_key(|item| item["epoch"]["N"].as_str().unwrap().parse::<u64>().unwrap());
    present.or(left).unwrap()["tenant_id"]["S"].as_str().unwrap().to_owned()
}

/// Asks for earlier deletion of the life that the first site has, or had last.
async fn early(world: &World, reason: &str) -> Answer {
    ask(world, "early-deletion", json!({"reason": reason, "tenantId": tenant_id(world, &world.acme)})).await
}

async fn done(world: &World, route: &str, more: Value) -> Value {
    let answer = ask(world, route, more).await;
    assert_eq!(answer.status, StatusCode::OK, "{route}: {}", answer.text());
    answer.json()
}

#[track_caller]
fn assert_refused(answer: &Answer, detail: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::CONFLICT, "wrong-state"), "{}", answer.text());
    assert_eq!(answer.json()["detail"], detail);
}

/// A world in which somebody has left, two days after coming, and has left something behind.
pub async fn left() -> World {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"red\"").await;
    days(&world, 2);
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    world
}

fn days(world: &World, days: u64) {
    world.clock.advance(Duration::from_secs(days * 86_400));
}

pub async fn departure(world: &World) -> Departure {
    let platform = world.host.platform("erasure").unwrap();
    let digest = digest("test-management", &world.acme.client_key);
    let mut all = departures::of_digest(&platform, &digest).await.unwrap();
    all.sort_by_key(|departure| departure.epoch);
    all.pop().unwrap()
}

/// The purge begins, if it may.
async fn purge(world: &World) -> Begun {
    purging::begin(&world.host.platform("purge").unwrap(), &departure(world).await).await.unwrap()
}

/// The purge ends, as if a worker had found nothing any more.
async fn finish(world: &World) {
    let departure = departure(world).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let lease = dynamodb.update_item().table_name("DeparturesTable").key("digest", AttributeValue::S(departure.digest.clone()));
    let lease = lease
        .key("tenant_id", AttributeValue::S(departure.tenant_id.clone()))
        .update_expression("SET lease = :lease, lease_until = :until");
    let lease = lease.expression_attribute_values(":lease", AttributeValue::S("lease".to_owned()));
    lease.expression_attribute_values(":until", AttributeValue::N("9999999999".to_owned())).send().await.unwrap();
    let proof = Proof { purged_at: world.now(), certificate: "{\"certificate\": {}}".to_owned(), salt: "5a17".to_owned() };
    purging::finish(&world.host.platform("purge").unwrap(), &departure, "lease", &proof).await.unwrap();
}

/// The entries of the audit, the oldest first, without what differs from run to run.
pub fn audit(world: &World) -> Vec<Value> {
    let dump = world.aws().dump().unwrap();
    let mut entries = dump["AuditTable"].as_array().unwrap().clone();
    entries.sort_by_key(|entry| entry["at"]["S"].as_str().unwrap().to_owned());
    entries
}

/// Everything that is stored but the audit.
pub fn kept(world: &World) -> Value {
    let mut dump = world.aws().dump().unwrap();
    dump.as_object_mut().unwrap().remove("AuditTable");
    dump
}

/// Promises A-36 and A-41: nothing that a caller sends makes it an operator.
#[tokio::test]
async fn whom_iam_has_not_let_in_is_refused_and_nothing_happens() {
    let world = left().await;
    let (before, calls) = (world.aws().dump().unwrap(), world.aws().calls().mark());
    let erasure = world.host.function("erasure").unwrap();
    let iam = json!({"authorizer": {"iam": {"userArn": ADA}}});
    for route in ["status", "dry-run", "early-deletion", "mark", "unmark", "hold", "lift", "nothing"] {
        let body = about(&world.acme, json!({"reason": "customer-request", "requestContext": iam}));
        let mut forged = request(route, &body);
        for (name, value) in [
            ("x-lethe-origin", ORIGIN_SECRET),
            ("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/lambda/aws4_request, SignedHeaders=host, Signature=0"),
            ("x-amzn-iam-user-arn", ADA),
            ("userarn", ADA),
            ("x-amzn-request-context", &iam.to_string()),
        ] {
            forged.headers_mut().insert(name, value.parse().unwrap());
        }
        let refused = answer(erasure.clone(), forged).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{route}");
        assert_eq!(world.send(request(route, &body)).await.status, StatusCode::NOT_FOUND, "no pattern of the front door leads here");
        // As Lambda calls where it has checked nothing, or something else than IAM.
        for authorizer in
            [json!(null), json!({}), json!({"iam": null}), json!({"iam": {"userArn": "ada"}}), json!({"jwt": {"claims": {"userArn": ADA}}})]
        {
            let event = json!({
                "rawPath": format!("/test-management/erasure/{route}"), "headers": {"x-lethe-origin": ORIGIN_SECRET, "content-type": "application/json"},
                "requestContext": {"http": {"method": "POST"}, "authorizer": authorizer}, "body": body.to_string(),
            });
            let refused = door::answer(erasure.clone(), serde_json::from_value(event).unwrap()).await;
            assert_eq!(refused.status_code, 403, "{route} {authorizer}");
        }
    }
    assert_eq!(world.aws().calls().since(calls), Vec::new());
    assert!(world.aws().dump().unwrap() == before);
}

#[tokio::test]
async fn an_operator_is_heard_by_no_function_that_tenants_call() {
    let world = left().await;
    let account = Request::get("/test-management/account").header("x-lethe-origin", ORIGIN_SECRET).body(Body::empty()).unwrap();
    assert_eq!(by(&world, ADA, account).await.status, StatusCode::NOT_FOUND);
}

/// Promise E-30: who, what, for which ticket, and why.
#[tokio::test]
async fn every_call_is_in_the_audit_and_how_it_ended_too() {
    let world = left().await;
    done(&world, "hold", json!({"reason": "dispute", "days": 3})).await;
    world.clock.advance(Duration::from_millis(1));
    early(&world, "regulator").await;
    world.clock.advance(Duration::from_millis(1));
    done(&world, "status", json!({})).await;
    world.clock.advance(Duration::from_millis(1));
    let nobody = request("status", &json!({"clientKey": "nobody", "ticket": 7}));
    assert_eq!(by(&world, BEN, nobody).await.status, StatusCode::NOT_FOUND);
    let entries = audit(&world);
    let text = |entry: &Value, name: &str| entry[name]["S"].as_str().unwrap_or_default().to_owned();
    let told: Vec<_> = entries.iter().map(|entry| ["who", "what", "reason", "outcome"].map(|name| text(entry, name))).collect();
    let line = |parts: [&str; 4]| parts.map(ToOwned::to_owned);
    assert_eq!(
        told,
        [
            line([ADA, "hold", "dispute", ""]),
            line(["", "", "", "done"]),
            line([ADA, "early-deletion", "regulator", ""]),
            line(["", "", "", "refused"]),
            line([ADA, "status", "", ""]),
            line(["", "", "", "done"]),
            line([BEN, "status", "", ""]),
            line(["", "", "", "refused"]),
        ]
    );
    let left = departure(&world).await;
    assert_eq!((text(&entries[0], "digest"), text(&entries[0], "tenant_id")), (left.digest, left.tenant_id));
    assert_eq!((&entries[6]["tenant_id"], &entries[6]["ticket"]), (&Value::Null, &json!({"N": "7"})));
    assert!(entries.iter().all(|entry| text(entry, "service") == "erasure"));
    assert_eq!(text(&entries[1], "at"), format!("{}#outcome", text(&entries[0], "at")), "an outcome follows its entry");
    let seven_years = (world.now() + (7 * 365 + 2) * DAY).to_string();
    assert!(entries.iter().all(|entry| entry["expires_at"]["N"] == seven_years.as_str()));
}

#[tokio::test]
async fn a_body_that_is_not_of_its_form_is_refused_by_the_field_and_not_noted() {
    let world = left().await;
    let good = about(&world.acme, json!({}));
    let but = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (route, body, field) in [
        ("status", json!({"ticket": 1}), "clientKey"),
        ("status", but("clientKey", json!("")), "clientKey"),
        ("status", but("clientKey", json!(["acme-client-key"])), "clientKey"),
        ("status", but("clientKey", json!("a".repeat(256))), "clientKey"),
        ("status", but("ticket", Value::Null), "ticket"),
        ("status", but("ticket", json!(0)), "ticket"),
        ("status", but("ticket", json!(-1)), "ticket"),
        ("status", but("ticket", json!("1234")), "ticket"),
        ("status", but("ticket", json!(1.5)), "ticket"),
        ("status", but("note", json!("the customer is angry")), "body"),
        ("status", json!([]), "body"),
        ("status", but("reason", json!("dispute")), "reason"),
        ("status", but("tenantId", json!("")), "tenantId"),
        ("status", but("tenantId", json!(7)), "tenantId"),
        ("status", but("tenantId", json!("a".repeat(65))), "tenantId"),
        ("lift", but("days", json!(1)), "days"),
        ("unmark", but("days", json!(1)), "days"),
        ("unmark", but("reason", json!("customer-request")), "reason"),
        ("early-deletion", but("reason", json!("customer-request")), "tenantId"),
        ("early-deletion", but("tenantId", json!("a")), "reason"),
        ("early-deletion", about(&world.acme, json!({"tenantId": "a", "reason": "they shouted"})), "reason"),
        ("mark", but("reason", json!("regulator")), "reason"),
        ("hold", but("reason", json!("dispute")), "days"),
        ("hold", about(&world.acme, json!({"reason": "dispute", "days": 31})), "days"),
        ("hold", about(&world.acme, json!({"reason": "dispute", "days": 0})), "days"),
        ("hold", about(&world.acme, json!({"reason": "boredom", "days": 1})), "reason"),
    ] {
        let refused = by(&world, ADA, request(route, &body)).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "{route} {body}");
        assert_eq!(refused.field(), field, "{route} {body}");
        assert!(!refused.text().contains("angry") && !refused.text().contains("shouted"), "{}", refused.text());
    }
    let twice = r#"{"clientKey": "acme-client-key", "clientKey": "other-client-key", "ticket": 1}"#;
    for (text, field) in [(twice, "body"), ("", "body"), ("{", "body")] {
        let body =
            Request::post("/test-management/erasure/status").header("content-type", "application/json").body(Body::from(text)).unwrap();
        let refused = by(&world, ADA, body).await;
        assert_eq!((refused.status, refused.field().as_str()), (StatusCode::BAD_REQUEST, field), "{text}");
    }
    let mut form = request("status", &good);
    form.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(by(&world, ADA, form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(audit(&world), Vec::<Value>::new());
}

/// Promises E-17, E-33.
#[tokio::test]
async fn the_status_of_one_who_left_says_when_everything_is_gone() {
    let world = left().await;
    let (at, now) = (|days: i64| rfc3339(world.now() + days * DAY), world.now());
    let status = done(&world, "status", json!({})).await;
    assert_eq!(
        (&status["state"], &status["epoch"], &status["installedAt"]),
        (&json!("unsubscribed"), &json!(1), &json!(rfc3339(now - 2 * DAY)))
    );
    let left = &status["departures"][0];
    assert_eq!((&left["stage"], &left["cause"], &left["leftAt"]), (&json!("marked"), &json!("uninstalled"), &json!(at(0))));
    for (date, days) in
        [("mayReturnUntil", 110), ("purgeAfter", 110), ("keysExpireAt", 111), ("unreadableBy", 127), ("goneBy", 165), ("deadline", 180)]
    {
        assert_eq!(left[date], at(days), "{date}");
    }
    assert_eq!((&left["hold"], &left["purge"]), (&Value::Null, &Value::Null));
    assert_eq!(kept(&world)["DeparturesTable"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_status_of_a_purge_shows_its_deeds_and_at_the_end_its_certificate() {
    let world = left().await;
    days(&world, 110);
    assert!(matches!(purge(&world).await, Begun::Purging { .. }));
    let shredded = world.now();
    let status = done(&world, "status", json!({})).await;
    let going = &status["departures"][0];
    assert_eq!((&status["state"], &going["stage"]), (&json!("purging"), &json!("purging")));
    assert_eq!((&going["mayReturnUntil"], &going["keysExpireAt"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&going["purge"]["keysDeletedAt"], &going["unreadableBy"]),
        (&json!(rfc3339(shredded)), &json!(rfc3339(shredded + 13 * DAY)))
    );
    days(&world, 1);
    finish(&world).await;
    let status = done(&world, "status", json!({})).await;
    let gone = &status["departures"][0];
    assert_eq!((&status["state"], &gone["stage"]), (&Value::Null, &json!("purged")));
    assert_eq!((&gone["purge"]["certificate"], &gone["purge"]["salt"]), (&json!({"certificate": {}}), &json!("5a17")));
    assert_eq!(gone["goneBy"], rfc3339(world.now() + 48 * DAY));
}

#[tokio::test]
async fn a_dry_run_counts_what_will_go_and_opens_and_changes_nothing() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"red\"").await;
    let id = attached(&world, "name=a&owner=o", noise(100)).await;
    let active = done(&world, "dry-run", json!({})).await;
    assert_eq!((&active["lives"][0]["when"], &active["lives"][0]["why"]), (&Value::Null, &Value::Null));
    days(&world, 2);
    world.uninstall(&world.acme).await;
    let (before, mark) = (kept(&world), world.aws().calls().mark());
    let told = done(&world, "dry-run", json!({})).await;
    assert!(kept(&world) == before);
    assert!(world.aws().calls().since(mark).iter().all(|call| call.to_string() != "KMS.Decrypt"));
    let life = &told["lives"][0];
    let counted = |what: &str| life["what"].as_array().unwrap().iter().find(|thing| thing["what"] == what).unwrap().clone();
    assert_eq!(life["what"][0], json!({"what": "tenant-keys", "how": "keys-shredded", "count": 1}), "the keys go first");
    assert_eq!(life["what"][1], json!({"what": "account", "how": "deleted", "count": 1}));
    assert_eq!(counted("configuration"), json!({"what": "configuration", "how": "deleted", "count": 1}));
    assert_eq!(
        (&counted("attachment")["count"], &counted("attachment-usage")["count"], &counted("upload")["count"]),
        (&json!(1), &json!(1), &json!(0))
    );
    let sealed: usize =
        world.aws().files().unwrap().iter().filter(|(name, _)| name.contains(&id) && !name.contains('#')).map(|(_, file)| file.len()).sum();
    assert_eq!(counted("sealed-versions"), json!({"what": "sealed-versions", "how": "all-versions-deleted", "count": 1, "bytes": sealed}));
    assert_eq!(life["when"].as_array().unwrap().last().unwrap()["at"], rfc3339(world.now() + 180 * DAY));
    assert_eq!((&life["why"]["cause"], &counted("incoming-objects")["count"]), (&json!("uninstalled"), &json!(0)));
    world.lose_keys(&world.acme).await;
    assert_eq!(done(&world, "dry-run", json!({})).await["lives"][0]["what"][0]["count"], 0, "no key is left");
}
