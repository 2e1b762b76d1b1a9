//! The page as browsers get it: whom it is for, what it says and does not say, and what it lets the browser do.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::atlassian::{Signed, Site};
use local::aws::Service;
use local::jira::Trouble;
use local::jira::user::{ADMIN, ANONYMOUS, MEMBER, User};
use shared::tenant::PageToken;
use shared::tenant::page_token::Purpose;

use crate::harness::{Answer, S3, World, app, site};

const PATH: &str = "/test-management/page";

/// As an iframe asks for it, the token in the query.
fn request(world: &World, site: &Site, user: User) -> Request<Body> {
    let query = "xdm_e=https%3A%2F%2Fevil.example&cp=&lic=active";
    let token = site.host_token_for(user, Signed { method: "GET", path: PATH, query }, world.now()).unwrap();
    Request::get(format!("{PATH}?{query}&jwt={token}")).body(Body::empty()).unwrap()
}

async fn page(world: &World, site: &Site, user: User) -> Answer {
    world.send(request(world, site, user)).await
}

/// The content security policy, directive by directive.
fn policy(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    let directives = policy.split(';').map(|directive| directive.split_whitespace().map(ToOwned::to_owned));
    directives.map(|mut words| (words.next().unwrap(), words.collect())).collect()
}

#[tokio::test]
async fn an_administrator_sees_the_contract_and_the_editor_and_a_member_does_not() {
    let world = World::installed().await;
    for (user, administers) in [(ADMIN, true), (MEMBER, false)] {
        let answer = page(&world, &world.acme, user).await;
        assert_eq!((answer.status, &answer.headers["content-type"].to_str().unwrap()[..9]), (StatusCode::OK, "text/html"));
        let html = answer.text();
        for (what, shown) in [
            ("E-100-200-300", administers),
            ("<form id=\"editor\"", administers),
            ("data-may-administer=\"true\"", administers),
            ("https://acme.atlassian.net", true),
            ("AWS region eu-west-1", true),
            ("12 March 2027", true),
            ("21 May 2027", true),
        ] {
            assert_eq!(html.contains(what), shown, "{what} for {}", user.name);
        }
        for class in ["account", "customer-uploaded", "operation", "session", "support"] {
            assert_eq!(html.matches(&format!("data-class=\"{class}\"")).count(), 1, "{class}");
        }
    }
}

/// Promises: no secret, and nobody's account.
#[tokio::test]
async fn the_page_holds_no_secret_no_account_and_no_setting() {
    let world = World::installed().await;
    world.put(&world.acme, "m4rk-name", "\"<script>m4rk-value</script>\"").await;
    for user in [ADMIN, MEMBER] {
        let answer = page(&world, &world.acme, user).await;
        let told = format!("{:?} {}", answer.headers, answer.text());
        for secret in ["acme-shared-secret", "oauth-client-id-of-acme", "m4rk", user.account_id.unwrap(), "acme-client-key"] {
            assert!(!told.contains(secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn who_may_frame_it_is_who_the_tenant_is_and_not_who_asks() {
    let world = World::installed().await;
    let custom = site("custom");
    let mut payload = custom.payload("installed");
    payload["displayUrl"] = "https://jira.custom.example/home".into();
    payload["displayUrlServicedeskHelpCenter"] = "https://help.custom.example".into();
    world.lifecycle(&custom, "installed", world.now(), &payload).await;
    for (site, ancestors) in [
        (&world.acme, &["https://acme.atlassian.net"][..]),
        (&custom, &["https://custom.atlassian.net", "https://jira.custom.example", "https://help.custom.example"]),
    ] {
        let policy = policy(&page(&world, site, MEMBER).await);
        assert_eq!(policy["frame-ancestors"], ancestors);
        assert_eq!(policy["default-src"], ["'none'"]);
        assert_eq!(policy["script-src"], ["'self'", "https://bridge.example/all.js"]);
        assert_eq!(policy["style-src"], ["'self'"]);
        assert_eq!(policy["connect-src"], ["'self'", S3]);
    }
}

#[tokio::test]
async fn after_a_rename_the_new_address_may_frame_it() {
    let mut world = World::installed().await;
    world.acme.base_url = "https://renamed.atlassian.net".to_owned();
    world.clock.advance(std::time::Duration::from_secs(1));
    world.install(&world.acme).await;
    assert_eq!(policy(&page(&world, &world.acme, MEMBER).await)["frame-ancestors"], ["https://renamed.atlassian.net"]);
}

/// Nothing is told apart: not whether there is such a tenant, nor why.
#[tokio::test]
async fn opened_outside_the_site_it_is_a_plain_page_without_data() {
    let world = World::installed().await;
    let stranger = site("stranger");
    let stale = request(&world, &world.acme, ADMIN);
    world.clock.advance(std::time::Duration::from_secs(3600));
    let bare = |target: &str| Request::get(target).body(Body::empty()).unwrap();
    let answers = [
        world.send(bare(PATH)).await,
        world.send(bare(&format!("{PATH}?jwt=x"))).await,
        world.send(stale).await,
        page(&world, &stranger, ADMIN).await,
        world.as_page(&world.acme, Method::GET, PATH, Body::empty()).await,
    ];
    for answer in &answers {
        assert_eq!((answer.status, answer.text()), (StatusCode::UNAUTHORIZED, answers[0].text()));
        assert_eq!(answer.headers, answers[0].headers);
    }
    let html = answers[0].text();
    assert!(html.contains("<main id=\"refused\"") && !html.contains("<script") && !html.contains("acme"), "{html}");
    assert_eq!(policy(&answers[0]).get("script-src"), None);
}

#[tokio::test]
async fn whoever_is_not_logged_in_is_told_so_in_words() {
    let world = World::installed().await;
    let answer = page(&world, &world.acme, ANONYMOUS).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text().contains("Log in to your Atlassian site") && !answer.text().contains("acme"), "{}", answer.text());
}

#[tokio::test]
async fn a_site_that_does_not_say_who_administers_it_gets_the_page_for_reading() {
    let world = World::installed().await;
    for trouble in [Trouble::Status(500), Trouble::Garbage, Trouble::SomebodyElse] {
        world.jira.trouble(&world.acme, Some(trouble));
        let answer = page(&world, &world.acme, ADMIN).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text().contains("data-may-administer=\"unknown\"") && !answer.text().contains("<form"), "{trouble:?}");
    }
}

#[tokio::test]
async fn the_page_is_given_a_token_for_its_telemetry() {
    let world = World::installed().await;
    let html = page(&world, &world.acme, MEMBER).await.text();
    let (_, rest) = html.split_once("name=\"lethe-page-token\" content=\"").unwrap();
    let (token, _) = rest.split_once('"').unwrap();
    let proven = PageToken::prove(&world.host.platform("page").unwrap(), app(), Purpose::Telemetry, token).await;
    assert_eq!(proven.ok().unwrap().tenant.account().client_key, world.acme.client_key);
}

#[tokio::test]
async fn a_page_costs_one_call_to_dynamodb_and_one_question_a_minute() {
    let world = World::installed().await;
    page(&world, &world.acme, MEMBER).await;
    let (mark, asked) = (world.aws().calls().mark(), world.jira.asked().len());
    assert_eq!(page(&world, &world.acme, MEMBER).await.status, StatusCode::OK);
    let services: Vec<_> = world.aws().calls().since(mark).iter().map(|call| call.service).collect();
    assert_eq!((services, world.jira.asked().len() - asked), (vec![Service::DynamoDb], 0));
}

#[tokio::test]
async fn script_and_style_are_kept_for_a_year_under_the_name_that_the_page_gives_them() {
    let world = World::installed().await;
    let html = page(&world, &world.acme, MEMBER).await.text();
    for (name, media_type) in [("page.js", "text/javascript; charset=utf-8"), ("page.css", "text/css; charset=utf-8")] {
        let (_, rest) = html.split_once(&format!("\"{name}?")).unwrap();
        let (version, _) = rest.split_once('"').unwrap();
        for (query, cache_control) in [(version, "public, max-age=31536000, immutable"), ("v=0", "no-store"), ("", "no-store")] {
            let target = format!("/test-management/{name}?{query}");
            let answer = world.send(Request::get(target).body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status, &answer.headers["content-type"]), (StatusCode::OK, &media_type.parse().unwrap()));
            assert_eq!(answer.headers["cache-control"], cache_control, "{name}?{query}");
        }
        let elsewhere = world.send(Request::get(format!("/none/{name}")).body(Body::empty()).unwrap()).await;
        assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    }
}
