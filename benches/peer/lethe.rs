//! Lethe as it is compared: the routers of four functions in one process, one thread, over the SDK's own HTTP client; configured by its
//! environment as on Lambda, logging as on Lambda. What is not here is the Lambda runtime's own loop; in its place stands an HTTP server, as it
//! does at the peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use local::atlassian::Site;
use local::jira::Jira;
use local::mounts::MOUNTS;
use local::runtime_api;
use shared::connect::catalogue::Catalogue;
use shared::platform::config::Config;
use shared::platform::{Outside, Platform, log};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::aws::Aws;

/// As which this program is started to be Lethe.
pub(crate) const ROLE: &str = "--be-lethe";

/// The functions that have a counterpart in the peer.
const FUNCTIONS: [&str; 4] = ["account", "configuration", "installed", "webhooks"];

/// What the process is started with.
pub(crate) fn environment(aws: &Aws, public_url: &str, keys_url: &str) -> BTreeMap<String, String> {
    let mut environment = runtime_api::environment("Account").unwrap();
    for (name, value) in [
        ("LETHE_PUBLIC_URL", public_url),
        ("LETHE_INSTALL_KEYS_URLS", keys_url),
        ("LETHE_WRAPPING_KEY", aws.wrapping_key()),
        ("LETHE_CERTIFICATE_KEY", aws.certificate_key()),
        ("AWS_ENDPOINT_URL", &aws.endpoint()),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

/// Is Lethe until it is stopped.
pub(crate) async fn serve() {
    log::start();
    #[expect(clippy::disallowed_methods, reason = "a function's environment, as Lambda sets it")]
    let config = Config::read(|variable| std::env::var(variable).ok()).unwrap();
    let public_url = config.public_url.clone();
    let outside = Outside::real();
    // The site is asked once a minute who administers it. It is no part of what is compared, so it lies in this process.
    let jira = Jira::new(Arc::clone(&outside.clock));
    for app in Catalogue::hosted().iter() {
        jira.keep(&Site::acme(app, app.base_url(&public_url).to_string()));
    }
    let platform = Platform::new(config, Outside { sites: Arc::new(jira), ..outside });
    let mounted = MOUNTS.iter().filter(|(name, _)| FUNCTIONS.contains(name));
    let functions: BTreeMap<&str, Router> = mounted.map(|(name, routes)| (*name, routes(platform.clone()))).collect();
    let listener = TcpListener::bind(public_url.socket_addrs(|| None).unwrap().as_slice()).await.unwrap();
    axum::serve(listener, Router::new().fallback(pass).with_state(Arc::new(functions))).await.unwrap();
}

/// In CloudFront's place: to the function that the path names behind the app.
async fn pass(State(functions): State<Arc<BTreeMap<&'static str, Router>>>, request: Request) -> Response {
    let function = request.uri().path().split('/').nth(2).and_then(|name| functions.get(name)).cloned();
    match function {
        Some(function) => function.oneshot(request).await.unwrap_or_else(|never| match never {}),
        None => Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap(),
    }
}
