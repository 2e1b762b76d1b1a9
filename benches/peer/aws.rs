//! AWS for both: the embedded DynamoDB and KMS over a socket, in a process of its own. Beside what the SDKs ask, it tells how often they did.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use axum::routing::get;
use local::aws::{EmbeddedAws, Service};
use local::template::Template;
use serde::{Deserialize, Serialize};
use shared::platform::clock::SystemClock;
use tokio::net::TcpListener;

use crate::load;
use crate::process::Process;

/// As which this program is started to be AWS.
pub(crate) const ROLE: &str = "--be-aws";

const CALLS: &str = "/calls";

/// What the process says when it can be asked.
#[derive(Serialize, Deserialize)]
struct Said {
    address: SocketAddr,
    wrapping_key: String,
    certificate_key: String,
}

/// Is AWS until it is stopped.
pub(crate) async fn serve() {
    let aws = EmbeddedAws::in_memory(Arc::new(SystemClock::start())).unwrap();
    for table in Template::deployed().unwrap().tables().unwrap() {
        aws.create_table(&table).unwrap();
    }
    let wrapping_key = aws.create_wrapping_key("alias/lethe-wrapping-key").await.unwrap();
    let certificate_key = aws.create_signing_key("alias/lethe-certificate-key").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let said = Said { address: listener.local_addr().unwrap(), wrapping_key, certificate_key };
    println!("{}", serde_json::to_string(&said).unwrap());

    let calls = aws.calls().clone();
    let count = move || {
        let count = |service| calls.count_all(service);
        let all = BTreeMap::from([Service::DynamoDb, Service::Kms, Service::Sqs].map(|service| (service.to_string(), count(service))));
        async move { axum::Json(all) }
    };
    axum::serve(listener, aws.json_router().route(CALLS, get(count))).await.unwrap();
}

/// It, as seen from here.
pub(crate) struct Aws {
    said: Said,
    _process: Process,
}

impl Aws {
    pub(crate) async fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = Process::start(command.arg(ROLE).stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(process.pipes().0.unwrap()).read_line(&mut line).unwrap();
        Self { said: serde_json::from_str(&line).unwrap(), _process: process }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.said.address)
    }

    pub(crate) fn wrapping_key(&self) -> &str {
        &self.said.wrapping_key
    }

    pub(crate) fn certificate_key(&self) -> &str {
        &self.said.certificate_key
    }

    /// How often it was asked for anything, by service.
    pub(crate) async fn calls(&self) -> BTreeMap<String, u64> {
        serde_json::from_slice(&load::get(self.said.address, CALLS).await).unwrap()
    }
}
