//! The host under load: this program once more, in a process of its own so that its memory is its own, begun as a person begins it with
//! `--fresh`. What it logs is read and counted, as one would count it in CloudWatch.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::Loaded;

/// Behind these words the host tells where it listens.
const JIRA: &str = "Open ";
const FUNCTIONS: &str = "The functions are at ";

/// A host that runs. It ends with this value, and so does whatever it has left in the file system.
pub(super) struct Host {
    process: Child,
    addresses: Addresses,
    log: Log,
    _folder: TempDir,
}

struct Addresses {
    functions: String,
    jira: String,
}

impl Host {
    /// Starts one, and waits until it has said where it is.
    pub(super) async fn start(port: u16) -> Loaded<Self> {
        let folder = tempfile::tempdir()?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--fresh", "--port", &port.to_string(), "--folder"])
            .arg(folder.path().join("state"))
            // It is not asked to stop but stopped, and so removes nothing itself.
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let log = Log::default();
        let (told, addresses) = oneshot::channel();
        let (said, counted) = (process.stdout.take(), log.clone());
        thread::spawn(move || counted.follow(said, told));
        match addresses.await {
            Ok(addresses) => Ok(Self { process, addresses, log, _folder: folder }),
            Err(_) => {
                process.wait()?;
                Err("the host does not start".into())
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where the functions are.
    pub(super) fn functions(&self) -> &str {
        &self.addresses.functions
    }

    /// Where the small Jira is.
    pub(super) fn jira(&self) -> &str {
        &self.addresses.jira
    }

    pub(super) const fn log(&self) -> &Log {
        &self.log
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // If it has ended by itself, there is nothing to do.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// How often a function ended how, in the words of its log. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<BTreeMap<Ending, u64>>>);

/// How one call, message or run ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ending {
    pub(super) function: String,
    /// The status of a call, or the outcome of anything else.
    pub(super) outcome: String,
    pub(super) reason: String,
}

impl Log {
    fn follow(&self, said: Option<impl Read>, told: oneshot::Sender<Addresses>) {
        let (mut told, mut jira) = (Some(told), None);
        for line in said.into_iter().flat_map(|said| BufReader::new(said).lines()).map_while(Result::ok) {
            if let Some(address) = line.strip_prefix(JIRA) {
                jira = Some(address.to_owned());
            } else if let Some(functions) = line.strip_prefix(FUNCTIONS) {
                let addresses = jira.take().map(|jira| Addresses { functions: functions.to_owned(), jira });
                // Who no longer waits for it needs no address.
                told.take().zip(addresses).map(|(told, addresses)| told.send(addresses).ok());
            } else if let Some(ending) = Ending::of(&line) {
                *self.endings().entry(ending).or_default() += 1;
            }
        }
    }

    /// How many messages that tell of events the queue's function is done with, well or not. What comes again is not among them.
    pub(super) fn events_ended(&self) -> u64 {
        let ended = |ending: &Ending| ending.function == "issue-copies" && ending.outcome != "again" && ending.reason != "reselected";
        self.endings().iter().filter(|(ending, _)| ended(ending)).map(|(_, count)| count).sum()
    }

    pub(super) fn all(&self) -> BTreeMap<Ending, u64> {
        self.endings().clone()
    }

    fn endings(&self) -> MutexGuard<'_, BTreeMap<Ending, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ending {
    fn of(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
        // Only the one line of a call, a message or a run says how long it took.
        line.pointer("/event/duration")?;
        let status = || Some(line.pointer("/http/response/status_code")?.to_string());
        let (function, reason) = (text("/faas/name")?, text("/event/reason").unwrap_or_default());
        let outcome = text("/labels/outcome").or_else(status)?;
        Some(Self { function, outcome, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_says_is_counted_by_how_it_ended() {
        let said = [
            "Open http://localhost:2",
            "",
            "The functions are at http://127.0.0.1:1",
            r#"{"faas":{"name":"webhooks"},"event":{"reason":"queued","duration":1},"http":{"response":{"status_code":204}}}"#,
            r#"{"faas":{"name":"issue-copies"},"event":{"reason":"kept","duration":1},"labels":{"outcome":"done"}}"#,
            r#"{"faas":{"name":"issue-copies"},"event":{"reason":"kept","duration":1},"labels":{"outcome":"done"}}"#,
            r#"{"faas":{"name":"issue-copies"},"event":{"reason":"reselected","duration":1},"labels":{"outcome":"done"}}"#,
            r#"{"faas":{"name":"issue-copies"},"event":{"reason":"dynamodb GetItem: timeout","duration":1},"labels":{"outcome":"again"}}"#,
            r#"{"log":{"level":"error"},"event":{"kind":"event"}}"#,
        ];
        let (log, (told, mut addresses)) = (Log::default(), oneshot::channel());
        log.follow(Some(said.join("\n").as_bytes()), told);
        let addresses = addresses.try_recv().unwrap();
        assert_eq!((addresses.functions.as_str(), addresses.jira.as_str()), ("http://127.0.0.1:1", "http://localhost:2"));
        assert_eq!(log.events_ended(), 2);
        assert_eq!(log.all().values().sum::<u64>(), 5);
    }
}
