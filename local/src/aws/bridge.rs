//! The way to winterbaume's services and back: its requests and answers are the SDK's in other clothes.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use winterbaume_core::{MockRequest, MockResponse};

use super::{REGION, answer};

/// The SDK's request as winterbaume takes it.
///
/// # Errors
/// If it cannot be an HTTP request, or streams its body, which KMS and SQS never see.
pub(super) fn request(request: HttpRequest) -> Result<MockRequest, ConnectorError> {
    let (parts, body) = request.try_into_http1x().map_err(|cause| ConnectorError::user(cause.into()))?.into_parts();
    let body = body.bytes().map(Bytes::copy_from_slice).ok_or_else(|| ConnectorError::user("a streamed body".into()))?;
    Ok(MockRequest { method: parts.method.to_string(), uri: parts.uri.to_string(), headers: parts.headers, body })
}

/// A request of our own, as the SDK would have sent it.
pub(super) fn own_request(host: &str, target: &str, body: &serde_json::Value) -> MockRequest {
    let mut headers = HeaderMap::new();
    if let Ok(target) = HeaderValue::from_str(target) {
        headers.insert("x-amz-target", target);
    }
    let uri = format!("https://{host}.{REGION}.amazonaws.com/");
    MockRequest { method: "POST".to_owned(), uri, headers, body: Bytes::from(body.to_string()) }
}

/// winterbaume's answer as the SDK takes it.
pub(super) fn response(given: MockResponse) -> HttpResponse {
    let status = StatusCode::from_u16(given.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = answer::json(status, given.body);
    for (name, value) in &given.headers {
        if let Ok(value) = value.to_str() {
            response.headers_mut().insert(name.as_str().to_owned(), value.to_owned());
        }
    }
    response
}
