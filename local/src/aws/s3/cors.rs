//! What pages of other origins may do with a bucket: the preflight's answer, and the headers that let a page read one.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use s3s::{Body, S3Error, S3ErrorCode, S3Result};

use super::bucket::Cors;

/// The answer to `OPTIONS`.
///
/// # Errors
/// `AccessForbidden`, and `BadRequest` if it is no preflight.
pub(super) fn preflight(cors: Option<&Cors>, asked: &HeaderMap) -> S3Result<Response<Body>> {
    let (origin, method) = (text(asked, &ORIGIN), text(asked, &ACCESS_CONTROL_REQUEST_METHOD));
    let (Some(origin), Some(method)) = (origin, method) else {
        return Err(refusal(b"BadRequest", StatusCode::BAD_REQUEST, "Insufficient information. Origin request header needed."));
    };
    let forbidden = |message: &'static str| refusal(b"AccessForbidden", StatusCode::FORBIDDEN, message);
    let cors = cors.ok_or_else(|| forbidden("CORSResponse: CORS is not enabled for this bucket."))?;
    let names = text(asked, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default().to_lowercase();
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let allowed = names.iter().all(|name| cors.allowed_headers.iter().any(|pattern| fits(&pattern.to_lowercase(), name)));
    if !cors.allows(origin, method) || !allowed {
        return Err(forbidden("CORSResponse: This CORS request is not allowed."));
    }
    let mut answer = Response::new(Body::empty());
    cors.tell(origin, answer.headers_mut());
    if !names.is_empty() {
        set(answer.headers_mut(), ACCESS_CONTROL_ALLOW_HEADERS, &names.join(", "));
    }
    Ok(answer)
}

/// Lets the page that asked read the answer, if it may.
pub(super) fn permit(cors: Option<&Cors>, origin: Option<&HeaderValue>, method: &str, headers: &mut HeaderMap) {
    if let (Some(cors), Some(origin)) = (cors, origin.and_then(|origin| origin.to_str().ok()))
        && cors.allows(origin, method)
    {
        cors.tell(origin, headers);
    }
}

impl Cors {
    fn allows(&self, origin: &str, method: &str) -> bool {
        self.allowed_origins.iter().any(|pattern| fits(pattern, origin)) && self.allowed_methods.iter().any(|allowed| allowed == method)
    }

    fn tell(&self, origin: &str, headers: &mut HeaderMap) {
        let everybody = self.allowed_origins.iter().any(|pattern| pattern == "*");
        set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, if everybody { "*" } else { origin });
        if !everybody {
            set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        set(headers, ACCESS_CONTROL_ALLOW_METHODS, &self.allowed_methods.join(", "));
        if !self.exposed_headers.is_empty() {
            set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed_headers.join(", "));
        }
        set(headers, VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    }
}

/// A pattern may hold one `*`.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after),
        None => pattern == text,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn refusal(code: &[u8], status: StatusCode, message: &'static str) -> S3Error {
    let mut refused = S3Error::with_message(S3ErrorCode::from_bytes(code).unwrap_or(S3ErrorCode::AccessDenied), message);
    refused.set_status_code(status);
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_what_its_star_covers() {
        assert!(fits("https://*.example.com", "https://a.example.com") && fits("*", "null") && fits("http://a", "http://a"));
        assert!(!fits("https://*.example.com", "https://example.com") && !fits("http://a", "http://ab") && !fits("ab*ba", "aba"));
    }
}
