//! A world to measure in: the local host in memory, a clock that stands still until it is moved, and randomness that is the same every time, so
//! that the page is too.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::request::Builder;
use http::{Method, Request};
use serde_json::Value;
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::{Clock as _, ManualClock};
use shared::platform::outbound::Internet;
use shared::platform::random::{Random, Unavailable};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::CostFault;
use super::meter::{Meter, Usage};
use crate::atlassian::{Atlassian, Signed, Site};
use crate::aws::EmbeddedAws;
use crate::host::{LocalHost, Settings, SinkVariables};
use crate::jira::Jira;

/// When everything is measured: 2026-11-22T12:00:00Z.
const BEGINNING: i64 = 1_795_348_800;
/// Nothing listens there.
const ADDRESS: &str = "https://eu.lethe.example";
/// Nor there: what is presigned for it is handed over in this process.
const S3: &str = "http://127.0.0.1:8082";

/// One piece of work and what it took.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// In words, for the page.
    pub(super) what: &'static str,
    /// The functions that ran, by name: each once for every time.
    pub(super) ran: Vec<&'static str>,
    /// What they asked of AWS.
    pub(super) usage: Usage,
    /// How often they asked the site.
    pub(super) site_calls: u32,
    /// Bytes of the bodies that came, and of the answers, headers included.
    pub(super) came: u32,
    pub(super) went: u32,
    /// Bytes that a function carried from one bucket to the other.
    pub(super) carried: u32,
}

/// The world.
pub(super) struct Stage {
    pub(super) host: LocalHost,
    pub(super) site: Site,
    pub(super) jira: Jira,
    clock: Arc<ManualClock>,
    atlassian: Atlassian,
    random: Arc<Repeatable>,
    meter: Arc<Meter>,
    install_keys_url: String,
    keys: JoinHandle<std::io::Result<()>>,
}

/// The same bytes in every world, in the order in which they are asked for. Nothing that is kept is sealed with them.
#[derive(Debug, Default)]
struct Repeatable(Mutex<u64>);

impl Random for Repeatable {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Unavailable> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            // A linear congruence with Knuth's constants; its high bits look random enough not to compress.
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            [*byte, ..] = state.to_be_bytes();
        }
        Ok(())
    }
}

impl Stage {
    /// An empty world.
    pub(super) async fn start() -> Result<Self, CostFault> {
        let (clock, atlassian) = (Arc::new(ManualClock::at(BEGINNING)), Atlassian::new()?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let install_keys_url = format!("http://{}", listener.local_addr()?);
        let server = atlassian.key_server();
        let keys = tokio::spawn(async move { axum::serve(listener, server).await });
        let jira = Jira::new(Arc::<ManualClock>::clone(&clock));
        let random = Arc::<Repeatable>::default();
        let host = LocalHost::start(settings(&clock, &jira, &random, &install_keys_url)).await?;
        let meter = Arc::new(Meter::default());
        host.aws().tamper(Some(Arc::<Meter>::clone(&meter)));
        let app = Catalogue::hosted().iter().next().ok_or(CostFault::NoApp)?;
        let site = Site::acme(app, format!("{ADDRESS}/{}", app.slug));
        Ok(Self { host, site, jira, clock, atlassian, random, meter, install_keys_url, keys })
    }

    /// The same world behind functions that have just started.
    pub(super) async fn restarted(&mut self) -> Result<(), CostFault> {
        let settings = settings(&self.clock, &self.jira, &self.random, &self.install_keys_url);
        self.host = LocalHost::start_on(self.host.aws().clone(), &settings).await?;
        Ok(())
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().epoch_seconds()
    }

    /// Measures what is done, and names the functions that do it.
    pub(super) async fn measure(
        &self,
        what: &'static str,
        ran: &[&'static str],
        doing: impl Future<Output = Result<Traffic, CostFault>>,
    ) -> Result<Step, CostFault> {
        let (calls, asked) = (self.host.aws().calls(), self.jira.asked().len());
        let mark = calls.mark();
        self.meter.take();
        let Traffic { came, went, carried } = doing.await?;
        let usage = Usage::of(&calls.since(mark), self.meter.take());
        let site_calls = self.jira.asked().len().saturating_sub(asked).try_into().unwrap_or(u32::MAX);
        Ok(Step { what, ran: ran.to_vec(), usage, site_calls, came, went, carried })
    }

    /// A lifecycle event, signed now.
    pub(super) async fn lifecycle(&self, site: &Site, event: &str) -> Result<Traffic, CostFault> {
        let path = format!("/{}/{event}", site.app.slug);
        let token = self.atlassian.install_token(site, Signed { method: "POST", path: &path, query: "" }, self.now())?;
        let request = Request::post(path).header("authorization", format!("JWT {token}")).header("content-type", "application/json");
        let answer = self.send(request, site.payload(event).to_string()).await?;
        self.jira.keep(site);
        Ok(answer.traffic)
    }

    /// A call of the app's own page, as an administrator.
    pub(super) async fn page_calls(&self, method: Method, target: &str, kind: &str, body: impl Into<Bytes>) -> Result<Answer, CostFault> {
        let token = self.site.context_token(self.now()).map_err(CostFault::Token)?;
        let request = Request::builder().method(method).uri(format!("/{}/{target}", self.site.app.slug));
        self.send(request.header("authorization", format!("JWT {token}")).header("content-type", kind), body).await
    }

    /// A page of the app's, as the site loads it for an administrator.
    pub(super) async fn loads(&self, target: &str) -> Result<Answer, CostFault> {
        let path = format!("/{}/{target}", self.site.app.slug);
        let token = self.site.host_token(Signed { method: "GET", path: &path, query: "" }, self.now())?;
        self.send(Request::get(path).header("authorization", format!("JWT {token}")), Bytes::new()).await
    }

    /// What the site tells of an issue.
    pub(super) async fn tells(&self, event: &str, identifier: &str, payload: &Value) -> Result<Traffic, CostFault> {
        let path = format!("/{}/webhooks/{event}", self.site.app.slug);
        let token = self.site.host_token(Signed { method: "POST", path: &path, query: "" }, self.now())?;
        let request = Request::post(path).header("authorization", format!("JWT {token}")).header("content-type", "application/json");
        Ok(self.send(request.header("x-atlassian-webhook-identifier", identifier), payload.to_string()).await?.traffic)
    }

    /// A part of an upload, put where an answer says that it goes. S3 is asked, and no function.
    pub(super) async fn put_part(&self, address: &Value, part: Bytes) -> Result<(), CostFault> {
        let url = address.get("url").and_then(Value::as_str).and_then(|url| url.strip_prefix(S3)).ok_or(CostFault::Unlike("url"))?;
        let mut request = Request::put(url).header("host", S3.trim_start_matches("http://")).header("content-length", part.len());
        for header in address.get("headers").and_then(Value::as_array).into_iter().flatten() {
            let text = |at: usize| header.get(at).and_then(Value::as_str).ok_or(CostFault::Unlike("headers"));
            request = request.header(text(0)?, text(1)?);
        }
        answered(self.host.aws().s3_router(S3), request, part).await.map(drop)
    }

    async fn send(&self, request: Builder, body: impl Into<Bytes>) -> Result<Answer, CostFault> {
        answered(self.host.front(), request, body.into()).await
    }

    /// The AWS below.
    pub(super) const fn aws(&self) -> &EmbeddedAws {
        self.host.aws()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.keys.abort();
    }
}

fn settings(clock: &Arc<ManualClock>, jira: &Jira, random: &Arc<Repeatable>, install_keys_url: &str) -> Settings {
    Settings {
        folder: None,
        public_url: ADDRESS.to_owned(),
        install_keys_urls: install_keys_url.to_owned(),
        site_hosts: ".atlassian.net".to_owned(),
        bridge_script_url: "https://bridge.example/all.js".to_owned(),
        sites: Arc::new(jira.clone()),
        sinks: Arc::new(Internet::nameless()),
        sink_variables: SinkVariables::off(),
        s3_origin: Some(S3.to_owned()),
        clock: Arc::<ManualClock>::clone(clock),
        random: Arc::<Repeatable>::clone(random),
    }
}

/// Bytes of a request's body, of its answer, headers included, and of what a function carried from one bucket to the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) came: u32,
    pub(super) went: u32,
    pub(super) carried: u32,
}

/// An answer that was not a refusal.
pub(super) struct Answer {
    pub(super) body: Bytes,
    pub(super) traffic: Traffic,
}

impl Answer {
    pub(super) fn json(&self) -> Result<Value, CostFault> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

async fn answered(router: Router, request: Builder, body: Bytes) -> Result<Answer, CostFault> {
    let came = count(body.len());
    let request = request.body(Body::from(body))?;
    let path = request.uri().path().to_owned();
    let (head, body) = router.oneshot(request).await.unwrap_or_else(|never| match never {}).into_parts();
    let body = to_bytes(body, usize::MAX).await?;
    if !head.status.is_success() {
        return Err(CostFault::Refused { path, status: head.status.as_u16(), said: String::from_utf8_lossy(&body).into_owned() });
    }
    // A line has a colon, a space and an end.
    let headers: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    Ok(Answer { traffic: Traffic { came, went: count(headers + body.len()), carried: 0 }, body })
}

pub(super) fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
