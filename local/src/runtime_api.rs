//! The Lambda runtime's API (2018-06-01) over loopback, and a function's real binary under it: started from the environment that the template
//! gives it, handed events, and its answers taken as they come.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use crate::template::{Template, TemplateFault};

/// A process that says nothing for so long is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the front door presents to these processes.
pub const ORIGIN_SECRET: &str = "an-origin-secret-of-these-processes";

/// The environment of a function as Lambda sets it: the template's, and what the service adds. Nothing that it names can be reached.
///
/// # Errors
/// If the template gives none.
pub fn environment(function: &str) -> Result<BTreeMap<String, String>, TemplateFault> {
    let parameter = |name: &str| match name {
        "PublicDomain" => Some("eu.lethe.example".to_owned()),
        "OriginSecrets" => Some(ORIGIN_SECRET.to_owned()),
        _ => None,
    };
    let resource = |id: &str, attribute: &str| match attribute {
        "Arn" => Some(format!("arn:aws:kms:eu-west-1:111122223333:key/{id}")),
        _ => Some(id.to_owned()),
    };
    let mut environment = Template::deployed()?.environment(function, &parameter, &resource)?;
    for (name, value) in [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    Ok(environment)
}

/// An answer as it was posted.
#[derive(Debug)]
pub struct Posted {
    /// Its headers, trailers left out.
    pub headers: HeaderMap,
    /// Its bytes.
    pub body: Bytes,
}

struct Api {
    events: Mutex<mpsc::Receiver<Value>>,
    answers: mpsc::Sender<Posted>,
}

async fn next(State(api): State<Arc<Api>>) -> (HeaderMap, Json<Value>) {
    // With no more events the call stays open, as Lambda's does.
    let event = match api.events.lock().await.recv().await {
        Some(event) => event,
        None => std::future::pending().await,
    };
    let headers = [("lambda-runtime-aws-request-id", "request-1"), ("lambda-runtime-deadline-ms", "4102444800000")];
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    (headers.into_iter().collect(), Json(event))
}

async fn take(State(api): State<Arc<Api>>, headers: HeaderMap, body: Bytes) {
    // Nobody waits any more when the test is over.
    api.answers.send(Posted { headers, body }).await.ok();
}

/// A function's process; it ends with this.
pub struct Process {
    child: Child,
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<Posted>,
}

impl Process {
    /// Starts the binary as the function with this logical id.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(binary: &str, function: &str) -> io::Result<Self> {
        Self::start_with(binary, function, &[]).await
    }

    /// The same with more in its environment, or with something else.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start_with(binary: &str, function: &str, more: &[(&str, &str)]) -> io::Result<Self> {
        let (events, queued) = mpsc::channel(1);
        let (answered, answers) = mpsc::channel(1);
        let api = Arc::new(Api { events: Mutex::new(queued), answers: answered });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(take))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(take))
            .with_state(api);
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        let environment = environment(function).map_err(io::Error::other)?;
        let mut command = Command::new(binary);
        command.env_clear().envs(environment).envs(more.iter().copied()).env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        let child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
        Ok(Self { child, events, answers })
    }

    /// Its number in the operating system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the function answers to this event.
    ///
    /// # Errors
    /// If it says nothing for half a minute.
    pub async fn answer(&mut self, event: Value) -> io::Result<Posted> {
        self.events.send(event).await.map_err(io::Error::other)?;
        let answer = timeout(PATIENCE, self.answers.recv()).await.map_err(io::Error::other)?;
        answer.ok_or_else(|| io::Error::other("the runtime's api is gone"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
