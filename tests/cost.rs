//! What everything costs: the page is the one that is counted, and it counts all that runs by a clock.

use std::collections::BTreeSet;

use local::cost::{cost_page, counted_schedules};
use local::template::Template;

const WRITTEN: &str = include_str!("../docs/COST.md");

/// The first line in which two texts differ.
fn difference<'t>(one: &'t str, other: &'t str) -> Option<(&'t str, &'t str)> {
    let longer = one.lines().count().max(other.lines().count());
    let lines = |text: &'t str| text.lines().chain(std::iter::repeat("(the end)"));
    lines(one).zip(lines(other)).take(longer).find(|(one, other)| one != other)
}

/// It is counted twice: what compares a page with itself would pass even if each count said something else.
#[tokio::test]
async fn the_page_about_cost_is_the_one_that_is_counted_every_time() {
    let counted = cost_page().await.unwrap();
    assert_eq!(difference(WRITTEN, &counted), None, "run: cargo run -p local -- cost > docs/COST.md");
    assert_eq!(difference(&counted, &cost_page().await.unwrap()), None);
}

#[test]
fn every_function_that_has_a_schedule_is_counted() {
    let schedules = Template::deployed().unwrap().schedules().unwrap();
    let scheduled: BTreeSet<String> = schedules.iter().map(|schedule| Template::function_name(&schedule.function)).collect();
    assert_eq!(scheduled, counted_schedules().map(ToOwned::to_owned).collect());
}
