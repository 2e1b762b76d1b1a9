//! When points are made: the beginnings that a schedule names, the window that AWS begins somewhere in, and what lies between two points at
//! most. All in minutes of a virtual month.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource, items};

/// So long is looked at: schedules that repeat every day or week have shown themselves.
const MONTH: u32 = 30 * 24 * 60;

/// From the first moment that a point may be begun at to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// Minutes since the month's beginning.
    pub opens: u32,
    /// The same; not in the window any more.
    pub closes: u32,
}

/// The rules of a plan.
pub fn rules<'d>(plan: &Resource<'d>) -> Vec<&'d Value> {
    items(plan.property(&["BackupPlan", "BackupPlanRule"]))
}

/// A rule's windows over the month, in order.
///
/// # Errors
/// If its schedule is not read here.
pub fn windows(deployed: &Deployed, rule: &Value) -> Result<Vec<Window>, String> {
    let schedule = at(rule, &["ScheduleExpression"]).and_then(Value::as_str).unwrap_or_default();
    let long =
        at(rule, &["StartWindowMinutes"]).and_then(|minutes| deployed.usual(minutes)).and_then(|minutes| u32::try_from(minutes).ok());
    let (Some(begins), Some(long)) = (begins_of_a_day(schedule), long) else {
        return Err(format!("has a schedule that cannot be reckoned with: {schedule}"));
    };
    let days = (0..MONTH).step_by(24 * 60);
    let opens = days.flat_map(|day| begins.iter().map(move |minute| day + minute));
    Ok(opens.map(|opens| Window { opens, closes: opens + long }).collect())
}

/// `cron(minutes hours * * ? *)`, every day alike, as minutes of the day.
fn begins_of_a_day(schedule: &str) -> Option<Vec<u32>> {
    let fields: Vec<_> = schedule.strip_prefix("cron(")?.strip_suffix(')')?.split(' ').collect();
    let [minutes, hours, "*", "*", "?", "*"] = fields[..] else { return None };
    let (minutes, hours) = (field(minutes, 60)?, field(hours, 24)?);
    let mut begins: Vec<_> = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute)).collect();
    begins.sort_unstable();
    begins.dedup();
    (!begins.is_empty()).then_some(begins)
}

/// One field: `*`, `5`, `0-2`, `1/3`, and lists of these.
fn field(text: &str, end: u32) -> Option<Vec<u32>> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((first, step)) => (format!("{}-{}", if first == "*" { "0" } else { first }, end - 1), step.parse().ok()?),
            None if part == "*" => (format!("0-{}", end - 1), 1),
            None => (part.to_owned(), 1),
        };
        let (first, last) = range.split_once('-').unwrap_or((&range, &range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if step == 0 || last >= end {
            return None;
        }
        values.extend((first..=last).step_by(step));
    }
    Some(values)
}

/// Of two rules whose windows overlap AWS runs one alone, the one that keeps for longer. These do.
pub fn overlaps(deployed: &Deployed, plan: &Resource<'_>) -> Vec<String> {
    let mut all: Vec<(Window, &str)> = Vec::new();
    for rule in rules(plan) {
        let name = at(rule, &["RuleName"]).and_then(Value::as_str).unwrap_or_default();
        all.extend(windows(deployed, rule).unwrap_or_default().into_iter().map(|window| (window, name)));
    }
    all.sort();
    let mut found = Vec::new();
    for ((before, one), (after, other)) in all.iter().zip(all.iter().skip(1)) {
        let told = format!("{}: the windows of {one} and {other} overlap, and AWS leaves one backup out", plan.id);
        if after.opens < before.closes && !found.contains(&told) {
            found.push(told);
        }
    }
    found
}

/// The longest time, in minutes, between two points that are made one after the other: one as soon as its window opens, the next as late as it
/// may be. `None` if there are not two.
pub fn longest_gap(mut windows: Vec<Window>) -> Option<u32> {
    windows.sort();
    windows.iter().zip(windows.iter().skip(1)).map(|(one, next)| next.closes - one.opens).max()
}

/// Whether each of these windows is followed by one of the others before the next of its own opens, and touches none.
pub fn is_followed(mut first: Vec<Window>, then: &[Window]) -> bool {
    first.sort();
    first.dedup();
    let follows = |window: &Window, next: &Window| then.iter().any(|other| other.opens >= window.closes && other.closes <= next.opens);
    first.iter().zip(first.iter().skip(1)).all(|(window, next)| follows(window, next))
}

#[test]
fn schedules_are_read_as_aws_reads_them() {
    assert_eq!(begins_of_a_day("cron(0 1/6 * * ? *)"), Some(vec![60, 420, 780, 1140]));
    assert_eq!(begins_of_a_day("cron(30 0-1,22 * * ? *)"), Some(vec![30, 90, 1350]));
    assert_eq!(begins_of_a_day("cron(0/30 5 * * ? *)"), Some(vec![300, 330]));
    for strange in
        ["rate(1 hour)", "cron(0 5 ? * MON *)", "cron(0 24 * * ? *)", "cron(0 5 1 * ? *)", "cron(0 1/0 * * ? *)", "cron(0 5-1 * * ? *)"]
    {
        assert_eq!(begins_of_a_day(strange), None, "{strange}");
    }
}

#[test]
fn two_points_are_as_far_from_each_other_as_their_windows_allow() {
    let hour = |hour: u32| Window { opens: hour * 60, closes: hour * 60 + 60 };
    assert_eq!(longest_gap(vec![hour(0), hour(6), hour(3)]), Some(240));
    assert_eq!(longest_gap(vec![hour(0)]), None);
    assert!(is_followed(vec![hour(0), hour(3)], &[hour(1)]));
    assert!(!is_followed(vec![hour(0), hour(3)], &[Window { opens: 30, closes: 90 }]), "they may be begun in any order");
    assert!(!is_followed(vec![hour(0), hour(3), hour(6)], &[hour(1)]), "one is not followed");
}
