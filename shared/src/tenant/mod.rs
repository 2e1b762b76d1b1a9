//! The life of a tenant: what it is, how it moves from state to state, and how a token becomes one.
//!
//! - [`id`]: digest and tenant id. - [`account`]: what Atlassian tells us, sealed. - [`state`]: the rules of the moves, as pure functions.
//! - [`departure`]: the record of one leaving; [`departures`]: where they lie.
//! - [`dormancy`]: asking a site whether it still knows us.
//! - [`moves`]: the moves as transactions. - [`tokens`]: the extractors, which alone make a [`Tenant`]. - [`rights`]: what their users may do.
//! - [`operator`]: who works here, and what they may see of a tenant. - [`page_token`]: what a page of ours sends its telemetry with.
//! - [`app_user`]: the account that an app acts under. - [`rotation`]: new data keys.
//!
//! Every move is one transaction over the tables `tenants`, `tenant-keys` and `departures`; the tenants item is the linearisation point.

pub mod account;
pub mod app_user;
pub mod departure;
pub mod departures;
pub mod dormancy;
pub mod id;
mod item;
mod lookup;
pub mod moves;
pub mod operator;
pub mod page_token;
pub(crate) mod recall;
pub mod rights;
pub mod rotation;
mod site;
pub mod state;
pub mod tokens;

use std::sync::Arc;

use axum::http::Extensions;

use crate::connect::catalogue::App;
use crate::platform::Platform;
use crate::platform::call::{CallNote, ForTenant};
use crate::records::keyring::Keyring;
use crate::records::{Kind, Records};

pub use account::Account;
pub use operator::Operator;
pub use page_token::PageToken;
pub use rights::{Admin, Anonymous, Member};
pub use state::State;
pub use tokens::{ContextToken, HostEvent, HostToken, InstallToken};

/// A tenant that was proved: the only way to its records. Made by verified tokens, and by what only we can have sealed or written for it.
pub struct Tenant {
    app: &'static App,
    keyring: Keyring,
    account: Account,
    standing: Standing,
}

/// Where a tenant stands in its life, as its tenants item said when the token was checked.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Counts its lives: 1 for the first.
    pub epoch: u64,
    /// When this life began, in epoch seconds.
    pub installed_at: i64,
    /// Whether the app is switched on in the site's admin pages.
    pub enabled: bool,
}

impl Tenant {
    /// Our own id of the tenant.
    #[must_use]
    pub fn id(&self) -> &str {
        self.keyring.tenant_id()
    }

    /// Its keys, for what is sealed beside records.
    pub(crate) const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The app that it installed.
    #[must_use]
    pub const fn app(&self) -> &'static App {
        self.app
    }

    /// What its items are found under.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.keyring.digest()
    }

    /// What Atlassian told us of the installation.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Where it stands in its life.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Its records of kind `K`.
    #[must_use]
    pub fn records<K: Kind>(&self) -> Records<K> {
        Records::of(self.keyring.clone())
    }

    /// What our calls to the tenant's site carry, so that the events they cause are known for our own. Nobody else can say it.
    #[must_use]
    pub(crate) fn webhook_trace(&self) -> String {
        self.keyring.digest_of("webhook-trace", "")
    }
    /// What stands for the tenant in one month (`YYYY-MM`) where page views go to. It ends with the tenant's keys.
    #[must_use]
    pub(crate) fn month_mark(&self, month: &str) -> String {
        self.keyring.digest_of("page-views", month).chars().take(32).collect()
    }

    /// What stands for one loading of a page of the tenant's, by the token that this page was given.
    #[must_use]
    pub(crate) fn tracking_mark(&self, page_token: &str) -> String {
        self.keyring.digest_of("tracking", page_token).chars().take(32).collect()
    }

    /// What stands for an event of a browser's, by the id that the browser gave it.
    #[must_use]
    pub(crate) fn event_mark(&self, event_id: &str) -> String {
        self.keyring.digest_of("browser-error", event_id).chars().take(32).collect()
    }

    /// Writes down that the call with these extensions is for this tenant: by a mark of the day in the log, and nowhere else. Without the tenant's keys
    /// nobody can tell whose it is, nor that the marks of two days are one tenant's.
    pub(crate) fn note(&self, extensions: &Extensions) {
        CallNote::put(extensions, || {
            let keyring = self.keyring.clone();
            ForTenant { app: self.app.slug, mark: Arc::new(move |day| keyring.digest_of("usage", day).chars().take(32).collect()) }
        });
    }

    /// The outside world, as the tenant's request sees it.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        self.keyring.platform()
    }
}
