//! The KMS key that wraps every tenant's keys: make, wrap, unwrap, and whether it is usable.
//!
//! Every call carries the encryption context, which KMS authenticates and CloudTrail logs in the clear: UUIDs and constants only.

use std::collections::HashMap;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::KeyState;
use zeroize::Zeroizing;

use crate::platform::aws;
use crate::problem::Problem;

/// The wrapping key, reached through KMS.
#[derive(Clone, Debug)]
pub struct WrappingKey {
    kms: aws_sdk_kms::Client,
    arn: String,
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
    pub const fn new(kms: aws_sdk_kms::Client, arn: String) -> Self {
        Self { kms, arn }
    }

    /// The ARN that what is wrapped now belongs to.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
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
        let call = self.kms.decrypt().key_id(arn).ciphertext_blob(Blob::new(wrapped));
        let answer = call.set_encryption_context(Some(context(tenant_id, version))).send().await;
        let answer = answer.map_err(|error| aws::problem("kms Decrypt", &error))?;
        let plaintext = answer.plaintext.ok_or_else(|| Problem::unavailable("kms Decrypt: empty answer"))?;
        Ok(Zeroizing::new(plaintext.into_inner()))
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

/// What binds wrapped bytes to their tenant and version.
fn context(tenant_id: &str, version: u32) -> HashMap<String, String> {
    HashMap::from([
        ("app".to_owned(), "lethe".to_owned()),
        ("purpose".to_owned(), "tenant-key".to_owned()),
        ("tenant".to_owned(), tenant_id.to_owned()),
        ("version".to_owned(), version.to_string()),
    ])
}
