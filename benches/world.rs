//! A local host to measure in: one Atlassian, one site that may install the app, state in a folder.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use local::atlassian::{Atlassian, Signed, Site};
use local::host::{LocalHost, Settings, SinkVariables};
use local::jira::Jira;
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::Clock;
use shared::platform::outbound::Internet;
use shared::platform::random::SystemRandom;
use tower::ServiceExt as _;

/// Under which address the functions believe to be reached; nothing listens there.
pub const APP: &str = "http://127.0.0.1:8080";

/// A host, and the site that it is asked about.
pub struct World {
    /// All functions.
    pub host: LocalHost,
    /// The only site.
    pub site: Site,
    atlassian: Atlassian,
    clock: Arc<dyn Clock>,
}

impl World {
    /// Starts it.
    ///
    /// # Panics
    /// If it does not start: there is nothing to measure then.
    pub async fn start(folder: &Path, clock: Arc<dyn Clock>, s3_origin: Option<&str>) -> Self {
        let app = Catalogue::hosted().iter().next().unwrap();
        let site = Site::acme(app, format!("{APP}/{}", app.slug));
        let atlassian = Atlassian::new().unwrap();
        let keys = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let install_keys_urls = format!("http://{}", keys.local_addr().unwrap());
        let key_server = atlassian.key_server();
        tokio::spawn(async move { axum::serve(keys, key_server).await });
        let jira = Jira::new(Arc::clone(&clock));
        jira.keep(&site);
        let settings = settings(Arc::clone(&clock), jira, install_keys_urls);
        let host = LocalHost::start(Settings { folder: Some(folder.to_owned()), s3_origin: s3_origin.map(ToOwned::to_owned), ..settings });
        Self { host: host.await.unwrap(), site, atlassian, clock }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now().epoch_seconds()
    }

    /// Tells the app of `installed` or `uninstalled`, signed now.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn lifecycle(&self, event: &str) {
        let path = format!("/{}/{event}", self.site.app.slug);
        let signed = Signed { method: "POST", path: &path, query: "" };
        let token = self.atlassian.install_token(&self.site, signed, self.now()).unwrap();
        let request = Request::post(path).header("authorization", format!("JWT {token}")).header("content-type", "application/json");
        let answer = self.host.front().oneshot(request.body(Body::from(self.site.payload(event).to_string())).unwrap()).await.unwrap();
        let (status, body) = (answer.status(), answer.into_body().collect().await.unwrap().to_bytes());
        assert!(status.is_success(), "{event}: {status} {body:?}");
    }
}

/// How hosts are set up to measure in, where nothing else is said: in memory, nothing leaves for outside services.
#[must_use]
pub fn settings(clock: Arc<dyn Clock>, jira: Jira, install_keys_urls: String) -> Settings {
    Settings {
        folder: None,
        public_url: APP.to_owned(),
        install_keys_urls,
        site_hosts: ".atlassian.net".to_owned(),
        bridge_script_url: "https://bridge.example/all.js".to_owned(),
        sites: Arc::new(jira),
        sinks: Arc::new(Internet::nameless()),
        sink_variables: SinkVariables::off(),
        s3_origin: None,
        clock,
        random: Arc::new(SystemRandom),
    }
}
