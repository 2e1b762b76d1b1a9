//! The outside sinks, played in this process: what is sent to them is kept as it came, and each answers as it was told to, else as it does when
//! it is content.

use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use local::atlassian::Site;
use local::host::{LocalHost, ORIGIN_SECRET, Settings, SinkVariables};
use serde_json::Value;
use shared::platform::outbound::{NoAnswer, Outbound};
use shared::platform::random::SystemRandom;
use shared::problem::Problem;
use shared::tenant::page_token::Purpose;
use shared::tenant::{Anonymous, ContextToken, PageToken};

use crate::harness::{World, answer, page_request, settings};

/// What lets us in at the sinks. Nobody else may ever read it.
pub const SECRETS: [&str; 2] = ["m4rk-ga4-secret", "m4rk-datadog-key"];

/// What browsers and Sentry know.
pub const DSN: &str = "https://abc123@sentry.example/42";

/// How a sink answers.
#[derive(Clone, Copy, Debug)]
pub enum Play {
    /// With this status and these headers.
    Says(u16, &'static [(&'static str, &'static str)]),
    /// Not at all.
    Nothing,
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub address: String,
    /// By name, in order.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body, unpacked.
    pub fn unpacked(&self) -> Value {
        let mut json = Vec::new();
        GzDecoder::new(self.body.as_ref()).read_to_end(&mut json).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    /// The lines of an envelope: its header, then header and payload of each item.
    pub fn lines(&self) -> Vec<Value> {
        self.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

/// The sinks.
#[derive(Clone, Debug, Default)]
pub struct SinkDouble(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    plays: VecDeque<Play>,
}

impl SinkDouble {
    /// Whoever is asked next answers so; then the next one.
    pub fn play(&self, plays: impl IntoIterator<Item = Play>) {
        self.state().plays.extend(plays);
    }

    /// All requests since this was last asked.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state().seen)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Outbound for SinkDouble {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        let (parts, body) = request.into_parts();
        let mut headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        headers.sort();
        let (method, address) = (parts.method.to_string(), parts.uri.to_string());
        let content = match parts.uri.host() {
            Some("sentry.example") => 200,
            Some("ga.example") => 204,
            Some("datadog.example") => 202,
            other => panic!("nobody answers at {other:?}"),
        };
        let mut state = self.state();
        state.seen.push(Seen { method, address, headers, body });
        let answer = match state.plays.pop_front().unwrap_or(Play::Says(content, &[])) {
            Play::Nothing => Err(NoAnswer::TooSlow),
            Play::Says(status, headers) => {
                let answer = headers.iter().fold(Response::builder().status(status), |answer, (name, value)| answer.header(*name, *value));
                Ok(answer.body(Bytes::new()).unwrap())
            }
        };
        std::future::ready(answer).boxed()
    }
}

/// Where the double is, for all three.
pub fn variables() -> SinkVariables {
    SinkVariables {
        sentry_dsn: DSN.to_owned(),
        ga4_url: "https://ga.example".to_owned(),
        ga4_measurement_id: "G-TEST".to_owned(),
        ga4_api_secret: SECRETS[0].to_owned(),
        datadog_api_url: "https://datadog.example".to_owned(),
        datadog_api_key: SECRETS[1].to_owned(),
    }
}

/// A world whose sinks are played, and in which the first site has the app.
pub async fn with_sinks(variables: SinkVariables) -> (World, SinkDouble) {
    let sinks = SinkDouble::default();
    let world = World::with(|clock| Settings {
        sinks: Arc::new(sinks.clone()),
        sink_variables: variables,
        ..settings(clock, Arc::new(SystemRandom))
    });
    let world = world.await;
    assert!(world.install(&world.acme).await.status.is_success());
    (world, sinks)
}

/// The same AWS, clock and sinks behind functions that have just started and remember nothing.
pub async fn restarted(world: World, sinks: &SinkDouble) -> World {
    let settings = Settings {
        sites: Arc::new(world.jira.clone()),
        sinks: Arc::new(sinks.clone()),
        sink_variables: variables(),
        ..settings(&world.clock, Arc::new(SystemRandom))
    };
    let host = LocalHost::start_on(world.aws().clone(), &settings).await.unwrap();
    World { host, ..world }
}

async fn mint(token: ContextToken<Anonymous>) -> Result<String, Problem> {
    PageToken::mint(&token.tenant, Purpose::Telemetry)
}

/// What a page of this site's would be given for its telemetry.
pub async fn page_token(world: &World, site: &Site) -> String {
    let routes = world.host.platform("configuration").unwrap().serve("pages", Router::new().route("/{app}/mint", get(mint)));
    let request = page_request(site, Method::GET, "/test-management/mint", world.now()).header("x-lethe-origin", ORIGIN_SECRET);
    answer(routes, request.body(Body::empty()).unwrap()).await.text()
}
