//! The client for calls that leave AWS. It has short timeouts, follows no redirect and knows no proxy: whom we call is decided by whoever
//! names the URL, never by an answer or by the environment.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A client that gives up after two seconds.
///
/// # Errors
/// If the TLS library cannot be set up.
#[expect(clippy::disallowed_methods, reason = "the one place that may")]
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(2))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("lethe")
        .build()
}

/// The same client, made when it is first asked for: making one reads the system's root certificates, and most functions never call out.
#[derive(Clone, Debug, Default)]
pub struct LazyHttpClient(Arc<OnceLock<Option<reqwest::Client>>>);

impl LazyHttpClient {
    /// The client, or `None` if it cannot be made; the log says so once.
    #[must_use]
    pub fn get(&self) -> Option<&reqwest::Client> {
        let make = || http_client().inspect_err(|_| tracing::error!(target: "lethe", "cannot make an http client")).ok();
        self.0.get_or_init(make).as_ref()
    }
}

/// A client that is there already.
impl From<reqwest::Client> for LazyHttpClient {
    fn from(client: reqwest::Client) -> Self {
        Self(Arc::new(OnceLock::from(Some(client))))
    }
}
