//! Jira tells of changes: what is taken in, what it costs, and what becomes of payloads, names and clocks that are odd.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::atlassian::{Signed, Site};
use local::aws::Service;
use local::jira::user::{ADMIN, MEMBER, PROJECT, SECRET_PROJECT};
use serde_json::{Value, json};

use crate::harness::{Answer, World, app, site};
use crate::secrets::Log;

pub const PATH: &str = "/test-management/webhooks";

/// A payload of an issue's event: what `issue` is like after it.
pub fn payload(event: &str, issue: u64, at_millis: i64, fields: &Value) -> Value {
    let mut fields = fields.clone();
    if fields.get("project").is_none() {
        fields["project"] = json!({"id": PROJECT.to_string(), "key": "DEMO"});
    }
    json!({
        "timestamp": at_millis,
        "webhookEvent": event,
        "user": {"accountId": MEMBER.account_id, "accountType": "atlassian", "displayName": "Max"},
        "issue": {"id": issue.to_string(), "key": format!("DEMO-{issue}"), "fields": fields},
        "changelog": {"id": at_millis.to_string(), "items": []},
    })
}

/// A webhook as Jira sends it.
pub fn webhook(world: &World, site: &Site, event: &str, identifier: &str, body: impl Into<Body>) -> Request<Body> {
    let path = format!("{PATH}/{}", event.trim_start_matches("jira:"));
    let token = site.host_token(Signed { method: "POST", path: &path, query: "" }, world.now()).unwrap();
    let request = Request::post(path).header("authorization", format!("JWT {token}")).header("content-type", "application/json");
    request.header("x-atlassian-webhook-identifier", identifier).body(body.into()).unwrap()
}

/// Tells of a change; the answer.
pub async fn tell(world: &World, event: &str, identifier: &str, payload: &Value) -> Answer {
    world.send(webhook(world, &world.acme, event, identifier, payload.to_string())).await
}

/// Tells that an issue's summary is this now.
pub async fn update(world: &World, issue: u64, at_millis: i64, summary: &str) {
    let payload = payload("jira:issue_updated", issue, at_millis, &json!({"summary": summary}));
    let identifier = format!("{issue}-{at_millis}");
    assert_eq!(tell(world, "jira:issue_updated", &identifier, &payload).await.status, StatusCode::NO_CONTENT);
}

/// Selects projects and fields; gives the answer.
pub async fn select(world: &World, site: &Site, projects: &[u64], fields: &[&str]) -> Answer {
    let projects: Vec<String> = projects.iter().map(ToString::to_string).collect();
    world.put(site, "issue-copies", &json!({"projects": projects, "fields": fields}).to_string()).await
}

/// A world whose first site has selected summaries of the members' project.
pub async fn selected() -> World {
    let world = World::installed().await;
    assert!(select(&world, &world.acme, &[PROJECT], &["summary"]).await.status.is_success());
    deliver(&world).await;
    world
}

/// Hands out whatever can be, and what is sent on meanwhile.
pub async fn deliver(world: &World) {
    for _ in 0..5 {
        world.host.deliver().await.unwrap();
    }
    assert_eq!(world.host.waits(), 0);
}

/// What the app shows of an issue.
pub async fn copies(world: &World, site: &Site, issue: u64) -> Answer {
    world.as_page(site, Method::GET, &format!("/test-management/issue-copies/{issue}"), Body::empty()).await
}

/// The summaries of both copies, the latest first.
pub async fn summaries(world: &World, issue: u64) -> Vec<String> {
    let answer = copies(world, &world.acme, issue).await;
    if answer.status == StatusCode::NOT_FOUND {
        return Vec::new();
    }
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let shown = answer.json();
    let both = [&shown["latest"], &shown["previous"]].into_iter().filter(|copy| copy.is_object());
    both.map(|copy| copy["fields"]["summary"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Now, in milliseconds.
pub fn millis(world: &World) -> i64 {
    world.now() * 1000
}

pub async fn dead_letters(world: &World) -> Vec<String> {
    let letters = world.host.dead_letters().await.unwrap();
    letters.iter().map(|letter| letter["reason"].as_str().unwrap_or("as it came").to_owned()).collect()
}

/// Promise E-15.
#[tokio::test]
async fn an_issue_is_kept_as_it_is_and_as_it_was_before() {
    let world = selected().await;
    let now = millis(&world);
    let created = payload("jira:issue_created", 10_001, now, &json!({"summary": "one", "description": "not selected"}));
    assert_eq!(tell(&world, "jira:issue_created", "a", &created).await.status, StatusCode::NO_CONTENT);
    update(&world, 10_001, now + 1_000, "two").await;
    update(&world, 10_001, now + 2_000, "three").await;
    deliver(&world).await;
    let shown = copies(&world, &world.acme, 10_001).await.json();
    let expected = json!({
        "issueId": "10001", "issueKey": "DEMO-10001", "projectId": "10000",
        "lastEventAt": "2026-11-22T12:00:02Z", "goneAt": "2026-12-22T12:00:02Z",
        "latest": {"event": "jira:issue_updated", "at": "2026-11-22T12:00:02Z", "fields": {"summary": "three"}},
        "previous": {"event": "jira:issue_updated", "at": "2026-11-22T12:00:01Z", "fields": {"summary": "two"}},
        "difference": [{"field": "summary", "before": "two", "after": "three"}],
    });
    assert_eq!(shown, expected);
}

/// Promise A-05: nothing is selected until somebody does.
#[tokio::test]
async fn by_default_nothing_is_kept() {
    let world = World::installed().await;
    let mark = world.aws().calls().mark();
    update(&world, 10_001, millis(&world), "m4rk").await;
    assert_eq!(world.aws().calls().since(mark).iter().filter(|call| call.service == Service::Sqs).count(), 0);
    assert_eq!(copies(&world, &world.acme, 10_001).await.status, StatusCode::NOT_FOUND);
}

/// Promise A-26, as far as copies go: of other projects nothing is kept, and nothing of other fields.
#[tokio::test]
async fn what_is_not_selected_reaches_no_queue() {
    let world = selected().await;
    let mark = world.aws().calls().mark();
    let elsewhere = json!({"summary": "s", "project": {"id": SECRET_PROJECT.to_string()}});
    for (number, event) in ["jira:issue_created", "jira:issue_updated"].into_iter().enumerate() {
        let payload = payload(event, 7, millis(&world), &elsewhere);
        assert_eq!(tell(&world, event, &number.to_string(), &payload).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(world.aws().calls().since(mark).iter().filter(|call| call.service == Service::Sqs).count(), 0);
}

#[tokio::test]
async fn a_webhook_costs_two_round_trips() {
    let world = selected().await;
    update(&world, 1, millis(&world), "warm").await;
    let mark = world.aws().calls().mark();
    update(&world, 1, millis(&world) + 1, "counted").await;
    let calls: Vec<String> = world.aws().calls().since(mark).into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["BatchGetItem", "SendMessage"]);
    // However large it is: what could not be kept is not sent.
    let large = payload("jira:issue_updated", 1, millis(&world) + 2, &json!({"summary": "s".repeat(4 << 20)}));
    let mark = world.aws().calls().mark();
    assert_eq!(tell(&world, "jira:issue_updated", "large", &large).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.aws().calls().since(mark).len(), 2);
}

#[tokio::test]
async fn keeping_an_event_costs_four_calls_to_dynamodb() {
    let world = selected().await;
    update(&world, 1, millis(&world), "warm").await;
    deliver(&world).await;
    update(&world, 1, millis(&world) + 1, "counted").await;
    let mark = world.aws().calls().mark();
    deliver(&world).await;
    let calls: Vec<String> = world.aws().calls().since(mark).into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["BatchGetItem", "GetItem", "TransactWriteItems", "GetItem"]);
}

#[tokio::test]
async fn an_event_that_comes_again_counts_once_for_a_week() {
    let world = selected().await;
    let now = millis(&world);
    update(&world, 5, now, "one").await;
    update(&world, 5, now + 1, "two").await;
    deliver(&world).await;
    let log = Log::kept();
    for hours in [0, 1, 7 * 24 - 2] {
        for _ in 0..hours {
            world.clock.advance(Duration::from_secs(3_600));
            world.host.run_schedule("issue-copies-sweep").await.unwrap().unwrap();
        }
        update(&world, 5, now, "one").await;
        deliver(&world).await;
    }
    assert_eq!(summaries(&world, 5).await, ["two", "one"]);
    // The first repetition met the queue's own memory of five minutes, the others ours.
    assert_eq!(log.text().matches("\"seen before\"").count(), 2);
}

#[tokio::test]
async fn another_event_of_the_same_name_goes_to_the_dead_letters() {
    let world = selected().await;
    let now = millis(&world);
    for summary in ["one", "other"] {
        let payload = payload("jira:issue_updated", 5, now, &json!({"summary": summary}));
        assert_eq!(tell(&world, "jira:issue_updated", "same", &payload).await.status, StatusCode::NO_CONTENT);
    }
    // In one batch, and then by what was noted of the first.
    deliver(&world).await;
    let third = payload("jira:issue_updated", 5, now, &json!({"summary": "third"}));
    assert_eq!(tell(&world, "jira:issue_updated", "same", &third).await.status, StatusCode::NO_CONTENT);
    deliver(&world).await;
    assert_eq!(dead_letters(&world).await, ["another event has the same identifier"; 2]);
    let digest = shared::tenant::id::digest(app().slug, &world.acme.client_key);
    assert_eq!(world.host.dead_letters().await.unwrap()[0]["digest"], digest.as_str());
    assert_eq!(summaries(&world, 5).await, ["one"]);
}

#[tokio::test]
async fn an_event_without_a_name_is_known_by_what_it_says() {
    let world = selected().await;
    let body = payload("jira:issue_updated", 5, millis(&world), &json!({"summary": "one"})).to_string();
    for _ in 0..2 {
        let mut request = webhook(&world, &world.acme, "jira:issue_updated", "x", body.clone());
        request.headers_mut().remove("x-atlassian-webhook-identifier");
        assert_eq!(world.send(request).await.status, StatusCode::NO_CONTENT);
        deliver(&world).await;
    }
    assert_eq!(summaries(&world, 5).await, ["one"]);
}

#[tokio::test]
async fn what_we_cause_ourselves_is_dropped() {
    let world = selected().await;
    let now = millis(&world);
    update(&world, 5, now, "theirs").await;
    deliver(&world).await;
    // The app's own user did it.
    let mut by_app = payload("jira:issue_updated", 5, now + 1, &json!({"summary": "ours"}));
    by_app["user"] = json!({"accountId": local::jira::user::APP_ACCOUNT, "accountType": "app"});
    assert_eq!(tell(&world, "jira:issue_updated", "by-app", &by_app).await.status, StatusCode::NO_CONTENT);
    // Another app did it.
    let mut by_other = payload("jira:issue_updated", 5, now + 2, &json!({"summary": "another app's"}));
    by_other["user"] = json!({"accountId": "557058:another", "accountType": "app"});
    assert_eq!(tell(&world, "jira:issue_updated", "by-other", &by_other).await.status, StatusCode::NO_CONTENT);
    deliver(&world).await;
    assert_eq!(summaries(&world, 5).await, ["another app's", "theirs"]);
    // A call of ours carried our trace.
    let trace = world.jira.asked().pop().expect("the site was asked who we are").trace;
    let body = payload("jira:issue_updated", 5, now + 3, &json!({"summary": "ours"})).to_string();
    let mark = world.aws().calls().mark();
    for (trace, sent) in [(trace.as_str(), 0), ("somebody-elses", 1)] {
        let mut request = webhook(&world, &world.acme, "jira:issue_updated", "traced", body.clone());
        request.headers_mut().insert("x-atlassian-webhook-trace", trace.parse().unwrap());
        assert_eq!(world.send(request).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.aws().calls().since(mark).iter().filter(|call| call.service == Service::Sqs).count(), sent);
    }
}

#[tokio::test]
async fn an_issue_that_we_delete_ourselves_is_gone_all_the_same() {
    let world = selected().await;
    update(&world, 5, millis(&world), "one").await;
    let mut deleted = payload("jira:issue_deleted", 5, millis(&world) + 1, &json!({}));
    deleted["user"] = json!({"accountId": local::jira::user::APP_ACCOUNT, "accountType": "app"});
    assert_eq!(tell(&world, "jira:issue_deleted", "d", &deleted).await.status, StatusCode::NO_CONTENT);
    deliver(&world).await;
    assert_eq!(copies(&world, &world.acme, 5).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn payloads_that_are_none_are_refused_by_their_field() {
    let world = selected().await;
    for (body, status, field) in [
        ("".to_owned(), 400, "body"),
        ("[]".to_owned(), 400, "body"),
        ("{\"issue\":".to_owned(), 400, "body"),
        ("{}".to_owned(), 400, "issue.id"),
        (json!({"issue": {"id": "DEMO-1"}}).to_string(), 400, "issue.id"),
        (json!({"issue": {"id": "1"}, "webhookEvent": "jira:issue_deleted"}).to_string(), 400, "webhookEvent"),
        (" ".repeat(5 * 1024 * 1024 + 1), 413, "body"),
        (" ".repeat(25 * 1024 * 1024), 413, ""),
    ] {
        let answer = world.send(webhook(&world, &world.acme, "jira:issue_updated", "x", body.clone())).await;
        assert_eq!(answer.status.as_u16(), status, "{} bytes: {}", body.len(), answer.text());
        if !field.is_empty() {
            assert_eq!(answer.field(), field);
        }
    }
    assert_eq!(tell(&world, "unheard_of", "x", &json!({})).await.status, StatusCode::NOT_FOUND);
    deliver(&world).await;
    assert!(dead_letters(&world).await.is_empty());
}

#[tokio::test]
async fn what_hangs_on_an_issue_prolongs_its_copies_and_shows_nothing() {
    let world = selected().await;
    let now = millis(&world);
    update(&world, 5, now, "one").await;
    deliver(&world).await;
    world.clock.advance(Duration::from_secs(20 * 86_400));
    let comment =
        json!({"timestamp": millis(&world), "webhookEvent": "comment_created", "comment": {"body": "m4rk"}, "issue": {"id": "5"}});
    let worklog = json!({"timestamp": millis(&world), "webhookEvent": "worklog_created", "worklog": {"issueId": "6"}});
    let nobodys = json!({"timestamp": millis(&world), "webhookEvent": "attachment_created", "attachment": {"id": "1"}});
    for (event, payload) in [("comment_created", &comment), ("worklog_created", &worklog), ("attachment_created", &nobodys)] {
        assert_eq!(tell(&world, event, event, payload).await.status, StatusCode::NO_CONTENT, "{event}");
    }
    deliver(&world).await;
    world.clock.advance(Duration::from_secs(20 * 86_400));
    assert_eq!(summaries(&world, 5).await, ["one"]);
    assert_eq!(copies(&world, &world.acme, 6).await.status, StatusCode::NOT_FOUND);
    assert!(!copies(&world, &world.acme, 5).await.text().contains("m4rk"));
    world.clock.advance(Duration::from_secs(10 * 86_400));
    assert_eq!(copies(&world, &world.acme, 5).await.status, StatusCode::NOT_FOUND);
}

/// What another project's comments and a busy hour's are told of is not kept, and costs no writing.
#[tokio::test]
async fn comments_cost_a_writing_an_hour_at_most() {
    let world = selected().await;
    let now = millis(&world);
    update(&world, 5, now, "one").await;
    deliver(&world).await;
    let comment = |at: i64, fields: Value| json!({"timestamp": at, "comment": {}, "issue": {"id": "5", "fields": fields}});
    let elsewhere = comment(now, json!({"project": {"id": SECRET_PROJECT.to_string()}}));
    let mark = world.aws().calls().mark();
    assert_eq!(tell(&world, "comment_created", "elsewhere", &elsewhere).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.aws().calls().since(mark).iter().filter(|call| call.service == Service::Sqs).count(), 0);
    world.clock.advance(Duration::from_secs(7_200));
    for (minutes, writings) in [(30, 0), (61, 1), (90, 1)] {
        let told = comment(now + minutes * 60_000, json!({}));
        assert_eq!(tell(&world, "comment_created", &minutes.to_string(), &told).await.status, StatusCode::NO_CONTENT);
        deliver(&world).await;
        let calls = world.aws().calls().since(mark);
        assert_eq!(calls.iter().filter(|call| call.operation == "TransactWriteItems").count(), writings, "{minutes}");
    }
}

#[tokio::test]
async fn an_event_from_the_future_does_not_stay_the_newest() {
    let world = selected().await;
    let now = millis(&world);
    update(&world, 5, now + 86_400_000 * 365, "from next year").await;
    deliver(&world).await;
    world.clock.advance(Duration::from_secs(60));
    update(&world, 5, now + 30_000, "from now").await;
    deliver(&world).await;
    assert_eq!(summaries(&world, 5).await, ["from now", "from next year"]);
    let shown = copies(&world, &world.acme, 5).await.json();
    assert_eq!(shown["previous"]["at"], "2026-11-22T12:00:00Z");
}

/// Promise A-43: another tenant's token and another tenant's issue of the same number are another's.
#[tokio::test]
async fn tenants_do_not_meet() {
    let world = selected().await;
    let other = site("other");
    assert_eq!(world.install(&other).await.status, StatusCode::NO_CONTENT);
    assert!(select(&world, &other, &[PROJECT], &["summary"]).await.status.is_success());
    update(&world, 5, millis(&world), "acme's").await;
    deliver(&world).await;
    assert_eq!(copies(&world, &other, 5).await.status, StatusCode::NOT_FOUND);
    // The message of one, said to be for the other, does not open.
    update(&world, 6, millis(&world), "acme's").await;
    let [message] = <[String; 1]>::try_from(world.aws().messages("IssueEventsQueue").await.unwrap()).unwrap();
    deliver(&world).await;
    let own: Value = serde_json::from_str(&message).unwrap();
    let tenant = world.tenant(&other).await;
    let forged = json!({"digest": shared::tenant::id::digest(app().slug, &other.client_key), "tenant_id": tenant["tenant_id"], "sealed": own["sealed"]});
    for (body, reason) in
        [(forged.to_string(), "does not open"), ("{}".to_owned(), "not a message of ours"), (String::new(), "not a message of ours")]
    {
        world.host.send_to_queue("IssueEventsQueue", body).unwrap();
        deliver(&world).await;
        assert_eq!(dead_letters(&world).await.last().map(String::as_str), Some(reason));
    }
    assert_eq!(copies(&world, &other, 6).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn copies_are_for_those_who_may_see_the_project() {
    let world = World::installed().await;
    assert!(select(&world, &world.acme, &[PROJECT, SECRET_PROJECT], &["summary"]).await.status.is_success());
    update(&world, 1, millis(&world), "for members").await;
    let secret = payload("jira:issue_updated", 2, millis(&world), &json!({"summary": "s", "project": {"id": SECRET_PROJECT.to_string()}}));
    assert_eq!(tell(&world, "jira:issue_updated", "s", &secret).await.status, StatusCode::NO_CONTENT);
    deliver(&world).await;
    for (user, issue, status) in [(ADMIN, 1, 200), (ADMIN, 2, 200), (MEMBER, 1, 200), (MEMBER, 2, 403), (MEMBER, 3, 404)] {
        let token = world.acme.context_token_for(user, world.now()).unwrap();
        let request = Request::get(format!("/test-management/issue-copies/{issue}")).header("authorization", format!("JWT {token}"));
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{} {issue}: {}", user.key, answer.text());
    }
    for odd in ["DEMO-1", "01", "-1", "18446744073709551616"] {
        let answer = world.as_page(&world.acme, Method::GET, &format!("/test-management/issue-copies/{odd}"), Body::empty()).await;
        assert_eq!((answer.status, answer.field().as_str()), (StatusCode::BAD_REQUEST, "issueId"), "{odd}");
    }
}

#[tokio::test]
async fn whoever_has_the_copies_is_not_sent_them_again() {
    let world = selected().await;
    update(&world, 1, millis(&world), "one").await;
    deliver(&world).await;
    let etag = copies(&world, &world.acme, 1).await.etag();
    let token = world.acme.context_token(world.now()).unwrap();
    let request =
        Request::get("/test-management/issue-copies/1").header("authorization", format!("JWT {token}")).header("if-none-match", etag);
    assert_eq!(world.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::NOT_MODIFIED);
}
