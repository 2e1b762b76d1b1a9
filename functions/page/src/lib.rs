//! `GET /{app}/page`: what this app holds of the tenant, where, how sealed and until when, and the editor of its configuration and
//! its attachments; and the two files that the page loads, `GET /{app}/page.js` and `GET /{app}/page.css`.
//!
//! The page is for users of the site, inside the site. Whoever opens it without a valid token gets a plain page without data or script. What
//! is set in the app and what is attached is fetched and changed by the page's script, with a token of the site's for every call; large files
//! go from the browser straight into the incoming bucket.

mod asset;
mod day;
mod headers;
mod holding;
mod limits;
mod refused;
mod view;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use shared::connect::catalogue::Catalogue;
use shared::platform::Platform;
use shared::problem::{Problem, Refusal};
use shared::tenant::page_token::Purpose;
use shared::tenant::{HostToken, Member, PageToken};

use asset::Asset;
use headers::Ancestors;
use view::{Rights, View};

/// The routes of `page`.
pub fn routes(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/{app}/page", get(page))
        .route("/{app}/page.js", get(|app, query| send(app, query, asset::SCRIPT)))
        .route("/{app}/page.css", get(|app, query| send(app, query, asset::STYLE)));
    platform.serve("page", routes)
}

async fn page(State(platform): State<Platform>, token: Result<HostToken<Member>, Problem>) -> Response {
    let shown = async { show(&platform, token?).await }.await;
    shown.unwrap_or_else(|problem| refused::answer(problem, &platform.config().site_hosts))
}

async fn show(platform: &Platform, token: HostToken<Member>) -> Result<Response, Problem> {
    // A site that does not say who administers it takes the page from nobody: it is shown for reading.
    let (rights, mut untold) = match token.caller.administers(&token.tenant).await {
        Ok(administers) => (if administers { Rights::Administers } else { Rights::Reads }, None),
        Err(problem) => (Rights::Unknown, Some(problem.reason())),
    };
    let config = platform.config();
    // Without one the page reports nothing, and is shown all the same; the log says why.
    let page_token = PageToken::mint(&token.tenant, Purpose::Telemetry).unwrap_or_else(|problem| {
        untold = Some(problem.reason());
        String::default()
    });
    let html = View::of(&token.tenant, config, rights, &page_token, platform.now()).html()?;
    let ancestors = Ancestors::of_tenant(token.tenant.account());
    let mut response = (headers::of_page(&config.bridge_script_url, &config.incoming_origin(), &ancestors)?, Html(html)).into_response();
    if let Some(reason) = untold {
        response.extensions_mut().insert(reason);
    }
    Ok(response)
}

async fn send(Path(app): Path<String>, RawQuery(query): RawQuery, asset: Asset) -> Result<Response, Problem> {
    Catalogue::hosted().find(&app).ok_or_else(|| Problem::new(Refusal::NotFound, "no such app"))?;
    Ok(asset.answer(query.as_deref()))
}
