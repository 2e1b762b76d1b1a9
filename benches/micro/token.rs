//! A token of 600 bytes over a page's address of 195 letters, as Jira makes them: where it is carried, what it says, whether the tenant signed it,
//! its times, and the hash of the request. The least is the HMAC of its bytes.

use std::hint::black_box;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use benches::Found;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::json;
use shared::connect::jwt::{Algorithm, Carried, ClaimsToSign, QshPolicy, Unverified, sign_hs256};
use shared::connect::qsh;

use super::{Told, compare};

const SECRET: &[u8] = b"acme-shared-secret-of-this-machine-only";
const NOW: i64 = 1_800_000_000;
const PATH: &str = "/test-management/page";
const QUERY: &str = "lic=none&cp=&xdm_e=https%3A%2F%2Facme.atlassian.net&xdm_c=channel-io.lethe.test-management__page&\
    cv=1001.0.0-SNAPSHOT&xdm_deprecated_addon_key_do_not_use=io.lethe&project=10";
const BASE: &str = "/test-management";
const TOKEN_BYTES: usize = 600;

/// Everything about tokens.
pub(super) fn all(found: &mut Found) {
    let target = format!("{PATH}?{QUERY}");
    let token = token();
    println!("a token of {} bytes, an address of {}", token.len(), target.len());
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let mac = || assert_eq!(hmac::sign(&key, black_box(token.as_bytes())).as_ref().len(), 32);

    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("JWT {token}").parse().unwrap());
    let told = Told { scene: "token.header", what: "verify a token in a header, with its hash", limit_is: "hmac alone" };
    compare(found, &told, 20_000, || verify(&headers, QUERY), mac);
    let query = format!("{QUERY}&jwt={token}");
    let told = Told { scene: "token.query", what: "verify a token in the query, with its hash", limit_is: "hmac alone" };
    compare(found, &told, 20_000, || verify(&HeaderMap::new(), &query), mac);

    let claimed = qsh::sign("GET", PATH, QUERY, BASE).unwrap();
    let hash = || assert!(qsh::accepts(black_box(&claimed), "GET", black_box(PATH), black_box(QUERY), BASE).unwrap());
    let canonical = qsh::canonical("GET", PATH, QUERY, BASE).unwrap();
    let sha = || assert_eq!(digest(&SHA256, black_box(canonical.as_bytes())).as_ref().len(), 32);
    compare(found, &Told { scene: "token.hash", what: "the query string hash", limit_is: "sha-256 alone" }, 50_000, hash, sha);
}

/// As `tenant::tokens` does it, but for finding the tenant.
fn verify(headers: &HeaderMap, query: &str) {
    let carried = Carried::find(black_box(headers), Some(black_box(query))).unwrap();
    let unverified = Unverified::parse(&carried, Algorithm::Hs256).unwrap();
    let claims = unverified.verify_hs256(black_box(&[SECRET])).unwrap();
    claims.check_times(black_box(NOW)).unwrap();
    let request = qsh::Request { method: "GET", path: PATH, query, base_path: BASE };
    claims.check_qsh(QshPolicy::Computed, black_box(&request)).unwrap();
}

/// A token as a page load carries it, with a context that makes it as long as said.
fn token() -> String {
    let with = |filling: usize| {
        let context =
            json!({"jira": {"project": {"id": "10000", "key": "ACME"}, "issue": {"key": "ACME-1", "filling": "x".repeat(filling)}}});
        let claims = ClaimsToSign {
            issuer: "0a1b2c3d-4e5f-3a6b-8c7d-9e0f1a2b3c4d".to_owned(),
            subject: Some("557058:0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned()),
            issued_at: NOW,
            expires_at: NOW + 180,
            qsh: Some(qsh::sign("GET", PATH, QUERY, BASE).unwrap()),
            context: Some(context),
            ..ClaimsToSign::default()
        };
        sign_hs256(&claims, SECRET).unwrap()
    };
    (0..TOKEN_BYTES).map(with).find(|token| token.len() >= TOKEN_BYTES).unwrap()
}
