//! The stack as it was deployed: the names that CloudFormation gave, asked of it by `run`, and the ways to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use local::clock::MovableClock;
use serde::Deserialize;
use serde_json::Value;
use shared::platform::clock::Clock as _;
use shared::platform::http_client::http_client;

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);

/// Where `run` keeps all about the stack.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/deployment/stack");

/// A call may find a function that starts from nothing, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is to happen by itself happens within so long: schedules are looked at every ten seconds there, and a function may take a while.
const AT_LAST: Duration = Duration::from_secs(120);

/// What `run` wrote down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    endpoint: String,
    region: String,
    front_door: String,
    origin_secret: String,
    jira_port: u16,
    functions: BTreeMap<String, Function>,
    resources: BTreeMap<String, Resource>,
}

/// A function of the stack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its physical name; of the version that is live, where there are versions.
    pub name: String,
    /// Its URL, if it has one, and who may call that.
    pub url: Option<String>,
    pub auth: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    kind: String,
    id: String,
}

pub struct Stack {
    described: Described,
    clock: MovableClock,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{}: {fault}: {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Stack {
    pub fn deployed() -> Self {
        let described = fs::read_to_string(Self::folder().join("stack.json")).expect("no stack is deployed: see tests/deployment/run");
        // The file that the emulator and the functions take their time from too.
        let clock = MovableClock::kept_in(Self::folder().join("clock")).unwrap();
        Self { described: serde_json::from_str(&described).unwrap(), clock }
    }

    pub fn folder() -> PathBuf {
        PathBuf::from(FOLDER)
    }

    /// Where the small Jira must be: functions were told so when they were deployed.
    pub fn jira_port(&self) -> u16 {
        self.described.jira_port
    }

    pub fn origin_secret(&self) -> &str {
        &self.described.origin_secret
    }

    pub fn clock_file() -> PathBuf {
        Self::folder().join("clock")
    }

    /// The time there.
    pub fn now(&self) -> i64 {
        self.clock.now().epoch_seconds()
    }

    /// Time passes, for the emulator and for the functions.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time).unwrap();
    }

    /// All functions, by their logical ids.
    pub fn functions(&self) -> &BTreeMap<String, Function> {
        &self.described.functions
    }

    /// The physical name of a resource.
    pub fn physical(&self, logical_id: &str) -> &str {
        &self.described.resources[logical_id].id
    }

    /// All resources of a type, by their logical ids.
    pub fn of_kind(&self, kind: &str) -> Vec<&str> {
        let found = self.described.resources.iter().filter(|(_, resource)| resource.kind == kind);
        found.map(|(logical_id, _)| logical_id.as_str()).collect()
    }

    /// A request as a viewer of the distribution makes it; the emulator has no TLS, and is told that there was some.
    pub async fn through_front_door(&self, method: Method, target: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let url = format!("{}{target}", self.described.endpoint);
        let host = [("host", self.described.front_door.as_str()), ("x-forwarded-proto", "https")];
        send(method, &url, &[&host[..], headers].concat(), body).await
    }

    /// A request to a function's own URL.
    pub async fn past_front_door(&self, url: &str, method: Method, target: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        send(method, &format!("{}{target}", self.described.endpoint), &[&[("host", host)], headers].concat(), body).await
    }

    /// Hands an event to a function, as a service of AWS would.
    pub async fn invoke(&self, function: &str, event: &Value) -> Value {
        let name = &self.described.functions[function].name;
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.described.endpoint);
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential=test/20261122/{}/lambda/aws4_request, SignedHeaders=host, Signature=0",
            self.described.region
        );
        let answer = send(Method::POST, &url, &[("authorization", &credential)], event.to_string().into_bytes()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest());
        let config = config.region(Region::new(self.described.region.clone())).endpoint_url(&self.described.endpoint);
        aws_sdk_dynamodb::Client::from_conf(config.credentials_provider(by_hand()).build())
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder().behavior_version(BehaviorVersion::latest());
        let config = config.region(Region::new(self.described.region.clone())).endpoint_url(&self.described.endpoint);
        aws_sdk_s3::Client::from_conf(config.force_path_style(true).credentials_provider(by_hand()).build())
    }

    /// No queue for what failed has anything in it.
    pub async fn assert_no_dead_letters(&self) {
        let config = aws_sdk_sqs::Config::builder().behavior_version(BehaviorVersion::latest());
        let config = config.region(Region::new(self.described.region.clone())).endpoint_url(&self.described.endpoint);
        let sqs = aws_sdk_sqs::Client::from_conf(config.credentials_provider(by_hand()).build());
        let queues = self.of_kind("AWS::SQS::Queue");
        let dead: Vec<_> = queues.into_iter().filter(|queue| queue.contains("Dead") || queue.contains("Failed")).collect();
        assert!(dead.len() >= 2, "{dead:?}");
        for queue in dead {
            let got = sqs.receive_message().queue_url(self.physical(queue)).max_number_of_messages(10).send().await.unwrap();
            let bodies: Vec<_> = got.messages().iter().filter_map(|message| message.body()).collect();
            assert!(bodies.is_empty(), "{queue}: {bodies:?}");
        }
    }
}

/// The emulator takes any.
fn by_hand() -> Credentials {
    Credentials::new("test", "test", None, None, "by hand")
}

pub async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let mut request = http_client().unwrap().request(method, url).timeout(PATIENCE).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap() }
}

/// Looks until it has happened. The machine's own time must pass for that: what is waited for are other processes.
pub async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let looking = async {
        let mut again = tokio::time::interval(Duration::from_millis(500));
        while !happened().await {
            again.tick().await;
        }
    };
    tokio::time::timeout(AT_LAST, looking).await.unwrap_or_else(|_| panic!("not within {AT_LAST:?}: {what}"));
}
