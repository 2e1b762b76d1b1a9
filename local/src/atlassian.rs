//! Atlassian as far as an app can tell: a key server, and sites that install the app, sign their calls and leave. The tokens are real, made
//! with the same code that our own calls to sites are signed with, under a key of this machine's own.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use axum::Router;
use axum::extract::{Path as Segment, State};
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::connect::catalogue::App;
use shared::connect::jwt::{CannotSign, ClaimsToSign, sign_hs256, sign_rs256};
use shared::connect::qsh::{self, MalformedQuery};

use crate::jira::user::{self, User};

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenFault {
    /// The request's query cannot be hashed.
    #[error(transparent)]
    Query(#[from] MalformedQuery),
    /// The token cannot be signed.
    #[error(transparent)]
    Sign(#[from] CannotSign),
}

/// How long Atlassian's tokens live, in seconds.
const TOKEN_LIFE: i64 = 180;

/// The name of the key that this Atlassian signs installs with.
pub const KID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

const PRIVATE_PEM: &str = "atlassian-private.pem";
const PUBLIC_PEM: &str = "atlassian-public.pem";

/// The one who signs installs, and publishes the key.
#[derive(Clone)]
pub struct Atlassian {
    private_pem: Arc<str>,
    public_pem: Arc<str>,
}

/// A request as its signature sees it: everything is part of the hash.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The raw path, the app's slug included.
    pub path: &'a str,
    /// The raw query.
    pub query: &'a str,
}

/// A site of this Atlassian, with the app on it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The app.
    pub app: &'static App,
    /// The app's base URL: the audience of install tokens.
    pub app_base_url: String,
    /// Atlassian's name of the installation.
    pub client_key: String,
    /// What the site and the app sign with.
    pub shared_secret: String,
    /// Where the site lies.
    pub base_url: String,
}

impl Atlassian {
    /// An Atlassian with a new key.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn new() -> io::Result<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
        let private = pem("PRIVATE KEY", pair_der(&pair)?.as_ref());
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(io::Error::other)?;
        Ok(Self { private_pem: private.into(), public_pem: pem("PUBLIC KEY", public.as_ref()).into() })
    }

    /// The Atlassian of the host that keeps its state in `folder`: another process with this key is believed by it.
    ///
    /// # Errors
    /// If no host was ever started with this folder.
    pub fn of_host(folder: &Path) -> io::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|cause| {
                io::Error::new(cause.kind(), format!("cannot read {}: was a host started with this --folder?", path.display()))
            })
        };
        Ok(Self { private_pem: read(PRIVATE_PEM)?.into(), public_pem: read(PUBLIC_PEM)?.into() })
    }

    /// The same, with a new key if there is none: for the host itself.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn of_host_or_new(folder: &Path) -> io::Result<Self> {
        if let Ok(known) = Self::of_host(folder) {
            return Ok(known);
        }
        let new = Self::new()?;
        fs::create_dir_all(folder)?;
        fs::write(folder.join(PUBLIC_PEM), new.public_pem.as_bytes())?;
        let mut private = File::create(folder.join(PRIVATE_PEM))?;
        #[cfg(unix)]
        private.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        private.write_all(new.private_pem.as_bytes())?;
        Ok(new)
    }

    /// The server that publishes the key.
    pub fn key_server(&self) -> Router {
        async fn key(State(public_pem): State<Arc<str>>, Segment(kid): Segment<String>) -> Result<String, StatusCode> {
            if kid == KID { Ok(public_pem.to_string()) } else { Err(StatusCode::NOT_FOUND) }
        }
        Router::new().route("/{kid}", get(key)).with_state(Arc::clone(&self.public_pem))
    }

    /// The token of a lifecycle event of `site`.
    ///
    /// # Errors
    /// If the query cannot be hashed or the token not be signed.
    pub fn install_token(&self, site: &Site, request: Signed<'_>, now: i64) -> Result<String, TokenFault> {
        let audience = vec![site.app_base_url.clone()];
        let claims = ClaimsToSign { audience, ..site.claims(Some(hash(site, request)?), now) };
        Ok(sign_rs256(&claims, KID, self.private_pem.as_bytes())?)
    }

    /// A token with any claims, signed with the install key; for those who try what must be refused.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn sign(&self, claims: &ClaimsToSign, kid: &str) -> Result<String, CannotSign> {
        sign_rs256(claims, kid, self.private_pem.as_bytes())
    }

    /// The published key.
    #[must_use]
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }
}

impl Site {
    /// The site `acme`, known on this machine.
    #[must_use]
    pub fn acme(app: &'static App, app_base_url: String) -> Self {
        Self {
            app,
            app_base_url,
            client_key: "acme-client-key".to_owned(),
            shared_secret: "acme-shared-secret-of-this-machine-only".to_owned(),
            base_url: "https://acme.atlassian.net".to_owned(),
        }
    }

    /// The token of a page load or an event: covers this very request.
    ///
    /// # Errors
    /// If the query cannot be hashed or the token not be signed.
    pub fn host_token(&self, request: Signed<'_>, now: i64) -> Result<String, TokenFault> {
        self.host_token_for(user::ADMIN, request, now)
    }

    /// The same for a page load or a call of this user.
    ///
    /// # Errors
    /// If the query cannot be hashed or the token not be signed.
    pub fn host_token_for(&self, user: User, request: Signed<'_>, now: i64) -> Result<String, TokenFault> {
        Ok(sign_hs256(&self.claims_for(user, Some(hash(self, request)?), now), self.shared_secret.as_bytes())?)
    }

    /// The token that a page gets for its own calls: good for any.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn context_token(&self, now: i64) -> Result<String, TokenFault> {
        self.context_token_for(user::ADMIN, now)
    }

    /// The same for a page that this user sees.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn context_token_for(&self, user: User, now: i64) -> Result<String, TokenFault> {
        Ok(sign_hs256(&self.claims_for(user, Some("context-qsh".to_owned()), now), self.shared_secret.as_bytes())?)
    }

    /// What a token of this site says at least; `qsh` as given.
    #[must_use]
    pub fn claims(&self, qsh: Option<String>, now: i64) -> ClaimsToSign {
        self.claims_for(user::ADMIN, qsh, now)
    }

    fn claims_for(&self, user: User, qsh: Option<String>, now: i64) -> ClaimsToSign {
        ClaimsToSign {
            issuer: self.client_key.clone(),
            subject: user.account_id.map(ToOwned::to_owned),
            issued_at: now,
            expires_at: now.saturating_add(TOKEN_LIFE),
            qsh,
            ..ClaimsToSign::default()
        }
    }

    /// The body of a lifecycle event; the secret is in `installed` alone.
    #[must_use]
    pub fn payload(&self, event: &str) -> Value {
        let mut payload = json!({
            "key": self.app.key, "clientKey": self.client_key, "publicKey": "", "serverVersion": "100290", "pluginsVersion": "1001.0.0",
            "baseUrl": self.base_url, "productType": "jira", "description": "Atlassian Jira", "eventType": event,
            "displayUrl": self.base_url, "displayUrlServicedeskHelpCenter": self.base_url,
        });
        if let (Some(members), "installed") = (payload.as_object_mut(), event) {
            members.insert("sharedSecret".to_owned(), self.shared_secret.clone().into());
            members.insert("entitlementId".to_owned(), "e3f1b3ac-0000-4000-8000-000000000001".into());
            members.insert("entitlementNumber".to_owned(), "E-100-200-300".into());
            members.insert("oauthClientId".to_owned(), "oauth-client-id-of-acme".into());
        }
        payload
    }
}

fn hash(site: &Site, request: Signed<'_>) -> Result<String, MalformedQuery> {
    qsh::sign(request.method, request.path, request.query, &format!("/{}", site.app.slug))
}

fn pair_der(pair: &KeyPair) -> io::Result<Pkcs8V1Der<'static>> {
    pair.as_der().map_err(io::Error::other)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}
