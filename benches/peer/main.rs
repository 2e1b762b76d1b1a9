//! Lethe's functions against the app that a vendor would write today: atlassian-connect-express (ACE) in Node, with its own DynamoDB store. One
//! run, one machine, turn and turn about, byte for byte the same requests; so ratios count, and times do not.
//!
//! Four processes: this one sends; one is AWS, the embedded DynamoDB and KMS over a socket, for both; one is ACE; one is Lethe, the functions'
//! own routers over the official SDK and its own HTTP client. Those that are ours are this program once more. What is asked of both:
//!
//! | | ACE | Lethe |
//! |---|---|---|
//! | `account`: an iframe's address of 195 characters, its token beside it | `addon.authenticate()`, answers what it then knows | `HostToken<Admin>`, `functions/account` |
//! | `configuration`: one stored value, asked for by a page | `addon.authenticate(true)`, then `addon.settings.get()` | `ContextToken<Member, Reading<Setting>>`, `functions/configuration` |
//! | `webhook`: 2 KB of an issue, of which the tenant has selected nothing | the route that ACE makes of the descriptor | `HostToken<Anonymous, ChosenByTenant>`, `functions/webhooks` |
//!
//! Lethe is compiled in the profile of benches (speed, no link-time optimisation), not as it is released; `cold` measures that, warm too. As often as the
//! sender has an answer it sends the next request, so a slow side is asked less.
//!
//! Lethe does more in each: it opens what it stored sealed, checks who administers the site, writes a line of its log.
//!
//! It needs Linux, Node 20 or newer, and npm, which installs ACE once. Let it end by itself: a signal leaves the other three processes.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program for a person at a terminal"
)]

mod aws;
mod lethe;
mod load;
mod process;
mod report;
mod rounds;
mod shots;
mod system;
mod token;
mod verification;

use std::path::Path;
use std::process::ExitCode;

use benches::{Ace, Found, linux};
use local::atlassian::Atlassian;
use shared::platform::clock::{Clock as _, SystemClock};

use system::System;

fn main() -> ExitCode {
    let role = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match role.as_str() {
        aws::ROLE => runtime.block_on(aws::serve()),
        lethe::ROLE => runtime.block_on(lethe::serve()),
        _ => return compared(&runtime),
    }
    ExitCode::SUCCESS
}

fn compared(runtime: &tokio::runtime::Runtime) -> ExitCode {
    let mut found = Found::start("peer", &report::METRICS, &[]);
    if linux::cpu_of_this_thread().is_none() {
        eprintln!("peer counts CPU, which only Linux tells");
        return ExitCode::FAILURE;
    }
    match Ace::install(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(ace) => {
            runtime.block_on(compare(&ace, &mut found));
            found.end()
        }
        Err(why) => {
            eprintln!("peer needs Node 20 or newer and npm: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Seconds since 1970-01-01T00:00:00Z.
fn now() -> i64 {
    SystemClock::start().now().epoch_seconds()
}

async fn compare(ace: &Ace, found: &mut Found) {
    let atlassian = Atlassian::new().unwrap();
    let keys = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys_url = format!("http://{}", keys.local_addr().unwrap());
    let server = atlassian.key_server();
    tokio::spawn(async move { axum::serve(keys, server).await });
    let aws = aws::Aws::start().await;

    verification::compare(ace, found);
    let mut both = [System::ace(ace, &aws, &keys_url), System::lethe(&aws, &keys_url)];
    for system in &mut both {
        system.start().await;
        system.install(&atlassian).await;
    }
    rounds::warm(&both).await;
    for kind in shots::KINDS {
        for connections in [1, 32] {
            rounds::compare(&both, &aws, kind, connections, found).await;
        }
    }
    rounds::memory(&both, found);
    rounds::starts(&mut both, found).await;
}
