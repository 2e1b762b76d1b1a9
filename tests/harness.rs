//! A world to test in: the local host in memory, a clock that stands still until it is moved, and one Atlassian for the whole test run, whose
//! key server listens on loopback. Requests go through the front door like everybody's.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use local::atlassian::{Atlassian, KID, Signed, Site};
use local::aws::EmbeddedAws;
use local::host::{LocalHost, ORIGIN_SECRET, Settings, SinkVariables};
use local::jira::Jira;
use local::jira::user::PROJECT;
use local::samples::{Sample, TokenKind};
use serde_json::{Value, json};
use shared::connect::catalogue::{App, Catalogue};
use shared::connect::jwt::ClaimsToSign;
use shared::connect::qsh;
use shared::platform::clock::{Clock as _, ManualClock};
use shared::platform::outbound::Internet;
use shared::platform::random::{Random, SystemRandom};
use shared::platform::{door, front};
use shared::tenant::id::digest;
use tower::ServiceExt as _;
use url::Url;

use crate::sink_double::page_token;

/// When every world begins: 2026-11-22T12:00:00Z.
pub const BEGINNING: i64 = 1_795_348_800;

/// Under which address the worlds are reached; nothing listens there.
pub const ADDRESS: &str = "https://eu.lethe.example";

/// Under which address S3 is reached by whoever was given a presigned address; nothing listens there.
pub const S3: &str = "http://127.0.0.1:8082";

/// Where configuration lies for the app that the worlds host.
pub const CONFIGURATION: &str = "/test-management/configuration";

/// The Atlassian of this test run and the address of its key server.
pub static ATLASSIAN: LazyLock<(Atlassian, String)> = LazyLock::new(|| {
    let atlassian = Atlassian::new().unwrap();
    let server = atlassian.key_server();
    (atlassian, serve_for_ever(server))
});

/// Serves a router on loopback for the rest of the test run, on a thread and runtime of its own: tests come and go with theirs.
pub fn serve_for_ever(router: Router) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await }).unwrap();
    });
    address
}

/// A local host with its clock.
pub struct World {
    pub host: LocalHost,
    pub clock: Arc<ManualClock>,
    /// The sites, as the functions reach them: whoever installs the app lives there from then on.
    pub jira: Jira,
    /// The first site; more by [`World::site`].
    pub acme: Site,
    /// The attachment and the upload that the samples are about, where there are any.
    pub attachment: String,
    pub upload: String,
    /// What the samples of pages carry, where there are any.
    pub page_token: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{}: {fault}: {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The slug of the problem's type, or "" if it is none.
    pub fn problem(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let kind = problem.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.strip_prefix("urn:lethe:problem:").unwrap_or_default().to_owned()
    }

    /// The field that a problem names, or "".
    pub fn field(&self) -> String {
        self.json().get("field").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub fn etag(&self) -> HeaderValue {
        self.headers.get("etag").cloned().unwrap()
    }
}

pub fn app() -> &'static App {
    Catalogue::hosted().find("test-management").unwrap()
}

pub fn settings(clock: &Arc<ManualClock>, random: Arc<dyn Random>) -> Settings {
    let clock = Arc::<ManualClock>::clone(clock);
    // Whoever makes a world puts its own sites here.
    let sites = Arc::new(Jira::new(Arc::<ManualClock>::clone(&clock)));
    Settings {
        folder: None,
        public_url: ADDRESS.to_owned(),
        install_keys_urls: ATLASSIAN.1.clone(),
        site_hosts: ".atlassian.net,.jira.com".to_owned(),
        bridge_script_url: "https://bridge.example/all.js".to_owned(),
        sites,
        sinks: Arc::new(Internet::nameless()),
        sink_variables: SinkVariables::off(),
        s3_origin: Some(S3.to_owned()),
        clock,
        random,
    }
}

impl World {
    /// An empty world.
    pub async fn new() -> Self {
        Self::with_random(Arc::new(SystemRandom)).await
    }

    pub async fn with_random(random: Arc<dyn Random>) -> Self {
        Self::with(|clock| settings(clock, random)).await
    }

    /// An empty world with other settings.
    pub async fn with(settings: impl FnOnce(&Arc<ManualClock>) -> Settings) -> Self {
        let clock = Arc::new(ManualClock::at(BEGINNING));
        let jira = Jira::new(Arc::<ManualClock>::clone(&clock));
        let settings = Settings { sites: Arc::new(jira.clone()), ..settings(&clock) };
        let host = LocalHost::start(settings).await.unwrap();
        Self { host, clock, jira, acme: site("acme"), attachment: String::new(), upload: String::new(), page_token: String::new() }
    }

    /// A world with the app installed on the first site.
    pub async fn installed() -> Self {
        let world = Self::new().await;
        assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
        world
    }

    /// A world in which every sample event succeeds: the first site is the samples', and the record that they name is there.
    pub async fn of_samples() -> Self {
        let mut world = Self { acme: Site::acme(app(), format!("{ADDRESS}/test-management")), ..Self::new().await };
        assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.put(&world.acme, "test-environments", "[]").await.status, StatusCode::CREATED);
        world.attach_samples().await;
        world.copy_sample().await;
        world.page_token = page_token(&world, &world.acme).await;
        world.clock.advance(Duration::from_secs(1));
        world
    }

    /// Selects what the samples are about, and keeps the issue that they name.
    pub async fn copy_sample(&self) {
        assert!(crate::webhooks::select(self, &self.acme, &[PROJECT], &["summary"]).await.status.is_success());
        crate::webhooks::update(self, 10_001, self.now() * 1000, "a plan").await;
        self.host.deliver().await.unwrap();
    }

    /// Attaches what the samples are about: a file, and an upload whose part is there.
    pub async fn attach_samples(&mut self) {
        let attachments = "/test-management/attachments";
        let attach = page_request(&self.acme, Method::POST, &format!("{attachments}?name=plan.txt&owner=case-1"), self.now());
        let attached = self.send(crate::attachments::as_bytes(attach.body(Body::from("one plan")).unwrap())).await;
        self.attachment = attached.json()["id"].as_str().unwrap().to_owned();
        let part = "one larger plan";
        let begin = json!({"name": "plan.txt", "size": part.len(), "parts": [STANDARD.encode(digest_of(part.as_bytes()))]}).to_string();
        let begun = self.as_page(&self.acme, Method::POST, &format!("{attachments}/uploads"), begin).await.json();
        self.upload = begun["id"].as_str().unwrap().to_owned();
        assert_eq!(self.put_part(&begun["missing"][0], part).await.status, StatusCode::OK);
    }

    /// Puts a part of an upload where we said that it goes, as a browser would.
    pub async fn put_part(&self, address: &Value, part: impl Into<Body>) -> Answer {
        let mut request =
            Request::put(address["url"].as_str().unwrap().strip_prefix(S3).unwrap()).header("host", S3.strip_prefix("http://").unwrap());
        for header in address["headers"].as_array().unwrap() {
            request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
        }
        let body: Body = part.into();
        let body = body.collect().await.unwrap().to_bytes();
        let request = request.header("content-length", body.len()).body(Body::from(body)).unwrap();
        answer(self.aws().s3_router(S3), request).await
    }

    /// A sample about what there is in this world.
    pub fn real(&self, sample: &Sample) -> Sample {
        let named = if sample.path().contains("/uploads/") { &self.upload } else { &self.attachment };
        sample.clone().about(named)
    }

    /// The same AWS and clock behind functions that have just started: every cache is cold.
    pub async fn restarted(self) -> Self {
        let aws: EmbeddedAws = self.host.aws().clone();
        let settings = Settings { sites: Arc::new(self.jira.clone()), ..settings(&self.clock, Arc::new(SystemRandom)) };
        let host = LocalHost::start_on(aws, &settings).await.unwrap();
        Self { host, ..self }
    }

    pub fn aws(&self) -> &EmbeddedAws {
        self.host.aws()
    }

    pub fn now(&self) -> i64 {
        self.clock.now().epoch_seconds()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        if request.uri().path() != "/test-management/installed" {
            return answer(self.host.front(), request).await;
        }
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = answer(self.host.front(), Request::from_parts(parts, Body::from(body.clone()))).await;
        if answer.status.is_success() {
            self.jira.keep(&described(&serde_json::from_slice(&body).unwrap()));
        }
        answer
    }

    /// A request to one function past all patterns, with the secret of the front door.
    pub async fn send_to(&self, function: &str, mut request: Request<Body>) -> Answer {
        request.headers_mut().insert(front::ORIGIN_SECRET, HeaderValue::from_static(ORIGIN_SECRET));
        answer(self.host.function(function).unwrap(), request).await
    }

    /// The request of a sample event, as the Lambda door makes it, with a token of the first site signed now.
    pub fn sampled(&self, sample: &Sample) -> Request<Body> {
        let event = self.real(sample).filled(&self.sample_token(sample), ORIGIN_SECRET);
        door::request(serde_json::from_value(event).unwrap()).unwrap()
    }

    /// The token that a sample event needs, signed now for the first site, or given to a page of it before; "" if it needs none.
    pub fn sample_token(&self, sample: &Sample) -> String {
        let sample = &self.real(sample);
        let signed = Signed { method: sample.method(), path: sample.path(), query: sample.query() };
        match sample.token() {
            TokenKind::Public => String::new(),
            TokenKind::Install => ATLASSIAN.0.install_token(&self.acme, signed, self.now()).unwrap(),
            TokenKind::Host => self.acme.host_token(signed, self.now()).unwrap(),
            TokenKind::Context => self.acme.context_token(self.now()).unwrap(),
            TokenKind::Page => self.page_token.clone(),
        }
    }

    /// What is stored of a site in the tables of tenants, keys and departures, as plain JSON. Asks AWS, so faults may strike it.
    pub async fn stored(&self, site: &Site) -> [Vec<Value>; 3] {
        let digest = AttributeValue::S(digest(site.app.slug, &site.client_key));
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.aws().sdk_config());
        let ask = async |table| {
            let query = dynamodb.query().table_name(table).consistent_read(true).key_condition_expression("digest = :digest");
            let found = query.expression_attribute_values(":digest", digest.clone()).send().await.unwrap();
            found.items.unwrap_or_default().iter().map(plain).collect()
        };
        [ask("TenantsTable").await, ask("TenantKeysTable").await, ask("DeparturesTable").await]
    }

    /// The tenants item of a site; null if there is none.
    pub async fn tenant(&self, site: &Site) -> Value {
        let [mut tenants, ..] = self.stored(site).await;
        tenants.pop().unwrap_or_default()
    }

    /// The key item of a site; null if there is none.
    pub async fn key_item(&self, site: &Site) -> Value {
        let [_, mut keys, _] = self.stored(site).await;
        keys.pop().unwrap_or_default()
    }

    /// The departures of a site, of all its lives.
    pub async fn departures(&self, site: &Site) -> Vec<Value> {
        let [.., departures] = self.stored(site).await;
        departures
    }

    /// Deletes the key item of a site, as no function may, and gives it as a backup would hold it.
    pub async fn lose_keys(&self, site: &Site) -> HashMap<String, AttributeValue> {
        let digest = AttributeValue::S(digest(site.app.slug, &site.client_key));
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.aws().sdk_config());
        let delete = dynamodb.delete_item().table_name("TenantKeysTable").key("digest", digest).return_values(ReturnValue::AllOld);
        delete.send().await.unwrap().attributes.unwrap()
    }

    /// Makes sure that the install keys are at hand, so that time may be paused: a socket would never answer then.
    pub async fn fetch_install_keys(&self) {
        for event in ["installed", "uninstalled"] {
            // A signature can be refused only once its key is there; this one is 256 zero bytes.
            let path = format!("/test-management/{event}");
            let qsh = qsh::sign("POST", &path, "", "/test-management").unwrap();
            let audience = vec![self.acme.app_base_url.clone()];
            let claims = ClaimsToSign { audience, ..self.acme.claims(Some(qsh), self.now()) };
            let parts = [json!({"alg": "RS256", "typ": "JWT", "kid": KID}), serde_json::to_value(claims).unwrap()];
            let [header, claims] = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let forged = post(&path, &format!("{header}.{claims}.{}", "A".repeat(342)), self.acme.payload(event).to_string());
            assert_eq!(self.send(forged).await.status, StatusCode::UNAUTHORIZED);
        }
    }

    /// A lifecycle event signed with Atlassian's key at `iat`; the payload as given.
    pub async fn lifecycle(&self, site: &Site, event: &str, iat: i64, payload: &Value) -> Answer {
        self.send(lifecycle_request(site, event, iat, payload)).await
    }

    /// `installed`, signed now.
    pub async fn install(&self, site: &Site) -> Answer {
        self.lifecycle(site, "installed", self.now(), &site.payload("installed")).await
    }

    /// `uninstalled`, signed now.
    pub async fn uninstall(&self, site: &Site) -> Answer {
        self.lifecycle(site, "uninstalled", self.now(), &site.payload("uninstalled")).await
    }

    /// A request with a token for this very request.
    pub async fn as_host(&self, site: &Site, method: Method, target: &str) -> Answer {
        self.send(host_request(site, method, target, self.now()).body(Body::empty()).unwrap()).await
    }

    /// A request with a token as our pages have it.
    pub async fn as_page(&self, site: &Site, method: Method, target: &str, body: impl Into<Body>) -> Answer {
        self.send(page_request(site, method, target, self.now()).body(body.into()).unwrap()).await
    }

    /// Stores a setting.
    pub async fn put(&self, site: &Site, name: &str, json: &str) -> Answer {
        self.as_page(site, Method::PUT, &format!("{CONFIGURATION}/{name}"), json.to_owned()).await
    }

    /// Reads a setting.
    pub async fn get(&self, site: &Site, name: &str) -> Answer {
        self.as_page(site, Method::GET, &format!("{CONFIGURATION}/{name}"), Body::empty()).await
    }
}

/// A site by its name: client key, secret and address follow from it.
pub fn site(name: &str) -> Site {
    Site {
        app: app(),
        app_base_url: format!("{ADDRESS}/test-management"),
        client_key: format!("{name}-client-key"),
        shared_secret: format!("{name}-shared-secret"),
        base_url: format!("https://{name}.atlassian.net"),
    }
}

/// The site that an `installed` describes.
fn described(payload: &Value) -> Site {
    let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
    Site {
        client_key: text("clientKey"),
        shared_secret: text("sharedSecret"),
        base_url: Url::parse(&text("baseUrl")).unwrap().as_str().trim_end_matches('/').to_owned(),
        ..site("")
    }
}

/// SHA-256.
pub fn digest_of(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

/// An item as plain JSON; bytes in base64.
pub fn plain(item: &HashMap<String, AttributeValue>) -> Value {
    item.iter().map(|(name, found)| (name.clone(), plain_value(found))).collect()
}

fn plain_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::M(item) => plain(item),
        AttributeValue::L(values) => values.iter().map(plain_value).collect(),
        AttributeValue::N(number) => number.parse::<i64>().unwrap().into(),
        AttributeValue::S(text) => text.clone().into(),
        AttributeValue::B(bytes) => STANDARD.encode(bytes.as_ref()).into(),
        AttributeValue::Bool(flag) => (*flag).into(),
        other => panic!("{other:?} is stored nowhere"),
    }
}

/// A request of its own to any router.
pub async fn answer(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

pub fn lifecycle_request(site: &Site, event: &str, iat: i64, payload: &Value) -> Request<Body> {
    let path = format!("/test-management/{event}");
    let signed = Signed { method: "POST", path: &path, query: "" };
    let token = match event {
        "enabled" | "disabled" => site.host_token(signed, iat).unwrap(),
        _ => ATLASSIAN.0.install_token(site, signed, iat).unwrap(),
    };
    post(&path, &token, payload.to_string())
}

/// A POST of JSON with this token.
pub fn post(path: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(Method::POST).uri(path).header("authorization", format!("JWT {token}"));
    request.header("content-type", "application/json").body(body.into()).unwrap()
}

pub fn host_request(site: &Site, method: Method, target: &str, iat: i64) -> http::request::Builder {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let token = site.host_token(Signed { method: method.as_str(), path, query }, iat).unwrap();
    Request::builder().method(method).uri(target).header("authorization", format!("JWT {token}"))
}

pub fn page_request(site: &Site, method: Method, target: &str, iat: i64) -> http::request::Builder {
    let token = site.context_token(iat).unwrap();
    let request = Request::builder().method(method).uri(target).header("authorization", format!("JWT {token}"));
    request.header("content-type", "application/json")
}
