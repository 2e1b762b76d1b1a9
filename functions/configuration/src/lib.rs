//! `/{app}/configuration` and `/{app}/configuration/{name}`: what an app's admins set in it (promise E-16), as JSON of up to 256 KB under
//! names of their choice. Users of the site read it, its administrators write it. One name is ours: `issue-copies` says which issues are copied,
//! has a form, and takes effect at once.
//!
//! | | for | |
//! |---|---|---|
//! | `GET …/{name}` | members | the JSON as it was put, byte for byte but for white space around it, with its `ETag`; 304 if the caller has it |
//! | `PUT …/{name}` | admins | 201 or 204 with the new `ETag`; `If-Match` and `If-None-Match: *` are honoured |
//! | `DELETE …/{name}` | admins | 204, also if it is not there; `If-Match` is honoured |
//! | `GET …` | members | names, tags and values, up to 100 a page, by `limit` and `cursor` |

mod json;
mod setting;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::issue_copies::selection::SETTING;
use shared::issue_copies::{Selection, reselecting};
use shared::platform::Platform;
use shared::platform::front::read_body;
use shared::problem::{Problem, Refusal};
use shared::records::{Named as _, Precondition, Reading};
use shared::tenant::{Admin, ContextToken, Member, Tenant};

pub use setting::Setting;

/// How much JSON one name may hold.
pub const LARGEST_SETTING: usize = 256 * 1024;

/// The routes of `configuration`.
pub fn routes(platform: Platform) -> Router {
    let routes =
        Router::new().route("/{app}/configuration", get(list)).route("/{app}/configuration/{name}", get(read).put(write).delete(remove));
    platform.serve("configuration", routes)
}

async fn read(token: ContextToken<Member, Reading<Setting>>, headers: HeaderMap) -> Result<Response, Problem> {
    let Reading(Some(record)) = token.along else { return Err(Problem::new(Refusal::NotFound, "no such record")) };
    let etag = [(header::ETAG, record.revision.etag())];
    if record.revision.is_known_to(&headers) {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((etag, json, record.value.into_json()).into_response())
}

async fn write(
    token: ContextToken<Admin>,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Problem> {
    Setting::check_name(&name)?;
    let precondition = Precondition::of(&headers)?;
    json::check_type(&headers)?;
    let setting = Setting::parse(&read_body(body, LARGEST_SETTING).await?)?;
    if name == SETTING {
        Selection::parse(setting.json())?;
    }
    let written = token.tenant.records().put(&name, &setting, &precondition).await;
    take_effect(&token.tenant, &name, written.as_ref().err()).await?;
    let revision = written?;
    let status = if revision.is_first() { StatusCode::CREATED } else { StatusCode::NO_CONTENT };
    Ok((status, [(header::ETAG, revision.etag())]))
}

async fn remove(token: ContextToken<Admin>, Path((_, name)): Path<(String, String)>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    Setting::check_name(&name)?;
    let deleted = token.tenant.records::<Setting>().delete(&name, &Precondition::of(&headers)?).await;
    take_effect(&token.tenant, &name, deleted.as_ref().err()).await?;
    deleted.map(|()| StatusCode::NO_CONTENT)
}

/// What is no longer selected goes. A writing that conflicts may be the repetition of one that was written and could not take effect.
async fn take_effect(tenant: &Tenant, name: &str, fault: Option<&Problem>) -> Result<(), Problem> {
    if name != SETTING || fault.is_some_and(|fault| fault.refusal() != Refusal::RevisionConflict) {
        return Ok(());
    }
    let asked = reselecting::ask(tenant).await;
    asked.map_err(|problem| problem.told("the setting is as you said, but what it no longer selects is still there; send it once more"))
}

#[derive(Deserialize)]
struct Paging {
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    etag: String,
    value: Box<RawValue>,
}

#[derive(Serialize)]
struct List {
    configuration: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

async fn list(token: ContextToken<Member>, paging: Result<Query<Paging>, QueryRejection>) -> Result<Json<List>, Problem> {
    let Query(paging) = paging.map_err(|_| Problem::malformed("query", "must hold limit and cursor once at most"))?;
    let limit = match paging.limit.as_deref().map(str::parse) {
        None => 25,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => return Err(Problem::malformed("limit", "must be a number from 1 to 100")),
    };
    let page = token.tenant.records::<Setting>().list(paging.cursor.as_deref(), limit).await?;
    let listed = page.records.into_iter().map(|record| {
        let etag = record.revision.to_string();
        Listed { name: record.name, etag, value: record.value.into_raw() }
    });
    Ok(Json(List { configuration: listed.collect(), cursor: page.cursor }))
}
