//! A token that has been read but not believed.
//!
//! Reading it needs the algorithm the route demands; believing it needs the key. Verifying consumes the value, so what was judged before
//! the key was known and what the key then proves are the same claims. Refuses every second spelling of a token.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, crypto};
use serde_json::Value;

use super::{Claimed, Claims, TokenFault};
use crate::connect::members::Members;

/// The largest token we read, in bytes. Atlassian's have under 2 KiB, context included.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The algorithm of a route. The token's header must name it; it never chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with the tenant's shared secret: everything but installing.
    Hs256,
    /// RSA with one of Atlassian's installation keys: `installed` and `uninstalled` only.
    Rs256,
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
        }
    }
}

/// A token that has been read but not believed.
pub struct Unverified<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'a str,
    /// As it stands in the token; it has been found to be the one spelling of what is in `decoded`.
    signature: &'a str,
    decoded: Vec<u8>,
    claimed: Claimed,
}

impl<'a> Unverified<'a> {
    /// Reads a token, before anything else is known about the caller.
    ///
    /// Of the header only `alg`, `kid` and `crit` matter; a key or an address of one in it (`jwk`, `jku`, `x5u`) is never looked at.
    ///
    /// # Errors
    /// Every [`TokenFault`] about the token's form.
    pub fn parse(token: &'a str, expected: Algorithm) -> Result<Self, TokenFault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenFault::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::NotThreeParts)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::NotThreeParts)?;
        if header.is_empty() || claims.is_empty() || signature.is_empty() || claims.contains('.') {
            return Err(TokenFault::NotThreeParts);
        }
        let kid = key_name(&strict_base64(header)?, expected)?;
        let decoded = strict_base64(signature)?;
        let claimed = Claimed::parse(&strict_base64(claims)?)?;
        Ok(Self { algorithm: expected, kid, signed, signature, decoded, claimed })
    }

    /// What the token says, unproven: good for finding the key, and for refusing early.
    #[must_use]
    pub const fn claimed(&self) -> &Claimed {
        &self.claimed
    }

    /// The name of the key, unproven, in any shape.
    #[must_use]
    pub fn claimed_kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Proves the token with the first secret that fits: the tenant's own, then its previous one. Compares in constant time.
    ///
    /// # Errors
    /// [`TokenFault::Signature`], also without any secret; [`TokenFault::Algorithm`] if the token was read for another algorithm.
    pub fn verify_hs256(self, secrets: &[&[u8]]) -> Result<Claims, TokenFault> {
        self.must_be(Algorithm::Hs256)?;
        let fits = |secret: &&[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::verify(&key, self.signed.as_bytes(), &self.decoded).is_ok()
        };
        if secrets.iter().any(fits) { Ok(Claims::proven(self.claimed)) } else { Err(TokenFault::Signature) }
    }

    /// Proves the token with an RSA public key in PEM, of 2,048 to 8,192 bits.
    ///
    /// # Errors
    /// [`TokenFault::Key`] if it is no RSA key; [`TokenFault::Signature`], also for a key of another size;
    /// [`TokenFault::Algorithm`] if the token was read for another algorithm.
    pub fn verify_rs256(self, pem: &[u8]) -> Result<Claims, TokenFault> {
        let key = DecodingKey::from_rsa_pem(pem).map_err(|_| TokenFault::Key)?;
        self.must_be(Algorithm::Rs256)?;
        let fits = crypto::verify(self.signature, self.signed.as_bytes(), &key, jsonwebtoken::Algorithm::RS256).unwrap_or(false);
        if fits { Ok(Claims::proven(self.claimed)) } else { Err(TokenFault::Signature) }
    }

    fn must_be(&self, algorithm: Algorithm) -> Result<(), TokenFault> {
        if self.algorithm == algorithm { Ok(()) } else { Err(TokenFault::Algorithm) }
    }
}

/// Checks the header and gives its `kid`.
fn key_name(header: &[u8], expected: Algorithm) -> Result<Option<String>, TokenFault> {
    let mut members = Members::parse(header).map_err(|_| TokenFault::Header)?;
    // RFC 7515 section 4: header names are unique, also those we do not read.
    if members.has_duplicates() {
        return Err(TokenFault::Header);
    }
    if members.contains("crit") {
        return Err(TokenFault::Crit);
    }
    match members.take("alg") {
        Ok(Some(Value::String(name))) if name == expected.name() => {}
        _ => return Err(TokenFault::Algorithm),
    }
    match members.take("kid") {
        Ok(None) => Ok(None),
        Ok(Some(Value::String(kid))) => Ok(Some(kid)),
        _ => Err(TokenFault::Header),
    }
}

/// This engine refuses padding, other alphabets, white space, and left-over bits that are not zero.
fn strict_base64(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Base64)
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Unverified(..)")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use proptest::prelude::*;

    use super::super::{ClaimsToSign, sign_hs256, sign_rs256};
    use super::*;
    use crate::connect::test_keys::{ATLASSIAN, STRANGER};

    const SECRET: &[u8] = b"s0m3-sh@r3d-s3cr37";
    const CLAIMS: &str = r#"{"iss":"a","iat":1,"exp":2}"#;

    fn b64(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    /// A token with any header and claims, under an HMAC key.
    fn made(header: &str, claims: &str, secret: &[u8]) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let key = EncodingKey::from_secret(secret);
        let signature = crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
        format!("{signed}.{signature}")
    }

    fn plain() -> ClaimsToSign {
        ClaimsToSign { issuer: "a".to_owned(), issued_at: 1, expires_at: 2, ..ClaimsToSign::default() }
    }

    fn hs256(token: &str) -> Result<Unverified<'_>, TokenFault> {
        Unverified::parse(token, Algorithm::Hs256)
    }

    #[test]
    fn a_token_is_proven_by_its_secret_or_the_previous_one() {
        let token = sign_hs256(&plain(), SECRET).unwrap();
        assert_eq!(hs256(&token).unwrap().verify_hs256(&[SECRET]).unwrap().issuer(), "a");
        assert!(hs256(&token).unwrap().verify_hs256(&[b"new", SECRET]).is_ok());
    }

    #[test]
    fn a_token_under_another_tenants_secret_is_refused() {
        let token = sign_hs256(&plain(), b"secret of b").unwrap();
        assert_eq!(hs256(&token).unwrap().verify_hs256(&[SECRET]).err(), Some(TokenFault::Signature));
        assert_eq!(hs256(&token).unwrap().verify_hs256(&[]).err(), Some(TokenFault::Signature));
    }

    #[test]
    fn a_token_is_proven_by_the_key_that_signed_it_only() {
        let token = sign_rs256(&plain(), "k", ATLASSIAN.private_pem.as_bytes()).unwrap();
        let unverified = || Unverified::parse(&token, Algorithm::Rs256).unwrap();
        assert_eq!(unverified().claimed_kid(), Some("k"));
        assert!(unverified().verify_rs256(ATLASSIAN.public_pem.as_bytes()).is_ok());
        assert_eq!(unverified().verify_rs256(STRANGER.public_pem.as_bytes()).err(), Some(TokenFault::Signature));
        assert_eq!(unverified().verify_rs256(b"-----BEGIN PUBLIC KEY-----").err(), Some(TokenFault::Key));
    }

    #[test]
    fn an_rsa_key_under_2048_bits_is_refused() {
        // A genuine signature by a key of 1,024 bits, so that nothing but its size speaks against it.
        let pem = b"-----BEGIN PUBLIC KEY-----\n\
            MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC4U2iTZXwTP3w3LC4VCih6jo/o\n\
            c7NLH0/tZli6MgMmj1nLZhpr3mIc5TtavXy88fVJquqfP2kyGW+EcBvu2k+kwn77\n\
            Bvu/zXwqvH74pJCXCoqcIjGYbrImOZ7ovBVrKOSpNM4cWwvBAmTmyHi3ysse7Hax\n\
            +xCC4ez3vt6qNOYhEQIDAQAB\n-----END PUBLIC KEY-----\n";
        let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6InNob3J0In0.eyJpc3MiOiJhIiwiaWF0IjoxLCJleHAiOjJ9.\
            DZhzHW5wI9nHhAvGGEgAGjieAINdsdo9GsYQ_BhLHAlfhYdL-jw8fSXTW-OE3Lrxhr1CQar8vmolygqjMj74xqQEa-nvq1Lzxpwr2FFi2ak3\
            6YqZhqCsXJxMkCH1CRzjLT2CkB9hW_qyYmKZtlRDHCj84tMMrB07-JwQHYBMjz8";
        let unverified = Unverified::parse(token, Algorithm::Rs256).unwrap();
        assert_eq!(unverified.verify_rs256(pem).err(), Some(TokenFault::Signature));
    }

    #[test]
    fn only_the_routes_algorithm_is_accepted() {
        for alg in ["none", "None", "NONE", "", "hs256", "HS384", "HS512", "RS256", "ES256", "PS256"] {
            let token = made(&format!(r#"{{"alg":"{alg}"}}"#), CLAIMS, SECRET);
            assert_eq!(hs256(&token).err(), Some(TokenFault::Algorithm), "{alg}");
        }
        for header in ["{}", r#"{"alg":["HS256"]}"#, r#"{"alg":null}"#] {
            assert_eq!(hs256(&made(header, CLAIMS, SECRET)).err(), Some(TokenFault::Algorithm), "{header}");
        }
        let token = sign_hs256(&plain(), SECRET).unwrap();
        assert_eq!(Unverified::parse(&token, Algorithm::Rs256).err(), Some(TokenFault::Algorithm));
    }

    #[test]
    fn a_public_key_is_never_an_hmac_secret() {
        let pem = ATLASSIAN.public_pem.as_bytes();
        let confused = made(r#"{"alg":"HS256","kid":"k"}"#, CLAIMS, pem);
        assert_eq!(Unverified::parse(&confused, Algorithm::Rs256).err(), Some(TokenFault::Algorithm));
        assert_eq!(hs256(&confused).unwrap().verify_rs256(pem).err(), Some(TokenFault::Algorithm));
        let relabelled = made(r#"{"alg":"RS256","kid":"k"}"#, CLAIMS, pem);
        assert_eq!(Unverified::parse(&relabelled, Algorithm::Rs256).unwrap().verify_rs256(pem).err(), Some(TokenFault::Signature));
    }

    #[test]
    fn a_key_in_the_header_is_not_looked_at() {
        let header = r#"{"alg":"HS256","jwk":{"kty":"oct","k":"YQ"},"jku":"https://evil.example","x5u":"https://evil.example","typ":"x"}"#;
        assert_eq!(hs256(&made(header, CLAIMS, b"a")).unwrap().verify_hs256(&[SECRET]).err(), Some(TokenFault::Signature));
        assert!(hs256(&made(header, CLAIMS, SECRET)).unwrap().verify_hs256(&[SECRET]).is_ok());
    }

    #[test]
    fn critical_extensions_are_refused() {
        for crit in ["[\"exp\"]", "[]", "null"] {
            let token = made(&format!(r#"{{"alg":"HS256","crit":{crit}}}"#), CLAIMS, SECRET);
            assert_eq!(hs256(&token).err(), Some(TokenFault::Crit), "{crit}");
        }
    }

    #[test]
    fn a_header_that_is_not_plain_is_refused() {
        for header in ["", "[]", "7", r#"{"alg":"HS256","alg":"HS256"}"#, r#"{"alg":"HS256","kid":7}"#, r#"{"alg":"HS256","x":1,"x":2}"#] {
            let token = format!("{}.{}.{}", b64(&format!("{header} ")), b64(CLAIMS), b64("x"));
            assert_eq!(hs256(&token).err(), Some(TokenFault::Header), "{header}");
        }
    }

    #[test]
    fn a_token_has_exactly_three_parts() {
        for token in ["", ".", "..", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.", "a.b.c.d", ".a.b.c"] {
            assert_eq!(hs256(token).err(), Some(TokenFault::NotThreeParts), "{token}");
        }
    }

    #[test]
    fn a_second_spelling_of_a_token_is_refused() {
        let token = sign_hs256(&plain(), SECRET).unwrap();
        let (rest, last) = token.split_at(token.len() - 1);
        // 32 bytes leave two bits of the last letter unused: its three neighbours would decode to the same signature.
        let last = last.as_bytes()[0];
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let place = alphabet.iter().position(|letter| *letter == last).unwrap();
        for step in 1..4 {
            let neighbour = char::from(alphabet[place + step]);
            assert_eq!(hs256(&format!("{rest}{neighbour}")).err(), Some(TokenFault::Base64));
        }
        for other in
            [format!("{token}="), format!("{token}\n"), format!(" {token}"), token.replacen('e', "+", 1), token.replacen('e', "/", 1)]
        {
            assert_eq!(hs256(&other).err(), Some(TokenFault::Base64), "{other}");
        }
    }

    #[test]
    fn a_token_over_eight_kibibytes_is_not_read() {
        let token =
            |padding: usize| made(r#"{"alg":"HS256"}"#, &format!(r#"{{"iss":"a","iat":1,"exp":2,"x":"{}"}}"#, "y".repeat(padding)), SECRET);
        assert!(hs256(&token(6_000)).is_ok());
        assert_eq!(hs256(&token(6_100)).err(), Some(TokenFault::TooLarge));
    }

    #[test]
    fn a_deeply_nested_context_is_refused() {
        let deep = format!(r#"{{"iss":"a","iat":1,"exp":2,"context":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
        assert_eq!(hs256(&made(r#"{"alg":"HS256"}"#, &deep, SECRET)).err(), Some(TokenFault::Claims("not an object")));
    }

    #[test]
    fn claims_changed_after_signing_are_refused() {
        let token = sign_hs256(&plain(), SECRET).unwrap();
        let signature = token.rsplit_once('.').unwrap().1;
        let forged = format!("{}.{}.{signature}", b64(r#"{"alg":"HS256","typ":"JWT"}"#), b64(r#"{"iss":"b","iat":1,"exp":2}"#));
        assert_eq!(hs256(&forged).unwrap().verify_hs256(&[SECRET]).err(), Some(TokenFault::Signature));
    }

    proptest! {
        #[test]
        fn whatever_a_stranger_sends_is_read_or_refused(token in "\\PC*", parts in "([A-Za-z0-9_-]{1,24}\\.){2}[A-Za-z0-9_-]{1,24}") {
            prop_assert!(hs256(&token).is_err());
            prop_assert!(hs256(&parts).is_err());
        }

        #[test]
        fn whatever_json_a_stranger_sends_is_read_or_refused(
            header in "[{}\\[\\]\",:a-z0-9]{0,24}",
            claims in "[{}\\[\\]\",:a-z0-9.-]{0,48}",
        ) {
            let token = made(&header, &claims, b"not ours");
            prop_assert!(hs256(&token).and_then(|read| read.verify_hs256(&[SECRET])).is_err());
        }
    }
}
