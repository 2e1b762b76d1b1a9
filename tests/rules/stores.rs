//! Tables and buckets: under the storage key, guarded, closed to the public, with an end for what has one.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource, items, lacks, names_in};

/// Promises, E-34. For how long a table can be restored is for [`super::backups`] and the timeline to say.
pub fn table_findings(deployed: &Deployed) -> Vec<String> {
    let tables = deployed.resources("AWS::DynamoDB::Table").into_iter().flat_map(|table| {
        // A tenant has no end of its own: it leaves, and is purged.
        let ends = (table.id != "TenantsTable").then_some("expires_at");
        let ttl = table.property(&["TimeToLiveSpecification"]);
        let ttl = ttl.filter(|ttl| is_true(at(ttl, &["Enabled"]))).and_then(|ttl| at(ttl, &["AttributeName"])?.as_str());
        lacks(
            table.id,
            &[
                ("pay per request", table.text(&["BillingMode"]) == Some("PAY_PER_REQUEST")),
                ("deletion protection", is_true(table.property(&["DeletionProtectionEnabled"]))),
                ("encryption by KMS", table.text(&["SSESpecification", "SSEType"]) == Some("KMS")),
                ("encryption", is_true(table.property(&["SSESpecification", "SSEEnabled"]))),
                ("the storage key", table.names(&["SSESpecification", "KMSMasterKeyId"]) == ["StorageKey"]),
                ("TTL where what it holds has an end, and nowhere else", ttl == ends),
                ("being kept when the stack goes", is_kept(&table, "DeletionPolicy")),
                ("being kept when it is replaced", is_kept(&table, "UpdateReplacePolicy")),
            ],
        )
    });
    tables.collect()
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool) == Some(true)
}

fn is_kept(resource: &Resource<'_>, policy: &str) -> bool {
    at(resource.whole, &[policy]).and_then(Value::as_str) == Some("Retain")
}

/// Promises A-35, E-34.
pub fn bucket_findings(deployed: &Deployed) -> Vec<String> {
    let heard: Vec<String> =
        deployed.resources("AWS::Events::Rule").iter().flat_map(|rule| rule.names(&["EventPattern", "detail", "bucket", "name"])).collect();
    let buckets = deployed.resources("AWS::S3::Bucket").into_iter().flat_map(|bucket| {
        let blocks = |name: &str| is_true(bucket.property(&["PublicAccessBlockConfiguration", name]));
        let encryption = items(bucket.property(&["BucketEncryption", "ServerSideEncryptionConfiguration"]));
        let under = |rule: &&Value| {
            names_in(at(rule, &["ServerSideEncryptionByDefault", "KMSMasterKeyID"])) == ["StorageKey"]
                && is_true(at(rule, &["BucketKeyEnabled"]))
        };
        let rules = items(bucket.property(&["LifecycleConfiguration", "Rules"]));
        let ends = |names: &[&str]| {
            rules.iter().any(|rule| at(rule, &["Status"]).and_then(Value::as_str) == Some("Enabled") && at(rule, names).is_some())
        };
        let versions = bucket.text(&["VersioningConfiguration", "Status"]) == Some("Enabled");
        let told = is_true(bucket.property(&["NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled"]));
        lacks(
            bucket.id,
            &[
                (
                    "a block of everything public",
                    ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"].into_iter().all(blocks),
                ),
                ("one owner of all objects", names_in(bucket.property(&["OwnershipControls", "Rules"])) == ["BucketOwnerEnforced"]),
                ("the storage key, asked once for many objects", !encryption.is_empty() && encryption.iter().all(under)),
                ("a policy of TLS alone", takes_tls_alone(deployed, bucket.id)),
                ("an end of uploads that were never ended", ends(&["AbortIncompleteMultipartUpload"])),
                ("an end of versions that are no longer current", !versions || ends(&["NoncurrentVersionExpiration"])),
                ("an end of objects, or of a purge for them", ends(&["ExpirationInDays"]) || is_kept(&bucket, "DeletionPolicy")),
                ("events, which a rule waits for", told || !heard.contains(&bucket.id.to_owned())),
                ("being without a website", bucket.property(&["WebsiteConfiguration"]).is_none()),
            ],
        )
    });
    buckets.collect()
}

/// Whether its policy denies everything without TLS, on the bucket and on all that lies in it.
fn takes_tls_alone(deployed: &Deployed, bucket: &str) -> bool {
    let of_bucket = deployed.resources("AWS::S3::BucketPolicy").into_iter().find(|policy| policy.names(&["Bucket"]) == [bucket]);
    let Some(policy) = of_bucket else { return false };
    deployed.statements().iter().filter(|statement| statement.holder.id == policy.id && !statement.allows).any(|statement| {
        statement.demands("Bool", "aws:SecureTransport") == ["false"]
            && statement.actions == ["s3:*"]
            && statement.principals == ["*"]
            && statement.resources == [bucket.to_owned(), format!("{bucket}/*")]
    })
}
