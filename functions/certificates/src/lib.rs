//! `GET /certificates/keys`: the public keys that verify deletion certificates, those that sign no more among them.
//!
//! Public, and the same for everybody. Who keeps a certificate should keep this beside it: the two are enough, without us.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::get;
use axum::{Json, Router};
use shared::platform::Platform;
use shared::problem::Problem;
use shared::purge::certificate::KeySet;

/// RFC 7517, section 8.5.2.
const JWK_SET: HeaderValue = HeaderValue::from_static("application/jwk-set+json");

/// A key stays in the set for good, so an old answer only lacks what was signed since.
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The routes of `certificates`.
pub fn routes(platform: Platform) -> Router {
    platform.serve("certificates", Router::new().route("/certificates/keys", get(keys)))
}

async fn keys(State(platform): State<Platform>) -> Result<([(HeaderName, HeaderValue); 2], Json<KeySet>), Problem> {
    let keys = KeySet::published(platform.certificate_key()).await?;
    Ok(([(header::CONTENT_TYPE, JWK_SET), (header::CACHE_CONTROL, FOR_AN_HOUR)], Json(keys)))
}
