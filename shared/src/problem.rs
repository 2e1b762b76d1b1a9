//! One error that leaves a function: problem details after RFC 9457, from one exhaustive table of status, slug and text.
//!
//! What a caller may read and what only the log may hold are kept apart: `reason` never reaches an answer. All refusals of identity look
//! alike, so that nobody learns whether a tenant exists, has left, or only the signature was wrong.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::platform::signal::Signal;

/// The kinds of refusal; each has one status and one stable slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: the request is not of the form that this route takes.
    Malformed,
    /// 401: we do not know the caller, or no longer.
    Unauthorized,
    /// 403: the caller is known and may not.
    Forbidden,
    /// 404: nothing here; also where it exists for another tenant.
    NotFound,
    /// 405: the resource is here, the method is not.
    MethodNotAllowed,
    /// 409: there is as much as there may be.
    LimitReached,
    /// 409: something is still missing.
    Incomplete,
    /// 409: the tenant is not where this can be done.
    WrongState,
    /// 412: the record is not at the revision that the request names (RFC 9110, section 13.1).
    RevisionConflict,
    /// 413: more bytes than this route takes.
    TooLarge,
    /// 415: the body's type is not one that this route takes.
    UnsupportedType,
    /// 416: bytes of a file that it has not.
    RangeNotSatisfiable,
    /// 429: more often than this tenant may.
    TooManyRequests,
    /// 500: a fault of ours.
    Internal,
    /// 503: something that we need is away for now.
    Unavailable,
}

impl Refusal {
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "the request is malformed"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "the request carries no valid token"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "the request is not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "there is nothing here"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "the method is not allowed here"),
            Self::LimitReached => (StatusCode::CONFLICT, "limit-reached", "there is as much as there may be"),
            Self::Incomplete => (StatusCode::CONFLICT, "incomplete", "not everything is there yet"),
            Self::WrongState => (StatusCode::CONFLICT, "wrong-state", "this cannot be done as things stand"),
            Self::RevisionConflict => {
                (StatusCode::PRECONDITION_FAILED, "revision-conflict", "the record is not at the revision that was named")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the request is too large"),
            Self::UnsupportedType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", "the body's type is not taken here"),
            Self::RangeNotSatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "the file has no such bytes"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "this is asked more often than it may be"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "something failed here"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "something that is needed is away for now"),
        }
    }

    /// The status that the refusal answers.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.parts().0
    }

    /// What it is a signal of, where nothing more is known.
    const fn signal(self) -> Option<Signal> {
        match self {
            Self::Unauthorized => Some(Signal::UnknownCaller),
            Self::Internal | Self::Unavailable => Some(Signal::Failed),
            Self::Malformed
            | Self::Forbidden
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::LimitReached
            | Self::Incomplete
            | Self::WrongState
            | Self::RevisionConflict
            | Self::TooLarge
            | Self::UnsupportedType
            | Self::RangeNotSatisfiable
            | Self::TooManyRequests => None,
        }
    }
}

/// A refusal with what the caller may know of it and what only the log may.
#[derive(Debug)]
pub struct Problem {
    refusal: Refusal,
    field: Option<Cow<'static, str>>,
    detail: Option<Cow<'static, str>>,
    reason: Cow<'static, str>,
    signal: Option<Signal>,
}

impl Problem {
    /// A refusal with its `reason` for the log.
    pub fn new(refusal: Refusal, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { refusal, field: None, detail: None, reason: reason.into(), signal: refusal.signal() }
    }

    /// 400 that names the field at fault and what it should be; the value is never repeated.
    pub fn malformed(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        let (field, detail) = (field.into(), detail.into());
        let reason = format!("{field} {detail}");
        Self { field: Some(field), detail: Some(detail), ..Self::new(Refusal::Malformed, reason) }
    }

    /// 401, the same for every cause.
    pub fn unauthorized(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Refusal::Unauthorized, reason)
    }

    /// 503, to be tried again soon.
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Refusal::Unavailable, reason)
    }

    /// 403 that says what the caller would have to be.
    pub fn forbidden(detail: &'static str) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(Refusal::Forbidden, detail) }
    }

    /// The same, with a text that the caller may read.
    #[must_use]
    pub fn told(self, detail: &'static str) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The same, as a signal of more than its kind tells.
    #[must_use]
    pub fn raising(self, signal: Signal) -> Self {
        Self { signal: Some(signal), ..self }
    }

    /// 413 that says how much would have been taken.
    #[must_use]
    pub fn too_large(field: &'static str, limit_bytes: usize) -> Self {
        let detail = format!("{field} may have {limit_bytes} bytes at most");
        Self { field: Some(field.into()), detail: Some(detail.into()), ..Self::new(Refusal::TooLarge, "too large") }
    }

    /// The same once more, for another to whom the same has happened.
    #[must_use]
    pub fn again(&self) -> Self {
        let (field, detail, reason) = (self.field.clone(), self.detail.clone(), self.reason.clone());
        Self { refusal: self.refusal, field, detail, reason, signal: self.signal }
    }

    /// The kind of refusal.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// What the caller may know beside the kind of refusal.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Why it was refused, for the log alone.
    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason(self.reason.clone())
    }

    /// What it is a signal of, for the log alone.
    #[must_use]
    pub const fn signal(&self) -> Option<Signal> {
        self.signal
    }
}

impl From<crate::platform::random::Unavailable> for Problem {
    fn from(fault: crate::platform::random::Unavailable) -> Self {
        Self::unavailable(fault.to_string())
    }
}

/// Why a request was refused; travels beside the answer to the log, never in it.
#[derive(Clone, Debug)]
pub struct Reason(pub Cow<'static, str>);

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, slug, title) = self.refusal.parts();
        let body = Body {
            r#type: format!("urn:lethe:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail.as_deref(),
            field: self.field.as_deref(),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.refusal {
            Refusal::Unauthorized => drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("JWT"))),
            Refusal::Unavailable => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"))),
            // What may be done again grows within a minute.
            Refusal::TooManyRequests => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"))),
            _ => {}
        }
        response.extensions_mut().insert(Reason(self.reason));
        if let Some(signal) = self.signal {
            response.extensions_mut().insert(signal);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_travels_beside_the_answer_and_not_in_it() {
        let response = Problem::unauthorized("tenant has left").into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.extensions().get::<Reason>().map(|reason| reason.0.as_ref()), Some("tenant has left"));
        assert_eq!(response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes), Some(&b"application/problem+json"[..]));
    }
}
