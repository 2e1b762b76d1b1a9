//! The tenant as we hold it, for whoever calls in its name: every member that the vendors' statements list, and never what must stay sealed.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::atlassian::Signed;
use serde_json::{Value, json};
use shared::records::retention;

use crate::harness::{World, host_request};

const ACCOUNT: &str = "/test-management/account";

async fn account(world: &World) -> Value {
    let answer = world.as_host(&world.acme, Method::GET, ACCOUNT).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Promises E-08, E-09, A-07, A-08 and A-01: what is held for licence, contract and contact, member by member.
#[tokio::test]
async fn an_account_has_exactly_these_members() {
    let world = World::installed().await;
    let mut account = account(&world).await;
    let retention = account.as_object_mut().unwrap().remove("retention").unwrap();
    let expected = json!({
        "app": "test-management",
        "appKey": "io.lethe.test-management",
        "hosting": "cloud",
        "clientKey": "acme-client-key",
        "baseUrl": "https://acme.atlassian.net",
        "displayUrl": "https://acme.atlassian.net",
        "displayUrlServicedeskHelpCenter": "https://acme.atlassian.net",
        "productType": "jira",
        "entitlementId": "e3f1b3ac-0000-4000-8000-000000000001",
        "entitlementNumber": "E-100-200-300",
        "state": "active",
        "enabled": true,
        "region": "eu-west-1",
        "installedAt": "2026-11-22T12:00:00Z",
        "epoch": 1,
        "heldSealed": ["sharedSecret", "oauthClientId"],
    });
    assert_eq!(account, expected);
    assert_eq!(retention, serde_json::to_value(retention::shown().collect::<Vec<_>>()).unwrap());
}

/// Promises E-17 and E-34, as the customer reads them.
#[tokio::test]
async fn an_account_says_that_what_users_made_is_gone_after_180_days() {
    let world = World::installed().await;
    let account = account(&world).await;
    let rows = account["retention"].as_array().unwrap();
    let uploaded: Vec<&Value> =
        rows.iter().filter(|row| row["dataClass"] == "customer-uploaded" && row["countsFrom"] == "leaving").collect();
    assert_eq!(uploaded.len(), 1);
    assert_eq!((&uploaded[0]["usuallyAfterDays"], &uploaded[0]["atTheLatestAfterDays"]), (&json!(110), &json!(180)));
}

/// Promise A-09: the secret and the OAuth id never leave, whatever is asked of whichever route.
#[tokio::test]
async fn nothing_that_is_answered_holds_the_secret_or_the_oauth_id() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "1").await;
    let mut answers = vec![world.as_host(&world.acme, Method::GET, ACCOUNT).await, world.install(&world.acme).await];
    for target in ["/test-management/configuration", "/test-management/configuration/colour", ACCOUNT] {
        answers.push(world.as_page(&world.acme, Method::GET, target, Body::empty()).await);
    }
    for answer in answers {
        let whole = format!("{:?} {}", answer.headers, answer.text());
        assert!(!whole.contains("acme-shared-secret") && !whole.contains("oauth-client-id-of-acme"), "{whole}");
    }
}

#[tokio::test]
async fn an_account_follows_what_atlassian_says_last() {
    let world = World::installed().await;
    let mut payload = world.acme.payload("installed");
    let members = payload.as_object_mut().unwrap();
    members.insert("baseUrl".to_owned(), json!("https://renamed.atlassian.net"));
    members.insert("installationId".to_owned(), json!("ari:cloud:ecosystem::installation/1"));
    members.insert("serviceEntitlementNumber".to_owned(), json!("SEN-1"));
    members.remove("entitlementNumber");
    members.remove("displayUrl");
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(world.lifecycle(&world.acme, "installed", world.now(), &payload).await.status, StatusCode::NO_CONTENT);
    let account = account(&world).await;
    assert_eq!(account["baseUrl"], "https://renamed.atlassian.net");
    assert_eq!(account["installationId"], "ari:cloud:ecosystem::installation/1");
    assert_eq!(account["serviceEntitlementNumber"], "SEN-1");
    assert_eq!((account.get("entitlementNumber"), account.get("displayUrl")), (None, None));
    assert_eq!(account["installedAt"], "2026-11-22T12:00:00Z", "an upgrade is no new life");
}

#[tokio::test]
async fn switching_the_app_off_and_on_shows() {
    let world = World::installed().await;
    for (event, enabled) in [("disabled", false), ("enabled", true)] {
        world.clock.advance(std::time::Duration::from_secs(1));
        world.lifecycle(&world.acme, event, world.now(), &world.acme.payload(event)).await;
        assert_eq!(account(&world).await["enabled"], enabled, "{event}");
    }
}

/// The URL that Atlassian loads into an iframe, with all that it puts there.
#[tokio::test]
async fn an_iframe_is_answered_by_its_token_in_the_query_as_in_the_header() {
    let world = World::installed().await;
    let query = "lic=active&cp=&xdm_e=https%3A%2F%2Facme.atlassian.net&xdm_c=channel-io.lethe.test-management__main&cv=1001.0.0-SNAPSHOT\
                 &loc=en-GB&tz=Europe%2FLondon&license=active&xdm_deprecated_addon_key_do_not_use=a%20b";
    let target = format!("{ACCOUNT}?{query}");
    assert!(target.len() >= 195, "{}", target.len());
    let in_header = host_request(&world.acme, Method::GET, &target, world.now()).body(Body::empty()).unwrap();
    let token = world.acme.host_token(Signed { method: "GET", path: ACCOUNT, query }, world.now()).unwrap();
    let in_query = Request::builder().uri(format!("{target}&jwt={token}")).body(Body::empty()).unwrap();
    let first = Request::builder().uri(format!("{ACCOUNT}?jwt={token}&{query}")).body(Body::empty()).unwrap();
    for (case, request) in [("header", in_header), ("query, last", in_query), ("query, first", first)] {
        let answer = world.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{case}: {}", answer.text());
        assert_eq!(answer.json()["clientKey"], "acme-client-key", "{case}");
    }
}
