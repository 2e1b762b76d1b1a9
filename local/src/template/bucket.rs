//! A bucket of the template as the embedded S3 takes it.

use yaml_serde::Value;

use super::{Template, TemplateFault, at, text};
use crate::aws::{BucketSpec, Cors, LifecycleRule};

/// The physical name of a bucket on this machine: its logical id in kebab case, because S3 takes no capitals.
#[must_use]
pub fn bucket_name(logical_id: &str) -> String {
    Template::function_name(logical_id)
}

/// Which pages may use it is for the host to say: their origin is a parameter.
pub(super) fn bucket_spec(id: &str, bucket: &Value, pages: &str) -> Result<BucketSpec, TemplateFault> {
    let fault = |what: &str| TemplateFault(format!("{id}: {what}"));
    let properties = at(bucket, &["Properties"]).ok_or_else(|| fault("no properties"))?;
    let said = |names: &[&str]| at(properties, names);
    let notifies = said(&["NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled"]).and_then(Value::as_bool);
    let versioned = said(&["VersioningConfiguration"]).and_then(|versioning| text(versioning, "Status")) == Some("Enabled");
    let list = |names: &[&str]| said(names).and_then(Value::as_sequence).cloned().unwrap_or_default();
    let rules = list(&["LifecycleConfiguration", "Rules"]);
    let lifecycle = rules.iter().map(|rule| rule_of(rule).ok_or_else(|| fault("a rule")));
    let cors = list(&["CorsConfiguration", "CorsRules"]).first().map(|rule| Cors {
        allowed_origins: vec![pages.to_owned()],
        allowed_methods: texts(rule, "AllowedMethods"),
        allowed_headers: texts(rule, "AllowedHeaders"),
        exposed_headers: texts(rule, "ExposedHeaders"),
    });
    let lifecycle = lifecycle.collect::<Result<_, _>>()?;
    Ok(BucketSpec { name: bucket_name(id), versioned, lifecycle, notifies: notifies == Some(true), cors })
}

/// `None` if the rule is not one that is applied as it stands.
fn rule_of(rule: &Value) -> Option<LifecycleRule> {
    let days = |names: &[&str]| at(rule, names).and_then(Value::as_u64).and_then(|days| u32::try_from(days).ok());
    (text(rule, "Status") == Some("Enabled")).then(|| LifecycleRule {
        prefix: text(rule, "Prefix").map(ToOwned::to_owned),
        expire_after_days: days(&["ExpirationInDays"]),
        expire_noncurrent_after_days: days(&["NoncurrentVersionExpiration", "NoncurrentDays"]),
        abort_uploads_after_days: days(&["AbortIncompleteMultipartUpload", "DaysAfterInitiation"]),
    })
}

fn texts(rule: &Value, name: &str) -> Vec<String> {
    let found = rule.get(name).and_then(Value::as_sequence).into_iter().flatten();
    found.filter_map(|text| text.as_str().map(ToOwned::to_owned)).collect()
}
