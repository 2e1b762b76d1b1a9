//! What everybody may ask: what the app is, and whether we are well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::aws::{Fault, Service};
use local::host::ORIGIN_SECRET;
use local::mounts::MOUNTS;
use local::samples::Sample;
use serde_json::{Value, json};
use shared::platform::config::Config;
use shared::platform::{Outside, Platform};

use crate::harness::{ADDRESS, Answer, World, answer};

const DESCRIPTOR: &str = "/test-management/atlassian-connect.json";
const HEALTH: &str = "/test-management/health";

async fn get(world: &World, path: &str) -> Answer {
    world.send(Request::builder().method(Method::GET).uri(path).body(Body::empty()).unwrap()).await
}

async fn health(world: &World) -> StatusCode {
    get(world, HEALTH).await.status
}

#[tokio::test]
async fn the_descriptor_is_public_json_under_its_own_address() {
    let world = World::new().await;
    let answer = get(&world, DESCRIPTOR).await;
    assert_eq!((answer.status, &answer.headers["content-type"]), (StatusCode::OK, &"application/json".parse().unwrap()));
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let descriptor = answer.json();
    assert_eq!(descriptor["baseUrl"], format!("{ADDRESS}/test-management"));
    assert_eq!(descriptor["links"]["self"], format!("{ADDRESS}{DESCRIPTOR}"));
    assert_eq!(descriptor["key"], "io.lethe.test-management");
    assert_eq!(descriptor["authentication"]["type"], "jwt");
}

/// Promise A-02: signed installs and our own token kind are not optional.
#[tokio::test]
async fn the_descriptor_has_opted_in_to_every_migration() {
    let world = World::new().await;
    let migrations = &get(&world, DESCRIPTOR).await.json()["apiMigrations"];
    assert_eq!(migrations, &json!({"gdpr": true, "signed-install": true, "context-qsh": true}));
}

/// Promise A-02: what the descriptor tells Atlassian to call is there.
#[tokio::test]
async fn every_lifecycle_path_is_the_route_of_the_function_of_its_name() {
    let world = World::new().await;
    let descriptor = get(&world, DESCRIPTOR).await.json();
    let told: BTreeMap<&str, &str> =
        descriptor["lifecycle"].as_object().unwrap().iter().map(|(event, path)| (event.as_str(), path.as_str().unwrap())).collect();
    let events = ["disabled", "enabled", "installed", "uninstalled"];
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), events);
    for sample in Sample::all().unwrap().iter().filter(|sample| events.contains(&sample.function.as_str())) {
        assert_eq!(sample.method(), "POST");
        assert_eq!(sample.path(), format!("/test-management{}", told[sample.function.as_str()]));
    }
}

/// Promise A-34: each realm's customers are sent to their own region.
#[tokio::test]
async fn the_descriptor_lists_the_region_of_every_realm() {
    let world = World::new().await;
    let descriptor = descriptor_of(&world, r#"{"EU":"https://eu.lethe.example","US":"https://us.lethe.example"}"#).await;
    let regions = json!({"EU": "https://eu.lethe.example/test-management", "US": "https://us.lethe.example/test-management"});
    assert_eq!(descriptor["regionBaseUrls"], regions);
    assert!(descriptor_of(&world, "{}").await.get("regionBaseUrls").is_none());
}

/// The descriptor of a deployment that names these regions.
async fn descriptor_of(world: &World, regions: &str) -> Value {
    let config = Config::read(|variable| {
        let value = match variable {
            "LETHE_PUBLIC_URL" => ADDRESS,
            "LETHE_REGION_BASE_URLS" => regions,
            "LETHE_ORIGIN_SECRETS" => ORIGIN_SECRET,
            "LETHE_INSTALL_KEYS_URLS" => "https://keys.example",
            "LETHE_SITE_HOSTS" => ".atlassian.net",
            "AWS_ENDPOINT_URL" | "AWS_ENDPOINT_URL_S3" => return None,
            "LETHE_BRIDGE_SCRIPT_URL" => "https://bridge.example/all.js",
            "LETHE_WRAPPING_KEY" | "LETHE_CERTIFICATE_KEY" => "arn:aws:kms:eu-west-1:111122223333:key/1",
            "LETHE_SENTRY_DSN" | "LETHE_GA4_MEASUREMENT_ID" | "LETHE_DATADOG_API_URL" => "off",
            "LETHE_GA4_URL" => "https://ga4.example",
            "LETHE_KEY_BACKUP_DAYS" => "7",
            "LETHE_DATA_BACKUP_DAYS" => "35",
            _ => "given",
        };
        Some(value.to_owned())
    });
    let outside = Outside { clock: Arc::clone(&world.clock) as _, aws: Some(world.aws().http_client()), ..Outside::real() };
    let platform = Platform::new(config.unwrap(), outside);
    let (_, routes) = MOUNTS.iter().find(|(name, _)| *name == "descriptor").unwrap();
    let router: Router = routes(platform);
    let request = Request::builder().uri(DESCRIPTOR).header("x-lethe-origin", ORIGIN_SECRET).body(Body::empty()).unwrap();
    answer(router, request).await.json()
}

#[tokio::test]
async fn health_says_that_we_are_up_and_nothing_else() {
    let world = World::new().await;
    let answer = get(&world, HEALTH).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"status": "up"})));
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn we_are_not_well_while_something_that_every_tenant_needs_is_away() {
    for (service, operation) in [(Service::DynamoDb, "GetItem"), (Service::Kms, "DescribeKey")] {
        let world = World::new().await;
        // Three attempts of the SDK.
        world.aws().faults().on(service, operation, Fault::InternalError, 3);
        let answer = get(&world, HEALTH).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"), "{operation}");
        assert_eq!(answer.headers["retry-after"], "5", "{operation}");
        world.clock.advance(Duration::from_secs(10));
        assert_eq!(health(&world).await, StatusCode::OK, "{operation}");
    }
}

#[tokio::test]
async fn we_are_not_well_while_the_wrapping_key_is_switched_off() {
    let world = World::new().await;
    let kms = aws_sdk_kms::Client::new(&world.aws().sdk_config());
    let key = world.host.platform("descriptor").unwrap().wrapping_key().arn().to_owned();
    kms.disable_key().key_id(&key).send().await.unwrap();
    assert_eq!(health(&world).await, StatusCode::SERVICE_UNAVAILABLE);
    kms.enable_key().key_id(&key).send().await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(health(&world).await, StatusCode::OK);
}

/// Whoever asks often costs nothing and learns nothing new, well or not.
#[tokio::test]
async fn health_is_asked_of_aws_once_in_ten_seconds() {
    for (faults, expected) in [(0, StatusCode::OK), (3, StatusCode::SERVICE_UNAVAILABLE)] {
        let world = World::new().await;
        world.aws().faults().on(Service::DynamoDb, "GetItem", Fault::InternalError, faults);
        assert_eq!(health(&world).await, expected);
        let asked = world.aws().calls().mark();
        for _ in 0..9 {
            world.clock.advance(Duration::from_secs(1));
            assert_eq!(health(&world).await, expected);
        }
        assert_eq!(world.aws().calls().since(asked), []);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(health(&world).await, StatusCode::OK);
        assert_eq!(world.aws().calls().since(asked).len(), 2);
    }
}
