//! Issues for the small Jira's page: below `/play/sites/{site}/issues`. What users do, what waits for the app, and what the app keeps, by real
//! calls to it.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::platform::clock::rfc3339;

use super::super::api::{Refused, Whose, status_of};
use super::super::seen::{Answered, App};
use super::super::server::Desk;
use super::super::user::{ADMIN, PROJECTS, USERS};
use super::Refusal;
use super::doings::{Happened, IssueFault};
use super::issue::{Actor, Draft, Status};
use super::webhook::{Posted, Webhook};

/// Where the app's setting lies that selects projects and fields.
const SELECTION: &str = "configuration/issue-copies";

/// The queue between the webhooks and the copies, and the one of what could never be handled.
const QUEUES: [&str; 2] = ["IssueEventsQueue", "IssueEventsDeadLetters"];

/// The fields that webhooks show of an issue, and of which a person may choose some; the first two are chosen at first.
const FIELDS: [&str; 10] =
    ["summary", "status", "description", "assignee", "reporter", "priority", "issuetype", "created", "updated", "comment"];

/// The routes.
pub(in crate::jira) fn routes() -> Router<Desk> {
    Router::new()
        .route("/play/sites/{site}/issues", get(all).post(create))
        .route("/play/sites/{site}/issues/{id}/copies", get(copies))
        .route("/play/sites/{site}/issues/{id}/edit", post(edit))
        .route("/play/sites/{site}/issues/{id}/comment", post(comment))
        .route("/play/sites/{site}/issues/{id}/delete", post(delete))
        .route("/play/sites/{site}/selection", post(select))
}

/// The issues, and what the app was not told of yet, has not handled yet, and has selected.
async fn all(State(desk): State<Desk>, Path(site): Path<String>) -> Result<Json<Value>, Refused> {
    let named = desk.jira().site(&site)?;
    let selection = app(&desk, &named.site).look(ADMIN, SELECTION).await?;
    let mut waiting = Vec::new();
    for queue in QUEUES {
        waiting.push(desk.aws().messages(queue).await.map_err(|fault| broken(&fault))?.len());
    }
    let issues: Vec<Value> = desk.jira().issues(&site).into_iter().map(|issue| json!(issue)).collect();
    let statuses: Vec<Value> = Status::ALL.into_iter().map(|status| json!({"key": status, "name": status.name()})).collect();
    let webhooks: Vec<Value> = desk.jira().webhooks(&site).iter().map(shown).collect();
    Ok(Json(json!({
        "projects": PROJECTS, "statuses": statuses, "fields": FIELDS, "issues": issues, "webhooks": webhooks, "selection": selection,
        "queue": {"waiting": waiting.first(), "dead": waiting.last()},
    })))
}

fn shown(webhook: &Webhook) -> Value {
    let Webhook { event, issue_key, retries, due, last_status, .. } = webhook;
    json!({"event": event, "issue": issue_key, "retry": retries, "due": rfc3339(*due), "lastStatus": last_status})
}

/// What the app answers about the copies of an issue, to the page of this user.
async fn copies(
    State(desk): State<Desk>,
    Path((site, id)): Path<(String, String)>,
    Query(whose): Query<Whose>,
) -> Result<Json<Answered>, Refused> {
    let (named, user) = (desk.jira().site(&site)?, whose.user()?);
    Ok(Json(app(&desk, &named.site).look(user, &format!("issue-copies/{id}")).await?))
}

/// Who does it: a user by key, or the app.
#[derive(Deserialize)]
struct As {
    #[serde(rename = "as")]
    key: String,
}

impl As {
    fn actor(&self) -> Result<Actor, Refused> {
        let user = USERS.into_iter().find(|user| user.key == self.key).map(Actor::User);
        let app = (self.key == "app").then_some(Actor::App);
        user.or(app).ok_or_else(|| Refused(StatusCode::NOT_FOUND, "there is no such user".to_owned()))
    }
}

#[derive(Deserialize)]
struct Filled {
    #[serde(flatten)]
    by: As,
    draft: Draft,
}

#[derive(Deserialize)]
struct Commented {
    #[serde(flatten)]
    by: As,
    text: String,
}

async fn create(State(desk): State<Desk>, Path(site): Path<String>, Json(filled): Json<Filled>) -> Result<Json<Value>, Refused> {
    let happened = desk.issues().create(&site, filled.by.actor()?, filled.draft).await?;
    done(&desk, "is created", happened).await
}

async fn edit(
    State(desk): State<Desk>,
    Path((site, id)): Path<(String, String)>,
    Json(filled): Json<Filled>,
) -> Result<Json<Value>, Refused> {
    let Filled { by, draft } = filled;
    let happened = desk.issues().edit(&site, by.actor()?, &id, |before| *before = draft).await?;
    done(&desk, "is saved", happened).await
}

async fn comment(
    State(desk): State<Desk>,
    Path((site, id)): Path<(String, String)>,
    Json(commented): Json<Commented>,
) -> Result<Json<Value>, Refused> {
    let happened = desk.issues().comment(&site, commented.by.actor()?, &id, &commented.text).await?;
    done(&desk, "has a comment more", happened).await
}

async fn delete(State(desk): State<Desk>, Path((site, id)): Path<(String, String)>, Json(by): Json<As>) -> Result<Json<Value>, Refused> {
    let happened = desk.issues().delete(&site, by.actor()?, &id).await?;
    done(&desk, "is deleted", happened).await
}

/// What the page is told. What the app has put into its queue is handled before, so that the page shows what came of it.
async fn done(desk: &Desk, what: &str, happened: Happened) -> Result<Json<Value>, Refused> {
    desk.catch_up().await?;
    let Happened { issue, posted, .. } = happened;
    let told: Vec<String> = posted.iter().map(Posted::to_string).collect();
    let told = if told.is_empty() { "The app is not told of it".to_owned() } else { told.join(", ") };
    let taken = posted.iter().all(Posted::is_taken);
    Ok(Json(json!({"said": format!("{} {what}. {told}.", issue.key), "taken": taken, "issue": issue})))
}

/// Projects by Jira's numbers, and fields; nothing of either: the app is to keep nothing.
#[derive(Deserialize)]
struct Selected {
    projects: Vec<String>,
    fields: Vec<String>,
}

async fn select(State(desk): State<Desk>, Path(site): Path<String>, Json(selected): Json<Selected>) -> Result<Json<Value>, Refused> {
    let named = desk.jira().site(&site)?;
    let app = app(&desk, &named.site);
    let Selected { projects, fields } = selected;
    let keeps = !projects.is_empty() && !fields.is_empty();
    let answer = if keeps {
        app.change(ADMIN, Method::PUT, SELECTION, Some(&json!({"projects": projects, "fields": fields}))).await?
    } else {
        app.change(ADMIN, Method::DELETE, SELECTION, None).await?
    };
    desk.catch_up().await?;
    let (taken, said) = match answer.status {
        Some(200 | 201 | 204) if keeps => (true, "The app keeps a copy of what is selected, from the next event on.".to_owned()),
        Some(204 | 404) => (true, "The app keeps nothing of any issue from now on, and deletes what it has kept.".to_owned()),
        Some(status) => {
            let detail = answer.body.get("detail").and_then(Value::as_str).map(|detail| format!(": {detail}"));
            (false, format!("The app answers {status}{}", detail.unwrap_or_default()))
        }
        None => (false, "The app does not answer.".to_owned()),
    };
    Ok(Json(json!({"said": said, "taken": taken})))
}

fn app<'a>(desk: &'a Desk, site: &'a crate::atlassian::Site) -> App<'a> {
    App { site, http: desk.http(), clock: desk.clock() }
}

fn broken(fault: &impl ToString) -> Refused {
    Refused(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string())
}

impl From<IssueFault> for Refused {
    fn from(fault: IssueFault) -> Self {
        let status = match &fault {
            IssueFault::Refused(Refusal::Unknown) => StatusCode::NOT_FOUND,
            IssueFault::Refused(Refusal::NotSeen) => StatusCode::FORBIDDEN,
            IssueFault::Refused(Refusal::Malformed | Refusal::Empty) => StatusCode::BAD_REQUEST,
            IssueFault::Refused(Refusal::TooMany) => StatusCode::CONFLICT,
            IssueFault::Site(fault) => status_of(fault),
            IssueFault::Descriptor(_) => StatusCode::BAD_GATEWAY,
        };
        Self(status, fault.to_string())
    }
}
