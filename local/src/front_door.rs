//! The front door as CloudFront is it: the first pattern that matches the path decides, `*` crosses slashes, and the function behind it is
//! handed the request with the origin secret. Nothing else is changed: path and query arrive byte for byte.

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use shared::platform::front::ORIGIN_SECRET;
use tower::ServiceExt as _;

use crate::template::matches;

/// What stands behind one pattern.
#[derive(Clone)]
pub(crate) struct Behaviour {
    pub(crate) pattern: String,
    pub(crate) function: Router,
    /// Whether its answers are streams, which may be longer.
    pub(crate) streams: bool,
}

#[derive(Clone)]
struct Door {
    behaviours: Vec<Behaviour>,
    origin_secret: HeaderValue,
}

/// The front door over these behaviours, in their order.
pub(crate) fn front_door(behaviours: Vec<Behaviour>, origin_secret: HeaderValue) -> Router {
    Router::new().fallback(pass).with_state(Door { behaviours, origin_secret })
}

async fn pass(State(door): State<Door>, mut request: Request) -> Response {
    let path = request.uri().path();
    let Some(behaviour) = door.behaviours.iter().find(|behaviour| matches(&behaviour.pattern, path)) else {
        return Response::builder().status(404).body(Body::empty()).unwrap_or_default();
    };
    // Whatever a caller put there itself, as CloudFront's custom headers do.
    request.headers_mut().insert(ORIGIN_SECRET, door.origin_secret);
    let largest = if behaviour.streams { LARGEST_STREAM } else { LARGEST_ANSWER };
    let response = behaviour.function.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    if told_length(&response).max(response.body().size_hint().lower()) > largest {
        return Response::builder().status(502).body(Body::from("the answer is larger than Lambda takes")).unwrap_or_default();
    }
    response
}

/// A stream's length is only in its header, where it is at all.
fn told_length(response: &Response) -> u64 {
    let told = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    told.filter(|_| !response.body().is_end_stream()).unwrap_or_default()
}

/// Lambda's limit of an answer that is streamed: 200 MB.
const LARGEST_STREAM: u64 = 200_000_000;

/// Lambda's limit of an answer that is not streamed: 6 MB.
const LARGEST_ANSWER: u64 = 6 * 1024 * 1024;
