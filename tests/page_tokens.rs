//! The token that a page of ours sends its telemetry with: the tenant's own, for one purpose and twelve hours.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use http::{Request, StatusCode};
use local::atlassian::Site;
use local::host::ORIGIN_SECRET;
use shared::connect::catalogue::{App, AttachmentLimits, EndedLicence, Vendor};
use shared::platform::Platform;
use shared::problem::Problem;
use shared::tenant::page_token::Purpose;
use shared::tenant::{Anonymous, ContextToken, PageToken};

use crate::harness::{Answer, World, answer, app, page_request, site};

/// An app that is not the one the worlds host.
static OTHER: App = App {
    slug: "other",
    key: "io.lethe.other",
    name: "Other",
    description: "",
    vendor: Vendor { name: "", url: "" },
    scopes: &[],
    ended_licence: EndedLicence::Keeps,
    licensed: false,
    general_pages: &[],
    attachments: AttachmentLimits { largest_bytes: 0, most: 0, total_bytes: 0 },
    webhooks: &[],
};

async fn mint(token: ContextToken<Anonymous>) -> Result<String, Problem> {
    PageToken::mint(&token.tenant, Purpose::Telemetry)
}

async fn prove(State(platform): State<Platform>, Path((slug, token)): Path<(String, String)>) -> Result<String, Problem> {
    let app = if slug == OTHER.slug { &OTHER } else { app() };
    let proven = PageToken::prove(&platform, app, Purpose::Telemetry, &token).await?;
    Ok(proven.tenant.account().client_key.clone())
}

struct Pages {
    world: World,
    routes: Router,
}

impl Pages {
    async fn begin() -> Self {
        let world = World::installed().await;
        let routes = Router::new().route("/{app}/mint", get(mint)).route("/{app}/prove/{token}", get(prove));
        let routes = world.host.platform("configuration").unwrap().serve("pages", routes);
        Self { world, routes }
    }

    async fn token(&self, site: &Site) -> String {
        let request =
            page_request(site, http::Method::GET, "/test-management/mint", self.world.now()).header("x-lethe-origin", ORIGIN_SECRET);
        answer(self.routes.clone(), request.body(Body::empty()).unwrap()).await.text()
    }

    async fn shown(&self, app: &str, token: &str) -> Answer {
        let request = Request::get(format!("/{app}/prove/{token}")).header("x-lethe-origin", ORIGIN_SECRET);
        answer(self.routes.clone(), request.body(Body::empty()).unwrap()).await
    }

    async fn is_refused(&self, token: &str) -> bool {
        let shown = self.shown("test-management", token).await;
        (shown.status, shown.problem().as_str()) == (StatusCode::UNAUTHORIZED, "unauthorized")
    }
}

#[tokio::test]
async fn a_page_token_speaks_for_its_tenant() {
    let pages = Pages::begin().await;
    let other = site("other");
    pages.world.install(&other).await;
    for site in [&pages.world.acme, &other] {
        let token = pages.token(site).await;
        assert_eq!(pages.shown("test-management", &token).await.text(), site.client_key);
        assert!(token.len() < 300 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{token}");
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_twelve_hours() {
    let pages = Pages::begin().await;
    let token = pages.token(&pages.world.acme).await;
    pages.world.clock.advance(Duration::from_secs(12 * 3600 - 1));
    assert_eq!(pages.shown("test-management", &token).await.status, StatusCode::OK);
    pages.world.clock.advance(Duration::from_secs(1));
    assert!(pages.is_refused(&token).await);
}

/// Promise E-33.
#[tokio::test]
async fn a_page_token_ends_with_its_tenant() {
    let pages = Pages::begin().await;
    let token = pages.token(&pages.world.acme).await;
    pages.world.clock.advance(Duration::from_secs(1));
    pages.world.uninstall(&pages.world.acme).await;
    assert!(pages.is_refused(&token).await);
}

#[tokio::test]
async fn a_page_token_with_one_letter_changed_is_refused() {
    let pages = Pages::begin().await;
    let token = pages.token(&pages.world.acme).await;
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        // The last letter of base64 may hold bits that mean nothing, so another one is taken than its neighbour.
        changed[at] = if changed[at] == b'A' { b'f' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(pages.is_refused(&changed).await, "{changed}");
    }
}

#[tokio::test]
async fn one_tenants_token_does_not_open_anothers_page() {
    let pages = Pages::begin().await;
    let other = site("other");
    pages.world.install(&other).await;
    let (ours, theirs) = (pages.token(&pages.world.acme).await, pages.token(&other).await);
    let (digest, sealed) = (ours.split_once('.').unwrap().0, theirs.split_once('.').unwrap().1);
    assert!(pages.is_refused(&format!("{digest}.{sealed}")).await);
}

#[tokio::test]
async fn another_apps_page_is_not_opened() {
    let pages = Pages::begin().await;
    let token = pages.token(&pages.world.acme).await;
    assert_eq!(pages.shown("other", &token).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_was_sealed_for_something_else_is_no_page_token() {
    let pages = Pages::begin().await;
    let world = &pages.world;
    for name in ["a", "b"] {
        world.put(&world.acme, name, "1").await;
    }
    let target = "/test-management/configuration?limit=1";
    let list = world.as_page(&world.acme, http::Method::GET, target, Body::empty()).await.json();
    let cursor = list["cursor"].as_str().unwrap();
    let token = pages.token(&world.acme).await;
    assert!(pages.is_refused(&format!("{}.{cursor}", token.split_once('.').unwrap().0)).await);
}

#[tokio::test]
async fn what_cannot_be_a_page_token_costs_no_call_to_aws() {
    let pages = Pages::begin().await;
    let digest = "a".repeat(64);
    let mark = pages.world.aws().calls().mark();
    for token in ["x", ".x", "..x", &digest, &format!("{digest}.!"), &format!("{}.AAAA", "A".repeat(64)), &"a".repeat(600)] {
        assert!(pages.is_refused(token).await, "{token}");
    }
    assert_eq!(pages.world.aws().calls().since(mark), []);
}
