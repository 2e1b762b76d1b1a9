//! The same S3 over a socket, for browsers: presigned requests and what CORS asks before them. Its calls are logged and may be faulted like
//! those of the SDK.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::header::{HOST, ORIGIN};
use http::{Method, StatusCode};
use s3s::S3Error;

use super::cors;
use super::target::Target;
use crate::aws::answer;
use crate::aws::faults::Fault;
use crate::aws::front::Front;
use crate::aws::service::Service;

/// All of S3, behind whatever listens.
pub(in crate::aws) fn router(front: Front) -> Router {
    Router::new().fallback(serve).with_state(front)
}

async fn serve(State(front): State<Front>, request: Request) -> Response {
    let objects = &front.backends.objects;
    let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let authority = headers.get(HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(|authority| authority.as_str()));
    let target = Target::of(objects.hosts(), method.as_str(), authority.unwrap_or_default(), &uri).with(Target::source(&headers), b"");
    let cors = objects.cors(&target.bucket);
    if method == Method::OPTIONS {
        return match cors::preflight(cors.as_ref(), &headers) {
            Ok(answer) => answer.map(Body::new),
            Err(refused) => refusal(refused),
        };
    }
    let operation = target.operation();
    let fault = front.faults.strike(Service::S3, &operation);
    front.calls.record(Service::S3, operation, target.needs(), fault);
    let mut answer = match fault {
        None => ask(&front, request).await,
        Some(Fault::BeforeSend) => broken_off(),
        Some(Fault::AfterEffect) => {
            ask(&front, request).await;
            broken_off()
        }
        Some(Fault::Throttle) => in_its_words(answer::throttled(Service::S3)),
        Some(Fault::InternalError) => in_its_words(answer::broken(Service::S3)),
        // Whoever asks here is a browser, and nobody waits for its death.
        Some(Fault::Never | Fault::DiesBefore | Fault::DiesAfter) => std::future::pending().await,
    };
    cors::permit(cors.as_ref(), headers.get(ORIGIN), method.as_str(), answer.headers_mut());
    answer
}

async fn ask(front: &Front, request: Request) -> Response {
    match front.backends.objects.serve(request.map(s3s::Body::http_body_unsync)).await {
        Ok(answer) => answer.map(Body::new),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refusal(refused: S3Error) -> Response {
    refused.to_http_response().map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |answer| answer.map(Body::new))
}

fn in_its_words(answer: aws_smithy_runtime_api::client::orchestrator::HttpResponse) -> Response {
    answer.try_into_http1x().map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |answer| answer.map(Body::new))
}

/// An answer that never comes to its end: the connection breaks.
fn broken_off() -> Response {
    let broken = stream::once(std::future::ready(Err::<bytes::Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))));
    (StatusCode::INTERNAL_SERVER_ERROR, Body::from_stream(broken)).into_response()
}
