//! `DynamoDB`, KMS and SQS over a socket, for processes of their own. Their calls are logged and may be faulted like those made in this process;
//! signatures are not looked at, so this is to be served on loopback only. S3 has a socket of its own.

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};

use super::Service;
use super::front::Front;
use super::service::DOMAIN;

/// More than the largest request of the three: a batch of writes to `DynamoDB`.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The three services at one address, behind whatever listens: a call's target says whose it is.
pub(super) fn router(front: Front) -> Router {
    Router::new().fallback(serve).with_state(front)
}

async fn serve(State(front): State<Front>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let Some(host) = Service::of_target(target).map(Service::host) else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let mut asked = http::Request::new(SdkBody::from(body));
    *asked.method_mut() = Method::POST;
    *asked.uri_mut() = format!("https://{host}{DOMAIN}/").parse().unwrap_or_default();
    *asked.headers_mut() = parts.headers;
    let Ok(asked) = HttpRequest::try_from(asked) else { return StatusCode::BAD_REQUEST.into_response() };
    let answered = front.call(asked).await.ok().and_then(|answer| answer.try_into_http1x().ok());
    answered.map_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |answer| answer.map(Body::new))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::{Request, StatusCode};
    use tower::ServiceExt as _;

    use super::super::testing;

    #[tokio::test]
    async fn a_call_over_the_socket_is_answered_by_the_same_world_and_logged() {
        let (aws, _) = testing::world();
        let start = aws.calls().mark();
        for (target, status, says) in [
            ("DynamoDB_20120810.ListTables", StatusCode::OK, r#"{"TableNames":["pairs"]}"#),
            ("TrentService.ListKeys", StatusCode::OK, "\"Keys\":[]"),
            ("AmazonSQS.ListQueues", StatusCode::OK, ""),
            ("Elsewhere.ListKeys", StatusCode::NOT_FOUND, ""),
        ] {
            let request = Request::post("/").header("x-amz-target", target).body(Body::from("{}")).unwrap();
            let answer = aws.json_router().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{target}");
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            assert!(String::from_utf8_lossy(&body).contains(says), "{target}: {body:?}");
        }
        assert_eq!(aws.calls().since(start).len(), 3);
    }
}
