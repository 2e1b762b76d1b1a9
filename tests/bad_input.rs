//! What nobody should send: bodies, names, queries and cursors that are not of their form. The answer says which field is wrong and never
//! what stood in it, and nothing is written.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::RawQuery;
use axum::routing::get;
use http::{Method, Request, StatusCode};
use local::atlassian::Signed;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::problem::Problem;
use shared::records::register;
use shared::records::register::KindRow;
use shared::records::{Kind, Life};
use shared::tenant::{Anonymous, ContextToken};

use crate::harness::{ATLASSIAN, Answer, CONFIGURATION, World, answer, page_request, post, site};

/// Stands in every value that is refused, and must not come back.
const MARK: &str = "m4rk";

const EVENTS: [&str; 4] = ["installed", "uninstalled", "enabled", "disabled"];

/// An event with a token that is genuine, whatever its body is.
async fn event(world: &World, event: &str, body: impl Into<Body>) -> Answer {
    let path = format!("/test-management/{event}");
    let signed = Signed { method: "POST", path: &path, query: "" };
    let token = match event {
        "enabled" | "disabled" => world.acme.host_token(signed, world.now()).unwrap(),
        _ => ATLASSIAN.0.install_token(&world.acme, signed, world.now()).unwrap(),
    };
    world.send(post(&path, &token, body)).await
}

/// A world in which any event that is believed changes something, and what it holds.
async fn still_world() -> (World, Value) {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"blue\"").await;
    world.clock.advance(Duration::from_secs(60));
    let held = world.aws().dump().unwrap();
    (world, held)
}

fn check(answer: &Answer, status: StatusCode, field: &str, case: &str) {
    assert_eq!((answer.status, answer.field().as_str()), (status, field), "{case}: {}", answer.text());
    assert!(!answer.text().contains(MARK), "{case} is repeated: {}", answer.text());
}

/// What is not JSON, or not one clear value of it.
fn no_json() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(5_000), close.repeat(5_000)).into_bytes();
    vec![
        ("nothing", Vec::new()),
        ("white space", b" \r\n".to_vec()),
        ("half", br#"{"m4rk":"#.to_vec()),
        ("two", br#"{"a":"m4rk"}{}"#.to_vec()),
        ("a trailing comma", br#"{"a":"m4rk",}"#.to_vec()),
        ("a comment", br#"{"a":1}//m4rk"#.to_vec()),
        ("single quotes", b"{'m4rk':1}".to_vec()),
        ("XML", b"<m4rk/>".to_vec()),
        ("a form", b"m4rk=1&key=2".to_vec()),
        ("no UTF-8", b"{\"a\":\"m4rk\xff\"}".to_vec()),
        ("half a surrogate", br#"{"a":"m4rk\ud800"}"#.to_vec()),
        ("UTF-16", "{\"m4rk\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", b"\xef\xbb\xbf{\"m4rk\":1}".to_vec()),
        ("a raw control", b"{\"a\":\"m4rk\x01\"}".to_vec()),
        ("not a number", b"NaN".to_vec()),
        ("a number that is none", b"01".to_vec()),
        ("deep arrays", deep("[", "]")),
        ("deep objects", deep("{\"m4rk\":", "}")),
        ("deep and open", b"[".repeat(60_000)),
    ]
}

#[tokio::test]
async fn an_event_whose_body_is_not_one_object_is_400() {
    let (world, held) = still_world().await;
    let other_values = ["null", "true", "1", "\"m4rk\"", "[{\"key\":\"m4rk\"}]"].map(|text| (text, text.as_bytes().to_vec()));
    for name in EVENTS {
        for (case, body) in no_json().into_iter().chain(other_values.clone()) {
            check(&event(&world, name, body).await, StatusCode::BAD_REQUEST, "body", &format!("{name}: {case}"));
        }
    }
    assert!(world.aws().dump().unwrap() == held);
}

#[tokio::test]
async fn a_setting_that_is_not_one_clear_json_value_is_400() {
    let (world, held) = still_world().await;
    let twice = [r#"{"m4rk":1,"m4rk":2}"#, r#"[{"a":{"m4rk":1,"\u006d4rk":1}}]"#].map(|text| ("a member twice", text.as_bytes().to_vec()));
    for (case, body) in no_json().into_iter().chain(twice) {
        let answer = world.as_page(&world.acme, Method::PUT, &format!("{CONFIGURATION}/colour"), body).await;
        check(&answer, StatusCode::BAD_REQUEST, "body", case);
    }
    assert!(world.aws().dump().unwrap() == held);
}

/// Whether its length is announced or not.
#[tokio::test]
async fn a_body_that_is_too_large_is_413_and_says_what_would_be_taken() {
    let (world, held) = still_world().await;
    let sizes = [(EVENTS.as_slice(), 64 * 1024 + 1), (&EVENTS, 10 << 20)];
    for (names, size) in sizes {
        for name in names {
            let answer = event(&world, name, vec![b' '; size]).await;
            check(&answer, StatusCode::PAYLOAD_TOO_LARGE, "body", name);
            assert_eq!(answer.json()["detail"], "body may have 65536 bytes at most");
        }
    }
    for size in [256 * 1024 + 1, 10 << 20] {
        let target = format!("{CONFIGURATION}/colour");
        let body = format!("\"{}\"", "m".repeat(size - 2));
        check(&world.as_page(&world.acme, Method::PUT, &target, body).await, StatusCode::PAYLOAD_TOO_LARGE, "body", "in one");
        let pieces = futures::stream::iter((0..=size / 1024).map(|_| Ok::<_, std::io::Error>(vec![b'1'; 1024])));
        let answer = world.as_page(&world.acme, Method::PUT, &target, Body::from_stream(pieces)).await;
        check(&answer, StatusCode::PAYLOAD_TOO_LARGE, "body", "in pieces");
        let announced = page_request(&world.acme, Method::PUT, &target, world.now()).header("content-length", size.max(7 << 20));
        check(&world.send(announced.body(Body::empty()).unwrap()).await, StatusCode::PAYLOAD_TOO_LARGE, "body", "announced");
    }
    assert!(world.aws().dump().unwrap() == held);
}

#[tokio::test]
async fn a_member_of_a_wrong_type_or_form_is_400_by_its_name() {
    let (world, held) = still_world().await;
    let all = ["eventType", "key", "clientKey"];
    let of_installed = [
        "sharedSecret",
        "baseUrl",
        "productType",
        "displayUrl",
        "displayUrlServicedeskHelpCenter",
        "serviceEntitlementNumber",
        "entitlementId",
        "entitlementNumber",
        "oauthClientId",
        "installationId",
    ];
    let wrong = [json!(7), json!(true), json!(1.5), json!([MARK]), json!({ MARK: MARK })];
    let long = format!("{MARK}{}", "x".repeat(3_000));
    for name in EVENTS {
        let payload = world.acme.payload(name);
        let own = if name == "installed" { of_installed.as_slice() } else { &[] };
        for member in all.iter().chain(own) {
            for value in wrong.iter().cloned().chain([json!(long)]) {
                let mut payload = payload.clone();
                payload[*member] = value.clone();
                check(
                    &event(&world, name, payload.to_string()).await,
                    StatusCode::BAD_REQUEST,
                    member,
                    &format!("{name}.{member}: {value}"),
                );
            }
            let twice = payload.to_string().replacen('{', &format!("{{\"{member}\":\"{MARK}\",\"{member}\":\"{MARK}\","), 1);
            check(&event(&world, name, twice).await, StatusCode::BAD_REQUEST, member, &format!("{name}.{member} twice"));
        }
        let needed = if name == "installed" { &of_installed[..3] } else { &[] };
        for member in all.iter().chain(needed) {
            for missing in [None, Some(Value::Null), Some(json!(""))] {
                let mut payload = payload.clone();
                let members = payload.as_object_mut().unwrap();
                members.remove(*member);
                members.extend(missing.map(|value| ((*member).to_owned(), value)));
                check(
                    &event(&world, name, payload.to_string()).await,
                    StatusCode::BAD_REQUEST,
                    member,
                    &format!("{name} without {member}"),
                );
            }
        }
    }
    assert!(world.aws().dump().unwrap() == held);
}

/// Promise A-01: what is not one of Atlassian's cloud products is refused.
#[tokio::test]
async fn an_event_about_something_else_is_400_by_the_member_that_says_so() {
    let (world, held) = still_world().await;
    for (name, member, value) in [
        ("installed", "eventType", "uninstalled"),
        ("uninstalled", "eventType", "installed"),
        ("enabled", "eventType", "disabled"),
        ("disabled", "eventType", "m4rk"),
        ("installed", "key", "m4rk"),
        ("uninstalled", "key", "io.lethe.test-management.m4rk"),
        ("installed", "clientKey", "m4rk\u{0}"),
        ("uninstalled", "clientKey", "m4rk\n"),
        ("installed", "productType", "m4rk"),
        ("installed", "productType", "Jira"),
        ("installed", "sharedSecret", "m4rk"),
        ("installed", "displayUrl", "javascript:m4rk"),
        ("installed", "displayUrlServicedeskHelpCenter", "http://m4rk.example"),
    ] {
        let mut payload = world.acme.payload(name);
        payload[member] = value.into();
        check(&event(&world, name, payload.to_string()).await, StatusCode::BAD_REQUEST, member, &format!("{name}.{member}: {value}"));
    }
    assert!(world.aws().dump().unwrap() == held);
}

#[tokio::test]
async fn a_query_that_can_be_read_in_two_ways_is_400() {
    let (world, held) = still_world().await;
    for query in ["q=%", "q=%4", "q=m4rk%zz", "%=m4rk", "q=%ff", "m4rk%C3=1", "a=1&b=%f", "limit=5&q=%", "jwt=%zz"] {
        for (method, path) in [
            (Method::GET, "/test-management/account".to_owned()),
            (Method::GET, CONFIGURATION.to_owned()),
            (Method::GET, format!("{CONFIGURATION}/colour")),
            (Method::PUT, format!("{CONFIGURATION}/colour")),
            (Method::DELETE, format!("{CONFIGURATION}/colour")),
            (Method::POST, "/test-management/installed".to_owned()),
            (Method::POST, "/test-management/enabled".to_owned()),
        ] {
            let answer = world.as_page(&world.acme, method, &format!("{path}?{query}"), "{}").await;
            check(&answer, StatusCode::BAD_REQUEST, "query", &format!("{path}?{query}"));
        }
    }
    assert!(world.aws().dump().unwrap() == held);
}

/// Nothing is unpacked here, so packed bytes must not pass for the JSON in them.
#[tokio::test]
async fn a_setting_that_says_it_is_packed_is_415() {
    let world = World::installed().await;
    for (encoding, expected) in [("gzip", 415), ("br", 415), ("identity, gzip", 415), ("", 415), ("identity", 201)] {
        let request = page_request(&world.acme, Method::PUT, &format!("{CONFIGURATION}/colour"), world.now());
        let answer = world.send(request.header("content-encoding", encoding).body(Body::from("1")).unwrap()).await;
        assert_eq!(answer.status.as_u16(), expected, "{encoding:?}");
    }
}

/// Lambda would end the function after ten seconds without a word, and nobody would know why.
#[tokio::test]
async fn a_body_that_never_ends_is_given_up_after_eight_seconds() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "1").await;
    let before = world.aws().dump().unwrap();
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let endless = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = world.as_page(&world.acme, Method::PUT, &format!("{CONFIGURATION}/colour"), endless).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(began.elapsed().as_secs(), 8);
    assert_eq!(world.aws().dump().unwrap(), before);
}

#[tokio::test]
async fn a_setting_of_another_type_than_json_is_415() {
    let (world, held) = still_world().await;
    let put = async |content_types: &[&str]| {
        let token = format!("JWT {}", world.acme.context_token(world.now()).unwrap());
        let request = Request::put(format!("{CONFIGURATION}/colour")).header("authorization", token);
        let request = content_types.iter().fold(request, |request, content_type| request.header("content-type", *content_type));
        world.send(request.body(Body::from("\"red\"")).unwrap()).await
    };
    for types in [
        &[][..],
        &[""],
        &["text/plain"],
        &["text/json"],
        &["application/jsonx"],
        &["application/m4rk+json"],
        &["m4rk"],
        &["application/xml; application/json"],
    ] {
        let answer = put(types).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type"), "{types:?}");
        assert!(!answer.text().contains(MARK));
    }
    assert!(world.aws().dump().unwrap() == held);
    for types in ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=utf-8"] {
        assert_eq!(put(&[types]).await.status, StatusCode::NO_CONTENT, "{types}");
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_400_for_every_method() {
    let (world, held) = still_world().await;
    let (longest, long) = ("n".repeat(128), "n".repeat(129));
    for name in [
        "m4rk%20a",
        "m4rk%2Fa",
        "caf%C3%A9m4rk",
        "m4rk%00",
        "m4rk+",
        "m4rk%zz",
        "m4rk%",
        "m4rk'",
        "m4rk;a=b",
        "m4rk&a",
        "m4rk:a",
        "m4rk@a",
        "~m4rk",
        "%2e%2e%2fm4rk",
        &long,
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = world.as_page(&world.acme, method.clone(), &format!("{CONFIGURATION}/{name}"), "1").await;
            check(&answer, StatusCode::BAD_REQUEST, "name", &format!("{method} {name}"));
        }
    }
    assert!(world.aws().dump().unwrap() == held);
    assert_eq!(world.put(&world.acme, &longest, "1").await.status, StatusCode::CREATED);
}

async fn listed(world: &World, site: &local::atlassian::Site, query: &str) -> Answer {
    world.as_page(site, Method::GET, &format!("{CONFIGURATION}?{query}"), Body::empty()).await
}

#[tokio::test]
async fn a_limit_that_is_none_is_400() {
    let world = World::installed().await;
    for limit in ["", "0", "101", "-1", "m4rk", "1e1", "5.0", "0x10", "%205", "5%20", "5m4rk", "99999999999999999999", "\u{665}", "%00"] {
        check(&listed(&world, &world.acme, &format!("limit={limit}")).await, StatusCode::BAD_REQUEST, "limit", limit);
    }
    for query in ["limit=5&limit=5", "cursor=m4rk&cursor=m4rk"] {
        check(&listed(&world, &world.acme, query).await, StatusCode::BAD_REQUEST, "query", query);
    }
}

/// The cursor of a first page of one record, of two.
async fn cursor(world: &World, site: &local::atlassian::Site) -> String {
    world.put(site, "colour", "1").await;
    world.put(site, "shape", "2").await;
    listed(world, site, "limit=1").await.json()["cursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_cursor_that_we_never_gave_is_400() {
    let world = World::installed().await;
    let cursor = cursor(&world, &world.acme).await;
    for garbage in [
        "",
        "m4rk",
        "A",
        "AAAA",
        "%00",
        "null",
        &"A".repeat(4_000),
        &format!("{cursor}="),
        &format!("{cursor}A"),
        &cursor[1..],
        &cursor[..cursor.len() - 1],
    ] {
        check(&listed(&world, &world.acme, &format!("cursor={garbage}")).await, StatusCode::BAD_REQUEST, "cursor", garbage);
    }
    // Every letter is in some byte of the header, the salt, the commitment, the cell or its tag.
    for place in 0..cursor.len() {
        let letter = if &cursor[place..=place] == "B" { "C" } else { "B" };
        let tampered = format!("{}{letter}{}", &cursor[..place], &cursor[place + 1..]);
        check(
            &listed(&world, &world.acme, &format!("cursor={tampered}")).await,
            StatusCode::BAD_REQUEST,
            "cursor",
            &format!("letter {place}"),
        );
    }
    assert_eq!(listed(&world, &world.acme, &format!("cursor={cursor}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cursor_of_another_tenant_is_400() {
    let world = World::installed().await;
    let other = site("other");
    world.install(&other).await;
    let (ours, theirs) = (cursor(&world, &world.acme).await, cursor(&world, &other).await);
    check(&listed(&world, &world.acme, &format!("cursor={theirs}")).await, StatusCode::BAD_REQUEST, "cursor", "theirs");
    check(&listed(&world, &other, &format!("cursor={ours}")).await, StatusCode::BAD_REQUEST, "cursor", "ours");
    // The same customer in its next life is another tenant.
    world.clock.advance(Duration::from_secs(1));
    world.uninstall(&world.acme).await;
    world.clock.advance(Duration::from_secs(111 * 86_400));
    world.install(&world.acme).await;
    check(&listed(&world, &world.acme, &format!("cursor={ours}")).await, StatusCode::BAD_REQUEST, "cursor", "of a former life");
}

#[tokio::test]
async fn a_cursor_of_another_kind_is_400() {
    #[derive(Serialize, Deserialize)]
    struct Other;
    impl Kind for Other {
        const ROW: &'static KindRow = &KindRow { name: "other", ..register::CONFIGURATION };
        const SCHEMA: u16 = 1;
        const LIFE: Life = Life::Tenancy;
    }
    async fn others(token: ContextToken<Anonymous>, RawQuery(query): RawQuery) -> Result<String, Problem> {
        let cursor = query.as_deref().and_then(|query| query.strip_prefix("cursor="));
        let page = token.tenant.records::<Other>().list(cursor, 1).await?;
        Ok(page.cursor.unwrap_or_default())
    }
    async fn put(token: ContextToken<Anonymous>, name: axum::extract::Path<(String, String)>) -> Result<(), Problem> {
        token.tenant.records::<Other>().put(&name.1, &Other, &shared::records::Precondition::None).await.map(drop)
    }
    let world = World::installed().await;
    let routes = Router::new().route("/{app}/other", get(others)).route("/{app}/other/{name}", axum::routing::put(put));
    let probe = world.host.platform("configuration").unwrap().serve("probe", routes);
    let send = async |method: Method, target: &str| {
        let mut request = page_request(&world.acme, method, target, world.now()).body(Body::empty()).unwrap();
        request.headers_mut().insert("x-lethe-origin", local::host::ORIGIN_SECRET.parse().unwrap());
        answer(probe.clone(), request).await
    };
    for name in ["a", "b"] {
        assert_eq!(send(Method::PUT, &format!("/test-management/other/{name}")).await.status, StatusCode::OK);
    }
    let (ours, theirs) = (cursor(&world, &world.acme).await, send(Method::GET, "/test-management/other").await.text());
    assert_eq!(send(Method::GET, &format!("/test-management/other?cursor={theirs}")).await.status, StatusCode::OK);
    check(&listed(&world, &world.acme, &format!("cursor={theirs}")).await, StatusCode::BAD_REQUEST, "cursor", "of another kind");
    check(&send(Method::GET, &format!("/test-management/other?cursor={ours}")).await, StatusCode::BAD_REQUEST, "cursor", "of ours");
}

#[tokio::test]
async fn a_cursor_is_good_for_an_hour() {
    let world = World::installed().await;
    let cursor = format!("cursor={}", cursor(&world, &world.acme).await);
    world.clock.advance(Duration::from_secs(3_599));
    assert_eq!(listed(&world, &world.acme, &cursor).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(1));
    check(&listed(&world, &world.acme, &cursor).await, StatusCode::BAD_REQUEST, "cursor", "an hour old");
}
