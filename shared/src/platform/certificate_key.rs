//! The KMS key that signs deletion certificates: ECDSA on P-256, whose private half never leaves KMS.
//!
//! KMS speaks DER. What leaves this file has a fixed length: 64 bytes of signature (r ‖ s), 65 bytes of public key (4 ‖ x ‖ y). Whatever
//! is not exactly of the form that this demands is a fault of KMS, and no certificate.

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};
use tokio::sync::OnceCell;

use crate::platform::aws;
use crate::problem::Problem;

/// How many bytes a number of the curve has.
const NUMBER: usize = 32;

/// What comes before the point in the `SubjectPublicKeyInfo` of a key on P-256 (RFC 5480): the lengths, and the names of the curve.
const BEFORE_POINT: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

/// DER's tags for what a signature is made of.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// The key, reached through KMS. Clones share the public key, which is asked for once in the life of a process: it never changes.
#[derive(Clone, Debug)]
pub struct CertificateKey {
    kms: aws_sdk_kms::Client,
    arn: String,
    point: Arc<OnceCell<[u8; 65]>>,
}

impl CertificateKey {
    /// The key with this ARN.
    #[must_use]
    pub fn new(kms: aws_sdk_kms::Client, arn: String) -> Self {
        Self { kms, arn, point: Arc::default() }
    }

    /// The public key: an uncompressed point (SEC 1, section 2.3.3).
    ///
    /// # Errors
    /// 503 if KMS is away or refuses, or if the key is not one for signatures on P-256.
    pub(crate) async fn point(&self) -> Result<[u8; 65], Problem> {
        self.point.get_or_try_init(|| self.ask_for_point()).await.copied()
    }

    async fn ask_for_point(&self) -> Result<[u8; 65], Problem> {
        let answer = self.kms.get_public_key().key_id(&self.arn).send().await;
        let answer = answer.map_err(|error| aws::problem("kms GetPublicKey", &error))?;
        if (answer.key_spec(), answer.key_usage()) != (Some(&KeySpec::EccNistP256), Some(&KeyUsageType::SignVerify)) {
            return Err(Problem::unavailable("the certificate key does not sign on P-256"));
        }
        let point = answer.public_key.and_then(|spki| point(spki.as_ref()));
        point.ok_or_else(|| Problem::unavailable("kms GetPublicKey: not a point of P-256"))
    }

    /// Has KMS sign a SHA-256 digest: r ‖ s, as KMS drew them.
    ///
    /// # Errors
    /// 503 if KMS is away or refuses.
    pub(crate) async fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], Problem> {
        let call = self.kms.sign().key_id(&self.arn).message_type(MessageType::Digest).message(Blob::new(digest));
        let answer = call.signing_algorithm(SigningAlgorithmSpec::EcdsaSha256).send().await;
        let answer = answer.map_err(|error| aws::problem("kms Sign", &error))?;
        let signature = answer.signature.and_then(|der| fixed(der.as_ref()));
        signature.ok_or_else(|| Problem::unavailable("kms Sign: not a signature on P-256"))
    }
}

/// The uncompressed point in a `SubjectPublicKeyInfo`; whether it lies on the curve is for the one who uses it.
fn point(spki: &[u8]) -> Option<[u8; 65]> {
    let point: [u8; 65] = spki.strip_prefix(&BEFORE_POINT)?.try_into().ok()?;
    point.starts_with(&[4]).then_some(point)
}

/// The numbers of a signature in DER (RFC 3279, section 2.2.3), each in 32 bytes, and nothing behind them.
fn fixed(der: &[u8]) -> Option<[u8; 64]> {
    let (numbers, behind) = element(SEQUENCE, der)?;
    let (r, rest) = element(INTEGER, numbers)?;
    let (s, end) = element(INTEGER, rest)?;
    if !(behind.is_empty() && end.is_empty()) {
        return None;
    }
    [number(r)?, number(s)?].concat().try_into().ok()
}

/// The content of the element of this tag that `der` begins with, and what follows it. A signature on P-256 has 72 bytes at most, so a
/// length is always one byte below 128.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [found, length @ 0..=0x7f, rest @ ..] = der else { return None };
    rest.split_at_checked(usize::from(*length)).filter(|_| *found == tag)
}

/// An integer's content as 32 bytes: positive, and with no more leading zeros than its sign needs.
fn number(content: &[u8]) -> Option<[u8; NUMBER]> {
    let magnitude = match content {
        [0, magnitude @ ..] if magnitude.first().is_some_and(|first| *first >= 0x80) => magnitude,
        [1..=0x7f, ..] => content,
        _ => return None,
    };
    let mut number = [0; NUMBER];
    number.get_mut(NUMBER.checked_sub(magnitude.len())?..)?.copy_from_slice(magnitude);
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A signature in DER from the contents of its two integers.
    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let integer = |content: &[u8]| [&[INTEGER, u8::try_from(content.len()).unwrap()], content].concat();
        let numbers = [integer(r), integer(s)].concat();
        [&[SEQUENCE, u8::try_from(numbers.len()).unwrap()], numbers.as_slice()].concat()
    }

    #[test]
    fn short_long_and_high_numbers_come_out_in_32_bytes() {
        let high = [[0].as_slice(), &[0xff; 32]].concat();
        let signature = fixed(&der(&high, &[7])).unwrap();
        assert_eq!(signature[..32], [0xff; 32]);
        assert_eq!((signature[32..63].iter().max(), signature[63]), (Some(&0), 7));
        assert_eq!(fixed(&der(&[0x7f; 32], &[1, 2])).unwrap()[60..], [0, 0, 1, 2]);
    }

    #[test]
    fn what_is_not_strict_der_is_no_signature() {
        let whole = der(&[1], &[2]);
        assert!(fixed(&whole).is_some());
        for broken in [
            der(&[0], &[2]),     // r is zero
            der(&[0, 1], &[2]),  // a zero too many
            der(&[0x80], &[2]),  // negative
            der(&[], &[2]),      // no number
            der(&[1; 33], &[2]), // longer than the curve
            der(&[[0].as_slice(), &[0x80; 33]].concat(), &[2]),
            whole[..whole.len() - 1].to_vec(),                  // truncated
            [whole.as_slice(), &[0]].concat(),                  // followed by something
            [&[SEQUENCE, 0x81, 6], &whole[2..]].concat(),       // a length that is not the shortest
            [&[0x31], &whole[1..]].concat(),                    // another tag
            vec![SEQUENCE, 7, INTEGER, 1, 1, INTEGER, 1, 2, 0], // something behind s
            Vec::new(),
        ] {
            assert_eq!(fixed(&broken), None, "{broken:02x?}");
        }
    }

    #[test]
    fn only_an_uncompressed_point_of_this_curve_is_a_public_key() {
        let spki = [BEFORE_POINT.as_slice(), &[4], &[9; 64]].concat();
        assert_eq!(point(&spki).unwrap()[1..], [9; 64]);
        for at in 0..27 {
            let mut other = spki.clone();
            other[at] ^= 1;
            assert_eq!(point(&other), None, "byte {at}");
        }
        assert_eq!(point(&spki[..90]), None);
        assert_eq!(point(&[spki.as_slice(), &[0]].concat()), None);
    }
}
