//! A process of ours, and what Linux says of it: the CPU that it has used, and its memory.

use std::process::{Child, ChildStdin, ChildStdout, Command};
use std::time::Duration;

use benches::linux;

/// It ends with this.
pub(crate) struct Process(Child);

/// The memory of a process, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// What is resident now.
    pub(crate) now: f64,
    /// The most that ever was.
    pub(crate) peak: f64,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_owned();
        Self(command.spawn().unwrap_or_else(|cause| panic!("cannot start {}: {cause}", program.display())))
    }

    /// What it says, and the way to tell it something, where these are pipes.
    pub(crate) fn pipes(&mut self) -> (Option<ChildStdout>, Option<ChildStdin>) {
        (self.0.stdout.take(), self.0.stdin.take())
    }

    /// What it has used of the CPUs so far, all of its threads and the kernel's work for it included; to a hundredth of a second.
    pub(crate) fn cpu(&self) -> Duration {
        self.told().cpu().unwrap()
    }

    pub(crate) fn memory(&self) -> Memory {
        let mib = |kib: Option<u64>| kib.unwrap() as f64 / 1024.0;
        Memory { now: mib(self.told().memory_kib()), peak: mib(self.told().peak_kib()) }
    }

    fn told(&self) -> linux::Process {
        linux::Process::of(self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // If it has ended by itself, there is nothing to do.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
