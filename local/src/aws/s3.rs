//! S3: s3s on a folder (s3s-fs). Signatures, checksums, ranges, conditions and multipart uploads are checked as by AWS.
//!
//! It has no versions, lifecycle, notifications, bucket policies or SSE headers, and keeps an object whose checksum was wrong. Signing
//! times are not compared with the wall clock, since callers may sign by a virtual one; presigned URLs expire by the wall clock.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, header::HOST};
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::host::SingleDomain;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;

use super::{ACCESS_KEY, REGION, SECRET_KEY, StartFault};

/// All buckets.
pub(super) struct Objects {
    service: S3Service,
    root: PathBuf,
    /// Deletes the folder in the end, if it is ours.
    _temporary: Option<TempDir>,
}

impl Objects {
    pub(super) fn in_temporary_folder() -> Result<Self, StartFault> {
        let folder = tempfile::tempdir().map_err(|cause| StartFault::FolderUnusable { path: "a temporary folder".into(), cause })?;
        let root = folder.path().to_owned();
        Ok(Self { service: serve(&root)?, root, _temporary: Some(folder) })
    }

    pub(super) fn in_folder(root: &Path) -> Result<Self, StartFault> {
        fs::create_dir_all(root).map_err(|cause| StartFault::FolderUnusable { path: root.to_owned(), cause })?;
        Ok(Self { service: serve(root)?, root: root.to_owned(), _temporary: None })
    }

    pub(super) async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut request = request.try_into_http1x().map_err(|cause| ConnectorError::user(cause.into()))?;
        // A connection would have added it, and it is signed.
        let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host);
        }
        let answer = self.service.call(request.map(s3s::Body::http_body_unsync)).await;
        let answer = answer.map_err(|cause| ConnectorError::io(cause.into()))?.map(SdkBody::from_body_1_x);
        HttpResponse::try_from(answer).map_err(|cause| ConnectorError::other(cause.into(), None))
    }

    pub(super) fn create_bucket(&self, name: &str) -> Result<(), StartFault> {
        if !s3s::path::check_bucket_name(name) {
            return Err(StartFault::BucketNameRefused(name.to_owned()));
        }
        let path = self.root.join(name);
        fs::create_dir_all(&path).map_err(|cause| StartFault::FolderUnusable { path, cause })
    }

    /// Objects by `bucket/key`, and the parts of unfinished uploads by the name that s3s-fs gives them.
    pub(super) fn files(&self) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        let mut ahead = vec![self.root.clone()];
        while let Some(folder) = ahead.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                let name = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
                if path.is_dir() {
                    ahead.push(path);
                } else if !name.starts_with('.') || name.starts_with(".upload_id-") {
                    files.insert(name, fs::read(path)?);
                }
            }
        }
        Ok(files)
    }

    /// The metadata of every object, by `bucket/key (metadata)`. s3s-fs keeps it beside the buckets, and keeps it when the object is
    /// deleted, so that only the objects there are say which of it counts.
    pub(super) fn metadata(&self) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let mut metadata = BTreeMap::new();
        for name in self.files()?.into_keys() {
            let Some((bucket, key)) = name.split_once('/') else { continue };
            let [bucket, key] = [bucket, key].map(|part| URL_SAFE_NO_PAD.encode(part));
            match fs::read(self.root.join(format!(".bucket-{bucket}.object-{key}.metadata.json"))) {
                Ok(bytes) => metadata.insert(format!("{name} (metadata)"), bytes),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
                Err(cause) => return Err(cause),
            };
        }
        Ok(metadata)
    }
}

fn serve(root: &Path) -> Result<S3Service, StartFault> {
    let mut service = S3ServiceBuilder::new(FileSystem::new(root).map_err(StartFault::BucketsUnusable)?);
    service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let domain = SingleDomain::new(&format!("s3.{REGION}.amazonaws.com"));
    service.set_host(domain.map_err(|cause| StartFault::BucketsUnusable(cause.into()))?);
    let mut config = S3Config::default();
    config.presigned_url_max_skew_time_secs = u32::MAX;
    service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    Ok(service.build())
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ProvideErrorMetadata;
    use aws_sdk_s3::primitives::ByteStream;
    use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

    use super::super::testing::{self, s3};
    use super::StartFault;

    #[tokio::test]
    async fn an_object_is_read_whole_and_by_range() {
        let (aws, _) = testing::world();
        aws.create_bucket("sealed").unwrap();
        let body = ByteStream::from_static(b"0123456789");
        s3(&aws).put_object().bucket("sealed").key("tenant/object").body(body).send().await.unwrap();
        let whole = s3(&aws).get_object().bucket("sealed").key("tenant/object").send().await.unwrap();
        assert_eq!(whole.body.collect().await.unwrap().into_bytes().as_ref(), b"0123456789");
        let part = s3(&aws).get_object().bucket("sealed").key("tenant/object").range("bytes=2-4").send().await.unwrap();
        assert_eq!(part.content_range(), Some("bytes 2-4/10"));
        assert_eq!(part.body.collect().await.unwrap().into_bytes().as_ref(), b"234");
    }

    #[tokio::test]
    async fn a_deleted_object_is_gone() {
        let (aws, _) = testing::world();
        aws.create_bucket("sealed").unwrap();
        s3(&aws).put_object().bucket("sealed").key("k").body(ByteStream::from_static(b"x")).send().await.unwrap();
        s3(&aws).delete_object().bucket("sealed").key("k").send().await.unwrap();
        let gone = s3(&aws).get_object().bucket("sealed").key("k").send().await.unwrap_err();
        assert_eq!(gone.code(), Some("NoSuchKey"));
        assert!(aws.files().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_part_of_an_unfinished_upload_is_among_the_files() {
        let (aws, _) = testing::world();
        aws.create_bucket("incoming").unwrap();
        let upload = s3(&aws).create_multipart_upload().bucket("incoming").key("k").send().await.unwrap().upload_id.unwrap();
        let part = s3(&aws).upload_part().bucket("incoming").key("k").upload_id(&upload).part_number(1);
        let sent = part.body(ByteStream::from_static(b"a part")).send().await.unwrap();
        let files = aws.files().unwrap();
        assert!(files.keys().all(|name| name.starts_with(".upload_id-")) && files.values().all(|bytes| bytes == b"a part"));
        let part = CompletedPart::builder().part_number(1).set_e_tag(sent.e_tag).build();
        let parts = CompletedMultipartUpload::builder().parts(part).build();
        let done = s3(&aws).complete_multipart_upload().bucket("incoming").key("k").upload_id(upload).multipart_upload(parts);
        done.send().await.unwrap();
        assert_eq!(aws.files().unwrap()["incoming/k"], b"a part");
    }

    #[tokio::test]
    async fn a_bucket_name_that_s3_would_refuse_is_refused() {
        let (aws, _) = testing::world();
        for name in ["..", "a", "Upper", "a/b"] {
            assert!(matches!(aws.create_bucket(name), Err(StartFault::BucketNameRefused(_))));
        }
    }
}
