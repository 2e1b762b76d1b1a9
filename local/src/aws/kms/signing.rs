//! Real ECDSA on P-256: a key's private number is the 32 random bytes that winterbaume keeps for it, so that it is stored, named, disabled
//! and deleted as every other key is.

use aws_lc_rs::digest::{self, Digest, SHA256, SHA256_OUTPUT_LEN};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use winterbaume_core::MockResponse;
use winterbaume_kms::views::KeyView;

/// What a key that signs is for, in KMS's words.
pub(super) const USAGE: &str = "SIGN_VERIFY";
/// The one kind of key that signs here, in KMS's words.
pub(super) const SPEC: &str = "ECC_NIST_P256";
/// The one algorithm of such a key.
const ALGORITHM: &str = "ECDSA_SHA_256";

/// The most bytes of a message that KMS hashes itself.
const MAX_MESSAGE_BYTES: usize = 4096;

/// RFC 5915's `ECPrivateKey` without its public half, around the private number: version 1, 32 octets, the curve's name.
const BEFORE_NUMBER: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
const AFTER_NUMBER: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Why KMS will not, by its own code.
pub(super) struct Refused {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refused {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn answer(&self) -> MockResponse {
        MockResponse::json(400, json!({"__type": self.code, "message": self.message}).to_string())
    }
}

/// A key pair and the name it answers under.
pub(super) struct SigningKey {
    arn: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// The key pair of a stored key, if it is one that this operation may use now.
    pub(super) fn of(operation: &str, key: Option<&KeyView>) -> Result<Self, Refused> {
        let key = key.ok_or_else(|| Refused::new("NotFoundException", "There is no such key"))?;
        let arn = key.arn.clone();
        match key.key_state.as_str() {
            "Enabled" => {}
            "Disabled" => return Err(Refused::new("DisabledException", format!("{arn} is disabled."))),
            state => return Err(Refused::new("KMSInvalidStateException", format!("{arn} is {state}."))),
        }
        if key.key_usage != USAGE {
            let code = if operation == "GetPublicKey" { "UnsupportedOperationException" } else { "InvalidKeyUsageException" };
            return Err(Refused::new(code, format!("{arn} key usage is {} which is not valid for {operation}.", key.key_usage)));
        }
        if key.key_spec != SPEC {
            let message = format!("the embedded KMS signs with {SPEC} only, not with {}", key.key_spec);
            return Err(Refused::new("UnsupportedOperationException", message));
        }
        let number = [&BEFORE_NUMBER[..], &key.key_material, &AFTER_NUMBER].concat();
        // One number in four thousand million is no private key of this curve.
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, &number);
        let pair = pair.map_err(|_| Refused::new("KMSInternalException", format!("{arn} is not a key of its curve.")))?;
        Ok(Self { arn, pair })
    }

    /// What KMS answers to `GetPublicKey`, `Sign` and `Verify`.
    pub(super) fn answer(&self, operation: &str, asked: &Value) -> Result<Value, Refused> {
        if operation == "GetPublicKey" {
            return self.public_key();
        }
        let digest = digest_of(&self.arn, asked)?;
        if operation == "Sign" {
            let signature = self.pair.sign_digest(&digest).map_err(|_| Refused::new("KMSInternalException", "Signing failed"))?;
            return Ok(json!({"KeyId": self.arn, "Signature": STANDARD.encode(signature), "SigningAlgorithm": ALGORITHM}));
        }
        let signature = bytes(asked, "Signature")?;
        let public_key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.pair.public_key());
        let valid = public_key.verify_digest(&digest, &signature);
        valid.map_err(|_| Refused::new("KMSInvalidSignatureException", "The signature is not valid."))?;
        Ok(json!({"KeyId": self.arn, "SignatureValid": true, "SigningAlgorithm": ALGORITHM}))
    }

    fn public_key(&self) -> Result<Value, Refused> {
        let spki = self.pair.public_key().as_der().map_err(|_| Refused::new("KMSInternalException", "The key cannot be written"))?;
        Ok(json!({
            "KeyId": self.arn,
            "PublicKey": STANDARD.encode(spki.as_ref()),
            "KeySpec": SPEC,
            "CustomerMasterKeySpec": SPEC,
            "KeyUsage": USAGE,
            "SigningAlgorithms": [ALGORITHM],
        }))
    }
}

/// What is to be signed: the digest as it came, or that of the message.
fn digest_of(arn: &str, asked: &Value) -> Result<Digest, Refused> {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    match text("SigningAlgorithm") {
        Some(ALGORITHM) => {}
        Some(other) => return Err(Refused::new("InvalidKeyUsageException", format!("Algorithm {other} is incompatible with key {arn}."))),
        None => return Err(Refused::new("ValidationException", "Missing 'SigningAlgorithm'")),
    }
    let message = bytes(asked, "Message")?;
    match text("MessageType").unwrap_or("RAW") {
        "DIGEST" => Digest::import_less_safe(&message, &SHA256).map_err(|_| {
            let message = format!("Digest is invalid: {ALGORITHM} takes {SHA256_OUTPUT_LEN} bytes, not {}.", message.len());
            Refused::new("ValidationException", message)
        }),
        "RAW" if (1..=MAX_MESSAGE_BYTES).contains(&message.len()) => Ok(digest::digest(&SHA256, &message)),
        "RAW" => Err(Refused::new("ValidationException", format!("'Message' must have between 1 and {MAX_MESSAGE_BYTES} bytes"))),
        other => Err(Refused::new("ValidationException", format!("'MessageType' {other} is not valid for {ALGORITHM}"))),
    }
}

fn bytes(asked: &Value, name: &str) -> Result<Vec<u8>, Refused> {
    let given = asked.get(name).and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    given.ok_or_else(|| Refused::new("ValidationException", format!("'{name}' is missing or not base64")))
}
