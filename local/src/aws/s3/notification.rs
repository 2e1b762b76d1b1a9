//! What S3 tells `EventBridge`: the message "Object Created", field by field as the User Guide shows it ("EventBridge event message
//! structure"). Keys are not URL-encoded there.

use serde_json::{Value, json};
use shared::platform::clock::rfc3339;

use super::bucket::BucketSpec;
use super::record::Version;
use super::store::Occasion;
use crate::aws::REGION;

/// The account that everything here belongs to.
const ACCOUNT: &str = winterbaume_core::DEFAULT_ACCOUNT_ID;

/// The message about a new object.
pub(super) fn object_created(bucket: &BucketSpec, version: &Version, occasion: &Occasion<'_>) -> Value {
    let content = version.content.as_ref();
    let mut object = json!({
        "key": version.key,
        "size": content.map(|content| content.size),
        "etag": content.map(|content| &content.etag),
        "sequencer": format!("{:016X}", version.sequence),
    });
    if let (true, Some(members)) = (bucket.versioned, object.as_object_mut()) {
        members.insert("version-id".to_owned(), json!(version.id));
    }
    json!({
        "version": "0",
        "id": uuid(&occasion.fresh),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": rfc3339(occasion.now.div_euclid(1000)),
        "region": REGION,
        "resources": [format!("arn:aws:s3:::{}", bucket.name)],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": object,
            "request-id": request_id(&occasion.fresh),
            "requester": ACCOUNT,
            "source-ip-address": "127.0.0.1",
            "reason": occasion.reason,
        },
    })
}

/// 32 hex digits in the form of a UUID.
fn uuid(digits: &str) -> String {
    let cut = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    [cut(0..8), cut(8..12), cut(12..16), cut(16..20), cut(20..32)].join("-")
}

fn request_id(digits: &str) -> String {
    digits.get(..16).unwrap_or_default().to_ascii_uppercase()
}
