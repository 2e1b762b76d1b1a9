//! What the started processes find: DynamoDB and KMS behind a socket, a site that has installed the app and says what its users may do, and
//! one setting. All of it in this process, on other ports of loopback.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use benches::{APP, settings};
use http::{Method, StatusCode, Uri};
use local::atlassian::{Atlassian, Signed, Site};
use local::aws::{ACCESS_KEY, EmbeddedAws, Key, SECRET_KEY, TableSpec};
use local::host::{LocalHost, Settings};
use local::jira::Jira;
use local::runtime_api::ORIGIN_SECRET;
use local::samples::{Sample, TokenKind};
use serde_json::Value;
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::{Clock as _, SystemClock};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// ACE's own default.
const ACE_TABLE: &str = "AddonSettings";

/// A customer who is there, and the ways to everything.
pub(crate) struct Scene {
    host: LocalHost,
    site: Site,
    clock: Arc<SystemClock>,
    samples: Vec<Sample>,
    aws: String,
    wrapping_key: String,
}

impl Scene {
    /// Starts it.
    pub(crate) async fn start() -> Self {
        let clock = Arc::new(SystemClock::start());
        let (atlassian, jira) = (Atlassian::new().unwrap(), Jira::new(clock.clone()));
        let app = Catalogue::hosted().iter().next().unwrap();
        let sites = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", sites.local_addr().unwrap());
        let site = Site { base_url: base_url.clone(), ..Site::acme(app, format!("{APP}/{}", app.slug)) };
        jira.keep(&site);
        serve_on(sites, Router::new().fallback(site_answers).with_state((jira.clone(), base_url.clone())));
        let aws = EmbeddedAws::in_memory(clock.clone()).unwrap();
        let install_keys_urls = serve(atlassian.key_server()).await;
        let settings = Settings { site_hosts: base_url, ..settings(clock.clone(), jira, install_keys_urls) };
        let host = LocalHost::start_on(aws.clone(), &settings).await.unwrap();
        let wrapping_key = aws.create_wrapping_key("alias/lethe-wrapping-key").await.unwrap();
        let samples = Sample::all().unwrap();
        let scene = Self { site, clock, samples, aws: serve(aws.json_router()).await, wrapping_key, host };
        scene.install(&atlassian).await;
        scene.install_in_ace(&aws).await;
        scene
    }

    fn now(&self) -> i64 {
        self.clock.now().epoch_seconds()
    }

    async fn install(&self, atlassian: &Atlassian) {
        let path = format!("/{}/installed", self.site.app.slug);
        let token = atlassian.install_token(&self.site, Signed { method: "POST", path: &path, query: "" }, self.now()).unwrap();
        self.call(Method::POST, &path, &token, self.site.payload("installed").to_string()).await;
        let setting = self.samples.iter().find(|sample| (sample.function.as_str(), sample.case.as_str()) == ("configuration", "get"));
        let token = self.site.context_token(self.now()).unwrap();
        self.call(Method::PUT, setting.unwrap().path(), &token, r#"{"value":"one of some hundred letters"}"#.to_owned()).await;
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: String) {
        let request = http::Request::builder().method(method).uri(path).header("authorization", format!("JWT {token}"));
        let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
        let answer = self.host.front().oneshot(request).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// The same customer as ACE's own store keeps it.
    async fn install_in_ace(&self, aws: &EmbeddedAws) {
        let table = TableSpec {
            name: ACE_TABLE.to_owned(),
            partition_key: Key::string("clientKey"),
            sort_key: Some(Key::string("key")),
            indexes: Vec::new(),
            ttl_attribute: None,
        };
        aws.create_table(&table).unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config());
        let put = client.put_item().table_name(ACE_TABLE).item("clientKey", text(&self.site.client_key)).item("key", text("clientInfo"));
        put.item("val", text(&self.site.payload("installed").to_string())).send().await.unwrap();
    }

    /// What the processes are told of all this, beside what the template says.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (String, String)> + use<> {
        let site_hosts = self.site.base_url.clone();
        let told = [
            ("AWS_ENDPOINT_URL", self.aws.clone()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("LETHE_WRAPPING_KEY", self.wrapping_key.clone()),
            ("LETHE_SITE_HOSTS", site_hosts),
        ];
        told.into_iter().map(|(name, value)| (name.to_owned(), value))
    }

    /// A sample event with the token that it needs, made now.
    pub(crate) fn event(&self, function: &str, case: &str) -> Value {
        let sample = self.samples.iter().find(|sample| (sample.function.as_str(), sample.case.as_str()) == (function, case)).unwrap();
        let signed = Signed { method: sample.method(), path: sample.path(), query: sample.query() };
        let token = match sample.token() {
            TokenKind::Host => self.site.host_token(signed, self.now()).unwrap(),
            TokenKind::Context => self.site.context_token(self.now()).unwrap(),
            TokenKind::Public => String::new(),
            other @ (TokenKind::Install | TokenKind::Page) => panic!("no subject is asked with a token of kind {other:?}"),
        };
        sample.filled(&token, ORIGIN_SECRET)
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    serve_on(listener, router);
    address
}

fn serve_on(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// The site's own answers, which it gives to absolute addresses.
async fn site_answers(State((jira, base_url)): State<(Jira, String)>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    parts.uri = format!("{base_url}{}", parts.uri).parse::<Uri>().unwrap();
    let answer = jira.answer(http::Request::from_parts(parts, body)).await;
    answer.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |answer| answer.map(Body::from))
}
