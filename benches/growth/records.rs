//! More and more records of one tenant.

use http::Method;
use serde_json::Value;

use crate::scene::{Scene, setting, site};
use crate::sizes;
use crate::table::Table;

/// How often anything is done.
const TIMES: usize = 201;

/// How often the functions are started.
const FEW: usize = 11;

/// How many records there must be for two pages to be full.
const PAGES: usize = 100;

/// Measures up to this many.
pub(crate) async fn measure(largest: usize) -> Table {
    let (mut scene, mut table, mut written, site) = (Scene::start().await, Table::of("records of a tenant"), 0, site(0));
    scene.install(&site).await;
    for size in sizes(largest, 10) {
        for number in written..size {
            scene.answer(scene.settings(&site, Method::PUT, &setting("name", number))).await;
            if (number + 1) % 25_000 == 0 {
                println!("  {} records are there", number + 1);
            }
        }
        written = size;
        // Far from each other, and each of them there.
        let read = |scene: &Scene, time: usize| scene.settings(&site, Method::GET, &setting("name", time * 7_919 % size));
        let mut samples = Vec::new();
        for time in 0..FEW {
            scene.restart().await;
            samples.push(scene.sample(read(&scene, time)).await);
        }
        table.add("a read, keys unknown", size, &samples);
        let mut samples = Vec::new();
        for time in 0..TIMES {
            samples.push(scene.sample(read(&scene, time)).await);
        }
        table.add("a read, keys at hand", size, &samples);
        for (what, method) in [("a first writing", Method::PUT), ("a second writing", Method::PUT), ("a deletion", Method::DELETE)] {
            let mut samples = Vec::new();
            for time in 0..TIMES {
                samples.push(scene.sample(scene.settings(&site, method.clone(), &setting("probe", time))).await);
            }
            table.add(what, size, &samples);
        }
        if size >= PAGES {
            let first: Value = serde_json::from_slice(&scene.answer(scene.settings(&site, Method::GET, "")).await).unwrap();
            let next = format!("?cursor={}", first.get("cursor").and_then(Value::as_str).unwrap());
            for (what, page) in [("the first page of 25", ""), ("the second page of 25", &next)] {
                let mut samples = Vec::new();
                for _ in 0..TIMES {
                    samples.push(scene.sample(scene.settings(&site, Method::GET, page)).await);
                }
                table.add(what, size, &samples);
            }
        }
    }
    table
}
