//! How much memory a piece of work needs beside what was there before it; Linux tells.

use std::fs;

use benches::linux::Process;

/// What the work gives, and by how many KiB the process grew at most while it ran.
pub(crate) async fn grown<T>(work: impl Future<Output = T>) -> (T, Option<u64>) {
    // Makes the peak what there is now (proc(5), "/proc/pid/clear_refs").
    let begun = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = Process::own().memory_kib().filter(|_| begun);
    let given = work.await;
    (given, before.and_then(|before| Some(Process::own().peak_kib()?.saturating_sub(before))))
}
