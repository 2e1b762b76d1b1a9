//! Attempts to be somebody else, over HTTP through the front door: each is refused with the one 401 that tells nothing, and changes nothing.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::atlassian::{Signed, Site};
use local::host::ORIGIN_SECRET;
use local::samples::{Sample, TokenKind};
use shared::platform::front;

use crate::harness::{ATLASSIAN, Answer, CONFIGURATION, World, answer, app, post, site};
use crate::siege::{REFUSED, Siege, but, guarded, of_kind};

/// The control of all that follows: what is refused below is refused for what was changed and for nothing else.
/// Context tokens once opened every route, because a missing hash was allowed: here no kind of token opens another kind's route.
#[tokio::test]
async fn a_token_of_one_kind_opens_no_route_of_another() {
    let siege = Siege::begin().await;
    for sample in guarded() {
        let signed = Signed { method: sample.method(), path: sample.path(), query: sample.query() };
        let (acme, now) = (&siege.world.acme, siege.world.now());
        let tokens = [
            (TokenKind::Install, ATLASSIAN.0.install_token(acme, signed, now).unwrap()),
            (TokenKind::Host, acme.host_token(signed, now).unwrap()),
            (TokenKind::Context, acme.context_token(now).unwrap()),
        ];
        for (kind, token) in tokens.iter().filter(|(kind, _)| *kind != sample.token()) {
            siege.refuses_token(&format!("{kind:?}"), &sample, token).await;
        }
    }
    // The fixed hash, signed with Atlassian's own key.
    for sample in of_kind(TokenKind::Install) {
        let token = siege.sign(&sample, &but(&siege.claims(&sample), "qsh", "context-qsh".into()));
        siege.refuses_token("context hash", &sample, &token).await;
    }
}

/// A genuine event of one customer does not speak for another, whose secret and data it would take over.
#[tokio::test]
async fn an_event_about_another_customer_is_refused() {
    let siege = Siege::begin().await;
    let (acme, other, now) = (&siege.world.acme, &siege.other, siege.world.now());
    for event in ["installed", "uninstalled", "enabled", "disabled"] {
        let path = format!("/test-management/{event}");
        let signed = Signed { method: "POST", path: &path, query: "" };
        let token = match event {
            "enabled" | "disabled" => acme.host_token(signed, now).unwrap(),
            _ => ATLASSIAN.0.install_token(acme, signed, now).unwrap(),
        };
        siege.refuses(event, post(&path, &token, other.payload(event).to_string())).await;
    }
    // The other's name under one's own secret, and one's own name under the other's.
    for (name, secret) in [(other, acme), (acme, other)] {
        let forger = Site { shared_secret: secret.shared_secret.clone(), ..name.clone() };
        let token = forger.context_token(now).unwrap();
        let read = Request::get(format!("{CONFIGURATION}/test-environments")).header("authorization", format!("JWT {token}"));
        siege.refuses("borrowed name", read.body(Body::empty()).unwrap()).await;
    }
}

#[tokio::test]
async fn a_site_that_is_not_atlassians_cannot_be_installed_on() {
    let siege = Siege::begin().await;
    for address in [
        "https://evil.example",
        "http://acme.atlassian.net",
        "https://acme.atlassian.net.evil.example",
        "https://acme.atlassian.net@evil.example",
        "https://evil.example/.atlassian.net",
        "https://169.254.169.254",
        "https://[::1]",
        "http://localhost:8080",
        "https://atlassian.net",
        "https://acme.atlassian.net:8443",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://evil.example\\.atlassian.net",
        "",
        "//acme.atlassian.net",
    ] {
        let mut payload = siege.world.acme.payload("installed");
        payload["baseUrl"] = address.into();
        let before = siege.world.aws().dump().unwrap();
        let answer = siege.world.lifecycle(&siege.world.acme, "installed", siege.world.now(), &payload).await;
        assert_eq!(
            (answer.status, answer.problem().as_str(), answer.field().as_str()),
            (StatusCode::BAD_REQUEST, "malformed", "baseUrl"),
            "{address}"
        );
        assert!(siege.world.aws().dump().unwrap() == before, "{address}");
    }
}

/// Nothing says that a secret is one tenant's alone, so tenants are never found by their secret.
#[tokio::test]
async fn customers_who_share_a_secret_share_nothing_else() {
    let world = World::installed().await;
    let twin = Site { shared_secret: world.acme.shared_secret.clone(), ..site("twin") };
    world.install(&twin).await;
    world.put(&world.acme, "colour", "\"blue\"").await;
    assert_eq!(world.get(&twin, "colour").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.put(&twin, "colour", "\"red\"").await.status, StatusCode::CREATED);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
    let account = world.as_host(&twin, Method::GET, "/test-management/account").await.json();
    assert_eq!(account["clientKey"], twin.client_key);
    let nobody = Site { client_key: "nobody".to_owned(), ..twin };
    assert_eq!(world.get(&nobody, "colour").await.text(), REFUSED);
}

/// What we sign for a call to a site names the app as its issuer. Sent back to us it opens nothing, not even if a tenant had that name.
#[tokio::test]
async fn a_token_that_we_signed_ourselves_opens_nothing() {
    let siege = Siege::begin().await;
    let namesake = Site { client_key: app().key.to_owned(), shared_secret: siege.world.acme.shared_secret.clone(), ..site("namesake") };
    siege.world.install(&namesake).await;
    for sample in guarded().into_iter().filter(|sample| sample.token() != TokenKind::Install) {
        siege.refuses_token("ours", &sample, &siege.sign(&sample, &but(&siege.claims(&sample), "iss", app().key.into()))).await;
    }
}

#[tokio::test]
async fn whoever_has_left_is_refused_like_a_stranger() {
    let siege = Siege::begin().await;
    siege.world.uninstall(&siege.world.acme).await;
    for sample in guarded().into_iter().filter(|sample| matches!(sample.function.as_str(), "account" | "configuration")) {
        siege.refuses_token("left", &sample, &siege.sign(&sample, &siege.claims(&sample).to_string())).await;
    }
}

#[tokio::test]
async fn a_header_that_names_another_method_path_or_host_has_no_effect() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"blue\"").await;
    let before = world.aws().dump().unwrap();
    let token = format!("JWT {}", world.acme.context_token(world.now()).unwrap());
    let colour = format!("{CONFIGURATION}/colour");
    let send = async |method: Method, target: &str| {
        let request =
            Request::builder().method(method).uri(target).header("authorization", &token).header("content-type", "application/json");
        let overrides = ["x-http-method-override", "x-http-method", "x-method-override"].into_iter();
        let request = overrides.fold(request, |request, name| request.header(name, "DELETE"));
        let paths = ["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-forwarded-uri", "x-original-uri"].into_iter();
        let request = paths.fold(request, |request, name| request.header(name, CONFIGURATION));
        let request =
            request.header("x-forwarded-host", "evil.example").header("forwarded", "host=evil.example").header("host", "evil.example");
        world.send(request.body(Body::from("\"red\"")).unwrap()).await
    };
    assert_eq!(send(Method::GET, &colour).await.text(), "\"blue\"");
    assert_eq!(send(Method::GET, &format!("{colour}?_method=DELETE")).await.text(), "\"blue\"");
    assert_eq!(send(Method::POST, &colour).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(Method::GET, "/test-management/nothing").await.status, StatusCode::NOT_FOUND);
    assert!(world.aws().dump().unwrap() == before);
}

/// Whoever goes round the front door learns nothing and costs nothing, not even with a good token.
#[tokio::test]
async fn without_the_origin_secret_everything_is_403_before_anything_else() {
    let world = World::of_samples().await;
    let calls = world.aws().calls().mark();
    let (short, long) = (&ORIGIN_SECRET[1..], format!("{ORIGIN_SECRET}x"));
    let upper = ORIGIN_SECRET.to_uppercase();
    let mut first: Option<Answer> = None;
    for sample in Sample::all().unwrap() {
        for secret in [None, Some(""), Some(short), Some(&long), Some(&upper), Some(&format!("{ORIGIN_SECRET}, {ORIGIN_SECRET}"))] {
            for target in [sample.path(), "/", "/a/../b", "/test-management/%2e%2e", "/nobody/account?q=%"] {
                let mut request = world.sampled(&sample);
                *request.uri_mut() = target.parse().unwrap();
                request.headers_mut().remove(front::ORIGIN_SECRET);
                request.headers_mut().insert("content-length", "99999999".parse().unwrap());
                request.headers_mut().extend(secret.map(|secret| (front::ORIGIN_SECRET, secret.parse().unwrap())));
                let answer = answer(world.host.function(&sample.function).unwrap(), request).await;
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
                    (StatusCode::FORBIDDEN, "forbidden"),
                    "{} {target} {secret:?}",
                    sample.function
                );
                let first = first.get_or_insert(Answer { body: answer.body.clone(), headers: answer.headers.clone(), ..answer });
                assert_eq!((&answer.body, &answer.headers), (&first.body, &first.headers));
            }
        }
    }
    assert_eq!(world.aws().calls().since(calls), Vec::new());
}
