//! `GetObject`, `HeadObject`, `GetObjectAttributes` and `HeadBucket`: what is there, whole or in part, streamed from disk.

use std::ops::Range as Span;

use futures::stream;
use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::dto::{
    ChecksumMode, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ObjectAttributes, ObjectPart, Range, StorageClass, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::Operations;
use crate::aws::REGION;
use crate::aws::s3::blob::Reader;
use crate::aws::s3::checksum::tell_checksum;
use crate::aws::s3::condition::Condition;
use crate::aws::s3::record::{Content, NULL, Version, length, timestamp};
use crate::aws::s3::shelf::Shelf;

/// A version and the part of it that is asked for.
struct Found {
    version: Version,
    content: Content,
    span: Span<u64>,
    /// As the answer's header says it; none if all is asked for.
    range: Option<String>,
}

/// What a request to read names.
struct Asked<'a> {
    bucket: &'a str,
    key: &'a str,
    version_id: Option<&'a str>,
    range: Option<Range>,
    part: Option<i32>,
    condition: Condition,
}

/// Puts what is known of an object into the same fields of an output.
macro_rules! tell {
    ($found:expr, $mode:expr => $output:expr) => {
        let attributes = $found.content.attributes.clone();
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = Some(length($found.span.end - $found.span.start));
        $output.content_range = $found.range.clone();
        $output.content_type = Some(attributes.content_type.unwrap_or_else(|| "binary/octet-stream".to_owned()));
        $output.cache_control = attributes.cache_control;
        $output.content_disposition = attributes.content_disposition;
        $output.content_encoding = attributes.content_encoding;
        $output.content_language = attributes.content_language;
        $output.metadata = Some(attributes.metadata.into_iter().collect());
        $output.e_tag = Some($found.content.etag());
        $output.last_modified = Some(timestamp($found.version.modified_millis));
        $output.server_side_encryption = Some(attributes.encryption.algorithm());
        $output.ssekms_key_id = attributes.encryption.key_id;
        $output.bucket_key_enabled = attributes.encryption.bucket_key;
        $output.version_id = Some($found.version.id.clone()).filter(|id| id != NULL);
        // A checksum is of everything, so whoever asks for less gets none.
        let wanted = $mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED) && $found.range.is_none();
        if let Some(checksum) = $found.content.checksum.as_ref().filter(|_| wanted) {
            $output.checksum_type = Some(checksum.extent.kind());
            tell_checksum!(Some(checksum) => $output);
        }
    };
}

impl Operations {
    pub(super) async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let condition = Condition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        let (version_id, range, part) = (input.version_id.as_deref(), input.range, input.part_number);
        let found = self.find(Asked { bucket: &input.bucket, key: &input.key, version_id, range, part, condition })?;
        let mut output = GetObjectOutput::default();
        tell!(found, input.checksum_mode => output);
        output.parts_count = parts_count(part, &found.content);
        output.body = Some(StreamingBlob::wrap(stream::iter(Reader::new(found.content.pieces, found.span))));
        Ok(S3Response::new(output))
    }

    pub(super) async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let condition = Condition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        let (version_id, range, part) = (input.version_id.as_deref(), input.range, input.part_number);
        let found = self.find(Asked { bucket: &input.bucket, key: &input.key, version_id, range, part, condition })?;
        let mut output = HeadObjectOutput::default();
        tell!(found, input.checksum_mode => output);
        output.parts_count = parts_count(part, &found.content);
        Ok(S3Response::new(output))
    }

    pub(super) async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = request.input;
        let (version_id, condition) = (input.version_id.as_deref(), Condition::default());
        let asked = Asked { bucket: &input.bucket, key: &input.key, version_id, range: None, part: None, condition };
        let Found { version, content, .. } = self.find(asked)?;
        let wants = |attribute: &str| input.object_attributes.iter().any(|wanted| wanted.as_str() == attribute);
        let checksum = content.checksum.as_ref().map(|checksum| {
            let mut fields = checksum.fields();
            // Here the number of parts stands elsewhere.
            let values = [&mut fields.checksum_crc32, &mut fields.checksum_crc32c, &mut fields.checksum_sha1, &mut fields.checksum_sha256];
            values.into_iter().flatten().for_each(|value| value.truncate(value.find('-').unwrap_or(value.len())));
            fields
        });
        Ok(S3Response::new(GetObjectAttributesOutput {
            checksum: checksum.filter(|_| wants(ObjectAttributes::CHECKSUM)),
            e_tag: Some(content.etag()).filter(|_| wants(ObjectAttributes::ETAG)),
            last_modified: Some(timestamp(version.modified_millis)),
            object_parts: parts(&content).filter(|_| wants(ObjectAttributes::OBJECT_PARTS)),
            object_size: Some(length(content.size)).filter(|_| wants(ObjectAttributes::OBJECT_SIZE)),
            storage_class: wants(ObjectAttributes::STORAGE_CLASS).then(|| StorageClass::from_static(StorageClass::STANDARD)),
            version_id: Some(version.id).filter(|id| id != NULL),
            ..GetObjectAttributesOutput::default()
        }))
    }

    pub(super) async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.store.shelves().bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(REGION.to_owned()), ..HeadBucketOutput::default() }))
    }

    fn find(&self, asked: Asked<'_>) -> S3Result<Found> {
        let mut shelves = self.store.shelves();
        let (version, content) = find_content(shelves.bucket(asked.bucket)?, asked.key, asked.version_id)?;
        asked.condition.check_read(&content, version.modified_millis)?;
        let span = match (asked.range, asked.part) {
            (Some(_), Some(_)) => {
                return Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber query parameter."));
            }
            (Some(range), None) => Some(range.check(content.size).ok().filter(|span| !span.is_empty()).ok_or_else(unsatisfiable)?),
            (None, Some(number)) => Some(span_of_part(&content, number)?),
            (None, None) => None,
        };
        // Nothing has no first byte to name.
        let named = span.as_ref().filter(|span| !span.is_empty());
        let range = named.map(|span| format!("bytes {}-{}/{}", span.start, span.end - 1, content.size));
        Ok(Found { span: span.unwrap_or(0..content.size), range, version, content })
    }
}

/// The version that a request names, and what is in it.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, `InvalidArgument`, and `MethodNotAllowed` for a delete marker that is asked for by its id.
pub(super) fn find_content(shelf: &Shelf, key: &str, id: Option<&str>) -> S3Result<(Version, Content)> {
    let found = match id {
        None => shelf.newest(key).ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))?,
        Some(id) => shelf.objects.get(key).and_then(|all| all.iter().find(|one| one.id == id)).ok_or_else(|| no_version(id))?,
    };
    match &found.content {
        Some(content) => Ok((found.clone(), content.clone())),
        None => Err(is_marker(found, id.is_some())),
    }
}

/// An id that no bucket ever gave is another mistake than one that is gone.
fn no_version(id: &str) -> S3Error {
    if id == NULL || (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return s3_error!(NoSuchVersion, "The specified version does not exist.");
    }
    s3_error!(InvalidArgument, "Invalid version id specified")
}

fn is_marker(version: &Version, by_id: bool) -> S3Error {
    let mut refused = if by_id {
        s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.")
    } else {
        s3_error!(NoSuchKey, "The specified key does not exist.")
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(&version.id) {
        headers.insert("x-amz-version-id", id);
    }
    refused.set_headers(headers);
    refused
}

fn unsatisfiable() -> S3Error {
    s3_error!(InvalidRange, "The requested range is not satisfiable")
}

/// A part by its place: of an object that did not come in parts, the first is all of it.
fn span_of_part(content: &Content, number: i32) -> S3Result<Span<u64>> {
    let mut start = 0;
    for (place, piece) in (1..).zip(&content.pieces) {
        if place == number {
            return Ok(start..start + piece.size);
        }
        start += piece.size;
    }
    let code = S3ErrorCode::from_bytes(b"InvalidPartNumber").unwrap_or(S3ErrorCode::InvalidRange);
    let mut refused = S3Error::with_message(code, "The requested partnumber is not satisfiable");
    refused.set_status_code(StatusCode::RANGE_NOT_SATISFIABLE);
    Err(refused)
}

fn parts_count(asked: Option<i32>, content: &Content) -> Option<i32> {
    let count = i32::try_from(content.pieces.len()).ok();
    count.filter(|_| asked.is_some() && content.upload.is_some())
}

fn parts(content: &Content) -> Option<GetObjectAttributesParts> {
    content.upload.as_ref()?;
    let part = |(number, piece): (i32, &crate::aws::s3::blob::Piece)| ObjectPart {
        part_number: Some(number),
        size: Some(length(piece.size)),
        ..ObjectPart::default()
    };
    Some(GetObjectAttributesParts {
        total_parts_count: i32::try_from(content.pieces.len()).ok(),
        parts: Some((1..).zip(&content.pieces).map(part).collect()),
        is_truncated: Some(false),
        ..GetObjectAttributesParts::default()
    })
}
