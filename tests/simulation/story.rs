//! What tenants do, drawn from the seed: they install the app, use it, leave, return at every time there is, and ask for what operators do.

use std::sync::Arc;

use http::StatusCode;
use local::atlassian::Site;
use serde_json::json;

use super::copies::Told;
use super::course::{Actor, Course, Event, HOUR, Held};
use super::model::{Installed, Left, Untruth};
use super::snapshots::{TENANTS, number, text};
use super::telling::{Choice, Letter};
use crate::harness::{BEGINNING, World, lifecycle_request};
use crate::model::DAY;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// For the first time, again, or after leaving.
    Install,
    Leave,
    /// An older word of Atlassian's, told late and signed again: it is not true.
    FalselyLeave,
    FalselyReturn,
    Put,
    Attach,
    /// Begins an upload that is never ended.
    Begin,
    /// Uploads by parts.
    Upload,
    Remove,
    Look,
    Rotate,
    /// An administrator selects which issues are copied.
    Select(Choice),
    /// The site's people work on issues.
    Work,
    /// Jira tells of one.
    Tell(Arc<Told>),
    /// A message of the queue comes once more.
    Repeat(Letter),
    Hold(i64),
    Lift,
    DeleteEarly,
}

impl Course {
    /// The first day of a tenant.
    pub fn settle_in(&mut self, index: usize) {
        // Most leave early enough that all of their end is seen.
        let at = self.now() + self.drawn(if index.is_multiple_of(4) { 150 * DAY } else { 50 * DAY });
        self.plan_at(at, Event::Deed(index, Deed::Install));
    }

    pub fn drawn(&mut self, seconds: i64) -> i64 {
        i64::try_from(self.dice.throw(u64::try_from(seconds.max(1)).unwrap())).unwrap()
    }

    pub fn later(&mut self, index: usize, seconds: i64, deed: Deed) {
        let at = self.now() + seconds;
        self.plan_at(at, Event::Deed(index, deed));
    }

    pub async fn deed(&mut self, index: usize, deed: Deed) -> Held {
        // What is not true is settled first; a site that has left would let nobody in.
        if self.tenants[index].untruth.is_some_and(|untruth| untruth.truth.is_some() || deed == Deed::Leave) {
            self.later(index, 2 * DAY, deed);
            return Ok(());
        }
        match deed {
            Deed::Install => self.install(index).await?,
            Deed::Leave => self.leave(index).await?,
            Deed::FalselyLeave => self.falsely_leave(index).await?,
            Deed::FalselyReturn => self.falsely_return(index).await?,
            Deed::Put => self.put(index).await?,
            Deed::Attach => self.attach(index).await?,
            Deed::Begin => drop(self.begin_upload(index).await?),
            Deed::Upload => self.upload(index).await?,
            Deed::Remove => self.remove(index).await?,
            Deed::Look => self.look(index).await?,
            Deed::Rotate => self.rotate(index).await?,
            Deed::Select(choice) => self.select(index, choice).await?,
            Deed::Work => self.work_on_issues(index),
            Deed::Tell(told) => self.tell_of_issue(index, &told).await?,
            Deed::Repeat(letter) => self.repeat(index, &letter).await?,
            Deed::Hold(days) => self.hold(index, days).await?,
            Deed::Lift => self.lift(index).await?,
            Deed::DeleteEarly => self.delete_early(index).await?,
        }
        self.absorb(Actor::Tenant(index))
    }

    pub fn site(&self, index: usize) -> Site {
        self.tenants[index].site.clone()
    }

    /// A lifecycle event: insisted on, and now and then told twice, or once more and signed again.
    pub async fn tell_app(&mut self, index: usize, event: &'static str) -> Held {
        let (site, now) = (self.site(index), self.now());
        let made = |iat: i64| {
            let site = site.clone();
            move |_: &World| lifecycle_request(&site, event, iat, &site.payload(event))
        };
        let answered = self.insist(index, event, made(now)).await?;
        self.expect(index, event, answered.status, &[StatusCode::NO_CONTENT])?;
        for (chance, iat, what) in [(4, now, "the same again"), (8, now + 1, "signed again")] {
            if self.dice.throw(chance) == 0 {
                let answered = self.insist(index, &format!("{event}, {what}"), made(iat)).await?;
                self.expect(index, event, answered.status, &[StatusCode::NO_CONTENT])?;
            }
        }
        Ok(())
    }

    pub fn expect(&self, index: usize, what: &str, found: StatusCode, expected: &[StatusCode]) -> Held {
        if expected.contains(&found) { Ok(()) } else { self.broken("E-35", format!("{what} was answered {found}"), Some(index)) }
    }

    pub async fn install(&mut self, index: usize) -> Held {
        if self.now() >= BEGINNING + self.plan.days * DAY {
            return Ok(());
        }
        let (site, now) = (self.site(index), self.now());
        self.world.jira.keep(&site);
        self.tenants[index].untruth = None;
        let lives = self.tenants[index].lives.len();
        let installed = self.tenants[index].installed(now);
        self.tell_app(index, "installed").await?;
        self.absorb(Actor::Tenant(index))?;
        match installed {
            Installed::Updated => return Ok(()),
            Installed::Begun => {
                self.totals.epochs += u64::from(lives > 0);
                if lives > 0 {
                    self.sees_nothing(index).await?;
                    // At once, while the life before is being purged under the same digest.
                    self.later(index, 30 + self.plan.seed.cast_signed().rem_euclid(7), Deed::Begin);
                    self.later(index, 45, Deed::Put);
                    if let Some(letter) = self.tenants[index].letter.clone() {
                        self.later(index, 50, Deed::Repeat(letter));
                    }
                }
            }
            Installed::Returned => {
                self.totals.returns += 1;
                self.sees_everything(index).await?;
            }
        }
        self.use_it(index);
        if self.dice.throw(6) == 0 {
            let at = 600 + self.drawn(10 * HOUR);
            self.later(index, at, Deed::FalselyLeave);
        }
        Ok(())
    }

    pub async fn leave(&mut self, index: usize) -> Held {
        if !self.tenants[index].is_active() {
            return Ok(());
        }
        let (site, now) = (self.site(index), self.now());
        self.world.jira.remove(&site);
        self.tell_app(index, "uninstalled").await?;
        self.leaves_the_queue(index);
        if let Some(life) = self.tenants[index].active() {
            life.left = Some(Left::of(life, now));
        }
        self.totals.leavings += 1;
        self.draw_fate(index);
        Ok(())
    }

    /// The site is there, and the app hears that it is not; within a day of an install that is doubted, and settled.
    pub async fn falsely_leave(&mut self, index: usize) -> Held {
        let Some(tenant) = self.shelf.of_digest(TENANTS, &self.tenants[index].digest) else { return Ok(()) };
        let told_at = number(tenant, "event_iat").unwrap_or_default();
        if !self.tenants[index].is_active() || self.now() - told_at >= 20 * HOUR {
            return Ok(());
        }
        let (site, iat) = (self.site(index), self.now());
        let event = |_: &World| lifecycle_request(&site, "uninstalled", iat, &site.payload("uninstalled"));
        let answered = self.insist(index, "an uninstalled that is not true", event).await?;
        self.expect(index, "uninstalled", answered.status, &[StatusCode::NO_CONTENT])?;
        self.leaves_the_queue(index);
        let life = self.tenants[index].active().unwrap();
        life.left = Some(Left::of(life, iat));
        self.absorb(Actor::Tenant(index))?;
        self.tenants[index].untruth = Some(Untruth { told_at: iat, truth: None });
        Ok(())
    }

    /// The site has left, and the app hears that it is back.
    pub async fn falsely_return(&mut self, index: usize) -> Held {
        let now = self.now();
        let Some(left) = self.tenants[index].left().copied() else { return Ok(()) };
        if left.shredded_at.is_some() || now >= left.kept_until() {
            return Ok(());
        }
        let (site, iat) = (self.site(index), now);
        let event = |_: &World| lifecycle_request(&site, "installed", iat, &site.payload("installed"));
        let answered = self.insist(index, "an installed that is not true", event).await?;
        self.expect(index, "installed", answered.status, &[StatusCode::NO_CONTENT])?;
        // The harness believes it, and the site knows better.
        self.world.jira.remove(&site);
        let life = self.tenants[index].lives.last_mut().unwrap();
        (life.left, life.hold_until) = (None, left.hold_until);
        self.absorb(Actor::Tenant(index))?;
        self.tenants[index].untruth = Some(Untruth { told_at: iat, truth: Some(left) });
        Ok(())
    }

    /// After the site was asked: whose store says the truth again is as the model had it.
    pub fn settle_untruths(&mut self) {
        for tenant in self.tenants.iter_mut().filter(|tenant| tenant.untruth.is_some()) {
            let key = json!({"digest": {"S": tenant.digest}});
            let item = self.wire.aws().item(TENANTS, &key).unwrap().unwrap_or_default();
            let truth = tenant.untruth.and_then(|untruth| untruth.truth);
            let expected = if truth.is_some() { "unsubscribed" } else { "active" };
            if text(&item, "state") == expected {
                // It is kept for another week, as far as the deadline allows.
                let longest = |left: &Left| left.kept_until().max(left.left_at + 125 * DAY);
                let kept_until = number(&item, "purge_after");
                let truth = truth.map(|left| match kept_until {
                    Some(kept_until) if kept_until <= longest(&left) && left.hold_until.is_none() => {
                        Left { purge_after: kept_until, ..left }
                    }
                    _ => left,
                });
                tenant.lives.last_mut().unwrap().left = truth;
                tenant.untruth = None;
                self.totals.false_words += 1;
            }
        }
    }

    pub async fn hold(&mut self, index: usize, days: i64) -> Held {
        let now = self.now();
        let Some(left) = self.tenants[index].left().filter(|left| left.shredded_at.is_none()).copied() else { return Ok(()) };
        let body = json!({"clientKey": self.tenants[index].site.client_key, "ticket": 7, "reason": "legal-obligation", "days": days});
        let status = self.operate(index, "hold", &body).await?;
        // A hold that was lifted late leaves keys whose date has passed, which count as gone: there is nothing to hold any more.
        if now >= left.kept_until() + DAY {
            return self.expect(index, "a hold without keys", status, &[StatusCode::CONFLICT]);
        }
        self.expect(index, "a hold", status, &[StatusCode::OK])?;
        let until = now + days * DAY;
        let held_until = left.held_until.max(until);
        *self.tenants[index].left().unwrap() = Left { hold_until: Some(until), held_until, ..left };
        self.totals.holds += 1;
        Ok(())
    }

    pub async fn lift(&mut self, index: usize) -> Held {
        let now = self.now();
        let Some(left) = self.tenants[index].left().filter(|left| left.shredded_at.is_none() && left.hold_until.is_some()).copied() else {
            return Ok(());
        };
        let body = json!({"clientKey": self.tenants[index].site.client_key, "ticket": 8});
        let status = self.operate(index, "lift", &body).await?;
        self.expect(index, "lifting a hold", status, &[StatusCode::OK])?;
        *self.tenants[index].left().unwrap() = Left { hold_until: None, held_until: now, ..left };
        Ok(())
    }

    pub async fn delete_early(&mut self, index: usize) -> Held {
        let now = self.now();
        let Some(left) = self.tenants[index].left().filter(|left| left.shredded_at.is_none() && left.hold_until.is_none()).copied() else {
            return Ok(());
        };
        let body = json!({"clientKey": self.tenants[index].site.client_key, "ticket": 9, "reason": "customer-request",
            "tenantId": self.tenants[index].present().map(|life| life.id.clone())});
        let status = self.operate(index, "early-deletion", &body).await?;
        // While it is doubted that it has left at all, nothing is hastened.
        let id = self.tenants[index].present().map(|life| life.id.clone()).unwrap_or_default();
        if self.shelf.departure(&id).is_some_and(|found| found.get("doubt_at").is_some()) {
            return self.expect(index, "early deletion of a doubted leaving", status, &[StatusCode::CONFLICT]);
        }
        self.expect(index, "early deletion", status, &[StatusCode::OK])?;
        *self.tenants[index].left().unwrap() = Left { early_at: Some(now), purge_after: left.purge_after.min(now), ..left };
        self.totals.early += 1;
        Ok(())
    }
}
