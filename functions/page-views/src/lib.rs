//! `POST /{app}/page-views/{token}`: which page is seen. The token stands in the path, because what a browser sends when a page is left
//! (`navigator.sendBeacon`) has no headers of ours.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use shared::platform::Platform;
use shared::platform::front::read_body;
use shared::problem::Problem;
use shared::telemetry::budget::Counted;
use shared::telemetry::outgoing::{self, Outgoing};
use shared::telemetry::page_view::PageView;
use shared::telemetry::sink::Destination;
use shared::tenant::PageToken;

/// Two addresses and their names.
const LARGEST_BODY: usize = 8 * 1024;

/// The routes of `page-views`.
pub fn routes(platform: Platform) -> Router {
    Destination::GoogleAnalytics.tell_if_off(&platform);
    platform.serve("page-views", Router::new().route("/{app}/page-views/{token}", post(seen)))
}

/// `{"page": "/test-management/page", "referrer": "https://…"}`; the referrer may be missing, and whatever else is there is not read.
async fn seen(State(platform): State<Platform>, page: PageToken, body: Body) -> Result<StatusCode, Problem> {
    platform.budgets().spend(page.tenant.digest(), Counted::PageViews, platform.clock().now())?;
    let body = read_body(body, LARGEST_BODY).await?;
    let view = PageView::read(&page.tenant, &body)?;
    outgoing::send(&platform, Outgoing::PageView(view)).await?;
    Ok(StatusCode::NO_CONTENT)
}
