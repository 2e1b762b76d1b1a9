//! The client for calls that leave AWS. It has short timeouts, follows no redirect and knows no proxy: whom we call is decided by whoever
//! names the URL, never by an answer or by the environment. Whom we believe is decided by [`trust`](super::trust).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::trust;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum CannotMake {
    /// The TLS library cannot be set up.
    #[error("cannot set up tls: {0}")]
    Tls(#[from] rustls::Error),
    /// The client cannot be built of it.
    #[error("cannot build an http client: {0}")]
    Client(#[from] reqwest::Error),
}

/// What a client calls itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Name {
    /// By our name.
    #[default]
    Ours,
    /// Not at all: who takes a client's name for a browser's learns nothing.
    None,
}

/// A client that gives up after two seconds.
///
/// # Errors
/// [`CannotMake`].
pub fn http_client() -> Result<reqwest::Client, CannotMake> {
    http_client_called(Name::Ours)
}

#[expect(clippy::disallowed_methods, reason = "the one place that may")]
fn http_client_called(name: Name) -> Result<reqwest::Client, CannotMake> {
    let builder = reqwest::Client::builder();
    let builder = match name {
        Name::Ours => builder.user_agent("lethe"),
        Name::None => builder,
    };
    let client = builder
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(2))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_backend_preconfigured(trust::public_tls()?)
        .build()?;
    Ok(client)
}

/// The same client, made when it is first asked for: most functions never call out.
#[derive(Clone, Debug, Default)]
pub struct LazyHttpClient {
    client: Arc<OnceLock<Option<reqwest::Client>>>,
    name: Name,
}

impl LazyHttpClient {
    /// One that is called so.
    #[must_use]
    pub fn called(name: Name) -> Self {
        Self { name, ..Self::default() }
    }

    /// The client, or `None` if it cannot be made; the log says so once.
    #[must_use]
    pub fn get(&self) -> Option<&reqwest::Client> {
        let make = || http_client_called(self.name).inspect_err(|_| tracing::error!(target: "lethe", "cannot make an http client")).ok();
        self.client.get_or_init(make).as_ref()
    }
}

/// A client that is there already.
impl From<reqwest::Client> for LazyHttpClient {
    fn from(client: reqwest::Client) -> Self {
        Self { client: Arc::new(OnceLock::from(Some(client))), name: Name::Ours }
    }
}
