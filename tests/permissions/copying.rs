//! The part of the story that is about copies of issues.

use std::time::Duration;

use http::{Method, StatusCode};
use local::jira::user::PROJECT;
use serde_json::json;

use super::Told;
use crate::harness::{CONFIGURATION, page_request};
use crate::webhooks::{payload, update, webhook};

const HOUR: Duration = Duration::from_secs(3_600);

const SELECTED: &str = r#"{"projects":["10000"],"fields":["summary"]}"#;

impl Told {
    /// Everything that happens to copies: they are selected, kept, shown, deleted, taken out of the selection through more than one page, and
    /// swept; a message is none of ours.
    pub(super) async fn copy_issues(&mut self) {
        self.select(SELECTED).await;
        self.tell_of_an_issue(1).await;
        self.keep_copies().await;
        self.read_copies(1).await;
        for issue in 2..=60 {
            update(&self.world, issue, self.world.now() * 1000, "one").await;
        }
        self.keep_copies().await;
        self.select(r#"{"projects":["77"],"fields":["summary"]}"#).await;
        self.world.host.send_to_queue("IssueEventsQueue", "none".to_owned()).unwrap();
        self.keep_copies().await;
        self.select(SELECTED).await;
        self.tell_of_an_issue(2).await;
        self.keep_copies().await;
        self.sweep().await;
    }

    async fn select(&mut self, json: &'static str) {
        let request = page_request(&self.world.acme, Method::PUT, &format!("{CONFIGURATION}/issue-copies"), self.world.now());
        assert!(self.send("configuration", request.body(json.into()).unwrap()).await.is_success());
    }

    pub(super) async fn tell_of_an_issue(&mut self, issue: u64) {
        let now = self.world.now();
        let told = payload("jira:issue_updated", issue, now * 1000, &json!({"summary": "s", "project": {"id": PROJECT.to_string()}}));
        let request = webhook(&self.world, &self.world.acme, "jira:issue_updated", &format!("{issue} {now}"), told.to_string());
        assert_eq!(self.send("webhooks", request).await, StatusCode::NO_CONTENT);
    }

    pub(super) async fn keep_copies(&mut self) {
        let mark = self.world.aws().calls().mark();
        for _ in 0..4 {
            self.world.host.deliver().await.unwrap();
        }
        assert_eq!(self.world.host.waits(), 0);
        self.note("issue-copies", mark);
    }

    pub(super) async fn read_copies(&mut self, issue: u64) {
        let path = format!("/test-management/issue-copies/{issue}");
        let request = page_request(&self.world.acme, Method::GET, &path, self.world.now());
        assert_eq!(self.send("issue-copies-read", request.body("".into()).unwrap()).await, StatusCode::OK);
    }

    /// A day of sweeps, at the end of what is kept.
    async fn sweep(&mut self) {
        let platform = self.world.host.platform("issue-copies-sweep").unwrap();
        let mark = self.world.aws().calls().mark();
        let mut deleted = 0;
        self.world.clock.advance(HOUR * (29 * 24));
        for _ in 0..24 {
            self.world.clock.advance(HOUR);
            let ran = crate::asking::run_on(&platform, "issue-copies-sweep", crate::asking::TIME).await.unwrap();
            deleted += ran.count("deleted");
        }
        assert!(deleted > 0);
        self.note("issue-copies-sweep", mark);
        self.tell_of_an_issue(1).await;
        self.keep_copies().await;
    }
}
