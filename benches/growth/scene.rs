//! Where it is measured: all functions on the embedded AWS, any number of sites, and a clock that stands still, so that no key grows old.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use benches::{APP, elapsed, settings};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use local::atlassian::{Atlassian, Signed, Site};
use local::host::LocalHost;
use local::jira::Jira;
use shared::connect::catalogue::{App, Catalogue};
use shared::platform::clock::{Clock as _, ManualClock};
use tower::ServiceExt as _;

use crate::scales::{Weight, weigh};

/// When it all happens: 2026-11-22T12:00:00Z.
const BEGINNING: i64 = 1_795_348_800;

/// As long as every other setting, and too short to be packed.
pub(crate) const JSON: &str = "{\"colour\":\"a shade of blue\"}";

/// What one request asked of AWS, and how long it took.
pub(crate) struct Sample {
    pub(crate) weight: Weight,
    pub(crate) time: Duration,
}

/// All functions and what is around them.
pub(crate) struct Scene {
    pub(crate) host: LocalHost,
    pub(crate) clock: Arc<ManualClock>,
    atlassian: Atlassian,
    jira: Jira,
    install_keys_urls: String,
}

fn app() -> &'static App {
    Catalogue::hosted().iter().next().unwrap()
}

/// The path of one setting.
pub(crate) fn setting(name: &str, number: usize) -> String {
    format!("/{name}-{number:07}")
}

/// All sites have names of one length, so that bytes can be compared.
pub(crate) fn site(number: usize) -> Site {
    Site {
        app: app(),
        app_base_url: format!("{APP}/{}", app().slug),
        client_key: format!("site-{number:07}-client-key"),
        shared_secret: format!("site-{number:07}-shared-secret-of-this-machine"),
        base_url: format!("https://site-{number:07}.atlassian.net"),
    }
}

impl Scene {
    /// Starts it, empty and in memory: a disk's waiting would hide what grows.
    pub(crate) async fn start() -> Self {
        let clock = Arc::new(ManualClock::at(BEGINNING));
        let (atlassian, jira) = (Atlassian::new().unwrap(), Jira::new(Arc::<ManualClock>::clone(&clock)));
        let keys = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let install_keys_urls = format!("http://{}", keys.local_addr().unwrap());
        let key_server = atlassian.key_server();
        tokio::spawn(async move { axum::serve(keys, key_server).await });
        let host = LocalHost::start(settings(Arc::<ManualClock>::clone(&clock), jira.clone(), install_keys_urls.clone())).await.unwrap();
        Self { host, clock, atlassian, jira, install_keys_urls }
    }

    /// The same AWS behind functions that have just started.
    pub(crate) async fn restart(&mut self) {
        let settings = settings(Arc::<ManualClock>::clone(&self.clock), self.jira.clone(), self.install_keys_urls.clone());
        self.host = LocalHost::start_on(self.host.aws().clone(), &settings).await.unwrap();
    }

    /// `installed` or `uninstalled`, signed now.
    pub(crate) fn lifecycle(&self, site: &Site, event: &str) -> Request<Body> {
        let path = format!("/{}/{event}", site.app.slug);
        let signed = Signed { method: "POST", path: &path, query: "" };
        let token = self.atlassian.install_token(site, signed, self.clock.now().epoch_seconds()).unwrap();
        // From now on it says who its administrators are.
        self.jira.keep(site);
        let request = Request::post(path).header("authorization", format!("JWT {token}")).header("content-type", "application/json");
        request.body(Body::from(site.payload(event).to_string())).unwrap()
    }

    /// A request for settings, as a page makes it.
    pub(crate) fn settings(&self, site: &Site, method: Method, rest: &str) -> Request<Body> {
        let token = site.context_token(self.clock.now().epoch_seconds()).unwrap();
        let request = Request::builder().method(method).uri(format!("/{}/configuration{rest}", site.app.slug));
        let request = request.header("authorization", format!("JWT {token}")).header("content-type", "application/json");
        request.body(Body::from(JSON)).unwrap()
    }

    /// The body of the answer, which must be a success.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Bytes {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = self.host.front().oneshot(request).await.unwrap();
        let (status, body) = (answer.status(), answer.into_body().collect().await.unwrap().to_bytes());
        assert!(status.is_success(), "{what}: {status} {body:?}");
        body
    }

    /// What an answer costs.
    pub(crate) async fn sample(&self, request: Request<Body>) -> Sample {
        let work = async {
            let began = elapsed();
            self.answer(request).await;
            elapsed() - began
        };
        let (time, weight) = weigh(self.host.aws(), work).await;
        Sample { weight, time }
    }

    /// Installs the app on a site.
    pub(crate) async fn install(&self, site: &Site) {
        self.answer(self.lifecycle(site, "installed")).await;
    }
}
