//! Issues: what an app is told of them, how, and how often.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use shared::connect::catalogue::Catalogue;
use shared::connect::jwt::{Algorithm, QshPolicy, Unverified};
use shared::connect::qsh;
use shared::platform::clock::{Clock as _, ManualClock};
use shared::platform::outbound::{NoAnswer, Outbound};

use super::super::issues::doings::{Happened, IssueDoings, IssueFault};
use super::super::issues::issue::{Actor, Draft, Status};
use super::super::issues::webhook::MOST_RETRIES;
use super::super::issues::{Refusal, myself};
use super::super::user::{ADMIN, ANONYMOUS, APP_ACCOUNT, MEMBER, SECRET_PROJECT};
use super::super::{Jira, Standing};
use super::Player;
use crate::atlassian::Site;
use crate::aws::{Fault, Service};

const SITE: &str = "acme-client-key";
const ADA: Actor = Actor::User(ADMIN);

/// An app that writes down what it is told, and answers it as it is bidden; `None`: not at all.
#[derive(Debug)]
struct App {
    heard: Mutex<Vec<(String, HeaderMap, Value)>>,
    answers: Mutex<Option<u16>>,
}

impl Outbound for App {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        let path = request.uri().path().to_owned();
        let answer = if path.ends_with("/atlassian-connect.json") {
            let events = ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_deleted"];
            let webhooks = events.map(|event| json!({"event": event, "url": format!("/webhooks/{}", event.trim_start_matches("jira:"))}));
            let modules = json!({"webhooks": webhooks});
            Ok(Response::new(json!({"baseUrl": "https://app.example/test-management", "modules": modules}).to_string().into()))
        } else {
            let body = serde_json::from_slice(request.body()).unwrap();
            self.heard.lock().unwrap().push((path, request.headers().clone(), body));
            let status = *self.answers.lock().unwrap();
            status.ok_or(NoAnswer::TooSlow).map(|status| Response::builder().status(status).body(Bytes::new()).unwrap())
        };
        Box::pin(async move { answer })
    }
}

struct Scene {
    app: Arc<App>,
    clock: Arc<ManualClock>,
    site: Site,
    jira: Jira,
    doings: IssueDoings,
}

impl Scene {
    /// A site with an app that answers this.
    fn answering(status: Option<u16>) -> Self {
        let app = Arc::new(App { heard: Mutex::default(), answers: Mutex::new(status) });
        let clock = Arc::new(ManualClock::at(1_795_348_800));
        let jira = Jira::new(Arc::<ManualClock>::clone(&clock));
        let hosted = Catalogue::hosted().iter().next().unwrap();
        let site = Site::acme(hosted, "https://app.example/test-management".to_owned());
        jira.keep(&site);
        let doings = IssueDoings::of(jira.clone(), Arc::<App>::clone(&app));
        Self { app, clock, site, jira, doings }
    }

    async fn create(&self, summary: &str) -> Happened {
        self.doings.create(SITE, ADA, Draft::of(summary)).await.unwrap()
    }

    /// What the app was told since it was asked last.
    fn heard(&self) -> Vec<(String, HeaderMap, Value)> {
        std::mem::take(&mut *self.app.heard.lock().unwrap())
    }

    fn events(&self) -> Vec<String> {
        self.heard().iter().map(|(_, _, payload)| payload["webhookEvent"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_update_says_what_sites_say_of_it_people_included() {
    let scene = Scene::answering(Some(204));
    let issue = scene.create("Gate").await.issue;
    scene.heard();
    let edit = |draft: &mut Draft| {
        draft.summary = "Release gate".to_owned();
        draft.status = Status::InProgress;
        draft.assignee = Some("max".to_owned());
    };
    scene.doings.edit(SITE, ADA, &issue.id, edit).await.unwrap();
    let [(path, _, told)] = scene.heard().try_into().unwrap();
    assert_eq!(path, "/test-management/webhooks/issue_updated");
    let golden: Value = serde_json::from_str(include_str!("issue-updated.json")).unwrap();
    assert_eq!(told, golden, "{told:#}");
}

#[tokio::test]
async fn each_doing_is_told_as_jira_tells_it() {
    let scene = Scene::answering(Some(200));
    let issue = scene.create("Gate").await.issue;
    assert_eq!((issue.id.as_str(), issue.key.as_str()), ("10001", "DEMO-1"));
    assert_eq!(scene.events(), ["jira:issue_created"]);
    scene.doings.comment(SITE, Actor::User(MEMBER), &issue.id, "Is it done?").await.unwrap();
    let [(_, _, commented), (_, _, updated)] = scene.heard().try_into().unwrap();
    assert_eq!((&commented["webhookEvent"], &updated["issue_event_type_name"]), (&json!("comment_created"), &json!("issue_commented")));
    assert_eq!((&commented["issue"]["fields"]["description"], commented.get("user")), (&Value::Null, None), "the issue is short");
    assert_eq!(updated["issue"]["fields"]["comment"]["total"], 1);
    scene.doings.edit(SITE, ADA, &issue.id, |_| {}).await.unwrap();
    assert_eq!(scene.events(), [""; 0], "nothing has changed");
    scene.doings.edit(SITE, ADA, &issue.id, |draft| draft.project = SECRET_PROJECT).await.unwrap();
    let [(_, _, moved)] = scene.heard().try_into().unwrap();
    assert_eq!((&moved["issue"]["key"], &moved["changelog"]["items"][0]["field"]), (&json!("SECRET-1"), &json!("project")));
    scene.doings.delete(SITE, ADA, &issue.id).await.unwrap();
    let deleted = scene.heard();
    let told: Vec<_> =
        deleted.iter().map(|(_, headers, told)| (told["webhookEvent"].clone(), headers["x-atlassian-webhook-flow"].clone())).collect();
    assert_eq!(told, [(json!("jira:issue_deleted"), "Primary".parse().unwrap()), (json!("comment_deleted"), "Secondary".parse().unwrap())]);
    let stamps: Vec<i64> = [&commented, &moved, &deleted[0].2].map(|told| told["timestamp"].as_i64().unwrap()).to_vec();
    assert!(stamps.is_sorted_by(|one, next| one < next), "{stamps:?}: the order is plain even while the clock stands still");
}

#[tokio::test]
async fn a_deleted_issue_is_gone() {
    let scene = Scene::answering(Some(204));
    let (kept, gone) = (scene.create("kept").await.issue, scene.create("gone").await.issue);
    scene.doings.delete(SITE, ADA, &gone.id).await.unwrap();
    let keys: Vec<String> = scene.jira.issues(SITE).into_iter().map(|issue| issue.key).collect();
    assert_eq!(keys, [kept.key]);
    let again = scene.doings.edit(SITE, ADA, &gone.id, |draft| draft.summary = "back".to_owned()).await;
    assert!(matches!(again, Err(IssueFault::Refused(Refusal::Unknown))));
    assert_eq!(scene.create("next").await.issue.key, "DEMO-3", "no key is given twice");
}

#[tokio::test]
async fn an_event_is_signed_for_exactly_its_path() {
    let scene = Scene::answering(Some(204));
    scene.create("Gate").await;
    let [(path, headers, _)] = scene.heard().try_into().unwrap();
    let token = headers["authorization"].to_str().unwrap().strip_prefix("JWT ").unwrap();
    let claims = Unverified::parse(token, Algorithm::Hs256).unwrap().verify_hs256(&[scene.site.shared_secret.as_bytes()]).unwrap();
    let covers = |path: &str| {
        let request = qsh::Request { method: "POST", path, query: "", base_path: "/test-management" };
        claims.check_qsh(QshPolicy::Computed, &request).is_ok()
    };
    assert!(covers(&path) && !covers("/test-management/webhooks/issue_updated"));
    assert!(claims.check_times(scene.clock.now().epoch_seconds()).is_ok());
}

#[tokio::test]
async fn what_is_not_taken_comes_again_five_times_and_no_more() {
    for answer in [None, Some(408), Some(425), Some(429), Some(503)] {
        let scene = Scene::answering(answer);
        scene.create("Gate").await;
        let (first, mut retries) = (scene.heard().remove(0), Vec::new());
        assert!(!first.1.contains_key("x-atlassian-webhook-retry"));
        while let Some(due) = scene.doings.next_retry() {
            assert_eq!(due - scene.clock.now().epoch_seconds(), 300);
            scene.clock.advance(Duration::from_secs(299));
            assert_eq!(scene.doings.retry().await.unwrap(), [], "too early");
            scene.clock.advance(Duration::from_secs(1));
            scene.doings.retry().await.unwrap();
            let [(_, headers, payload)] = scene.heard().try_into().unwrap();
            assert_eq!((&headers["x-atlassian-webhook-identifier"], &payload), (&first.1["x-atlassian-webhook-identifier"], &first.2));
            retries.push(headers["x-atlassian-webhook-retry"].to_str().unwrap().parse::<u32>().unwrap());
        }
        assert_eq!(retries, (1..=MOST_RETRIES).collect::<Vec<_>>(), "{answer:?}");
        assert_eq!(scene.jira.webhooks(SITE), []);
    }
}

#[tokio::test]
async fn what_is_taken_at_last_comes_no_more_and_what_is_refused_is_lost() {
    let scene = Scene::answering(Some(500));
    assert!(scene.create("Gate").await.posted[0].comes_again);
    *scene.app.answers.lock().unwrap() = Some(204);
    scene.clock.advance(Duration::from_secs(300));
    assert!(scene.doings.retry().await.unwrap()[0].is_taken());
    assert_eq!(scene.doings.next_retry(), None);
    for refused in [400, 401, 403, 404, 413] {
        *scene.app.answers.lock().unwrap() = Some(refused);
        let posted = scene.create("Gate").await.posted;
        assert!(!posted[0].is_taken() && !posted[0].comes_again, "{refused}");
    }
    assert_eq!(scene.jira.webhooks(SITE), []);
}

#[tokio::test]
async fn a_site_without_the_app_tells_nobody_and_forgets_what_waited() {
    let scene = Scene::answering(Some(503));
    let issue = scene.create("Gate").await.issue;
    assert_eq!(scene.jira.webhooks(SITE).len(), 1);
    scene.jira.remove(&scene.site);
    scene.heard();
    scene.clock.advance(Duration::from_secs(300));
    assert_eq!(scene.doings.retry().await.unwrap(), []);
    scene.doings.edit(SITE, ADA, &issue.id, |draft| draft.summary = "alone".to_owned()).await.unwrap();
    scene.doings.delete(SITE, ADA, &issue.id).await.unwrap();
    assert_eq!((scene.events().len(), scene.jira.webhooks(SITE).len()), (0, 0));
    scene.jira.keep(&scene.site);
    assert_eq!(scene.jira.site(SITE).unwrap().story.standing, Standing::Active);
    scene.create("back").await;
    assert_eq!(scene.events(), ["jira:issue_created"]);
}

#[tokio::test]
async fn each_event_has_a_name_of_its_own() {
    let scene = Scene::answering(Some(204));
    let issue = scene.create("Gate").await.issue;
    let twice = scene.doings.comment(SITE, ADA, &issue.id, "Yes").await.unwrap().webhooks;
    assert_ne!(twice[0].identifier, twice[1].identifier);
    scene.heard();
    assert_eq!(scene.doings.send_again(&scene.site, &twice[0]).await, Some(204));
    assert_eq!(scene.heard()[0].1["x-atlassian-webhook-identifier"], twice[0].identifier);
}

#[tokio::test]
async fn whoever_does_not_see_a_project_does_nothing_in_it() {
    let scene = Scene::answering(Some(204));
    let secret = Draft { project: SECRET_PROJECT, ..Draft::of("Plans") };
    let issue = scene.doings.create(SITE, ADA, secret.clone()).await.unwrap().issue;
    scene.heard();
    let refused = |done: Result<Happened, IssueFault>| matches!(done, Err(IssueFault::Refused(Refusal::NotSeen)));
    assert!(refused(scene.doings.create(SITE, Actor::User(MEMBER), secret).await));
    assert!(refused(scene.doings.comment(SITE, Actor::User(MEMBER), &issue.id, "?").await));
    assert!(refused(scene.doings.create(SITE, Actor::User(ANONYMOUS), Draft::of("Gate")).await));
    let malformed = [
        Draft::of(" "),
        Draft::of("a\nb"),
        Draft { project: 1, ..Draft::of("a") },
        Draft { assignee: Some("nobody".to_owned()), ..Draft::of("a") },
    ];
    for draft in malformed {
        assert!(matches!(scene.doings.create(SITE, ADA, draft).await, Err(IssueFault::Refused(Refusal::Malformed))));
    }
    assert_eq!(scene.events(), [""; 0]);
}

#[tokio::test]
async fn what_the_app_does_is_told_under_the_account_that_the_app_learns() {
    let scene = Scene::answering(Some(204));
    let issue = scene.create("Gate").await.issue;
    scene.heard();
    scene.doings.edit(SITE, Actor::App, &issue.id, |draft| draft.status = Status::Done).await.unwrap();
    let user = scene.heard()[0].2["user"].clone();
    assert_eq!((&user["accountId"], &user["accountType"], user.get("emailAddress")), (&json!(APP_ACCOUNT), &json!("app"), None));
    assert_eq!(user, myself(&scene.site));
}

/// With the app installed, keeping summaries of the project that members see.
async fn keeping() -> Player {
    let player = Player::new().await;
    player.act("acme", "install").await;
    let unset = player.get("sites/acme/issues").await;
    assert_eq!((&unset["selection"]["status"], &unset["issues"]), (&json!(404), &json!([])), "nothing is kept until somebody says what");
    let selected = player.told("sites/acme/selection", &json!({"projects": ["10000"], "fields": ["summary"]})).await;
    assert_eq!(selected["taken"], true, "{selected}");
    player
}

impl Player {
    async fn told(&self, path: &str, body: &Value) -> Value {
        super::json(self.post(path, body).await).await
    }

    async fn write(&self, path: &str, summary: &str) -> Value {
        let draft = json!({"project": 10_000, "summary": summary, "description": "never selected"});
        self.told(&format!("sites/acme/issues{path}"), &json!({"as": "ada", "draft": draft})).await
    }

    async fn copies(&self, user: &str) -> Value {
        self.get(&format!("sites/acme/issues/10001/copies?user={user}")).await
    }
}

#[tokio::test]
async fn the_page_is_told_what_the_app_keeps_and_what_lies_there() {
    let player = keeping().await;
    assert_eq!(player.write("", "before").await["issue"]["key"], "DEMO-1");
    assert_eq!(player.write("/10001/edit", "after").await["said"], "DEMO-1 is saved. jira:issue_updated was answered 204.");
    let copies = player.copies("max").await;
    assert_eq!((&copies["status"], &copies["body"]["latest"]["fields"]), (&json!(200), &json!({"summary": "after"})));
    assert_eq!(copies["body"]["previous"]["fields"], json!({"summary": "before"}));
    assert_eq!(player.copies("nobody").await["status"], 403);
    let lying = player.get("sites/acme/stored").await.to_string();
    assert!(lying.contains("#issue-copies") && !lying.contains("after") && !lying.contains("DEMO"), "{lying}");
    player.told("sites/acme/issues/10001/delete", &json!({"as": "ada"})).await;
    assert_eq!(player.copies("max").await["status"], 404);
}

#[tokio::test]
async fn a_webhook_that_waits_is_shown_and_sent_as_time_passes() {
    let player = keeping().await;
    // As often as the SDK may try.
    player.machine.aws().faults().on(Service::Sqs, "SendMessage", Fault::InternalError, 10);
    let told = player.write("", "waits").await;
    player.machine.aws().faults().clear();
    assert_eq!(told["said"], "DEMO-1 is created. jira:issue_created was answered 503 and comes again in five minutes.");
    let waiting = player.get("sites/acme/issues").await["webhooks"].clone();
    assert_eq!((&waiting[0]["issue"], &waiting[0]["retry"], &waiting[0]["lastStatus"]), (&json!("DEMO-1"), &json!(1), &json!(503)));
    assert_eq!(player.copies("ada").await["status"], 404);
    let moved = player.told("clock", &json!({"seconds": 3_600})).await;
    assert_eq!(moved["passed"]["messages"]["issue-copies"]["done"], 1, "{moved}");
    assert_eq!((&player.get("sites/acme/issues").await["webhooks"], &player.copies("ada").await["status"]), (&json!([]), &json!(200)));
}
