//! A small Jira, as far as an app can tell: sites with users, some of whom administer them, and the REST calls that our functions make.
//!
//! A [`Jira`] is the way to its own sites too ([`Outbound`]), so that tests with a paused clock need no socket.
//!
//! - [`user`]: who there is. - [`rest`]: what sites answer to the app. - [`sites`]: the sites by name, and how their state is kept.
//! - [`doings`]: what Jira does of its own: it installs, renames, leaves. - [`leaving`]: what operators do about who has left.
//! - [`issues`]: what users do, and the webhooks that the app is told of it by. - [`telemetry`]: what pages report, and what leaves of it.
//! - [`server`]: all of it on a port, with a page for people.

mod api;
mod descriptor;
pub mod doings;
mod guard;
pub mod issues;
mod kept;
mod leaving;
pub(crate) mod moving;
mod resident;
mod rest;
mod seen;
pub mod server;
mod sites;
mod telemetry;
#[cfg(test)]
mod tests;
pub mod user;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use shared::platform::clock::Clock;
use shared::platform::outbound::{NoAnswer, Outbound};

use crate::atlassian::Site;

use resident::Resident;
pub use resident::{Standing, Story};
pub use sites::{Named, SiteFault};

/// How many of the app's calls are remembered.
const KEPT: usize = 1_000;

/// The sites of one Atlassian. Clones are the same.
#[derive(Clone, Debug)]
pub struct Jira(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    /// Where the sites are kept; `None`: nowhere.
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    residents: BTreeMap<String, Resident>,
    asked: VecDeque<Asked>,
}

/// What may be wrong with a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It answers this status.
    Status(u16),
    /// It never answers.
    Silent,
    /// It answers something that is no JSON.
    Garbage,
    /// It answers more than anybody wants to read.
    Endless,
    /// It allows everything, but to another account.
    SomebodyElse,
    /// Its licence of the app is not active, whatever else is kept of it.
    LicenceEnded,
    /// It names no licence of the app.
    LicenceUnnamed,
}

/// A call that an app made to a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Atlassian's name of the installation that was asked about.
    pub client_key: String,
    /// The method.
    pub method: String,
    /// The path below the site's base URL.
    pub path: String,
    /// What it was answered.
    pub status: u16,
    /// What it carried, so that the app knows the events it causes for its own.
    pub trace: String,
}

impl Jira {
    /// No sites yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, file: None, state: Mutex::default() }))
    }

    /// The app is on the site from now on, or the site has changed: address, secret. What it keeps for the app stays.
    pub fn keep(&self, site: &Site) {
        let mut state = self.state();
        let new = || Resident::new(site.clone(), site.client_key.clone());
        let resident = state.residents.entry(site.client_key.clone()).or_insert_with(new);
        resident.site = site.clone();
        if !resident.story.standing.is_installed() {
            resident.story.standing = Standing::Active;
        }
    }

    /// The app is on the site no longer, until the site is [kept](Self::keep) again. The app is not told.
    pub fn remove(&self, site: &Site) {
        if let Some(resident) = self.state().residents.get_mut(&site.client_key) {
            resident.story.standing = Standing::Left;
        }
    }

    /// What is wrong with a site from now on; `None`: nothing.
    pub fn trouble(&self, site: &Site, trouble: Option<Trouble>) {
        if let Some(resident) = self.state().residents.get_mut(&site.client_key) {
            resident.trouble = trouble;
        }
    }

    /// The last calls that apps made, oldest first.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.iter().cloned().collect()
    }

    fn tell(&self, asked: Asked) {
        let mut state = self.state();
        if state.asked.len() == KEPT {
            state.asked.pop_front();
        }
        state.asked.push_back(asked);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path of a site's address: what its REST API lies below.
fn base_path(base_url: &str) -> &str {
    let behind_scheme = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    behind_scheme.find('/').and_then(|at| behind_scheme.get(at..)).unwrap_or_default()
}

impl Outbound for Jira {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        let jira = self.clone();
        Box::pin(async move { jira.answer(request).await.ok_or(NoAnswer::Unreachable) })
    }
}
