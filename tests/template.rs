//! A walk over template.yaml, which is the list of what there is: whatever a function, a route or a sample event lacks is named here, and so
//! is whatever lies in the repository without standing in the list.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::atlassian::KID;
use local::host::ORIGIN_SECRET;
use local::jira::user::{ADMIN, ANONYMOUS, USERS, User};
use local::mounts::{MOUNTS, WORKERS, Work};
use local::samples::{ATTACHMENT, Sample, TokenKind};
use local::template::{Template, at};
use shared::connect::jwt::{ClaimsToSign, sign_hs256};
use shared::connect::qsh;
use shared::platform::door;
use yaml_serde::Value;

use crate::harness::{ATLASSIAN, Answer, World, host_request, page_request, site};

const LIST: &str = include_str!("public-routes.txt");

pub const RIGHTS: &str = include_str!("rights.txt");

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn names_in(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(repository().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn functions() -> BTreeSet<String> {
    Template::deployed().unwrap().functions().iter().map(|id| Template::function_name(id)).collect()
}

/// Of the functions that are called over HTTP.
fn samples() -> Vec<Sample> {
    Sample::all().unwrap()
}

/// What is mounted, however it is called.
fn mounted() -> BTreeSet<String> {
    MOUNTS.iter().map(|(name, _)| *name).chain(WORKERS.iter().map(|(name, _)| *name)).map(ToOwned::to_owned).collect()
}

/// Whether a person starts it by hand.
fn is_invoked(name: &str) -> bool {
    WORKERS.iter().any(|(mounted, work)| *mounted == name && matches!(work, Work::Invoked(_)))
}

/// The functions that only operators call.
pub fn operators() -> BTreeSet<String> {
    Template::deployed().unwrap().operators().iter().map(|id| Template::function_name(id)).collect()
}

/// A sample's route as the list of public ones names it: the app is a parameter.
pub fn route(sample: &Sample) -> String {
    let path = sample.path().replacen("/test-management/", "/{app}/", 1).replace("${page}", "{token}");
    // A real name has as many digits as the samples' own.
    let segments = path.split('/').map(|segment| if segment.len() == ATTACHMENT.len() { "{id}" } else { segment });
    format!("{} {}", sample.method(), segments.collect::<Vec<_>>().join("/"))
}

/// The first segment of every route below an app.
fn endpoints() -> BTreeSet<String> {
    samples().iter().map(|sample| sample.path().split('/').nth(2).unwrap().to_owned()).collect()
}

/// A checked-in list of routes, one a line.
pub fn listed(text: &'static str) -> BTreeMap<&'static str, &'static str> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once(": ").expect("method, path, colon, text")).collect()
}

pub fn public_routes() -> BTreeMap<&'static str, &'static str> {
    listed(LIST)
}

/// The token of a sample, for this user.
fn token_of(world: &World, sample: &Sample, user: User) -> String {
    let qsh = match sample.token() {
        TokenKind::Context => "context-qsh".to_owned(),
        _ => qsh::sign(sample.method(), sample.path(), sample.query(), "/test-management").unwrap(),
    };
    let subject = user.account_id.map(ToOwned::to_owned);
    let claims = ClaimsToSign { subject, audience: vec![world.acme.app_base_url.clone()], ..world.acme.claims(Some(qsh), world.now()) };
    match sample.token() {
        TokenKind::Install => ATLASSIAN.0.sign(&claims, KID).unwrap(),
        TokenKind::Page => world.page_token.clone(),
        _ => sign_hs256(&claims, world.acme.shared_secret.as_bytes()).unwrap(),
    }
}

fn bare(method: &Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

/// Every refusal is a problem document of its status; the page's own is a page without script.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: StatusCode, slug: &str, case: &str) {
    if answer.headers["content-type"] == "text/html; charset=utf-8" {
        let text = answer.text();
        assert!(text.contains("<main id=\"refused\"") && !text.contains("<script") && case.contains("/page"), "{case}: {text}");
        assert_eq!(answer.status, status, "{case}");
        return;
    }
    assert_eq!((answer.status, answer.problem().as_str()), (status, slug), "{case}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{case}");
}

#[tokio::test]
async fn every_function_has_all_that_a_function_has() {
    let template = Template::deployed().unwrap();
    let (routes, subscriptions, world) = (template.routes().unwrap(), template.subscriptions().unwrap(), World::new().await);
    let others = [Sample::of_workers().unwrap(), Sample::of_operators().unwrap()];
    let samples: Vec<Sample> = samples().into_iter().chain(others.into_iter().flatten()).collect();
    let logs: BTreeMap<String, Value> = template.resources("AWS::Logs::LogGroup").into_iter().collect();
    let mut missing = Vec::new();
    for (id, function) in template.resources("AWS::Serverless::Function") {
        let name = Template::function_name(&id);
        let text = |path: &str| fs::read_to_string(repository().join("functions").join(&name).join(path)).unwrap_or_default();
        let said = |names: &[&str]| at(&function, names).and_then(Value::as_str).unwrap_or_default().to_owned();
        let log = logs.get(&format!("{id}Log"));
        let log_name = log.and_then(|log| match at(log, &["Properties", "LogGroupName"]) {
            Some(Value::Tagged(tagged)) => tagged.value.as_str(),
            _ => None,
        });
        let (is_triggered, is_routed) =
            (at(&function, &["Properties", "Events"]).is_some(), routes.iter().any(|route| route.function == id));
        let is_told = subscriptions.iter().any(|subscription| subscription.target == id);
        let (is_operators, has_url) = (template.operators().contains(&id), at(&function, &["Properties", "FunctionUrlConfig"]).is_some());
        for (what, is_there) in [
            ("a crate of its name", text("Cargo.toml").contains(&format!("name = \"{name}\"\n"))),
            ("a main.rs that starts its routes", text("src/main.rs").contains(&format!("{}::", name.replace('-', "_")))),
            ("a lib.rs that says what it is for", text("src/lib.rs").starts_with("//! ")),
            ("CodeUri: its folder", said(&["Properties", "CodeUri"]) == format!("functions/{name}/")),
            ("Binary: its name", said(&["Metadata", "BuildProperties", "Binary"]) == name),
            ("a description", !said(&["Properties", "Description"]).is_empty()),
            ("a sample event in events/", samples.iter().any(|sample| sample.function == name)),
            ("a mount in local/src/mounts.rs", mounted().contains(&name)),
            (
                "one of five ways in: a pattern of the front door, a trigger, a log, operators, a hand",
                [is_triggered, is_routed, is_told, is_operators, is_invoked(&name)].iter().filter(|way| **way).count() == 1,
            ),
            ("an URL, if somebody calls it, and none otherwise", has_url == (is_routed || is_operators)),
            ("a log group of its name", log_name == Some(&format!("/lethe/${{AWS::StackName}}/{name}"))),
            ("30 days in its log group", log.and_then(|log| at(log, &["Properties", "RetentionInDays"])?.as_u64()) == Some(30)),
            ("an environment that it starts with", world.host.platform(&name).is_some()),
        ] {
            if !is_there {
                missing.push(format!("{id} lacks {what}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn nothing_lies_in_the_repository_that_the_template_does_not_name() {
    let functions = functions();
    let logs = Template::deployed().unwrap().resources("AWS::Logs::LogGroup");
    let logged = logs.iter().map(|(id, _)| Template::function_name(id.strip_suffix("Log").expect(id))).collect();
    for (what, found) in [("functions/", names_in("functions")), ("events/", names_in("events")), ("a mount", mounted()), ("a log", logged)]
    {
        assert_eq!(found, functions, "{what}");
    }
}

#[test]
fn every_pattern_of_the_front_door_is_walked_by_a_sample_event_of_its_function() {
    for route in Template::deployed().unwrap().routes().unwrap() {
        let function = Template::function_name(&route.function);
        let beginning = route.pattern.replacen("/*/", "/test-management/", 1);
        let walked = |sample: &Sample| match beginning.strip_suffix('*') {
            Some(beginning) => sample.path().starts_with(beginning),
            None => sample.path() == beginning,
        };
        assert!(samples().iter().any(|sample| sample.function == function && walked(sample)), "{}", route.pattern);
    }
}

#[tokio::test]
async fn every_sample_event_succeeds_through_the_lambda_door() {
    for sample in samples() {
        let world = World::of_samples().await;
        let event = serde_json::from_value(world.real(&sample).filled(&world.sample_token(&sample), ORIGIN_SECRET)).unwrap();
        let answer = door::answer(world.host.function(&sample.function).unwrap(), event).await;
        assert!((200..300).contains(&answer.status_code), "{} {}: {answer:?}", sample.function, sample.case);
    }
}

#[tokio::test]
async fn every_sample_event_succeeds_through_the_front_door() {
    for sample in samples() {
        let world = World::of_samples().await;
        let answer = world.send(world.sampled(&sample)).await;
        assert!(answer.status.is_success(), "{} {}: {}", sample.function, sample.case, answer.text());
    }
}

/// Promise A-43: also where the function is called past the front door.
#[tokio::test]
async fn every_route_without_a_token_is_refused_unless_it_is_listed_as_public() {
    let world = World::of_samples().await;
    for sample in samples() {
        let mut request = door::request(serde_json::from_value(world.real(&sample).filled("none", ORIGIN_SECRET)).unwrap()).unwrap();
        request.headers_mut().remove("authorization");
        let answer = world.send_to(&sample.function, request).await;
        if public_routes().contains_key(route(&sample).as_str()) {
            assert_eq!((sample.token(), answer.status), (TokenKind::Public, StatusCode::OK), "{}", route(&sample));
        } else {
            assert_problem(&answer, StatusCode::UNAUTHORIZED, "unauthorized", &route(&sample));
            assert_eq!(answer.headers["www-authenticate"], "JWT", "{}", route(&sample));
            if sample.method() == "GET" {
                let headers_only = world.send_to(&sample.function, bare(&Method::HEAD, sample.path())).await;
                assert_eq!(headers_only.status, StatusCode::UNAUTHORIZED, "HEAD of {}", route(&sample));
            }
        }
    }
}

/// Promise A-43: the right tenant's wrong user, for every route, called past the front door too.
#[tokio::test]
async fn every_route_refuses_the_right_tenants_wrong_user_as_the_list_of_rights_says() {
    let guarded: Vec<_> = samples().into_iter().filter(|sample| sample.token() != TokenKind::Public).collect();
    let routes: BTreeSet<String> = guarded.iter().map(route).collect();
    assert_eq!(listed(RIGHTS).keys().map(|route| (*route).to_owned()).collect::<BTreeSet<_>>(), routes);
    for (sample, user) in guarded.iter().flat_map(|sample| USERS.map(|user| (sample, user))) {
        let allowed = match listed(RIGHTS)[route(sample).as_str()] {
            // Neither is about whoever is before it.
            "atlassian" | "page" => true,
            "member" => user != ANONYMOUS,
            // What the samples are about was made by the administrator.
            "admin" | "author" | "remover" => user == ADMIN,
            other => panic!("{other} is no right"),
        };
        let world = World::of_samples().await;
        let sample = &world.real(sample);
        let event = sample.filled(&token_of(&world, sample, user), ORIGIN_SECRET);
        let (before, case) = (world.aws().dump().unwrap(), format!("{} by {}", route(sample), user.name));
        let answer = door::answer(world.host.function(&sample.function).unwrap(), serde_json::from_value(event).unwrap()).await;
        if allowed {
            assert!((200..300).contains(&answer.status_code), "{case}: {}", answer.body);
        } else {
            assert_eq!((answer.status_code, world.aws().dump().unwrap() == before), (403, true), "{case}: {}", answer.body);
            assert!(answer.body.contains("only for "), "{case}: {}", answer.body);
        }
    }
}

#[test]
fn every_line_of_the_public_list_names_a_route_and_a_reason() {
    let routes: BTreeSet<String> = samples().iter().map(route).collect();
    for (listed, reason) in public_routes() {
        assert!(routes.contains(listed), "{listed} is not a route any more");
        assert!(reason.len() > 20, "{listed} needs a reason");
    }
}

/// Promise A-43: each function is called past the front door, with its secret, as if a pattern led astray.
#[tokio::test]
async fn every_route_is_unknown_to_every_other_function() {
    let world = World::of_samples().await;
    for sample in samples() {
        for (other, _) in MOUNTS.iter().filter(|(name, _)| *name != sample.function && !operators().contains(*name)) {
            let answer = world.send_to(other, world.sampled(&sample)).await;
            assert_problem(&answer, StatusCode::NOT_FOUND, "not-found", &format!("{} at {other}", route(&sample)));
        }
    }
}

#[tokio::test]
async fn every_other_method_of_a_route_is_refused() {
    let world = World::of_samples().await;
    let mut routes = BTreeMap::<String, BTreeSet<String>>::new();
    for sample in samples() {
        let methods = routes.entry(world.sampled(&sample).uri().path().to_owned()).or_default();
        methods.insert(sample.method().to_owned());
        // RFC 9110, section 9.1: whoever answers GET answers HEAD.
        methods.extend((sample.method() == "GET").then(|| "HEAD".to_owned()));
    }
    for (path, allowed) in &routes {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = world.send(bare(&method, path)).await;
            if allowed.contains(method.as_str()) {
                assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                continue;
            }
            if method == Method::HEAD {
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            } else {
                assert_problem(&answer, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", &format!("{method} {path}"));
            }
            let named: BTreeSet<String> = answer.headers["allow"].to_str().unwrap().split(',').map(|name| name.trim().to_owned()).collect();
            assert_eq!(&named, allowed, "RFC 9110, section 15.5.6: {method} {path}");
        }
    }
}

#[tokio::test]
async fn an_app_that_we_do_not_host_is_not_found() {
    let world = World::of_samples().await;
    for sample in samples().into_iter().filter(|sample| sample.path().starts_with("/test-management/")) {
        let (mut parts, body) = world.sampled(&sample).into_parts();
        let path = parts.uri.to_string().replacen("/test-management/", "/test-managemen/", 1);
        parts.uri = path.parse().unwrap();
        let answer = world.send(Request::from_parts(parts, body)).await;
        assert_problem(&answer, StatusCode::NOT_FOUND, "not-found", &path);
    }
}

/// Promise A-43.
#[tokio::test]
async fn another_tenants_record_is_not_found_and_not_touched() {
    let world = World::of_samples().await;
    let other = site("other");
    world.install(&other).await;
    world.put(&other, "theirs", "\"kept\"").await;
    let answer = world.get(&world.acme, "theirs").await;
    assert_problem(&answer, StatusCode::NOT_FOUND, "not-found", "read");
    let path = "/test-management/configuration/theirs";
    assert_eq!(world.as_page(&world.acme, Method::DELETE, path, Body::empty()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.put(&world.acme, "theirs", "\"mine\"").await.status, StatusCode::CREATED);
    assert_eq!(world.get(&other, "theirs").await.text(), "\"kept\"");
    let list = world.as_page(&other, Method::GET, "/test-management/configuration", Body::empty()).await.json();
    assert_eq!(list["configuration"].as_array().map(Vec::len), Some(1));
}

/// A byte more than the largest body that the sample's route takes, or than any that it would read.
fn larger_than_taken(sample: &Sample) -> usize {
    match sample.function.as_str() {
        "attachments" if sample.path() == "/test-management/attachments" => 4 * 1024 * 1024 + 1,
        "browser-errors" => 1024 * 1024 + 1,
        "webhooks" => 5 * 1024 * 1024 + 1,
        _ => 256 * 1024 + 1,
    }
}

#[tokio::test]
async fn too_large_a_body_is_refused() {
    let world = World::of_samples().await;
    for sample in samples().iter().filter(|sample| sample.body().is_some()) {
        let (mut parts, _) = world.sampled(sample).into_parts();
        parts.headers.remove("content-length");
        let answer = world.send(Request::from_parts(parts, Body::from(vec![b' '; larger_than_taken(sample)]))).await;
        assert_problem(&answer, StatusCode::PAYLOAD_TOO_LARGE, "too-large", &route(sample));
        assert_eq!(answer.field(), "body", "{}", route(sample));
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_unread_by_every_route() {
    let world = World::of_samples().await;
    for sample in samples() {
        let mut request = world.sampled(&sample);
        request.headers_mut().insert("content-length", "6291457".parse().unwrap());
        assert_problem(&world.send(request).await, StatusCode::PAYLOAD_TOO_LARGE, "too-large", &route(&sample));
    }
}

/// The front door's `*` crosses slashes, so a function is handed paths that are not its own: each answers only its exact shape.
#[tokio::test]
async fn a_path_that_is_nearly_a_route_reaches_nothing() {
    let world = World::of_samples().await;
    let mut paths = Vec::new();
    for endpoint in endpoints() {
        let capital = endpoint.to_uppercase();
        let (head, tail) = endpoint.split_at(1);
        let escaped = format!("%{:02x}{tail}", head.as_bytes()[0]);
        paths.extend([
            format!("/{endpoint}"),
            format!("//{endpoint}"),
            format!("/a/b/{endpoint}"),
            format!("/test-management//{endpoint}"),
        ]);
        for near in [
            format!("x/{endpoint}"),
            format!("x/../{endpoint}"),
            format!("./{endpoint}"),
            format!("%2e/{endpoint}"),
            format!("%2E%2e/test-management/{endpoint}"),
            format!("{endpoint}/"),
            format!("{endpoint}//"),
            format!("{endpoint}/x/y"),
            format!("{endpoint}/configuration/x"),
            format!("{endpoint}/x/account"),
            format!("{endpoint};x=1"),
            format!("{endpoint}%2f"),
            format!("{endpoint}%00"),
            format!("{endpoint}.json"),
            format!("x%2F{endpoint}"),
            format!("..%2F{endpoint}"),
            format!("configuration/..%2f{endpoint}"),
            format!("configuration/x/{endpoint}"),
            format!("configuration/%ff{endpoint}"),
            capital,
            escaped,
        ] {
            paths.push(format!("/test-management/{near}"));
        }
        paths.push(format!("/TEST-MANAGEMENT/{endpoint}"));
        paths.push(format!("/test-management%2f{endpoint}"));
    }
    for path in &paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let tokens = [
                host_request(&world.acme, method.clone(), path, world.now()),
                page_request(&world.acme, method.clone(), path, world.now()),
                Request::builder().method(&method).uri(path),
            ];
            for request in tokens {
                let answer = world.send(request.body(Body::from("{}")).unwrap()).await;
                // Of a route's own shape: its method or its token is refused before the name or the app is looked at.
                let refused = match answer.status {
                    StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => true,
                    StatusCode::UNAUTHORIZED => path.starts_with("/test-management/configuration/"),
                    StatusCode::METHOD_NOT_ALLOWED => path.contains("/configuration/") || !path.starts_with("/test-management"),
                    _ => false,
                };
                assert!(refused, "{method} {path}: {} {}", answer.status, answer.text());
            }
        }
    }
}

#[tokio::test]
async fn a_setting_may_be_called_like_any_route() {
    let world = World::of_samples().await;
    // One name is ours, and has a form.
    let value = |name: &str| if name == "issue-copies" { r#"{"projects":[],"fields":[]}"# } else { "true" };
    for name in endpoints() {
        assert!(world.put(&world.acme, &name, value(&name)).await.status.is_success(), "{name}");
        assert_eq!(world.get(&world.acme, &name).await.text(), value(&name), "{name}");
    }
}

#[tokio::test]
async fn whatever_no_pattern_matches_is_not_found() {
    let world = World::of_samples().await;
    for path in ["/", "/x", "/robots.txt", "/favicon.ico", "/.env", "/test-management", "/test-management/", "/test-management/unknown"] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            assert_problem(&world.send(bare(&method, path)).await, StatusCode::NOT_FOUND, "not-found", path);
        }
    }
}
