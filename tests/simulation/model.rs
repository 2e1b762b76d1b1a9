//! What must be true of a tenant whatever the code does: which of its lives is the present one, what each holds, and until when it is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use local::atlassian::Site;
use shared::tenant::id::digest;

use super::copies::{Issues, Told};
use super::telling::{Letter, Tracker};
use crate::harness;
use crate::model::{DAY, GRACE};

/// How many of a tenant's events are told if something is wrong.
const TOLD: usize = 40;

#[derive(Debug)]
pub struct Tenant {
    pub site: Site,
    pub digest: String,
    /// The last one is the present one.
    pub lives: Vec<Life>,
    /// What we were told, and is not so, until the site was asked.
    pub untruth: Option<Untruth>,
    /// The issues of the site.
    pub tracker: Tracker,
    /// A message that the queue had of it.
    pub letter: Option<Letter>,
    told: VecDeque<String>,
}

/// An event that came late and signed again.
#[derive(Clone, Copy, Debug)]
pub struct Untruth {
    pub told_at: i64,
    /// How the present life really stands.
    pub truth: Option<Left>,
}

/// One life of an installation: from its first install to its purge.
#[derive(Debug, Default)]
pub struct Life {
    /// Ours, as the store says it.
    pub id: String,
    pub born_at: i64,
    /// Settings, by name.
    pub records: BTreeMap<String, String>,
    /// Files, by the name that we gave them.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Uploads that were begun and not ended, and when.
    pub uploads: Vec<(String, i64)>,
    /// Copies of issues.
    pub issues: Issues,
    /// While it is not active.
    pub left: Option<Left>,
    /// Until when a hold of an earlier leaving stands: coming back does not end it.
    pub hold_until: Option<i64>,
    /// What its purge found before it deleted anything, by name as in certificates.
    pub found: Option<BTreeMap<String, u64>>,
    /// TTL or a lifecycle rule deleted something after that was counted.
    pub is_inexact: bool,
    /// The certificate was seen and is good.
    pub is_certified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub left_at: i64,
    pub purge_after: i64,
    pub hold_until: Option<i64>,
    pub early_at: Option<i64>,
    /// The latest moment up to which a hold ever kept it.
    pub held_until: i64,
    /// The next life has begun, or a purge: the keys are gone since.
    pub shredded_at: Option<i64>,
}

impl Left {
    pub fn at(now: i64) -> Self {
        Self { left_at: now, purge_after: now + GRACE, hold_until: None, early_at: None, held_until: now, shredded_at: None }
    }

    /// A leaving of a life that was held before.
    pub fn of(life: &Life, now: i64) -> Self {
        let hold_until = life.hold_until.filter(|until| *until > now);
        Self { hold_until, held_until: hold_until.unwrap_or(now), ..Self::at(now) }
    }

    pub fn kept_until(&self) -> i64 {
        self.purge_after.max(self.hold_until.unwrap_or(i64::MIN))
    }

    /// Promises E-17, E-34, E-36: when nothing may be readable anywhere any more, and when nothing may exist; a hold suspends them to its end.
    pub fn limits(&self) -> (i64, i64) {
        let (readable, existing) = match self.early_at {
            Some(early_at) => (early_at + 14 * DAY, early_at + 49 * DAY),
            // Whose return was undone late is kept a little longer, and never past the deadline.
            None => {
                let longer = (self.purge_after - self.left_at - GRACE).max(0);
                (self.left_at + 127 * DAY + longer, self.left_at + (165 * DAY + longer).min(180 * DAY))
            }
        };
        let held = self.held_until - if self.early_at.is_some() { 0 } else { self.left_at + GRACE };
        if self.early_at.is_none() && held > 0 { (readable + held, existing + held) } else { (readable, existing) }
    }
}

impl Tenant {
    pub fn new(name: &str) -> Self {
        let site = harness::site(name);
        Self {
            digest: digest(site.app.slug, &site.client_key),
            site,
            lives: Vec::new(),
            untruth: None,
            tracker: Tracker::default(),
            letter: None,
            told: VecDeque::new(),
        }
    }

    pub fn tell(&mut self, what: String) {
        if self.told.len() == TOLD {
            self.told.pop_front();
        }
        self.told.push_back(what);
    }

    pub fn told(&self) -> String {
        self.told.iter().map(|line| format!("\n  {line}")).collect()
    }

    pub fn present(&self) -> Option<&Life> {
        self.lives.last()
    }

    /// The present life, if it is active.
    pub fn active(&mut self) -> Option<&mut Life> {
        self.lives.last_mut().filter(|life| life.left.is_none())
    }

    pub fn is_active(&self) -> bool {
        self.present().is_some_and(|life| life.left.is_none())
    }

    /// An event of an issue was taken in.
    pub fn accept(&mut self, told: &Arc<Told>, sure: bool, now: i64) {
        if let Some(life) = self.active() {
            life.issues.accept(told, sure, now);
        }
    }

    /// Messages that are on their way are lost, or may be.
    pub fn lose_events(&mut self) {
        if let Some(life) = self.lives.last_mut() {
            life.issues.lost();
        }
    }

    /// The leaving of the present life.
    pub fn left(&mut self) -> Option<&mut Left> {
        self.lives.last_mut()?.left.as_mut()
    }

    pub fn life(&mut self, id: &str) -> Option<&mut Life> {
        self.lives.iter_mut().find(|life| life.id == id)
    }

    /// What an `installed` at this moment makes of it; says whether everything is back.
    pub fn installed(&mut self, now: i64) -> Installed {
        if self.is_active() {
            return Installed::Updated;
        }
        match self.lives.last_mut().and_then(|life| life.left.as_mut()) {
            Some(left) if left.shredded_at.is_none() && now < left.kept_until() => {
                let hold_until = left.hold_until;
                let life = self.lives.last_mut().unwrap();
                (life.left, life.hold_until) = (None, hold_until);
                Installed::Returned
            }
            left => {
                if let Some(left) = left {
                    left.shredded_at.get_or_insert(now);
                }
                self.lives.push(Life { born_at: now, ..Life::default() });
                Installed::Begun
            }
        }
    }
}

/// What an `installed` made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    Begun,
    Updated,
    Returned,
}
