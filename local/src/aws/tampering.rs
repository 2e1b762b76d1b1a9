//! What a test may put between the functions and AWS, to show that it would find a defect which they do not have: it sees every call of the SDK,
//! may have something else asked in its place, and may change what is answered. The meter of costs listens there too, and changes nothing.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::body::{Body, to_bytes};

use super::{EmbeddedAws, Service};

/// A call on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whom it asks.
    pub service: Service,
    /// What for.
    pub operation: String,
    /// Its address.
    pub address: String,
    /// Its body; empty where that is a stream or no text.
    pub body: String,
}

/// Whoever stands between.
pub trait Tamper: fmt::Debug + Send + Sync {
    /// What is asked in place of this call, one after the other, each a call of its own; the first that fails is the last, and the last one's
    /// answer is the answer. `None`: the call itself. Only calls to `DynamoDB`, SQS and KMS can be made up.
    fn instead(&self, asked: &Asked) -> Option<Vec<Asked>> {
        let _ = asked;
        None
    }

    /// Whether this wants to read what such a call is answered.
    fn reads(&self, asked: &Asked) -> bool {
        let _ = asked;
        false
    }

    /// What is answered in place of this body; `None`: what was answered.
    fn answered(&self, asked: &Asked, body: &str) -> Option<String> {
        let _ = (asked, body);
        None
    }
}

/// Where whoever tampers stands. Clones are one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Tampering(Arc<RwLock<Option<Arc<dyn Tamper>>>>);

impl Tampering {
    pub(super) fn present(&self) -> Option<Arc<dyn Tamper>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Asked {
    pub(super) fn of(service: Service, operation: String, request: &HttpRequest) -> Self {
        let body = request.body().bytes().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default().to_owned();
        Self { service, operation, address: request.uri().to_owned(), body }
    }
}

impl EmbeddedAws {
    /// From now on every call of the SDK passes here; `None`: nobody looks any more.
    pub fn tamper(&self, tamper: Option<Arc<dyn Tamper>>) {
        *self.front.tampering.0.write().unwrap_or_else(PoisonError::into_inner) = tamper;
    }
}

/// The answer with the body that is answered in place of its own.
pub(super) async fn answered(tamper: &dyn Tamper, asked: &Asked, answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let mut answer = answer;
    let body = to_bytes(Body::new(answer.take_body()), usize::MAX).await.map_err(|cause| ConnectorError::io(cause.into()))?;
    let changed = std::str::from_utf8(&body).ok().and_then(|body| tamper.answered(asked, body));
    let body = changed.map_or(body, Into::into);
    answer.headers_mut().remove("content-length");
    // What was said of the old body is not said of the new one.
    answer.headers_mut().remove("x-amz-crc32");
    *answer.body_mut() = SdkBody::from(body);
    Ok(answer)
}
