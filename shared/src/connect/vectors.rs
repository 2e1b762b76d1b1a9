//! Atlassian's own signed examples and the collected hashes of signers in use: all are accepted, and none is with one byte changed.
//!
//! They are reference material beside the checkout; where they are absent each test says so in one line.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use super::jwt::{Algorithm, Claims, QshPolicy, TokenFault, Unverified};
use super::qsh::{self, MalformedQuery, Request};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reference");

fn read(name: &str) -> Option<Value> {
    let Ok(text) = std::fs::read_to_string(format!("{FOLDER}/{name}")) else {
        println!("skipped: {name} is not here");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_default()
}

/// The raw path and query of an address, not as a URL parser would tidy them.
fn target(address: &str) -> (&str, &str) {
    let start = address.find("://").map_or(0, |scheme| scheme + 3 + address[scheme + 3..].find('/').unwrap());
    address[start..].split_once('?').unwrap_or((&address[start..], ""))
}

/// Each way to change one byte to the next letter or digit. None of these bytes can be equivalent to another.
fn changed(original: &str) -> impl Iterator<Item = String> + '_ {
    original.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()).map(|(place, byte)| {
        let other = if matches!(byte, b'z' | b'Z' | b'9') { byte - 1 } else { byte + 1 };
        let mut bytes = original.as_bytes().to_vec();
        bytes[place] = other;
        String::from_utf8(bytes).unwrap()
    })
}

/// Changes inside an escape may only change its case, or break it; both are judged by what the escape means then.
fn refused(claimed: &str, method: &str, path: &str, query: &str, base_path: &str) -> bool {
    matches!(qsh::accepts(claimed, method, path, query, base_path), Ok(false) | Err(MalformedQuery))
}

#[test]
fn collected_hashes_are_accepted_and_refused_with_one_byte_changed() {
    let Some(file) = read("qsh-vectors.json") else { return };
    assert_eq!(file["vectors"].as_array().map(Vec::len), Some(26));
    for vector in file["vectors"].as_array().unwrap() {
        let (name, method) = (text(vector, "name"), text(vector, "method"));
        let (path, query) = target(text(vector, "url"));
        let base_url = Url::parse(text(vector, "baseUrl"));
        let base_path = base_url.as_ref().map_or("", Url::path).trim_end_matches('/');
        if vector["canonical"].is_null() {
            assert_eq!(qsh::canonical(method, path, query, base_path), Err(MalformedQuery), "{name}");
            continue;
        }
        let claimed = text(vector, "qsh");
        assert_eq!(qsh::canonical(method, path, query, base_path).as_deref(), Ok(text(vector, "canonical")), "{name}");
        assert_eq!(qsh::sign(method, path, query, base_path).as_deref(), Ok(claimed), "{name}");
        assert_eq!(qsh::accepts(claimed, method, path, query, base_path), Ok(true), "{name}");
        for other in vector["also_accept"].as_array().unwrap() {
            // The one signer that drops a pair is not followed: such a hash would not cover the whole request.
            let covers_all = name != "__proto__ name";
            assert_eq!(qsh::accepts(other.as_str().unwrap(), method, path, query, base_path), Ok(covers_all), "{name}");
        }
        for other in changed(claimed) {
            assert!(refused(&other, method, path, query, base_path), "{name}: {other}");
        }
        let relative = path.strip_prefix(base_path).unwrap();
        for other in changed(relative) {
            assert!(refused(claimed, method, &format!("{base_path}{other}"), query, base_path), "{name}: {other}");
        }
        for other in changed(query).filter(|other| meaning(other) != meaning(query)) {
            assert!(refused(claimed, method, path, &other, base_path), "{name}: {other}");
        }
    }
}

/// What a query says apart from tokens, in any order: two queries of one meaning must have one hash.
fn meaning(query: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut pairs = qsh::pairs(query).collect::<Result<Vec<_>, _>>().ok()?;
    pairs.retain(|(name, _)| name != "jwt");
    pairs.sort();
    Some(pairs)
}

struct Signed<'a> {
    token: &'a str,
    path: &'a str,
    query: &'a str,
    base_path: &'a str,
    secret: &'a [u8],
}

impl Signed<'_> {
    fn proven(&self, token: &str) -> Result<Claims, TokenFault> {
        Unverified::parse(token, Algorithm::Hs256)?.verify_hs256(&[self.secret])
    }

    fn request(&self) -> Request<'_> {
        Request { method: "GET", path: self.path, query: self.query, base_path: self.base_path }
    }
}

/// Promise A-02.
#[test]
fn addresses_signed_by_atlassian_are_accepted_and_refused_with_one_byte_changed() {
    let Some(file) = read("jwt-signed-urls.json") else { return };
    assert_eq!(file["tests"].as_array().map(Vec::len), Some(79));
    for vector in file["tests"].as_array().unwrap() {
        let name = text(vector, "name");
        let (path, query) = target(text(vector, "signedUrl"));
        let (before, token) = query.split_once("jwt=").unwrap();
        let signed = Signed { token, path, query, base_path: text(vector, "addonBaseUrl"), secret: text(&file, "secret").as_bytes() };
        assert_eq!(qsh::canonical("GET", path, query, signed.base_path).as_deref(), Ok(text(vector, "canonicalUrl")), "{name}");

        let claims = signed.proven(signed.token).unwrap();
        assert_eq!(claims.check_times(claims.issued_at() + 60), Ok(()), "{name}");
        assert_eq!(claims.check_times(1_760_000_000), Err(TokenFault::Expired), "{name}");
        assert_eq!(claims.check_qsh(QshPolicy::Computed, &signed.request()), Ok(()), "{name}");
        assert_eq!(claims.check_qsh(QshPolicy::ContextOnly, &signed.request()), Err(TokenFault::Qsh), "{name}");

        let relative = path.strip_prefix(signed.base_path).unwrap();
        for other in changed(relative) {
            let path = format!("{}{other}", signed.base_path);
            assert_eq!(
                claims.check_qsh(QshPolicy::Computed, &Request { path: &path, ..signed.request() }),
                Err(TokenFault::Qsh),
                "{name}: {other}"
            );
        }
        for other in changed(before).filter(|other| meaning(other) != meaning(before)) {
            assert!(claims.check_qsh(QshPolicy::Computed, &Request { query: &other, ..signed.request() }).is_err(), "{name}: {other}");
        }
        for other in changed(signed.token) {
            assert!(signed.proven(&other).is_err(), "{name}: {other}");
        }
        assert_eq!(
            Unverified::parse(token, Algorithm::Hs256).unwrap().verify_hs256(&[b"another secret"]).err(),
            Some(TokenFault::Signature)
        );
    }
}
