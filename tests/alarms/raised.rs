//! What is abnormal is done, and what the line counts that the log has of it is held against `template.yaml`: the alarm that it belongs to rings,
//! and no other. A day on which nothing is wrong raises nothing (promise A-45).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, StatusCode};
use local::atlassian::{Signed, Site};
use local::aws::{Fault, Service};
use local::host::ORIGIN_SECRET;
use local::jira::Trouble;
use local::template::Template;
use serde_json::{Value as Line, json};
use shared::platform::signal::Signal;
use shared::tenant::id::digest;
use shared::tenant::page_token::Purpose;
use shared::tenant::{Anonymous, ContextToken, PageToken};

use super::emf::{self, Metric};
use super::{Watched, id_of};
use crate::attachments::{attached, read};
use crate::erasure::ask;
use crate::harness::{ATLASSIAN, CONFIGURATION, World, answer, app, page_request, post, site};
use crate::purging::{leave, pass, start};
use crate::reconciling::put_sealed;
use crate::secrets::Log;

const DAY: Duration = Duration::from_secs(86_400);

/// What CloudWatch makes of the log, from the moment on when this begins to listen.
struct Counted {
    namespace: String,
    log: Log,
}

impl Counted {
    fn begin(world: &World) -> Self {
        let namespace = world.host.platform("page").unwrap().config().metrics_namespace.clone();
        Self { namespace, log: Log::kept() }
    }

    /// The sum of each metric.
    fn sums(&self) -> BTreeMap<Metric, f64> {
        let mut sums = BTreeMap::new();
        for (metric, value) in self.log.events().iter().flat_map(|line| emf::points(line, &self.namespace).unwrap()) {
            *sums.entry(metric).or_default() += value;
        }
        sums
    }

    /// How often each signal was raised.
    fn signals(&self) -> Vec<(String, u32)> {
        let signals = self.sums().into_iter().filter(|((metric, _), _)| metric == "Signals");
        signals.map(|((_, dimensions), times)| (dimensions["Signal"].clone(), times as u32)).collect()
    }

    /// The alarms that ring.
    fn ringing(&self) -> Vec<String> {
        let sums = self.sums();
        let rings = |alarm: &super::Alarm| sums.get(&alarm.metric).is_some_and(|sum| *sum >= alarm.threshold && !alarm.is_silence());
        Watched::deployed().alarms().into_iter().filter(rings).map(|alarm| alarm.id).collect()
    }

    #[track_caller]
    fn assert_raised(&self, signal: Signal) {
        assert_eq!(self.signals(), [(signal.name().to_owned(), 1)], "{}", self.log.text());
    }
}

fn expect(status: StatusCode, answered: StatusCode) {
    assert_eq!(answered, status);
}

/// A token under a secret that is not the site's.
async fn forge(world: &World) {
    let forger = Site { shared_secret: "another secret".to_owned(), ..world.acme.clone() };
    expect(StatusCode::UNAUTHORIZED, world.get(&forger, "colour").await.status);
}

/// Does once what the signal is about, in a world where a site has the app.
async fn provoke(signal: Signal, world: &World) {
    let acme = &world.acme;
    match signal {
        Signal::RefusedToken => forge(world).await,
        Signal::UnknownCaller => expect(StatusCode::UNAUTHORIZED, world.get(&site("stranger"), "colour").await.status),
        Signal::OtherAudience => {
            let elsewhere = Site { app_base_url: "https://us.lethe.example/test-management".to_owned(), ..acme.clone() };
            expect(StatusCode::UNAUTHORIZED, world.install(&elsewhere).await.status);
        }
        Signal::CrossTenant => {
            let path = "/test-management/enabled";
            let token = acme.host_token(Signed { method: "POST", path, query: "" }, world.now()).unwrap();
            expect(StatusCode::UNAUTHORIZED, world.send(post(path, &token, site("victim").payload("enabled").to_string())).await.status);
        }
        Signal::BypassedFrontDoor => {
            let past = page_request(acme, Method::GET, CONFIGURATION, world.now()).body(Body::empty()).unwrap();
            expect(StatusCode::FORBIDDEN, answer(world.host.function("configuration").unwrap(), past).await.status);
        }
        Signal::OperatorCall => expect(StatusCode::OK, ask(world, "status", json!({})).await.status),
        Signal::KeysMissing => {
            world.lose_keys(acme).await;
            world.clock.advance(DAY);
            expect(StatusCode::SERVICE_UNAVAILABLE, world.get(acme, "colour").await.status);
        }
        Signal::PurgeIncident => {
            world.clock.advance(DAY * 112);
            assert!(start(world).await.is_incident());
        }
        Signal::Incident => {
            put_sealed(world, "notes.txt").await;
            world.clock.advance(DAY);
            world.host.run_schedule("attachment-reconcile").await.unwrap().unwrap();
        }
        Signal::AtlassianAway => {
            world.jira.trouble(acme, Some(Trouble::Status(500)));
            expect(StatusCode::SERVICE_UNAVAILABLE, world.put(acme, "size", "1").await.status);
        }
        Signal::Failed => {
            world.aws().faults().on(Service::DynamoDb, "BatchGetItem", Fault::InternalError, u32::MAX);
            expect(StatusCode::SERVICE_UNAVAILABLE, world.get(acme, "colour").await.status);
        }
    }
}

/// Promise A-45.
#[tokio::test]
async fn every_signal_is_raised_by_what_it_is_about_and_by_nothing_else() {
    for signal in Signal::ALL {
        let world = World::installed().await;
        if signal == Signal::PurgeIncident {
            leave(&world, &world.acme).await;
        }
        let counted = Counted::begin(&world);
        provoke(signal, &world).await;
        counted.assert_raised(signal);
    }
}

#[tokio::test]
async fn an_alarm_rings_at_its_threshold_and_not_before() {
    let world = World::installed().await;
    let counted = Counted::begin(&world);
    for _ in 0..9 {
        forge(&world).await;
    }
    assert_eq!(counted.ringing(), Vec::<String>::new());
    forge(&world).await;
    assert_eq!(counted.ringing(), ["RefusedTokens"]);
}

/// What a canary's deployment goes back for: its own failures, and not a customer's site that is away.
#[tokio::test]
async fn failures_are_counted_for_the_function_that_fails() {
    let world = World::installed().await;
    let counted = Counted::begin(&world);
    for _ in 0..3 {
        provoke(Signal::Failed, &world).await;
    }
    assert_eq!(counted.ringing(), ["ConfigurationServerErrors"]);
    world.aws().faults().clear();
    let counted = Counted::begin(&world);
    for _ in 0..10 {
        provoke(Signal::AtlassianAway, &world).await;
    }
    assert_eq!(counted.ringing(), Vec::<String>::new());
}

/// Without a key anybody can name another customer in a token: that must not keep the alarm ringing that is about proven ones.
#[tokio::test]
async fn nobody_without_a_key_rings_what_is_about_proven_tokens() {
    let world = World::installed().await;
    let path = "/test-management/installed";
    let token = ATLASSIAN.0.install_token(&world.acme, Signed { method: "POST", path, query: "" }, world.now()).unwrap();
    let counted = Counted::begin(&world);
    expect(StatusCode::UNAUTHORIZED, world.send(post(path, &token, site("victim").payload("installed").to_string())).await.status);
    counted.assert_raised(Signal::RefusedToken);
}

/// A cursor, an event, an item, wrapped keys, an object: whatever is one tenant's and turns up at another's.
#[tokio::test]
async fn what_is_one_tenants_is_noticed_wherever_it_turns_up_at_anothers() {
    let world = World::installed().await;
    let (acme, other) = (world.acme.clone(), site("other"));
    expect(StatusCode::NO_CONTENT, world.install(&other).await.status);
    for owner in [&acme, &other] {
        for name in ["colour", "size"] {
            expect(StatusCode::CREATED, world.put(owner, name, "1").await.status);
        }
    }
    let list = world.as_page(&acme, Method::GET, &format!("{CONFIGURATION}?limit=1"), "").await.json();
    let cursor = list["cursor"].as_str().unwrap();
    let counted = Counted::begin(&world);
    expect(StatusCode::BAD_REQUEST, world.as_page(&other, Method::GET, &format!("{CONFIGURATION}?cursor={cursor}"), "").await.status);
    counted.assert_raised(Signal::CrossTenant);

    let counted = Counted::begin(&world);
    let path = "/test-management/enabled";
    let token = acme.host_token(Signed { method: "POST", path, query: "" }, world.now()).unwrap();
    expect(StatusCode::UNAUTHORIZED, world.send(post(path, &token, other.payload("enabled").to_string())).await.status);
    counted.assert_raised(Signal::CrossTenant);

    // A hand in the tables: each lies where the other's was.
    let counted = Counted::begin(&world);
    let mut records = world.aws().items("ConfigurationTable").unwrap();
    let cells: Vec<Line> = records.iter().map(|record| record["cell"].clone()).collect();
    for (at, record) in records.iter_mut().enumerate() {
        record["cell"] = cells[(at + 1) % cells.len()].clone();
        world.aws().put_item("ConfigurationTable", record).unwrap();
    }
    expect(StatusCode::INTERNAL_SERVER_ERROR, world.get(&acme, "colour").await.status);
    counted.assert_raised(Signal::CrossTenant);

    let counted = Counted::begin(&world);
    let mut keys = world.aws().items("TenantKeysTable").unwrap();
    let versions = keys[0]["versions"].clone();
    keys[1]["versions"] = versions;
    world.aws().put_item("TenantKeysTable", &keys[1]).unwrap();
    world.clock.advance(DAY);
    let answers = [world.get(&acme, "size").await.status, world.get(&other, "size").await.status];
    assert!(answers.contains(&StatusCode::SERVICE_UNAVAILABLE), "{answers:?}");
    assert!(counted.ringing().contains(&"CrossTenantAttempts".to_owned()), "{}", counted.log.text());
}

#[tokio::test]
async fn an_object_that_is_anothers_is_noticed() {
    let world = World::installed().await;
    let (own, others) = (attached(&world, "name=a", "one").await, attached(&world, "name=b", "two").await);
    let name = |id: &str| {
        let files = world.aws().files().unwrap();
        let name = files.keys().find(|name| name.contains(id)).unwrap();
        name.strip_prefix("sealed-bucket/").unwrap().split(' ').next().unwrap().to_owned()
    };
    let s3 = aws_sdk_s3::Client::new(&world.aws().sdk_config());
    let lying = s3.get_object().bucket("sealed-bucket").key(name(&others)).send().await.unwrap().body.collect().await.unwrap();
    s3.put_object().bucket("sealed-bucket").key(name(&own)).body(lying.into_bytes().into()).send().await.unwrap();
    let counted = Counted::begin(&world);
    expect(StatusCode::INTERNAL_SERVER_ERROR, read(&world, &world.acme, &own, &[]).await.status);
    counted.assert_raised(Signal::CrossTenant);
}

/// The token that a page has for its telemetry says whose it is, and opens nobody else's.
#[tokio::test]
async fn a_page_token_with_anothers_name_on_it_is_a_refused_token() {
    let world = World::installed().await;
    let platform = world.host.platform("page").unwrap();
    expect(StatusCode::NO_CONTENT, world.install(&site("other")).await.status);
    let mint = |token: ContextToken<Anonymous>| async move { PageToken::mint(&token.tenant, Purpose::Telemetry) };
    let routes = platform.clone().serve("pages", Router::new().route("/{app}/mint", get(mint)));
    let request = page_request(&world.acme, Method::GET, "/test-management/mint", world.now()).header("x-lethe-origin", ORIGIN_SECRET);
    let token = answer(routes, request.body(Body::empty()).unwrap()).await.text();
    let (own, sealed) = token.split_once('.').unwrap();
    let others = digest(app().slug, &site("other").client_key);
    for (token, signal) in [
        (format!("{own}.{sealed}"), None),
        (format!("{others}.{sealed}"), Some(Signal::RefusedToken)),
        (format!("{}.{sealed}", "0".repeat(64)), Some(Signal::UnknownCaller)),
        (sealed.to_owned(), Some(Signal::RefusedToken)),
    ] {
        let proven = PageToken::prove(&platform, app(), Purpose::Telemetry, &token).await;
        assert_eq!(proven.err().and_then(|problem| problem.signal()), signal, "{token}");
    }
}

/// Promises: refused or not, known or not.
#[tokio::test]
async fn every_call_to_where_operators_call_is_told() {
    let world = World::installed().await;
    let counted = Counted::begin(&world);
    expect(StatusCode::NOT_FOUND, ask(&world, "status", json!({"clientKey": "nobody"})).await.status);
    expect(StatusCode::BAD_REQUEST, ask(&world, "hold", json!({"days": 400})).await.status);
    let nobody = Request::post("/test-management/erasure/status").body(Body::empty()).unwrap();
    expect(StatusCode::FORBIDDEN, world.send_to("erasure", nobody).await.status);
    world.aws().faults().on(Service::DynamoDb, "PutItem", Fault::InternalError, u32::MAX);
    expect(StatusCode::SERVICE_UNAVAILABLE, ask(&world, "status", json!({})).await.status);
    assert_eq!(counted.signals(), [(Signal::OperatorCall.name().to_owned(), 4)]);
}

#[tokio::test]
async fn each_unwrapping_of_keys_is_counted_once() {
    let world = World::installed().await.restarted().await;
    let unwrapped = |counted: &Counted| counted.sums().get(&("KeysUnwrapped".to_owned(), BTreeMap::new())).copied();
    let counted = Counted::begin(&world);
    world.get(&world.acme, "colour").await;
    assert_eq!(unwrapped(&counted), Some(1.0));
    world.get(&world.acme, "colour").await;
    assert_eq!(unwrapped(&counted), Some(1.0), "they are in memory");
    // Runs count as calls do.
    attached(&world, "name=a", "one").await;
    let counted = Counted::begin(&world);
    world.host.run_schedule("attachment-reconcile").await.unwrap().unwrap();
    assert_eq!(unwrapped(&counted), Some(1.0));
    // So do messages that are worked on together.
    assert!(crate::webhooks::select(&world, &world.acme, &[10_000], &["summary"]).await.status.is_success());
    world.host.deliver().await.unwrap();
    for summary in ["a plan", "another"] {
        crate::webhooks::update(&world, 10_001, world.now() * 1000, summary).await;
    }
    let world = world.restarted().await;
    let counted = Counted::begin(&world);
    world.host.deliver().await.unwrap();
    let told = counted.log.of_calls().iter().filter(|line| line["faas"]["name"] == "issue-copies").count();
    assert_eq!((told, unwrapped(&counted)), (2, Some(1.0)));
}

/// Promise A-45: no false alarm. What is left over is the page that somebody had open when their site left.
#[tokio::test]
async fn a_day_on_which_nothing_is_wrong_raises_nothing() {
    let mut world = World::new().await;
    let counted = Counted::begin(&world);
    let acme = world.acme.clone();
    expect(StatusCode::NO_CONTENT, world.install(&acme).await.status);
    world.clock.advance(DAY);
    for event in ["disabled", "enabled"] {
        world.clock.advance(Duration::from_secs(1));
        expect(StatusCode::NO_CONTENT, world.lifecycle(&acme, event, world.now(), &acme.payload(event)).await.status);
    }
    expect(StatusCode::CREATED, world.put(&acme, "colour", "1").await.status);
    expect(StatusCode::OK, world.get(&acme, "colour").await.status);
    expect(StatusCode::NOT_FOUND, world.get(&acme, "nothing").await.status);
    expect(StatusCode::OK, world.as_host(&acme, Method::GET, "/test-management/page").await.status);
    expect(StatusCode::OK, world.as_host(&acme, Method::GET, "/test-management/account").await.status);
    world.attach_samples().await;
    let upgraded = Site { shared_secret: "acme-newer-secret".to_owned(), ..acme.clone() };
    expect(StatusCode::NO_CONTENT, world.install(&upgraded).await.status);
    expect(StatusCode::OK, world.get(&upgraded, "colour").await.status);
    pass(&world, 2 * 86_400).await;
    world.clock.advance(DAY);
    expect(StatusCode::NO_CONTENT, world.uninstall(&upgraded).await.status);
    world.clock.advance(DAY * 30);
    pass(&world, 86_400).await;
    expect(StatusCode::NO_CONTENT, world.install(&upgraded).await.status);
    expect(StatusCode::OK, world.get(&upgraded, "colour").await.status);
    world.clock.advance(DAY);
    expect(StatusCode::NO_CONTENT, world.uninstall(&upgraded).await.status);
    world.clock.advance(DAY * 109);
    pass(&world, 3 * 86_400).await;
    assert_eq!(world.departures(&upgraded).await.pop().unwrap()["stage"], "purged");
    for (schedule, run) in world.host.run_schedules().await {
        assert!(!run.unwrap().is_incident(), "{schedule}");
    }
    assert_eq!((counted.signals(), counted.ringing()), (vec![], vec![]), "{}", counted.log.text());
    expect(StatusCode::UNAUTHORIZED, world.get(&upgraded, "colour").await.status);
    assert_eq!((counted.signals(), counted.ringing()), (vec![(Signal::UnknownCaller.name().to_owned(), 1)], vec![]));
}

/// Every line that names a function names one of the template's: the dimension of a metric is made of it.
#[tokio::test]
async fn lines_name_functions_as_the_template_does() {
    let world = World::of_samples().await;
    let counted = Counted::begin(&world);
    world.get(&world.acme, "colour").await;
    world.host.run_schedules().await;
    let functions = Template::deployed().unwrap().functions();
    let named: Vec<String> = counted.log.events().iter().filter_map(|line| line["faas"]["name"].as_str().map(id_of)).collect();
    assert!(named.len() > 4 && named.iter().all(|id| functions.contains(id)), "{named:?}");
}
