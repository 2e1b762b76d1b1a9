//! `POST /{app}/erasure/…`: what operators do about leavings (promises E-36, A-41, E-30). No front door leads here: IAM lets a caller in, or nobody
//! does.
//!
//! Every body is `{"clientKey": "…", "ticket": 1234}`, with a `reason` from the route's list where it says so. It is a body, so that client keys
//! are in no path and in no log. With a `tenantId`, which every answer names, only that life is meant: 409 if another has begun, so that what is
//! repeated late never strikes it. Each call has its entry in the audit before anything else happens.
//!
//! | | | refused |
//! |---|---|---|
//! | `status` | where the tenant stands, with all dates; after a purge its certificate | |
//! | `dry-run` | what a purge will delete, when and why; nothing is changed | |
//! | `early-deletion` | `reason`, `tenantId`: ends the grace, and gives a receipt, always the same | 409 while active, held, in doubt or newly marked |
//! | `mark` | `reason`: a tenant that left without a word has left now | 409 unless active, or marked so before |
//! | `unmark` | that was a mistake: it is active again, with everything | 409 unless marked so, and its grace is not over |
//! | `hold` | `reason`, `days`: the purge waits so long from now; placed again, it is renewed | 409 unless it has left and is kept, with its keys |
//! | `lift` | the purge waits no longer | 409 unless it has left and is kept |
//!
//! All of them: 400 naming the field, 403 without an identity, 404 for whom nobody knows, 503 if something is away; then it is asked again, and it
//! is as if it had been asked once.

mod act;
mod asked;
mod dry_run;
mod early;
mod holding;
mod marking;
mod receipt;
mod shown;
mod status;

use axum::Router;
use axum::routing::post;
use shared::platform::Platform;

/// The routes of `erasure`.
pub fn routes(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/{app}/erasure/status", post(status::status))
        .route("/{app}/erasure/dry-run", post(dry_run::dry_run))
        .route("/{app}/erasure/early-deletion", post(early::early_deletion))
        .route("/{app}/erasure/mark", post(marking::mark))
        .route("/{app}/erasure/unmark", post(marking::unmark))
        .route("/{app}/erasure/hold", post(holding::hold))
        .route("/{app}/erasure/lift", post(holding::lift));
    platform.serve_operators("erasure", routes)
}
