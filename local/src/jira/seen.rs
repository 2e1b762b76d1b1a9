//! What a tenant sees of itself: its account and its configuration, by real calls of the one who administers its site.

use serde::Serialize;
use serde_json::Value;
use shared::platform::clock::Clock;

use super::doings::{DoingFault, PATIENCE};
use super::user::ADMIN;
use crate::atlassian::{Signed, Site};
use crate::watch::FOR_VIEW;

/// One question and its answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seen {
    /// What is asked for, in words.
    what: &'static str,
    /// Method and path.
    request: String,
    /// The answer's status; `None` if none came.
    status: Option<u16>,
    /// The answer, as JSON if it is any.
    body: Value,
}

/// What the tenant of this site sees now.
pub(super) async fn by_tenant(site: &Site, http: &reqwest::Client, clock: &dyn Clock) -> Result<Vec<Seen>, DoingFault> {
    let mut seen = Vec::new();
    for (what, endpoint) in [("Account", "account"), ("Configuration", "configuration")] {
        let path = format!("/{}/{endpoint}", site.app.slug);
        let now = clock.now().epoch_seconds();
        let token = match endpoint {
            "account" => site.host_token_for(ADMIN, Signed { method: "GET", path: &path, query: "" }, now)?,
            _ => site.context_token_for(ADMIN, now)?,
        };
        let asked = http.get(format!("{}/{endpoint}", site.app_base_url)).header("authorization", format!("JWT {token}"));
        let asked = asked.header(FOR_VIEW, "true").timeout(PATIENCE).send().await;
        let (status, body) = match asked {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let text = answer.text().await?;
                (Some(status), serde_json::from_str(&text).unwrap_or(Value::String(text)))
            }
            Err(_) => (None, Value::Null),
        };
        seen.push(Seen { what, request: format!("GET {path}"), status, body });
    }
    Ok(seen)
}
