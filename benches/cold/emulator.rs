//! The Lambda runtime's API (2018-06-01) with a watch in its hand: when a process asks for its first event, and when it has answered it.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use benches::{elapsed, linux};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::scene::Scene;
use crate::subject::Subject;

/// A process that says nothing for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many answers make a process warm, because a compiler that learns while it runs goes on learning for seconds; and so many are then counted.
const WARM: usize = 2_000;

enum Told {
    /// For an event, then.
    Asked(Duration),
    /// So, then.
    Answered(Duration, Bytes),
}

struct Api {
    event: Value,
    /// As many as there are events now.
    events: Semaphore,
    tell: mpsc::UnboundedSender<Told>,
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    api.tell.send(Told::Asked(elapsed())).ok();
    // With no more events the call stays open, as Lambda's does.
    api.events.acquire().await.unwrap().forget();
    let headers = [
        ("lambda-runtime-aws-request-id", "request-1"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:111122223333:function:f"),
    ];
    (headers, Json(&api.event)).into_response()
}

async fn take(State(api): State<Arc<Api>>, headers: HeaderMap, body: Bytes) {
    let now = elapsed();
    assert!(!headers.contains_key("lambda-runtime-function-error-type"), "{body:?}");
    api.tell.send(Told::Answered(now, body)).ok();
}

/// A process that was started, and what it tells the API. It ends with this.
struct Running {
    child: Option<Child>,
    api: Arc<Api>,
    began: Duration,
    told: mpsc::UnboundedReceiver<Told>,
    server: JoinHandle<()>,
    subject: &'static str,
}

impl Running {
    /// Starts it; it will be asked so many times.
    async fn start(mut command: Command, subject: &Subject, scene: &Scene, events: usize) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let api = Arc::new(Api { event: subject.event(scene), events: Semaphore::new(events), tell });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(take))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(take))
            .with_state(Arc::clone(&api));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        let began = elapsed();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        Self { child: Some(child), api, began, told, server, subject: subject.name }
    }

    async fn told(&mut self) -> Told {
        timeout(PATIENCE, self.told.recv()).await.unwrap().unwrap()
    }

    /// When it asked for an event.
    async fn asks(&mut self) -> Duration {
        match self.told().await {
            Told::Asked(at) => at,
            Told::Answered(..) => panic!("{} answered twice", self.subject),
        }
    }

    /// When it had answered it, as it should.
    async fn answers(&mut self) -> Duration {
        let Told::Answered(at, body) = self.told().await else { panic!("{} asked twice", self.subject) };
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(answer.get("statusCode").and_then(Value::as_u64), Some(200), "{}: {answer}", self.subject);
        at
    }

    fn process(&self) -> linux::Process {
        linux::Process::of(self.child.as_ref().unwrap().id())
    }

    /// Whoever asked for the process ends it.
    fn into_child(mut self) -> Child {
        self.child.take().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // First the process: it would say so if the API went away.
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
        self.server.abort();
    }
}

/// One start from nothing.
pub(crate) struct Start {
    /// From the spawning to the first call for an event.
    pub(crate) init: Duration,
    /// From the spawning to the first answer.
    pub(crate) answer: Duration,
    /// On a processor, all threads together, until then; Linux tells.
    pub(crate) on_processor: Option<Duration>,
    /// The most memory until then, in KiB; Linux tells.
    pub(crate) memory_kib: Option<u64>,
    /// Bytes that it read until then from files and pipes; Linux tells.
    pub(crate) read_bytes: Option<u64>,
}

impl Start {
    /// Starts it, asks it, and ends it.
    pub(crate) async fn of(subject: &Subject, scene: &Scene) -> Self {
        Self::told(subject.command(), subject, scene).await.0
    }

    /// The same for any command that comes to this subject in the end; whoever asks ends the process.
    pub(crate) async fn below(command: Command, subject: &Subject, scene: &Scene) -> (Self, Child) {
        let (start, running) = Self::told(command, subject, scene).await;
        (start, running.into_child())
    }

    async fn told(command: Command, subject: &Subject, scene: &Scene) -> (Self, Running) {
        let mut running = Running::start(command, subject, scene, 1).await;
        let (asked, answered) = (running.asks().await, running.answers().await);
        let process = running.process();
        let start = Self {
            init: asked - running.began,
            answer: answered - running.began,
            on_processor: process.cpu_of_threads(),
            memory_kib: process.peak_kib(),
            read_bytes: process.read_bytes(),
        };
        (start, running)
    }
}

/// What an answer of a warm process costs on a processor, all its threads together, the loop around it included; Linux tells.
pub(crate) async fn warm(subject: &Subject, scene: &Scene) -> Option<Duration> {
    let mut running = Running::start(subject.command(), subject, scene, 0).await;
    running.asks().await;
    let mut told = [None; 2];
    for told in &mut told {
        running.api.events.add_permits(WARM);
        for _ in 0..WARM {
            running.answers().await;
            running.asks().await;
        }
        // It waits for an event now, so nothing of the last answer is still to be done.
        *told = running.process().cpu_of_threads();
    }
    let [before, after] = told;
    Some((after? - before?) / u32::try_from(WARM).unwrap())
}
