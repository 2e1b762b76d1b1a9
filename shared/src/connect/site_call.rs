//! A call that an app makes to a tenant's site as itself: signed over exactly the text that is sent, to the site's own address and nowhere
//! else. Source: <https://developer.atlassian.com/cloud/jira/platform/understanding-jwt-for-connect-apps/>.
//!
//! The path is a constant of ours and needs no escapes, because signers disagree about how an escaped path is hashed.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use url::Url;

use super::jwt::{ClaimsToSign, sign_hs256};
use super::qsh;
use super::secret::Secret;
use super::site_hosts::SiteHosts;

/// How long such a token lives, in seconds: what Atlassian's own framework gives it.
const LIFE: i64 = 180;

/// What is asked of a site.
#[derive(Clone, Debug)]
pub struct SiteCall<'a> {
    /// The method.
    pub method: Method,
    /// The path below the site's base URL: `/rest/api/3/…`, of letters, digits and `-._/`.
    pub path: &'a str,
    /// JSON to send; `None` sends no body, because sites refuse a `GET` that has one.
    pub json: Option<Vec<u8>>,
}

/// The installation in whose name it is asked.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// The app's key at Atlassian: the issuer.
    pub app_key: &'a str,
    /// Atlassian's name of the tenant: the audience.
    pub client_key: &'a str,
    /// Where the site's REST calls go, as it told us when it installed the app.
    pub base_url: &'a str,
    /// The current shared secret.
    pub secret: &'a Secret,
}

/// The call cannot be made. Says neither the address nor the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotCall {
    /// The stored address is none that we may call: the list of site hosts changed since.
    #[error("cannot call the site: its address is not a site's")]
    Address,
    /// The path would be read in two ways.
    #[error("cannot call the site: the path is not plain")]
    Path,
    /// The token cannot be made.
    #[error("cannot call the site: the call cannot be signed")]
    Sign,
}

impl SiteCall<'_> {
    /// The signed request, to the caller's own site.
    ///
    /// # Errors
    /// [`CannotCall`]; nothing was sent then.
    pub fn signed(&self, caller: Caller<'_>, site_hosts: &SiteHosts, now: i64) -> Result<Request<Bytes>, CannotCall> {
        let base_url = site_hosts.site(caller.base_url).ok_or(CannotCall::Address)?;
        let base_path = base_url.path().trim_end_matches('/');
        let url = self.url(&base_url, base_path)?;
        let qsh = qsh::sign(self.method.as_str(), url.path(), "", base_path).map_err(|_| CannotCall::Sign)?;
        let claims = ClaimsToSign {
            issuer: caller.app_key.to_owned(),
            audience: vec![caller.client_key.to_owned()],
            issued_at: now,
            expires_at: now.saturating_add(LIFE),
            qsh: Some(qsh),
            ..ClaimsToSign::default()
        };
        let token = sign_hs256(&claims, caller.secret.expose().as_bytes()).map_err(|_| CannotCall::Sign)?;
        let mut authorization = HeaderValue::try_from(format!("JWT {token}")).map_err(|_| CannotCall::Sign)?;
        authorization.set_sensitive(true);
        let request = Request::builder()
            .method(&self.method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json")
            // Jira takes a POST that comes from no browser for a forged one without it.
            .header("x-atlassian-token", "nocheck");
        let request = if self.json.is_some() { request.header(header::CONTENT_TYPE, "application/json") } else { request };
        request.body(Bytes::from(self.json.clone().unwrap_or_default())).map_err(|_| CannotCall::Sign)
    }

    /// The address, if it lies below the base URL in the very words of the path.
    fn url(&self, base_url: &Url, base_path: &str) -> Result<Url, CannotCall> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
        let mut url = base_url.clone();
        let path = format!("{base_path}{}", self.path);
        url.set_path(&path);
        let unchanged = self.path.starts_with('/') && !self.path.contains("//") && self.path.bytes().all(plain) && url.path() == path;
        if unchanged && url.origin() == base_url.origin() { Ok(url) } else { Err(CannotCall::Path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::jwt::{Algorithm, QshPolicy, Unverified};

    const NOW: i64 = 1_795_348_800;

    fn hosts() -> SiteHosts {
        SiteHosts::parse(".atlassian.net").unwrap()
    }

    fn signed(base_url: &str, path: &str) -> Result<Request<Bytes>, CannotCall> {
        let secret = Secret::new("s3cret".to_owned());
        let caller = Caller { app_key: "io.lethe.test", client_key: "ck", base_url, secret: &secret };
        SiteCall { method: Method::POST, path, json: Some(b"{}".to_vec()) }.signed(caller, &hosts(), NOW)
    }

    #[test]
    fn the_token_covers_the_path_below_the_base_url_and_is_for_this_site_alone() {
        for base_url in ["https://acme.atlassian.net", "https://acme.atlassian.net/wiki"] {
            let request = signed(base_url, "/rest/api/3/permissions/check").unwrap();
            assert_eq!(request.uri().to_string(), format!("{base_url}/rest/api/3/permissions/check"));
            let token = request.headers()["authorization"].to_str().unwrap().strip_prefix("JWT ").unwrap().to_owned();
            let claims = Unverified::parse(&token, Algorithm::Hs256).unwrap().verify_hs256(&[b"s3cret"]).unwrap();
            assert_eq!((claims.issuer(), claims.audience(), claims.subject()), ("io.lethe.test", &["ck".to_owned()][..], None));
            assert_eq!((claims.issued_at(), claims.expires_at()), (NOW, NOW + 180));
            let relative = qsh::Request { method: "POST", path: "/rest/api/3/permissions/check", query: "", base_path: "" };
            assert_eq!(claims.check_qsh(QshPolicy::Computed, &relative), Ok(()));
        }
    }

    #[test]
    fn nobody_but_a_site_is_called() {
        for base_url in
            ["https://evil.example", "http://acme.atlassian.net", "https://169.254.169.254", "https://acme.atlassian.net:8443", ""]
        {
            assert_eq!(signed(base_url, "/rest").err(), Some(CannotCall::Address), "{base_url}");
        }
    }

    #[test]
    fn a_path_that_could_lead_elsewhere_is_not_called() {
        for path in ["", "rest", "//evil.example/x", "/../x", "/a/./b", "/a%2fb", "/a?b", "/a#b", "/a b", "/a\\b", "@evil.example", "/a;b"]
        {
            assert_eq!(signed("https://acme.atlassian.net", path).err(), Some(CannotCall::Path), "{path}");
        }
    }

    #[test]
    fn a_call_without_a_body_says_nothing_of_one() {
        let secret = Secret::new("s".to_owned());
        let caller = Caller { app_key: "a", client_key: "c", base_url: "https://acme.atlassian.net", secret: &secret };
        let request = SiteCall { method: Method::GET, path: "/rest", json: None }.signed(caller, &hosts(), NOW).unwrap();
        assert!(request.body().is_empty() && request.headers().get("content-type").is_none());
        assert!(!format!("{request:?}").contains("eyJ"), "the token is not shown");
    }
}
