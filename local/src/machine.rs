//! Everything that `cargo run` starts: the functions over the embedded AWS on one port, the small Jira on another, one clock for both.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::Clock;
use shared::platform::http_client::{CannotMake, http_client};
use shared::platform::outbound::Internet;
use shared::platform::random::{Random, SystemRandom};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::atlassian::Atlassian;
use crate::aws::EmbeddedAws;
use crate::clock::{ClockFault, MovableClock};
use crate::host::{HostFault, LocalHost, Settings};
use crate::jira::doings::Doings;
use crate::jira::issues::doings::IssueDoings;
use crate::jira::issues::webhook::OverHttp;
use crate::jira::moving;
use crate::jira::server::{Parts, server};
use crate::jira::{Jira, SiteFault};
use crate::log_feed::LogFeed;
use crate::sinks::Doubles;
use crate::sinks::arrivals::Arrivals;
use crate::turns::taking_turns;
use crate::watch::{Watch, WatchedSites};

/// The sites that a Jira has at first.
const FIRST_SITES: [&str; 2] = ["acme", "globex"];

/// How long what is due waits at most.
const CAUGHT_UP_EVERY: Duration = Duration::from_millis(200);

/// How a machine is to be.
#[derive(Debug)]
pub struct Plan {
    /// Where its state is kept; `None`: in memory, empty.
    pub folder: Option<PathBuf>,
    /// The port of the functions; 0: any that is free.
    pub functions_port: u16,
    /// The port of the small Jira; 0: any that is free.
    pub jira_port: u16,
    /// The port of the embedded S3, for browsers that upload; 0: any that is free.
    pub s3_port: u16,
    /// Where install keys are published, if not here.
    pub install_keys_url: Option<String>,
    /// Where the log of this process is written to, so that what is used is counted.
    pub log_feed: LogFeed,
}

/// Why a machine does not start.
#[derive(Debug, thiserror::Error)]
pub enum MachineFault {
    /// A port cannot be had.
    #[error("cannot listen on port {0}: {1}; see --port")]
    Port(u16, #[source] io::Error),
    /// The functions do not start.
    #[error(transparent)]
    Host(#[from] HostFault),
    /// The clock does not start.
    #[error(transparent)]
    Clock(#[from] ClockFault),
    /// Two machines on one state would each keep keys that the other does not know.
    #[error("another host runs on {}; give this one another --folder, or --fresh", .0.display())]
    Taken(PathBuf),
    /// The state cannot be read.
    #[error("cannot read the state: {0}")]
    State(#[from] io::Error),
    /// The first sites cannot be made.
    #[error(transparent)]
    Site(#[from] SiteFault),
    /// There is no app.
    #[error("cannot start without an app: the catalogue is empty")]
    NoApp,
    /// The client for calls to the app cannot be made.
    #[error("cannot make an http client: {0}")]
    Client(#[from] CannotMake),
}

/// A machine that runs; with its last handle it stops.
#[derive(Debug)]
pub struct Machine {
    functions: String,
    jira: String,
    aws: EmbeddedAws,
    sites: Jira,
    servers: JoinSet<io::Result<()>>,
    /// Held as long as the state is in use.
    _lock: Option<fs::File>,
}

impl Machine {
    /// Starts it. `atlassian` signs its installs.
    ///
    /// # Errors
    /// [`MachineFault`].
    pub async fn start(plan: Plan, atlassian: Atlassian) -> Result<Self, MachineFault> {
        let lock = plan.folder.as_ref().map(|folder| {
            let lock = fs::File::create(folder.join("lock"))?;
            lock.try_lock().map_err(|_| MachineFault::Taken(folder.clone())).map(|()| lock)
        });
        let lock = lock.transpose()?;
        let functions = listen(Ipv4Addr::LOCALHOST.into(), plan.functions_port).await?;
        let own = listen(Ipv4Addr::LOCALHOST.into(), plan.jira_port).await?;
        let s3 = listen(Ipv4Addr::LOCALHOST.into(), plan.s3_port).await?;
        let s3_origin = format!("http://{}:{}", Ipv4Addr::LOCALHOST, s3.local_addr()?.port());
        let (functions_port, jira_port) = (functions.local_addr()?.port(), own.local_addr()?.port());
        let (public, origin) = (format!("http://{}:{functions_port}", Ipv4Addr::LOCALHOST), format!("http://localhost:{jira_port}"));

        let app = Catalogue::hosted().iter().next().ok_or(MachineFault::NoApp)?;
        let file = |name: &str| plan.folder.as_ref().map(|folder| folder.join(name));
        let clock = Arc::new(file("clock").map_or_else(|| Ok(MovableClock::start()), MovableClock::kept_in)?);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let watch = Watch::new(Arc::<MovableClock>::clone(&clock));
        let host = LocalHost::start(Settings {
            folder: plan.folder.clone(),
            public_url: public.clone(),
            install_keys_urls: plan.install_keys_url.unwrap_or_else(|| format!("http://{}:{jira_port}/install-keys", Ipv4Addr::LOCALHOST)),
            site_hosts: origin.clone(),
            bridge_script_url: format!("{origin}/all.js"),
            sites: Arc::new(WatchedSites(Internet::default())),
            sinks: Arc::new(Internet::nameless()),
            sink_variables: Doubles::variables(jira_port),
            s3_origin: Some(s3_origin.clone()),
            clock: Arc::<MovableClock>::clone(&clock),
            random: Arc::clone(&random),
        })
        .await?
        .fed_by(plan.log_feed);
        let (doubles, arrivals) = (Doubles::new(Arc::<MovableClock>::clone(&clock)), Arrivals::new(Arc::<MovableClock>::clone(&clock)));

        let jira = Jira::kept_in(file("jira.json"), Arc::<MovableClock>::clone(&clock), &origin, &public)?;
        if jira.sites().is_empty() {
            for name in FIRST_SITES {
                jira.add(name, app, &origin, &public, random.as_ref())?;
            }
        }
        let http = http_client()?;
        let ticking: Arc<dyn Clock> = Arc::<MovableClock>::clone(&clock);
        let doings = Doings::of(jira.clone(), &origin, atlassian.clone(), ticking, Arc::clone(&random), http.clone());
        let issues = Arc::new(IssueDoings::of(jira.clone(), Arc::new(OverHttp(http.clone()))));
        let front = taking_turns(watch.over(arrivals.over(host.front())));
        let host = Arc::new(host);
        let (sites, kept) = (jira.clone(), host.aws().clone());
        let parts = Parts {
            jira,
            doings,
            issues: Arc::clone(&issues),
            clock,
            random,
            host: Arc::clone(&host),
            watch,
            doubles,
            arrivals,
            app,
            functions: public.clone(),
            origin: origin.clone(),
            http,
        };
        let shell = server(parts, &atlassian, jira_port);

        let mut servers = JoinSet::new();
        let mut serve = |listener: TcpListener, router: Router| drop(servers.spawn(async move { axum::serve(listener, router).await }));
        // Browsers may try this one first. A machine without it does well with the other alone.
        if let Ok(listener) = listen(Ipv6Addr::LOCALHOST.into(), jira_port).await {
            serve(listener, shell.clone());
        }
        serve(own, shell);
        serve(s3, kept.s3_router(&s3_origin));
        serve(functions, front);
        servers.spawn(work(host));
        servers.spawn(moving::work(issues));
        Ok(Self { functions: public, jira: origin, aws: kept, sites, servers, _lock: lock })
    }

    /// Where the functions are.
    #[must_use]
    pub fn functions(&self) -> &str {
        &self.functions
    }

    /// Where the small Jira is.
    #[must_use]
    pub fn jira(&self) -> &str {
        &self.jira
    }

    /// The embedded AWS below.
    #[must_use]
    pub const fn aws(&self) -> &EmbeddedAws {
        &self.aws
    }

    /// The sites, with their secrets.
    #[must_use]
    pub const fn sites(&self) -> &Jira {
        &self.sites
    }

    /// Ends when a server fails, which none should.
    ///
    /// # Errors
    /// What it failed with.
    pub async fn failed(&mut self) -> io::Result<()> {
        self.servers.join_next().await.map_or(Ok(()), |ended| ended.map_err(io::Error::other)?)
    }
}

/// Does what is due, again and again.
async fn work(host: Arc<LocalHost>) -> io::Result<()> {
    loop {
        tokio::time::sleep(CAUGHT_UP_EVERY).await;
        host.catch_up().await.map_err(io::Error::other)?;
    }
}

/// Loopback only: whoever reaches this machine may read everything in it.
async fn listen(address: IpAddr, port: u16) -> Result<TcpListener, MachineFault> {
    TcpListener::bind(SocketAddr::from((address, port))).await.map_err(|cause| MachineFault::Port(port, cause))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::ByteStream;
    use shared::platform::clock::rfc3339;

    use super::*;
    use crate::host::SinkVariables;

    const KEY: &str = "nobody's";

    /// A world at work, with something in the incoming bucket that nobody waits for.
    async fn at_work() -> (EmbeddedAws, Arc<MovableClock>, JoinSet<io::Result<()>>) {
        at_work_fed_by(LogFeed::default()).await
    }

    async fn at_work_fed_by(log_feed: LogFeed) -> (EmbeddedAws, Arc<MovableClock>, JoinSet<io::Result<()>>) {
        let clock = Arc::new(MovableClock::start());
        let host = LocalHost::start(Settings {
            folder: None,
            public_url: "http://127.0.0.1:1".to_owned(),
            install_keys_urls: "http://127.0.0.1:1".to_owned(),
            site_hosts: ".atlassian.net".to_owned(),
            bridge_script_url: "http://127.0.0.1:1/all.js".to_owned(),
            sites: Arc::new(Internet::default()),
            sinks: Arc::new(Internet::nameless()),
            sink_variables: SinkVariables::off(),
            s3_origin: None,
            clock: Arc::<MovableClock>::clone(&clock),
            random: Arc::new(SystemRandom),
        });
        let host = host.await.unwrap().fed_by(log_feed);
        let aws = host.aws().clone();
        let s3 = aws_sdk_s3::Client::new(&aws.sdk_config());
        s3.put_object().bucket("incoming-bucket").key(KEY).body(ByteStream::from_static(b"x")).send().await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(work(Arc::new(host)));
        (aws, clock, tasks)
    }

    #[tokio::test(start_paused = true)]
    async fn what_s3_tells_is_delivered_by_itself() {
        let (aws, _clock, _tasks) = at_work().await;
        assert!(aws.files().unwrap().contains_key("incoming-bucket/nobody's"));
        tokio::time::sleep(2 * CAUGHT_UP_EVERY).await;
        assert!(aws.files().unwrap().is_empty());
        assert_eq!(aws.messages("AttachmentDeadLetters").await.unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_functions_have_logged_is_counted_by_itself() {
        let log_feed = LogFeed::default();
        let (aws, clock, _tasks) = at_work_fed_by(log_feed.clone()).await;
        let now = rfc3339(clock.now().epoch_seconds());
        let labels = format!(r#""labels":{{"app":"test-management","tenant":"{}"}}"#, "0f".repeat(16));
        let event = r#""event":{"outcome":"success","duration":1200},"http":{"response":{"status_code":200}}"#;
        for function in ["configuration", "configuration", "page", "usage"] {
            log_feed.add(format!(r#"{{"@timestamp":"{now}","faas":{{"name":"{function}"}},{event},{labels}}}"#));
        }
        tokio::time::sleep(2 * CAUGHT_UP_EVERY).await;
        let rows = aws.items("UsageTable").unwrap();
        let mut counted: Vec<_> = rows
            .iter()
            .filter_map(|row| Some((row.pointer("/id/S")?.as_str()?.split_once('#')?.0, row.pointer("/calls/N")?.as_str()?)))
            .collect();
        counted.sort_unstable();
        assert_eq!(counted, [("configuration", "2"), ("page", "1")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_day_that_is_skipped_is_a_day_on_which_schedules_run() {
        let (aws, clock, _tasks) = at_work().await;
        drop(aws.take_notifications());
        tokio::time::sleep(2 * CAUGHT_UP_EVERY).await;
        assert!(aws.files().unwrap().contains_key("incoming-bucket/nobody's"), "a day has not passed");
        clock.advance(Duration::from_secs(86_400)).unwrap();
        tokio::time::sleep(2 * CAUGHT_UP_EVERY).await;
        assert!(aws.files().unwrap().is_empty());
    }
}
