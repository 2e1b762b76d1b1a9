//! What must hold of copies of issues, in the table and in the app's answers, and the sweep that takes them in time.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::Value;

use super::copies::LIFE;
use super::course::{Actor, Course, HOUR, Held};
use super::snapshots::{ISSUE_COPIES, number, owner, text};
use super::story::Deed;
use super::wire::Place;
use crate::model::DAY;

/// How long before their end the sweep may take copies. What says that an event was seen it leaves to TTL for a day.
const AHEAD: i64 = 26 * HOUR;

/// How long something may lie there after the sweep may take it, if the sweep does its work: until its part is read, and two hours.
const SCHEDULED: i64 = 28 * HOUR;

/// How long it may lie there at all.
const LATE: i64 = 3 * DAY;

/// How long it is known that an event was seen.
const SEEN: i64 = 7 * DAY;

/// How far Jira's clock may be ahead.
const CLOCK: i64 = 300;

/// In so many hours its schedule stands still once.
const OUTAGES: u64 = 10 * 24;

/// Promises A-12, E-10: copies are written by their queue alone, of who is active and of what the site has told; the sweep takes what ends.
pub fn may_be_written(course: &Course, actor: Actor, before: Option<&Value>, after: Option<&Value>, index: usize) -> Result<(), String> {
    let (now, item) = (course.now(), after.or(before).unwrap_or(&Value::Null));
    let id = owner(ISSUE_COPIES, item);
    let life = course.tenants[index].lives.iter().find(|life| life.id == id);
    let Some(life) = life else { return Err("of no life".to_owned()) };
    let ends_at = number(item, "expires_at").ok_or("it never ends")?;
    match (actor, after) {
        (Actor::Queues, Some(_)) if life.left.is_some() => Err("of a tenant that has left".to_owned()),
        (Actor::Queues, Some(_)) if is_of(item, "seen-event") => {
            if ends_at <= now + SEEN {
                Ok(())
            } else {
                Err("known for longer than a week".to_owned())
            }
        }
        (Actor::Queues, Some(_)) => {
            let happened = life.issues.happened.contains(&(ends_at - LIFE));
            if happened && ends_at <= now + LIFE + CLOCK { Ok(()) } else { Err("no event says that it ends then".to_owned()) }
        }
        (Actor::Queues | Actor::Time, None) => Ok(()),
        (Actor::Function("issue-copies-sweep"), None) if swept_from(item) <= Some(now) => Ok(()),
        _ => Err("by whom it should not be".to_owned()),
    }
}

fn is_of(item: &Value, kind: &str) -> bool {
    text(item, "partition").split('#').nth(1) == Some(kind)
}

/// From when on the sweep may take it.
fn swept_from(item: &Value) -> Option<i64> {
    let ends_at = number(item, "expires_at")?;
    Some(if is_of(item, "seen-event") { ends_at + DAY } else { ends_at - AHEAD })
}

/// Promise E-10: nothing lies there past its deadline, and past its end only where runs of the sweep were lost.
pub fn of_the_day(course: &Course) -> Held {
    let now = course.now();
    for (place, item) in course.shelf.table(ISSUE_COPIES) {
        let ended_at = number(item, "expires_at").unwrap_or_default();
        let index = course.shelf.digests.get(&owner(ISSUE_COPIES, item)).and_then(|digest| course.by_digest.get(digest)).copied();
        let late = |what: &str| course.broken("E-10", format!("{what}, {} h past its end: {place:?}", (now - ended_at) / HOUR), index);
        if now > ended_at + LATE + HOUR {
            return late("past its deadline");
        }
        let from = swept_from(item).unwrap_or_default();
        let lost = course.lost_sweeps.range(from - HOUR..).next().is_some();
        if now > from + SCHEDULED && !lost {
            return late("not swept, and no run was lost");
        }
    }
    Ok(())
}

impl Course {
    /// The sweep runs in its hour, and once more if that fails. Now and then the schedule stands still for days.
    pub async fn sweep_copies(&mut self) -> Held {
        let hour = self.now().div_euclid(HOUR) * HOUR;
        if self.swept_again_at > hour {
            self.lost_sweeps.insert(hour);
            self.ran("issue-copies-sweep");
            self.look_at_what_has_ended();
            return Ok(());
        }
        if self.dice.throw(OUTAGES) == 0 {
            self.swept_again_at = hour + DAY + self.drawn(4 * DAY);
        }
        for _ in 0..2 {
            let report = self.run("issue-copies-sweep").await?;
            self.totals.sweeps += 1;
            if report.is_some_and(|report| report.count("finished") == 1) {
                return Ok(());
            }
        }
        self.lost_sweeps.insert(hour);
        Ok(())
    }

    /// What nobody has swept is looked at once it has ended.
    fn look_at_what_has_ended(&mut self) {
        let (from, now) = (self.now() - HOUR - AHEAD, self.now() - AHEAD);
        let ended = self.ends.iter().skip_while(|(ahead, _)| *ahead <= from).take_while(|(ahead, _)| *ahead <= now);
        let ids: BTreeSet<String> = ended.filter_map(|(_, place)| Some(owner(ISSUE_COPIES, self.shelf.get(place)?))).collect();
        let digests = ids.iter().filter_map(|id| self.shelf.digests.get(id));
        let indices = digests.filter_map(|digest| self.by_digest.get(digest).copied());
        let active: Vec<usize> = indices.filter(|index| self.tenants[*index].is_active()).collect();
        for index in active {
            self.later(index, 1, Deed::Look);
        }
    }

    /// Promises E-10, E-15, A-05: of one issue the app shows what the model says.
    pub async fn sees_issue(&mut self, index: usize, issue: u64) -> Held {
        if self.in_flight.contains(&index) {
            self.after_delivery().await?;
        }
        let answered = self.read(index, &format!("/test-management/issue-copies/{issue}")).await?;
        let shown = match answered.status {
            StatusCode::NOT_FOUND => Value::Null,
            StatusCode::OK => answered.json(),
            other => return self.broken("E-15", format!("issue {issue} was answered {other}: {}", answered.text()), Some(index)),
        };
        let (now, drained) = (self.now(), !self.in_flight.contains(&index));
        self.totals.copies_seen += u64::from(!shown.is_null());
        let Some(life) = self.tenants[index].active() else { return Ok(()) };
        match life.issues.refuse(issue, &shown, now, drained) {
            Ok(()) => Ok(()),
            Err(why) => {
                let known = format!("{:?}", life.issues);
                self.broken("E-15", format!("of issue {issue} {why}: shown is {shown}, by the model {known}"), Some(index))
            }
        }
    }

    /// The newest issues of a site, if the app was ever told of any.
    pub async fn sees_issues(&mut self, index: usize, most: u64) -> Held {
        let last = self.tenants[index].tracker.last;
        for issue in last.saturating_sub(most) + 1..=last {
            self.sees_issue(index, issue).await?;
        }
        Ok(())
    }

    /// Promise E-35: a next life has no copies of the one before, and none come.
    pub async fn sees_no_copies(&mut self, index: usize) -> Held {
        let last = self.tenants[index].tracker.last;
        for issue in last.saturating_sub(3) + 1..=last {
            let answered = self.read(index, &format!("/test-management/issue-copies/{issue}")).await?;
            self.expect(index, "copies of the life before", answered.status, &[StatusCode::NOT_FOUND])?;
        }
        Ok(())
    }

    /// Where something ends, and when the sweep may take it first.
    pub fn plan_sweep(&mut self, place: &Place, before: Option<&Value>, after: Option<&Value>) {
        let from = |item: &Value| Some((swept_from(item)?, place.clone()));
        if let Some(known) = before.and_then(from) {
            self.ends.remove(&known);
        }
        self.ends.extend(after.and_then(from));
    }
}
