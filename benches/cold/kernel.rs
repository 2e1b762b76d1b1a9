//! What a start asks of the kernel until its first answer, as `strace` sees it, and what the binary weighs. These are counts: they are the
//! same on a busy machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::emulator::Start;
use crate::scene::Scene;
use crate::subject::Subject;

/// Counts of one start, and weights. What no tool here can tell is `None`.
pub(crate) struct Counts {
    /// Of what is uploaded, as it lies.
    pub(crate) bytes: u64,
    /// The same as `zip -9` packs it.
    pub(crate) zipped: Option<u64>,
    /// Of all threads, until the first answer.
    pub(crate) system_calls: Option<u64>,
    /// The files that could be opened, in order, the same one as often as it was.
    pub(crate) opened: Option<Vec<String>>,
}

impl Counts {
    /// Starts it once more, below `strace`.
    pub(crate) async fn of(subject: &Subject, scene: &Scene) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let traced = traced(subject, scene, &folder.path().join("trace")).await;
        let (system_calls, opened) = traced.map(|trace| (calls(&trace), opened(&trace))).unzip();
        Self { bytes: weight(&subject.weighs), zipped: zipped(&subject.weighs, &folder.path().join("zip")), system_calls, opened }
    }
}

async fn traced(subject: &Subject, scene: &Scene, file: &Path) -> Option<String> {
    let is_there = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    is_there.ok()?;
    let command = subject.below(&["strace", "-f", "-s", "200", "-o", file.to_str()?]);
    let (_, mut strace) = Start::below(command, subject, scene).await;
    // Each line begins with who called; the first is the process itself, and `strace` ends with it.
    let trace = fs::read_to_string(file).ok()?;
    let process = trace.split_whitespace().next()?.to_owned();
    assert!(Command::new("kill").args(["-9", &process]).status().unwrap().success());
    strace.wait().unwrap();
    Some(trace)
}

/// One a line, but for the second half of one that another thread interrupted, and for what only tells of ends and signals.
fn calls(trace: &str) -> u64 {
    let is_call = |line: &&str| !line.contains(" resumed>") && !line.contains(" +++ ") && !line.contains(" --- ");
    trace.lines().filter(is_call).count() as u64
}

fn opened(trace: &str) -> Vec<String> {
    let could = |line: &&str| line.contains(" open") && !line.contains(" = -1 ");
    let path = |line: &str| line.split('"').nth(1).map(ToOwned::to_owned);
    trace.lines().filter(could).filter_map(path).collect()
}

fn weight(path: &Path) -> u64 {
    let Ok(folder) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |file| file.len()) };
    folder.flatten().map(|entry| weight(&entry.path())).sum()
}

/// As it is uploaded: a binary is called `bootstrap`, a folder keeps its names.
fn zipped(path: &Path, work: &Path) -> Option<u64> {
    let archive = work.join("function.zip");
    fs::create_dir(work).ok()?;
    let (folder, what) = if path.is_dir() {
        (path, ".")
    } else {
        fs::copy(path, work.join("bootstrap")).ok()?;
        (work, "bootstrap")
    };
    let zip = Command::new("zip").args(["-9", "-X", "-q", "-r"]).arg(&archive).arg(what).current_dir(folder).status();
    zip.ok()?.success().then(|| weight(&archive))
}
