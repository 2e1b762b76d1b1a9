//! The KMS key that wraps every tenant's keys: make, wrap, unwrap, and whether it is usable.
//!
//! Every call carries the encryption context, which KMS authenticates and CloudTrail logs in the clear: UUIDs and constants only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::KeyState;
use zeroize::Zeroizing;

use crate::platform::aws;
use crate::platform::signal::Signal;
use crate::problem::Problem;

/// The wrapping key, reached through KMS.
#[derive(Clone, Debug)]
pub struct WrappingKey {
    kms: aws_sdk_kms::Client,
    arn: String,
    unwrapped: Arc<AtomicU64>,
}

/// Key bytes, once in the clear and once wrapped.
pub(crate) struct Generated {
    /// The bytes themselves, gone from memory when dropped.
    pub(crate) plaintext: Zeroizing<Vec<u8>>,
    /// What may be stored.
    pub(crate) wrapped: Wrapped,
}

/// Wrapped key bytes, and which KMS key wrapped them: its own ARN as KMS says it, which stays true when a name for it is moved.
pub(crate) struct Wrapped {
    pub(crate) bytes: Vec<u8>,
    pub(crate) key_arn: String,
}

impl WrappingKey {
    /// The key with this ARN.
    #[must_use]
    pub fn new(kms: aws_sdk_kms::Client, arn: String) -> Self {
        Self { kms, arn, unwrapped: Arc::default() }
    }

    /// The ARN that what is wrapped now belongs to.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// How often KMS was asked to unwrap since the process began.
    #[must_use]
    pub fn unwrapped(&self) -> u64 {
        self.unwrapped.load(Ordering::Relaxed)
    }

    /// How often since it was so often; `None`: never. Lambda gives an environment one call at a time, so what was unwrapped since a call began is
    /// that call's.
    #[must_use]
    pub fn unwrapped_since(&self, before: u64) -> Option<u64> {
        Some(self.unwrapped().saturating_sub(before)).filter(|times| *times > 0)
    }

    /// Has KMS make `bytes` random bytes for one version of a tenant's keys.
    ///
    /// # Errors
    /// 503 if KMS is away or refuses.
    pub(crate) async fn generate(&self, tenant_id: &str, version: u32, bytes: i32) -> Result<Generated, Problem> {
        let call = self.kms.generate_data_key().key_id(&self.arn).number_of_bytes(bytes);
        let answer = call.set_encryption_context(Some(context(tenant_id, version))).send().await;
        let answer = answer.map_err(|error| aws::problem("kms GenerateDataKey", &error))?;
        match (answer.plaintext, answer.ciphertext_blob, answer.key_id) {
            (Some(plaintext), Some(wrapped), Some(key_arn)) => {
                let wrapped = Wrapped { bytes: wrapped.into_inner(), key_arn };
                Ok(Generated { plaintext: Zeroizing::new(plaintext.into_inner()), wrapped })
            }
            _ => Err(Problem::unavailable("kms GenerateDataKey: empty answer")),
        }
    }

    /// Wraps key bytes that we already hold.
    ///
    /// # Errors
    /// 503 if KMS is away or refuses.
    pub(crate) async fn wrap(&self, tenant_id: &str, version: u32, plaintext: &[u8]) -> Result<Wrapped, Problem> {
        let call = self.kms.encrypt().key_id(&self.arn).plaintext(Blob::new(plaintext));
        let answer = call.set_encryption_context(Some(context(tenant_id, version))).send().await;
        let answer = answer.map_err(|error| aws::problem("kms Encrypt", &error))?;
        let wrapped = answer.ciphertext_blob.zip(answer.key_id).map(|(bytes, key_arn)| Wrapped { bytes: bytes.into_inner(), key_arn });
        wrapped.ok_or_else(|| Problem::unavailable("kms Encrypt: empty answer"))
    }

    /// Unwraps key bytes that were wrapped under the key with ARN `arn` for this tenant and version, and for no other.
    ///
    /// # Errors
    /// 503 if KMS is away or refuses: wrapped bytes that do not open are an incident, never a reason to make new ones.
    pub(crate) async fn unwrap(&self, arn: &str, tenant_id: &str, version: u32, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Problem> {
        self.unwrapped.fetch_add(1, Ordering::Relaxed);
        let call = self.kms.decrypt().key_id(self.nearest(arn)).ciphertext_blob(Blob::new(wrapped));
        let answer = call.set_encryption_context(Some(context(tenant_id, version))).send().await;
        let answer = answer.map_err(|error| {
            let problem = aws::problem("kms Decrypt", &error);
            // The context names the tenant: these bytes were wrapped for another, or were changed.
            let is_anothers = error.as_service_error().is_some_and(DecryptError::is_invalid_ciphertext_exception);
            if is_anothers { problem.raising(Signal::CrossTenant) } else { problem }
        })?;
        let plaintext = answer.plaintext.ok_or_else(|| Problem::unavailable("kms Decrypt: empty answer"))?;
        Ok(Zeroizing::new(plaintext.into_inner()))
    }

    /// The key to ask for what was wrapped under `arn`: ours, if that is the same key in another region. A multi-Region key has one id (`mrk-…`)
    /// everywhere, and its replicas unwrap what it wrapped (promise E-28: so a copy can be restored in the backup region).
    fn nearest<'key>(&'key self, arn: &'key str) -> &'key str {
        let is_ours = multi_region_id(arn).is_some_and(|id| multi_region_id(&self.arn) == Some(id));
        if is_ours { &self.arn } else { arn }
    }

    /// Checks that the key is there, enabled and not awaiting deletion.
    ///
    /// # Errors
    /// 503 otherwise.
    pub(crate) async fn check(&self) -> Result<(), Problem> {
        let answer = self.kms.describe_key().key_id(&self.arn).send().await;
        let answer = answer.map_err(|error| aws::problem("kms DescribeKey", &error))?;
        match answer.key_metadata.and_then(|key| key.key_state) {
            Some(KeyState::Enabled) => Ok(()),
            _ => Err(Problem::unavailable("the wrapping key is not enabled")),
        }
    }
}

fn multi_region_id(arn: &str) -> Option<&str> {
    arn.rsplit_once(":key/").map(|(_, id)| id).filter(|id| id.starts_with("mrk-"))
}

/// What binds wrapped bytes to their tenant and version.
fn context(tenant_id: &str, version: u32) -> HashMap<String, String> {
    HashMap::from([
        ("app".to_owned(), "lethe".to_owned()),
        ("purpose".to_owned(), "tenant-key".to_owned()),
        ("tenant".to_owned(), tenant_id.to_owned()),
        ("version".to_owned(), version.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(arn: &str) -> WrappingKey {
        let config = aws_sdk_kms::Config::builder().behavior_version(aws_sdk_kms::config::BehaviorVersion::latest()).build();
        WrappingKey::new(aws_sdk_kms::Client::from_conf(config), arn.to_owned())
    }

    /// Promise E-28.
    #[test]
    fn a_replica_is_asked_for_what_its_primary_wrapped_and_another_key_is_asked_itself() {
        let here = "arn:aws:kms:eu-central-1:111122223333:key/mrk-1";
        for (arn, asked) in [
            ("arn:aws:kms:eu-west-1:111122223333:key/mrk-1", here),
            (here, here),
            ("arn:aws:kms:eu-west-1:111122223333:key/mrk-2", "arn:aws:kms:eu-west-1:111122223333:key/mrk-2"),
            ("arn:aws:kms:eu-west-1:111122223333:key/1", "arn:aws:kms:eu-west-1:111122223333:key/1"),
        ] {
            assert_eq!(key(here).nearest(arn), asked, "{arn}");
        }
        let single = "arn:aws:kms:eu-west-1:111122223333:key/1";
        assert_eq!(
            key("arn:aws:kms:eu-central-1:111122223333:key/1").nearest(single),
            single,
            "an id that is not multi-Region is no other's"
        );
    }
}
