//! What Linux says of a process: its memory, and how many files it may open.

use std::fs;

use super::Loaded;

/// The memory of a process, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resident {
    /// What is resident now.
    pub(super) rss: u64,
    /// The most that ever was.
    pub(super) peak: u64,
}

/// The memory of the process with this id.
pub(super) fn memory(pid: u32) -> Loaded<Resident> {
    let path = format!("/proc/{pid}/status");
    let status =
        fs::read_to_string(&path).map_err(|cause| format!("cannot read {path}: {cause}; the process has ended, or this is not Linux"))?;
    Ok(read(&status).ok_or_else(|| format!("cannot read {path}: it tells of no memory"))?)
}

fn read(status: &str) -> Option<Resident> {
    let number = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
    Some(Resident { rss: number("VmRSS:")?, peak: number("VmHWM:")? })
}

/// How many files a process of ours may have open; `None` if there is no limit, or nobody says.
pub(super) fn most_open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_where_the_system_says_it() {
        let status = "Name:\tlocal\nVmPeak:\t  999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(read(status), Some(Resident { rss: 10_240, peak: 20_480 }));
        assert_eq!(read("Name:\tlocal\n"), None);
    }
}
