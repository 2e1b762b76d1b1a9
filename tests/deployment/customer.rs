//! A customer: a site of a small Jira that the deployed functions reach, which installs the app, calls it and leaves. The key that signs installs
//! and the site's secret outlive the process, because deployments come between the parts of the story.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use local::atlassian::{Atlassian, Signed, Site};
use local::clock::MovableClock;
use local::jira::Jira;
use local::jira::user::{ADMIN, User};
use serde_json::Value;
use shared::connect::catalogue::{App, Catalogue};
use shared::platform::random::SystemRandom;
use tokio::task::JoinHandle;

use super::stack::{Answer, Stack};

/// More than any call of the app to its site.
const LARGEST_CALL: usize = 256 * 1024;

/// Under which the functions of the stack were told that they are reached.
const PUBLIC: &str = "https://eu.lethe.example";

pub struct Customer<'s> {
    pub stack: &'s Stack,
    pub site: Site,
    pub jira: Jira,
    atlassian: Atlassian,
    server: JoinHandle<()>,
}

impl Drop for Customer<'_> {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn app() -> &'static App {
    Catalogue::hosted().find("test-management").unwrap()
}

impl<'s> Customer<'s> {
    /// One that nobody knows yet.
    pub async fn new(stack: &'s Stack) -> Self {
        fs::remove_file(Stack::folder().join("jira.json")).ok();
        Self::with(stack, |jira, origin| jira.add("acme", app(), origin, PUBLIC, &SystemRandom).unwrap()).await
    }

    /// The one that came before.
    pub async fn again(stack: &'s Stack) -> Self {
        Self::with(stack, |_, _| ()).await
    }

    async fn with(stack: &'s Stack, prepare: impl FnOnce(&Jira, &str)) -> Self {
        let origin = format!("http://localhost:{}", stack.jira_port());
        let clock = Arc::new(MovableClock::kept_in(Stack::clock_file()).unwrap());
        let jira = Jira::kept_in(Some(Stack::folder().join("jira.json")), clock, &origin, PUBLIC).unwrap();
        prepare(&jira, &origin);
        let atlassian = Atlassian::of_host_or_new(&Stack::folder()).unwrap();
        let server = tokio::spawn(serve(jira.clone(), &atlassian, stack.jira_port(), origin).await);
        let site = jira.sites().remove(0).site;
        Self { stack, site, jira, atlassian, server }
    }

    async fn tell(&self, event: &str) -> Answer {
        let path = format!("/{}/{event}", self.site.app.slug);
        let signed = Signed { method: "POST", path: &path, query: "" };
        let token = self.atlassian.install_token(&self.site, signed, self.stack.now()).unwrap();
        let headers = [("authorization", format!("JWT {token}")), ("content-type", "application/json".to_owned())];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.stack.through_front_door(Method::POST, &path, &headers, self.site.payload(event).to_string().into_bytes()).await
    }

    /// What the site tells of an issue.
    pub async fn tell_of_issue(&self, event: &str, identifier: &str, payload: &Value) -> Answer {
        let path = format!("/{}/webhooks/{event}", self.site.app.slug);
        let token = self.site.host_token(Signed { method: "POST", path: &path, query: "" }, self.stack.now()).unwrap();
        let token = format!("JWT {token}");
        let headers =
            [("authorization", token.as_str()), ("content-type", "application/json"), ("x-atlassian-webhook-identifier", identifier)];
        self.stack.through_front_door(Method::POST, &path, &headers, payload.to_string().into_bytes()).await
    }

    pub async fn install(&self) {
        let answer = self.tell("installed").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }

    pub async fn leave(&self) -> StatusCode {
        self.jira.remove(&self.site);
        self.tell("uninstalled").await.status
    }

    /// A call of the app's page, by an administrator.
    pub async fn call(&self, method: Method, target: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.call_as(ADMIN, method, target, body).await
    }

    pub async fn call_as(&self, user: User, method: Method, target: &str, body: impl Into<Vec<u8>>) -> Answer {
        let token = format!("JWT {}", self.site.context_token_for(user, self.stack.now()).unwrap());
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        self.stack.through_front_door(method, &format!("/{}{target}", self.site.app.slug), &headers, body.into()).await
    }

    /// The app's page, as the site puts it into an iframe.
    pub async fn page(&self) -> Answer {
        let path = format!("/{}/page", self.site.app.slug);
        let token = self.site.host_token(Signed { method: "GET", path: &path, query: "" }, self.stack.now()).unwrap();
        self.stack.through_front_door(Method::GET, &format!("{path}?jwt={token}"), &[], Vec::new()).await
    }
}

/// The keys that sign installs, and the sites' REST API below each site's address.
async fn serve(jira: Jira, atlassian: &Atlassian, port: u16, origin: String) -> impl Future<Output = ()> + use<> {
    let rest = move |request: Request| {
        let (jira, origin) = (jira.clone(), origin.clone());
        async move { answer(&jira, &origin, request).await }
    };
    let router = Router::new().nest("/install-keys", atlassian.key_server()).fallback(rest);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    async move { axum::serve(listener, router).await.unwrap() }
}

async fn answer(jira: &Jira, origin: &str, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    parts.uri = format!("{origin}{}", parts.uri).parse().unwrap();
    let body = to_bytes(body, LARGEST_CALL).await.unwrap();
    match jira.answer(http::Request::from_parts(parts, body)).await {
        Some(answer) => answer.map(Body::from),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
