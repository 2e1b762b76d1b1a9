//! `/{app}/attachments/uploads`: files that are too large for one request. The browser says what there is to be, is told where to put each part,
//! puts them straight into S3, and says that it is done; then the file is sealed, and appears under the name that the upload had from the
//! beginning.
//!
//! | | for | |
//! |---|---|---|
//! | `POST …` | members; who may edit, if it is a project's | begins: 201, with the addresses of all parts, good for 15 minutes |
//! | `GET …/{upload}` | who began it, and may still edit if it is a project's | how far it is, and fresh addresses of the parts that are missing |
//! | `POST …/{upload}/complete` | the same | 202: it is being sealed; 409 while parts are missing |
//! | `DELETE …/{upload}` | admins; who began it, or who may edit if it is a project's | gives it up: 204 |

use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::attachment::upload::{PART_BYTES, PartAddress, Stage};
use shared::attachment::{Description, Shelf, Upload};
use shared::platform::front::read_body;
use shared::problem::{Problem, Refusal};
use shared::records::{Named as _, Reading, Record};
use shared::tenant::rights::{Author, Edit, Remover};
use shared::tenant::{ContextToken, Member};

/// What an upload of 5 GiB says of its parts, and more.
const LARGEST_ANNOUNCEMENT: usize = 256 * 1024;

/// What the browser says of the file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Begin {
    name: String,
    r#type: Option<String>,
    owner: Option<String>,
    project: Option<u64>,
    size: u64,
    /// SHA-256 of each part of 8 MiB, and of the rest, in base64.
    parts: Vec<String>,
}

/// What the browser is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    stage: Stage,
    part_bytes: u64,
    size: u64,
    /// What is still to be put, and how.
    missing: Vec<PartAddress>,
}

/// `POST …/uploads`
pub(crate) async fn begin(token: ContextToken<Member>, body: Body) -> Result<Response, Problem> {
    let body = read_body(body, LARGEST_ANNOUNCEMENT).await?;
    let begin: Begin = serde_json::from_slice(&body).map_err(|_| {
        Problem::malformed("body", "must be a JSON object of name, size and parts, and of type, owner and project where there are any")
    })?;
    let project = begin.project.map(|project| project.to_string());
    let description = Description::check(&begin.name, begin.r#type.as_deref(), begin.owner.as_deref(), project.as_deref())?;
    if let Some(project) = description.project()
        && !token.caller.may::<Edit>(&token.tenant, project).await?
    {
        return Err(Problem::forbidden("only for users whom the project's permissions allow it"));
    }
    let shelf = Shelf::of(&token.tenant);
    let (id, upload) = shelf.begin_upload(description, begin.size, begin.parts, &token.caller.account_id).await?;
    let missing = shelf.missing_parts(id.as_str(), &upload).await?;
    let location = format!("/{}/attachments/uploads/{}", token.tenant.app().slug, id.as_str());
    let location = HeaderValue::try_from(location).map_err(|_| Problem::new(Refusal::Internal, "an id is no header"))?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(shown(id.as_str(), &upload, missing))).into_response())
}

/// `GET …/uploads/{upload}`
pub(crate) async fn look(token: ContextToken<Author, Reading<Upload>>) -> Result<Response, Problem> {
    let (shelf, mut record) = (Shelf::of(&token.tenant), found(token.along)?);
    record.value.stage = shelf.stage(&record).await?;
    let missing = shelf.missing_parts(&record.name, &record.value).await?;
    Ok(Json(shown(&record.name, &record.value, missing)).into_response())
}

/// `POST …/uploads/{upload}/complete`
pub(crate) async fn complete(
    token: ContextToken<Author, Reading<Upload>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let shelf = Shelf::of(&token.tenant);
    match token.along {
        Reading(Some(record)) => shelf.complete_upload(&record).await?,
        // It ended well before, and whoever asks again has not heard.
        Reading(None) if shelf.holds(&id).await? => {}
        Reading(None) => return Err(Problem::new(Refusal::NotFound, "no such upload")),
    }
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE …/uploads/{upload}`
pub(crate) async fn abort(
    token: ContextToken<Remover, Reading<Upload>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    Upload::check_name(&id)?;
    if let Reading(Some(record)) = token.along {
        Shelf::of(&token.tenant).abort_upload(&record).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn found(reading: Reading<Upload>) -> Result<Record<Upload>, Problem> {
    reading.0.ok_or_else(|| Problem::new(Refusal::NotFound, "no such upload"))
}

fn shown(id: &str, upload: &Upload, missing: Vec<PartAddress>) -> Shown {
    Shown { id: id.to_owned(), stage: upload.stage.clone(), part_bytes: PART_BYTES, size: upload.size, missing }
}
