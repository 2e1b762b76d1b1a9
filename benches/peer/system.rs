//! One of the two that are compared: how it is started, and that it begins from the same state as the other.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use benches::Ace;
use http::StatusCode;
use local::atlassian::{Atlassian, Site};
use local::aws::{ACCESS_KEY, REGION, SECRET_KEY};
use shared::connect::catalogue::Catalogue;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::aws::Aws;
use crate::process::Process;
use crate::shots::{self, Kind};
use crate::{lethe, load, now};

/// How long a process may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon it is tried again whether it does.
const AGAIN: Duration = Duration::from_millis(1);

/// It, with its site.
pub(crate) struct System {
    pub(crate) site: Site,
    pub(crate) address: SocketAddr,
    /// With what it answers that a value was set for the first time.
    first_set: StatusCode,
    command: Command,
    process: Option<Process>,
}

impl System {
    pub(crate) fn ace(ace: &Ace, aws: &Aws, keys_url: &str) -> Self {
        let (site, address) = place();
        let mut command = Command::new(&ace.node);
        command.arg(ace.file("server.js")).env_clear().envs(ace.environment(&site.app_base_url)).env("PORT", address.port().to_string());
        command.env("CONNECT_KEYS_CDN_URL", keys_url).env("AWS_ENDPOINT_URL", aws.endpoint()).env("AWS_REGION", REGION);
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        Self { site, address, first_set: StatusCode::NO_CONTENT, command, process: None }
    }

    pub(crate) fn lethe(aws: &Aws, keys_url: &str) -> Self {
        let (site, address) = place();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(lethe::ROLE).env_clear().envs(lethe::environment(aws, &format!("http://{address}"), keys_url));
        Self { site, address, first_set: StatusCode::CREATED, command, process: None }
    }

    pub(crate) fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    /// Starts it, and waits until it can be used for the first time.
    pub(crate) async fn start(&mut self) {
        self.spawn();
        let listens = async {
            while TcpStream::connect(self.address).await.is_err() {
                sleep(AGAIN).await;
            }
        };
        timeout(PATIENCE, listens).await.unwrap();
        // The peer listens before its store has made its tables, and nobody tells when those are there.
        sleep(Duration::from_secs(1)).await;
    }

    /// Starts it anew; how many seconds it takes from there until it has answered an authenticated request of a tenant that it knows.
    pub(crate) async fn start_to_answer(&mut self) -> f64 {
        let shot = Kind::Account.shot(&self.site, now());
        // The old one goes first, because it has the port.
        self.process = None;
        let began = Instant::now();
        self.spawn();
        let answers = async {
            while load::once(self.address, &shot).await.is_none() {
                sleep(AGAIN).await;
            }
        };
        timeout(PATIENCE, answers).await.unwrap();
        began.elapsed().as_secs_f64()
    }

    /// The app is on the site, and something is set in it.
    pub(crate) async fn install(&self, atlassian: &Atlassian) {
        let sent = [shots::installed(atlassian, &self.site, now()), shots::configured(&self.site, now(), self.first_set)];
        for shot in &sent {
            load::once(self.address, shot).await.unwrap();
        }
    }

    fn spawn(&mut self) {
        self.process = Some(Process::start(self.command.stdin(Stdio::null()).stdout(Stdio::null())));
    }
}

/// A site, and a free port for the app that is on it.
fn place() -> (Site, SocketAddr) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let app = Catalogue::hosted().iter().next().unwrap();
    (Site::acme(app, format!("http://{address}/{}", app.slug)), address)
}
