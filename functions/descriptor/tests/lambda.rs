//! The real binary under the Lambda runtime's API (2018-06-01), spoken here over loopback: it starts from the environment that the template
//! gives it, answers an event, and does not start from anything less.
#![expect(clippy::unwrap_used, reason = "what fails in a test may panic, in its helpers too")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::{get, post};
use axum::{Json, Router};
use local::samples::Sample;
use local::template::Template;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// A process that says nothing for so long is broken.
const PATIENCE: Duration = Duration::from_secs(30);

const ORIGIN_SECRET: &str = "an-origin-secret-of-this-test-alone";

/// The environment as Lambda sets it: the template's, and what the service adds.
fn environment() -> BTreeMap<String, String> {
    let parameter = |name: &str| match name {
        "PublicDomain" => Some("eu.lethe.example".to_owned()),
        "OriginSecrets" => Some(ORIGIN_SECRET.to_owned()),
        _ => None,
    };
    let resource = |id: &str, attribute: &str| match attribute {
        "Arn" => Some(format!("arn:aws:kms:eu-west-1:111122223333:key/{id}")),
        _ => Some(id.to_owned()),
    };
    let mut environment = Template::deployed().unwrap().environment("Descriptor", &parameter, &resource).unwrap();
    for (name, value) in [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_LAMBDA_FUNCTION_NAME", "descriptor"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

/// What the runtime's API hands out and takes in.
struct RuntimeApi {
    events: Mutex<mpsc::Receiver<Value>>,
    answers: mpsc::Sender<Value>,
}

async fn next(State(api): State<Arc<RuntimeApi>>) -> (HeaderMap, Json<Value>) {
    // With no more events the call stays open, as Lambda's does.
    let event = match api.events.lock().await.recv().await {
        Some(event) => event,
        None => std::future::pending().await,
    };
    let headers = [("lambda-runtime-aws-request-id", "request-1"), ("lambda-runtime-deadline-ms", "4102444800000")];
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    (headers.into_iter().collect(), Json(event))
}

async fn take(State(api): State<Arc<RuntimeApi>>, answer: Bytes) {
    api.answers.send(serde_json::from_slice(&answer).unwrap()).await.unwrap();
}

/// Ends the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn the_binary_answers_an_event_of_its_function_url() {
    let (events, queued) = mpsc::channel(1);
    let (answers, mut answered) = mpsc::channel(1);
    let api = Arc::new(RuntimeApi { events: Mutex::new(queued), answers });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(take))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(take))
        .with_state(api);
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut command = Command::new(env!("CARGO_BIN_EXE_descriptor"));
    command.env_clear().envs(environment()).env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    let _running = Running(command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap());

    let sample = Sample::all().unwrap().into_iter().find(|sample| sample.case == "descriptor").unwrap();
    events.send(sample.filled("", ORIGIN_SECRET)).await.unwrap();
    let answer = timeout(PATIENCE, answered.recv()).await.unwrap().unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let descriptor: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(descriptor["baseUrl"], "https://eu.lethe.example/test-management");

    events.send(sample.filled("", "not-the-secret")).await.unwrap();
    let refused = timeout(PATIENCE, answered.recv()).await.unwrap().unwrap();
    assert_eq!(refused["statusCode"], 403);
}

#[test]
fn the_binary_does_not_start_from_less_and_says_what_is_missing() {
    let mut environment = environment();
    environment.remove("LETHE_WRAPPING_KEY");
    environment.insert("LETHE_PUBLIC_URL".to_owned(), "http://lethe.example".to_owned());
    let mut command = Command::new(env!("CARGO_BIN_EXE_descriptor"));
    let output = command.env_clear().envs(environment).env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("LETHE_WRAPPING_KEY is not set") && said.contains("LETHE_PUBLIC_URL must be"), "{said}");
    assert!(!said.contains("http://lethe.example"), "{said}");
}
