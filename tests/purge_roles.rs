//! What the purge may do, and how it may be called, as the template says.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use local::template::{Template, at};
use shared::records::backups::{Contents, STORES};
use shared::records::register::EVER_SHIPPED;

use crate::harness::World;
use crate::permissions::Told;
use crate::purging::left_with_everything;

/// The purge's part of the story that every role is held against.
impl Told {
    /// Everything that the end of a tenancy needs: the purge of one who left something of every sort, a message that is none, and the proof.
    pub async fn purge(&mut self) {
        self.world = left_with_everything().await;
        self.lose("TenantsTable", &["digest"]).await;
        self.start_purges().await;
        // The next life has begun when the one before is purged.
        self.world = left_with_everything().await;
        assert_eq!(self.world.install(&self.world.acme).await.status, StatusCode::NO_CONTENT);
        self.end_purge().await;
        self.world = left_with_everything().await;
        self.start_purges().await;
        // Too early by five minutes, so that it is sent on.
        self.world.clock.advance(Duration::from_secs(15 * 60));
        let mark = self.world.aws().calls().mark();
        self.world.host.deliver().await.unwrap();
        self.note("purge-worker", mark);
        self.end_purge().await;
        self.world.host.send_to_queue("PurgeQueue", "none".to_owned()).unwrap();
        let mark = self.world.aws().calls().mark();
        self.world.host.deliver().await.unwrap();
        self.note("purge-worker", mark);
        let stages = self.world.departures(&self.world.acme).await;
        assert_eq!(stages.iter().map(|departure| departure["stage"].as_str().unwrap()).collect::<Vec<_>>(), ["purged"]);
        let world = std::mem::replace(&mut self.world, World::new().await);
        self.world = world.restarted().await;
        let keys = Request::get("/certificates/keys").body(Body::empty()).unwrap();
        assert_eq!(self.send("certificates", keys).await, StatusCode::OK);
    }

    async fn end_purge(&mut self) {
        for _ in 0..4 {
            self.world.clock.advance(Duration::from_secs(3_600));
            self.start_purges().await;
            let mark = self.world.aws().calls().mark();
            self.world.host.deliver().await.unwrap();
            self.note("purge-worker", mark);
        }
        assert_eq!(self.world.departures(&self.world.acme).await.remove(0)["stage"], "purged");
    }

    async fn start_purges(&mut self) {
        let mark = self.world.aws().calls().mark();
        self.world.host.run_schedule("purge").await.unwrap().unwrap();
        self.note("purge", mark);
    }
}

/// Whoever deletes can read nothing: neither role of the purge has any right on the key that wraps tenants' keys, nor on any table of a service but
/// to find names and to delete.
#[test]
fn the_purge_has_no_right_on_the_wrapping_key() {
    let template = Template::deployed().unwrap();
    for function in ["Purge", "PurgeWorker"] {
        let grants = template.grants(function);
        assert!(!grants.is_empty());
        assert!(!grants.iter().flat_map(|grant| &grant.resources).any(|resource| resource.starts_with("WrappingKey")), "{function}");
        let of_services = grants.iter().filter(|grant| grant.resources.contains(&"ConfigurationTable".to_owned()));
        let allowed: Vec<_> = of_services.flat_map(|grant| &grant.actions).collect();
        assert!(allowed.iter().all(|action| ["dynamodb:Query", "dynamodb:BatchWriteItem"].contains(&action.as_str())), "{allowed:?}");
    }
}

/// AWS stops a function that sends messages to itself after sixteen times, unless it is told not to.
#[test]
fn the_worker_may_send_itself_on_and_a_lease_outlives_it() {
    let template = Template::deployed().unwrap();
    let worker = template.resources("AWS::Serverless::Function").into_iter().find(|(id, _)| id == "PurgeWorker").unwrap().1;
    assert_eq!(at(&worker, &["Properties", "RecursiveLoop"]).and_then(yaml_serde::Value::as_str), Some("Allow"));
    assert_eq!(template.timeout("PurgeWorker"), Duration::from_secs(900), "a lease is a minute longer");
    let trigger = template.queue_triggers().unwrap().into_iter().find(|trigger| trigger.function == "PurgeWorker").unwrap();
    assert_eq!((trigger.queue.as_str(), trigger.dead_letters.as_str()), ("PurgeQueue", "PurgeDeadLetters"));
}

/// Every table that a kind was ever kept in is one that the worker may delete from.
#[test]
fn the_worker_may_delete_from_the_table_of_every_kind_ever_shipped() {
    let template = Template::deployed().unwrap();
    let granted: Vec<_> =
        template.grants("PurgeWorker").into_iter().filter(|grant| grant.actions.contains(&"dynamodb:BatchWriteItem".to_owned())).collect();
    for row in EVER_SHIPPED {
        let table = STORES.iter().find(|store| store.contents == Contents::Records(row.service)).unwrap().resource.to_owned();
        assert!(granted.iter().any(|grant| grant.resources.contains(&table)), "{}", row.name);
    }
}
