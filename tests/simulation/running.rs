//! What AWS starts: functions by their schedules, and those of queues, for every message that can be seen.

use std::sync::Arc;
use std::time::Duration;

use local::mounts::Work;
use serde_json::json;
use shared::platform::schedule::{Deadline, Report};

use super::course::{Actor, Course, Held};
use super::invariants;
use super::race::interleaved;
use super::snapshots::{DEPARTURES, text};
use crate::triggers::work_of;

impl Course {
    /// A function runs by its schedule, perhaps in trouble; what it could not do it does in the next hour.
    pub async fn run(&mut self, function: &'static str) -> Held<Option<Report>> {
        let Work::Schedule(handle) = work_of(function) else { panic!("{function} has no schedule") };
        let platform = self.world.host.platform(function).unwrap();
        self.ran(function);
        let deadline = Deadline::after(&platform, Duration::from_secs(900));
        let ended = self.in_trouble(handle(platform, deadline)).await?;
        let said = match &ended {
            Some(Ok(report)) => report.to_string(),
            Some(Err(problem)) => problem.reason().0.into_owned(),
            None => "died".to_owned(),
        };
        self.tell(format!("{function}: {said}"));
        if function == "doubtful" {
            self.settle_untruths();
        }
        self.absorb(Actor::Function(function))?;
        Ok(ended.and_then(Result::ok))
    }

    /// A function counts as run in this hour.
    pub fn ran(&mut self, function: &'static str) {
        self.ran_at.insert(function, self.now());
    }

    /// Every message that can be seen is handed out, perhaps in trouble, and some are handed out twice.
    pub async fn deliver(&mut self) -> Held {
        invariants::count_before_purging(self);
        let world = Arc::clone(&self.world);
        let purging = self
            .shelf
            .table(DEPARTURES)
            .find(|(_, item)| text(item, "stage") == "purging")
            .map(|(_, item)| json!({"digest": text(item, "digest"), "tenantId": text(item, "tenant_id")}).to_string());
        if let (Some(body), 0) = (&purging, self.dice.throw(6)) {
            self.work_together(body).await;
        }
        let ended = self.in_trouble(world.host.deliver()).await?;
        self.tell(format!("queues: {}", ended.map_or("died".to_owned(), |done| format!("{} done", done.unwrap()))));
        if let (Some(body), 0) = (purging, self.dice.throw(10)) {
            self.world.host.send_to_queue("PurgeQueue", body).unwrap();
        }
        self.absorb(Actor::Queues)?;
        self.after_delivery().await
    }

    /// SQS hands a message out at least once: two workers have it at the same time.
    async fn work_together(&mut self, body: &str) {
        let Work::Queue(handle) = work_of("purge-worker") else { panic!("the purge has no queue") };
        let platform = self.world.host.platform("purge-worker").unwrap();
        let event = || serde_json::from_value(json!({"Records": [{"messageId": "1", "body": body}]})).unwrap();
        interleaved(&mut self.dice, handle(platform.clone(), event()), handle(platform.clone(), event()), || ()).await;
        self.tell(format!("two workers: {body}"));
    }
}
