//! Verification: pure, and of the bytes as they came. Nothing in the file is believed before its signature is.

use serde::Deserialize;

use super::file::{self, ALGORITHM, Parts};
use super::keys::{KeySet, KeySetFault};
use super::signature::Signature;
use super::statement::{Certificate, FORMAT, Unsound};
use super::subject::SubjectClaim;

/// Why a file certifies nothing.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    /// The file with the keys is not what we publish.
    #[error(transparent)]
    Keys(#[from] KeySetFault),
    /// It is not JSON with exactly the members of a certificate file.
    #[error("cannot read the file: not a certificate and its signature")]
    Unreadable,
    /// It is signed in another way than ours.
    #[error("cannot verify the signature: its algorithm is not {ALGORITHM}")]
    Algorithm,
    /// The signature is not 64 bytes in strict base64url.
    #[error("cannot read the signature: not 64 bytes in base64url")]
    SignatureForm,
    /// The signature is the twin of one that we would make.
    #[error("cannot accept the signature: its second number is in the upper half")]
    HighS,
    /// The same could be said in other bytes, so these are not ours.
    #[error("cannot accept the file: it has bytes that we would not have written")]
    Rewritten,
    /// The set has no key of this name.
    #[error("cannot find the key that signed: it is not among the keys given")]
    UnknownKey,
    /// The certificate is not what was signed.
    #[error("cannot accept the certificate: the signature is not of it")]
    Forged,
    /// It is signed, in a format that is not known here.
    #[error("cannot read the certificate: its format is {0}, known is {FORMAT}")]
    Format(u64),
    /// It is signed, and still not as this format has it.
    #[error("cannot read the certificate: {0}")]
    Statement(#[source] serde_json::Error),
    /// It is signed, and contradicts itself.
    #[error("cannot accept the certificate: {0}")]
    Unsound(#[from] Unsound),
    /// It is good, by another key than the one that was demanded.
    #[error("cannot accept the signature: it is by the key {0}, and another one was demanded")]
    OtherKey(String),
    /// It is good, and about somebody else.
    #[error("cannot accept the certificate: it is not about this app and client key, or the salt is not its own")]
    OtherSubject,
}

/// A good certificate, and the key that makes it one. It is worth what the way is worth that the key came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What is certified.
    pub certificate: Certificate,
    /// The name of the key that signed: its thumbprint, so no other key has it.
    pub kid: String,
}

/// What the file certifies, if the set has the key that signed it and not one byte has changed since; with a claim, only if it is about them.
///
/// # Errors
/// [`VerifyFault`].
pub fn verify(file: &[u8], keys: &[u8], subject: Option<&SubjectClaim>) -> Result<Certificate, VerifyFault> {
    verify_by(file, keys, None, subject).map(|verified| verified.certificate)
}

/// As [`verify`], and only if the key of this name signed; tells which did.
///
/// # Errors
/// [`VerifyFault`].
pub fn verify_by(file: &[u8], keys: &[u8], kid: Option<&str>, subject: Option<&SubjectClaim>) -> Result<Verified, VerifyFault> {
    let verified = verify_with(file, &KeySet::parse(keys)?)?;
    if kid.is_some_and(|kid| kid != verified.kid) {
        return Err(VerifyFault::OtherKey(verified.kid));
    }
    let certificate = &verified.certificate;
    match subject {
        Some(claim) if claim.subject() != certificate.subject || claim.app != certificate.issuer.app => Err(VerifyFault::OtherSubject),
        _ => Ok(verified),
    }
}

pub(super) fn verify_with(file: &[u8], keys: &KeySet) -> Result<Verified, VerifyFault> {
    let parts: Parts<'_> = serde_json::from_slice(file).map_err(|_| VerifyFault::Unreadable)?;
    if parts.signature.algorithm != ALGORITHM {
        return Err(VerifyFault::Algorithm);
    }
    let key = keys.find(parts.signature.key_id).ok_or(VerifyFault::UnknownKey)?;
    let signature = Signature::read(parts.signature.value).ok_or(VerifyFault::SignatureForm)?;
    if !signature.is_low() {
        return Err(VerifyFault::HighS);
    }
    let signed = parts.certificate.get();
    if file::written(signed, parts.signature.key_id, &signature).as_bytes() != file {
        return Err(VerifyFault::Rewritten);
    }
    key.verify_sig(signed.as_bytes(), signature.bytes()).map_err(|_| VerifyFault::Forged)?;
    Ok(Verified { certificate: statement(signed)?, kid: parts.signature.key_id.to_owned() })
}

/// The signed statement, if it is in the one form that its format has.
fn statement(signed: &str) -> Result<Certificate, VerifyFault> {
    #[derive(Deserialize)]
    struct Formatted {
        format: u64,
    }

    let Formatted { format } = serde_json::from_str(signed).map_err(VerifyFault::Statement)?;
    if format != u64::from(FORMAT) {
        return Err(VerifyFault::Format(format));
    }
    let certificate: Certificate = serde_json::from_str(signed).map_err(VerifyFault::Statement)?;
    if certificate.to_json().map_err(VerifyFault::Statement)? != signed {
        return Err(VerifyFault::Rewritten);
    }
    certificate.check()?;
    Ok(certificate)
}
