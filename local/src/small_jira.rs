//! The small Jira of a running host, asked over HTTP as its own page asks it.

use std::error::Error;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use shared::platform::http_client::http_client;

/// Longer than what it waits for itself.
const PATIENCE: Duration = Duration::from_secs(30);

type Asked<T = Value> = Result<T, Box<dyn Error>>;

/// A running small Jira.
pub(crate) struct SmallJira {
    jira: String,
    http: reqwest::Client,
}

impl SmallJira {
    /// The one at this address.
    pub(crate) fn at(jira: &str) -> Asked<Self> {
        Ok(Self { jira: jira.to_owned(), http: http_client()? })
    }

    /// A new site.
    pub(crate) async fn add(&self, name: &str) -> Asked {
        self.post("sites", &json!({"name": name})).await
    }

    /// Has Jira do something on a site.
    pub(crate) async fn act(&self, site: &str, doing: &str) -> Asked {
        self.post(&format!("sites/{site}/doings"), &json!({"doing": doing})).await
    }

    /// Moves the clock ahead.
    pub(crate) async fn advance(&self, seconds: u64) -> Asked {
        self.post("clock", &json!({"seconds": seconds})).await
    }

    /// What is stored of a site.
    pub(crate) async fn stored(&self, site: &str) -> Asked {
        self.answer(self.http.get(format!("{}/play/sites/{site}/stored", self.jira))).await
    }

    /// A context token, or with method and target the token of this very request.
    pub(crate) async fn token(&self, site: &str, user: &str, request: Option<(&str, &str)>) -> Asked<String> {
        let mut address = url::Url::parse(&format!("{}/play/sites/{site}/token", self.jira))?;
        address.query_pairs_mut().append_pair("user", user);
        if let Some((method, target)) = request {
            address.query_pairs_mut().append_pair("method", method).append_pair("target", target);
        }
        let answer = self.answer(self.http.get(address)).await?;
        Ok(answer.get("token").and_then(Value::as_str).ok_or("the small Jira gives no token")?.to_owned())
    }

    /// The token that the app's page is given for its telemetry when this user opens it.
    pub(crate) async fn page_token(&self, site: &str, user: &str, functions: &str) -> Asked<String> {
        let page = "/test-management/page";
        let token = self.token(site, user, Some(("GET", page))).await?;
        let opened = self.http.get(format!("{functions}{page}")).header("authorization", format!("JWT {token}"));
        let page = opened.timeout(PATIENCE).send().await?.text().await?;
        let given = page.split_once("name=\"lethe-page-token\" content=\"").and_then(|(_, rest)| rest.split_once('"'));
        Ok(given.ok_or("the page was given no token")?.0.to_owned())
    }

    async fn post(&self, path: &str, body: &Value) -> Asked {
        let request = self.http.post(format!("{}/play/{path}", self.jira)).header("content-type", "application/json");
        self.answer(request.body(body.to_string())).await
    }

    async fn answer(&self, request: RequestBuilder) -> Asked {
        let answer = request
            .timeout(PATIENCE)
            .send()
            .await
            .map_err(|_| format!("no host answers at {}: start one with cargo run, or say --port", self.jira))?;
        let status = answer.status();
        let json: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        let said = || json.get("said").and_then(Value::as_str).map_or_else(|| status.to_string(), ToOwned::to_owned);
        if status.is_success() { Ok(json) } else { Err(said().into()) }
    }
}
