//! What we need is away: the caller is told to come again (never that it is unknown, never that we broke), nothing is half-written, and the same
//! request succeeds once the fault is gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use futures::StreamExt as _;
use http::{Method, Request, StatusCode};
use local::atlassian::Site;
use local::aws::{Fault, Service};
use local::host::Settings;
use shared::platform::random::SystemRandom;
use tokio::sync::Notify;

use crate::harness::{ATLASSIAN, Answer, World, lifecycle_request, page_request, serve_for_ever, settings, site};
use crate::model::Standing;

const HOUR: Duration = Duration::from_secs(3600);

const FAULTS: [Fault; 5] = [Fault::BeforeSend, Fault::AfterEffect, Fault::Throttle, Fault::InternalError, Fault::Never];

/// A request that needs AWS, and each operation that it needs with cold caches.
struct Need {
    route: &'static str,
    /// Whether the site has the app, and a setting, before.
    known: bool,
    operations: &'static [(Service, &'static str)],
}

const BATCH: (Service, &str) = (Service::DynamoDb, "BatchGetItem");
const DECRYPT: (Service, &str) = (Service::Kms, "Decrypt");
const GENERATE: (Service, &str) = (Service::Kms, "GenerateDataKey");
const GET: (Service, &str) = (Service::DynamoDb, "GetItem");
const QUERY: (Service, &str) = (Service::DynamoDb, "Query");
const TRANSACT: (Service, &str) = (Service::DynamoDb, "TransactWriteItems");
const UPDATE: (Service, &str) = (Service::DynamoDb, "UpdateItem");

const NEEDS: [Need; 11] = [
    Need { route: "install", known: false, operations: &[BATCH, QUERY, GENERATE, TRANSACT] },
    Need { route: "upgrade", known: true, operations: &[BATCH, DECRYPT, TRANSACT] },
    Need { route: "uninstalled", known: true, operations: &[BATCH, GET, TRANSACT] },
    Need { route: "enabled", known: true, operations: &[BATCH, DECRYPT, UPDATE] },
    Need { route: "disabled", known: true, operations: &[BATCH, DECRYPT, UPDATE] },
    Need { route: "account", known: true, operations: &[BATCH, DECRYPT] },
    Need { route: "read", known: true, operations: &[BATCH, DECRYPT] },
    Need { route: "write", known: true, operations: &[BATCH, DECRYPT, UPDATE] },
    Need { route: "remove", known: true, operations: &[BATCH, DECRYPT, (Service::DynamoDb, "DeleteItem")] },
    Need { route: "list", known: true, operations: &[BATCH, DECRYPT, QUERY] },
    Need { route: "health", known: false, operations: &[GET, (Service::Kms, "DescribeKey")] },
];

impl Need {
    fn request(&self, world: &World, site: &Site) -> Request<Body> {
        let setting = "/test-management/configuration/colour";
        let page = |method, target| page_request(site, method, target, world.now());
        let event = |event| lifecycle_request(site, event, world.now(), &site.payload(event));
        match self.route {
            "install" | "upgrade" => event("installed"),
            "uninstalled" | "enabled" | "disabled" => event(self.route),
            "read" => page(Method::GET, setting).body(Body::empty()).unwrap(),
            "write" => page(Method::PUT, setting).body(Body::from("\"red\"")).unwrap(),
            "remove" => page(Method::DELETE, setting).body(Body::empty()).unwrap(),
            "list" => page(Method::GET, "/test-management/configuration").body(Body::empty()).unwrap(),
            "health" => Request::get("/test-management/health").body(Body::empty()).unwrap(),
            _ => crate::harness::host_request(site, Method::GET, "/test-management/account", world.now()).body(Body::empty()).unwrap(),
        }
    }

    /// Brings the site to where the request makes sense, and every cache to where it asks AWS again.
    async fn prepare(&self, world: &World, name: &str) -> Site {
        tokio::time::resume();
        let site = site(name);
        if self.known {
            assert_eq!(world.install(&site).await.status, StatusCode::NO_CONTENT);
            assert_eq!(world.put(&site, "colour", "\"blue\"").await.status, StatusCode::CREATED);
        }
        world.clock.advance(HOUR);
        world.fetch_install_keys().await;
        tokio::time::pause();
        site
    }
}

fn assert_unavailable(answer: &Answer, case: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"), "{case}");
    assert_eq!(answer.headers["retry-after"], "5", "{case}");
}

#[tokio::test(start_paused = true)]
async fn whatever_call_to_aws_fails_the_caller_is_told_to_come_again_and_may() {
    for fault in FAULTS {
        let world = World::new().await;
        for need in &NEEDS {
            for (service, operation) in need.operations {
                let case = format!("{}-{operation}-{fault:?}", need.route);
                let site = need.prepare(&world, &case).await;
                let before = world.aws().dump().unwrap();
                world.aws().faults().on(*service, operation, fault, u32::MAX);
                let began = tokio::time::Instant::now();
                assert_unavailable(&world.send(need.request(&world, &site)).await, &case);
                assert!(began.elapsed() < Duration::from_secs(10), "{case}: Atlassian gives up after ten seconds");
                if fault != Fault::AfterEffect {
                    assert_eq!(world.aws().dump().unwrap(), before, "{case}");
                }
                world.aws().faults().clear();
                Standing::stored(&world, &site, &case).await;
                if need.route == "health" {
                    world.clock.advance(Duration::from_secs(10));
                }
                let again = world.send(need.request(&world, &site)).await;
                let is_gone = fault == Fault::AfterEffect && need.route == "remove" && again.status == StatusCode::NO_CONTENT;
                assert!(again.status.is_success() || is_gone, "{case}: {}", again.status);
            }
        }
    }
}

/// Holds the table above to what the routes really ask for: a new call must be proved too.
#[tokio::test(start_paused = true)]
async fn no_route_asks_aws_for_anything_that_is_not_proved_here() {
    let world = World::new().await;
    for need in &NEEDS {
        let site = need.prepare(&world, need.route).await;
        let mark = world.aws().calls().mark();
        assert!(world.send(need.request(&world, &site)).await.status.is_success(), "{}", need.route);
        let asked: BTreeSet<_> = world.aws().calls().since(mark).into_iter().map(|call| (call.service, call.operation)).collect();
        assert_eq!(asked, need.operations.iter().map(|(service, name)| (*service, (*name).to_owned())).collect(), "{}", need.route);
    }
}

/// What a key server does instead of giving the key.
type Behaviour = (&'static str, fn() -> Response, StatusCode);

/// Gives its first byte and then nothing more.
fn slow() -> Response {
    let first = futures::stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(b"-----BEGIN PUBLIC KEY-----"))]);
    Body::from_stream(first.chain(futures::stream::pending())).into_response()
}

const BEHAVIOURS: [Behaviour; 6] = [
    ("knows no such key", || StatusCode::NOT_FOUND.into_response(), StatusCode::UNAUTHORIZED),
    ("breaks", || StatusCode::INTERNAL_SERVER_ERROR.into_response(), StatusCode::SERVICE_UNAVAILABLE),
    ("talks garbage", || "<html>not a key</html>".into_response(), StatusCode::SERVICE_UNAVAILABLE),
    ("says nothing", || "".into_response(), StatusCode::SERVICE_UNAVAILABLE),
    ("says far too much", || "-----BEGIN PUBLIC KEY-----".repeat(10_000).into_response(), StatusCode::SERVICE_UNAVAILABLE),
    (
        "sends us elsewhere",
        || Redirect::temporary(&format!("{}/{}", ATLASSIAN.1, local::atlassian::KID)).into_response(),
        StatusCode::SERVICE_UNAVAILABLE,
    ),
];

/// A key server that does as it is told: one of [`BEHAVIOURS`] by its index, or the right thing after the last.
struct KeyServer {
    behaviour: Arc<AtomicUsize>,
    address: String,
}

impl KeyServer {
    fn start() -> Self {
        let behaviour = Arc::new(AtomicUsize::new(BEHAVIOURS.len()));
        let told = Arc::clone(&behaviour);
        let answer = async move || match BEHAVIOURS.get(told.load(Ordering::SeqCst)) {
            Some((_, answer, _)) => answer(),
            None => ATLASSIAN.0.public_pem().to_owned().into_response(),
        };
        let address = serve_for_ever(Router::new().route("/{kid}", get(answer)));
        Self { behaviour, address }
    }

    async fn world(&self) -> World {
        World::with(|clock| Settings { install_keys_urls: self.address.clone(), ..settings(clock, Arc::new(SystemRandom)) }).await
    }
}

/// Promise A-09 rests on it: only a key that a host says it does not know makes a token a bad one.
#[tokio::test]
async fn install_keys_that_cannot_be_had_are_our_trouble_and_an_unknown_one_is_the_callers() {
    let server = KeyServer::start();
    for (index, (behaviour, _, expected)) in BEHAVIOURS.iter().enumerate() {
        for event in ["installed", "uninstalled"] {
            let world = server.world().await;
            server.behaviour.store(index, Ordering::SeqCst);
            let before = world.aws().dump().unwrap();
            let request = || lifecycle_request(&world.acme, event, world.now(), &world.acme.payload(event));
            let answer = world.send(request()).await;
            assert_eq!(answer.status, *expected, "a host that {behaviour}, {event}");
            if *expected == StatusCode::SERVICE_UNAVAILABLE {
                assert_unavailable(&answer, behaviour);
            }
            assert_eq!(
                (world.aws().dump().unwrap(), world.aws().calls().count_all(Service::DynamoDb)),
                (before, 0),
                "{behaviour}, {event}"
            );
            server.behaviour.store(BEHAVIOURS.len(), Ordering::SeqCst);
            // An unknown key is asked for again after a minute, the others at once.
            world.clock.advance(Duration::from_secs(if *expected == StatusCode::UNAUTHORIZED { 60 } else { 0 }));
            assert_eq!(world.send(request()).await.status, StatusCode::NO_CONTENT, "a host that no longer {behaviour}, {event}");
        }
    }
}

/// The hosts' patience is measured in paused time, begun once the host has been asked.
#[tokio::test]
async fn a_key_host_that_is_slow_or_silent_is_given_up_soon() {
    for (host, is_silent) in [("slow", false), ("silent", true)] {
        let asked = Arc::new(Notify::new());
        let heard = Arc::clone(&asked);
        let answer = async move || {
            heard.notify_one();
            if is_silent { std::future::pending().await } else { slow() }
        };
        let address = serve_for_ever(Router::new().route("/{kid}", get(answer)));
        let world = World::with(|clock| Settings { install_keys_urls: address, ..settings(clock, Arc::new(SystemRandom)) }).await;
        let waiting = async {
            asked.notified().await;
            tokio::time::pause();
            tokio::time::Instant::now()
        };
        let (answer, began) = futures::join!(world.install(&world.acme), waiting);
        assert_unavailable(&answer, host);
        assert!(began.elapsed() <= Duration::from_secs(3), "{host}: {:?}", began.elapsed());
        tokio::time::resume();
    }
}

/// Two hosts are asked in order, so one that is away costs time and nothing else.
#[tokio::test]
async fn the_second_key_host_stands_in_for_the_first() {
    let broken = KeyServer::start();
    broken.behaviour.store(1, Ordering::SeqCst);
    let both = format!("{},{}", broken.address, ATLASSIAN.1);
    let world = World::with(|clock| Settings { install_keys_urls: both, ..settings(clock, Arc::new(SystemRandom)) }).await;
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
}
