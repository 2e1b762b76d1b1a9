//! The public keys, as a JWK set (RFC 7517). A key's name is its thumbprint (RFC 7638), so that no set can give a key another's name.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::platform::certificate_key::CertificateKey;
use crate::problem::{Problem, Refusal};

/// The keys that signed once and do so no more, as x and y of their JWK. Append-only: what they signed is to be verified for as long as
/// customers keep it.
const RETIRED: &[(&str, &str)] = &[];

/// One public key on P-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    r#use: String,
    alg: String,
    kid: String,
}

impl Jwk {
    /// The JWK of an uncompressed point.
    pub(super) fn of_point(point: &[u8; 65]) -> Self {
        let [_, coordinates @ ..] = point;
        let (x, y) = coordinates.split_at(32);
        Self::of_coordinates(URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
    }

    fn of_coordinates(x: String, y: String) -> Self {
        // The members that RFC 7638 wants of an elliptic curve's key, in its order.
        let named = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, named.as_bytes()));
        let [kty, crv, r#use, alg] = ["EC", "P-256", "sig", super::file::ALGORITHM].map(str::to_owned);
        Self { kty, crv, x, y, r#use, alg, kid }
    }

    /// The key's name: its thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key to verify with; none if this is no key of ours or no point of the curve.
    fn key(&self) -> Option<ParsedPublicKey> {
        if *self != Self::of_coordinates(self.x.clone(), self.y.clone()) {
            return None;
        }
        let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32);
        let point = [vec![4], coordinate(&self.x)?, coordinate(&self.y)?].concat();
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
    }
}

/// Public keys, as `GET /certificates/keys` gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

/// Why this is no set of keys of ours.
#[derive(Debug, thiserror::Error)]
pub enum KeySetFault {
    /// It is not a JWK set with the members that ours has.
    #[error("cannot read the keys: not a JWK set of ours")]
    Unreadable(#[source] serde_json::Error),
    /// A key is for something else, has another's name, or is no point of the curve.
    #[error("cannot use a key in the set: not an ES256 key under its thumbprint")]
    NotAKey,
    /// Two keys have one name.
    #[error("cannot use the keys: one is there twice")]
    Twice,
}

impl KeySet {
    /// What is to be published: the key that signs now, and all that did before.
    ///
    /// # Errors
    /// 503 if KMS is away; 500 if a retired key is not one.
    pub async fn published(current: &CertificateKey) -> Result<Self, Problem> {
        let set = Self::of(Jwk::of_point(&current.point().await?), RETIRED);
        set.check().map_err(|fault| Problem::new(Refusal::Internal, fault.to_string()))?;
        Ok(set)
    }

    /// The set of these. A key that is already listed as retired while it still signs is there once.
    pub(super) fn of(current: Jwk, retired: &[(&str, &str)]) -> Self {
        let mut keys = vec![current];
        for (x, y) in retired {
            let key = Jwk::of_coordinates((*x).to_owned(), (*y).to_owned());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Self { keys }
    }

    /// Reads a published set.
    ///
    /// # Errors
    /// [`KeySetFault`] if anything in it is not as we publish it.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetFault> {
        let set: Self = serde_json::from_slice(json).map_err(KeySetFault::Unreadable)?;
        set.check()?;
        Ok(set)
    }

    /// The keys; the one that signs now comes first.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The key of this name.
    pub(super) fn find(&self, kid: &str) -> Option<ParsedPublicKey> {
        self.keys.iter().find(|key| key.kid == kid)?.key()
    }

    fn check(&self) -> Result<(), KeySetFault> {
        for (at, key) in self.keys.iter().enumerate() {
            key.key().ok_or(KeySetFault::NotAKey)?;
            if self.keys.iter().skip(at + 1).any(|other| other.kid == key.kid) {
                return Err(KeySetFault::Twice);
            }
        }
        Ok(())
    }
}
