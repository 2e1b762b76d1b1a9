//! Atlassian's public keys for installation tokens, fetched by name and kept.
//!
//! A key never changes under its name, so it is kept for good, and "nobody knows it" for a minute. Concurrent callers share one fetch, and
//! strangers who invent names soon use up a budget. Only hosts from the configuration are asked, never one that a token or payload names;
//! redirects, oversized answers and anything but a public key count as a failure.

mod memory;
#[cfg(test)]
pub(super) mod test_host;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use http::StatusCode;
use url::Url;

use self::memory::{Fetch, Fetched, Memory};
use super::kid::Kid;
use crate::platform::clock::Clock;
use crate::platform::http_client::LazyHttpClient;

/// For one host's whole answer. The installation waits for it, and Atlassian for the installation.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A key of 8,192 bits has 1.4 KiB.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Every host says there is no such key.
    #[error("cannot find the key: no host knows it")]
    UnknownKid,
    /// Some host did not give a usable answer, or too many unknown names were asked for in the last minute.
    #[error("cannot fetch the key")]
    Unavailable,
}

/// The keys. Clones share what was fetched.
#[derive(Clone)]
pub struct InstallKeys {
    shared: Arc<Shared>,
}

struct Shared {
    hosts: Vec<Url>,
    http: LazyHttpClient,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    memory: Mutex<Memory>,
}

/// What one host says.
enum Answer {
    Key(Vec<u8>),
    NotFound,
    Useless,
}

impl InstallKeys {
    /// Keys from `hosts`, asked in this order at `{host}/{kid}` until one gives the key. `http` must neither follow redirects nor use
    /// a proxy.
    #[must_use]
    pub fn new(hosts: Vec<Url>, http: LazyHttpClient, clock: Arc<dyn Clock>) -> Self {
        Self::with_timeout(hosts, http, clock, TIMEOUT)
    }

    fn with_timeout(hosts: Vec<Url>, http: LazyHttpClient, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        let memory = Mutex::new(Memory::new());
        Self { shared: Arc::new(Shared { hosts, http, clock, timeout, memory }) }
    }

    /// The key of this name, in PEM.
    ///
    /// # Errors
    /// [`KeyFault::UnknownKid`] is the caller's fault, [`KeyFault::Unavailable`] is not.
    pub async fn get(&self, kid: &Kid) -> Result<Arc<Vec<u8>>, KeyFault> {
        self.remembered_or_fetching(kid)?.await
    }

    fn remembered_or_fetching(&self, kid: &Kid) -> Result<Fetch, KeyFault> {
        let now = self.shared.clock.now();
        let mut memory = self.shared.memory();
        if let Some(known) = memory.known(kid, now) {
            return Ok(std::future::ready(known).boxed().shared());
        }
        if let Some(running) = memory.running(kid) {
            return Ok(running);
        }
        memory.spend(now)?;
        let fetch = fetch(Arc::clone(&self.shared), kid.clone()).boxed().shared();
        memory.started(kid, &fetch);
        Ok(fetch)
    }
}

impl fmt::Debug for InstallKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InstallKeys").finish_non_exhaustive()
    }
}

async fn fetch(shared: Arc<Shared>, kid: Kid) -> Fetched {
    let fetched = shared.ask_hosts(&kid).await;
    let now = shared.clock.now();
    shared.memory().ended(&kid, &fetched, now);
    fetched
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_hosts(&self, kid: &Kid) -> Fetched {
        // Without any host nobody has said that the key does not exist.
        let mut nobody_knows = !self.hosts.is_empty();
        for host in &self.hosts {
            match tokio::time::timeout(self.timeout, self.ask(host, kid)).await {
                Ok(Answer::Key(pem)) => return Ok(Arc::new(pem)),
                Ok(Answer::NotFound) => {}
                Ok(Answer::Useless) | Err(_) => nobody_knows = false,
            }
        }
        Err(if nobody_knows { KeyFault::UnknownKid } else { KeyFault::Unavailable })
    }

    async fn ask(&self, host: &Url, kid: &Kid) -> Answer {
        let address = format!("{}/{kid}", host.as_str().trim_end_matches('/'));
        let Some(http) = self.http.get() else { return Answer::Useless };
        let Ok(response) = http.get(address).send().await else { return Answer::Useless };
        match response.status() {
            StatusCode::OK => bounded(response).await.filter(|body| is_public_key(body)).map_or(Answer::Useless, Answer::Key),
            StatusCode::NOT_FOUND => Answer::NotFound,
            _ => Answer::Useless,
        }
    }
}

/// The body, unless it is too long. Counted as it comes: a length in the header is only a claim.
async fn bounded(mut response: reqwest::Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// Neither certificates nor private keys, which the signature library would read too.
fn is_public_key(body: &[u8]) -> bool {
    let pem = body.trim_ascii();
    pem.starts_with(b"-----BEGIN PUBLIC KEY-----") && pem.ends_with(b"-----END PUBLIC KEY-----")
}
