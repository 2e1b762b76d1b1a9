//! Reading what is uploaded in one request: the file itself as the body, described by the query, type included; or a form as browsers send it, whose part
//! `file` is the file and whose other fields say the same as the query would.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;
use shared::attachment::{Description, LARGEST_AT_ONCE};
use shared::platform::front::read_body;
use shared::problem::{Problem, Refusal};

/// What a form may have beside its file: the parts' own headers and the other fields.
const FORM: u64 = 16 * 1024;

/// How long a field beside the file may be.
const FIELD: u64 = 4 * 1024;

/// What is said of a file beside its bytes.
#[derive(Default, Deserialize)]
pub(crate) struct Said {
    name: Option<String>,
    r#type: Option<String>,
    owner: Option<String>,
    project: Option<String>,
}

/// The file and what is said of it.
///
/// # Errors
/// 400 that names the field, 413 if it is too large, 415 if the bytes are packed: nothing is unpacked here, and nobody would know.
pub(crate) async fn read(said: Said, headers: &HeaderMap, body: Body) -> Result<(Description, Bytes), Problem> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(Refusal::UnsupportedType, "content-encoding"));
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = media_type.is_some_and(|media_type| media_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"));
    if is_form {
        return read_form(said, media_type.unwrap_or_default(), body).await;
    }
    // A function URL hands text over as text: what is not UTF-8 would be changed on the way, and escapes would make it longer than Lambda takes.
    if media_type.is_none_or(|media_type| !media_type.eq_ignore_ascii_case("application/octet-stream")) {
        let problem = Problem::new(Refusal::UnsupportedType, "not application/octet-stream");
        return Err(problem.told("send the file as application/octet-stream, and its own type in the query, or as a form"));
    }
    // What is wrong with the description is told before the body is read.
    let description = describe(&said, said.name.as_deref(), said.r#type.as_deref())?;
    Ok((description, read_body(body, LARGEST_AT_ONCE).await?))
}

fn describe(said: &Said, name: Option<&str>, media_type: Option<&str>) -> Result<Description, Problem> {
    let name = name.ok_or_else(|| Problem::malformed("name", "must be given"))?;
    Description::check(name, media_type, said.owner.as_deref(), said.project.as_deref())
}

async fn read_form(mut said: Said, media_type: &str, body: Body) -> Result<(Description, Bytes), Problem> {
    let boundary = multer::parse_boundary(media_type).map_err(|_| Problem::malformed("content-type", "must name the form's boundary"))?;
    let largest = LARGEST_AT_ONCE as u64;
    let limits = SizeLimit::new().whole_stream(largest + FORM).for_field("file", largest).per_field(FIELD);
    let constraints = Constraints::new().size_limit(limits);
    let mut form = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let (mut file, mut file_name, mut file_type) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        match field.name().map(ToOwned::to_owned).as_deref() {
            Some("file") if file.is_none() => {
                file_name = field.file_name().map(ToOwned::to_owned);
                file_type = field.content_type().map(ToString::to_string);
                file = Some(field.bytes().await.map_err(malformed)?);
            }
            Some("name") if said.name.is_none() => said.name = Some(field.text().await.map_err(malformed)?),
            Some("owner") if said.owner.is_none() => said.owner = Some(field.text().await.map_err(malformed)?),
            Some("project") if said.project.is_none() => said.project = Some(field.text().await.map_err(malformed)?),
            Some("type") if said.r#type.is_none() => said.r#type = Some(field.text().await.map_err(malformed)?),
            Some("file" | "name" | "type" | "owner" | "project") => return Err(Problem::malformed("body", "must not hold a field twice")),
            _ => return Err(Problem::malformed("body", "must hold file, name, type, owner and project, and no other field")),
        }
    }
    let file = file.ok_or_else(|| Problem::malformed("file", "must be in the form"))?;
    let name = said.name.clone().or(file_name);
    let media_type = said.r#type.clone().or(file_type);
    Ok((describe(&said, name.as_deref(), media_type.as_deref())?, file))
}

fn malformed(fault: multer::Error) -> Problem {
    match fault {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => Problem::too_large("file", LARGEST_AT_ONCE),
        _ => Problem::malformed("body", "must be a whole form"),
    }
}
