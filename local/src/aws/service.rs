//! The four services: which host is whose, and what a request names.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// The one region there is.
pub const REGION: &str = "eu-west-1";

/// The host names of the region end in this.
pub(super) const DOMAIN: &str = ".eu-west-1.amazonaws.com";

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

    /// Whose call this is by the target that it names; none for S3, whose calls name none.
    pub(super) fn of_target(target: &str) -> Option<Self> {
        match target.split_once('.')?.0 {
            "DynamoDB_20120810" => Some(Self::DynamoDb),
            "TrentService" => Some(Self::Kms),
            "AmazonSQS" => Some(Self::Sqs),
            _ => None,
        }
    }

    /// What its host is called before [`DOMAIN`].
    pub(super) const fn host(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::S3 => "s3",
            Self::Kms => "kms",
            Self::Sqs => "sqs",
        }
    }

    /// The operation's name as the API reference has it; empty if the request names none. S3's stands in no header: see
    /// [`super::s3::Target`].
    pub(super) fn operation(request: &HttpRequest) -> String {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        target.rsplit('.').next().unwrap_or_default().to_owned()
    }
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
}
