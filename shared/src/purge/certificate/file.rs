//! The file: which bytes it consists of, and what is read out of it. There is one way to write it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::signature::Signature;

/// The one algorithm: ECDSA on P-256 with SHA-256 (RFC 7518).
pub(super) const ALGORITHM: &str = "ES256";

/// The parts of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parts<'f> {
    /// What is signed, byte for byte.
    #[serde(borrow)]
    pub(super) certificate: &'f RawValue,
    #[serde(borrow)]
    pub(super) signature: SignaturePart<'f>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct SignaturePart<'f> {
    pub(super) algorithm: &'f str,
    pub(super) key_id: &'f str,
    pub(super) value: &'f str,
}

/// The file of these parts. None of them needs escaping: the certificate is JSON already, the rest is base64url.
pub(super) fn written(certificate: &str, key_id: &str, signature: &Signature) -> String {
    let value = signature.written();
    format!(r#"{{"certificate":{certificate},"signature":{{"algorithm":"{ALGORITHM}","keyId":"{key_id}","value":"{value}"}}}}"#)
}
