//! `ListObjectsV2`, `ListObjectVersions` and `ListMultipartUploads`: pages in the order of keys' bytes, with keys that share a prefix up to
//! the delimiter told as one.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{
    ChecksumAlgorithm, CommonPrefix, DeleteMarkerEntry, EncodingType, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsV2Input, ListObjectsV2Output, MultipartUpload, Object,
    ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use url::form_urlencoded;

use super::Operations;
use crate::aws::s3::record::{Content, Upload, Version, length, timestamp};

/// How much a page holds at most.
const MOST: usize = 1000;

/// One page.
struct Page<T> {
    items: Vec<T>,
    prefixes: Vec<String>,
    truncated: bool,
}

impl<T> Page<T> {
    /// The first of `candidates`, which come in order and lie behind the marker already.
    fn of<'a>(candidates: impl Iterator<Item = (&'a str, T)>, prefix: &str, delimiter: Option<&str>, most: usize) -> Self {
        let mut page = Self { items: Vec::new(), prefixes: Vec::new(), truncated: false };
        for (key, item) in candidates {
            let Some(rest) = key.strip_prefix(prefix) else { continue };
            let common = delimiter.filter(|delimiter| !delimiter.is_empty()).and_then(|delimiter| {
                let end = rest.find(delimiter)? + delimiter.len();
                rest.get(..end).map(|shared| format!("{prefix}{shared}"))
            });
            if common.is_some() && common.as_ref() == page.prefixes.last() {
                continue;
            }
            if page.items.len() + page.prefixes.len() == most {
                page.truncated = most > 0;
                break;
            }
            match common {
                Some(common) => page.prefixes.push(common),
                None => page.items.push(item),
            }
        }
        page
    }

    /// What the page ends with, if more follows: the last key or the last prefix.
    fn end<'a>(&'a self, key: impl Fn(&'a T) -> &'a str) -> Option<&'a str> {
        let ends = [self.items.last().map(key), self.prefixes.last().map(String::as_str)];
        ends.into_iter().flatten().max().filter(|_| self.truncated)
    }
}

/// Whether a key lies behind a marker. One that ends as a common prefix does covers all keys below it.
fn is_behind(key: &str, marker: &str, delimiter: Option<&str>) -> bool {
    let covered = delimiter.is_some_and(|delimiter| !delimiter.is_empty() && marker.ends_with(delimiter) && key.starts_with(marker));
    key > marker && !covered
}

/// How many are asked for: 1000 at most, and if nothing is said.
pub(super) fn limit(asked: Option<i32>, name: &str) -> S3Result<usize> {
    let asked = asked.map(usize::try_from).transpose();
    let asked = asked.map_err(|_| s3_error!(InvalidArgument, "Argument {name} must be an integer between 0 and 2147483647"))?;
    Ok(asked.unwrap_or(MOST).min(MOST))
}

/// How keys are written into the answer: as they are, or encoded because XML cannot hold them all.
fn spelling(asked: Option<&EncodingType>) -> impl Fn(&str) -> String + use<> {
    let encoded = asked.is_some_and(|asked| asked.as_str() == EncodingType::URL);
    move |text: &str| match encoded {
        true => form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace("%2F", "/"),
        false => text.to_owned(),
    }
}

fn common_prefixes(prefixes: &[String], spell: impl Fn(&str) -> String) -> Option<Vec<CommonPrefix>> {
    Some(prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(spell(prefix)) }).collect())
}

impl Operations {
    pub(super) async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let most = limit(input.max_keys, "max-keys")?;
        let token = input.continuation_token.as_ref().map(|token| {
            let marker = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            marker.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
        });
        let (token, start) = (token.transpose()?, input.start_after.clone().unwrap_or_default());
        let (prefix, delimiter) = (input.prefix.as_deref().unwrap_or_default(), input.delimiter.as_deref());
        let mut shelves = self.store.shelves();
        let shelf = shelves.bucket(&input.bucket)?;
        let current = shelf.objects.iter().filter_map(|(key, versions)| {
            let version = versions.last()?;
            Some((key.as_str(), (version, version.content.as_ref()?)))
        });
        let behind = current.filter(|(key, _)| match &token {
            Some(marker) => is_behind(key, marker, delimiter),
            None => *key > start.as_str(),
        });
        let page: Page<(&Version, &Content)> = Page::of(behind, prefix, delimiter, most);
        let spell = spelling(input.encoding_type.as_ref());
        let object = |(version, content): &(&Version, &Content)| Object {
            key: Some(spell(&version.key)),
            e_tag: Some(content.etag()),
            size: Some(length(content.size)),
            last_modified: Some(timestamp(version.modified_millis)),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            checksum_algorithm: content.checksum.as_ref().map(|sum| vec![ChecksumAlgorithm::from_static(sum.algorithm.name())]),
            checksum_type: content.checksum.as_ref().map(|sum| sum.extent.kind()),
            ..Object::default()
        };
        Ok(S3Response::new(ListObjectsV2Output {
            contents: Some(page.items.iter().map(object).collect()),
            common_prefixes: common_prefixes(&page.prefixes, &spell),
            key_count: i32::try_from(page.items.len() + page.prefixes.len()).ok(),
            is_truncated: Some(page.truncated),
            next_continuation_token: page.end(|(version, _)| &version.key).map(|end| URL_SAFE_NO_PAD.encode(end)),
            continuation_token: input.continuation_token,
            max_keys: i32::try_from(most).ok(),
            prefix: Some(spell(prefix)),
            delimiter: delimiter.map(&spell),
            start_after: input.start_after.as_deref().map(&spell),
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            ..ListObjectsV2Output::default()
        }))
    }

    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        let most = limit(input.max_keys, "max-keys")?;
        let (prefix, delimiter) = (input.prefix.as_deref().unwrap_or_default(), input.delimiter.as_deref());
        let (key_marker, id_marker) =
            (input.key_marker.as_deref().unwrap_or_default(), input.version_id_marker.as_deref().unwrap_or_default());
        if !id_marker.is_empty() && key_marker.is_empty() {
            return Err(s3_error!(InvalidArgument, "A version-id marker cannot be specified without a key marker."));
        }
        let mut shelves = self.store.shelves();
        let shelf = shelves.bucket(&input.bucket)?;
        // Within a key the newest comes first.
        let all = shelf.objects.iter().flat_map(|(key, versions)| {
            let newest = versions.last().map(|version| version.sequence);
            let reached = versions.iter().find(|version| key == key_marker && version.id == id_marker).map(|version| version.sequence);
            let behind = move |version: &&Version| match key.as_str().cmp(key_marker) {
                Ordering::Equal => reached.is_some_and(|reached| version.sequence < reached),
                _ => is_behind(key, key_marker, delimiter),
            };
            let told = move |version: &'_ Version| newest == Some(version.sequence);
            versions.iter().rev().filter(behind).map(move |version| (key.as_str(), (version, told(version))))
        });
        let page: Page<(&Version, bool)> = Page::of(all, prefix, delimiter, most);
        let spell = spelling(input.encoding_type.as_ref());
        let end = page.end(|(version, _)| &version.key);
        let last = page.items.last().filter(|(version, _)| Some(version.key.as_str()) == end);
        Ok(S3Response::new(ListObjectVersionsOutput {
            versions: Some(page.items.iter().filter_map(|(version, latest)| version_entry(version, *latest, &spell)).collect()),
            delete_markers: Some(page.items.iter().filter_map(|(version, latest)| marker_entry(version, *latest, &spell)).collect()),
            common_prefixes: common_prefixes(&page.prefixes, &spell),
            is_truncated: Some(page.truncated),
            next_key_marker: end.map(&spell),
            next_version_id_marker: last.map(|(version, _)| version.id.clone()),
            key_marker: Some(spell(key_marker)),
            version_id_marker: Some(id_marker.to_owned()),
            max_keys: i32::try_from(most).ok(),
            prefix: Some(spell(prefix)),
            delimiter: delimiter.map(&spell),
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            ..ListObjectVersionsOutput::default()
        }))
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let most = limit(input.max_uploads, "max-uploads")?;
        let (prefix, delimiter) = (input.prefix.as_deref().unwrap_or_default(), input.delimiter.as_deref());
        let key_marker = input.key_marker.as_deref().unwrap_or_default();
        // Without a key marker AWS does not look at it.
        let id_marker = input.upload_id_marker.as_deref().filter(|_| !key_marker.is_empty());
        let mut shelves = self.store.shelves();
        let shelf = shelves.bucket(&input.bucket)?;
        let behind = shelf.uploads.iter().filter(|((key, id), _)| match key.as_str().cmp(key_marker) {
            Ordering::Equal => id_marker.is_some_and(|marker| id.as_str() > marker),
            _ => is_behind(key, key_marker, delimiter),
        });
        let page = Page::of(behind.map(|((key, _), upload)| (key.as_str(), upload)), prefix, delimiter, most);
        let spell = spelling(input.encoding_type.as_ref());
        let upload = |upload: &&Upload| MultipartUpload {
            key: Some(spell(&upload.key)),
            upload_id: Some(upload.id.clone()),
            initiated: Some(timestamp(upload.begun_millis)),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: upload.checksum.map(|(_, extent)| extent.kind()),
            ..MultipartUpload::default()
        };
        let end = page.end(|upload| &upload.key);
        let last = page.items.last().filter(|upload| Some(upload.key.as_str()) == end);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            uploads: Some(page.items.iter().map(upload).collect()),
            common_prefixes: common_prefixes(&page.prefixes, &spell),
            is_truncated: Some(page.truncated),
            next_key_marker: end.map(&spell),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            key_marker: Some(spell(key_marker)),
            upload_id_marker: input.upload_id_marker.clone(),
            max_uploads: i32::try_from(most).ok(),
            prefix: Some(spell(prefix)),
            delimiter: delimiter.map(&spell),
            encoding_type: input.encoding_type,
            bucket: Some(input.bucket),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

fn version_entry(version: &Version, latest: bool, spell: impl Fn(&str) -> String) -> Option<ObjectVersion> {
    let content = version.content.as_ref()?;
    Some(ObjectVersion {
        key: Some(spell(&version.key)),
        version_id: Some(version.id.clone()),
        is_latest: Some(latest),
        e_tag: Some(content.etag()),
        size: Some(length(content.size)),
        last_modified: Some(timestamp(version.modified_millis)),
        storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
        ..ObjectVersion::default()
    })
}

fn marker_entry(version: &Version, latest: bool, spell: impl Fn(&str) -> String) -> Option<DeleteMarkerEntry> {
    version.is_marker().then(|| DeleteMarkerEntry {
        key: Some(spell(&version.key)),
        version_id: Some(version.id.clone()),
        is_latest: Some(latest),
        last_modified: Some(timestamp(version.modified_millis)),
        ..DeleteMarkerEntry::default()
    })
}
