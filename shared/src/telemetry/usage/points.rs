//! What lines say of how functions do (promise A-24): calls and time, by minute, function and outcome. No tenant is in it.

use std::collections::BTreeMap;

use super::lines::Call;
use crate::telemetry::metrics::{FunctionName, Metric, Outcome, Point};

const NANOSECONDS_IN_A_MILLISECOND: f64 = 1e6;

/// The sums of these calls, in the order of time.
pub(super) fn of<'c>(calls: impl Iterator<Item = &'c Call>) -> Vec<Point> {
    let mut sums: BTreeMap<(i64, FunctionName, Outcome), (u64, u64)> = BTreeMap::new();
    for call in calls {
        let (times, nanoseconds) = sums.entry((call.at - call.at.rem_euclid(60), call.function, call.outcome)).or_default();
        *times += 1;
        *nanoseconds = nanoseconds.saturating_add(call.nanoseconds);
    }
    let points = sums.into_iter().flat_map(|((minute, function, outcome), (times, nanoseconds))| {
        let of = |metric, value| Point { metric, minute, function, outcome, value };
        [of(Metric::Calls, times as f64), of(Metric::Duration, nanoseconds as f64 / NANOSECONDS_IN_A_MILLISECOND)]
    });
    points.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::telemetry::plants::{Dice, Sort, plant};

    fn call(timestamp: &str, function: &str, status: u16, nanoseconds: u64) -> Call {
        let outcome = if status < 400 { "success" } else { "failure" };
        let line = json!({"@timestamp": timestamp, "faas": {"name": function}, "event": {"outcome": outcome, "duration": nanoseconds},
            "http": {"response": {"status_code": status}}});
        Call::read(&line.to_string()).unwrap()
    }

    #[test]
    fn calls_are_summed_by_minute_function_and_outcome() {
        let calls = [
            call("2026-11-22T12:00:59.999Z", "page", 200, 1_500_000),
            call("2026-11-22T12:00:00Z", "page", 204, 500_000),
            call("2026-11-22T12:01:00Z", "page", 200, 1),
            call("2026-11-22T12:00:00Z", "page", 404, 7_000_000),
            call("2026-11-22T12:00:00Z", "page", 503, 8_000_000),
            call("2026-11-22T12:00:00Z", "account", 200, 9_000_000),
        ];
        let told: Vec<_> = of(calls.iter()).iter().map(|point| serde_json::to_value(point).unwrap()).collect();
        let point = |metric: &str, minute: i64, function: &str, outcome: &str, value: f64| {
            let minute = 1_795_348_800 + minute * 60;
            json!({"metric": format!("lethe.{metric}"), "minute": minute, "function": function, "outcome": outcome, "value": value})
        };
        let mut expected = Vec::new();
        for (minute, function, outcome, times, milliseconds) in [
            (0, "account", "success", 1.0, 9.0),
            (0, "page", "success", 2.0, 2.0),
            (0, "page", "refused", 1.0, 7.0),
            (0, "page", "failure", 1.0, 8.0),
            (1, "page", "success", 1.0, 0.000_001),
        ] {
            expected.push(point("calls", minute, function, outcome, times));
            expected.push(point("duration", minute, function, outcome, milliseconds));
        }
        assert_eq!(told, expected);
        assert!(of([].iter()).is_empty());
    }

    /// Promises: whatever a line holds, and wherever, what is counted of it and what leaves of it hold nothing of that. 100,000 lines. A
    /// text of 32 hexadecimal digits in the mark's own place is a mark: it is counted, salted, and never leaves.
    #[test]
    fn no_plant_leaves_in_any_of_100_000_lines() {
        let mut counted = 0;
        for seed in 0..100_000 {
            let mut dice = Dice::of(seed);
            let sort = [Sort::Email, Sort::Account, Sort::Token, Sort::Host, Sort::Phone, Sort::Name][dice.below(6)];
            let plant = plant(sort, &mut dice);
            let mut line = json!({"@timestamp": "2026-11-22T12:00:00Z", "message": plant.text, "user": {"name": plant.text, "deep": [plant.text]},
                "faas": {"name": "page", "id": plant.text}, "event": {"outcome": "success", "duration": 1, "reason": plant.text},
                "http": {"request": {"body": plant.text}, "response": {"status_code": 200, "body": plant.text}},
                "labels": {"app": "test-management", "tenant": "0f".repeat(16), "route": plant.text, "counts": plant.text}});
            // Now and then where something is read, too: then it is no call, or counts for nobody.
            let read = ["/@timestamp", "/faas/name", "/labels/app", "/labels/tenant", "/event/outcome"];
            if dice.below(4) == 0 {
                *line.pointer_mut(dice.pick(&read)).unwrap() = plant.text.clone().into();
            }
            let Some(call) = Call::read(&line.to_string()) else { continue };
            let leaves = serde_json::to_string(&of([call.clone()].iter())).unwrap();
            assert_eq!(plant.found_in(&leaves), None, "seed {seed}: {leaves}");
            let counted_as = format!("{:?}", call.counter());
            assert_eq!(plant.found_in(&counted_as), None, "seed {seed}: {counted_as}");
            counted += 1;
        }
        assert!(counted > 50_000, "{counted}");
    }
}
