//! S3: the protocol and the signatures by s3s, the operations and the storage of our own, on a folder.
//!
//! - [`target`], [`presigned`], [`cors`], [`socket`]: how a request comes in. - [`operations`]: what it does. - [`store`], [`shelf`],
//!   [`record`], [`blob`]: where things lie. - [`receive`], [`checksum`], [`condition`]: what is checked on the way in and out. -
//!   [`lifecycle`], [`notification`]: what happens by itself.
//!
//! It has versions, multipart uploads, checksums, conditions, lifecycle, CORS and events, all by the clock given; only the times of
//! requests signed in a header are not looked at, since the SDK may sign by another clock. It has no storage classes, tags, ACLs, bucket
//! policies, object lock, or encryption: the SSE headers are told back, and the bytes lie on disk as they came.

mod blob;
mod bucket;
mod checksum;
mod condition;
mod cors;
mod lifecycle;
mod notification;
mod operations;
mod presigned;
mod receive;
mod record;
mod shelf;
mod socket;
mod store;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::{HeaderValue, Uri, header::HOST};
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpError, S3Result};
use serde_json::Value;
use shared::platform::clock::Clock;
use tempfile::TempDir;

pub use bucket::{BucketSpec, Cors, LifecycleRule};
pub(super) use socket::router;
pub(super) use target::{Hosts, Target};

use super::aside::{Lying, What};
use super::{ACCESS_KEY, SECRET_KEY, StartFault};
use operations::Operations;
use store::Store;

/// All buckets.
pub(super) struct Objects {
    service: S3Service,
    store: Arc<Store>,
    hosts: Arc<Hosts>,
    /// Deletes the folder in the end, if it is ours.
    _temporary: Option<TempDir>,
}

impl Objects {
    pub(super) fn in_temporary_folder(clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        let folder = tempfile::tempdir().map_err(|cause| StartFault::FolderUnusable { path: "a temporary folder".into(), cause })?;
        let objects = Self::in_folder(folder.path(), clock)?;
        Ok(Self { _temporary: Some(folder), ..objects })
    }

    pub(super) fn in_folder(root: &Path, clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        let opened = fs::create_dir_all(root).and_then(|()| Store::open(root, clock));
        let store = Arc::new(opened.map_err(|cause| StartFault::FolderUnusable { path: root.to_owned(), cause })?);
        let hosts = Arc::<Hosts>::default();
        let service = service(&store, &hosts);
        Ok(Self { service, store, hosts, _temporary: None })
    }

    pub(super) async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut request = request.try_into_http1x().map_err(|cause| ConnectorError::user(cause.into()))?;
        // A connection would have added it, and it is signed.
        let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host);
        }
        let answer = self.serve(request.map(s3s::Body::http_body_unsync)).await;
        let answer = answer.map_err(|cause| ConnectorError::io(cause.into()))?.map(SdkBody::from_body_1_x);
        HttpResponse::try_from(answer).map_err(|cause| ConnectorError::other(cause.into(), None))
    }

    async fn serve(&self, mut request: http::Request<s3s::Body>) -> Result<http::Response<s3s::Body>, HttpError> {
        match presigned::admit(&mut request, self.store.now().div_euclid(1000)) {
            Ok(()) => self.service.call(request).await,
            Err(refused) => refused.to_http_response().map_err(|cause| HttpError::new(Box::new(cause))),
        }
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// From now on `origin` is one of S3's addresses.
    pub(super) fn serve_at(&self, origin: &str) {
        let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().map(ToString::to_string));
        self.hosts.serve_at(authority.unwrap_or_else(|| origin.to_owned()));
    }

    fn cors(&self, bucket: &str) -> Option<Cors> {
        self.store.shelves().buckets.get(bucket)?.spec.cors.clone()
    }

    pub(super) fn create_bucket(&self, spec: &BucketSpec) -> Result<(), StartFault> {
        if !s3s::path::check_bucket_name(&spec.name) {
            return Err(StartFault::BucketNameRefused(spec.name.clone()));
        }
        self.store.create_bucket(spec).map_err(|cause| StartFault::FolderUnusable { path: spec.name.clone().into(), cause })
    }

    /// Applies the lifecycle rules and says how many versions and uploads ended.
    pub(super) fn expire(&self) -> io::Result<usize> {
        self.store.expire()
    }

    /// When the lifecycle rules will next end something, in milliseconds since 1970.
    pub(super) fn next_end(&self) -> Option<i64> {
        self.store.next_end()
    }

    /// What `EventBridge` was not told yet, oldest first.
    pub(super) fn take_notifications(&self) -> Vec<Value> {
        self.store.shelves().notifications.drain(..).collect()
    }

    /// Everything in a bucket whose key begins so; nothing if there is no such bucket.
    pub(super) fn lying_in(&self, bucket: &str, prefix: &str) -> Vec<Lying> {
        let shelves = self.store.shelves();
        let Some(shelf) = shelves.buckets.get(bucket) else { return Vec::new() };
        let objects = shelf.objects.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        let versions = objects.flat_map(|(_, versions)| versions).map(|version| Lying {
            key: version.key.clone(),
            id: version.id.clone(),
            what: if version.is_marker() { What::Marker } else { What::Version },
            since_millis: version.modified_millis,
        });
        let uploads = shelf.uploads.values().filter(|upload| upload.key.starts_with(prefix)).map(|upload| Lying {
            key: upload.key.clone(),
            id: upload.id.clone(),
            what: What::Upload,
            since_millis: upload.begun_millis,
        });
        versions.chain(uploads).collect()
    }

    /// How long each of [`Self::files`] is, and how it begins.
    pub(super) fn beginnings(&self, limit: u64) -> io::Result<BTreeMap<String, (u64, Vec<u8>)>> {
        let mut beginnings = BTreeMap::new();
        let shelves = self.store.shelves();
        for (bucket, shelf) in &shelves.buckets {
            for (name, version) in shelf.objects.iter().flat_map(|(key, versions)| named(bucket, key, versions)) {
                if !version.is_marker() {
                    beginnings.insert(name, blob::read_beginning(version.pieces(), limit)?);
                }
            }
            for upload in shelf.uploads.values() {
                for part in upload.parts.values() {
                    let name = format!("{bucket}/{}#{}#{}", upload.key, upload.id, part.number);
                    beginnings.insert(name, blob::read_beginning(std::slice::from_ref(&part.piece), limit)?);
                }
            }
        }
        Ok(beginnings)
    }

    /// The bytes of objects by `bucket/key`, of older versions by `bucket/key#version`, of parts by `bucket/key#upload#part`, and of what
    /// lies there without a record (on its way in, or still being read) by `bucket#blob`.
    pub(super) fn files(&self) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        let shelves = self.store.shelves();
        for (bucket, shelf) in &shelves.buckets {
            for (name, version) in shelf.objects.iter().flat_map(|(key, versions)| named(bucket, key, versions)) {
                if !version.is_marker() {
                    files.insert(name, blob::read_all(version.pieces())?);
                }
            }
            for upload in shelf.uploads.values() {
                for part in upload.parts.values() {
                    let name = format!("{bucket}/{}#{}#{}", upload.key, upload.id, part.number);
                    files.insert(name, blob::read_all(std::slice::from_ref(&part.piece))?);
                }
            }
            for path in shelf.unnamed_blobs()? {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.insert(format!("{bucket}#{name}"), fs::read(path)?);
            }
        }
        Ok(files)
    }

    /// What is recorded of every version and upload, by the name that [`Self::files`] gives it and ` (metadata)`.
    pub(super) fn metadata(&self) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let mut metadata = BTreeMap::new();
        let shelves = self.store.shelves();
        for (bucket, shelf) in &shelves.buckets {
            for (name, version) in shelf.objects.iter().flat_map(|(key, versions)| named(bucket, key, versions)) {
                metadata.insert(format!("{name} (metadata)"), serde_json::to_vec(version)?);
            }
            for upload in shelf.uploads.values() {
                metadata.insert(format!("{bucket}/{}#{} (metadata)", upload.key, upload.id), serde_json::to_vec(upload)?);
            }
        }
        Ok(metadata)
    }
}

/// The versions of a key, each with a name: the newest has that of the object.
fn named<'a>(bucket: &'a str, key: &'a str, versions: &'a [record::Version]) -> impl Iterator<Item = (String, &'a record::Version)> {
    let newest = versions.len().saturating_sub(1);
    versions.iter().enumerate().map(move |(place, version)| match place == newest {
        true => (format!("{bucket}/{key}"), version),
        false => (format!("{bucket}/{key}#{}", version.id), version),
    })
}

fn service(store: &Arc<Store>, hosts: &Arc<Hosts>) -> S3Service {
    let mut service = S3ServiceBuilder::new(Operations::on(Arc::clone(store)));
    service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    service.set_access(presigned::Gate);
    service.set_host(SharedHosts(Arc::clone(hosts)));
    let mut config = S3Config::default();
    config.presigned_url_max_skew_time_secs = u32::MAX;
    service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    service.build()
}

/// The hosts as s3s takes them.
struct SharedHosts(Arc<Hosts>);

impl S3Host for SharedHosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        self.0.parse_host_header(host)
    }
}
