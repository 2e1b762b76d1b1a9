//! What is told of an attachment: in lists, and in the headers of the file itself. Who attached it is told only to them.

use axum::http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use shared::attachment::{Attachment, disposition};
use shared::platform::clock::rfc3339;
use shared::tenant::Member;

/// One attachment, for people and scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    id: String,
    name: String,
    r#type: String,
    /// What its first bytes look like, where that is known: it may differ from what its uploader said.
    #[serde(skip_serializing_if = "Option::is_none")]
    detected_type: Option<String>,
    size: u64,
    sha256: String,
    attached_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<u64>,
    /// Whether the caller attached it.
    yours: bool,
}

impl Shown {
    pub(crate) fn of(id: &str, attachment: &Attachment, caller: &Member) -> Self {
        let description = attachment.description.clone();
        Self {
            id: id.to_owned(),
            name: description.file_name,
            r#type: description.media_type,
            detected_type: attachment.detected_type.clone(),
            size: attachment.size(),
            sha256: attachment.sha256.clone(),
            attached_at: rfc3339(attachment.attached_at),
            owner: description.owner,
            project: description.project,
            yours: attachment.author == caller.account_id.as_str(),
        }
    }
}

/// The tag of a file: the digest of its bytes, which never change.
pub(crate) fn etag(attachment: &Attachment) -> HeaderValue {
    HeaderValue::try_from(format!("\"{}\"", attachment.sha256)).unwrap_or(HeaderValue::from_static("\"\""))
}

/// What goes with the bytes of a file, or of a part of it. Whatever type it claims, it is saved and not shown, and where it is shown all the
/// same it can run nothing, load nothing and reach nothing.
pub(crate) fn headers(attachment: &Attachment) -> HeaderMap {
    let claimed = HeaderValue::try_from(&attachment.description.media_type);
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, claimed.unwrap_or(HeaderValue::from_static("application/octet-stream"))),
        (header::CONTENT_DISPOSITION, disposition::attachment(&attachment.description.file_name)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::ETAG, etag(attachment)),
    ])
}
