//! `POST /{app}/webhooks/{event}`: Jira tells of a change (promises E-10, E-15).
//!
//! What the tenant has selected of it goes into the queue, sealed; the rest is forgotten. 204 whatever becomes of it, because Atlassian counts
//! nothing else as delivered; 503 where it should come again.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::routing::post;
use shared::connect::WebhookEvent;
use shared::issue_copies::ChosenByTenant;
use shared::issue_copies::receiving::{self, Received};
use shared::platform::Platform;
use shared::platform::front::read_body;
use shared::problem::{Problem, Refusal};
use shared::tenant::{Anonymous, HostToken};

/// How much a payload may have. Lambda takes 6 MB with all that surrounds it, and what Jira sends beyond that reaches nobody.
pub const LARGEST_PAYLOAD: usize = 5 * 1024 * 1024;

/// The routes of `webhooks`.
pub fn routes(platform: Platform) -> Router {
    platform.serve("webhooks", Router::new().route("/{app}/webhooks/{event}", post(webhook)))
}

async fn webhook(
    token: HostToken<Anonymous, ChosenByTenant>,
    Path((_, event)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Received, Problem> {
    let event = WebhookEvent::of_segment(&event).ok_or_else(|| Problem::new(Refusal::NotFound, "no such event"))?;
    let body = read_body(body, LARGEST_PAYLOAD).await?;
    receiving::receive(&token.tenant, &token.along.0, event, &headers, &body).await
}
