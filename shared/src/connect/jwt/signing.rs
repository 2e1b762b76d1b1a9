//! Making tokens: for our calls to a site, and for playing Atlassian in the local Jira and in tests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde::Serialize;
use serde_json::{Value, json};

/// The token could not be made. Says nothing of the key or of the claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSign {
    /// The private key is not an RSA key in PEM.
    #[error("cannot sign the token: unusable key")]
    Key,
    /// The claims do not become JSON.
    #[error("cannot sign the token: unusable claims")]
    Claims,
}

/// What a token of ours says. Times are seconds since 1970.
#[derive(Clone, Default, Serialize)]
pub struct ClaimsToSign {
    /// The app's key when we call a site; a client key when we play one.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The account the token speaks for.
    #[serde(rename = "sub", skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whom it is for; left out if empty.
    #[serde(rename = "aud", skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// Now.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// Three minutes from now is customary, an hour the most we accept.
    #[serde(rename = "exp")]
    pub expires_at: i64,
    /// What [`crate::connect::qsh::sign`] says of the request, or `context-qsh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qsh: Option<String>,
    /// Where on the site the user is; only for playing Atlassian.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
}

/// A token under a shared secret, whose UTF-8 bytes are the key.
///
/// # Errors
/// [`CannotSign`].
pub fn sign_hs256(claims: &ClaimsToSign, secret: &[u8]) -> Result<String, CannotSign> {
    signed(&json!({"alg": "HS256", "typ": "JWT"}), claims, &EncodingKey::from_secret(secret), Algorithm::HS256)
}

/// A token under an RSA key (PEM, PKCS #8 or PKCS #1), as lifecycle events have it: only Atlassian makes these, or whoever plays it.
///
/// # Errors
/// [`CannotSign`].
pub fn sign_rs256(claims: &ClaimsToSign, kid: &str, private_pem: &[u8]) -> Result<String, CannotSign> {
    let key = EncodingKey::from_rsa_pem(private_pem).map_err(|_| CannotSign::Key)?;
    signed(&json!({"alg": "RS256", "kid": kid, "typ": "JWT"}), claims, &key, Algorithm::RS256)
}

fn signed(header: &Value, claims: &ClaimsToSign, key: &EncodingKey, algorithm: Algorithm) -> Result<String, CannotSign> {
    let claims = serde_json::to_vec(claims).map_err(|_| CannotSign::Claims)?;
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).map_err(|_| CannotSign::Key)?;
    Ok(format!("{signed}.{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_without_a_value_are_left_out() {
        let claims = ClaimsToSign { issuer: "io.lethe".to_owned(), issued_at: 1, expires_at: 181, ..ClaimsToSign::default() };
        assert_eq!(serde_json::to_value(claims).unwrap(), json!({"iss": "io.lethe", "iat": 1, "exp": 181}));
    }

    #[test]
    fn a_public_key_cannot_sign() {
        let key = crate::connect::test_keys::ATLASSIAN.public_pem.as_bytes();
        assert_eq!(sign_rs256(&ClaimsToSign::default(), "k", key), Err(CannotSign::Key));
    }
}
