//! Telemetry for the small Jira's page, below `/play/telemetry`: what pages have sent, what has left for each service, and what is counted; and
//! two things that a page may do, done here with personal data planted in every place, by real calls to the app.

mod planted;

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::platform::clock::{Clock as _, rfc3339};

use super::api::Refused;
use super::descriptor::Descriptor;
use super::doings::{DoingFault, PATIENCE};
use super::leaving::OPERATOR;
use super::server::Desk;
use super::user::{USERS, User};
use crate::sinks::Double;

const COUNTERS: &str = "UsageTable";
const SALTS: &str = "UsageSaltsTable";

/// Tables that are shown here and not among what is stored of tenants.
pub(super) const TABLES: [&str; 2] = [COUNTERS, SALTS];

/// The queue of what is to leave, and the one of what could not.
const QUEUES: [&str; 2] = ["TelemetryQueue", "TelemetryDeadLetters"];

/// From the end of a day until it may be closed, in days.
const CLOSED_AFTER: i64 = 1;

/// How many closed days are reported, the last ones.
const DAYS_REPORTED: usize = 7;

/// More than any report.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The routes.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/play/telemetry", get(look))
        .route("/play/telemetry/report", post(report))
        .route("/play/sites/{site}/telemetry/{deed}", post(act))
}

/// Everything as it is now. Salts are shown by their day alone.
async fn look(State(desk): State<Desk>) -> Result<Json<Value>, Refused> {
    let received = |double: Double| json!({"key": double, "name": double.name(), "received": desk.doubles().received(double)});
    let mut waiting = Vec::new();
    for queue in QUEUES {
        waiting.push(desk.aws().messages(queue).await.map_err(broken)?.len());
    }
    let counters: Vec<Counter> = counters(&desk)?;
    let salts: Vec<String> = items(&desk, SALTS)?.iter().filter_map(|item| text(item, "day")).collect();
    Ok(Json(json!({
        "arrived": desk.arrivals().all(), "sinks": Double::ALL.map(received),
        "queue": {"waiting": waiting.first(), "dead": waiting.last()},
        "usage": {"counters": counters.iter().map(Counter::shown).collect::<Vec<_>>(), "salts": salts},
    })))
}

/// A row of the counters.
struct Counter {
    day: String,
    app: String,
    function: String,
    id: String,
    calls: String,
}

impl Counter {
    /// Of an item; `None` if it is a note of what was counted.
    fn of(item: &Value) -> Option<Self> {
        let (day, app) = text(item, "day").and_then(|day| day.split_once('#').map(|(day, app)| (day.to_owned(), app.to_owned())))?;
        let (function, id) =
            text(item, "id").and_then(|id| id.split_once('#').map(|(function, id)| (function.to_owned(), id.to_owned())))?;
        let calls = item.pointer("/calls/N")?.as_str()?.to_owned();
        Some(Self { day, app, function, id, calls })
    }

    fn shown(&self) -> Value {
        let Self { day, app, function, id, calls } = self;
        json!({"day": day, "app": app, "function": function, "id": id, "calls": calls})
    }
}

fn counters(desk: &Desk) -> Result<Vec<Counter>, Refused> {
    let mut counters: Vec<Counter> = items(desk, COUNTERS)?.iter().filter_map(Counter::of).collect();
    // The last day first.
    counters.sort_by(|one, other| (&other.day, &one.function, &one.id).cmp(&(&one.day, &other.function, &other.id)));
    Ok(counters)
}

fn items(desk: &Desk, table: &str) -> Result<Vec<Value>, Refused> {
    desk.aws().items(table).map_err(broken)
}

fn text(item: &Value, name: &str) -> Option<String> {
    item.pointer(&format!("/{name}/S"))?.as_str().map(ToOwned::to_owned)
}

/// The reports of the last closed days, as the function gives them to operators; each has its entry in the audit.
async fn report(State(desk): State<Desk>) -> Result<Json<Value>, Refused> {
    let today = rfc3339(desk.clock().now().epoch_seconds().saturating_sub(CLOSED_AFTER * 86_400));
    let salted: BTreeSet<String> = items(&desk, SALTS)?.iter().filter_map(|item| text(item, "day")).collect();
    let closed = |day: &String| today.get(..10).is_some_and(|yesterday| day.as_str() < yesterday) && !salted.contains(day);
    let days: BTreeSet<String> = counters(&desk)?.into_iter().map(|counter| counter.day).filter(closed).collect();
    let mut reports = Vec::new();
    for day in days.into_iter().rev().take(DAYS_REPORTED) {
        reports.push(report_of(&desk, &day).await?);
    }
    let said = match reports.len() {
        0 => "No day is closed yet: that takes until the day after it is over, too.".to_owned(),
        1 => "One closed day is reported.".to_owned(),
        more => format!("{more} closed days are reported."),
    };
    Ok(Json(json!({"said": said, "reports": reports})))
}

async fn report_of(desk: &Desk, day: &str) -> Result<Value, Refused> {
    let request = Request::get(format!("/{}/usage-report/{day}", desk.app().slug)).body(Body::empty()).map_err(broken)?;
    let answer = desk.as_operator(OPERATOR, request).await;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), LARGEST_ANSWER).await.map_err(broken)?;
    if !status.is_success() {
        return Err(Refused(status, format!("usage-report answers {status} for {day}")));
    }
    serde_json::from_slice(&body).map_err(broken)
}

/// What a page may do.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// It throws an error, which the SDK of Sentry's reports.
    Error,
    /// It is seen.
    View,
}

/// As whom.
#[derive(Deserialize)]
struct Whose {
    user: String,
}

async fn act(State(desk): State<Desk>, Path((site, deed)): Path<(String, Deed)>, Json(whose): Json<Whose>) -> Result<Json<Value>, Refused> {
    let unknown = || Refused(StatusCode::NOT_FOUND, "there is no such user".to_owned());
    let user = USERS.into_iter().find(|user| user.key == whose.user).ok_or_else(unknown)?;
    let page = Page::load(&desk, &site, user).await?;
    let (endpoint, kind, body) = match deed {
        Deed::Error => {
            let now = desk.clock().now().epoch_millis();
            ("browser-errors", "text/plain;charset=UTF-8", planted::envelope(&page.dsn, &page.address, user, now))
        }
        Deed::View => ("page-views", "application/json", planted::view(&page.address, user)),
    };
    let address = format!("{}/{}/{endpoint}/{}", desk.functions(), desk.app().slug, page.token);
    let request = desk.http().post(address).header(header::CONTENT_TYPE, kind).header(header::USER_AGENT, planted::USER_AGENT);
    let answer =
        request.header(header::REFERER, &page.address).body(body).timeout(PATIENCE).send().await.map_err(DoingFault::Unreachable)?;
    let (status, taken) = (answer.status(), answer.status().is_success());
    let said = match deed {
        Deed::Error => "The page has thrown an error with personal data in every place",
        Deed::View => "The page was seen, with personal data in both addresses",
    };
    Ok(Json(json!({"said": format!("{said}; {endpoint} answers {status}."), "taken": taken})))
}

/// The app's page as a user has it open, as far as its telemetry goes.
struct Page {
    address: String,
    token: String,
    dsn: String,
}

impl Page {
    async fn load(desk: &Desk, site: &str, user: User) -> Result<Self, Refused> {
        let named = desk.jira().site(site)?;
        let none = |why: &str| Refused(StatusCode::CONFLICT, format!("there is no page: {why}"));
        let descriptor = Descriptor::of(&named.site, desk.http()).await?;
        let address = descriptor.page(&named.site, user, named.licence_active, desk.origin(), desk.clock())?;
        let address = address.ok_or_else(|| none("the app’s descriptor names none"))?;
        let answer = desk.http().get(&address).timeout(PATIENCE).send().await.map_err(DoingFault::Unreachable)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(none(&format!("the app answers {status}")));
        }
        let html = answer.text().await.map_err(DoingFault::Unreachable)?;
        let token = meta(&html, "lethe-page-token").ok_or_else(|| none("it has no token"))?;
        let dsn = meta(&html, "lethe-browser-errors").unwrap_or_default();
        Ok(Self { address, token, dsn })
    }
}

/// What a page says of itself under this name.
fn meta(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("<meta name=\"{name}\" content=\""))?;
    rest.split_once('"').map(|(content, _)| content.to_owned())
}

fn broken(fault: impl ToString) -> Refused {
    Refused(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_told_from_a_note_of_what_was_counted() {
        let row = |day: &str, id: &str| json!({"day": {"S": day}, "id": {"S": id}, "calls": {"N": "3"}});
        let counter = Counter::of(&row("2026-11-22#test-management", "page#00ff")).unwrap();
        assert_eq!(counter.shown(), json!({"day": "2026-11-22", "app": "test-management", "function": "page", "id": "00ff", "calls": "3"}));
        assert!(Counter::of(&row("seen#2026-11-22", "00ff")).is_none());
    }

    #[test]
    fn what_a_page_says_of_itself_is_found() {
        let html = r#"<meta name="lethe-page-token" content="a.b"><meta name="other" content="c">"#;
        assert_eq!((meta(html, "lethe-page-token").as_deref(), meta(html, "none")), (Some("a.b"), None));
    }
}
