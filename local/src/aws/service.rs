//! The four services: which host is whose, and what a request asks of it.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http::Uri;
use url::form_urlencoded;

/// The one region there is.
pub const REGION: &str = "eu-west-1";

/// The host names of the region end in this.
const DOMAIN: &str = ".eu-west-1.amazonaws.com";

/// One of the embedded services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Tables.
    DynamoDb,
    /// Buckets and objects.
    S3,
    /// Keys.
    Kms,
    /// Queues.
    Sqs,
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::DynamoDb => "DynamoDB",
            Self::S3 => "S3",
            Self::Kms => "KMS",
            Self::Sqs => "SQS",
        })
    }
}

impl Service {
    /// Whose host this is; none for any other region, domain or service.
    pub(super) fn of_host(host: &str) -> Option<Self> {
        match host.strip_suffix(DOMAIN)? {
            "dynamodb" => Some(Self::DynamoDb),
            "kms" => Some(Self::Kms),
            "sqs" => Some(Self::Sqs),
            "s3" => Some(Self::S3),
            bucket if bucket.ends_with(".s3") => Some(Self::S3),
            _ => None,
        }
    }

    /// The operation's name as the API reference has it; empty if the request names none.
    pub(super) fn operation(self, request: &HttpRequest) -> String {
        if self == Self::S3 {
            return object_operation(request);
        }
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        target.rsplit('.').next().unwrap_or_default().to_owned()
    }
}

/// S3 has no header for it. The SDK names most operations in the query (`x-id`); the others are known by method and subresource.
fn object_operation(request: &HttpRequest) -> String {
    let uri = request.uri().parse::<Uri>().unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let parameter = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(given, _)| given == name).map(|(_, value)| value);
    if let Some(named) = parameter("x-id") {
        return named.into_owned();
    }
    let in_bucket_host = uri.host().is_some_and(|host| !host.starts_with("s3."));
    let path = uri.path().trim_start_matches('/');
    let of_object = if in_bucket_host { !path.is_empty() } else { path.split_once('/').is_some_and(|(_, key)| !key.is_empty()) };
    let has = |name| parameter(name).is_some();
    let name = match (request.method(), of_object) {
        ("POST", true) if has("uploads") => "CreateMultipartUpload",
        ("POST", true) => "CompleteMultipartUpload",
        ("POST", false) => "DeleteObjects",
        ("PUT", true) if has("partNumber") => "UploadPart",
        ("PUT", true) => "PutObject",
        ("PUT", false) => "CreateBucket",
        ("GET", true) => "GetObject",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_another_region_or_domain_belongs_to_no_service() {
        let mine = ["dynamodb", "s3", "bucket.s3", "kms", "sqs"].map(|name| Service::of_host(&format!("{name}{DOMAIN}")));
        assert_eq!(mine, [Service::DynamoDb, Service::S3, Service::S3, Service::Kms, Service::Sqs].map(Some));
        for other in ["kms.eu-central-1.amazonaws.com", "sts.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com.evil", "localhost"] {
            assert_eq!(Service::of_host(other), None);
        }
    }

    #[test]
    fn an_s3_request_without_a_name_is_known_by_its_shape() {
        let named = |method: &str, uri: &str| {
            let mut request = HttpRequest::get(uri).unwrap();
            request.set_method(method).unwrap();
            Service::S3.operation(&request)
        };
        assert_eq!(named("POST", "https://b.s3.eu-west-1.amazonaws.com/k?uploads"), "CreateMultipartUpload");
        assert_eq!(named("GET", "https://b.s3.eu-west-1.amazonaws.com/?list-type=2"), "ListObjectsV2");
        assert_eq!(named("HEAD", "https://s3.eu-west-1.amazonaws.com/b.c/k"), "HeadObject");
        assert_eq!(named("HEAD", "https://s3.eu-west-1.amazonaws.com/b.c/"), "HeadBucket");
    }
}
