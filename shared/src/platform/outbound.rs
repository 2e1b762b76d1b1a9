//! Calls that leave AWS for a tenant's site. Whoever calls says whom; nothing here follows an answer elsewhere.
//!
//! On Lambda and on the local host they go over the internet. Tests hand them to a site in the same process, because a clock that is paused
//! waits for no socket.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

use super::http_client::{LazyHttpClient, Name};

/// For a site's whole answer. A person waits for it.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// More than any answer that we ask for.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// No answer came, or one that is too long. Says nothing of whom was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody answered, or the connection broke.
    #[error("the site cannot be reached")]
    Unreachable,
    /// It took longer than [`TIMEOUT`].
    #[error("the site did not answer in time")]
    TooSlow,
    /// It has more than [`MAX_ANSWER_BYTES`].
    #[error("the site's answer is too long")]
    TooLong,
}

/// A way to sites.
pub trait Outbound: Debug + Send + Sync {
    /// Sends one request to the absolute address that it names. Redirects are answers like any other.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>>;
}

/// The way over the internet.
#[derive(Clone, Debug, Default)]
pub struct Internet(LazyHttpClient);

impl Internet {
    /// The same without a name in its calls.
    #[must_use]
    pub fn nameless() -> Self {
        Self(LazyHttpClient::called(Name::None))
    }
}

impl Outbound for Internet {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoAnswer>> {
        let client = self.0.get().cloned();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(|_| NoAnswer::Unreachable)?;
            let client = client.ok_or(NoAnswer::Unreachable)?;
            let mut answer = client.execute(request).await.map_err(fault)?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            let mut body = Vec::new();
            // Counted as it comes: a length in the header is only a claim.
            while let Some(chunk) = answer.chunk().await.map_err(fault)? {
                if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                    return Err(NoAnswer::TooLong);
                }
                body.extend_from_slice(&chunk);
            }
            response.body(Bytes::from(body)).map_err(|_| NoAnswer::Unreachable)
        })
    }
}

fn fault(fault: reqwest::Error) -> NoAnswer {
    if fault.is_timeout() { NoAnswer::TooSlow } else { NoAnswer::Unreachable }
}
