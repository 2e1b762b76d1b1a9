//! Running the functions that ask the sites: by themselves, while something else happens, and while calls to AWS fail.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use local::atlassian::Site;
use local::aws::Fault;
use local::host::{LocalHost, Settings};
use local::jira::Jira;
use local::mounts::Work;
use serde_json::Value;
use shared::platform::Platform;
use shared::platform::outbound::{NoAnswer, Outbound};
use shared::platform::random::SystemRandom;
use shared::platform::schedule::{Deadline, Report};
use shared::problem::Problem;
use tokio::sync::Semaphore;

use crate::harness::{World, settings};
use crate::triggers::work_of;

pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// As much time as a run needs.
pub const TIME: Duration = Duration::from_secs(900);

/// What a site is asked.
const QUESTION: &str = "GET /rest/atlassian-connect/1/addons/io.lethe.test-management";

/// One run of a function that a schedule starts.
pub async fn run_on(platform: &Platform, function: &str, time: Duration) -> Result<Report, Problem> {
    let Work::Schedule(handle) = work_of(function) else { panic!("no schedule") };
    handle(platform.clone(), Deadline::after(platform, time)).await
}

/// The same, in this world, with as much time as it needs and no socket to wait for.
pub async fn run(world: &World, function: &str) -> Report {
    tokio::time::pause();
    let report = run_on(&world.host.platform(function).unwrap(), function, TIME).await;
    tokio::time::resume();
    report.unwrap()
}

/// The counts that are not zero.
pub fn done(report: &Report) -> Vec<(&'static str, u64)> {
    report.counts.iter().copied().filter(|(_, count)| *count > 0).collect()
}

/// What the sites were asked about the app, by client key.
pub fn asked(jira: &Jira) -> Vec<String> {
    let questions = jira.asked().into_iter().filter(|asked| format!("{} {}", asked.method, asked.path) == QUESTION);
    questions.map(|asked| asked.client_key).collect()
}

/// The last departure of a site; null if it never left.
pub async fn departure(world: &World, site: &Site) -> Value {
    world.departures(site).await.pop().unwrap_or_default()
}

/// A way to the sites that lets nobody pass until it is opened.
#[derive(Debug)]
pub struct Gate {
    jira: Jira,
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Outbound for Gate {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        self.reached.add_permits(1);
        let (jira, open) = (self.jira.clone(), Arc::clone(&self.open));
        async move {
            open.acquire().await.unwrap().forget();
            jira.send(request).await
        }
        .boxed()
    }
}

/// One run of a function that does `meanwhile` while its site is being asked.
pub async fn run_while(world: &World, function: &str, meanwhile: impl Future<Output = ()>) -> Report {
    let (reached, open) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let gate = Gate { jira: world.jira.clone(), reached: Arc::clone(&reached), open: Arc::clone(&open) };
    let settings = Settings { sites: Arc::new(gate), ..settings(&world.clock, Arc::new(SystemRandom)) };
    let host = LocalHost::start_on(world.aws().clone(), &settings).await.unwrap();
    let platform = host.platform(function).unwrap();
    let meanwhile = async {
        reached.acquire().await.unwrap().forget();
        meanwhile.await;
        open.add_permits(1);
    };
    futures::join!(run_on(&platform, function, TIME), meanwhile).0.unwrap()
}

/// What goes wrong with a call, and how often: a lost answer once, which the SDK asks for again, and what it gives up on, before and after the
/// effect.
pub const STRIKES: [(Fault, u64); 3] = [(Fault::AfterEffect, 1), (Fault::BeforeSend, 3), (Fault::AfterEffect, 3)];

/// A run in which the calls from number `at` on fail so; `None` if it failed as a whole.
pub async fn strike(world: &World, function: &str, at: usize, fault: Fault, times: u64) -> Option<Report> {
    for attempt in 0..times {
        world.aws().faults().on_call(at as u64 + 1 + attempt, fault);
    }
    tokio::time::pause();
    let struck = run_on(&world.host.platform(function).unwrap(), function, TIME).await;
    tokio::time::resume();
    world.aws().faults().clear();
    struck.ok()
}
