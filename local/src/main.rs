//! `cargo run`: Lethe on this machine, with a small Jira to open in a browser. `cargo run -- play` tells the same story on the terminal,
//! `cargo run -- curl` prints a line for every route, `cargo run -- load` puts load on a host, `cargo run -- verify certificate.json` checks a
//! deletion certificate.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person at a terminal")]

mod load;
mod play;
mod small_jira;
mod token;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::atlassian::Atlassian;
use local::log_feed::LogFeed;
use local::machine::{Machine, Plan};
use local::samples::Sample;
use local::sinks::Doubles;
use local::template::{Template, TemplateFault};
use local::verify::{Verification, VerificationFault};
use shared::platform::log;

/// Lethe on this machine: every function, an embedded AWS, and a small Jira.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The port of the functions; the small Jira listens on the next one, S3 on the one after. With 0, each on any that is free. All on this
    /// machine only.
    #[arg(long, default_value_t = 8080, global = true)]
    port: u16,
    /// Where install keys are published, instead of the small Jira.
    #[arg(long)]
    install_keys_url: Option<String>,
    /// Start empty and keep nothing but the key that the played Atlassian signs with.
    #[arg(long)]
    fresh: bool,
    /// Where tables, objects, keys, sites and the clock are kept.
    #[arg(long, default_value = ".lethe", global = true)]
    folder: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Tell the story of one customer: against the host that runs on --port, or against one of its own if none does.
    Play,
    /// Print a curl line for every route, for the site `acme` of the host that runs on --port.
    Curl,
    /// Print `docs/RETENTION.md`: how long anything is kept, and how that adds up.
    Retention,
    /// Print `docs/SINKS.md`: who gets what of ours, what for and for how long.
    Sinks,
    /// Print `docs/COST.md`: what everything asks of AWS, counted, and what that costs.
    Cost,
    /// Have many connections send webhooks to a host of its own, and see that nothing is lost. Exit code 1 if something is.
    Load(load::Load),
    /// Print the token that a request of the site `acme` carries, e.g. `token GET /test-management/account`.
    Token {
        /// The method.
        method: String,
        /// Path and query.
        target: String,
        /// Who asks: `ada` administers the site, `max` is a member, `nobody` is not logged in.
        #[arg(long, default_value = "ada")]
        user: String,
    },
    /// Verify a deletion certificate, offline. Exit code 1: it is refused; 2: it could not be verified.
    Verify(Verification),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            fault.downcast_ref::<VerificationFault>().map_or(ExitCode::FAILURE, |fault| ExitCode::from(fault.exit_code()))
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let jira_port = port_after(arguments.port).ok_or("--port must be below 65535")?;
    let (functions, jira) = (format!("http://127.0.0.1:{}", arguments.port), format!("http://localhost:{jira_port}"));
    match &arguments.command {
        None => serve(&arguments, jira_port).await,
        Some(Command::Play) => play::play(&functions, &jira).await,
        Some(Command::Curl) => curl(&arguments, &functions, jira_port),
        Some(Command::Retention) => {
            print!("{}", local::retention_page());
            Ok(())
        }
        Some(Command::Sinks) => {
            print!("{}", local::sinks_page());
            Ok(())
        }
        Some(Command::Cost) => {
            print!("{}", local::cost::cost_page().await?);
            Ok(())
        }
        Some(Command::Load(load)) => load::load(*load, arguments.port).await,
        Some(Command::Token { method, target, user }) => {
            println!("{}", token::token(&functions, &jira, user, method, target).await?);
            Ok(())
        }
        Some(Command::Verify(verification)) => {
            print!("{}", verification.run()?);
            Ok(())
        }
    }
}

async fn serve(arguments: &Arguments, jira_port: u16) -> Result<(), Box<dyn Error>> {
    let log_feed = log_to_both()?;
    let atlassian = Atlassian::of_host_or_new(&arguments.folder)?;
    let folder = arguments.folder.canonicalize()?;
    let plan = Plan {
        folder: (!arguments.fresh).then(|| folder.clone()),
        functions_port: arguments.port,
        jira_port,
        s3_port: port_after(jira_port).ok_or("--port must be below 65534")?,
        install_keys_url: arguments.install_keys_url.clone(),
        log_feed,
    };
    let mut machine = Machine::start(plan, atlassian).await?;
    let own = own_command(arguments);
    println!("Open {}\n\n  A small Jira: install the app, store a setting, leave, move the clock, see what is left.\n", machine.jira());
    println!("The functions are at {}", machine.functions());
    println!("  {own} curl   prints a curl line for every route");
    println!("  {own} play   tells the story of one customer on the terminal");
    println!("Stop with ctrl-c. State: {}\n", if arguments.fresh { "in memory".into() } else { folder.display().to_string() });
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
        failed = machine.failed() => Ok(failed?),
    }
}

/// Starts the log of this process: on standard output, and for the function that counts.
fn log_to_both() -> Result<LogFeed, Box<dyn Error>> {
    let log_feed = LogFeed::default();
    let feed = log_feed.clone();
    tracing::subscriber::set_global_default(log::subscriber(move || feed.writer()))?;
    std::panic::set_hook(Box::new(log::tell_panic));
    Ok(log_feed)
}

/// The next port; of any port, any.
const fn port_after(port: u16) -> Option<u16> {
    if port == 0 { Some(0) } else { port.checked_add(1) }
}

fn own_command(arguments: &Arguments) -> String {
    if arguments.port == 8080 { "cargo run -q --".to_owned() } else { format!("cargo run -q -- --port {}", arguments.port) }
}

/// Lifecycle events are not for curl: Atlassian signs them, so it is asked for them.
fn curl(arguments: &Arguments, functions: &str, jira_port: u16) -> Result<(), Box<dyn Error>> {
    let (token, dsn) = (format!("{} token", own_command(arguments)), Doubles::variables(jira_port).sentry_dsn);
    for sample in in_order_of_use(Sample::all()?)? {
        let doing = match sample.function.as_str() {
            "installed" => Some("install"),
            "uninstalled" => Some("leave"),
            "enabled" => Some("enable"),
            "disabled" => Some("disable"),
            _ => None,
        };
        println!("# {}: {}", sample.function, sample.case);
        match doing {
            Some(doing) => {
                let json = format!("-H 'content-type: application/json' -d '{{\"doing\": \"{doing}\"}}'");
                println!("curl -i -X POST 'http://localhost:{jira_port}/play/sites/acme/doings' {json}\n");
            }
            None => println!("{}\n", sample.curl(functions, &token, &dsn)),
        }
    }
    Ok(())
}

/// The samples as one would try them: functions in the template's order, what writes before what reads before what removes, and switching on
/// after switching off.
fn in_order_of_use(mut samples: Vec<Sample>) -> Result<Vec<Sample>, TemplateFault> {
    let functions: Vec<String> = Template::deployed()?.functions().iter().map(|id| Template::function_name(id)).collect();
    samples.sort_by_key(|sample| {
        let switches_on = sample.function == "enabled";
        let place = if switches_on { "disabled" } else { sample.function.as_str() };
        let function = functions.iter().position(|name| name == place);
        let method = ["PUT", "POST", "GET", "DELETE"].iter().position(|method| *method == sample.method());
        (function, method, switches_on)
    });
    Ok(samples)
}
