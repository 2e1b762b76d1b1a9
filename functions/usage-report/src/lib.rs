//! `GET /{app}/usage-report/{day}`: how often functions were used on a day (promises ), for operators, whom IAM lets in and nobody else.
//!
//! `{"day": "2026-11-22", "app": "test-management", "smallestGroup": 5, "functions": [{"function": "page", "tenants": 7, "calls": 40}]}`. What fewer
//! tenants than the smallest group have used is not in it at all. Each call has its entry in the audit before anything is looked at.
//!
//! 400 naming `day` if it is none, 403 without an identity, 404 for an app that we do not host, 409 for a day that is not closed, which is the case
//! once the day after it is over; 503 if something is away.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use shared::audit::{self, What};
use shared::connect::catalogue::Catalogue;
use shared::platform::Platform;
use shared::problem::{Problem, Refusal};
use shared::telemetry::usage::Day;
use shared::telemetry::usage::report::{self, DayReport};
use shared::tenant::Operator;

/// The routes of `usage-report`.
pub fn routes(platform: Platform) -> Router {
    platform.serve_operators("usage-report", Router::new().route("/{app}/usage-report/{day}", get(show)))
}

/// Shows a day.
async fn show(
    State(platform): State<Platform>,
    operator: Operator,
    Path((app, day)): Path<(String, String)>,
) -> Result<Json<DayReport>, Problem> {
    let app = Catalogue::hosted().find(&app).ok_or_else(|| Problem::new(Refusal::NotFound, "no such app"))?;
    let day = Day::read(&day).ok_or_else(|| Problem::malformed("day", "must be a day, as YYYY-MM-DD"))?;
    let noted = audit::note_look(&platform, operator.principal(), What::UsageReport, &format!("{day}#{}", app.slug)).await?;
    let told = report::of_day(&platform, app, day).await;
    noted.ended(&platform, &told).await;
    told.map(Json)
}
