//! The two doors make one request of the same bytes: the HTTP door (axum and hyper on loopback, spoken to over a raw socket) and the Lambda
//! door (an event of a function URL). What the one refuses the other refuses, and no bytes make either panic.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use axum::body::Bytes;
use axum::extract::Request;
use axum::routing::any;
use axum::{Json, Router};
use http::StatusCode;
use local::host::ORIGIN_SECRET;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::connect::qsh;
use shared::platform::door::{self, FunctionUrlEvent};

use crate::harness::{World, serve_for_ever};
use crate::secrets::Log;
use crate::targets::{PATHS, QUERIES, corpus};

/// One router behind both doors.
struct Doors {
    address: String,
    router: Router,
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    /// hyper refuses without a word, before any of our code.
    fn is_hypers_refusal(&self) -> bool {
        matches!(self.status, 400 | 414 | 431) && self.body.is_empty()
    }
}

impl Doors {
    fn before(router: Router) -> Self {
        let address = serve_for_ever(router.clone()).trim_start_matches("http://").to_owned();
        Self { address, router }
    }

    /// The probe: tells what it was reached by.
    async fn probe() -> Self {
        async fn echo(request: Request) -> Json<Value> {
            let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
            let canonical = qsh::canonical(request.method().as_str(), path, query, "").ok();
            Json(json!({"method": request.method().as_str(), "path": path, "query": query, "canonical": canonical}))
        }
        let platform = World::new().await.host.platform("account").unwrap();
        Self::before(platform.serve("probe", Router::new().route("/", any(echo)).route("/{*rest}", any(echo))))
    }

    fn by_http(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let sent = format!("{method} {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{lines}\r\n").into_bytes();
        let mut came = Vec::new();
        // Who refuses hangs up, perhaps before everything is written.
        let _ = stream.write_all(&sent);
        let _ = stream.read_to_end(&mut came);
        let end = came.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer to {target:?}"));
        let (head, body) = (String::from_utf8(came[..end].to_vec()).unwrap(), came[end + 4..].to_vec());
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let of_the_connection = |name: &str| matches!(name, "date" | "content-length" | "connection");
        Answer { status, headers: headers.filter(|(name, _)| !of_the_connection(name)).collect(), body }
    }

    async fn by_lambda(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let answer = door::answer(self.router.clone(), event(method, path, query, headers)).await;
        assert!(!answer.is_base64_encoded);
        Answer { status: answer.status_code, headers: answer.headers, body: answer.body.into_bytes() }
    }

    /// Sends it through both, holds the answers against each other, and gives the one; `None` if it was refused by hyper.
    async fn both(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Option<Answer> {
        let (http, lambda) = (self.by_http(method, target, headers), self.by_lambda(method, target, headers).await);
        let case = format!("{method:?} {:?}", target.chars().take(80).collect::<String>());
        if http.is_hypers_refusal() {
            assert_eq!(lambda.status, 400, "{case}: {}", String::from_utf8_lossy(&lambda.body));
            return None;
        }
        // Each door has its own words for a target that is none.
        if lambda.status != 400 || http.status != 400 {
            assert_eq!(lambda, http, "{case}");
        }
        assert!(lambda.status < 500, "{case}");
        Some(lambda)
    }
}

/// An event as Lambda hands it over: the target is split at its first question mark.
fn event(method: &str, path: &str, query: &str, headers: &[(&str, &str)]) -> FunctionUrlEvent {
    let headers: BTreeMap<_, _> = headers.iter().copied().collect();
    let context = json!({"http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""}});
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "requestContext": context, "isBase64Encoded": false,
    });
    serde_json::from_value(event).unwrap()
}

const ORIGIN: (&str, &str) = ("x-lethe-origin", ORIGIN_SECRET);

#[tokio::test]
async fn one_target_is_one_path_query_and_hash_by_both_doors() {
    let doors = Doors::probe().await;
    let (mut reached, mut refused) = (0, 0);
    for target in corpus() {
        let Some(answer) = doors.both("GET", &target, &[ORIGIN]).await else {
            refused += 1;
            continue;
        };
        if answer.status == 200 {
            let told: Value = serde_json::from_slice(&answer.body).unwrap();
            let (path, query) = (told["path"].as_str().unwrap(), told["query"].as_str().unwrap());
            let sent = target.split('#').next().unwrap();
            assert_eq!(format!("{path}?{query}").trim_end_matches('?'), sent.trim_end_matches('?'), "the bytes of {target:?} were changed");
            reached += 1;
        }
    }
    assert!(reached > 100 && refused > 20, "{reached} {refused}");
}

#[tokio::test]
async fn nothing_but_the_origin_form_and_no_dot_segment_passes_either_door() {
    let doors = Doors::probe().await;
    for target in [
        "http://host/a",
        "https://host",
        "http://user:secret@host/a",
        "host:80",
        "*",
        "?a=b",
        "",
        "a",
        "\\a",
        "%2Fa",
        "/..",
        "/a/../b",
        "/a/%2e%2E/b",
        "/./a",
        "/a/.%2e",
    ] {
        let answers = [doors.by_http("GET", target, &[ORIGIN]).status, doors.by_lambda("GET", target, &[ORIGIN]).await.status];
        assert_eq!(answers, [400, 400], "{target:?}");
    }
}

#[tokio::test]
async fn a_signed_query_is_believed_by_both_doors() {
    let world = World::installed().await;
    let doors = Doors::before(world.host.function("account").unwrap());
    let mut believed = 0;
    for query in QUERIES {
        let sent = query.split('#').next().unwrap();
        let qsh = qsh::sign("GET", "/test-management/account", sent, "/test-management").unwrap_or_default();
        let claims = world.acme.claims(Some(qsh), world.now());
        let token = shared::connect::jwt::sign_hs256(&claims, world.acme.shared_secret.as_bytes()).unwrap();
        let target = format!("/test-management/account?{query}");
        let Some(answer) = doors.both("GET", &target, &[ORIGIN, ("authorization", &format!("JWT {token}"))]).await else { continue };
        let names_a_token = sent.contains("jwt=") || sent.contains("%6Awt=");
        let expected = match qsh::sign("GET", "/", sent, "") {
            Err(_) => 400,
            Ok(_) if names_a_token => 401,
            Ok(_) => 200,
        };
        assert_eq!(answer.status, expected, "{query:?}");
        believed += usize::from(expected == 200);
    }
    assert!(believed > 30, "{believed}");
}

#[tokio::test]
async fn an_odd_path_below_a_route_has_one_status_by_both_doors() {
    let world = World::installed().await;
    let doors = Doors::before(world.host.function("configuration").unwrap());
    let token = format!("JWT {}", world.acme.context_token(world.now()).unwrap());
    for path in PATHS {
        for target in
            [format!("/test-management/configuration{path}"), format!("{path}/configuration/a"), format!("/test-management{path}/a")]
        {
            for method in ["GET", "DELETE", "HEAD", "POST", "PURGE"] {
                doors.both(method, &target, &[ORIGIN, ("authorization", &token)]).await;
            }
        }
    }
}

#[tokio::test]
async fn a_method_is_the_same_by_both_doors_or_refused() {
    let doors = Doors::probe().await;
    let long = "M".repeat(300);
    for method in [
        "GET",
        "get",
        "PATCH",
        "DELETE",
        "M-SEARCH",
        "!#$%&'*+-.^_`|~",
        "",
        " ",
        "GE T",
        "G\u{e9}T",
        "G(T",
        "GET\u{0}",
        "GET/",
        "G\tT",
        "GET:",
        "\"GET\"",
        &long,
    ] {
        let answer = doors.both(method, "/a", &[ORIGIN]).await;
        let told = answer.map(|answer| serde_json::from_slice::<Value>(&answer.body).unwrap()["method"].clone());
        assert!(told.is_none_or(|told| told == method), "{method:?}");
    }
}

#[tokio::test]
async fn a_header_that_is_none_is_400_at_the_lambda_door() {
    let doors = Doors::probe().await;
    for (name, value) in [
        ("", "a"),
        ("a b", "a"),
        ("a:b", "a"),
        ("a\u{e9}", "a"),
        ("a\n", "a"),
        ("(a)", "a"),
        ("a", "b\nc: d"),
        ("a", "b\r\nc: d"),
        ("a", "\u{0}"),
        ("a", "\u{7f}"),
        ("a", "\u{1}"),
    ] {
        let answer = doors.by_lambda("GET", "/a", &[ORIGIN, (name, value)]).await;
        assert_eq!(answer.status, 400, "{name:?}: {value:?}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((&problem["type"], &problem["field"]), (&json!("urn:lethe:problem:malformed"), &json!("headers")));
    }
    assert_eq!(doors.by_lambda("GET", "/a", &[ORIGIN, ("a", "caf\u{e9}\t")]).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_not_the_base64_it_claims_to_be_is_400() {
    let platform = World::new().await.host.platform("account").unwrap();
    let router = platform.serve("probe", Router::new().route("/", any(async |body: Bytes| body)));
    let send = async |body: &str| {
        let (http, headers) = (json!({"http": {"method": "PUT"}}), BTreeMap::from([ORIGIN]));
        let event = json!({"rawPath": "/", "requestContext": http, "headers": headers, "body": body, "isBase64Encoded": true});
        door::answer(router.clone(), serde_json::from_value(event).unwrap()).await
    };
    for body in ["%", "AA", "AAA", "AA=A", "A-_A", "AAAA ", "AAAA\n", "\u{e9}", "AB=="] {
        let answer = send(body).await;
        assert_eq!((answer.status_code, answer.body.contains("\"field\":\"body\"")), (400, true), "{body:?}");
    }
    assert_eq!(send("aGk=").await.body, "hi");
}

#[tokio::test]
async fn an_answer_that_is_not_text_comes_as_base64_and_one_that_is_as_it_is() {
    let router = Router::new().route("/binary", any(async || vec![0_u8, 0xff, 0xfe])).route("/text", any(async || "caf\u{e9}"));
    let get = async |path: &str| door::answer(router.clone(), event("GET", path, "", &[])).await;
    let (binary, text) = (get("/binary").await, get("/text").await);
    assert_eq!((binary.is_base64_encoded, binary.body.as_str()), (true, "AP/+"));
    assert_eq!((text.is_base64_encoded, text.body.as_str()), (false, "caf\u{e9}"));
    let payload = serde_json::to_value(text).unwrap();
    assert_eq!((&payload["statusCode"], &payload["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert_eq!(payload["headers"].get("content-length"), None);
}

#[tokio::test]
async fn a_refusal_at_the_lambda_door_carries_what_every_answer_does() {
    let doors = Doors::probe().await;
    let (refused, passed) = (doors.by_lambda("GET", "no path", &[]).await, doors.by_lambda("GET", "/", &[]).await);
    assert_eq!((refused.status, passed.status), (400, 403));
    assert_eq!(refused.headers, passed.headers);
}

#[tokio::test]
async fn a_path_with_a_question_mark_in_it_is_none_that_lambda_sends() {
    let platform = World::new().await.host.platform("account").unwrap();
    let router = platform.serve("probe", Router::new().route("/{*rest}", any(async || StatusCode::OK)));
    let log = Log::kept();
    for (path, query) in [("/a?b", ""), ("/a?b", "c"), ("/?", "")] {
        assert_eq!(door::answer(router.clone(), event("GET", path, query, &[ORIGIN])).await.status_code, 400, "{path} {query}");
    }
    // What never became a request is a call all the same, and is told like one.
    let told = log.of_calls();
    let names = told.iter().map(|line| (line["faas"]["name"].as_str().unwrap(), line["event"]["reason"].as_str().unwrap()));
    assert_eq!(names.collect::<Vec<_>>(), [("probe", "path is not a valid request target"); 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_the_lambda_door_lets_in_keeps_its_bytes(path in "(/?[ -~\u{0}\u{1f}\u{7f}\u{e9}]{0,12}|\\PC{0,12}|(/|/\\.|%2e|%|\\?|#|[a-z]){0,8})", query in "([ -~]{0,12}|.{0,12})") {
        if let Ok(request) = door::request(event("GET", &path, &query, &[])) {
            let sent = if query.is_empty() { path } else { format!("{path}?{query}") };
            let kept = request.uri().path_and_query().unwrap().as_str();
            prop_assert_eq!(kept, sent.split('#').next().unwrap());
            prop_assert!(kept.starts_with('/') && request.uri().authority().is_none());
        }
    }

    #[test]
    fn no_method_or_header_makes_the_lambda_door_panic(method in "\\PC{0,8}|[A-Z]{1,8}", name in "\\PC{0,8}|[a-z-]{1,8}", value in "(?s).{0,12}") {
        if let Ok(request) = door::request(event(&method, "/", "", &[(&name, &value)])) {
            prop_assert_eq!(request.method().as_str(), method);
            prop_assert_eq!(request.headers().values().next().unwrap().as_bytes(), value.as_bytes());
        }
    }
}
