//! How often verifying a token asks for memory. It is counted for this thread alone, by an allocator that stands in front of the usual one, in a
//! binary of its own because a process has one allocator.
//!
//! These are budgets: more is more work on every call, and is to be done on purpose.

use std::hint::black_box;

use allocation_counter::measure;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::json;
use shared::connect::jwt::{Algorithm, Carried, ClaimsToSign, QshPolicy, Unverified, sign_hs256};
use shared::connect::qsh;

const SECRET: &[u8] = b"s0m3-sh@r3d-s3cr37";
const NOW: i64 = 1_800_000_000;
const PATH: &str = "/test-management/page";
const QUERY: &str = "lic=none&cp=&xdm_e=https%3A%2F%2Facme.atlassian.net&xdm_c=channel-lethe&cv=1001.0.0&projectKey=ACME-1";
const BASE: &str = "/test-management";

fn token(qsh: &str) -> String {
    let claims = ClaimsToSign {
        issuer: "acme-client-key".to_owned(),
        subject: Some("557058:0a1b2c3d".to_owned()),
        issued_at: NOW,
        expires_at: NOW + 180,
        qsh: Some(qsh.to_owned()),
        context: Some(json!({"jira": {"project": {"id": "10000", "key": "ACME"}}})),
        ..ClaimsToSign::default()
    };
    sign_hs256(&claims, SECRET).unwrap()
}

/// As `tenant::tokens` does it, but for finding the tenant.
fn verify(headers: &HeaderMap, query: &str, policy: QshPolicy) {
    let carried = Carried::find(headers, Some(black_box(query))).unwrap();
    let claims = Unverified::parse(&carried, Algorithm::Hs256).unwrap().verify_hs256(&[SECRET]).unwrap();
    claims.check_times(NOW).unwrap();
    claims.check_qsh(policy, &qsh::Request { method: "GET", path: PATH, query, base_path: BASE }).unwrap();
}

fn in_a_header(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, format!("JWT {token}").parse().unwrap())])
}

/// Whatever is made once in a process is made before.
fn allocations(work: impl Fn()) -> u64 {
    work();
    measure(&work).count_total
}

#[test]
fn verifying_a_token_with_the_hash_of_its_request_allocates_at_most_32_times() {
    let headers = in_a_header(&token(&qsh::sign("GET", PATH, QUERY, BASE).unwrap()));
    let count = allocations(|| verify(&headers, QUERY, QshPolicy::Computed));
    assert!(count <= 32, "{count} times");
}

#[test]
fn verifying_a_context_token_allocates_at_most_20_times() {
    let headers = in_a_header(&token("context-qsh"));
    let count = allocations(|| verify(&headers, "", QshPolicy::ContextOnly));
    assert!(count <= 20, "{count} times");
}

#[test]
fn a_longer_query_costs_no_allocations_but_for_what_is_escaped_in_it() {
    let count = |query: &str| {
        let claimed = qsh::sign("GET", PATH, query, BASE).unwrap();
        allocations(|| assert!(qsh::accepts(&claimed, "GET", PATH, query, BASE).unwrap()))
    };
    let plain = (0..4).map(|number| format!("name-{number}=value")).collect::<Vec<_>>().join("&");
    let longer = (0..64).map(|number| format!("name-{number:02}=value")).collect::<Vec<_>>().join("&");
    // What grows is doubled, from 4 to 64 names.
    assert!(count(&longer) <= count(&plain) + 12, "{} and {}", count(&longer), count(&plain));
}
