//! What each function may do, against what it does: every call to AWS is written down while a tenant's whole story is told, one function at
//! a time, and compared with the function's own role in template.yaml. Nothing is missing and nothing is spare.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Method, Request, StatusCode};
use local::aws::Need;
use local::host::ORIGIN_SECRET;
use local::samples::Sample;
use local::template::{Template, at};
use shared::problem::Problem;
use shared::tenant::{ContextToken, rotation};
use yaml_serde::Value;

use crate::harness::{World, answer, host_request, lifecycle_request, page_request};

const DAY: Duration = Duration::from_secs(86_400);

type Used = BTreeMap<String, BTreeSet<(String, String)>>;

/// A world told one function at a time, and what each function needed for its part.
struct Told {
    world: World,
    used: Used,
}

impl Told {
    async fn send(&mut self, function: &str, request: Request<Body>) -> StatusCode {
        let mark = self.world.aws().calls().mark();
        let answered = self.world.send_to(function, request).await;
        assert!(!answered.status.is_server_error(), "{function}: {}", answered.text());
        let key = self.world.host.platform(function).unwrap().wrapping_key().arn().to_owned();
        let needs = self.world.aws().calls().since(mark).into_iter().flat_map(|call| call.needs);
        let used = self.used.entry(function.to_owned()).or_default();
        used.extend(needs.map(|Need { action, resource }| (action, if resource == key { "WrappingKey".to_owned() } else { resource })));
        answered.status
    }

    async fn event(&mut self, event: &str) {
        let site = &self.world.acme;
        let request = lifecycle_request(site, event, self.world.now(), &site.payload(event));
        assert_eq!(self.send(event, request).await, StatusCode::NO_CONTENT, "{event}");
        self.world.clock.advance(Duration::from_secs(1));
    }

    /// Everything that an active tenant does.
    async fn use_it(&mut self) {
        for event in ["installed", "enabled", "disabled"] {
            self.event(event).await;
        }
        let now = self.world.now();
        let account = host_request(&self.world.acme, Method::GET, "/test-management/account", now).body(Body::empty()).unwrap();
        self.send("account", account).await;
        let one = "/test-management/configuration/colour";
        for (method, target, body) in [
            (Method::PUT, one, "1"),
            (Method::GET, one, ""),
            (Method::GET, "/test-management/configuration", ""),
            (Method::DELETE, one, ""),
            (Method::PUT, one, "1"),
        ] {
            let request = page_request(&self.world.acme, method, target, now).body(Body::from(body)).unwrap();
            self.send("configuration", request).await;
        }
    }

    async fn read_by(&mut self, function: &str) {
        let now = self.world.now();
        let request = match function {
            "account" => host_request(&self.world.acme, Method::GET, "/test-management/account", now),
            _ => page_request(&self.world.acme, Method::GET, "/test-management/configuration", now),
        };
        assert_eq!(self.send(function, request.body(Body::empty()).unwrap()).await, StatusCode::OK, "{function}");
    }

    /// Gives the tenant a new data key, so that all that was sealed before is of an old version.
    async fn rotate(&self) {
        async fn rotate(token: ContextToken) -> Result<StatusCode, Problem> {
            rotation::rotate(&token.tenant).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        let platform = self.world.host.platform("configuration").unwrap();
        let router = platform.serve("rotation", Router::new().route("/{app}/rotation", post(rotate)));
        let request = page_request(&self.world.acme, Method::POST, "/test-management/rotation", self.world.now());
        let request = request.header("x-lethe-origin", ORIGIN_SECRET).body(Body::empty()).unwrap();
        assert_eq!(answer(router, request).await.status, StatusCode::NO_CONTENT);
    }

    /// Everything that lies in a table is gone.
    async fn lose(&self, table: &str, keys: &[&str]) {
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.world.aws().sdk_config());
        for item in self.world.aws().dump().unwrap()[table].as_array().unwrap() {
            let key = keys.iter().map(|key| (key.to_string(), AttributeValue::S(item[key]["S"].as_str().unwrap().to_owned()))).collect();
            dynamodb.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
        }
    }

    async fn restart(self) -> Self {
        Self { world: self.world.restarted().await, ..self }
    }
}

/// What each function needs over a whole life: sample events; first use, warm use; leaving twice, returning; an old key version, cold, of
/// everything that was sealed under it; a next life; and a life after a finished purge.
async fn whole_story() -> Used {
    let mut told = Told { world: World::of_samples().await, used: Used::new() };
    for sample in Sample::all().unwrap() {
        let request = told.world.sampled(&sample);
        told.send(&sample.function, request).await;
    }
    told = Told { world: World::new().await, ..told };
    told.use_it().await;
    told.world.clock.advance(Duration::from_secs(61));
    told.use_it().await;
    for _ in 0..2 {
        told.event("uninstalled").await;
    }
    told.event("installed").await;
    // An account sealed under the old version is opened by each function first of all, and by an upgrade.
    for function in ["installed", "enabled", "disabled", "account", "configuration"] {
        told.rotate().await;
        told = told.restart().await;
        match function {
            "account" | "configuration" => told.read_by(function).await,
            event => told.event(event).await,
        }
    }
    told.use_it().await;
    told.event("uninstalled").await;
    told.world.clock.advance(DAY * 111);
    told.use_it().await;
    // A restore may have lost the keys of one who leaves then, and the departure of one who comes back too late.
    told.lose("TenantKeysTable", &["digest"]).await;
    told.event("uninstalled").await;
    told.world.clock.advance(DAY * 111);
    told.lose("DeparturesTable", &["digest", "tenant_id"]).await;
    told.event("installed").await;
    told.used
}

/// Every action on every resource that the function's own role names, the storage key's use by DynamoDB left out: AWS asks that one in the
/// function's name, the embedded AWS does not.
fn granted(function: &str) -> BTreeSet<(String, String)> {
    let grants = Template::deployed().unwrap().grants(function);
    let pairs = grants.iter().flat_map(|grant| grant.actions.iter().flat_map(|action| grant.resources.iter().map(move |on| (action, on))));
    pairs.filter(|(_, on)| *on != "StorageKey").map(|(action, on)| (action.clone(), on.clone())).collect()
}

/// Promises: each function reaches its service's tables and no other's.
#[tokio::test]
async fn every_function_may_do_what_it_does_and_nothing_else() {
    let used = whole_story().await;
    let mut wrong = Vec::new();
    for id in Template::deployed().unwrap().functions() {
        let (granted, used) = (granted(&id), used.get(&Template::function_name(&id)).cloned().unwrap_or_default());
        wrong.extend(used.difference(&granted).map(|(action, on)| format!("{id} needs {action} on {on}")));
        wrong.extend(granted.difference(&used).map(|(action, on)| format!("{id} is granted {action} on {on} and never asks")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Promise A-42.
#[test]
fn no_function_is_granted_a_wildcard() {
    let template = Template::deployed().unwrap();
    for function in template.functions() {
        let grants = template.grants(&function);
        assert!(!grants.is_empty(), "{function}");
        for named in grants.iter().flat_map(|grant| grant.actions.iter().chain(&grant.resources)) {
            assert!(!named.is_empty() && !named.contains('*'), "{function}: {named}");
        }
    }
}

/// The wrapping key unwraps for a function only what was wrapped as a tenant's key; the storage key serves only DynamoDB's own calls.
#[test]
fn every_use_of_a_key_is_bound_to_its_purpose() {
    for (id, function) in Template::deployed().unwrap().resources("AWS::Serverless::Function") {
        let policies = at(&function, &["Properties", "Policies"]).and_then(Value::as_sequence).unwrap();
        for statement in policies.iter().flat_map(|policy| at(policy, &["Statement"]).and_then(Value::as_sequence).unwrap()) {
            let actions = format!("{:?}", at(statement, &["Action"]).unwrap());
            let condition = at(statement, &["Condition", "StringEquals"]).map(|equals| format!("{equals:?}")).unwrap_or_default();
            let resource = format!("{:?}", at(statement, &["Resource"]).unwrap());
            let bound = match (resource.contains("WrappingKey"), resource.contains("StorageKey")) {
                (true, false) if actions.contains("DescribeKey") => !actions.contains("Decrypt"),
                (true, false) => condition.contains("kms:EncryptionContext:purpose") && condition.contains("tenant-key"),
                (false, true) => condition.contains("kms:ViaService") && condition.contains("dynamodb."),
                (names_wrapping_key, _) => !names_wrapping_key && !actions.contains("kms:"),
            };
            assert!(bound, "{id}: {actions} on {resource} if {condition}");
        }
    }
}

/// Promises: encrypted, guarded against deletion, restorable to any second of the last weeks.
#[test]
fn every_table_is_encrypted_guarded_and_restorable() {
    for (id, table) in Template::deployed().unwrap().resources("AWS::DynamoDB::Table") {
        let property = |names: &[&str]| at(table.get("Properties").unwrap(), names).cloned().unwrap_or(Value::Null);
        // The wrapped keys are kept in backups for a week only: that bounds how long anything is readable.
        let days = if id == "TenantKeysTable" { 7 } else { 35 };
        let key = property(&["SSESpecification", "KMSMasterKeyId"]);
        for (what, holds) in [
            ("deletion protection", property(&["DeletionProtectionEnabled"]) == Value::Bool(true)),
            ("recovery", property(&["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"]) == Value::Bool(true)),
            ("its days of recovery", property(&["PointInTimeRecoverySpecification", "RecoveryPeriodInDays"]).as_u64() == Some(days)),
            ("encryption by KMS", property(&["SSESpecification", "SSEType"]).as_str() == Some("KMS")),
            ("the storage key", matches!(&key, Value::Tagged(tagged) if tagged.value.as_str() == Some("StorageKey.Arn"))),
            ("pay per request", property(&["BillingMode"]).as_str() == Some("PAY_PER_REQUEST")),
            ("being kept when the stack goes", table.get("DeletionPolicy").and_then(Value::as_str) == Some("Retain")),
            ("being kept when it is replaced", table.get("UpdateReplacePolicy").and_then(Value::as_str) == Some("Retain")),
        ] {
            assert!(holds, "{id} lacks {what}");
        }
    }
}

/// Promise E-34: TTL is the net under the purge, wherever something has an end of its own.
#[test]
fn keys_and_records_have_a_ttl_and_what_proves_the_purge_has_none() {
    for table in Template::deployed().unwrap().tables().unwrap() {
        let expected = match table.name.as_str() {
            "TenantsTable" | "DeparturesTable" => None,
            _ => Some("expires_at"),
        };
        assert_eq!(table.ttl_attribute.as_deref(), expected, "{}", table.name);
    }
}

/// Promises: the only ways in are the front door and the functions' URLs, all TLS; there is no host to log in to.
#[test]
fn nothing_is_deployed_that_listens_beside_the_front_door() {
    let template = Template::deployed().unwrap();
    let types = include_str!("../template.yaml").lines().filter_map(|line| line.strip_prefix("    Type: AWS::"));
    let listening = ["EC2", "ECS", "EKS", "ElasticLoadBalancing", "ApiGateway", "AppRunner", "Lightsail", "RDS", "Transfer", "AppSync"];
    for kind in types {
        assert!(!listening.iter().any(|service| kind.starts_with(service)), "{kind}");
    }
    let (_, door) = template.resources("AWS::CloudFront::Distribution").remove(0);
    let config = at(&door, &["Properties", "DistributionConfig"]).unwrap();
    let version = at(config, &["ViewerCertificate", "MinimumProtocolVersion"]).and_then(Value::as_str).unwrap();
    assert!(version >= "TLSv1.2", "{version}");
    let behaviours = at(config, &["CacheBehaviors"]).and_then(Value::as_sequence).unwrap();
    for behaviour in behaviours.iter().chain(at(config, &["DefaultCacheBehavior"])) {
        let said = |name: &str| behaviour.get(name).and_then(Value::as_str);
        assert_eq!(said("ViewerProtocolPolicy"), Some("https-only"), "{behaviour:?}");
        assert_eq!(said("CachePolicyId"), Some("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"), "CachingDisabled: {behaviour:?}");
    }
    for origin in at(config, &["Origins"]).and_then(Value::as_sequence).unwrap() {
        assert_eq!(at(origin, &["CustomOriginConfig", "OriginProtocolPolicy"]).and_then(Value::as_str), Some("https-only"), "{origin:?}");
    }
}
