//! More and more tenants. The working set is as many as a function holds keys of, spread over all; whoever is beyond it costs what a start costs.

use std::collections::BTreeSet;

use http::Method;
use shared::envelope::Limits;

use crate::scene::{Sample, Scene, setting, site};
use crate::sizes;
use crate::table::Table;

/// How often anything is done at least.
const TIMES: usize = 201;

/// How many newcomers there are at each size, and how often functions are started.
const FEW: usize = 21;

const COLD: &str = "a read, keys unknown";
const BEYOND: &str = "a read beyond the working set";

/// Measures up to this many.
pub(crate) async fn measure(largest: usize) -> Table {
    let (mut scene, mut table, mut installed) = (Scene::start().await, Table::of("tenants"), 0);
    for size in sizes(largest, 100) {
        for number in installed..size {
            scene.install(&site(number)).await;
            scene.answer(scene.settings(&site(number), Method::PUT, &setting("colour", 0))).await;
            if (number + 1) % 2_500 == 0 {
                println!("  {} tenants are there", number + 1);
            }
        }
        let chosen: Vec<usize> = {
            let most = size.min(Limits::default().tenants);
            (0..most).map(|at| at * size / most).collect()
        };
        let mut cold = Vec::new();
        while cold.len() < FEW {
            scene.restart().await;
            reads(&scene, &chosen, &mut cold).await;
        }
        table.add(COLD, size, &cold);
        let mut warm = Vec::new();
        while warm.len() < TIMES {
            reads(&scene, &chosen, &mut warm).await;
        }
        table.add("a read, keys at hand", size, &warm);
        let set: BTreeSet<usize> = chosen.iter().copied().collect();
        let others: Vec<usize> = (0..size).rev().filter(|number| !set.contains(number)).take(TIMES).collect();
        if !others.is_empty() {
            let mut beyond = Vec::new();
            reads(&scene, &others, &mut beyond).await;
            table.same_as(BEYOND, COLD);
            table.add(BEYOND, size, &beyond);
        }
        let (mut written, mut newcomers) = (Vec::new(), Vec::new());
        scene.answer(scene.settings(&site(size / 2), Method::GET, &setting("colour", 0))).await;
        for number in 0..TIMES {
            written.push(scene.sample(scene.settings(&site(size / 2), Method::PUT, &setting("probe", number))).await);
        }
        table.add("a writing", size, &written);
        for number in 0..TIMES {
            scene.answer(scene.settings(&site(size / 2), Method::DELETE, &setting("probe", number))).await;
        }
        // Atlassian's key is fetched by the first who comes.
        installed = size + 1 + FEW;
        for number in size..installed {
            newcomers.push(scene.sample(scene.lifecycle(&site(number), "installed")).await);
            scene.answer(scene.settings(&site(number), Method::PUT, &setting("colour", 0))).await;
        }
        newcomers.remove(0);
        table.add("an installation", size, &newcomers);
    }
    table
}

async fn reads(scene: &Scene, numbers: &[usize], samples: &mut Vec<Sample>) {
    for number in numbers {
        samples.push(scene.sample(scene.settings(&site(*number), Method::GET, &setting("colour", 0))).await);
    }
}
