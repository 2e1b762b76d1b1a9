//! What Linux tells of a process: how long it was on a processor, how much memory it had, what it has read. Elsewhere it is not told.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// In which `/proc` counts the time on a processor, whatever the kernel's own clock is.
const TICKS_A_SECOND: u32 = 100;

/// A process, as `/proc` shows it.
pub struct Process(PathBuf);

impl Process {
    /// The one with this number.
    #[must_use]
    pub fn of(number: u32) -> Self {
        Self(format!("/proc/{number}").into())
    }

    /// This one.
    #[must_use]
    pub fn own() -> Self {
        Self("/proc/self".into())
    }

    /// How long all of its threads, those that have ended included, and the kernel for them were on a processor; to a hundredth of a second.
    #[must_use]
    pub fn cpu(&self) -> Option<Duration> {
        let stat = fs::read_to_string(self.0.join("stat")).ok()?;
        // The name before it may hold anything. `utime` and `stime` are the fields 14 and 15 of proc_pid_stat(5), counted from 1.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).map(str::parse::<u32>);
        let ticks = fields.next()?.ok()? + fields.next()?.ok()?;
        Some(Duration::from_secs(1) * ticks / TICKS_A_SECOND)
    }

    /// How long the threads that it has now were on a processor; to the nanosecond, if it waits for something.
    #[must_use]
    pub fn cpu_of_threads(&self) -> Option<Duration> {
        fs::read_dir(self.0.join("task")).ok()?.map(|thread| on_processor(thread.ok()?.path())).sum()
    }

    /// Its memory now, in KiB.
    #[must_use]
    pub fn memory_kib(&self) -> Option<u64> {
        self.number("status", "VmRSS:")
    }

    /// The most memory that it ever had, in KiB.
    #[must_use]
    pub fn peak_kib(&self) -> Option<u64> {
        self.number("status", "VmHWM:")
    }

    /// How many bytes it has read from files, pipes and sockets.
    #[must_use]
    pub fn read_bytes(&self) -> Option<u64> {
        self.number("io", "rchar:")
    }

    /// Of a line like `VmHWM:  1234 kB`.
    fn number(&self, file: &str, name: &str) -> Option<u64> {
        let text = fs::read_to_string(self.0.join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    }
}

/// How long this thread was on a processor; to the nanosecond. The kernel adds it up when the thread gives way, so it does that first.
#[must_use]
pub fn cpu_of_this_thread() -> Option<Duration> {
    std::thread::sleep(Duration::from_nanos(1));
    on_processor("/proc/thread-self".into())
}

fn on_processor(thread: PathBuf) -> Option<Duration> {
    let told = fs::read_to_string(thread.join("schedstat")).ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
