//! What the small Jira's own page asks for, below `/play`: the state of things, what Jira does, the clock, tokens, what is stored, what the
//! tenant sees, and what it all costs. Answers are JSON; a refusal is `{"said": …}`.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::platform::clock::{Clock as _, rfc3339};
use shared::tenant::id;

use super::descriptor::Descriptor;
use super::doings::{Doing, DoingFault, Done};
use super::moving::MovingFault;
use super::seen::{self, App};
use super::server::Desk;
use super::user::{USERS, User};
use super::{Named, SiteFault, Trouble, telemetry};
use crate::atlassian::Signed;
use crate::clock::ClockFault;
use crate::stored::{Remains, Stored, ViewFault};
use crate::time_passing::PassingFault;
use crate::watch::Watched;

/// How far the clock moves at once, in seconds: everything that happens meanwhile is done.
const LONGEST_MOVE: u64 = 400 * 86_400;

/// The routes.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/play/state", get(state))
        .route("/play/clock", post(clock))
        .route("/play/calls", get(calls))
        .route("/play/sites", post(add))
        .route("/play/sites/{site}/doings", post(act))
        .route("/play/sites/{site}/trouble", post(trouble))
        .route("/play/sites/{site}/page", get(page))
        .route("/play/sites/{site}/token", get(token))
        .route("/play/sites/{site}/stored", get(stored))
        .route("/play/sites/{site}/seen", get(see))
        .route("/play/{*rest}", get(nothing).post(nothing))
}

async fn nothing() -> Refused {
    Refused(StatusCode::NOT_FOUND, "there is nothing at this address".to_owned())
}

async fn state(State(desk): State<Desk>) -> Json<Value> {
    let sites: Vec<Value> = desk.jira().sites().iter().map(shown).collect();
    let users: Vec<Value> = USERS.iter().map(|user| json!({"key": user.key, "name": user.name, "administers": user.administers})).collect();
    let ahead = desk.clock().ahead().as_secs();
    Json(json!({
        "now": rfc3339(desk.clock().now().epoch_seconds()), "ahead": ahead, "jira": desk.origin(), "functions": desk.functions(),
        "app": desk.app().name, "slug": desk.app().slug, "sites": sites, "users": users,
    }))
}

fn shown(named: &Named) -> Value {
    let trouble = match named.trouble {
        None => "none",
        Some(Trouble::Silent) => "silent",
        Some(_) => "broken",
    };
    let story = &named.story;
    json!({
        "key": named.name, "address": named.site.base_url, "standing": story.standing.name(), "installed": story.installed, "left": story.left,
        "renamed": story.renamed, "rotated": story.rotated, "leftAt": story.left_at.map(rfc3339), "licensed": named.licence_active,
        "trouble": trouble,
    })
}

#[derive(Deserialize)]
struct Move {
    seconds: u64,
}

async fn clock(State(desk): State<Desk>, Json(by): Json<Move>) -> Result<Json<Value>, Refused> {
    if by.seconds > LONGEST_MOVE {
        return Err(Refused(StatusCode::BAD_REQUEST, "cannot move the clock: 400 days at once are enough".to_owned()));
    }
    // A second more, so that what is due at the very end of the move is past: TTL deletes what has expired before now.
    let passed = desk.pass(Duration::from_secs(by.seconds.saturating_add(1))).await?;
    let now = rfc3339(desk.clock().now().epoch_seconds());
    Ok(Json(json!({"now": now, "expired": passed.items, "passed": passed, "said": format!("It is {now} now. {passed}")})))
}

async fn calls(State(desk): State<Desk>) -> Json<Vec<Watched>> {
    Json(desk.watch().calls())
}

#[derive(Deserialize)]
struct New {
    name: String,
}

async fn add(State(desk): State<Desk>, Json(new): Json<New>) -> Result<(StatusCode, Json<Value>), Refused> {
    desk.add(&new.name)?;
    Ok((StatusCode::CREATED, Json(shown(&desk.jira().site(&new.name)?))))
}

#[derive(Deserialize)]
struct Act {
    doing: Doing,
}

async fn act(State(desk): State<Desk>, Path(site): Path<String>, Json(act): Json<Act>) -> Result<Json<Done>, Refused> {
    let remains = Stored::now(desk.aws())?.of(&digest(&desk.jira().site(&site)?));
    let is_kept = remains.may_return(desk.clock().now().epoch_seconds());
    Ok(Json(desk.doings().act(&site, act.doing, is_kept).await?))
}

#[derive(Deserialize)]
struct Wrong {
    trouble: String,
}

async fn trouble(State(desk): State<Desk>, Path(site): Path<String>, Json(wrong): Json<Wrong>) -> Result<Json<Value>, Refused> {
    let named = desk.jira().site(&site)?;
    let (trouble, said) = match wrong.trouble.as_str() {
        "none" => (None, format!("{site} answers again")),
        "broken" => (Some(Trouble::Status(500)), format!("{site} answers 500 from now on")),
        "silent" => (Some(Trouble::Silent), format!("{site} answers nothing from now on")),
        _ => return Err(Refused(StatusCode::BAD_REQUEST, "a trouble is none, broken or silent".to_owned())),
    };
    desk.jira().trouble(&named.site, trouble);
    Ok(Json(json!({"said": format!("{said}. What the app was told within the last minute still counts.")})))
}

/// For whom something is asked.
#[derive(Deserialize)]
pub(super) struct Whose {
    user: String,
    method: Option<String>,
    target: Option<String>,
}

impl Whose {
    pub(super) fn user(&self) -> Result<User, Refused> {
        let known = USERS.into_iter().find(|user| user.key == self.user);
        known.ok_or_else(|| Refused(StatusCode::NOT_FOUND, "there is no such user".to_owned()))
    }
}

async fn page(State(desk): State<Desk>, Path(site): Path<String>, Query(whose): Query<Whose>) -> Result<Json<Value>, Refused> {
    let (named, user) = (desk.jira().site(&site)?, whose.user()?);
    if !named.story.standing.is_installed() {
        return Ok(Json(json!({"address": null})));
    }
    let descriptor = Descriptor::of(&named.site, desk.http()).await?;
    let address = descriptor.page(&named.site, user, named.licence_active, desk.origin(), desk.clock())?;
    Ok(Json(json!({"address": address})))
}

/// A context token, or with method and target the token of that very request.
async fn token(State(desk): State<Desk>, Path(site): Path<String>, Query(whose): Query<Whose>) -> Result<Json<Value>, Refused> {
    let (site, user, now) = (desk.jira().site(&site)?.site, whose.user()?, desk.clock().now().epoch_seconds());
    let token = match (&whose.method, &whose.target) {
        (Some(method), Some(target)) => {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            site.host_token_for(user, Signed { method, path, query }, now)
        }
        _ => site.context_token_for(user, now),
    };
    Ok(Json(json!({"token": token.map_err(DoingFault::Token)?})))
}

async fn stored(State(desk): State<Desk>, Path(site): Path<String>) -> Result<Json<Value>, Refused> {
    let named = desk.jira().site(&site)?;
    let digest = digest(&named);
    let stored = Stored::now(desk.aws())?;
    let remains = stored.of(&digest);
    let gone = named.story.installed > 0 && !remains.has_keys;
    let tenants: BTreeMap<String, String> = desk.jira().sites().into_iter().map(|one| (self::digest(&one), one.name)).collect();
    let said = told(&named, &remains, gone);
    // What is counted is nobody's, changes with every look, and is shown with the rest of telemetry.
    let places: Vec<_> = stored.places.iter().filter(|place| !telemetry::TABLES.contains(&place.name.as_str())).collect();
    Ok(Json(json!({"gone": gone, "said": said, "digest": digest, "remains": remains, "tenants": tenants, "places": places})))
}

/// What the items of a site lie under.
fn digest(named: &Named) -> String {
    id::digest(named.site.app.slug, &named.site.client_key)
}

/// What the items of a tenant come to, in a sentence.
fn told(named: &Named, remains: &Remains, gone: bool) -> String {
    let name = &named.name;
    let items = |count: usize| if count == 1 { "1 sealed item".to_owned() } else { format!("{count} sealed items") };
    let lost = match remains.unreadable {
        0 => String::new(),
        1 => " 1 sealed item remains, and no key opens it.".to_owned(),
        more => format!(" {more} sealed items remain, and no key opens them."),
    };
    match (&remains.keys_expire_at, remains.has_keys) {
        (Some(date), _) => {
            let by = format!("The purge deletes them; should it fail, TTL does after {date}");
            format!("{} of {name} can be read as long as its keys are there. {by}.{lost}", items(remains.readable))
        }
        (None, true) => format!("{} of {name} can be read: its keys are there.{lost}", items(remains.readable)),
        (None, false) if gone && remains.unreadable == 0 => format!("Nothing sealed of {name} is left, and no keys are."),
        (None, false) if gone => format!("The keys of {name} are deleted.{lost}"),
        (None, false) => format!("There is nothing of {name}."),
    }
}

async fn see(State(desk): State<Desk>, Path(site): Path<String>) -> Result<Json<Value>, Refused> {
    let named = desk.jira().site(&site)?;
    let app = App { site: &named.site, http: desk.http(), clock: desk.clock() };
    Ok(Json(json!({"seen": seen::by_tenant(&app).await?})))
}

/// Why not, for the page to show.
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"said": self.1}))).into_response()
    }
}

impl From<DoingFault> for Refused {
    fn from(fault: DoingFault) -> Self {
        let status = match &fault {
            DoingFault::OutOfPlace(_) => StatusCode::CONFLICT,
            DoingFault::TooQuick => StatusCode::TOO_MANY_REQUESTS,
            DoingFault::Site(fault) => status_of(fault),
            DoingFault::Token(_) => StatusCode::BAD_REQUEST,
            DoingFault::NotAskedFor(_) | DoingFault::Unreachable(_) | DoingFault::Descriptor(_) | DoingFault::Address => {
                StatusCode::BAD_GATEWAY
            }
        };
        Self(status, fault.to_string())
    }
}

impl From<SiteFault> for Refused {
    fn from(fault: SiteFault) -> Self {
        Self(status_of(&fault), fault.to_string())
    }
}

pub(super) const fn status_of(fault: &SiteFault) -> StatusCode {
    match fault {
        SiteFault::Unknown => StatusCode::NOT_FOUND,
        SiteFault::NameTaken | SiteFault::TooMany => StatusCode::CONFLICT,
        SiteFault::NameRefused => StatusCode::BAD_REQUEST,
        SiteFault::NoSecret | SiteFault::NotKept(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<PassingFault> for Refused {
    fn from(fault: PassingFault) -> Self {
        let status = match fault {
            PassingFault::Clock(ClockFault::TooFar) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, fault.to_string())
    }
}

impl From<MovingFault> for Refused {
    fn from(fault: MovingFault) -> Self {
        match fault {
            MovingFault::Passing(fault) => fault.into(),
            MovingFault::Site(fault) => fault.into(),
        }
    }
}

impl From<ViewFault> for Refused {
    fn from(fault: ViewFault) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string())
    }
}
