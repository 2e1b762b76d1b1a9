//! How long a start from nothing takes: release binaries under the Lambda runtime's API, from their spawning to their first call for an event
//! and to their first answer, with AWS and the site on loopback, without TLS; beside the least that a Lambda in Rust can be, and beside what a vendor would run instead
//! (atlassian-connect-express in Node). Also what they weigh, what they ask of the kernel until then, and what an answer costs once they are warm.
//!
//! ```text
//! cargo bench --bench cold                            # builds the binaries as they are released, and prints the table
//! cargo bench --bench cold -- --starts 31             # starts each so often; otherwise 21 times
//! cargo bench --bench cold -- --binaries FOLDER       # takes binaries that are there
//! ```
//!
//! It needs `zip` for weights, Linux and `strace` for counts, Node 20 or newer and npm for ACE. What is not there is left out, and said.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a program for a person at a terminal")]

mod build;
mod emulator;
mod kernel;
mod metrics;
mod scene;
mod subject;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use benches::{Ace, Found};
use emulator::Start;
use scene::Scene;
use subject::Subject;
use table::Row;

/// How often each is warmed up and measured.
const WARM_ROUNDS: usize = 5;

const STARTS: &str = "--starts";
const BINARIES: &str = "--binaries";

#[tokio::main]
async fn main() -> ExitCode {
    let mut found = Found::start("cold", &metrics::METRICS, &[STARTS, BINARIES]);
    let starts = found.own(STARTS).unwrap_or(21_usize).max(1);
    let folder = found.own::<PathBuf>(BINARIES).unwrap_or_else(build::release);
    let ace = Ace::install(Path::new(env!("CARGO_TARGET_TMPDIR")));
    if let Err(why) = &ace {
        println!("ACE is left out: {why}");
    }
    let scene = Scene::start().await;
    let subjects = Subject::all(&folder, ace.ok().as_ref(), &scene);

    let rows = rows(&subjects, starts, &scene).await;
    table::print(&rows, starts);
    metrics::note(&rows, &mut found);
    found.end()
}

async fn rows(subjects: &[Subject], times: usize, scene: &Scene) -> Vec<Row> {
    // One that does not count: it fills the file cache, and ACE makes its tables.
    for subject in subjects {
        Start::of(subject, scene).await;
    }
    let mut starts: Vec<Vec<Start>> = subjects.iter().map(|_| Vec::new()).collect();
    for _ in 0..times {
        for (subject, starts) in subjects.iter().zip(&mut starts) {
            starts.push(Start::of(subject, scene).await);
        }
    }
    let mut warm: Vec<Vec<Duration>> = subjects.iter().map(|_| Vec::new()).collect();
    for _ in 0..WARM_ROUNDS {
        for (subject, warm) in subjects.iter().zip(&mut warm) {
            warm.extend(emulator::warm(subject, scene).await);
        }
    }
    let mut rows = Vec::new();
    for ((subject, starts), warm) in subjects.iter().zip(&starts).zip(warm) {
        let counts = kernel::Counts::of(subject, scene).await;
        rows.push(Row::new(subject, starts, warm, counts));
    }
    rows
}
