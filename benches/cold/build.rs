//! The binaries, built as they are released.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// What is started: functions with and without AWS behind them, and the least there can be.
pub(crate) const BINARIES: [&str; 4] = ["hello", "descriptor", "configuration", "account"];

/// Builds them in the release profile for this machine; gives the folder where they lie.
pub(crate) fn release() -> PathBuf {
    println!("building {} as they are released; minutes, the first time", BINARIES.join(", "));
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--message-format", "json-render-diagnostics"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    for binary in BINARIES {
        cargo.args(["-p", binary]);
    }
    let built = cargo.stderr(std::process::Stdio::inherit()).output().unwrap();
    assert!(built.status.success(), "cargo build failed");
    let said = String::from_utf8(built.stdout).unwrap();
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    executables.next_back().unwrap().parent().unwrap().to_owned()
}
