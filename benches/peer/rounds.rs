//! The rounds: what is compared is asked of both in turn, often enough that what else the machine does strikes both.

use std::collections::BTreeMap;
use std::time::Duration;

use benches::{Found, median};
use local::aws::Service;

use crate::aws::Aws;
use crate::load::{self, Measured};
use crate::now;
use crate::report::{self, Better, Row, Scene};
use crate::shots::{self, Kind, Shot};
use crate::system::System;

/// How many rounds.
const ROUNDS: usize = 6;

/// How much CPU a serving process uses in a round. It is counted in hundredths of a second, so this is to one in a hundred.
const CPU: Duration = Duration::from_secs(1);

/// How much it uses of each kind of request before anything is measured: a compiler that learns while it runs goes on learning for seconds.
const WARM: Duration = Duration::from_secs(3);

/// How often it is looked whether that is reached.
const LOOK: Duration = Duration::from_millis(20);

/// What one round has shown of one of the two.
struct Round {
    load: Measured,
    cpu: Duration,
    /// To AWS, by service.
    calls: BTreeMap<String, u64>,
}

/// Both answer everything for a while, and nobody looks.
pub(crate) async fn warm(both: &[System; 2]) {
    for kind in shots::KINDS {
        for system in both {
            load::run(system.address, &kind.shot(&system.site, now()), 32, used(system, WARM)).await;
        }
    }
}

/// Both answer this kind of request, over so many connections at once.
pub(crate) async fn compare(both: &[System; 2], aws: &Aws, kind: Kind, connections: usize, found: &mut Found) {
    let mut rounds = [Vec::new(), Vec::new()];
    for number in 0..=ROUNDS {
        // Each begins as often as the other.
        for turn in [number % 2, (number + 1) % 2] {
            let (system, rounds) = (&both[turn], &mut rounds[turn]);
            let shot = kind.shot(&system.site, now());
            let round = round(system, aws, &shot, connections).await;
            // The first is there for caches and for connections to AWS.
            if number > 0 {
                rounds.push(round);
            }
        }
    }
    let row = |metric, words, unit, better, of: &dyn Fn(&Round) -> f64| {
        let [ace, lethe] = &rounds;
        Row { metric, words, unit, better, ace: ace.iter().map(of).collect(), lethe: lethe.iter().map(of).collect() }
    };
    let scene = Scene { name: format!("{}.{connections}", kind.name()), words: format!("{}, connections: {connections}", kind.name()) };
    let rows = [
        row("cpu", "CPU per request", "ms", Better::Less, &|round| round.cpu.as_secs_f64() * 1e3 / round.load.requests()),
        row("rate", "requests per second", "", Better::More, &|round| round.load.per_second()),
        row("p50", "p50", "ms", Better::Less, &|round| round.load.quantile(0.5) * 1e3),
        row("p99", "p99", "ms", Better::Less, &|round| round.load.quantile(0.99) * 1e3),
        row("calls", "AWS calls per request", "", Better::Less, &|round| round.calls.values().sum::<u64>() as f64 / round.load.requests()),
    ];
    report::tell(found, &scene, &rows);
    for (metric, service) in [("dynamodb", Service::DynamoDb), ("kms", Service::Kms)] {
        let calls = median(rounds[1].iter().map(|round| round.calls_in_a_request(service))).unwrap();
        println!("  {service} calls in a request of Lethe's: {calls}");
        found.note(metric, &scene.name, calls);
    }
}

impl Round {
    /// To a hundredth: what a cache asks once a minute is no part of a request.
    fn calls_in_a_request(&self, service: Service) -> f64 {
        let calls = self.calls.get(&service.to_string()).copied().unwrap_or_default();
        (calls as f64 / self.load.requests() * 100.0).round() / 100.0
    }
}

async fn round(system: &System, aws: &Aws, shot: &Shot, connections: usize) -> Round {
    let (before, cpu) = (aws.calls().await, system.process().cpu());
    let load = load::run(system.address, shot, connections, used(system, CPU)).await;
    let cpu = system.process().cpu() - cpu;
    let since = |(service, calls): (String, u64)| {
        let earlier = before.get(&service).copied().unwrap_or_default();
        (service, calls - earlier)
    };
    Round { load, cpu, calls: aws.calls().await.into_iter().map(since).collect() }
}

/// Ends when it has used so much CPU more.
async fn used(system: &System, cpu: Duration) {
    let most = system.process().cpu() + cpu;
    while system.process().cpu() < most {
        tokio::time::sleep(LOOK).await;
    }
}

/// What both need after all of that.
pub(crate) fn memory(both: &[System; 2], found: &mut Found) {
    let [ace, lethe] = both.each_ref().map(|system| system.process().memory());
    let row = |metric, words, ace, lethe| Row { metric, words, unit: "MiB", better: Better::Less, ace: vec![ace], lethe: vec![lethe] };
    let rows = [row("memory", "memory", ace.now, lethe.now), row("peak", "memory at its peak", ace.peak, lethe.peak)];
    report::tell(found, &Scene::of("after.all", "after all of that"), &rows);
}

/// Both are started again over what they have stored.
pub(crate) async fn starts(both: &mut [System; 2], found: &mut Found) {
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (system, taken) in both.iter_mut().zip(&mut taken) {
            taken.push(system.start_to_answer().await * 1e3);
        }
    }
    let [ace, lethe] = taken;
    let row = Row { metric: "start", words: "start to first answer", unit: "ms", better: Better::Less, ace, lethe };
    report::tell(found, &Scene::of("started.again", "started again"), &[row]);
}
