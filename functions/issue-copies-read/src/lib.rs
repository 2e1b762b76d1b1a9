//! `GET /{app}/issue-copies/{issueId}`: what is kept of an issue, as it is and as it was before, and what has changed between the two (promise
//! E-15). For users who may see the issue's project.

mod shown;

use axum::Json;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared::issue_copies::{ChosenByTenant, IssueCopies};
use shared::platform::Platform;
use shared::problem::{Problem, Refusal};
use shared::records::Reading;
use shared::tenant::ContextToken;
use shared::tenant::rights::{Browse, OnOwner};

use shown::Shown;

/// The routes of `issue-copies-read`.
pub fn routes(platform: Platform) -> Router {
    platform.serve("issue-copies-read", Router::new().route("/{app}/issue-copies/{issueId}", get(read)))
}

async fn read(token: ContextToken<OnOwner<Browse>, Reading<IssueCopies>>, headers: HeaderMap) -> Result<Response, Problem> {
    let Reading(record) = token.along;
    // What was taken out of the selection is shown no longer, also while its deletion is on its way.
    let record = match record {
        Some(record) => Some(ChosenByTenant::now(&token.tenant).await?.of_record(record)),
        None => None,
    };
    let shown = record.as_ref().and_then(|record| Some((record, Shown::of(&record.name, &record.value)?)));
    let Some((record, shown)) = shown else { return Err(Problem::new(Refusal::NotFound, "no copies of the issue")) };
    let etag = [(header::ETAG, record.revision.etag())];
    if record.revision.is_known_to(&headers) {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    Ok((etag, Json(shown)).into_response())
}
