//! Operators: the people of support and development whom IAM lets in (promises A-36, E-30), and what they may see of a tenant, which is where it
//! stands and never what it holds: an operator opens nothing, because no key of a tenant is unwrapped for one.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::departure::{Departure, Stage};
use super::state::State;
use super::{departures, lookup};
use crate::platform::Platform;
use crate::platform::principal::Principal;
use crate::problem::{Problem, Refusal};

/// Somebody who works here. Every route of theirs names this extractor, and [`Platform::serve_operators`] has refused everybody else before.
#[derive(Debug)]
pub struct Operator(Principal);

impl Operator {
    /// Who it is.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let principal = parts.extensions.get::<Principal>().cloned();
        principal.map(Self).ok_or_else(|| Problem::new(Refusal::Forbidden, "no principal of IAM"))
    }
}

/// All that is known of an installation without opening anything.
#[derive(Clone, Debug)]
pub struct Case {
    /// What its items are found under.
    pub digest: String,
    /// Its present life; `None` after a finished purge.
    pub present: Option<Life>,
    /// Every leaving of every life, the latest life last.
    pub departures: Vec<Departure>,
}

/// A life that has a tenants item.
#[derive(Clone, Debug)]
pub struct Life {
    /// Our own id of the tenant.
    pub tenant_id: String,
    /// Where it stands.
    pub state: State,
    /// Counts the lives.
    pub epoch: u64,
    /// When it began, in epoch seconds.
    pub installed_at: i64,
    /// Grows with every move.
    pub revision: u64,
    /// Whether its key item lies there.
    pub has_keys: bool,
}

/// Where an installation stands, as far as operators can do something about it.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// In use.
    Active(&'a Life),
    /// It has left and is kept.
    Left(&'a Departure),
    /// Its keys are gone, and the rest is going or gone.
    Purged(&'a Departure),
    /// Its items do not belong together: it moved while they were read, or some are lost.
    Torn,
}

impl Case {
    /// What lies under this digest; `None` if nobody of that name was ever here.
    ///
    /// # Errors
    /// 503 if DynamoDB is away; 500 if an item is damaged.
    pub async fn find(platform: &Platform, _: &Operator, digest: &str) -> Result<Option<Self>, Problem> {
        let both = lookup::both(platform, digest).await?;
        let mut departures = departures::of_digest(platform, digest).await?;
        departures.sort_by_key(|departure| departure.epoch);
        let present = both.tenant.as_ref().map(|tenant| Life {
            tenant_id: tenant.tenant_id.clone(),
            state: tenant.state,
            epoch: tenant.epoch,
            installed_at: tenant.installed_at,
            revision: tenant.revision,
            has_keys: both.holds_keys_of(&tenant.tenant_id),
        });
        let is_known = present.is_some() || !departures.is_empty();
        Ok(is_known.then(|| Self { digest: digest.to_owned(), present, departures }))
    }

    /// Our own id of its present life, or of its last.
    #[must_use]
    pub fn tenant_id(&self) -> Option<&str> {
        let present = self.present.as_ref().map(|life| life.tenant_id.as_str());
        present.or_else(|| self.departures.last().map(|departure| departure.tenant_id.as_str()))
    }

    /// The leaving of its present life, or of its last.
    #[must_use]
    pub fn last(&self) -> Option<&Departure> {
        match &self.present {
            Some(life) => self.departures.iter().find(|departure| departure.tenant_id == life.tenant_id),
            None => self.departures.last(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing<'_> {
        match (&self.present, self.last().map(|departure| (departure.stage, departure))) {
            (Some(life), _) if life.state == State::Active => Standing::Active(life),
            (Some(life), Some((Stage::Marked, departure))) if life.state == State::Unsubscribed => Standing::Left(departure),
            (Some(life), Some((Stage::Purging, departure))) if life.state == State::Purging => Standing::Purged(departure),
            (None, Some((Stage::Purged, departure))) => Standing::Purged(departure),
            _ => Standing::Torn,
        }
    }
}
