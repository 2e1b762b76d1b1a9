//! An authenticated read with its one event of the log, against the same read when nobody listens: what telemetry adds to a call. It adds no
//! call to AWS; that is counted in the tests.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person at a terminal")]

use std::io::sink;
use std::process::ExitCode;
use std::sync::Arc;

use axum::body::Body;
use benches::{Found, Metric, Times, World, compare};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use shared::platform::clock::SystemClock;
use shared::platform::log;
use tower::ServiceExt as _;
use tracing::subscriber::{NoSubscriber, with_default};

const METRICS: [Metric; 1] =
    [Metric { name: "cpu", margin: 0.3, because: "both sides are the same read, on a core whose caches others use too" }];

const ROUNDS: usize = 61;
const READS: u32 = 100;

async fn call(world: &World, method: Method, body: &'static str) -> StatusCode {
    let token = world.site.context_token(world.now()).unwrap();
    let request = Request::builder().method(method).uri(format!("/{}/configuration/colour", world.site.app.slug));
    let request = request.header("authorization", format!("JWT {token}")).header("content-type", "application/json");
    let answer = world.host.front().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = answer.status();
    answer.into_body().collect().await.unwrap();
    status
}

async fn read(world: &World) {
    assert_eq!(call(world, Method::GET, "").await, StatusCode::OK);
}

fn main() -> ExitCode {
    let mut found = Found::start("telemetry", &METRICS, &[]);
    // One thread, so that whoever listens on it hears everything.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let world = runtime.block_on(async {
        let world = World::start(folder.path(), Arc::new(SystemClock::start()), None).await;
        world.lifecycle("installed").await;
        assert_eq!(call(&world, Method::PUT, "\"blue\"").await, StatusCode::CREATED);
        world
    });
    let told = tracing::Dispatch::new(log::subscriber(sink));
    let pair = compare(
        ROUNDS,
        Times(READS, || tracing::dispatcher::with_default(&told, || runtime.block_on(read(&world)))),
        Times(READS, || with_default(NoSubscriber::new(), || runtime.block_on(read(&world)))),
    );
    println!("an authenticated read, with its event of the log against without: {:.3} times", pair.ratio());
    println!("  {:?} a read, of which the event takes {:?}", pair.ours, pair.ours.saturating_sub(pair.limit));
    found.note("cpu", "read", pair.ratio());
    found.end()
}
