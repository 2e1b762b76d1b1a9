//! `POST /{app}/uninstalled`: Atlassian says that a customer has left. Use ends at once, everything is kept for a return (promise E-33).
//!
//! Answered 204 whatever we hold, because there is nothing that the sender could do about it.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use shared::connect::Uninstalled;
use shared::platform::Platform;
use shared::problem::Problem;
use shared::tenant::InstallToken;
use shared::tenant::moves::{self, Moved};

/// The routes of `uninstalled`.
pub fn routes(platform: Platform) -> Router {
    platform.serve("uninstalled", Router::new().route("/{app}/uninstalled", post(uninstalled)))
}

async fn uninstalled(State(platform): State<Platform>, token: InstallToken<Uninstalled>) -> Result<Moved, Problem> {
    moves::leave(&platform, &token.event).await
}
