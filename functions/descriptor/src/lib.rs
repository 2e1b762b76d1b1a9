//! `GET /{app}/atlassian-connect.json`: the app as Atlassian is to know it; and `GET /{app}/health`: whether we are well.
//!
//! Both are public. The health is 200 only while DynamoDB answers and the wrapping key is enabled; an environment looks every ten seconds at
//! most: Atlassian asks once a minute, and whoever asks more often learns nothing new.

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::connect::catalogue::{App, Catalogue};
use shared::connect::descriptor::Descriptor;
use shared::platform::Platform;
use shared::problem::{Problem, Refusal};

/// The routes of `descriptor`.
pub fn routes(platform: Platform) -> Router {
    let routes = Router::new().route("/{app}/atlassian-connect.json", get(descriptor)).route("/{app}/health", get(health));
    platform.serve("descriptor", routes)
}

async fn descriptor(
    State(platform): State<Platform>,
    Path(app): Path<String>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Descriptor<'static>>), Problem> {
    let config = platform.config();
    let descriptor = Descriptor::of(find(&app)?, &config.public_url, &config.region_base_urls);
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))], Json(descriptor)))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

async fn health(State(platform): State<Platform>, Path(app): Path<String>) -> Result<Json<Health>, Problem> {
    find(&app)?;
    platform.health().check(&platform).await?;
    Ok(Json(Health { status: "up" }))
}

fn find(slug: &str) -> Result<&'static App, Problem> {
    Catalogue::hosted().find(slug).ok_or_else(|| Problem::new(Refusal::NotFound, "no such app"))
}
