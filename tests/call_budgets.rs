//! What every route behind the front door asks of AWS, as `tests/call-budgets.txt` has it: the sample event of each, sent to functions that have just started, and sent
//! again. Whoever makes a route ask more changes a line of that file, and says why.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use local::aws::{Mark, Service};
use local::samples::Sample;

use crate::harness::World;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/call-budgets.txt");

/// Calls since then, by service; "nothing" if there are none.
fn asked(world: &World, mark: Mark) -> String {
    let mut counts = BTreeMap::<Service, usize>::new();
    for call in world.aws().calls().since(mark) {
        *counts.entry(call.service).or_default() += 1;
    }
    let counts: Vec<String> = counts.into_iter().map(|(service, count)| format!("{service} {count}")).collect();
    if counts.is_empty() { "nothing".to_owned() } else { counts.join(" ") }
}

/// What this sample costs, in a world of its own, with every cache cold and a second later.
async fn line(sample: &Sample) -> String {
    let world = World::of_samples().await.restarted().await;
    let mut costs = Vec::new();
    for time in ["cold", "again"] {
        let mark = world.aws().calls().mark();
        let answer = world.send(world.sampled(sample)).await;
        costs.push(format!("{time} {} asks {}", answer.status.as_u16(), asked(&world, mark)));
        world.clock.advance(Duration::from_secs(1));
    }
    format!("{} {}: {}\n", sample.function, sample.case, costs.join("; "))
}

#[tokio::test]
async fn every_route_asks_of_aws_what_its_budget_says() {
    let mut found = String::new();
    for sample in Sample::all().unwrap() {
        found.push_str(&line(&sample).await);
    }
    let written = std::fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    assert!(written == found, "tests/call-budgets.txt is not what the routes ask. The whole of it, as it would be:\n{found}");
}
