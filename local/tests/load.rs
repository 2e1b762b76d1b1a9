//! The load of `cargo run -p local -- load`, small. Memory is measured on Linux only.
#![cfg(target_os = "linux")]

use std::process::Command;

/// Promises E-10, E-15.
#[test]
fn nothing_is_lost_of_what_a_few_connections_send_for_two_seconds() {
    let small = ["load", "--connections", "8", "--seconds", "2", "--issues", "5", "--port", "0"];
    let load = Command::new(env!("CARGO_BIN_EXE_local")).args(small).output().unwrap();
    let (told, wrong) = (String::from_utf8_lossy(&load.stdout), String::from_utf8_lossy(&load.stderr));
    assert!(load.status.success(), "{told}{wrong}");
    assert!(told.contains("| events lost | 0 |") && told.contains("| issue-copies | done | kept |"), "{told}");
}
