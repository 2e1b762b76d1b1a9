//! `cargo run -p local -- load`: many connections at once send webhooks to a host of its own, for a while; then what was sent is held against
//! what came of it, event by event. Exit code 1 if anything was lost, refused without a word when to come again, or kept in memory.
//!
//! - [`host`]: the host, a process of its own. - [`process`]: what the system says of it. - [`events`]: what is sent, and what must become of it.
//! - [`connection`]: how it is sent, and sent again. - [`tally`]: what was answered. - [`memory`]: when memory counts as flat.
//! - [`aftermath`]: what was kept. - [`report`]: all of it as a table, and what is wrong with it.

mod aftermath;
mod connection;
mod events;
mod host;
mod memory;
mod process;
mod report;
mod tally;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::future::try_join_all;
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::{Clock as _, SystemClock};
use shared::platform::http_client::http_client;

use aftermath::{Aftermath, Drained};
use connection::{Address, Connection};
use events::Events;
use host::Host;
use memory::{Memory, Sample};
use report::Report;
use tally::Tally;

use crate::small_jira::SmallJira;

type Loaded<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The site that sends, and who sets up the app there.
const SITE: &str = "acme";
const ADMIN: &str = "ada";

/// How often the host's memory is looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// How many files a process has open besides its connections, generously.
const OTHER_FILES: u64 = 64;

/// How much is sent. The host listens on `--port` and the two ports after it; with `--port 0` on any that are free.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Load {
    /// How many connections are open at once. Each waits for its answer before it sends the next webhook.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// For how long they send, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Of how many issues.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    issues: u32,
}

/// Puts the load on a host of its own, and prints what came of it.
pub(crate) async fn load(load: Load, port: u16) -> Result<(), Box<dyn Error>> {
    let report = measure(load, port).await.map_err(|fault| -> Box<dyn Error> { fault })?;
    print!("{report}");
    match report.violations().as_slice() {
        [] => Ok(()),
        violations => Err(violations.join("; ").into()),
    }
}

async fn measure(load: Load, port: u16) -> Loaded<Report> {
    let needed = u64::from(load.connections) + OTHER_FILES;
    if let Some(limit) = process::most_open_files().filter(|limit| *limit < needed) {
        return Err(
            format!("cannot open {} connections: a process may have {limit} files open; try ulimit -n {needed}", load.connections).into()
        );
    }
    let slug = Catalogue::hosted().iter().next().ok_or("the catalogue is empty")?.slug;
    let host = Host::start(port).await?;
    let (base, jira) = (format!("{}/{slug}", host.functions()), SmallJira::at(host.jira()).map_err(|fault| fault.to_string())?);
    set_up(&jira, &base).await.map_err(|fault| fault.to_string())?;

    let clock = Arc::new(SystemClock::start());
    let events = Arc::new(Events::of(load.issues, Arc::clone(&clock)));
    let address = Arc::new(Address::of(host.functions(), slug, Arc::new(jira), Arc::clone(&clock))?);
    let connections = try_join_all((0..load.connections).map(|_| Connection::open(Arc::clone(&address)))).await?;

    let (began, length) = (clock.now(), Duration::from_secs(load.seconds));
    let sending = connections.into_iter().map(|connection| {
        let (events, clock) = (Arc::clone(&events), Arc::clone(&clock));
        tokio::spawn(async move { connection.send_while(&events, || clock.now().since(began) < length).await })
    });
    let sending: Vec<_> = sending.collect();
    let mut samples = Vec::new();
    loop {
        let waiting = events.taken().saturating_sub(host.log().events_ended());
        samples.push(Sample { at: clock.now().since(began), rss: process::memory(host.pid())?.rss, taken: events.taken(), waiting });
        if clock.now().since(began) >= length {
            break;
        }
        tokio::time::sleep(LOOKED_AT_EVERY).await;
    }
    let mut tally = Tally::default();
    for sent in sending {
        tally.add(sent.await?);
    }
    let sent_for = clock.now().since(began);
    let drained = Drained::wait(&host, &events, &clock).await;
    // Before anybody looks at everything at once, which takes memory too.
    let peak = process::memory(host.pid())?.peak;
    let aftermath = Aftermath::look(drained, &address, &events).await?;
    Ok(Report { load, sent_for, tally, memory: Memory { samples, peak }, aftermath, log: host.log().all() })
}

/// The app on the site, and something selected, because by default nothing is.
async fn set_up(jira: &SmallJira, base: &str) -> Result<(), Box<dyn Error>> {
    jira.act(SITE, "install").await?;
    let token = jira.token(SITE, ADMIN, None).await?;
    let put = http_client()?.put(format!("{base}/configuration/issue-copies")).header("authorization", format!("JWT {token}"));
    let answer = put.header("content-type", "application/json").body(events::SELECTION).send().await?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("the setting was answered {}", answer.status()).into()) }
}
