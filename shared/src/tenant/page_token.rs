//! The token that a page of ours is given for its telemetry, because Atlassian's own is for the user's calls and is gone after minutes.
//!
//! It is sealed under the tenant's own key, says for what it is good and until when, and names nobody: who has it speaks for a page of the
//! tenant, not for a user. It ends with the tenant: after leaving it opens nothing, and after the purge nothing can open it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::tokens::Route;
use super::{Tenant, recall};
use crate::connect::catalogue::App;
use crate::envelope::{OpenFault, Place};
use crate::platform::Platform;
use crate::platform::signal::Signal;
use crate::problem::{Problem, Refusal};
use crate::records::retention;
use crate::tenant::id;

/// A digest and a cell of a few fields; more is none of ours.
const MAX_BYTES: usize = 512;

/// What such a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Which pages are seen, and what fails in the browser.
    Telemetry,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    until: i64,
}

/// A page of a tenant, proved by the token that the page was given.
pub struct PageToken {
    /// Whose page it is.
    pub tenant: Tenant,
}

impl PageToken {
    /// A token for a page of this tenant, good for 12 hours: `{digest}.{sealed}`, both of letters that need no escape in a path.
    ///
    /// # Errors
    /// 503 without randomness.
    pub fn mint(tenant: &Tenant, purpose: Purpose) -> Result<String, Problem> {
        let life = i64::try_from(retention::PAGE_TOKEN.as_secs()).unwrap_or(0);
        let sealed = Sealed { until: tenant.platform().now().saturating_add(life) };
        let json = serde_json::to_vec(&sealed).map_err(|_| Problem::new(Refusal::Internal, "cannot write a page token"))?;
        let cell = tenant.keyring.seal(&place(tenant.digest(), purpose), &json)?;
        Ok(format!("{}.{}", tenant.digest(), URL_SAFE_NO_PAD.encode(cell)))
    }

    /// The page that a token speaks for.
    ///
    /// # Errors
    /// 401 for whatever is none, for another app's or another purpose's, when its time is over, and when the tenant has left; 503 if DynamoDB
    /// or KMS is away.
    pub async fn prove(platform: &Platform, app: &'static App, purpose: Purpose, token: &str) -> Result<Self, Problem> {
        let none = || Problem::unauthorized("no page token").raising(Signal::RefusedToken);
        let (digest, cell) = token.split_once('.').filter(|_| token.len() <= MAX_BYTES).ok_or_else(none)?;
        let cell = URL_SAFE_NO_PAD.decode(cell).ok().filter(|_| id::is_digest(digest)).ok_or_else(none)?;
        let found = recall::active(platform, digest).await?;
        let tenant = found.ok_or_else(|| Problem::unauthorized("no such tenant, or one that has left"))?;
        let json = tenant.keyring.open_brought(&place(digest, purpose), &cell).await?.map_err(|fault| match fault {
            // Anybody can write another's digest before some letters: it is no more than a token that is none.
            OpenFault::Auth | OpenFault::Format | OpenFault::KeyVersion(_) => none(),
        })?;
        let sealed: Sealed = serde_json::from_slice(&json).map_err(|_| none())?;
        if tenant.app.slug != app.slug {
            return Err(Problem::unauthorized("a page token of another app").raising(Signal::OtherAudience));
        }
        if sealed.until <= platform.now() {
            // A page that was left open; nobody has done anything.
            return Err(Problem::new(Refusal::Unauthorized, "a page token whose time is over"));
        }
        Ok(Self { tenant })
    }
}

/// From a route with the parameters `{app}` and `{token}`: what a browser sends when a page is left has no headers of ours.
impl FromRequestParts<Platform> for PageToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, Problem> {
        let route = Route::of(parts, platform).await?;
        let token = route.parameters.get("token").map(String::as_str).unwrap_or_default();
        let proven = Self::prove(platform, route.app, Purpose::Telemetry, token).await?;
        proven.tenant.note(&parts.extensions);
        Ok(proven)
    }
}

fn place(digest: &str, purpose: Purpose) -> Place<'_> {
    Place { service: "page", resource: "page-token", pk: digest.as_bytes(), sk: b"", attribute: purpose.name() }
}
