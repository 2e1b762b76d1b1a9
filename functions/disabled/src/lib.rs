//! `POST /{app}/disabled`: an admin switched the app off in the site's settings.
//!
//! 204 with a valid signature in every state, changing nothing unless the tenant is active; 401 without. Atlassian sends some of these after
//! `uninstalled`, and then without a token: those change nothing either.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use shared::connect::Disabled;
use shared::platform::Platform;
use shared::problem::Problem;
use shared::tenant::HostEvent;
use shared::tenant::moves::{self, Moved};

/// The routes of `disabled`.
pub fn routes(platform: Platform) -> Router {
    platform.serve("disabled", Router::new().route("/{app}/disabled", post(disabled)))
}

async fn disabled(State(platform): State<Platform>, signed: HostEvent<Disabled>) -> Result<Moved, Problem> {
    moves::switch(&platform, &signed.event, &signed.tenant_id, false).await
}
