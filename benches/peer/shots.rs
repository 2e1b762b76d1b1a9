//! What is sent: the same bytes to both, but for the port and the token's hour.

use axum::body::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use local::atlassian::{Atlassian, Signed, Site};
use local::runtime_api::ORIGIN_SECRET;
use serde_json::json;
use shared::platform::front;

use crate::token;

/// How long an iframe's address is, without the token in it.
const IFRAME: usize = 195;

/// How long the body of a webhook is, in bytes.
const WEBHOOK: usize = 2_048;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page in an iframe of the site.
    Account,
    /// A stored value, for a page.
    Configuration,
    /// Jira tells of a change.
    Webhook,
}

/// All of it.
pub(crate) const KINDS: [Kind; 3] = [Kind::Account, Kind::Configuration, Kind::Webhook];

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Configuration => "configuration",
            Self::Webhook => "webhook",
        }
    }

    /// The request, with a fresh token.
    pub(crate) fn shot(self, site: &Site, now: i64) -> Shot {
        match self {
            Self::Account => {
                let target = iframe(site);
                // Jira hands the token of an iframe over in its address, of which it is no signed part.
                let token = token::host(site, "GET", &target, now);
                Shot::new(Method::GET, &format!("{target}&jwt={token}"), StatusCode::OK)
            }
            Self::Configuration => {
                let shot = Shot::new(Method::GET, &format!("/{}/configuration/display", site.app.slug), StatusCode::OK);
                shot.with_token(&token::context(site, now))
            }
            Self::Webhook => {
                let target = format!("/{}/webhooks/issue_updated", site.app.slug);
                let shot = Shot::new(Method::POST, &target, StatusCode::NO_CONTENT);
                shot.with_token(&token::host(site, "POST", &target, now)).with_json(event(now))
            }
        }
    }
}

/// A request that can be sent again and again, and the status that its answer must have.
#[derive(Clone)]
pub(crate) struct Shot {
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) expected: StatusCode,
}

impl Shot {
    pub(crate) fn new(method: Method, target: &str, expected: StatusCode) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1"));
        headers.insert(front::ORIGIN_SECRET, HeaderValue::from_static(ORIGIN_SECRET));
        Self { method, target: target.parse().unwrap(), headers, body: Bytes::new(), expected }
    }

    fn with_token(mut self, token: &str) -> Self {
        self.headers.insert(AUTHORIZATION, format!("JWT {token}").parse().unwrap());
        self
    }

    fn with_json(mut self, body: String) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.headers.insert(HeaderName::from_static("x-atlassian-webhook-identifier"), HeaderValue::from_static("peer-1"));
        self.body = body.into();
        self
    }
}

/// Atlassian says that the app was installed.
pub(crate) fn installed(atlassian: &Atlassian, site: &Site, now: i64) -> Shot {
    let path = format!("/{}/installed", site.app.slug);
    let token = atlassian.install_token(site, Signed { method: "POST", path: &path, query: "" }, now).unwrap();
    Shot::new(Method::POST, &path, StatusCode::NO_CONTENT).with_token(&token).with_json(site.payload("installed").to_string())
}

/// Sets what [`Kind::Configuration`] reads.
pub(crate) fn configured(site: &Site, now: i64, expected: StatusCode) -> Shot {
    let value = json!({"columns": ["key", "summary", "status", "assignee"], "pageSize": 50, "theme": "auto", "showArchived": false});
    let shot = Shot::new(Method::PUT, &format!("/{}/configuration/display", site.app.slug), expected);
    shot.with_token(&token::context(site, now)).with_json(value.to_string())
}

/// The address of an iframe as Jira makes it, without the token.
pub(crate) fn iframe(site: &Site) -> String {
    let parameters =
        "xdm_e=https%3A%2F%2Facme.atlassian.net&xdm_c=channel-io.lethe.test-management__account&cp=&lic=active&cv=1001.0.0-SNAPSHOT";
    let mut target = format!("/{}/account?{parameters}&s=", site.app.slug);
    target.extend(std::iter::repeat_n('x', IFRAME - target.len()));
    target
}

/// A change of an issue in a project that nobody has selected.
fn event(now: i64) -> String {
    let payload = |description: &str| {
        json!({
            "timestamp": now * 1_000, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_updated",
            "user": {"accountId": "5be24ad8b1653240376955d2", "accountType": "atlassian", "displayName": "Ada", "active": true},
            "issue": {
                "id": "10001", "key": "DEMO-1",
                "fields": {
                    "project": {"id": "10000", "key": "DEMO", "name": "Demonstration"},
                    "summary": "Something is to be done", "description": description,
                    "status": {"id": "3", "name": "In Progress", "statusCategory": {"id": 4, "key": "indeterminate"}},
                },
            },
            "changelog": {"id": "10100", "items": [{"field": "summary", "fieldId": "summary", "fromString": "Something", "toString": "Something is to be done"}]},
        })
        .to_string()
    };
    let missing = WEBHOOK.saturating_sub(payload("").len());
    payload(&"x".repeat(missing))
}
