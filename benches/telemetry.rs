//! An authenticated read with its one event of the log, against the same read when nobody listens: what telemetry adds to a call. It adds no
//! call to AWS; that is counted in the tests.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person at a terminal")]

use std::io::sink;
use std::sync::Arc;

use axum::body::Body;
use benches::{World, compare};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use shared::platform::clock::SystemClock;
use shared::platform::log;
use tower::ServiceExt as _;
use tracing::subscriber::{NoSubscriber, with_default};

const ROUNDS: usize = 61;
const READS: usize = 100;

async fn call(world: &World, method: Method, body: &'static str) -> StatusCode {
    let token = world.site.context_token(world.now()).unwrap();
    let request = Request::builder().method(method).uri(format!("/{}/configuration/colour", world.site.app.slug));
    let request = request.header("authorization", format!("JWT {token}")).header("content-type", "application/json");
    let answer = world.host.front().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = answer.status();
    answer.into_body().collect().await.unwrap();
    status
}

async fn reads(world: &World) {
    for _ in 0..READS {
        assert_eq!(call(world, Method::GET, "").await, StatusCode::OK);
    }
}

fn main() {
    // One thread, so that whoever listens on it hears everything.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let world = runtime.block_on(async {
        let world = World::start(folder.path(), Arc::new(SystemClock::start()), None).await;
        world.lifecycle("installed").await;
        assert_eq!(call(&world, Method::PUT, "\"blue\"").await, StatusCode::CREATED);
        world
    });
    let told = log::subscriber(sink);
    let told = tracing::Dispatch::new(told);
    let pair = compare(
        ROUNDS,
        || tracing::dispatcher::with_default(&told, || runtime.block_on(reads(&world))),
        || with_default(NoSubscriber::new(), || runtime.block_on(reads(&world))),
    );
    println!("an authenticated read, with its event of the log against without: {:.3} times", pair.ratio());
    let each = pair.ours.saturating_sub(pair.limit) / u32::try_from(READS).unwrap();
    println!("  {:?} a read, of which the event takes {each:?}", pair.ours / u32::try_from(READS).unwrap());
}
