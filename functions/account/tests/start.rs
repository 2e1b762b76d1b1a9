//! What a start from nothing may not do: the real binary, from its spawning to an answer for which it tried to reach AWS.
//!
//! Certificates and `~/.aws` are pipes here that nobody writes to, named to the process as the usual libraries look for them: whoever reads one waits
//! for ever, and the process gives no answer. What is read past these names shows in the bytes that the kernel counts for the process, all
//! files together. Not seen are files that are opened and not read, the resolving of a
//! name, which takes a thread, and what a start does once it has reached AWS.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what cannot be prepared cannot be tried")]

use std::fs;
use std::path::Path;
use std::process::Command;

use local::runtime_api::{ORIGIN_SECRET, Process};
use local::samples::Sample;
use serde_json::{Value, json};

/// The dynamic loader's look at four libraries, and the standard library's at the main thread's stack, are some 10 KB; the system's
/// certificates are over 200 KB.
const READ_BYTES: u64 = 32 * 1024;

/// A token of its form, by nobody: the tenant is looked for, and DynamoDB is asked.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJub2JvZHkiLCJpYXQiOjEsImV4cCI6MiwicXNoIjoieCJ9.c2ln";

/// A pipe, and the folders that lead to it.
fn pipe(path: &Path) -> String {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_str().unwrap().to_owned()
}

fn counted(process: &Process, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/{file}", process.id())).unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_start_reads_no_certificates_and_no_profile_and_needs_one_thread() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = pipe(&folder.path().join("certificates/all.pem"));
    let certificate_folder = folder.path().join("certificates").to_str().unwrap().to_owned();
    pipe(&folder.path().join(".aws/config"));
    pipe(&folder.path().join(".aws/credentials"));
    let home = folder.path().to_str().unwrap().to_owned();
    let more = [
        ("SSL_CERT_FILE", certificates.as_str()),
        ("SSL_CERT_DIR", certificate_folder.as_str()),
        ("AWS_CA_BUNDLE", certificates.as_str()),
        ("HOME", home.as_str()),
        // Nobody listens there.
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    let mut process = Process::start_with(env!("CARGO_BIN_EXE_account"), "Account", &more).await.unwrap();
    let sample = Sample::all().unwrap().into_iter().find(|sample| sample.case == "account").unwrap();
    let answer = process.answer(sample.filled(TOKEN, ORIGIN_SECRET)).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["statusCode"], json!(503), "{answer}");
    assert_eq!(counted(&process, "status", "Threads:"), 1);
    let read = counted(&process, "io", "rchar:");
    assert!(read <= READ_BYTES, "{read} bytes were read");
}
