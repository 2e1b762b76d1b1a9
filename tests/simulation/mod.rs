//! The simulation: whole worlds over 200 days, with everything that may happen to tenants drawn from a seed, faults and deaths at any call to AWS,
//! backups every four hours and restores from them; and after each event what must hold is looked at, in tables, buckets, queues and backups.
//!
//! - [`model`], [`copies`]: what must be true. - [`story`], [`fates`], [`using`], [`telling`]: what tenants and their sites do.
//! - [`course`], [`running`], [`trouble`], [`worlds`]: how it happens. - [`wire`], [`snapshots`]: what lies where, now and in backups.
//! - [`restores`]: what comes back from them. - [`invariants`], [`operation_data`]: what must hold. - [`totals`]: what happened in all.
//! - [`crashes`]: every call of every move dies. - [`race`]: a return against a purge. - [`defects`]: what all of this must find.
//!
//! A failure prints its seed. `LETHE_SIMULATION_SEED=17 cargo test --workspace --test integration simulation::one_seed -- --ignored --nocapture` runs that
//! one world alone; seeds that ever failed are kept in `corpus.txt` and run first. Ten thousand tenants:
//! `cargo test --workspace --test integration simulation::ten_thousand -- --ignored --nocapture`.

mod copies;
mod course;
mod crashes;
mod defects;
mod fates;
mod invariants;
mod model;
mod operation_data;
mod race;
mod restores;
mod running;
mod snapshots;
mod story;
mod telling;
mod totals;
mod trouble;
mod using;
mod wire;
mod worlds;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use shared::platform::clock::{Clock as _, SystemClock};

use course::{Course, Held, Plan};
use totals::Totals;

/// Read when the tests are built: Cargo builds them again when it changes.
const SEED: Option<&str> = option_env!("LETHE_SIMULATION_SEED");

/// The seeds that ever failed.
const CORPUS: &str = include_str!("corpus.txt");

const TENANTS: usize = 125;
const DAYS: i64 = 200;

fn plan(seed: u64) -> Plan {
    Plan { seed, tenants: TENANTS, days: DAYS, troubled: 25, defect: None }
}

/// One world, from its beginning to its end.
fn run(plan: Plan) -> Held<Totals> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut course = Course::begin(plan).await;
        course.live().await.map(|()| course.totals)
    })
}

/// Worlds on two threads; tells what happened in them, and panics with the first that breaks a promise.
fn run_all(name: &str, plans: &[Plan]) {
    let clock = SystemClock::start();
    let began = clock.now();
    let (next, totals) = (AtomicUsize::new(0), Mutex::new(Totals::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match run(plan.clone()) {
                        Ok(held) => *totals.lock().unwrap() += held,
                        Err(broken) => panic!("{broken}"),
                    }
                }
            });
        }
    });
    println!("{name}: {} worlds, {}, {:.1} s", plans.len(), totals.lock().unwrap(), clock.now().since(began).as_secs_f64());
}

/// Promises A-48, E-17, E-26, E-33 to E-36.
#[test]
fn a_thousand_tenants_live_two_hundred_days_and_every_promise_holds() {
    let corpus = CORPUS.lines().filter(|line| !line.starts_with('#')).map(|seed| seed.trim().parse().unwrap());
    let plans: Vec<Plan> = corpus.chain(1..=8).map(plan).collect();
    run_all("the simulation", &plans);
}

#[test]
#[ignore = "ten times as long as the other, which is enough for every change"]
fn ten_thousand_tenants_live_as_long() {
    run_all("the long simulation", &(1_000..1_080).map(plan).collect::<Vec<_>>());
}

#[test]
#[ignore = "for whoever looks into one world"]
fn one_seed() {
    run_all("one world", &[plan(SEED.unwrap_or("1").parse().unwrap())]);
}
