//! `POST /{app}/installed`: Atlassian says that an app was installed, upgraded, renamed or given a new secret, or that a customer is back.
//!
//! Answered 204 once it is stored (Atlassian counts only 200 and 204 as good), 503 if it could not be: the admin may try again.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use shared::connect::Installed;
use shared::platform::Platform;
use shared::problem::Problem;
use shared::tenant::InstallToken;
use shared::tenant::moves::{self, Moved};

/// The routes of `installed`.
pub fn routes(platform: Platform) -> Router {
    platform.serve("installed", Router::new().route("/{app}/installed", post(installed)))
}

async fn installed(State(platform): State<Platform>, token: InstallToken<Installed>) -> Result<Moved, Problem> {
    moves::install(&platform, &token.event, &token.payload).await
}
