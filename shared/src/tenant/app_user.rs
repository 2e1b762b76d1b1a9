//! The account that an app acts under on a site: `GET /rest/api/3/myself`, asked as the app. It never changes while the app is installed, so it
//! is remembered for an hour.
//! Source: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/>.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use lru::LruCache;
use serde::Deserialize;

use super::Tenant;
use super::rights::AccountId;
use super::site::{self, NotAnswered};
use crate::connect::site_call::SiteCall;
use crate::platform::clock::Moment;
use crate::platform::signal::Signal;
use crate::problem::Problem;

const PATH: &str = "/rest/api/3/myself";

/// How long an answer counts.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// How long a site is not asked again that gave none: whoever waits for it would wait for every event anew.
const SILENT_FOR: Duration = Duration::from_secs(60);

const KEPT: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// What sites said a while ago, by tenant.
pub struct AppUserCache(Mutex<LruCache<String, (Said, Moment)>>);

impl Default for AppUserCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

/// What a site said.
#[derive(Clone)]
enum Said {
    /// The app acts under this account.
    Account(AccountId),
    /// It does not let us in, so it lets us do nothing either.
    Nobody,
    /// It gave no answer that counts.
    Nothing,
}

impl Said {
    const fn kept_for(&self) -> Duration {
        match self {
            Self::Account(_) | Self::Nobody => KEPT_FOR,
            Self::Nothing => SILENT_FOR,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Myself {
    account_id: String,
}

/// The app's account on the tenant's site; `None` if the site lets it in as nobody.
///
/// # Errors
/// 503 if the site does not say.
pub(crate) async fn account_id(tenant: &Tenant) -> Result<Option<AccountId>, Problem> {
    let now = tenant.platform().clock().now();
    let lock = || tenant.platform().app_users().0.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = lock().get(tenant.id()).filter(|(said, asked_at)| now.since(*asked_at) < said.kept_for()).map(|(said, _)| said.clone());
    let said = match kept {
        Some(said) => said,
        None => {
            let asked = ask(tenant).await;
            let fault = asked.as_ref().err().map(ToString::to_string);
            let said = asked.unwrap_or(Said::Nothing);
            lock().put(tenant.id().to_owned(), (said.clone(), now));
            if let Some(fault) = fault {
                return Err(Problem::unavailable(fault).raising(Signal::AtlassianAway));
            }
            said
        }
    };
    match said {
        Said::Account(account_id) => Ok(Some(account_id)),
        Said::Nobody => Ok(None),
        Said::Nothing => Err(Problem::unavailable("the site did not say a moment ago who we are").raising(Signal::AtlassianAway)),
    }
}

async fn ask(tenant: &Tenant) -> Result<Said, NotAnswered> {
    let answer = site::ask(tenant, SiteCall { method: Method::GET, path: PATH, json: None }).await?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => return Ok(Said::Nobody),
        status => return Err(NotAnswered::Status(status)),
    }
    let myself: Myself = serde_json::from_slice(answer.body()).map_err(|_| NotAnswered::Form)?;
    AccountId::parse(&myself.account_id).map(Said::Account).ok_or(NotAnswered::Form)
}
