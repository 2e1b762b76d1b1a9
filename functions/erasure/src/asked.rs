//! What an operator asks: whom it is about, for which ticket, and what else the route takes. The client key is gone once its digest is made.

use axum::RequestExt as _;
use axum::extract::{FromRequest, RawPathParams, Request};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value;
use shared::connect::catalogue::Catalogue;
use shared::platform::Platform;
use shared::platform::front::read_body;
use shared::problem::{Problem, Refusal};
use shared::tenant::id;

/// Much more than any such body has.
const LARGEST_BODY: usize = 4 * 1024;

/// As lifecycle events have it.
const LONGEST_CLIENT_KEY: usize = 255;

/// More than our own ids have.
const LONGEST_TENANT_ID: usize = 64;

/// What is asked, as far as it is the same for every route.
pub(crate) struct Asked {
    /// Whom it is about.
    pub(crate) digest: String,
    /// The number of the ticket that asks for it.
    pub(crate) ticket: u64,
    /// Our own id of the life that is meant, where the caller says so.
    pub(crate) tenant_id: Option<String>,
    reason: Option<Value>,
    days: Option<Value>,
}

/// The members that a body may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Members {
    client_key: Option<Value>,
    ticket: Option<Value>,
    tenant_id: Option<Value>,
    reason: Option<Value>,
    days: Option<Value>,
}

impl FromRequest<Platform> for Asked {
    type Rejection = Problem;

    async fn from_request(mut request: Request, _: &Platform) -> Result<Self, Problem> {
        let parameters = request.extract_parts::<RawPathParams>().await.map_err(|_| Problem::malformed("path", "must be UTF-8"))?;
        let slug = parameters.iter().find(|(name, _)| *name == "app").map(|(_, slug)| slug).unwrap_or_default();
        let app = Catalogue::hosted().find(slug).ok_or_else(|| Problem::new(Refusal::NotFound, "no such app"))?;
        check_type(request.headers())?;
        Self::parse(app.slug, &read_body(request.into_body(), LARGEST_BODY).await?)
    }
}

impl Asked {
    fn parse(app: &str, body: &[u8]) -> Result<Self, Problem> {
        // What was wrong stays unsaid, because parsers quote what they read.
        let members: Members = serde_json::from_slice(body).map_err(|fault| match fault.classify() {
            serde_json::error::Category::Data => {
                Problem::malformed("body", "must be an object of clientKey, ticket, tenantId, reason and days, each once at most")
            }
            _ => Problem::malformed("body", "must be JSON"),
        })?;
        let client_key = members.client_key.as_ref().and_then(Value::as_str).filter(|key| (1..=LONGEST_CLIENT_KEY).contains(&key.len()));
        let client_key = client_key.ok_or_else(|| Problem::malformed("clientKey", "must be a text of 1 to 255 bytes"))?;
        let ticket = members.ticket.as_ref().and_then(Value::as_u64).filter(|ticket| *ticket > 0);
        let ticket = ticket.ok_or_else(|| Problem::malformed("ticket", "must be a ticket's number"))?;
        let tenant_id = members.tenant_id.as_ref().map(tenant_id).transpose()?;
        Ok(Self { digest: id::digest(app, client_key), ticket, tenant_id, reason: members.reason, days: members.days })
    }

    /// The life that is meant is named.
    pub(crate) fn named_tenant(&self) -> Result<(), Problem> {
        if self.tenant_id.is_none() { Err(Problem::malformed("tenantId", "must be named here, as status shows it")) } else { Ok(()) }
    }

    /// The reason, which is one of these.
    pub(crate) fn reason(&self, listed: &[&'static str]) -> Result<&'static str, Problem> {
        let given = self.reason.as_ref().and_then(Value::as_str);
        let found = listed.iter().find(|reason| given == Some(**reason)).copied();
        found.ok_or_else(|| Problem::malformed("reason", format!("must be one of {}", listed.join(", "))))
    }

    /// A number of days, up to `most`.
    pub(crate) fn days(&self, most: i64) -> Result<i64, Problem> {
        let days = self.days.as_ref().and_then(Value::as_i64).filter(|days| (1..=most).contains(days));
        days.ok_or_else(|| Problem::malformed("days", format!("must be a number from 1 to {most}")))
    }

    /// Nothing is said that this route would not heed.
    pub(crate) fn no_reason(&self) -> Result<(), Problem> {
        if self.reason.is_some() { Err(Problem::malformed("reason", "is not taken here")) } else { Ok(()) }
    }

    /// The same, of days.
    pub(crate) fn no_days(&self) -> Result<(), Problem> {
        if self.days.is_some() { Err(Problem::malformed("days", "are not taken here")) } else { Ok(()) }
    }
}

fn tenant_id(given: &Value) -> Result<String, Problem> {
    let id = given.as_str().filter(|id| (1..=LONGEST_TENANT_ID).contains(&id.len()));
    id.map(ToOwned::to_owned).ok_or_else(|| Problem::malformed("tenantId", "must be a tenant's id, as status shows it"))
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = named.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(Refusal::UnsupportedType, "not application/json"))
}
