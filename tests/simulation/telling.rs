//! What a site tells of its issues: people there change, comment, move and delete them, and Jira tells of it late, twice, out of order or not at
//! all, whatever the tenant is doing meanwhile. And what the tenant selects of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use local::atlassian::Signed;
use local::jira::user::{APP_ACCOUNT, MEMBER, PROJECT, SECRET_PROJECT};
use serde_json::{Value, json};

use super::copies::{Selection, Told, What, summary};
use super::course::{Course, HOUR, Held};
use super::story::Deed;
use crate::harness::{CONFIGURATION, World, page_request};
use crate::model::DAY;

/// For how long Jira goes on trying, at most; the app knows an event again for longer.
const TRIED_FOR: i64 = 4 * DAY;

/// The projects of a site.
const ALL: &[u64] = &[PROJECT, SECRET_PROJECT];

/// The setting that selects.
const SETTING: &str = "issue-copies";

/// The issues of a site, whoever has installed what there.
#[derive(Debug, Default)]
pub struct Tracker {
    /// By number, with the project that each is in; those that were deleted are not there.
    issues: Vec<(u64, u64)>,
    /// The last number of all issues.
    pub last: u64,
    /// Jira's number of the last change.
    changes: u64,
}

/// What an administrator selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Whatever is drawn, which may be nothing.
    Any,
    Nothing,
    Everything,
}

/// A message as the queue had it, and the event that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    body: String,
    told: Arc<Told>,
    /// In which of the tenant's lives.
    life: usize,
}

impl Course {
    /// Something happens to a few issues, and each time the site will tell.
    pub fn work_on_issues(&mut self, index: usize) {
        for number in 0..1 + self.dice.throw(5) {
            let told = Arc::new(self.happens(index, number));
            if self.dice.throw(12) == 0 {
                // Atlassian has lost it.
                continue;
            }
            for _ in 0..1 + u64::from(self.dice.throw(5) == 0) {
                let late = self.dice.pick(&[0, 0, 0, 60, 600, HOUR]);
                let late = late + self.drawn(1 + late * 9);
                self.later(index, late, Deed::Tell(Arc::clone(&told)));
            }
        }
        let after = 30 + self.drawn(12 * HOUR);
        self.later(index, after, Deed::Look);
    }

    /// One change, the `number`th of this moment.
    fn happens(&mut self, index: usize, number: u64) -> Told {
        let (now, project) = (self.now(), self.dice.pick(&[PROJECT, PROJECT, SECRET_PROJECT]));
        let (another, kind, actor, named) = (self.dice.throw(4), self.dice.throw(16), self.dice.throw(12), self.dice.throw(4) > 0);
        let tracker = &mut self.tenants[index].tracker;
        tracker.changes += 1;
        let is_new = tracker.issues.is_empty() || another == 0;
        if is_new {
            tracker.last += 1;
            tracker.issues.push((tracker.last, project));
        }
        let at = usize::try_from(another.saturating_sub(1)).unwrap() % tracker.issues.len().min(3);
        let at = tracker.issues.len() - 1 - at;
        let (event, what) = match kind {
            _ if is_new => ("issue_created", What::Shown),
            0 => ("issue_deleted", What::Deleted),
            1 | 2 => ("issue_updated", What::Moved),
            3 => ("comment_created", What::Touched),
            4 => ("worklog_updated", What::Touched),
            5 => ("attachment_created", What::Touched),
            _ => ("issue_updated", What::Shown),
        };
        let (issue, project) = match what {
            What::Deleted => tracker.issues.remove(at),
            What::Moved => {
                tracker.issues[at].1 = PROJECT + SECRET_PROJECT - tracker.issues[at].1;
                tracker.issues[at]
            }
            _ => tracker.issues[at],
        };
        // Two of them may be of the same millisecond; then the number of the change tells.
        let order = (now * 1_000 + i64::try_from(number / 2).unwrap(), tracker.changes);
        let project = Some(project).filter(|_| what != What::Touched && (what != What::Deleted || named));
        let told = Told { number: tracker.changes, event, issue, order, what, project, own: actor == 0, body: String::new() };
        Told { body: payload(&told, actor).to_string(), ..told }
    }

    /// Jira tells, and mostly tries again until it is answered.
    pub async fn tell_of_issue(&mut self, index: usize, told: &Arc<Told>) -> Held {
        let (site, now) = (self.site(index), self.now());
        if now - told.at() > TRIED_FOR {
            return Ok(());
        }
        let alone = !self.in_flight.contains(&index);
        let path = format!("/test-management/webhooks/{}", told.event);
        let request = |_: &World| {
            let token = site.host_token(Signed { method: "POST", path: &path, query: "" }, now).unwrap();
            let request = Request::post(&path).header("authorization", format!("JWT {token}")).header("content-type", "application/json");
            request.header("x-atlassian-webhook-identifier", told.number.to_string()).body(Body::from(told.body.clone())).unwrap()
        };
        let what = format!("{} {} of issue {}", told.event, told.number, told.issue);
        if self.dice.throw(12) == 0 && self.tenants[index].is_active() {
            let answered = self.try_once(index, &what, request).await?;
            let sure = answered == Some(StatusCode::NO_CONTENT);
            self.tenants[index].accept(told, sure, now);
        } else {
            let answered = self.insist(index, &what, request).await?;
            if self.refused_as_left(index, "a webhook", answered.status)? {
                return Ok(());
            }
            self.expect(index, "a webhook", answered.status, &[StatusCode::NO_CONTENT])?;
            self.tenants[index].accept(told, true, now);
        }
        self.totals.webhooks += 1;
        self.in_flight.insert(index);
        if alone && self.dice.throw(4) == 0 {
            self.keep_letter(index, told).await;
        }
        Ok(())
    }

    /// Keeps a message, the only one of its tenant, as it lies in the queue, to be handed out again some time.
    async fn keep_letter(&mut self, index: usize, told: &Arc<Told>) {
        let digest = &self.tenants[index].digest;
        let bodies = self.wire.aws().messages("IssueEventsQueue").await.unwrap();
        let Some(body) = bodies.into_iter().find(|body| body.contains(digest)) else { return };
        let letter = Letter { body, told: Arc::clone(told), life: self.tenants[index].lives.len() };
        let late = 4 * HOUR + self.drawn(2 * DAY);
        self.later(index, late, Deed::Repeat(letter.clone()));
        if self.dice.throw(4) == 0 {
            // What was deselected and selected again meanwhile is gone, and does not come back with it.
            self.later(index, HOUR, Deed::Select(Choice::Nothing));
            self.later(index, 2 * HOUR, Deed::Select(Choice::Everything));
            self.later(index, late + HOUR, Deed::Look);
        }
        self.tenants[index].letter = Some(letter);
    }

    /// The queue hands out an old message again, as an operator may have it do with dead letters.
    pub async fn repeat(&mut self, index: usize, letter: &Letter) -> Held {
        let (now, is_old) = (self.now(), letter.life != self.tenants[index].lives.len());
        // Of the same life only as long as it is known.
        if !is_old && now - letter.told.at() > TRIED_FOR {
            return Ok(());
        }
        let sqs = aws_sdk_sqs::Client::new(&self.wire.aws().sdk_config());
        let queue = self.world.host.platform("webhooks").unwrap().config().queues.issue_events.clone();
        let call = sqs.send_message().queue_url(queue).message_body(&letter.body).message_group_id("again");
        call.message_deduplication_id(self.dice.throw(u64::MAX).to_string()).send().await.unwrap();
        self.tell_of(index, format!("event {} is handed out again", letter.told.number));
        if !is_old && let Some(life) = self.tenants[index].active() {
            life.issues.handed_out_again(&letter.told, now);
        }
        self.in_flight.insert(index);
        self.totals.repeated += 1;
        Ok(())
    }

    /// An administrator selects something else, or nothing any more.
    pub async fn select(&mut self, index: usize, choice: Choice) -> Held {
        let (site, now) = (self.site(index), self.now());
        let projects = match choice {
            Choice::Any => self.dice.pick(&[&[PROJECT][..], &[SECRET_PROJECT], ALL, ALL, &[]]),
            Choice::Nothing => &[],
            Choice::Everything => ALL,
        };
        let fields = self.dice.pick(&[&["summary"][..], &["summary", "labels"], &["summary", "labels", "priority"]]);
        let removes = projects.is_empty() && self.dice.throw(2) == 0;
        let texts: Vec<String> = projects.iter().map(ToString::to_string).collect();
        let json = json!({"projects": texts, "fields": fields}).to_string();
        let request = |_: &World| {
            let (method, body) = if removes { (Method::DELETE, String::new()) } else { (Method::PUT, json.clone()) };
            page_request(&site, method, &format!("{CONFIGURATION}/{SETTING}"), now).body(Body::from(body)).unwrap()
        };
        let answered = self.insist(index, &format!("select {json}"), request).await?;
        if self.refused_as_left(index, "selecting", answered.status)? {
            return Ok(());
        }
        self.expect(index, "selecting", answered.status, &[StatusCode::CREATED, StatusCode::NO_CONTENT])?;
        let life = self.tenants[index].active().unwrap();
        if removes {
            life.records.remove(SETTING);
        } else {
            life.records.insert(SETTING.to_owned(), json);
        }
        life.issues.select(Selection { projects: projects.iter().copied().collect(), fields: fields.iter().copied().collect() });
        self.in_flight.insert(index);
        self.totals.selections += 1;
        Ok(())
    }

    /// What is on its way when a tenant leaves is nobody's.
    pub fn leaves_the_queue(&mut self, index: usize) {
        if self.in_flight.contains(&index) {
            self.tenants[index].lose_events();
        }
    }

    /// The queue was worked on: of whom nothing is left in it, everything is settled.
    pub async fn after_delivery(&mut self) -> Held {
        let aws = self.wire.aws();
        let (left, dead) = (aws.messages("IssueEventsQueue").await.unwrap(), aws.messages("IssueEventsDeadLetters").await.unwrap());
        for body in dead {
            let letter: Value = serde_json::from_str(&body).unwrap();
            if let Some(reason) = letter["reason"].as_str() {
                return self.broken("E-10", format!("a dead letter says: {reason}"), None);
            }
            let index = self.by_digest.get(letter["digest"].as_str().unwrap_or_default()).copied();
            if let (true, Some(index)) = (self.dead.insert(body), index) {
                self.tell_of(index, "an event of an issue failed too often".to_owned());
                self.totals.dead_events += 1;
                self.tenants[index].lose_events();
            }
        }
        let waits = |index: &usize| left.iter().any(|body| body.contains(&self.tenants[*index].digest));
        let (waiting, done): (BTreeSet<usize>, BTreeSet<usize>) = self.in_flight.iter().copied().partition(waits);
        for index in done {
            if let Some(life) = self.tenants[index].lives.last_mut() {
                life.issues.drained();
            }
        }
        self.in_flight = waiting;
        Ok(())
    }
}

/// The body of a webhook.
fn payload(told: &Told, actor: u64) -> Value {
    let said = summary(told.number);
    let user = match actor {
        0 => json!({"accountId": APP_ACCOUNT, "accountType": "app", "displayName": "We"}),
        1 => json!({"accountId": "another-app", "accountType": "app", "displayName": "They"}),
        _ => json!({"accountId": MEMBER.account_id, "accountType": "atlassian", "displayName": "Max"}),
    };
    let name = if told.event.starts_with("issue") { format!("jira:{}", told.event) } else { told.event.to_owned() };
    let mut body = json!({"timestamp": told.order.0, "webhookEvent": name, "user": user, "issue": {"id": told.issue.to_string()}});
    if let Some(project) = told.project {
        body["issue"]["fields"] =
            json!({"project": {"id": project.to_string()}, "summary": said, "labels": [said], "priority": said, "description": said});
    }
    let moved = if told.what == What::Moved { json!([{"field": "project", "fieldId": "project"}]) } else { json!([]) };
    body["changelog"] = json!({"id": told.order.1.to_string(), "items": moved});
    body
}
