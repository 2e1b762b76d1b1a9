//! Taking turns. Lambda gives every call an environment of its own; here all of them share the cores of one machine, and a thousand at once
//! would each be so slow that the SDK's time-outs strike, as if AWS were away. So a few are answered at once, and the others wait before
//! they begin, in the order in which they came.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// How many calls are answered at once: enough for any number of cores, and for calls that wait for a site.
const AT_ONCE: usize = 32;

/// The same functions, a few calls at once.
pub(crate) fn taking_turns(front: Router) -> Router {
    Router::new().fallback(pass).with_state((Arc::new(Semaphore::new(AT_ONCE)), front))
}

async fn pass(State((turns, front)): State<(Arc<Semaphore>, Router)>, request: Request) -> Response {
    // Nobody closes it. A turn ends with the answer's head: a body that streams needs no core for long.
    let Ok(_turn) = turns.acquire().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    front.oneshot(request).await.unwrap_or_else(|never| match never {})
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::Body;
    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn many_calls_are_all_answered_and_a_few_at_once() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let slow = Router::new().fallback(move || async move {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::Relaxed);
            StatusCode::NO_CONTENT
        });
        let front = taking_turns(slow);
        let call = || front.clone().oneshot(Request::new(Body::empty()));
        let answers = join_all((0..10 * AT_ONCE).map(|_| call())).await;
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status() == StatusCode::NO_CONTENT));
        assert_eq!(seen.load(Ordering::Relaxed), AT_ONCE);
    }
}
