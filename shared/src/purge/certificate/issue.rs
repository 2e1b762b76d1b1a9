//! The way to a signed file.

use aws_lc_rs::digest::{SHA256, digest};

use super::keys::{Jwk, KeySet};
use super::signature::Signature;
use super::statement::Certificate;
use super::{file, verify};
use crate::platform::certificate_key::CertificateKey;
use crate::problem::{Problem, Refusal};

/// The file that certifies this, as it is to be kept and handed out. No two files for one certificate are alike: a signature has randomness.
///
/// It has been verified as a customer would, so that a key or a KMS that went wrong shows here and not years later.
///
/// # Errors
/// 500 if the certificate contradicts itself, or if what KMS signed does not verify; 503 if KMS is away.
pub async fn issue(certificate: &Certificate, key: &CertificateKey) -> Result<String, Problem> {
    let internal = |cause: String| Problem::new(Refusal::Internal, format!("cannot certify: {cause}"));
    certificate.check().map_err(|unsound| internal(unsound.to_string()))?;
    let json = certificate.to_json().map_err(|cause| internal(cause.to_string()))?;
    let hash: [u8; 32] = digest(&SHA256, json.as_bytes()).as_ref().try_into().map_err(|_| internal("no digest".to_owned()))?;
    let jwk = Jwk::of_point(&key.point().await?);
    let signature = Signature::normalised(key.sign(&hash).await?);
    let file = file::written(&json, jwk.kid(), &signature);
    verify::verify_with(file.as_bytes(), &KeySet::of(jwk, &[])).map_err(|fault| internal(fault.to_string()))?;
    Ok(file)
}
