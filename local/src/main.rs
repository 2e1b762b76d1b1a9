//! `cargo run`: Lethe on this machine. `cargo run -- play` tells the story of one installation; `cargo run -- token` makes a token for curl.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person at a terminal")]

mod play;
mod token;

use std::error::Error;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use local::atlassian::Atlassian;
use local::host::{LocalHost, Settings};
use local::samples::Sample;
use local::template::{Template, TemplateFault};
use shared::platform::clock::SystemClock;
use shared::platform::log;
use shared::platform::random::SystemRandom;
use tokio::net::TcpListener;

/// Lethe on this machine: every function, an embedded AWS, and a key server that signs installs.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The port of the functions; the key server listens on the next one. Both on 127.0.0.1 only.
    #[arg(long, default_value_t = 8080, global = true)]
    port: u16,
    /// Where install keys are published, instead of the key server here.
    #[arg(long)]
    install_keys_url: Option<String>,
    /// Start empty and keep nothing but the key that the played Atlassian signs with.
    #[arg(long)]
    fresh: bool,
    /// Where tables, objects and keys are kept.
    #[arg(long, default_value = ".lethe", global = true)]
    folder: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Play Atlassian: install, use, leave, return. Against the host that runs on --port, or against one of its own if none does.
    Play,
    /// Print the token that a request of the site `acme` carries, e.g. `token GET /test-management/account`.
    Token {
        /// The method.
        method: String,
        /// Path and query.
        target: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    match &arguments.command {
        None => serve(&arguments).await,
        Some(Command::Play) => play::play(&address(arguments.port), &arguments.folder).await,
        Some(Command::Token { method, target }) => {
            println!("{}", token::token(&address(arguments.port), &arguments.folder, method, target)?);
            Ok(())
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    log::start();
    let keys_port = arguments.port.checked_add(1).ok_or("--port must be below 65535")?;
    let atlassian = Atlassian::of_host_or_new(&arguments.folder)?;
    let folder = arguments.folder.canonicalize()?;
    // Two hosts on one state would each keep keys that the other does not know.
    let lock = File::create(folder.join("lock"))?;
    if !arguments.fresh && lock.try_lock().is_err() {
        return Err(format!("another host runs on {}; give this one another --folder, or --fresh", folder.display()).into());
    }
    let keys = listen(keys_port).await?;
    tokio::spawn(async move { axum::serve(keys, atlassian.key_server()).await });

    let listener = listen(arguments.port).await?;
    let host = LocalHost::start(Settings {
        folder: (!arguments.fresh).then(|| folder.clone()),
        public_url: address(arguments.port),
        install_keys_urls: arguments.install_keys_url.clone().unwrap_or_else(|| address(keys_port)),
        clock: Arc::new(SystemClock::start()),
        random: Arc::new(SystemRandom),
    })
    .await?;
    println!("Lethe runs at {}\n", address(arguments.port));
    let own = format!("cargo run -q -- --port {} --folder '{}'", arguments.port, folder.display());
    for sample in in_order_of_use(Sample::all()?)? {
        println!("# {}: {}\n{}\n", sample.function, sample.case, sample.curl(&address(arguments.port), &format!("{own} token")));
    }
    println!("To see a customer come, leave and return: {own} play");
    println!("Stop with ctrl-c. State: {}\n", if arguments.fresh { "in memory".into() } else { folder.display().to_string() });
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    Ok(axum::serve(listener, host.front()).with_graceful_shutdown(stop).await?)
}

/// The samples as one would try them: functions in the template's order, and what writes before what reads before what removes.
fn in_order_of_use(mut samples: Vec<Sample>) -> Result<Vec<Sample>, TemplateFault> {
    let functions: Vec<String> = Template::deployed()?.functions().iter().map(|id| Template::function_name(id)).collect();
    samples.sort_by_key(|sample| {
        let function = functions.iter().position(|name| *name == sample.function);
        let method = ["PUT", "POST", "GET", "DELETE"].iter().position(|method| *method == sample.method());
        (function, method)
    });
    Ok(samples)
}

/// Loopback only: whoever reaches this host may read everything in it.
async fn listen(port: u16) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
    bound.map_err(|cause| io::Error::new(cause.kind(), format!("cannot listen on port {port}: {cause}; see --port")))
}

fn address(port: u16) -> String {
    format!("http://{}:{port}", Ipv4Addr::LOCALHOST)
}
