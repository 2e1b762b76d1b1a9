//! What a tenant sees of itself, by real calls of its users: here its account and its configuration, as the one who administers its site.

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;
use shared::platform::clock::Clock;

use super::doings::{DoingFault, PATIENCE};
use super::user::{ADMIN, User};
use crate::atlassian::{Signed, Site};
use crate::watch::FOR_VIEW;

/// One question and its answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seen {
    /// What is asked for, in words.
    what: &'static str,
    #[serde(flatten)]
    answer: Answered,
}

/// A call to the app, and its answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answered {
    /// Method and path.
    request: String,
    /// The answer's status; `None` if none came.
    pub(super) status: Option<u16>,
    /// The answer, as JSON if it is any.
    pub(super) body: Value,
}

/// The app on a site, as its pages reach it.
pub(super) struct App<'a> {
    pub(super) site: &'a Site,
    pub(super) http: &'a reqwest::Client,
    pub(super) clock: &'a dyn Clock,
}

impl App<'_> {
    /// What a user's page gets at an endpoint; asked only to be shown.
    pub(super) async fn look(&self, user: User, endpoint: &str) -> Result<Answered, DoingFault> {
        let token = self.site.context_token_for(user, self.now())?;
        self.ask(&token, Method::GET, endpoint, None, true).await
    }

    /// What a user's page does at an endpoint.
    pub(super) async fn change(&self, user: User, method: Method, endpoint: &str, body: Option<&Value>) -> Result<Answered, DoingFault> {
        let token = self.site.context_token_for(user, self.now())?;
        self.ask(&token, method, endpoint, body, false).await
    }

    async fn ask(&self, token: &str, method: Method, endpoint: &str, body: Option<&Value>, for_view: bool) -> Result<Answered, DoingFault> {
        let request = format!("{method} /{}/{endpoint}", self.site.app.slug);
        let mut asked = self.http.request(method, format!("{}/{endpoint}", self.site.app_base_url));
        asked = asked.header("authorization", format!("JWT {token}")).timeout(PATIENCE);
        if for_view {
            asked = asked.header(FOR_VIEW, "true");
        }
        if let Some(body) = body {
            asked = asked.header("content-type", "application/json").body(body.to_string());
        }
        let (status, body) = match asked.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let text = answer.text().await?;
                (Some(status), serde_json::from_str(&text).unwrap_or(Value::String(text)))
            }
            Err(_) => (None, Value::Null),
        };
        Ok(Answered { request, status, body })
    }

    fn now(&self) -> i64 {
        self.clock.now().epoch_seconds()
    }
}

/// What the tenant of this site sees now.
pub(super) async fn by_tenant(app: &App<'_>) -> Result<[Seen; 2], DoingFault> {
    let path = format!("/{}/account", app.site.app.slug);
    // An account is asked for with a token for this very request.
    let token = app.site.host_token_for(ADMIN, Signed { method: "GET", path: &path, query: "" }, app.now())?;
    let account = app.ask(&token, Method::GET, "account", None, true).await?;
    let configuration = app.look(ADMIN, "configuration").await?;
    Ok([Seen { what: "Account", answer: account }, Seen { what: "Configuration", answer: configuration }])
}
