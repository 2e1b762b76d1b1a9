//! What a request to S3 is about, read off its address: the bucket, the operation, and what IAM would have to allow for it.
//!
//! S3 is reached at the region's own host and at one address more, where it is served to browsers; a bucket is named by the host before it
//! or by the first segment of the path.

use std::sync::{PoisonError, RwLock};

use http::{HeaderMap, Uri};
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};
use url::form_urlencoded;

use crate::aws::{Need, REGION};

/// The hosts that are S3's.
#[derive(Debug, Default)]
pub(in crate::aws) struct Hosts {
    /// Host and port of the address that browsers are given.
    served: RwLock<Option<String>>,
}

impl Hosts {
    pub(super) fn serve_at(&self, authority: String) {
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Some(authority);
    }

    /// Whether this is the address that browsers are given, or a bucket's name before it.
    pub(in crate::aws) fn is_served_at(&self, authority: &str) -> bool {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        served.as_ref().is_some_and(|served| authority == served || bucket_before(served, authority).is_some())
    }

    /// The bucket that the host names, if it names one.
    fn bucket<'a>(&self, authority: &'a str) -> Option<&'a str> {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        let own = format!("s3.{REGION}.amazonaws.com");
        bucket_before(&own, authority).or_else(|| served.as_ref().and_then(|served| bucket_before(served, authority)))
    }
}

fn bucket_before<'a>(domain: &str, authority: &'a str) -> Option<&'a str> {
    authority.strip_suffix(domain)?.strip_suffix('.')
}

/// s3s asks the same.
impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let named = VirtualHost::new(host);
        Ok(match self.bucket(host) {
            Some(bucket) => named.with_bucket(bucket),
            None => named,
        })
    }
}

/// What a request is about.
#[derive(Debug)]
pub(in crate::aws) struct Target<'a> {
    method: &'a str,
    pub(super) bucket: String,
    has_key: bool,
    query: &'a str,
    copies: Option<&'a str>,
    /// How often a list to delete names a key, and how often a version.
    listed: (usize, usize),
}

impl<'a> Target<'a> {
    /// `authority` is the `Host` header, or stands in the URI.
    pub(in crate::aws) fn of(hosts: &Hosts, method: &'a str, authority: &str, uri: &'a Uri) -> Self {
        let path = uri.path().trim_start_matches('/');
        let (bucket, key) = match hosts.bucket(authority) {
            Some(bucket) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let (bucket, query) = (bucket.to_owned(), uri.query().unwrap_or_default());
        Self { method, bucket, has_key: !key.is_empty(), query, copies: None, listed: (0, 0) }
    }

    /// With what only the headers and the body say.
    pub(in crate::aws) fn with(self, copies: Option<&'a str>, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        Self { copies, listed: (body.matches("<Key>").count(), body.matches("<VersionId>").count()), ..self }
    }

    /// The source of a copy.
    pub(super) fn source(headers: &HeaderMap) -> Option<&str> {
        headers.get("x-amz-copy-source").and_then(|source| source.to_str().ok())
    }

    fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes()).find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
    }

    /// The operation's name as the API reference has it. The SDK names most in the query (`x-id`); the others are known by method and
    /// subresource.
    pub(in crate::aws) fn operation(&self) -> String {
        if let Some(named) = self.parameter("x-id") {
            return named;
        }
        let has = |name| self.parameter(name).is_some();
        let name = match (self.method, self.has_key) {
            ("POST", true) if has("uploads") => "CreateMultipartUpload",
            ("POST", true) => "CompleteMultipartUpload",
            ("POST", false) => "DeleteObjects",
            ("PUT", true) if has("partNumber") => "UploadPart",
            ("PUT", true) if self.copies.is_some() => "CopyObject",
            ("PUT", true) => "PutObject",
            ("PUT", false) if has("versioning") => "PutBucketVersioning",
            ("PUT", false) => "CreateBucket",
            ("GET", true) if has("uploadId") => "ListParts",
            ("GET", true) if has("attributes") => "GetObjectAttributes",
            ("GET", true) => "GetObject",
            ("GET", false) if has("versioning") => "GetBucketVersioning",
            ("GET", false) if has("uploads") => "ListMultipartUploads",
            ("GET", false) if has("versions") => "ListObjectVersions",
            ("GET", false) if has("list-type") => "ListObjectsV2",
            ("HEAD", true) => "HeadObject",
            ("HEAD", false) => "HeadBucket",
            ("DELETE", true) if has("uploadId") => "AbortMultipartUpload",
            ("DELETE", true) => "DeleteObject",
            ("DELETE", false) => "DeleteBucket",
            (method, _) => method,
        };
        name.to_owned()
    }

    /// By the Service Authorization Reference: an action on the bucket, or on all its objects (`bucket/*`). What S3 asks of KMS in the
    /// caller's name is not among them.
    pub(in crate::aws) fn needs(&self) -> Vec<Need> {
        let versioned = self.parameter("versionId").is_some_and(|id| !id.is_empty());
        let (keys, versions) = self.listed;
        let operation = self.operation();
        let on_objects: &[&str] = match (operation.as_str(), versioned) {
            ("GetObject" | "HeadObject", false) => &["GetObject"],
            ("GetObject" | "HeadObject", true) => &["GetObjectVersion"],
            ("GetObjectAttributes", false) => &["GetObject", "GetObjectAttributes"],
            ("GetObjectAttributes", true) => &["GetObjectVersion", "GetObjectVersionAttributes"],
            ("PutObject" | "CopyObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload", _) => &["PutObject"],
            ("AbortMultipartUpload", _) => &["AbortMultipartUpload"],
            ("ListParts", _) => &["ListMultipartUploadParts"],
            ("DeleteObject", false) => &["DeleteObject"],
            ("DeleteObject", true) => &["DeleteObjectVersion"],
            ("DeleteObjects", _) if versions == 0 => &["DeleteObject"],
            ("DeleteObjects", _) if versions < keys => &["DeleteObject", "DeleteObjectVersion"],
            ("DeleteObjects", _) => &["DeleteObjectVersion"],
            _ => &[],
        };
        let on_bucket: &[&str] = match operation.as_str() {
            "ListObjectsV2" | "HeadBucket" => &["ListBucket"],
            "ListObjectVersions" => &["ListBucketVersions"],
            "ListMultipartUploads" => &["ListBucketMultipartUploads"],
            "GetBucketVersioning" => &["GetBucketVersioning"],
            "PutBucketVersioning" => &["PutBucketVersioning"],
            _ => &[],
        };
        let need = |action: &str, resource: String| Need { action: format!("s3:{action}"), resource };
        let source = self.copies.map(|source| {
            let bucket = source.trim_start_matches('/').split('/').next().unwrap_or_default();
            need(if source.contains("?versionId=") { "GetObjectVersion" } else { "GetObject" }, format!("{bucket}/*"))
        });
        let objects = on_objects.iter().map(|action| need(action, format!("{}/*", self.bucket)));
        objects.chain(on_bucket.iter().map(|action| need(action, self.bucket.clone()))).chain(source).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(method: &str, uri: &str) -> (String, Vec<String>) {
        let uri: Uri = uri.parse().unwrap();
        let hosts = Hosts::default();
        hosts.serve_at("127.0.0.1:8082".to_owned());
        let target = Target::of(&hosts, method, uri.authority().unwrap().as_str(), &uri);
        (target.operation(), target.needs().into_iter().map(|need| format!("{} {}", need.action, need.resource)).collect())
    }

    fn expected(operation: &str, needs: &[&str]) -> (String, Vec<String>) {
        (operation.to_owned(), needs.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_request_without_a_name_is_known_by_its_shape() {
        let own = "https://b.s3.eu-west-1.amazonaws.com";
        assert_eq!(told("POST", &format!("{own}/k?uploads")), expected("CreateMultipartUpload", &["s3:PutObject b/*"]));
        assert_eq!(told("GET", &format!("{own}/?list-type=2")), expected("ListObjectsV2", &["s3:ListBucket b"]));
        assert_eq!(told("GET", &format!("{own}/?versions")), expected("ListObjectVersions", &["s3:ListBucketVersions b"]));
        assert_eq!(told("GET", &format!("{own}/?uploads")), expected("ListMultipartUploads", &["s3:ListBucketMultipartUploads b"]));
        assert_eq!(told("GET", &format!("{own}/k?uploadId=u")), expected("ListParts", &["s3:ListMultipartUploadParts b/*"]));
        assert_eq!(told("PUT", &format!("{own}/?versioning")), expected("PutBucketVersioning", &["s3:PutBucketVersioning b"]));
        assert_eq!(told("GET", &format!("{own}/?versioning")), expected("GetBucketVersioning", &["s3:GetBucketVersioning b"]));
        assert_eq!(told("HEAD", "https://s3.eu-west-1.amazonaws.com/b.c/k"), expected("HeadObject", &["s3:GetObject b.c/*"]));
        assert_eq!(told("HEAD", "https://s3.eu-west-1.amazonaws.com/b.c/"), expected("HeadBucket", &["s3:ListBucket b.c"]));
        assert_eq!(told("PUT", "http://127.0.0.1:8082/b/k?partNumber=1&uploadId=u"), expected("UploadPart", &["s3:PutObject b/*"]));
    }

    #[test]
    fn a_version_needs_an_action_of_its_own() {
        let own = "https://b.s3.eu-west-1.amazonaws.com/k";
        assert_eq!(told("GET", &format!("{own}?versionId=v")), expected("GetObject", &["s3:GetObjectVersion b/*"]));
        assert_eq!(told("DELETE", &format!("{own}?versionId=v")), expected("DeleteObject", &["s3:DeleteObjectVersion b/*"]));
        assert_eq!(told("DELETE", own), expected("DeleteObject", &["s3:DeleteObject b/*"]));
        assert_eq!(told("DELETE", &format!("{own}?uploadId=u")), expected("AbortMultipartUpload", &["s3:AbortMultipartUpload b/*"]));
    }

    #[test]
    fn a_list_to_delete_needs_what_is_on_it() {
        let (hosts, uri) = (Hosts::default(), "https://b.s3.eu-west-1.amazonaws.com/?delete".parse().unwrap());
        let needs = |body: &[u8]| {
            let target = Target::of(&hosts, "POST", "b.s3.eu-west-1.amazonaws.com", &uri).with(None, body);
            target.needs().into_iter().map(|need| need.action).collect::<Vec<_>>()
        };
        assert_eq!(needs(b"<Object><Key>a</Key></Object>"), ["s3:DeleteObject"]);
        assert_eq!(needs(b"<Object><Key>a</Key><VersionId>1</VersionId></Object>"), ["s3:DeleteObjectVersion"]);
        let both = b"<Object><Key>a</Key></Object><Object><Key>a</Key><VersionId>1</VersionId></Object>";
        assert_eq!(needs(both), ["s3:DeleteObject", "s3:DeleteObjectVersion"]);
    }

    #[test]
    fn a_copy_needs_to_read_its_source() {
        let (hosts, uri) = (Hosts::default(), "https://b.s3.eu-west-1.amazonaws.com/k".parse().unwrap());
        let target = Target::of(&hosts, "PUT", "b.s3.eu-west-1.amazonaws.com", &uri).with(Some("source/k"), b"");
        assert_eq!(target.operation(), "CopyObject");
        let needs: Vec<String> = target.needs().into_iter().map(|need| format!("{} {}", need.action, need.resource)).collect();
        assert_eq!(needs, ["s3:PutObject b/*", "s3:GetObject source/*"]);
    }
}
