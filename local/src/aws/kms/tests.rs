use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::sign::builders::SignFluentBuilder;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};

use super::super::testing::{self, kms};
use super::super::{EmbeddedAws, StartFault};

#[tokio::test]
async fn a_data_key_of_64_bytes_opens_under_its_context_and_no_other() {
    let (aws, _) = testing::world();
    let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    let kms = kms(&aws);
    let request = kms.generate_data_key().key_id("alias/wrapping").number_of_bytes(64).encryption_context("tenant", "a");
    let made = request.send().await.unwrap();
    assert_eq!(made.key_id(), Some(key.as_str()));
    let (plain, sealed) = (made.plaintext.unwrap(), made.ciphertext_blob.unwrap());
    assert_eq!(plain.as_ref().len(), 64);

    let open = |tenant: &str| kms.decrypt().key_id(&key).ciphertext_blob(sealed.clone()).encryption_context("tenant", tenant);
    assert_eq!(open("a").send().await.unwrap().plaintext, Some(plain));
    assert_eq!(open("b").send().await.unwrap_err().code(), Some("InvalidCiphertextException"));
    let without = kms.decrypt().key_id(&key).ciphertext_blob(sealed.clone()).send().await;
    assert_eq!(without.unwrap_err().code(), Some("InvalidCiphertextException"));
}

#[tokio::test]
async fn what_is_encrypted_is_decrypted() {
    let (aws, _) = testing::world();
    let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    let kms = kms(&aws);
    let sealed = kms.encrypt().key_id(&key).plaintext(Blob::new("secret")).send().await.unwrap().ciphertext_blob.unwrap();
    assert!(!sealed.as_ref().windows(6).any(|window| window == b"secret"));
    let opened = kms.decrypt().ciphertext_blob(sealed).send().await.unwrap();
    assert_eq!(opened.plaintext.unwrap().as_ref(), b"secret");
}

#[tokio::test]
async fn a_context_that_could_be_mistaken_for_another_is_refused() {
    let (aws, _) = testing::world();
    let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    for (name, value) in [("a", "1,b=2"), ("a=1", "b"), ("a,b", "1")] {
        let made = kms(&aws).generate_data_key().key_id(&key).number_of_bytes(64).encryption_context(name, value).send().await;
        assert_eq!(made.unwrap_err().code(), Some("ValidationException"));
    }
}

#[tokio::test]
async fn a_dry_run_shows_nothing() {
    let (aws, _) = testing::world();
    let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    let made = kms(&aws).generate_data_key().key_id(&key).number_of_bytes(64).dry_run(true).send().await;
    assert_eq!(made.unwrap_err().code(), Some("DryRunOperationException"));
}

#[tokio::test]
async fn an_alias_is_made_once() {
    let (aws, _) = testing::world();
    let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    assert_eq!(aws.create_wrapping_key("alias/wrapping").await.unwrap(), key);
    assert_ne!(aws.create_wrapping_key("alias/storage").await.unwrap(), key);
}

/// A world with one signing key, its ARN, and its public key as KMS gives it.
async fn signing_world() -> (EmbeddedAws, String, Vec<u8>) {
    let (aws, _) = testing::world();
    let key = aws.create_signing_key("alias/certificates").await.unwrap();
    let public = public_key(&aws, &key).await;
    (aws, key, public)
}

/// The `SubjectPublicKeyInfo`.
async fn public_key(aws: &EmbeddedAws, key: &str) -> Vec<u8> {
    kms(aws).get_public_key().key_id(key).send().await.unwrap().public_key.unwrap().into_inner()
}

fn sign(aws: &EmbeddedAws, key: &str, kind: MessageType, message: &[u8]) -> SignFluentBuilder {
    let call = kms(aws).sign().key_id(key).message_type(kind).message(Blob::new(message));
    call.signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
}

#[tokio::test]
async fn a_signature_verifies_under_the_public_key_whether_kms_hashes_or_not() {
    let (aws, key, public) = signing_world().await;
    let hashed = digest::digest(&SHA256, b"gone");
    for (kind, message) in [(MessageType::Raw, b"gone".as_slice()), (MessageType::Digest, hashed.as_ref())] {
        let signed = sign(&aws, &key, kind, message).send().await.unwrap();
        assert_eq!((signed.key_id(), signed.signing_algorithm()), (Some(key.as_str()), Some(&SigningAlgorithmSpec::EcdsaSha256)));
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &public);
        let signature = signed.signature.unwrap().into_inner();
        public.verify(b"gone", &signature).unwrap();
        assert!(public.verify(b"here", &signature).is_err());
    }
}

#[tokio::test]
async fn a_public_key_says_what_it_is_for() {
    let (aws, key, _) = signing_world().await;
    let told = kms(&aws).get_public_key().key_id("alias/certificates").send().await.unwrap();
    assert_eq!((told.key_id(), told.key_spec()), (Some(key.as_str()), Some(&KeySpec::EccNistP256)));
    assert_eq!((told.key_usage(), told.signing_algorithms()), (Some(&KeyUsageType::SignVerify), &[SigningAlgorithmSpec::EcdsaSha256][..]));
}

#[tokio::test]
async fn kms_verifies_what_it_signed_and_nothing_else() {
    let (aws, key, _) = signing_world().await;
    let signature = sign(&aws, &key, MessageType::Raw, b"gone").send().await.unwrap().signature.unwrap();
    let verify = |message: &'static [u8]| {
        let call = kms(&aws).verify().key_id(&key).message(Blob::new(message)).signature(signature.clone());
        call.signing_algorithm(SigningAlgorithmSpec::EcdsaSha256).send()
    };
    assert!(verify(b"gone").await.unwrap().signature_valid());
    assert_eq!(verify(b"here").await.unwrap_err().code(), Some("KMSInvalidSignatureException"));
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused_in_kms_words() {
    let (aws, key, _) = signing_world().await;
    let wrapping = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    let raw = |key: &str| sign(&aws, key, MessageType::Raw, b"gone");
    for (call, code) in [
        (raw(&key).signing_algorithm(SigningAlgorithmSpec::EcdsaSha384), "InvalidKeyUsageException"),
        (raw("alias/nobody"), "NotFoundException"),
        (raw(&wrapping), "InvalidKeyUsageException"),
        (raw(&key).message_type(MessageType::Digest), "ValidationException"),
        (raw(&key).message(Blob::new([0; 4097])), "ValidationException"),
        (raw(&key).message(Blob::new([])), "ValidationException"),
        (raw(&key).dry_run(true), "DryRunOperationException"),
    ] {
        assert_eq!(call.send().await.unwrap_err().code(), Some(code));
    }
    let public = kms(&aws).get_public_key().key_id(&wrapping).send().await;
    assert_eq!(public.unwrap_err().code(), Some("UnsupportedOperationException"));
    kms(&aws).disable_key().key_id(&key).send().await.unwrap();
    assert_eq!(raw(&key).send().await.unwrap_err().code(), Some("DisabledException"));
    kms(&aws).schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    assert_eq!(raw(&key).send().await.unwrap_err().code(), Some("KMSInvalidStateException"));
}

#[tokio::test]
async fn a_signing_key_neither_encrypts_nor_decrypts() {
    let (aws, key, _) = signing_world().await;
    let wrapping = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    let sealed = kms(&aws).encrypt().key_id(&wrapping).plaintext(Blob::new("x")).send().await.unwrap().ciphertext_blob.unwrap();
    let refused = Some("InvalidKeyUsageException");
    assert_eq!(kms(&aws).encrypt().key_id(&key).plaintext(Blob::new("x")).send().await.unwrap_err().code(), refused);
    assert_eq!(kms(&aws).decrypt().key_id(&key).ciphertext_blob(sealed.clone()).send().await.unwrap_err().code(), refused);
    assert_eq!(kms(&aws).generate_data_key().key_id(&key).number_of_bytes(64).send().await.unwrap_err().code(), refused);
    let again = kms(&aws).re_encrypt().destination_key_id("alias/certificates").ciphertext_blob(sealed).send().await;
    assert_eq!(again.unwrap_err().code(), refused);
}

#[tokio::test]
async fn a_signing_key_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let open = || EmbeddedAws::in_folder(folder.path(), testing::clock()).unwrap();
    let key = open().create_signing_key("alias/certificates").await.unwrap();
    let public = public_key(&open(), &key).await;
    let again = open();
    assert_eq!(again.create_signing_key("alias/certificates").await.unwrap(), key);
    assert_eq!(public_key(&again, &key).await, public);
    let signed = sign(&again, &key, MessageType::Raw, b"gone").send().await.unwrap().signature.unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &public).verify(b"gone", signed.as_ref()).unwrap();
}

#[tokio::test]
async fn an_alias_of_another_kind_of_key_is_refused() {
    let (aws, ..) = signing_world().await;
    assert!(matches!(aws.create_wrapping_key("alias/certificates").await, Err(StartFault::KeysRefused(_))));
    aws.create_wrapping_key("alias/wrapping").await.unwrap();
    assert!(matches!(aws.create_signing_key("alias/wrapping").await, Err(StartFault::KeysRefused(_))));
}
