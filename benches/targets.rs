//! What is to be reached, of all benches. A target that is missed is said, and fails nothing: only what was once reached must be held.

/// At most so much of something that a bench notes.
struct Target {
    bench: &'static str,
    metric: &'static str,
    scene: &'static str,
    /// For a person; ends with the unit.
    words: &'static str,
    most: f64,
}

const TARGETS: [Target; 16] = [
    target("cold", "answer", "account", "account from its spawning to the first answer, times ACE's", 1.0 / 20.0),
    target("cold", "warm", "account", "CPU of a warm authenticated GET in Lambda's loop, as released, times ACE's there", 1.0 / 12.0),
    target("cold", "zip", "account", "account zipped, bytes", 4_000_000.0),
    target("frames", "cpu", "seal", "sealing a frame of 1 MiB, times the cipher alone", 1.15),
    target("frames", "cpu", "open", "opening a frame of 1 MiB, times the cipher alone", 1.15),
    target("micro", "cpu", "cell.seal", "sealing a cell of 1 KiB, times the cipher alone", 10.0),
    target("micro", "cpu", "cell.open", "opening a cell of 1 KiB, times the cipher alone", 10.0),
    target("peer", "cpu", "account.1", "CPU of an authenticated GET, 1 connection, times ACE's", 1.0 / 12.0),
    target("peer", "cpu", "account.32", "CPU of an authenticated GET, 32 connections, times ACE's", 1.0 / 12.0),
    target("peer", "p99", "account.32", "p99 of an authenticated GET, 32 connections, times ACE's", 1.0 / 5.0),
    target("peer", "verification", "token.qsh", "verifying a token and its hash, times Node's", 1.0 / 3.0),
    target("peer", "microseconds", "token.qsh", "verifying a token and its hash, µs", 5.0),
    target("peer", "dynamodb", "account.1", "DynamoDB calls of a warm authenticated GET", 1.0),
    target("peer", "kms", "account.1", "KMS calls of a warm authenticated GET", 0.0),
    target("peer", "dynamodb", "configuration.1", "DynamoDB calls of a warm authenticated read", 1.0),
    target("peer", "kms", "configuration.1", "KMS calls of a warm authenticated read", 0.0),
];

const fn target(bench: &'static str, metric: &'static str, scene: &'static str, words: &'static str, most: f64) -> Target {
    Target { bench, metric, scene, words, most }
}

/// A line for each target of this bench, with what was measured by metric and scene.
pub(crate) fn lines(bench: &str, measured: impl Fn(&str, &str) -> Option<f64>) -> Vec<String> {
    let told = |target: &Target| match measured(target.metric, target.scene) {
        Some(measured) => {
            let verdict = if measured <= target.most { "reached" } else { "missed" };
            format!("target {}: measured {}, at most {}: {verdict}", target.words, digits(measured), digits(target.most))
        }
        None => format!("target {}: not measured, at most {}", target.words, digits(target.most)),
    };
    TARGETS.iter().filter(|target| target.bench == bench).map(told).collect()
}

/// With as many digits as tell something.
fn digits(number: f64) -> String {
    if number >= 100.0 { format!("{number:.0}") } else { format!("{number:.4}") }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_target_is_reached_or_missed_or_not_measured() {
        let measured = |_: &str, scene: &str| (scene == "seal").then_some(1.2);
        assert_eq!(
            lines("frames", measured),
            [
                "target sealing a frame of 1 MiB, times the cipher alone: measured 1.2000, at most 1.1500: missed",
                "target opening a frame of 1 MiB, times the cipher alone: not measured, at most 1.1500",
            ]
        );
        assert!(lines("frames", |_, _| Some(1.15)).iter().all(|line| line.ends_with(": reached")));
    }
}
