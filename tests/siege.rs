//! What an attacker has: a world with two customers, and for every route of the sample events a token that is genuine until something in it
//! is changed. What it sends must be refused with the one 401 that tells nothing, and must change nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey};
use local::atlassian::Site;
use local::host::Settings;
use local::jira::user::ADMIN;
use local::samples::{Sample, TokenKind};
use serde_json::{Value, json};
use shared::connect::qsh;
use shared::platform::random::SystemRandom;

use crate::forger::{KeyServer, PUBLISHED, PUBLISHED_KID, forged};
use crate::harness::{ADDRESS, Answer, World, app, settings, site};

/// The whole answer to whoever is not known, whatever the reason.
pub const REFUSED: &str = r#"{"type":"urn:lethe:problem:unauthorized","title":"the request carries no valid token","status":401}"#;

/// A world with two customers, and everything that an attacker has: a token for every route that is genuine until something is changed.
pub struct Siege {
    pub world: World,
    pub keys: KeyServer,
    pub other: Site,
    refusal: Answer,
    page_refusal: Answer,
}

impl Siege {
    pub async fn begin() -> Self {
        let keys = KeyServer::start();
        let with = |clock: &_| Settings { install_keys_urls: keys.url.clone(), ..settings(clock, Arc::new(SystemRandom)) };
        let mut world = World { acme: Site::acme(app(), format!("{ADDRESS}/test-management")), ..World::with(with).await };
        let other = site("other");
        for site in [&world.acme, &other] {
            assert_eq!(world.install(site).await.status, StatusCode::NO_CONTENT);
            assert_eq!(world.put(site, "test-environments", "[]").await.status, StatusCode::CREATED);
        }
        world.attach_samples().await;
        world.copy_sample().await;
        // From now on every lifecycle event that is believed changes something.
        world.clock.advance(Duration::from_secs(60));
        let refusal = world.send(Request::get("/test-management/account").body(Body::empty()).unwrap()).await;
        assert_eq!(refusal.text(), REFUSED);
        let page_refusal = world.send(Request::get("/test-management/page").body(Body::empty()).unwrap()).await;
        assert!(page_refusal.text().contains("<main id=\"refused\""), "{}", page_refusal.text());
        Self { world, keys, other, refusal, page_refusal }
    }

    /// What a genuine token for this sample says.
    pub fn claims(&self, sample: &Sample) -> Value {
        let now = self.world.now();
        let computed = qsh::sign(sample.method(), sample.path(), sample.query(), "/test-management").unwrap();
        let qsh = if sample.token() == TokenKind::Context { "context-qsh".to_owned() } else { computed };
        let mut claims = json!({"iss": self.world.acme.client_key, "sub": ADMIN.account_id, "iat": now, "exp": now + 180, "qsh": qsh});
        if sample.token() == TokenKind::Install {
            claims["aud"] = json!([self.world.acme.app_base_url]);
        }
        claims
    }

    /// Signs as the sample's route demands it.
    pub fn sign(&self, sample: &Sample, claims: &str) -> String {
        let (header, algorithm, key) = self.signing(sample);
        forged(&header.to_string(), claims, algorithm, &key)
    }

    pub fn signing(&self, sample: &Sample) -> (Value, Algorithm, EncodingKey) {
        match sample.token() {
            TokenKind::Install => (json!({"alg": "RS256", "kid": PUBLISHED_KID, "typ": "JWT"}), Algorithm::RS256, PUBLISHED.key()),
            _ => (
                json!({"alg": "HS256", "typ": "JWT"}),
                Algorithm::HS256,
                EncodingKey::from_secret(self.world.acme.shared_secret.as_bytes()),
            ),
        }
    }

    pub async fn refuses(&self, case: &str, request: Request<Body>) {
        let case = format!("{case}: {} {}", request.method(), request.uri().path());
        let before = self.world.aws().dump().unwrap();
        // A page is for people, who are refused in words; what it says is the same whatever the cause.
        let refusal = if request.uri().path().ends_with("/page") { &self.page_refusal } else { &self.refusal };
        let answer = self.world.send(request).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::UNAUTHORIZED, refusal.text()), "{case}");
        assert_eq!(answer.headers, refusal.headers, "{case}");
        assert!(self.world.aws().dump().unwrap() == before, "{case}: something changed");
    }

    pub async fn refuses_token(&self, case: &str, sample: &Sample, token: &str) {
        self.refuses(case, carried(sample, token)).await;
    }
}

/// The samples of routes that need a token.
pub fn guarded() -> Vec<Sample> {
    Sample::all().unwrap().into_iter().filter(|sample| sample.token() != TokenKind::Public).collect()
}

pub fn of_kind(kind: TokenKind) -> Vec<Sample> {
    guarded().into_iter().filter(|sample| sample.token() == kind).collect()
}

pub fn to(sample: &Sample, more_query: &str) -> http::request::Builder {
    let query: Vec<&str> = [sample.query(), more_query].into_iter().filter(|part| !part.is_empty()).collect();
    let uri = if query.is_empty() { sample.path().to_owned() } else { format!("{}?{}", sample.path(), query.join("&")) };
    let media_type = sample.event.pointer("/headers/content-type").and_then(Value::as_str).unwrap_or("application/json");
    Request::builder().method(sample.method()).uri(uri).header("content-type", media_type)
}

pub fn carried(sample: &Sample, token: &str) -> Request<Body> {
    with_body(sample, to(sample, "").header("authorization", format!("JWT {token}")))
}

pub fn with_body(sample: &Sample, request: http::request::Builder) -> Request<Body> {
    request.body(sample.body().map_or_else(Body::empty, |body| Body::from(body.to_owned()))).unwrap()
}

/// Claims with one of them changed; `null` removes it.
pub fn but(claims: &Value, name: &str, value: Value) -> String {
    let mut claims = claims.clone();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        drop(members.remove(name))
    } else {
        drop(members.insert(name.to_owned(), value))
    }
    claims.to_string()
}

/// The same object with members more, also such as are there already.
pub fn and(object: &Value, more: &str) -> String {
    format!("{},{more}}}", object.to_string().strip_suffix('}').unwrap())
}
