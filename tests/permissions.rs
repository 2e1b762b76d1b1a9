//! What each function may do, against what it does: every call to AWS is written down while a tenant's whole story is told, one function at
//! a time, and compared with the function's own role in template.yaml. Nothing is missing and nothing is spare.

mod copying;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Method, Request, StatusCode};
use local::aws::{Fault, Mark, Need, Service};
use local::host::ORIGIN_SECRET;
use local::mounts::Work;
use local::samples::Sample;
use local::template::{Template, bucket_name};
use serde_json::json;
use shared::problem::Problem;
use shared::tenant::{Anonymous, ContextToken, rotation};

use crate::asking;
use crate::attachments::PATH;
use crate::harness::{World, answer, host_request, lifecycle_request, page_request};
use crate::reconciling::{in_short_runs, orphan_of, put_sealed, six_orphans};
use crate::sealing::{arrived, begun, key, s3};
use crate::triggers::work_of;
use crate::webhooks::update;

const DAY: Duration = Duration::from_secs(86_400);

type Used = BTreeMap<String, BTreeSet<(String, String)>>;

/// A world told one function at a time, and what each function needed for its part.
pub struct Told {
    pub world: World,
    used: Used,
}

impl Told {
    pub async fn send(&mut self, function: &str, request: Request<Body>) -> StatusCode {
        let mark = self.world.aws().calls().mark();
        let answered = self.world.send_to(function, request).await;
        assert!(!answered.status.is_server_error(), "{function}: {}", answered.text());
        self.note(function, mark);
        answered.status
    }

    /// Everything that was asked since this mark was asked by this function.
    pub fn note(&mut self, function: &str, mark: Mark) {
        let platform = self.world.host.platform(function).unwrap();
        let certificate_key = platform.config().certificate_key.clone();
        let mut ids =
            vec![(platform.wrapping_key().arn().to_owned(), "WrappingKey".to_owned()), (certificate_key, "CertificateKey".to_owned())];
        ids.extend(Template::deployed().unwrap().resources("AWS::S3::Bucket").into_iter().map(|(id, _)| (bucket_name(&id), id)));
        let logical = |resource: String| {
            let named = ids.iter().find_map(|(physical, id)| Some(format!("{id}{}", resource.strip_prefix(physical.as_str())?)));
            named.unwrap_or(resource)
        };
        let needs = self.world.aws().calls().since(mark).into_iter().flat_map(|call| call.needs);
        let needs: Vec<_> = needs.map(|Need { action, resource }| (action, logical(resource))).collect();
        let used = self.used.entry(function.to_owned()).or_default();
        // Whoever may not list a bucket is told "forbidden" of a key that is not there, and could not tell that it is gone.
        let listing = ("s3:ListBucket".to_owned(), "IncomingBucket".to_owned());
        used.extend(needs.iter().any(|(action, on)| action == "s3:GetObject" && on == "IncomingBucket/*").then_some(listing));
        used.extend(needs);
    }

    /// Hands what S3 has told to the function that seals.
    async fn seal(&mut self) {
        let mark = self.world.aws().calls().mark();
        assert_eq!((self.world.host.deliver().await.unwrap(), self.world.host.waits()), (1, 0));
        self.note("attachment-seal", mark);
    }

    async fn reconcile(&mut self) {
        let mark = self.world.aws().calls().mark();
        let platform = self.world.host.platform("attachment-reconcile").unwrap();
        let ran = asking::run_on(&platform, "attachment-reconcile", asking::TIME).await.unwrap();
        assert_eq!((ran.count("faults"), ran.count("finished")), (0, 1), "{ran}");
        self.note("attachment-reconcile", mark);
    }

    /// Everything that happens to a file on its way: it is sealed by two at once, is read, is not what was said of it; its end is told
    /// twice; an object is nobody's, and an upload is never ended.
    async fn send_files(&mut self) {
        let (acme, world) = (self.world.acme.clone(), &self.world);
        let id = arrived(world, &acme, b"a plan").await;
        let told = world.aws().take_notifications().remove(0).to_string();
        let Work::Queue(handle) = work_of("attachment-seal") else { panic!("no queue") };
        let batch = || serde_json::from_value(json!({"Records": [{"messageId": "1", "body": told}]})).unwrap();
        let platform = || world.host.platform("attachment-seal").unwrap();
        let mark = world.aws().calls().mark();
        futures::join!(handle(platform(), batch()), handle(platform(), batch()));
        self.note("attachment-seal", mark);
        let file = page_request(&acme, Method::GET, &format!("{PATH}/{id}"), self.world.now()).body(Body::empty()).unwrap();
        assert_eq!(self.send("attachments", file).await, StatusCode::OK);
        self.end_twice().await;
        let world = &self.world;
        let wrong = begun(world, &acme, b"a plan").await["id"].as_str().unwrap().to_owned();
        let put = s3(world).put_object().bucket("incoming-bucket").key(key(&acme, &wrong)).body(b"a lie!".to_vec().into());
        put.send().await.unwrap();
        self.seal().await;
        let world = &self.world;
        arrived(world, &acme, b"not told").await;
        drop(world.aws().take_notifications());
        s3(world).create_multipart_upload().bucket("sealed-bucket").key("a").send().await.unwrap();
        put_sealed(world, &orphan_of(world, &acme, &id).await).await;
        self.world.clock.advance(DAY);
        self.reconcile().await;
    }

    async fn event(&mut self, event: &str) {
        let site = &self.world.acme;
        self.world.jira.keep(site);
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

    /// An upload whose end was not heard is ended again.
    async fn end_twice(&mut self) {
        let (acme, now) = (self.world.acme.clone(), self.world.now());
        let begun = begun(&self.world, &acme, b"a plan").await;
        assert_eq!(self.world.put_part(&begun["missing"][0], "a plan").await.status, StatusCode::OK);
        let end = || {
            let target = format!("{PATH}/uploads/{}/complete", begun["id"].as_str().unwrap());
            page_request(&acme, Method::POST, &target, now).body(Body::empty()).unwrap()
        };
        self.world.aws().faults().on(Service::DynamoDb, "UpdateItem", Fault::BeforeSend, 3);
        assert_eq!(self.world.send_to("attachments", end()).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(self.send("attachments", end()).await, StatusCode::ACCEPTED);
        self.seal().await;
    }

    async fn read_by(&mut self, function: &str) {
        let now = self.world.now();
        let request = match function {
            "account" | "page" => host_request(&self.world.acme, Method::GET, &format!("/test-management/{function}"), now),
            _ => page_request(&self.world.acme, Method::GET, &format!("/test-management/{function}"), now),
        };
        assert_eq!(self.send(function, request.body(Body::empty()).unwrap()).await, StatusCode::OK, "{function}");
    }

    /// Gives the tenant a new data key, so that all that was sealed before is of an old version.
    async fn rotate(&self) {
        async fn rotate(token: ContextToken<Anonymous>) -> Result<StatusCode, Problem> {
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
    pub async fn lose(&self, table: &str, keys: &[&str]) {
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.world.aws().sdk_config());
        for item in self.world.aws().dump().unwrap()[table].as_array().unwrap() {
            let key = keys.iter().map(|key| (key.to_string(), AttributeValue::S(item[key]["S"].as_str().unwrap().to_owned()))).collect();
            dynamodb.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
        }
    }

    /// One run of a function that asks the sites, and what it did.
    async fn ask(&mut self, function: &str) -> Vec<(&'static str, u64)> {
        let mark = self.world.aws().calls().mark();
        let report = asking::run(&self.world, function).await;
        self.note(function, mark);
        asking::done(&report)
    }

    /// What the sites are asked: about a leaving that is none, one that is true and a return that is none; and week by week, until somebody has
    /// gone without a word, once without the keys.
    async fn ask_sites(mut self) -> Self {
        self = self.installed_under_old_keys().await;
        for (events, is_there, settled) in [
            (&["uninstalled"][..], true, "revived"),
            (&["installed", "uninstalled"], false, "believed"),
            (&["installed"], false, "returns-undone"),
        ] {
            for event in events {
                self.event(event).await;
            }
            if !is_there {
                self.world.jira.remove(&self.world.acme);
            }
            // One refusal may be one bad day: a return is undone by the fourth.
            for _ in 0..if settled == "returns-undone" { 3 } else { 0 } {
                self.world.clock.advance(DAY);
                assert_eq!(self.ask("doubtful").await, [("postponed", 1), ("finished", 1)]);
            }
            self.world.clock.advance(DAY);
            assert_eq!(self.ask("doubtful").await, [(settled, 1), ("finished", 1)]);
        }
        for keys_are_lost in [false, true] {
            self = self.installed_under_old_keys().await;
            for answer in ["known", "refused", "refused", "refused", "refused", "refused"] {
                self.world.clock.advance(DAY * 7);
                assert_eq!(self.ask("dormant").await, [(answer, 1), ("finished", 1)]);
                self.world.jira.remove(&self.world.acme);
            }
            self.world.clock.advance(DAY * 7);
            if keys_are_lost {
                // They are in the cache still, and gone from the table.
                self.world.aws().faults().on(Service::DynamoDb, "TransactWriteItems", Fault::BeforeSend, 3);
                assert_eq!(self.ask("dormant").await, [("faults", 1), ("finished", 1)]);
                self.world.lose_keys(&self.world.acme).await;
            }
            assert_eq!(self.ask("dormant").await, [("marked-dormant", 1), ("finished", 1)]);
        }
        self
    }

    /// A world whose first site's account is sealed under an old key version, and every function is cold.
    async fn installed_under_old_keys(mut self) -> Self {
        self.world = World::installed().await;
        self.rotate().await;
        self.world.clock.advance(Duration::from_secs(1));
        self.restart().await
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
    told.send_files().await;
    told.copy_issues().await;
    for _ in 0..2 {
        told.event("uninstalled").await;
    }
    told.event("installed").await;
    // An account sealed under the old version is opened by each function first of all, and by an upgrade.
    let workers = ["attachment-seal", "attachment-reconcile", "webhooks", "issue-copies", "issue-copies-read"];
    for function in ["installed", "enabled", "disabled", "account", "page", "configuration", "attachments"].into_iter().chain(workers) {
        if function == "attachment-seal" {
            arrived(&told.world, &told.world.acme, b"a plan").await;
        }
        if function == "issue-copies" {
            update(&told.world, 1, told.world.now() * 1000, "on its way").await;
        }
        told.rotate().await;
        told = told.restart().await;
        match function {
            "account" | "page" | "configuration" | "attachments" => told.read_by(function).await,
            "attachment-seal" => told.seal().await,
            "attachment-reconcile" => told.reconcile().await,
            "webhooks" => told.tell_of_an_issue(1).await,
            "issue-copies" => told.keep_copies().await,
            "issue-copies-read" => told.read_copies(1).await,
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
    told.erase().await;
    told.purge().await;
    told = told.tell_of_use().await;
    let told = told.ask_sites().await;
    let mut short = Told { world: World::new().await, ..told };
    six_orphans(&short.world).await;
    let mark = short.world.aws().calls().mark();
    in_short_runs(&short.world).await;
    short.note("attachment-reconcile", mark);
    short.used
}

/// Every action on every resource that the function's own role names, the storage key's use by other services left out: AWS asks that one in
/// the function's name, the embedded AWS does not.
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
        // What is restored has names of its own: `restoring` holds this role against what it does.
        if id == "RestoreFilter" {
            continue;
        }
        let (granted, used) = (granted(&id), used.get(&Template::function_name(&id)).cloned().unwrap_or_default());
        wrong.extend(used.difference(&granted).map(|(action, on)| format!("{id} needs {action} on {on}")));
        wrong.extend(granted.difference(&used).map(|(action, on)| format!("{id} is granted {action} on {on} and never asks")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Beside what a function does, its role lets Lambda write its log, take from its queue and tell of its failed runs: each of its own, and only where
/// there is such a queue or run.
#[test]
fn lambda_may_do_around_a_function_what_its_triggers_need_and_nothing_else() {
    let template = Template::deployed().unwrap();
    let (queues, schedules, subscriptions) =
        (template.queue_triggers().unwrap(), template.schedules().unwrap(), template.subscriptions().unwrap());
    let grant = |sid: &str, actions: &[&str], on: &str| local::template::Grant {
        sid: sid.to_owned(),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        resources: vec![on.to_owned()],
    };
    for id in template.functions() {
        let mut needed = vec![grant("WriteLog", &["logs:CreateLogStream", "logs:PutLogEvents"], &format!("{id}Log"))];
        let queue = queues.iter().find(|trigger| trigger.function == id);
        let take = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        needed.extend(queue.map(|trigger| grant("TakeFromTheQueue", &take, &trigger.queue)));
        let is_scheduled = schedules.iter().any(|schedule| schedule.function == id);
        let is_told = subscriptions.iter().any(|subscription| subscription.target == id);
        needed.extend((is_scheduled || is_told).then(|| grant("TellOfAFailedRun", &["sqs:SendMessage"], "FailedRuns")));
        assert_eq!(template.grants_to_lambda(&id), needed, "{id}");
    }
}
