//! The proof that Atlassian itself says a site installed or removed the app.
//!
//! Three steps whose order the types fix: everything that costs nothing ([`Presented`]), that the token speaks of the very installation its
//! payload names ([`Bound`]), and only then a key is fetched and the signature believed. Thus a stranger's token costs no network call,
//! and a genuine token of one site cannot carry the payload of another.

use super::install_keys::{InstallKeys, KeyFault};
use super::jwt::{Algorithm, Claims, QshPolicy, TokenFault, Unverified};
use super::kid::Kid;
use super::qsh::Request;

/// Why the proof of an installation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallFault {
    /// The token proves nothing: 401, or 400 for [`TokenFault::MalformedQuery`].
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// The key could not be fetched now: 503, so that Atlassian or the admin tries again.
    #[error("cannot confirm the token's signature: no key host answers")]
    KeysUnavailable,
}

/// A token that passed every check which needs neither payload nor key.
#[derive(Debug)]
pub struct Presented<'a> {
    token: Unverified<'a>,
    kid: Kid,
}

impl<'a> Presented<'a> {
    /// Checks form, key name, times, hash of the request, and that the token was made for `base_url`: the app's base URL in this region. A
    /// token for another region is refused, because the tenant lives there.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn check(token: &'a str, request: &Request<'_>, base_url: &str, now_epoch_seconds: i64) -> Result<Self, TokenFault> {
        let token = Unverified::parse(token, Algorithm::Rs256)?;
        let kid = token.claimed_kid().and_then(Kid::parse).ok_or(TokenFault::Kid)?;
        let claimed = token.claimed();
        claimed.check_times(now_epoch_seconds)?;
        claimed.check_audience(base_url)?;
        claimed.check_qsh(QshPolicy::Computed, request)?;
        Ok(Self { token, kid })
    }

    /// Binds the token to the payload it came with, by the payload's client key.
    ///
    /// # Errors
    /// [`TokenFault::Issuer`] if the token speaks of another installation.
    pub fn for_payload(self, client_key: &str) -> Result<Bound<'a>, TokenFault> {
        if self.token.claimed().issuer() == client_key { Ok(Bound(self)) } else { Err(TokenFault::Issuer) }
    }
}

/// A token that speaks of the installation its payload names. Still to be proven.
#[derive(Debug)]
pub struct Bound<'a>(Presented<'a>);

impl Bound<'_> {
    /// Fetches the key, if it is not at hand, and checks the signature.
    ///
    /// # Errors
    /// [`TokenFault::Kid`] if no host knows the key, [`TokenFault::Key`] or [`TokenFault::Signature`];
    /// [`InstallFault::KeysUnavailable`].
    pub async fn verify(self, keys: &InstallKeys) -> Result<Claims, InstallFault> {
        let Presented { token, kid } = self.0;
        let pem = keys.get(&kid).await.map_err(|fault| match fault {
            KeyFault::UnknownKid => InstallFault::Token(TokenFault::Kid),
            KeyFault::Unavailable => InstallFault::KeysUnavailable,
        })?;
        Ok(token.verify_rs256(&pem)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::connect::install_keys::test_host::{Reply, client, key_host};
    use crate::connect::jwt::{ClaimsToSign, sign_hs256, sign_rs256};
    use crate::connect::qsh;
    use crate::connect::test_keys::{ATLASSIAN, STRANGER};
    use crate::platform::clock::ManualClock;

    const NOW: i64 = 1_760_000_000;
    const BASE_URL: &str = "https://eu.lethe.example/test-management";
    const REQUEST: Request<'_> =
        Request { method: "POST", path: "/test-management/installed", query: "user_key=admin", base_path: "/test-management" };

    fn claims() -> ClaimsToSign {
        ClaimsToSign {
            issuer: "tenant-a".to_owned(),
            audience: vec![BASE_URL.to_owned()],
            issued_at: NOW,
            expires_at: NOW + 180,
            qsh: Some(qsh::sign(REQUEST.method, REQUEST.path, REQUEST.query, REQUEST.base_path).unwrap()),
            ..ClaimsToSign::default()
        }
    }

    fn token(claims: &ClaimsToSign, kid: &str) -> String {
        sign_rs256(claims, kid, ATLASSIAN.private_pem.as_bytes()).unwrap()
    }

    fn presented(token: &str) -> Result<Presented<'_>, TokenFault> {
        Presented::check(token, &REQUEST, BASE_URL, NOW)
    }

    async fn keys(reply: fn(&str) -> Reply) -> (InstallKeys, crate::connect::install_keys::test_host::KeyHost) {
        let host = key_host(reply).await;
        (InstallKeys::new(vec![host.url.clone()], client(), Arc::new(ManualClock::at(NOW))), host)
    }

    #[tokio::test]
    async fn a_token_of_atlassians_proves_an_installation() {
        let (keys, _host) = keys(|_| Reply::Key(&ATLASSIAN.public_pem)).await;
        let token = token(&claims(), "k-1");
        let bound = presented(&token).unwrap().for_payload("tenant-a").unwrap();
        assert_eq!(bound.verify(&keys).await.unwrap().issued_at(), NOW);
    }

    #[tokio::test]
    async fn a_token_signed_with_another_key_is_refused() {
        let (keys, _host) = keys(|_| Reply::Key(&STRANGER.public_pem)).await;
        let token = token(&claims(), "k-1");
        let bound = presented(&token).unwrap().for_payload("tenant-a").unwrap();
        assert_eq!(bound.verify(&keys).await.err(), Some(InstallFault::Token(TokenFault::Signature)));
    }

    #[tokio::test]
    async fn a_key_that_nobody_knows_is_the_callers_fault() {
        let (keys, _host) = keys(|_| Reply::Status(404)).await;
        let token = token(&claims(), "k-1");
        let bound = presented(&token).unwrap().for_payload("tenant-a").unwrap();
        assert_eq!(bound.verify(&keys).await.err(), Some(InstallFault::Token(TokenFault::Kid)));
    }

    #[tokio::test]
    async fn a_key_host_that_fails_is_not_the_callers_fault() {
        let (keys, _host) = keys(|_| Reply::Status(500)).await;
        let token = token(&claims(), "k-1");
        let bound = presented(&token).unwrap().for_payload("tenant-a").unwrap();
        assert_eq!(bound.verify(&keys).await.err(), Some(InstallFault::KeysUnavailable));
    }

    #[test]
    fn a_genuine_token_of_one_tenant_does_not_install_another() {
        let token = token(&claims(), "k-1");
        let presented = presented(&token).unwrap();
        assert_eq!(presented.for_payload("tenant-b").err(), Some(TokenFault::Issuer));
    }

    #[test]
    fn a_token_under_the_shared_secret_does_not_install() {
        let token = sign_hs256(&claims(), b"s0m3-sh@r3d-s3cr37").unwrap();
        assert_eq!(presented(&token).err(), Some(TokenFault::Algorithm));
    }

    #[test]
    fn a_key_name_that_could_lead_elsewhere_is_refused_before_any_call() {
        for kid in ["", "../k", "https://evil.example/k", "a?b", "a/b/c", "a%2fb"] {
            assert_eq!(presented(&token(&claims(), kid)).err(), Some(TokenFault::Kid), "{kid}");
        }
    }

    #[test]
    fn a_token_for_another_app_or_region_is_refused() {
        for audience in [
            vec![],
            vec!["https://us.lethe.example/test-management"],
            vec!["https://eu.lethe.example"],
            vec!["https://eu.lethe.example/other"],
        ] {
            let claims = ClaimsToSign { audience: audience.into_iter().map(str::to_owned).collect(), ..claims() };
            assert_eq!(presented(&token(&claims, "k-1")).err(), Some(TokenFault::Audience));
        }
        let slash = ClaimsToSign { audience: vec!["https://x.example".to_owned(), format!("{BASE_URL}/")], ..claims() };
        assert!(presented(&token(&slash, "k-1")).is_ok());
    }

    #[test]
    fn a_token_for_another_lifecycle_event_is_refused() {
        let uninstalled = qsh::sign("POST", "/test-management/uninstalled", "user_key=admin", "/test-management").unwrap();
        let claims = ClaimsToSign { qsh: Some(uninstalled), ..claims() };
        assert_eq!(presented(&token(&claims, "k-1")).err(), Some(TokenFault::Qsh));
    }

    #[test]
    fn a_context_token_and_a_token_without_a_hash_do_not_install() {
        let context = ClaimsToSign { qsh: Some("context-qsh".to_owned()), ..claims() };
        assert_eq!(presented(&token(&context, "k-1")).err(), Some(TokenFault::Qsh));
        let unbound = ClaimsToSign { qsh: None, ..claims() };
        assert_eq!(presented(&token(&unbound, "k-1")).err(), Some(TokenFault::Claims("qsh")));
    }

    #[test]
    fn an_old_token_does_not_install() {
        assert_eq!(Presented::check(&token(&claims(), "k-1"), &REQUEST, BASE_URL, NOW + 210).err(), Some(TokenFault::Expired));
    }
}
