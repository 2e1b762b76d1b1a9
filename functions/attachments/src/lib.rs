//! `/{app}/attachments` and `/{app}/attachments/{id}`: files that users attach to what they keep in an app (promises A-28, E-16).
//!
//! | | for | |
//! |---|---|---|
//! | `POST …` | members; who may edit, if it is a project's | a file of up to 4 MiB, as it is with `?name=` or as a form: 201 and what is kept of it |
//! | `GET …` | members | what is kept of the files of one `owner`, up to 100 a page, by `limit` and `cursor` |
//! | `GET …/{id}` | members; who may browse, if it is a project's | the file, or the part that `Range` asks for; 304 if the caller has it |
//! | `DELETE …/{id}` | admins; its author, or who may edit if it is a project's | 204, also if it is not there |
//!
//! Larger files go through [`uploads`].
//!
//! A file is sealed before S3 sees it and opened frame by frame as it is read. It is answered as an attachment, whatever type it claims, and
//! can do nothing where a browser shows it all the same.

mod shown;
mod upload;
mod uploads;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use shared::attachment::range::Asked;
use shared::attachment::{Attachment, AttachmentId, Shelf};
use shared::platform::Platform;
use shared::problem::{Problem, Refusal};
use shared::records::revision::is_known;
use shared::records::{Named as _, Reading, Record};
use shared::tenant::rights::{Browse, Edit, OnOwner, Remover};
use shared::tenant::{ContextToken, Member};

use shown::Shown;

/// How much may be answered at once. Lambda would stream 200 MB, at 2 MB a second: whoever reads so much so slowly keeps others out.
pub const LARGEST_ANSWER: u64 = 32 * 1024 * 1024;

/// The routes of `attachments`.
pub fn routes(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/{app}/attachments", get(list).post(attach))
        .route("/{app}/attachments/{id}", get(read).delete(remove))
        .route("/{app}/attachments/uploads", post(uploads::begin))
        .route("/{app}/attachments/uploads/{upload}", get(uploads::look).delete(uploads::abort))
        .route("/{app}/attachments/uploads/{upload}/complete", post(uploads::complete));
    platform.serve("attachments", routes)
}

async fn attach(
    token: ContextToken<Member>,
    said: Result<Query<upload::Said>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Query(said) = said.map_err(|_| Problem::malformed("query", "must hold name, type, owner and project once at most"))?;
    let (description, bytes) = upload::read(said, &headers, body).await?;
    if let Some(project) = description.project()
        && !token.caller.may::<Edit>(&token.tenant, project).await?
    {
        return Err(Problem::forbidden("only for users whom the project's permissions allow it"));
    }
    let (id, attachment) = Shelf::of(&token.tenant).keep(description, &bytes, &token.caller.account_id).await?;
    let location = HeaderValue::try_from(format!("/{}/attachments/{}", token.tenant.app().slug, id.as_str()));
    let location = location.map_err(|_| Problem::new(Refusal::Internal, "an id is no header"))?;
    let shown = Shown::of(id.as_str(), &attachment, &token.caller);
    Ok((StatusCode::CREATED, [(header::LOCATION, location), (header::ETAG, shown::etag(&attachment))], Json(shown)).into_response())
}

#[derive(Deserialize)]
struct Paging {
    owner: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct List {
    attachments: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

async fn list(token: ContextToken<Member>, paging: Result<Query<Paging>, QueryRejection>) -> Result<Json<List>, Problem> {
    let Query(paging) = paging.map_err(|_| Problem::malformed("query", "must hold owner, limit and cursor once at most"))?;
    let limit = match paging.limit.as_deref().map(str::parse) {
        None => 25,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => return Err(Problem::malformed("limit", "must be a number from 1 to 100")),
    };
    let shelf = Shelf::of(&token.tenant);
    let page = shelf.list(paging.owner.as_deref().unwrap_or_default(), paging.cursor.as_deref(), limit).await?;
    let project = |record: &Record<Attachment>| record.value.description.project();
    let projects = page.records.iter().filter_map(project).collect();
    let seen = token.caller.may_in::<Browse>(&token.tenant, &projects).await?;
    // What a project hides is not in the list either.
    let listed = page.records.iter().filter(|record| project(record).is_none_or(|project| seen.contains(&project)));
    let attachments = listed.map(|record| Shown::of(&record.name, &record.value, &token.caller)).collect();
    Ok(Json(List { attachments, cursor: page.cursor }))
}

async fn read(token: ContextToken<OnOwner<Browse>, Reading<Attachment>>, method: Method, headers: HeaderMap) -> Result<Response, Problem> {
    let Reading(Some(record)) = token.along else { return Err(Problem::new(Refusal::NotFound, "no such attachment")) };
    let (attachment, size) = (&record.value, record.value.size());
    let etag = shown::etag(attachment);
    if is_known(&headers, etag.to_str().unwrap_or_default()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let is_head = method == Method::HEAD;
    // Ranges are for GET alone (RFC 9110, section 14.2).
    let asked = if is_head { Asked::Whole } else { Asked::of(&headers, size, &etag) };
    let (status, part) = match asked {
        Asked::Whole => (StatusCode::OK, 0..size),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::Nothing => return Ok(with_size(Problem::new(Refusal::RangeNotSatisfiable, "range behind the end"), size)),
    };
    let length = part.end - part.start;
    if length > LARGEST_ANSWER && !is_head {
        let problem = Problem::new(Refusal::TooLarge, "answer too large");
        return Ok(with_size(problem.told("the file is too large for one answer; ask for ranges of 33,554,432 bytes at most"), size));
    }
    let mut sent = shown::headers(attachment);
    sent.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        sent.extend(content_range(&format!("{}-{}", part.start, part.end - 1), size).map(|value| (header::CONTENT_RANGE, value)));
    }
    let body = if is_head { Body::empty() } else { Shelf::of(&token.tenant).read(attachment, part).await? };
    Ok((status, sent, body).into_response())
}

/// A refusal that says how large the file is.
fn with_size(problem: Problem, size: u64) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().extend(content_range("*", size).map(|value| (header::CONTENT_RANGE, value)));
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

fn content_range(part: &str, size: u64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("bytes {part}/{size}")).ok()
}

async fn remove(token: ContextToken<Remover, Reading<Attachment>>, Path((_, id)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    Attachment::check_name(&id)?;
    if let (Reading(Some(record)), Some(id)) = (token.along, AttachmentId::parse(&id)) {
        Shelf::of(&token.tenant).remove(&id, &record.value).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
