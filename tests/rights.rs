//! Rights: what a user may do is asked of the site, as the app, and what the site does not say is not allowed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use local::atlassian::{Signed, Site};
use local::host::{LocalHost, Settings};
use local::jira::user::{ADMIN, ANONYMOUS, MEMBER, User};
use local::jira::{Jira, Trouble};
use serde_json::json;
use shared::connect::jwt::{ClaimsToSign, sign_hs256};
use shared::platform::clock::ManualClock;
use shared::platform::outbound::{Internet, NoAnswer, Outbound};
use shared::platform::random::SystemRandom;

use crate::harness::{ATLASSIAN, Answer, BEGINNING, CONFIGURATION, World, post, serve_for_ever, settings, site};

/// A call of a page in which this user is logged in.
pub async fn as_user(world: &World, site: &Site, user: User, method: Method, target: &str, body: &str) -> Answer {
    as_subject(world, site, user.account_id, method, target, body).await
}

async fn as_subject(world: &World, site: &Site, subject: Option<&str>, method: Method, target: &str, body: &str) -> Answer {
    let claims = ClaimsToSign { subject: subject.map(ToOwned::to_owned), ..site.claims(Some("context-qsh".to_owned()), world.now()) };
    let token = sign_hs256(&claims, site.shared_secret.as_bytes()).unwrap();
    let request = Request::builder().method(method).uri(target).header("authorization", format!("JWT {token}"));
    world.send(request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()).await
}

async fn put_by(world: &World, user: User) -> Answer {
    as_user(world, &world.acme, user, Method::PUT, &format!("{CONFIGURATION}/colour"), "\"red\"").await
}

async fn get_by(world: &World, user: User) -> Answer {
    as_user(world, &world.acme, user, Method::GET, &format!("{CONFIGURATION}/colour"), "").await
}

#[track_caller]
fn assert_refused(answer: &Answer, detail: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{}", answer.text());
    assert_eq!(answer.json()["detail"], detail);
}

#[track_caller]
fn assert_not_said(answer: &Answer, case: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"), "{case}: {}", answer.text());
    assert_eq!(answer.json()["detail"], "the site did not say whether you may do this; try again in a moment", "{case}");
    assert_eq!(answer.headers["retry-after"], "5", "{case}");
}

fn asked(world: &World) -> usize {
    world.jira.asked().len()
}

/// Promise A-43.
#[tokio::test]
async fn a_member_reads_and_does_not_write() {
    let world = World::installed().await;
    assert_eq!(put_by(&world, ADMIN).await.status, StatusCode::CREATED);
    assert_eq!(get_by(&world, MEMBER).await.text(), "\"red\"");
    let before = world.aws().dump().unwrap();
    for method in [Method::PUT, Method::DELETE] {
        let answer = as_user(&world, &world.acme, MEMBER, method, &format!("{CONFIGURATION}/colour"), "\"blue\"").await;
        assert_refused(&answer, "only for administrators of the site");
    }
    assert_eq!(world.aws().dump().unwrap(), before);
}

#[tokio::test]
async fn whoever_is_not_logged_in_reads_nothing() {
    let world = World::installed().await;
    put_by(&world, ADMIN).await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = as_user(&world, &world.acme, ANONYMOUS, method, &format!("{CONFIGURATION}/colour"), "1").await;
        assert_refused(&answer, "only for users who are logged in to the site");
    }
    assert_eq!(asked(&world), 1, "nobody is asked about nobody");
}

#[tokio::test]
async fn a_subject_that_is_no_account_is_nobody() {
    let world = World::installed().await;
    for subject in ["", "unknown", " ", "ada lovelace", "../admin", "\"", "a\u{e4}", &"a".repeat(129)] {
        let answer = as_subject(&world, &world.acme, Some(subject), Method::GET, CONFIGURATION, "").await;
        assert_refused(&answer, "only for users who are logged in to the site");
    }
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn the_site_is_asked_once_a_minute_for_each_account_and_tenant() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    for (user, status) in [(ADMIN, StatusCode::CREATED), (ADMIN, StatusCode::NO_CONTENT), (MEMBER, StatusCode::FORBIDDEN)] {
        assert_eq!(put_by(&world, user).await.status, status);
    }
    assert_eq!(put_by(&world, MEMBER).await.status, StatusCode::FORBIDDEN);
    assert_eq!(asked(&world), 2);
    assert_eq!(world.put(&other, "colour", "1").await.status, StatusCode::CREATED);
    assert_eq!(world.jira.asked().last().unwrap().client_key, other.client_key);
    assert_eq!(asked(&world), 3);
    world.clock.advance(Duration::from_secs(59));
    put_by(&world, ADMIN).await;
    assert_eq!(asked(&world), 3);
    world.clock.advance(Duration::from_secs(1));
    put_by(&world, ADMIN).await;
    assert_eq!(asked(&world), 4);
}

#[tokio::test]
async fn what_only_reads_asks_the_site_nothing() {
    let world = World::installed().await;
    get_by(&world, MEMBER).await;
    as_user(&world, &world.acme, MEMBER, Method::GET, CONFIGURATION, "").await;
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn a_site_that_does_not_say_allows_nothing_and_is_asked_again() {
    let world = World::installed().await;
    // From here on no socket is waited for.
    tokio::time::pause();
    let before = world.aws().dump().unwrap();
    for trouble in [
        Trouble::Status(500),
        Trouble::Status(503),
        Trouble::Status(429),
        Trouble::Status(401),
        Trouble::Status(403),
        Trouble::Status(404),
        Trouble::Status(204),
        Trouble::Status(302),
        Trouble::Garbage,
        Trouble::Endless,
        Trouble::SomebodyElse,
        Trouble::Silent,
    ] {
        world.jira.trouble(&world.acme, Some(trouble));
        let began = tokio::time::Instant::now();
        for user in [ADMIN, MEMBER] {
            assert_not_said(&put_by(&world, user).await, &format!("{trouble:?}"));
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{trouble:?}: a person waits");
        assert_eq!(world.aws().dump().unwrap(), before, "{trouble:?}");
    }
    world.jira.trouble(&world.acme, None);
    assert_eq!(put_by(&world, ADMIN).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_right_that_was_given_outlasts_the_sites_silence_for_a_minute_only() {
    let world = World::installed().await;
    put_by(&world, ADMIN).await;
    world.jira.trouble(&world.acme, Some(Trouble::Status(500)));
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(put_by(&world, ADMIN).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(Duration::from_secs(1));
    assert_not_said(&put_by(&world, ADMIN).await, "a minute later");
}

/// Sites that answer whatever this says.
struct Scripted<F>(F);

impl<F> fmt::Debug for Scripted<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Scripted")
    }
}

impl<F: Fn(&Request<Bytes>) -> serde_json::Value + Send + Sync> Outbound for Scripted<F> {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        let answer = (self.0)(&request).to_string();
        Box::pin(async move { Ok(Response::new(Bytes::from(answer))) })
    }
}

/// A world whose functions reach sites in another way.
async fn reaching(sites: impl Outbound + 'static, site_hosts: &str) -> World {
    let clock = Arc::new(ManualClock::at(BEGINNING));
    let settings = Settings { sites: Arc::new(sites), site_hosts: site_hosts.to_owned(), ..settings(&clock, Arc::new(SystemRandom)) };
    let host = LocalHost::start(settings).await.unwrap();
    World {
        host,
        jira: Jira::new(Arc::<ManualClock>::clone(&clock)),
        clock,
        acme: site("acme"),
        attachment: String::new(),
        upload: String::new(),
        page_token: String::new(),
    }
}

/// Promise A-43.
#[tokio::test]
async fn one_sites_word_counts_for_its_own_users_alone() {
    let generous = |request: &Request<Bytes>| match request.uri().host() {
        Some("generous.atlassian.net") => json!({"globalPermissions": ["ADMINISTER"], "projectPermissions": []}),
        _ => json!({"globalPermissions": [], "projectPermissions": []}),
    };
    let world = reaching(Scripted(generous), ".atlassian.net").await;
    let generous = site("generous");
    for site in [&generous, &world.acme] {
        world.install(site).await;
    }
    let colour = format!("{CONFIGURATION}/colour");
    for (site, status) in [(&generous, StatusCode::CREATED), (&world.acme, StatusCode::FORBIDDEN), (&generous, StatusCode::NO_CONTENT)] {
        assert_eq!(as_user(&world, site, MEMBER, Method::PUT, &colour, "1").await.status, status);
    }
}

#[tokio::test]
async fn the_question_names_the_account_of_the_token_and_is_the_apps_own() {
    let world = World::installed().await;
    assert_eq!(put_by(&world, ADMIN).await.status, StatusCode::CREATED);
    // The small Jira answers only to the app's own signature, over this very request.
    let asked = world.jira.asked();
    let seen: Vec<_> = asked.iter().map(|asked| (asked.method.as_str(), asked.path.as_str(), asked.status)).collect();
    assert_eq!(seen, [("POST", "/rest/api/3/permissions/check", 200)]);
    let mut stranger = world.acme.clone();
    stranger.shared_secret = "another-secret".to_owned();
    world.jira.keep(&stranger);
    world.clock.advance(Duration::from_secs(60));
    assert_not_said(&put_by(&world, ADMIN).await, "the site has another secret");
    assert_eq!(world.jira.asked().last().unwrap().status, 401);
}

#[tokio::test]
async fn after_a_rotation_and_a_rename_the_site_is_asked_with_the_new_secret_at_the_new_address() {
    let mut world = World::installed().await;
    world.acme.shared_secret = "acme-second-secret".to_owned();
    world.acme.base_url = "https://acme-renamed.atlassian.net".to_owned();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    assert_eq!(put_by(&world, ADMIN).await.status, StatusCode::CREATED);
    assert_eq!(asked(&world), 1);
}

/// Confluence has no such permissions to ask for.
#[tokio::test]
async fn in_a_product_that_cannot_be_asked_nobody_is_an_administrator() {
    let world = World::new().await;
    let mut payload = world.acme.payload("installed");
    payload["productType"] = "confluence".into();
    payload["baseUrl"] = "https://acme.atlassian.net/wiki".into();
    assert_eq!(world.lifecycle(&world.acme, "installed", world.now(), &payload).await.status, StatusCode::NO_CONTENT);
    assert_refused(&put_by(&world, ADMIN).await, "only for administrators of the site");
    assert_eq!(asked(&world), 0);
}

/// A site behind a socket, reached as on Lambda; `at` is where it lies.
async fn over_sockets(site_server: axum::Router) -> (World, Site) {
    let origin = serve_for_ever(site_server);
    let world = reaching(Internet::default(), &origin).await;
    let site = Site { base_url: format!("{origin}/acme"), ..world.acme.clone() };
    let path = "/test-management/installed";
    let token = ATLASSIAN.0.install_token(&site, Signed { method: "POST", path, query: "" }, world.now()).unwrap();
    assert_eq!(world.send(post(path, &token, site.payload("installed").to_string())).await.status, StatusCode::NO_CONTENT);
    (world, site)
}

async fn put_over_sockets(server: axum::Router) -> Answer {
    let (world, site) = over_sockets(server).await;
    as_user(&world, &site, ADMIN, Method::PUT, &format!("{CONFIGURATION}/colour"), "1").await
}

fn allowing() -> axum::Json<serde_json::Value> {
    axum::Json(json!({"globalPermissions": ["ADMINISTER"], "projectPermissions": []}))
}

#[tokio::test]
async fn over_a_socket_the_site_is_asked_below_its_base_url() {
    let server = axum::Router::new().route("/acme/rest/api/3/permissions/check", axum::routing::post(async || allowing()));
    assert_eq!(put_over_sockets(server).await.status, StatusCode::CREATED);
}

/// The token would go with it.
#[tokio::test]
async fn a_site_that_redirects_is_not_followed() {
    let elsewhere = serve_for_ever(axum::Router::new().fallback(async || allowing()));
    for status in [301, 302, 303, 307, 308] {
        let (status, location) = (StatusCode::from_u16(status).unwrap(), format!("{elsewhere}/x"));
        let server = axum::Router::new().fallback(move || {
            let location = location.clone();
            async move { (status, [("location", location)]) }
        });
        assert_not_said(&put_over_sockets(server).await, status.as_str());
    }
}

#[tokio::test]
async fn an_answer_over_64_kib_is_none() {
    let padded = |bytes: usize| {
        let text = format!("{{\"globalPermissions\":[\"ADMINISTER\"],\"projectPermissions\":[]{}}}", " ".repeat(bytes - 60));
        assert_eq!(text.len(), bytes);
        axum::Router::new().fallback(move || async move { text.clone() })
    };
    assert_eq!(put_over_sockets(padded(64 * 1024)).await.status, StatusCode::CREATED);
    assert_not_said(&put_over_sockets(padded(64 * 1024 + 1)).await, "64 KiB and a byte");
}

#[tokio::test]
async fn a_site_that_nobody_answers_for_is_503() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = reaching(Internet::default(), &origin).await;
    let site = Site { base_url: origin, ..world.acme.clone() };
    world.install(&site).await;
    let answer = as_user(&world, &site, ADMIN, Method::PUT, &format!("{CONFIGURATION}/colour"), "1").await;
    assert_not_said(&answer, "nobody listens");
}
