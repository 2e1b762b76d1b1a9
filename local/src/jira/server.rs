//! The small Jira on a port of this machine: its page, the bridge script that the app's pages load, the keys that sign installs, and the
//! sites' REST API below each site's address.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use shared::connect::catalogue::App;
use shared::platform::clock::Clock as _;
use shared::platform::random::Random;
use tower::ServiceExt as _;

use super::doings::Doings;
use super::guard::{self, Guard};
use super::issues::doings::IssueDoings;
use super::moving::{MovingFault, move_to};
use super::{Jira, SiteFault, api, issues, leaving, telemetry};
use crate::atlassian::Atlassian;
use crate::aws::EmbeddedAws;
use crate::clock::MovableClock;
use crate::host::LocalHost;
use crate::sinks::Doubles;
use crate::sinks::arrivals::Arrivals;
use crate::time_passing::{Passed, PassingFault};
use crate::watch::Watch;

/// More than any request of the app to its site.
const LARGEST_REQUEST: usize = 256 * 1024;

/// What the page is made of, by path.
const ASSETS: [(&str, &str, &str); 11] = [
    ("/", "text/html; charset=utf-8", include_str!("assets/index.html")),
    ("/jira.css", "text/css; charset=utf-8", include_str!("assets/jira.css")),
    ("/jira.js", "text/javascript; charset=utf-8", include_str!("assets/jira.js")),
    ("/issues.js", "text/javascript; charset=utf-8", include_str!("assets/issues.js")),
    ("/telemetry.js", "text/javascript; charset=utf-8", include_str!("assets/telemetry.js")),
    ("/stored.js", "text/javascript; charset=utf-8", include_str!("assets/stored.js")),
    ("/leaving.js", "text/javascript; charset=utf-8", include_str!("assets/leaving.js")),
    ("/certificate.js", "text/javascript; charset=utf-8", include_str!("assets/certificate.js")),
    ("/drawing.js", "text/javascript; charset=utf-8", include_str!("assets/drawing.js")),
    ("/icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("/all.js", "text/javascript; charset=utf-8", include_str!("assets/all.js")),
];

/// Everything that the server works with.
pub struct Parts {
    /// The sites.
    pub jira: Jira,
    /// What Jira does of its own.
    pub doings: Doings,
    /// What users do to issues.
    pub issues: Arc<IssueDoings>,
    /// The clock that all of it goes by.
    pub clock: Arc<MovableClock>,
    /// Where sites get their secrets from.
    pub random: Arc<dyn Random>,
    /// What runs the functions, and lets time pass for them.
    pub host: Arc<LocalHost>,
    /// What came to them.
    pub watch: Watch,
    /// The services that telemetry goes to.
    pub doubles: Doubles,
    /// What browsers have sent for it.
    pub arrivals: Arrivals,
    /// The app.
    pub app: &'static App,
    /// Where the functions are.
    pub functions: String,
    /// Where this server is, by the name that browsers and functions use.
    pub origin: String,
    /// The client for calls to the functions.
    pub http: reqwest::Client,
}

/// The same, to hand to every request.
#[derive(Clone)]
pub(super) struct Desk(Arc<Parts>);

impl Desk {
    pub(super) fn jira(&self) -> &Jira {
        &self.0.jira
    }

    pub(super) fn doings(&self) -> &Doings {
        &self.0.doings
    }

    pub(super) fn issues(&self) -> &IssueDoings {
        &self.0.issues
    }

    pub(super) fn clock(&self) -> &MovableClock {
        &self.0.clock
    }

    pub(super) fn aws(&self) -> &EmbeddedAws {
        self.0.host.aws()
    }

    /// Moves the clock ahead and lets all happen that happens meanwhile. It goes on even if nobody waits for it any more.
    ///
    /// # Errors
    /// [`MovingFault`].
    pub(super) async fn pass(&self, by: Duration) -> Result<Passed, MovingFault> {
        let parts = Arc::clone(&self.0);
        let until = parts.clock.now().epoch_seconds().saturating_add_unsigned(by.as_secs());
        let moving = tokio::spawn(async move { move_to(until, &parts.clock, &parts.host, &parts.issues).await });
        moving.await.unwrap_or(Err(PassingFault::Broken.into()))
    }

    /// Does what is due now.
    ///
    /// # Errors
    /// [`PassingFault`].
    pub(super) async fn catch_up(&self) -> Result<Passed, PassingFault> {
        self.0.host.catch_up().await
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    pub(super) fn doubles(&self) -> &Doubles {
        &self.0.doubles
    }

    pub(super) fn arrivals(&self) -> &Arrivals {
        &self.0.arrivals
    }

    /// Has a function answer a request as a call of this operator's, and puts it into the log.
    pub(super) async fn as_operator(&self, principal: &'static str, request: Request) -> Response {
        let parts = Arc::clone(&self.0);
        let function = Router::new().fallback(async move |request| parts.host.as_operator(principal, request).await);
        self.watch().over(function).oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    pub(super) fn app(&self) -> &'static App {
        self.0.app
    }

    pub(super) fn functions(&self) -> &str {
        &self.0.functions
    }

    pub(super) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// A new site with the app on sale.
    pub(super) fn add(&self, name: &str) -> Result<(), SiteFault> {
        self.jira().add(name, self.app(), self.origin(), self.functions(), self.0.random.as_ref())
    }
}

/// The server; `port` is the one that it is asked under.
pub fn server(parts: Parts, atlassian: &Atlassian, port: u16) -> Router {
    let guard = Guard::of(port, &parts.functions);
    let doubles = parts.doubles.router();
    let desk = Desk(Arc::new(parts));
    let mut router = api::routes()
        .merge(leaving::routes())
        .merge(issues::api::routes())
        .merge(telemetry::routes())
        .route_layer(middleware::from_fn_with_state(guard.clone(), guard::from_own_page));
    router = router.route("/", get(shell));
    for (path, kind, text) in ASSETS.into_iter().filter(|(path, ..)| *path != "/") {
        router = router.route(path, get(move || async move { asset(kind, text) }));
    }
    router
        .merge(doubles)
        .nest_service("/install-keys", atlassian.key_server())
        .fallback(rest)
        .layer(middleware::from_fn_with_state(guard, guard::named_right))
        .with_state(desk)
}

/// The page works under one name only: the app's page talks to that one.
async fn shell(State(desk): State<Desk>, request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if desk.origin().strip_prefix("http://") != Some(host) {
        return Redirect::temporary(&format!("{}/", desk.origin())).into_response();
    }
    let [(_, kind, text), ..] = ASSETS;
    asset(kind, text)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

/// Everything else is a site's: the address as the app has it, scheme and host included.
async fn rest(State(desk): State<Desk>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let Ok(address) = format!("{}{target}", desk.origin()).parse() else { return StatusCode::BAD_REQUEST.into_response() };
    parts.uri = address;
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    match desk.jira().answer(Request::from_parts(parts, body)).await {
        Some(answer) => answer.map(Body::from),
        None => (StatusCode::NOT_FOUND, "there is no such site").into_response(),
    }
}
