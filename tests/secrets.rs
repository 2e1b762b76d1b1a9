//! Marks are planted wherever a customer's secrets and texts come in, a customer's whole life is played with them, and then they are looked
//! for: in what is stored, in the log, in the answers.

use std::io::Write;
use std::panic;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, StatusCode};
use local::atlassian::Site;
use local::aws::{Fault, Service};
use serde_json::{Value, json};
use shared::platform::log;
use shared::tenant::id::digest;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use crate::harness::{Answer, CONFIGURATION, World, answer, page_request, post, site};
use crate::log_shape::faults_of;

/// Never to be in any answer.
const SECRETS: [&str; 5] = ["m4rk-first-secret", "m4rk-second-secret", "m4rk-oauth-client", "m4rk-installer", "5be24ad8b1653240376955d2"];

/// The customer's own: to be in answers to the customer, and nowhere else.
const TEXTS: [&str; 12] = [
    "m4rk-client-key",
    "m4rk-site",
    "m4rk-renamed",
    "m4rk-display",
    "m4rk-sen",
    "m4rk-entitlement-id",
    "m4rk-entitlement-number",
    "m4rk-installation",
    "m4rk-description",
    "m4rk-name",
    "m4rk-value",
    "m4rk-bad",
];

/// While there is only one subscriber, tracing asks the thread that comes by first whether anybody listens, and that may be another test's.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(log::subscriber(std::io::sink)));

/// What the log says while this lives, of what happens on this thread.
pub struct Log {
    written: Arc<Mutex<Vec<u8>>>,
    _until: DefaultGuard,
}

struct Pen(Arc<Mutex<Vec<u8>>>);

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn kept() -> Self {
        LazyLock::force(&SECOND);
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let pens = Arc::clone(&written);
        let until = tracing::subscriber::set_default(log::subscriber(move || Pen(Arc::clone(&pens))));
        Self { written, _until: until }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    /// Each line, of the one shape that lines may have.
    pub fn events(&self) -> Vec<Value> {
        let events: Vec<Value> = self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        events.iter().for_each(|event| assert_eq!(faults_of(event), Vec::<String>::new(), "{event}"));
        events
    }

    /// The one event of each call, message and run.
    pub fn of_calls(&self) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"]["duration"].is_u64()).collect()
    }

    /// One line a call: function, method, route, status, reason if there is one.
    fn calls(&self) -> Vec<String> {
        let line = |event: &Value| {
            let text = |place: &str| event.pointer(place).and_then(Value::as_str).unwrap_or_default();
            let [function, method] = ["/faas/name", "/http/request/method"].map(text);
            let [route, reason] = ["/labels/route", "/event/reason"].map(text);
            format!("{function} {method} {route} {} {reason}", event["http"]["response"]["status_code"]).trim_end().to_owned()
        };
        self.of_calls().iter().map(line).collect()
    }
}

fn marked() -> Site {
    Site {
        client_key: "m4rk-client-key".to_owned(),
        shared_secret: "m4rk-first-secret".to_owned(),
        base_url: "https://m4rk-site.atlassian.net".to_owned(),
        ..site("marked")
    }
}

fn payload(site: &Site, event: &str) -> Value {
    let mut payload = site.payload(event);
    let marks = json!({
        "displayUrl": "https://m4rk-display.example", "displayUrlServicedeskHelpCenter": "https://m4rk-display.example", "description": "m4rk-description",
        "serviceEntitlementNumber": "m4rk-sen", "entitlementId": "m4rk-entitlement-id", "entitlementNumber": "m4rk-entitlement-number",
        "oauthClientId": "m4rk-oauth-client", "installationId": "m4rk-installation", "accountId": "m4rk-installer",
    });
    payload.as_object_mut().unwrap().extend(marks.as_object().unwrap().clone());
    payload
}

/// A customer whose every call is kept: the answer, and what the log is to say of it.
struct Story {
    world: World,
    site: Site,
    log: Log,
    answers: Vec<Answer>,
}

impl Story {
    async fn begin() -> Self {
        let world = World::new().await;
        Self { world, site: marked(), log: Log::kept(), answers: Vec::new() }
    }

    /// Keeps the answer; the log must have told of it in a line that begins so.
    fn tell(&mut self, answer: Answer, expected: &str) -> &Answer {
        self.answers.push(answer);
        let told = self.log.calls().pop().unwrap_or_default();
        assert!(told.starts_with(expected), "{told} and not {expected}");
        self.answers.last().unwrap()
    }

    /// A lifecycle event, a second after whatever was before.
    async fn event(&mut self, event: &str, status: u16) {
        self.world.clock.advance(Duration::from_secs(1));
        let answer = self.world.lifecycle(&self.site, event, self.world.now(), &payload(&self.site, event)).await;
        self.tell(answer, &format!("{event} POST /{{app}}/{event} {status}"));
    }

    /// A call of a page, of one setting.
    async fn page(&mut self, method: Method, name: &str, body: &str, outcome: &str) -> &Answer {
        let answer = self.world.as_page(&self.site, method.clone(), &format!("{CONFIGURATION}/{name}"), body.to_owned()).await;
        self.tell(answer, &format!("configuration {method} /{{app}}/configuration/{{name}} {outcome}"))
    }

    async fn list(&mut self, query: &str, outcome: &str) -> &Answer {
        let answer = self.world.as_page(&self.site, Method::GET, &format!("{CONFIGURATION}?{query}"), Body::empty()).await;
        self.tell(answer, &format!("configuration GET /{{app}}/configuration {outcome}"))
    }

    /// No mark is stored readably, now.
    fn check_tables(&self) {
        for mark in SECRETS.iter().chain(&TEXTS) {
            assert_eq!(self.world.aws().places_of(mark.as_bytes()).unwrap(), Vec::<String>::new(), "{mark}");
        }
        // The search itself finds what is there.
        assert_ne!(self.world.aws().places_of(digest("test-management", &self.site.client_key).as_bytes()).unwrap(), Vec::<String>::new());
    }

    fn check_log_and_answers(&self) {
        assert_eq!(self.log.calls().len(), self.answers.len());
        let log = self.log.text();
        for mark in SECRETS.iter().chain(&TEXTS).chain(&["m4rk", "eyJ", "JWT "]) {
            assert!(!log.contains(mark), "the log holds {mark}");
        }
        for answer in &self.answers {
            let told = format!("{:?} {}", answer.headers, answer.text());
            assert!(SECRETS.iter().all(|secret| !told.contains(secret)), "{told}");
            assert!(answer.status.is_success() || !told.contains("m4rk"), "{told}");
        }
    }

    async fn live(&mut self) {
        self.event("installed", 204).await;
        self.page(Method::PUT, "m4rk-name-1", "\"m4rk-value\"", "201").await;
        self.page(Method::PUT, "m4rk-name-2", "{\"m4rk-value\":[\"m4rk-value\"]}", "201").await;
        self.page(Method::PUT, "m4rk-name-2", &format!("\"{}\"", "m4rk-value".repeat(1_000)), "204").await;
        self.page(Method::GET, "m4rk-name-1", "", "200").await;
        let cursor = self.list("limit=1", "200").await.json()["cursor"].as_str().unwrap().to_owned();
        self.list(&format!("cursor={cursor}"), "200").await;
        self.event("disabled", 204).await;
        self.event("enabled", 204).await;
        let account = self.world.as_host(&self.site, Method::GET, "/test-management/account?m4rk-bad=m4rk-bad").await;
        assert_eq!(self.tell(account, "account GET /{app}/account 200").json()["clientKey"], "m4rk-client-key");
        self.check_tables();
    }

    async fn change(&mut self) {
        self.site.base_url = "https://m4rk-renamed.atlassian.net".to_owned();
        self.event("installed", 204).await;
        let before = self.site.clone();
        self.site.shared_secret = "m4rk-second-secret".to_owned();
        self.event("installed", 204).await;
        let after = std::mem::replace(&mut self.site, before);
        self.page(Method::GET, "m4rk-name-1", "", "200").await;
        self.world.clock.advance(Duration::from_secs(900));
        self.page(Method::GET, "m4rk-name-1", "", "401 signature").await;
        self.site = after;
        self.page(Method::GET, "m4rk-name-1", "", "200").await;
        self.check_tables();
    }

    async fn err(&mut self) {
        self.page(Method::PUT, "m4rk-name-1", "\"m4rk-bad\"}", "400 body must").await;
        self.page(Method::GET, "m4rk-bad%20", "", "400 name must").await;
        self.page(Method::GET, "m4rk-bad", "", "404 no such record").await;
        self.page(Method::POST, "m4rk-bad", "m4rk-bad", "405 no such method").await;
        self.page(Method::PUT, "m4rk-name-1", &"m4rk-bad".repeat(40_000), "413 too large").await;
        self.list("cursor=m4rk-bad", "400 cursor is not").await;
        self.list("limit=m4rk-bad", "400 limit must").await;
        self.list("m4rk-bad=%zz", "400 query must").await;
        let stale = page_request(&self.site, Method::PUT, &format!("{CONFIGURATION}/m4rk-name-1"), self.world.now())
            .header("if-match", "\"m4rk-bad\"");
        let answer = self.world.send(stale.body(Body::from("\"m4rk-bad\"")).unwrap()).await;
        self.tell(answer, "configuration PUT /{app}/configuration/{name} 412 revision conflict");
        let stranger = Site { client_key: "m4rk-bad".to_owned(), shared_secret: "m4rk-bad".to_owned(), ..self.site.clone() };
        for (site, reason) in
            [(stranger.clone(), "no such tenant"), (Site { client_key: self.site.client_key.clone(), ..stranger }, "signature")]
        {
            let answer = self.world.as_host(&site, Method::GET, "/test-management/account").await;
            self.tell(answer, &format!("account GET /{{app}}/account 401 {reason}"));
        }
        for (token, reason) in [("m4rk-bad", "not_three_parts"), ("m4rk!.bad.m4rk-bad", "base64"), ("bTRyaw.bTRyaw.bTRyaw", "header")] {
            for event in ["installed", "enabled"] {
                let answer = self.world.send(post(&format!("/test-management/{event}"), token, "m4rk-bad")).await;
                self.tell(answer, &format!("{event} POST /{{app}}/{event} 401 {reason}"));
            }
        }
        let mut bad = payload(&self.site, "installed");
        bad["baseUrl"] = "https://m4rk-bad.example".into();
        let answer = self.world.lifecycle(&self.site, "installed", self.world.now(), &bad).await;
        self.tell(answer, "installed POST /{app}/installed 400 baseUrl is not");
        let nowhere = Request::get("/m4rk-bad/account/m4rk-bad").header("m4rk-bad", "m4rk-bad").body(Body::empty()).unwrap();
        let answer = self.world.send_to("account", nowhere).await;
        self.tell(answer, "account GET none 404 no such route");
        let no_app = self.world.send(Request::get("/m4rk-bad/account?jwt=m4rk-bad").body(Body::empty()).unwrap()).await;
        self.tell(no_app, "account GET /{app}/account 404 no such app");
    }

    async fn leave_and_return(&mut self) {
        self.event("uninstalled", 204).await;
        self.page(Method::GET, "m4rk-name-1", "", "401 ").await;
        self.check_tables();
        self.world.clock.advance(Duration::from_secs(100 * 86_400));
        self.event("installed", 204).await;
        self.page(Method::GET, "m4rk-name-1", "", "200").await;
        self.check_tables();
    }
}

/// Promises, and the log's own: where a customer's secrets and texts are not.
#[tokio::test]
async fn a_customers_life_leaves_no_secret_and_no_text_in_tables_log_or_refusals() {
    let mut story = Story::begin().await;
    story.live().await;
    story.change().await;
    story.err().await;
    story.leave_and_return().await;
    story.page(Method::DELETE, "m4rk-name-1", "", "204").await;
    story.check_tables();
    story.check_log_and_answers();
}

/// Promise A-09: what AWS does wrong is told without what it was asked to do.
#[tokio::test]
async fn a_fault_of_aws_is_told_without_what_it_was_about() {
    let mut story = Story::begin().await;
    story.event("installed", 204).await;
    story.page(Method::PUT, "m4rk-name-1", "\"m4rk-value\"", "201").await;
    // From here on no socket is waited for, and the SDK's patience need not be ours.
    tokio::time::pause();
    story.world = story.world.restarted().await;
    let setting = format!("{CONFIGURATION}/m4rk-name-1");
    for (service, operation, method, target) in [
        (Service::Kms, "Decrypt", Method::GET, setting.as_str()),
        (Service::DynamoDb, "BatchGetItem", Method::GET, &setting),
        (Service::DynamoDb, "Query", Method::GET, CONFIGURATION),
        (Service::DynamoDb, "UpdateItem", Method::PUT, &setting),
        (Service::DynamoDb, "DeleteItem", Method::DELETE, &setting),
    ] {
        for fault in [Fault::InternalError, Fault::Throttle, Fault::BeforeSend, Fault::AfterEffect, Fault::Never] {
            story.world = story.world.restarted().await;
            story.world.aws().faults().on(service, operation, fault, 100);
            let answer = story.world.as_page(&story.site, method.clone(), target, "\"m4rk-value\"").await;
            story.world.aws().faults().clear();
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{operation} {fault:?}");
            assert!(!answer.text().contains("m4rk"), "{}", answer.text());
            let told = story.log.events().pop().unwrap();
            let (level, status) = (&told["log"]["level"], &told["http"]["response"]["status_code"]);
            assert_eq!((level, status, &told["faas"]["name"]), (&json!("error"), &json!(503), &json!("configuration")));
            assert!(told["event"]["reason"].as_str().unwrap().to_lowercase().contains(&operation.to_lowercase()), "{told}");
        }
    }
    let log = story.log.text();
    assert!(SECRETS.iter().chain(&["m4rk", "eyJ", "JWT "]).all(|mark| !log.contains(mark)), "{log}");
}

/// A panic's message may quote what it failed on.
#[tokio::test]
async fn a_panic_is_a_500_and_the_log_tells_only_its_place() {
    let world = World::installed().await;
    let routes = Router::new().route("/{app}/probe", get(async || -> StatusCode { panic!("m4rk-bad") }));
    let probe = world.host.platform("account").unwrap().serve("probe", routes);
    let request = Request::get("/test-management/probe").header("x-lethe-origin", local::host::ORIGIN_SECRET).body(Body::empty()).unwrap();
    let log = Log::kept();
    let (usual, here) = (panic::take_hook(), thread::current().id());
    panic::set_hook(Box::new(move |info| if thread::current().id() == here { log::tell_panic(info) } else { usual(info) }));
    let answer = answer(probe, request).await;
    drop(panic::take_hook());
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.text().contains("m4rk") && !log.text().contains("m4rk"), "{}", log.text());
    let events = log.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["message"], "panicked");
    let place = &events[0]["log"]["origin"]["file"];
    assert!(place["name"].as_str().unwrap().ends_with("secrets.rs") && place["line"].is_u64() && events[0]["faas"]["name"] == "probe");
    assert_eq!(log.calls(), ["probe GET /{app}/probe 500 panicked"]);
}
