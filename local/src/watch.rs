//! What comes to the functions, and what each call costs: which AWS operations it asked for, and what it asked of the site. Nothing of what
//! a call carried is kept: no query, no header, no body, and of its path only what a route says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures::future::BoxFuture;
use serde::Serialize;
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::{Clock, SystemClock, rfc3339};
use shared::platform::outbound::{NoAnswer, Outbound};
use tower::ServiceExt as _;

use crate::recent::Recent;

/// The header of calls that are made only to show what a tenant sees: without a mark they would look like somebody's use.
pub(crate) const FOR_VIEW: &str = "x-small-jira-view";

/// How many calls are remembered.
const KEPT: usize = 200;

tokio::task_local! {
    /// What the call that is being answered by this task has asked for so far.
    static ASKED_FOR: Arc<Mutex<Vec<String>>>;
}

/// Notes that the call being answered asks for something; outside of one, nothing happens.
pub(crate) fn note(what: impl FnOnce() -> String) {
    ASKED_FOR.try_with(|asked_for| asked_for.lock().unwrap_or_else(PoisonError::into_inner).push(what())).ok();
}

/// One call that a function answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watched {
    /// Its place among all calls, from 1.
    pub number: u64,
    /// When it came.
    pub at: String,
    /// The method.
    pub method: String,
    /// The path; what stands behind an app's endpoint is left out, because a customer may have named it.
    pub path: String,
    /// What it was answered.
    pub status: u16,
    /// How long that took.
    pub milliseconds: f64,
    /// AWS operations and calls to the site, in their order.
    pub round_trips: Vec<String>,
    /// Whether it was made only to show what a tenant sees.
    pub for_view: bool,
}

/// The last calls. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    /// Durations are the machine's own: the other clock may be moved while a call runs.
    machine: SystemClock,
    calls: Mutex<Recent<Watched>>,
}

impl Watch {
    /// No calls yet; they are dated by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, machine: SystemClock::start(), calls: Mutex::new(Recent::of(KEPT)) }))
    }

    /// The same functions, watched.
    pub fn over(&self, front: Router) -> Router {
        Router::new().fallback(pass).with_state((self.clone(), front))
    }

    /// The last calls, newest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Watched> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).newest_first().cloned().collect()
    }

    fn keep(&self, call: impl FnOnce(u64) -> Watched) {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).keep(call);
    }
}

async fn pass(State((watch, front)): State<(Watch, Router)>, request: Request) -> Response<Body> {
    let (method, path) = (request.method().to_string(), route(request.uri().path()));
    let for_view = request.headers().contains_key(FOR_VIEW);
    let at = rfc3339(watch.0.clock.now().epoch_seconds());
    let began = watch.0.machine.now();
    let asked_for = Arc::<Mutex<Vec<String>>>::default();
    let answer = ASKED_FOR.scope(Arc::clone(&asked_for), front.oneshot(request)).await.unwrap_or_else(|never| match never {});
    let milliseconds = rounded(watch.0.machine.now().since(began));
    let round_trips = asked_for.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let status = answer.status().as_u16();
    watch.keep(|number| Watched { number, at, method, path, status, milliseconds, round_trips, for_view });
    answer
}

fn rounded(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

/// The path as far as a route names it: an app that we host and its endpoint. Whatever follows is `…`.
fn route(path: &str) -> String {
    let mut segments = path.split('/').skip(1);
    let Some(app) = segments.next().and_then(|slug| Catalogue::hosted().find(slug)) else { return "/…".to_owned() };
    let plain =
        |endpoint: &&str| endpoint.len() <= 40 && endpoint.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    match (segments.next().map(|endpoint| if plain(&endpoint) { endpoint } else { "…" }), segments.next()) {
        (None, _) => format!("/{}", app.slug),
        (Some(endpoint), None) => format!("/{}/{endpoint}", app.slug),
        (Some(endpoint), Some(_)) => format!("/{}/{endpoint}/…", app.slug),
    }
}

/// A way to sites that is watched.
#[derive(Debug)]
pub struct WatchedSites<O>(pub O);

impl<O: Outbound> Outbound for WatchedSites<O> {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Bytes>, NoAnswer>> {
        note(|| {
            // Below the site's own path, which may be its name.
            let path = request.uri().path();
            let rest = path.find("/rest/").and_then(|at| path.get(at..)).unwrap_or("/…");
            format!("site {} {rest}", request.method())
        });
        self.0.send(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use shared::platform::clock::ManualClock;

    #[tokio::test]
    async fn a_call_is_told_with_what_it_asked_for_and_without_what_it_carried() {
        let watch = Watch::new(Arc::new(ManualClock::at(0)));
        let inner = Router::new().fallback(|| async {
            note(|| "KMS.Decrypt".to_owned());
            StatusCode::NO_CONTENT
        });
        let request = Request::get("/test-management/configuration/secret-plan?jwt=token").body(Body::empty()).unwrap();
        watch.over(inner).oneshot(request).await.unwrap();
        note(|| unreachable!("nobody is being answered"));
        let calls = watch.calls();
        assert_eq!((calls[0].path.as_str(), calls[0].status, calls[0].number), ("/test-management/configuration/…", 204, 1));
        assert_eq!(calls[0].round_trips, ["KMS.Decrypt"]);
        let told = serde_json::to_string(&calls).unwrap();
        assert!(!told.contains("token") && !told.contains("secret-plan"));
    }

    #[tokio::test]
    async fn only_the_last_calls_are_kept() {
        let watch = Watch::new(Arc::new(ManualClock::at(0)));
        let router = watch.over(Router::new());
        for _ in 0..=KEPT {
            router.clone().oneshot(Request::get("/who/knows").body(Body::empty()).unwrap()).await.unwrap();
        }
        let calls = watch.calls();
        assert_eq!((calls.len(), calls[0].number, calls[0].path.as_str()), (KEPT, 201, "/…"));
    }
}
