//! How webhooks are sent, and sent again: signed for the very address that they go to, five times more at most, five minutes apart.
//!
//! Source: <https://developer.atlassian.com/cloud/jira/platform/webhooks/>.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::platform::outbound::{NoAnswer, Outbound};
use tower::ServiceExt as _;

use crate::atlassian::{Signed, Site};

/// How often a webhook is sent again at most.
pub const MOST_RETRIES: u32 = 5;

/// How long after an attempt the next one comes, in seconds.
pub const RETRY_AFTER: i64 = 300;

/// How soon a webhook is meant to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flow {
    /// What somebody did.
    Primary,
    /// What followed from it.
    Secondary,
}

impl Flow {
    const fn name(self) -> &'static str {
        match self {
            Self::Primary => "Primary",
            Self::Secondary => "Secondary",
        }
    }
}

/// A webhook that the app has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Names the event, the same whenever it is sent.
    pub identifier: String,
    /// What happened.
    pub event: String,
    /// Where it goes, below the app's base URL.
    pub url: String,
    /// How soon it is meant to come.
    pub flow: Flow,
    /// The issue, for people.
    pub issue_key: String,
    /// The body.
    pub payload: Value,
    /// How often it was sent again; on the way for the first time: 0.
    pub retries: u32,
    /// When it is sent next, in epoch seconds.
    pub due: i64,
    /// What it was answered last; `None` if it was never sent, or if no answer came.
    pub last_status: Option<u16>,
}

/// One attempt, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What happened.
    pub event: String,
    /// Which retry it was; 0 for the first attempt.
    pub retry: u32,
    /// The answer; `None` if none came.
    pub status: Option<u16>,
    /// Whether it is sent again.
    pub comes_again: bool,
}

impl Posted {
    /// Whether the app has taken it.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self.status, Some(200 | 204))
    }
}

/// In words, for people.
impl std::fmt::Display for Posted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ", self.event)?;
        match self.status {
            Some(status) => write!(out, "was answered {status}")?,
            None => write!(out, "was not answered")?,
        }
        if self.comes_again { write!(out, " and comes again in five minutes") } else { Ok(()) }
    }
}

impl Webhook {
    /// What is sent at this time, in epoch seconds; `None` if it cannot be signed or addressed.
    #[must_use]
    pub fn request(&self, site: &Site, now: i64) -> Option<Request<Bytes>> {
        let address = format!("{}{}", site.app_base_url, self.url);
        let parsed = url::Url::parse(&address).ok()?;
        let signed = Signed { method: "POST", path: parsed.path(), query: parsed.query().unwrap_or_default() };
        let token = site.host_token(signed, now).ok()?;
        let mut request = Request::post(parsed.as_str())
            .header(header::AUTHORIZATION, format!("JWT {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-atlassian-webhook-identifier", &self.identifier)
            .header("x-atlassian-webhook-flow", self.flow.name());
        if self.retries > 0 {
            request = request.header("x-atlassian-webhook-retry", self.retries.to_string());
        }
        request.body(self.payload.to_string().into()).ok()
    }

    /// Sends it once.
    pub(super) async fn send(&self, site: &Site, app: &dyn Outbound, now: i64) -> Option<u16> {
        let answer = app.send(self.request(site, now)?).await.ok()?;
        Some(answer.status().as_u16())
    }

    /// What became of an attempt at this time that was answered so. Whatever is refused outright is not sent again, nor is what was sent often
    /// enough.
    pub(super) fn answered(&mut self, status: Option<u16>, now: i64) -> Posted {
        let retry = self.retries;
        let comes_again = retry < MOST_RETRIES && matches!(status, None | Some(408 | 409 | 425 | 429 | 500..=599));
        self.last_status = status;
        if comes_again {
            self.retries += 1;
            self.due = now.saturating_add(RETRY_AFTER);
        }
        Posted { event: self.event.clone(), retry, status, comes_again }
    }
}

/// The way to an app in this process, for tests whose clock stands still.
#[derive(Clone, Debug)]
pub struct InProcess(pub axum::Router);

impl Outbound for InProcess {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        let router = self.0.clone();
        Box::pin(async move {
            let answer = router.oneshot(request.map(axum::body::Body::from)).await.unwrap_or_else(|never| match never {});
            let (parts, body) = answer.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| NoAnswer::Unreachable)?;
            Ok(Response::from_parts(parts, body))
        })
    }
}

/// The way to an app over sockets, with as much patience as Jira has.
#[derive(Clone, Debug)]
pub struct OverHttp(pub reqwest::Client);

impl Outbound for OverHttp {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        let client = self.0.clone();
        Box::pin(async move {
            let mut request = reqwest::Request::try_from(request).map_err(|_| NoAnswer::Unreachable)?;
            *request.timeout_mut() = Some(super::super::doings::PATIENCE);
            let answer = client.execute(request).await.map_err(|_| NoAnswer::Unreachable)?;
            let status = answer.status();
            let body = answer.bytes().await.map_err(|_| NoAnswer::Unreachable)?;
            let mut response = Response::new(body);
            *response.status_mut() = status;
            Ok(response)
        })
    }
}
