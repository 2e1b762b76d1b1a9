//! Tokens that are odd in one way each, sent to every route through the front door. The signature is always the right one where it can be, so
//! that only the rule in question stands in the way.

use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey};
use local::atlassian::KID;
use local::samples::{Sample, TokenKind};
use serde_json::{Value, json};
use shared::connect::qsh;

use crate::forger::{KeyServer, PUBLISHED, PUBLISHED_KID, STRANGER, forged};
use crate::harness::{ATLASSIAN, app};
use crate::siege::{Siege, and, but, carried, guarded, of_kind, to, with_body};

/// What Atlassian's tokens are for: a page's own is none of those, and nobody who has them can make one.
fn by_atlassians_tokens() -> impl Iterator<Item = Sample> {
    guarded().into_iter().filter(|sample| sample.token() != TokenKind::Page)
}

#[tokio::test]
async fn a_forged_token_that_breaks_no_rule_is_accepted() {
    for sample in by_atlassians_tokens() {
        let siege = Siege::begin().await;
        let sample = siege.world.real(&sample);
        let answer = siege.world.send(carried(&sample, &siege.sign(&sample, &siege.claims(&sample).to_string()))).await;
        assert!(answer.status.is_success(), "{} {}: {}", sample.function, sample.case, answer.text());
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_the_routes_is_refused() {
    let siege = Siege::begin().await;
    for sample in guarded() {
        let claims = siege.claims(&sample).to_string();
        let (header, algorithm, key) = siege.signing(&sample);
        let kid = header.get("kid").cloned().unwrap_or("any".into());
        // The signature is the right one, so that nothing but the header can give it away.
        let names = ["none", "None", "NONE", "nOnE", "", "hs256", "rs256", "HS384", "RS384", "PS256", "ES256", "EdDSA", "dir", " HS256"];
        let other = if algorithm == Algorithm::HS256 { "RS256" } else { "HS256" };
        for name in names.into_iter().chain([other]) {
            let token = forged(&json!({"alg": name, "kid": kid}).to_string(), &claims, algorithm, &key);
            siege.refuses_token(name, &sample, &token).await;
            let (signed, _) = token.rsplit_once('.').unwrap();
            siege.refuses_token("no signature", &sample, &format!("{signed}.")).await;
            siege.refuses_token("two parts", &sample, signed).await;
        }
        for odd in
            [json!({"kid": kid}), json!({"alg": null, "kid": kid}), json!({"alg": 256, "kid": kid}), json!({"alg": ["HS256"], "kid": kid})]
        {
            siege.refuses_token("odd alg", &sample, &forged(&odd.to_string(), &claims, algorithm, &key)).await;
        }
        for more in [r#""alg":"none""#, r#""alg":"HS256""#, r#""x":1,"x":2"#, r#""crit":["b64"]"#, r#""crit":[]"#, r#""crit":null"#] {
            siege.refuses_token(more, &sample, &forged(&and(&header, more), &claims, algorithm, &key)).await;
        }
    }
}

#[tokio::test]
async fn a_signature_of_another_algorithm_is_refused_even_if_the_key_fits() {
    let siege = Siege::begin().await;
    for sample in guarded() {
        let claims = siege.claims(&sample).to_string();
        let (mut header, named, key) = siege.signing(&sample);
        let others = if named == Algorithm::HS256 { [Algorithm::HS384, Algorithm::HS512] } else { [Algorithm::RS384, Algorithm::PS256] };
        for algorithm in others {
            siege.refuses_token("under the route's name", &sample, &forged(&header.to_string(), &claims, algorithm, &key)).await;
            header["alg"] = format!("{algorithm:?}").into();
            siege.refuses_token("under its own name", &sample, &forged(&header.to_string(), &claims, algorithm, &key)).await;
            header["alg"] = format!("{named:?}").into();
        }
    }
}

#[tokio::test]
async fn a_published_key_is_no_secret_and_a_secret_no_install_key() {
    let siege = Siege::begin().await;
    let pem = PUBLISHED.public_pem.as_str();
    let hs256 = |kid: &str| json!({"alg": "HS256", "kid": kid}).to_string();
    for sample in guarded() {
        let claims = siege.claims(&sample).to_string();
        for secret in [pem, pem.trim_end(), ATLASSIAN.0.public_pem(), ""] {
            let token = forged(&hs256(PUBLISHED_KID), &claims, Algorithm::HS256, &EncodingKey::from_secret(secret.as_bytes()));
            siege.refuses_token("public key as secret", &sample, &token).await;
        }
    }
    // An installation that the customer itself, who knows the secret, would sign.
    for sample in of_kind(TokenKind::Install) {
        let secret = EncodingKey::from_secret(siege.world.acme.shared_secret.as_bytes());
        let token = forged(&hs256(PUBLISHED_KID), &siege.claims(&sample).to_string(), Algorithm::HS256, &secret);
        siege.refuses_token("the tenant's own secret", &sample, &token).await;
    }
}

#[tokio::test]
async fn a_key_name_that_leads_elsewhere_is_never_asked_for() {
    let siege = Siege::begin().await;
    let before = siege.keys.asked();
    let (long, longest) = ("k".repeat(129), "k".repeat(10 * 1024));
    let kids = [
        "",
        ".",
        "..",
        "../k",
        "k/..",
        "k/../k",
        "k/./k",
        "/k",
        "//k",
        "k//k",
        "a/b/c",
        "k/",
        "%2e%2e/k",
        "k?x=1",
        "k#x",
        "k\\k",
        "k k",
        "k\r\nx: y",
        "k\u{0}",
        "k\u{e9}",
        "@evil.example",
        "evil.example:80/k",
        "https://evil.example/k",
        "//evil.example/k",
        "file:///etc/passwd",
        &long,
        &longest,
    ];
    for sample in of_kind(TokenKind::Install) {
        let claims = siege.claims(&sample).to_string();
        for kid in kids {
            let header = json!({"alg": "RS256", "kid": kid}).to_string();
            siege.refuses_token(kid, &sample, &forged(&header, &claims, Algorithm::RS256, &PUBLISHED.key())).await;
        }
        for header in [json!({"alg": "RS256"}), json!({"alg": "RS256", "kid": null}), json!({"alg": "RS256", "kid": [PUBLISHED_KID]})] {
            siege.refuses_token("no kid", &sample, &forged(&header.to_string(), &claims, Algorithm::RS256, &PUBLISHED.key())).await;
        }
    }
    assert_eq!(siege.keys.asked(), before);
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let siege = Siege::begin().await;
    let evil = KeyServer::start();
    let jwk = json!({"kty": "oct", "k": "AAAA", "kid": PUBLISHED_KID, "alg": "HS256"});
    let (jku, pem) = (format!("{}/jwks.json", evil.url), STRANGER.public_pem.clone());
    let brought = [("jwk", jwk), ("jku", jku.clone().into()), ("x5u", jku.into()), ("x5c", json!([pem])), ("x5t", "AAAA".into())];
    for sample in by_atlassians_tokens() {
        let claims = siege.claims(&sample).to_string();
        for (name, value) in &brought {
            let (mut header, algorithm, key) = siege.signing(&sample);
            header[*name] = value.clone();
            let strange = if algorithm == Algorithm::RS256 { STRANGER.key() } else { EncodingKey::from_secret(&[0; 3]) };
            siege.refuses_token(name, &sample, &forged(&header.to_string(), &claims, algorithm, &strange)).await;
            // And beside a genuine key it does no harm.
            let believed = siege.world.send(carried(&sample, &forged(&header.to_string(), &claims, algorithm, &key))).await;
            assert!(believed.status != StatusCode::UNAUTHORIZED && !believed.status.is_server_error(), "{name}: {}", believed.text());
        }
    }
    assert_eq!(evil.asked(), Vec::<String>::new());
    assert!(siege.keys.asked().iter().all(|target| [format!("/{KID}"), format!("/{PUBLISHED_KID}")].contains(target)));
}

#[tokio::test]
async fn claims_that_break_a_rule_are_refused() {
    let siege = Siege::begin().await;
    let now = siege.world.now();
    for sample in guarded() {
        let claims = siege.claims(&sample);
        let changed: Vec<(&str, Value)> = vec![
            ("exp", json!(now - 30)),
            ("exp", json!(now + 3601)),
            ("exp", json!(now)),
            ("exp", json!(now - 1)),
            ("exp", json!(i64::MAX)),
            ("exp", json!(i64::MIN)),
            ("exp", Value::Null),
            ("exp", json!((now + 180).to_string())),
            ("exp", json!(1e12)),
            ("exp", json!([now + 180])),
            ("iat", json!(now + 31)),
            ("iat", Value::Null),
            ("iat", json!(i64::MIN)),
            ("iat", json!("0")),
            ("iat", json!(now - 3600)),
            ("nbf", json!(now + 31)),
            ("nbf", json!(i64::MAX)),
            ("nbf", json!("0")),
            ("iss", Value::Null),
            ("iss", json!("")),
            ("iss", json!("nobody")),
            ("iss", json!(siege.other.client_key)),
            ("iss", json!(app().key)),
            ("iss", json!([siege.world.acme.client_key])),
            ("iss", json!(format!("{}\u{0}", siege.world.acme.client_key))),
            ("sub", json!(7)),
            ("qsh", Value::Null),
            ("qsh", json!("")),
            ("qsh", json!(true)),
            ("qsh", json!("CONTEXT-QSH")),
            ("qsh", json!(claims["qsh"].as_str().unwrap().to_uppercase())),
        ];
        for (name, value) in changed {
            let case = format!("{name} {value}");
            siege.refuses_token(&case, &sample, &siege.sign(&sample, &but(&claims, name, value))).await;
        }
        for text in ["", "null", "[]", "\"a\"", "{", "{}", "{}{}"] {
            siege.refuses_token(text, &sample, &siege.sign(&sample, text)).await;
        }
    }
}

#[tokio::test]
async fn a_claim_that_is_there_twice_is_refused_whichever_would_count() {
    let siege = Siege::begin().await;
    for sample in guarded() {
        let claims = siege.claims(&sample);
        let (theirs, ours) = (siege.other.client_key.as_str(), siege.world.acme.client_key.as_str());
        let twice = [
            format!(r#""iss":"{theirs}""#),
            format!(r#""iss":"{ours}""#),
            format!(r#""\u0069ss":"{theirs}""#),
            r#""qsh":"context-qsh""#.to_owned(),
            r#""exp":99999999999"#.to_owned(),
            r#""iat":1"#.to_owned(),
            r#""sub":"admin""#.to_owned(),
            r#""new":1,"new":1"#.to_owned(),
        ];
        for more in twice {
            siege.refuses_token(&more, &sample, &siege.sign(&sample, &and(&claims, &more))).await;
        }
    }
}

#[tokio::test]
async fn a_token_for_another_request_is_refused() {
    let siege = Siege::begin().await;
    for sample in guarded().into_iter().filter(|sample| sample.token() != TokenKind::Context) {
        let (method, path, query) = (sample.method(), sample.path(), sample.query());
        let more = if query.is_empty() { "x=1".to_owned() } else { format!("{query}&x=1") };
        let elsewhere = format!("{path}x");
        for (case, other) in [
            ("path", qsh::sign(method, &elsewhere, query, "/test-management")),
            ("root", qsh::sign(method, "/", query, "/test-management")),
            ("method", qsh::sign("PATCH", path, query, "/test-management")),
            ("query", qsh::sign(method, path, &more, "/test-management")),
            ("no base path", qsh::sign(method, path, query, "")),
            ("another app's base path", qsh::sign(method, path, query, "/test")),
        ] {
            let token = siege.sign(&sample, &but(&siege.claims(&sample), "qsh", other.unwrap().into()));
            siege.refuses_token(case, &sample, &token).await;
        }
        let genuine = siege.sign(&sample, &siege.claims(&sample).to_string());
        let request = to(&sample, "x=1").header("authorization", format!("JWT {genuine}"));
        siege.refuses("a parameter more", with_body(&sample, request)).await;
    }
}

#[tokio::test]
async fn an_install_token_for_another_app_or_region_is_refused() {
    let siege = Siege::begin().await;
    for sample in of_kind(TokenKind::Install) {
        for audience in [
            Value::Null,
            json!([]),
            json!(""),
            json!("https://us.lethe.example/test-management"),
            json!("https://eu.lethe.example"),
            json!("https://eu.lethe.example/other-app"),
            json!("https://eu.lethe.example/test-management/installed"),
            json!("http://eu.lethe.example/test-management"),
            json!(["https://us.lethe.example/test-management", "https://evil.example"]),
            json!("https://eu.lethe.example.evil.example/test-management"),
            json!("https://EU.lethe.example/test-management"),
            json!({"0": "https://eu.lethe.example/test-management"}),
            json!(app().key),
        ] {
            let case = audience.to_string();
            siege.refuses_token(&case, &sample, &siege.sign(&sample, &but(&siege.claims(&sample), "aud", audience))).await;
        }
    }
}

#[tokio::test]
async fn a_token_that_is_carried_oddly_is_refused() {
    let siege = Siege::begin().await;
    for sample in guarded() {
        let claims = siege.claims(&sample);
        let token = siege.sign(&sample, &claims.to_string());
        let second = siege.sign(&sample, &but(&claims, "exp", json!(siege.world.now() + 179)));
        let (jwt, other) = (format!("JWT {token}"), format!("JWT {second}"));
        let head = || to(&sample, "");
        let query = |query: &str| to(&sample, query);
        let requests = [
            ("none", head()),
            ("bearer", head().header("authorization", format!("Bearer {token}"))),
            ("bare", head().header("authorization", &token)),
            ("lower case", head().header("authorization", format!("jwt {token}"))),
            ("two spaces", head().header("authorization", format!("JWT  {token}"))),
            ("basic", head().header("authorization", format!("Basic {token}"))),
            ("comma", head().header("authorization", format!("{jwt}, {jwt}"))),
            ("twice", head().header("authorization", &jwt).header("authorization", &jwt)),
            ("two", head().header("authorization", &jwt).header("authorization", &other)),
            ("bearer and jwt", head().header("authorization", format!("Bearer {token}")).header("authorization", &jwt)),
            ("proxy", head().header("proxy-authorization", &jwt)),
            ("cookie", head().header("cookie", format!("jwt={token}"))),
            ("x-", head().header("x-authorization", &jwt)),
            ("two parameters", query(&format!("jwt={token}&jwt={second}"))),
            ("one parameter twice", query(&format!("jwt={token}&jwt={token}"))),
            ("escaped name", query(&format!("jwt={token}&%6Awt={token}"))),
            ("empty parameter", query(&format!("jwt={token}&jwt="))),
            ("header and parameter", query(&format!("jwt={second}")).header("authorization", &jwt)),
            ("header and empty", query("jwt").header("authorization", &jwt)),
        ];
        for (case, request) in requests {
            siege.refuses(case, with_body(&sample, request)).await;
        }
    }
}

#[tokio::test]
async fn a_token_in_a_second_spelling_or_too_large_is_refused() {
    let siege = Siege::begin().await;
    for sample in guarded() {
        let claims = siege.claims(&sample);
        let token = siege.sign(&sample, &claims.to_string());
        let parts: Vec<&str> = token.split('.').collect();
        let [header, body, signature] = parts[..] else { panic!("{token}") };
        let (front, last) = token.split_at(token.len() - 1);
        let next = if last == "A" { "B" } else { "A" };
        let spellings = [
            format!("{token}="),
            format!("{token}."),
            format!("{token}.{signature}"),
            format!(".{token}"),
            format!("{header}.{body}"),
            format!("{body}.{header}.{signature}"),
            format!("{front}{next}"),
            front.to_owned(),
            format!("{header}..{signature}"),
            format!("{header}.{body}.!{signature}"),
            format!("{header}=.{body}.{signature}"),
            "a.b.c".to_owned(),
            "..".to_owned(),
            ".".to_owned(),
        ];
        for spelling in spellings {
            siege.refuses_token(&spelling, &sample, &spelling).await;
        }
        let huge = siege.sign(&sample, &but(&claims, "context", "c".repeat(9_000).into()));
        siege.refuses_token("huge", &sample, &huge).await;
    }
}
