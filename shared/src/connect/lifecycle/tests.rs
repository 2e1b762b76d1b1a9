use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const APP: &str = "io.lethe.test-management";

fn hosts() -> SiteHosts {
    SiteHosts::parse(".atlassian.net,.jira.com").unwrap()
}

fn body(event: &str) -> Value {
    json!({
        "key": APP, "clientKey": "4f8c2d1e-client", "publicKey": "ignored", "sharedSecret": "a-shared-secret-of-a-site",
        "serverVersion": "100233", "pluginsVersion": "1000.0.0", "baseUrl": "https://acme.atlassian.net",
        "displayUrl": "https://jira.acme.example",
        "displayUrlServicedeskHelpCenter": "https://help.acme.example", "productType": "jira", "description": "Acme\nJira",
        "serviceEntitlementNumber": "SEN-1", "entitlementId": "e-1", "entitlementNumber": "E-1", "oauthClientId": "oauth-1",
        "installationId": "ari:cloud:ecosystem::installation/1", "eventType": event, "cloudId": {"never": ["seen"]},
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut body = body("installed");
    body[field] = value;
    body
}

fn without(field: &str) -> Value {
    let mut body = body("installed");
    body.as_object_mut().unwrap().remove(field);
    body
}

fn parsed<T: Lifecycle>(body: &Value) -> Result<T, BadPayload> {
    T::parse(body.to_string().as_bytes(), APP, &hosts())
}

fn refused(body: &Value) -> (&'static str, &'static str) {
    let refusal = parsed::<Installed>(body).err().unwrap();
    (refusal.field, refusal.problem)
}

/// Promise E-08.
#[test]
fn an_installation_is_read_as_atlassian_sends_it() {
    let installed: Installed = parsed(&body("installed")).unwrap();
    assert_eq!((installed.key.as_str(), installed.client_key()), (APP, "4f8c2d1e-client"));
    assert_eq!(installed.shared_secret.expose(), "a-shared-secret-of-a-site");
    assert_eq!(installed.base_url.as_str(), "https://acme.atlassian.net/");
    assert_eq!(installed.display_url.unwrap().as_str(), "https://jira.acme.example/");
    assert_eq!(installed.display_url_servicedesk_help_center.unwrap().as_str(), "https://help.acme.example/");
    assert_eq!(installed.product_type, ProductType::Jira);
    assert_eq!(installed.service_entitlement_number.as_deref(), Some("SEN-1"));
    assert_eq!(installed.entitlement_id.as_deref(), Some("e-1"));
    assert_eq!(installed.entitlement_number.as_deref(), Some("E-1"));
    assert_eq!(installed.oauth_client_id.as_deref(), Some("oauth-1"));
    assert_eq!(installed.installation_id.as_deref(), Some("ari:cloud:ecosystem::installation/1"));
}

#[test]
fn an_installation_needs_no_more_than_its_required_members() {
    let least = json!({
        "key": APP, "clientKey": "c", "sharedSecret": "a-shared-secret-of-a-site", "baseUrl": "https://acme.atlassian.net/wiki",
        "productType": "confluence", "eventType": "installed", "description": "", "displayUrl": "", "oauthClientId": null,
    });
    let installed: Installed = parsed(&least).unwrap();
    assert_eq!(installed.base_url.path(), "/wiki");
    assert_eq!((installed.display_url, installed.oauth_client_id), (None, None));
}

#[test]
fn the_other_events_are_read_without_a_secret() {
    assert_eq!(parsed::<Uninstalled>(&body("uninstalled")).unwrap().client_key(), "4f8c2d1e-client");
    assert_eq!(parsed::<Enabled>(&body("enabled")).unwrap().client_key(), "4f8c2d1e-client");
    let least = json!({"key": APP, "clientKey": "c", "eventType": "disabled"});
    assert_eq!(parsed::<Disabled>(&least).unwrap().client_key(), "c");
}

#[test]
fn an_event_at_the_wrong_route_is_refused() {
    for event in ["uninstalled", "enabled", "Installed", "installed "] {
        assert_eq!(refused(&body(event)), ("eventType", "names another event"), "{event}");
    }
    assert!(parsed::<Uninstalled>(&body("installed")).is_err());
}

#[test]
fn a_payload_of_another_app_is_refused() {
    assert_eq!(refused(&with("key", json!("com.other.app"))), ("key", "names another app"));
}

#[test]
fn a_missing_member_is_named() {
    for field in ["key", "clientKey", "sharedSecret", "baseUrl", "productType", "eventType"] {
        assert_eq!(refused(&without(field)), (field, "is missing"));
        assert_eq!(refused(&with(field, Value::Null)), (field, "is missing"));
    }
}

#[test]
fn a_member_of_a_wrong_type_is_named() {
    for field in ["key", "clientKey", "sharedSecret", "baseUrl", "displayUrl", "productType", "eventType", "oauthClientId"] {
        for value in [json!(7), json!(["x"]), json!({"x": 1}), json!(true)] {
            assert_eq!(refused(&with(field, value)), (field, "is not a text"));
        }
    }
}

#[test]
fn an_empty_or_over_long_member_is_named() {
    assert_eq!(refused(&with("clientKey", json!(""))), ("clientKey", "is empty"));
    assert_eq!(refused(&with("clientKey", json!("c".repeat(256)))), ("clientKey", "is too long"));
    assert_eq!(refused(&with("clientKey", json!("c\u{0}"))), ("clientKey", "holds control characters"));
    assert_eq!(refused(&with("sharedSecret", json!("s".repeat(15)))), ("sharedSecret", "is too short"));
    assert_eq!(refused(&with("sharedSecret", json!("s".repeat(1025)))), ("sharedSecret", "is too long"));
    assert_eq!(refused(&with("oauthClientId", json!("o".repeat(1025)))), ("oauthClientId", "is too long"));
    assert_eq!(refused(&with("baseUrl", json!(""))).0, "baseUrl");
    assert_eq!(refused(&with("x", json!("x".repeat(MAX_BODY_BYTES)))), ("body", "is too long"));
}

#[test]
fn a_member_given_twice_is_refused_if_we_use_it() {
    let text = body("installed").to_string();
    let twice = |extra: &str| Installed::parse(text.replacen('{', &format!("{{{extra},"), 1).as_bytes(), APP, &hosts());
    let refusal = |field| Some(BadPayload { field, problem: "is given twice" });
    assert_eq!(twice(r#""clientKey":"other""#).err(), refusal("clientKey"));
    assert_eq!(twice(r#""shared\u0053ecret":"other""#).err(), refusal("sharedSecret"));
    assert!(twice(r#""cloudId":"other""#).is_ok());
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    for text in [b"".as_slice(), b"[]", b"null", b"key=x", b"{\"key\":\"\xff\"}", deep.as_bytes()] {
        let refusal = Installed::parse(text, APP, &hosts()).err().unwrap();
        assert_eq!((refusal.field, refusal.problem), ("body", "is not a JSON object"));
    }
}

/// Promise A-01. Promise E-03.
#[test]
fn an_installation_on_a_server_or_data_centre_product_is_refused() {
    for product in ["server", "jira-server", "bamboo", "JIRA", "bitbucket"] {
        assert_eq!(refused(&with("productType", json!(product))), ("productType", "is not a product we know"), "{product}");
    }
    for site in
        ["https://jira.acme.example", "http://acme.atlassian.net", "https://10.0.0.5/jira", "https://acme.atlassian.net.evil.example"]
    {
        assert_eq!(refused(&with("baseUrl", json!(site))), ("baseUrl", "is not the address of an Atlassian cloud site"), "{site}");
    }
}

/// Promise E-33: what we do not use must not keep a tenant from leaving.
#[test]
fn nothing_else_in_a_notice_keeps_a_tenant_from_leaving() {
    let mut notice = body("uninstalled");
    notice["baseUrl"] = json!("https://moved.example");
    notice["description"] = json!("d".repeat(10_000));
    assert_eq!(parsed::<Uninstalled>(&notice).unwrap().client_key(), "4f8c2d1e-client");
}

#[test]
fn a_display_address_that_is_not_plain_https_is_refused() {
    for address in ["http://jira.acme.example", "javascript:alert(1)", "https://a;sandbox"] {
        assert_eq!(refused(&with("displayUrl", json!(address))), ("displayUrl", "is not an https address"), "{address}");
    }
}

/// Promise A-09.
#[test]
fn neither_debug_nor_a_refusal_shows_what_a_payload_says() {
    let installed: Installed = parsed(&body("installed")).unwrap();
    assert_eq!(format!("{installed:?}"), "Installed(..)");
    let refusal = parsed::<Installed>(&with("sharedSecret", json!("short-secret"))).err().unwrap();
    assert_eq!(refusal.to_string(), "cannot read the payload: sharedSecret is too short");
}

proptest! {
    #[test]
    fn whatever_a_stranger_sends_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[{}\\[\\]\",:a-zK0-9]{0,64}") {
        prop_assert!(Installed::parse(&bytes, APP, &hosts()).is_err());
        prop_assert!(Uninstalled::parse(text.as_bytes(), APP, &hosts()).is_err());
    }
}
