use aws_sdk_kms::config::retry::RetryConfig;
use shared::platform::certificate_key::CertificateKey;
use shared::platform::clock::ManualClock;
use shared::problem::Problem;
use shared::purge::certificate::{Backups, Certificate, FORMAT, Issuer, KeySet, Policy, SERVICE, Second, issue, subject};
use shared::tenant::id;
use std::sync::Arc;
use tempfile::TempDir;

use super::*;
use crate::aws::{EmbeddedAws, Fault, Service};

const LEFT: i64 = 1_800_000_000;
const SALT: &str = "000102030405060708090a0b0c0d0e0f";

fn certificate() -> Certificate {
    let day = |days: i64| Second::at(LEFT + days * 86_400);
    Certificate {
        format: FORMAT,
        issuer: Issuer { service: SERVICE.to_owned(), region: "eu-west-1".to_owned(), app: "test-management".to_owned() },
        tenant_id: "7c3e9d1a-52a7-4a44-9d7c-0d2f5d7c1b11".to_owned(),
        epoch: 1,
        subject: subject(&Salt::from_hex(SALT).unwrap(), &id::digest("test-management", "acme")),
        policy: Policy { version: 1, grace_days: 110, deadline_days: 180, early_deadline_days: 49 },
        cause: "uninstalled".to_owned(),
        left_at: day(0),
        grace_ended_at: day(1),
        early_requested_at: Some(day(1)),
        shredded_at: day(2),
        verified_at: [day(3), day(4)],
        issued_at: day(4),
        holds: vec![Hold { reason: "dispute".to_owned(), placed_at: day(0), until: day(30), lifted_at: Some(day(1)) }],
        deleted: vec![Deleted { what: "configuration".to_owned(), method: Method::Deleted, count: 3 }],
        backups: Backups { unreadable_by: day(16), gone_by: day(51) },
        promise_suspended: false,
        deadline_missed: true,
    }
}

/// An embedded AWS and its certificate key, as a process of its own would hold it.
async fn key(alias: &str) -> (EmbeddedAws, CertificateKey) {
    let aws = EmbeddedAws::in_memory(Arc::new(ManualClock::at(LEFT))).unwrap();
    let arn = aws.create_signing_key(alias).await.unwrap();
    let config = aws.sdk_config().into_builder().retry_config(RetryConfig::disabled()).build();
    let key = CertificateKey::new(aws_sdk_kms::Client::new(&config), arn);
    (aws, key)
}

/// A folder with a certificate and the published keys, as a customer has it. No two have the same key.
async fn handed_out() -> TempDir {
    let (_aws, key) = key("alias/certificates").await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("certificate.json"), issue(&certificate(), &key).await.unwrap()).unwrap();
    let keys = serde_json::to_vec(&KeySet::published(&key).await.unwrap()).unwrap();
    fs::write(folder.path().join(KEYS), keys).unwrap();
    folder
}

fn verification(folder: &TempDir) -> Verification {
    Verification { certificate: folder.path().join("certificate.json"), keys: None, kid: None, app: None, client_key: None, salt: None }
}

/// The name of the key that the folder's file lists.
fn listed(folder: &TempDir) -> String {
    KeySet::parse(&fs::read(folder.path().join(KEYS)).unwrap()).unwrap().keys()[0].kid().to_owned()
}

fn claimed(folder: &TempDir, client_key: &str, salt: &str) -> Verification {
    let [app, client_key, salt] = ["test-management", client_key, salt].map(|text| Some(text.to_owned()));
    Verification { app, client_key, salt, ..verification(folder) }
}

#[tokio::test]
async fn what_kms_signed_is_verified_offline_and_told() {
    let folder = handed_out().await;
    let told = verification(&folder).run().unwrap();
    for part in [
        "VERIFIED: ",
        "Certified by    lethe in eu-west-1, for the app test-management, on 2027-01-19T08:00:00Z\n",
        "Promised        policy 1: back within 110 days, gone within 180, or within 49 of asking to delete\n",
        "Grace ended     2027-01-16T08:00:00Z\n",
        "Asked to delete 2027-01-16T08:00:00Z\n",
        "Deleted         3 configuration: deleted\n",
        "Held            dispute: from 2027-01-15T08:00:00Z until 2027-02-14T08:00:00Z at the latest, lifted 2027-01-16T08:00:00Z\n",
        "Backups         unreadable by 2027-01-31T08:00:00Z, gone by 2027-03-07T08:00:00Z\n",
        "the deadline was missed",
        "whose that is can be shown with",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let told = claimed(&folder, "acme", SALT).run().unwrap();
    assert!(told.contains("which is the installation acme of test-management"), "{told}");
}

#[tokio::test]
async fn the_key_is_told_with_what_it_is_worth_and_can_be_demanded() {
    let (ours, forged) = (handed_out().await, handed_out().await);
    let (kid, path) = (listed(&forged), forged.path().join(KEYS));
    let told = verification(&forged).run().unwrap();
    let signed = format!(
        "\nSigned by {kid}, as listed in {}.\nThis is worth what that file is worth. It must come from the vendor's",
        path.display()
    );
    assert!(told.contains(&signed), "{told}");
    let demanded = |folder, kid: &str| Verification { kid: Some(kid.to_owned()), ..verification(folder) };
    let told = demanded(&forged, &kid).run().unwrap();
    assert!(told.contains(" and demanded with --kid.\nThis is worth what that name is worth."), "{told}");
    let refused = demanded(&forged, &listed(&ours)).run().unwrap_err();
    assert_eq!(refused.exit_code(), 1);
    assert!(refused.to_string().contains(&format!("by the key {kid}, and another one was demanded")), "{refused}");
}

#[tokio::test]
async fn a_refusal_and_a_lack_of_files_end_differently() {
    let folder = handed_out().await;
    assert_eq!(claimed(&folder, "other", SALT).run().unwrap_err().exit_code(), 1);
    assert_eq!(claimed(&folder, "acme", "00").run().unwrap_err().exit_code(), 2);
    let path = folder.path().join("certificate.json");
    let changed = fs::read_to_string(&path).unwrap().replace("\"count\":3", "\"count\":4");
    fs::write(&path, changed).unwrap();
    let refused = verification(&folder).run().unwrap_err();
    assert_eq!(refused.exit_code(), 1);
    assert!(refused.to_string().starts_with("NOT VERIFIED: cannot accept the certificate"), "{refused}");
    let elsewhere = Verification { keys: Some(folder.path().join("none.json")), ..verification(&folder) };
    assert!(matches!(elsewhere.run(), Err(VerificationFault::Unreadable { path, .. }) if path.ends_with("none.json")));
    fs::write(folder.path().join(KEYS), "{}").unwrap();
    let keyless = verification(&folder).run().unwrap_err();
    assert_eq!(keyless.exit_code(), 2);
    assert!(keyless.to_string().contains(KEYS), "{keyless}");
}

#[tokio::test]
async fn the_public_key_is_asked_for_once() {
    let (aws, key) = key("alias/certificates").await;
    aws.faults().on(Service::Kms, "GetPublicKey", Fault::InternalError, 1);
    let away: Problem = KeySet::published(&key).await.unwrap_err();
    assert!(format!("{away:?}").contains("kms GetPublicKey"), "{away:?}");
    for _ in 0..3 {
        issue(&certificate(), &key.clone()).await.unwrap();
        KeySet::published(&key).await.unwrap();
    }
    assert_eq!((aws.calls().count(Service::Kms, "GetPublicKey"), aws.calls().count(Service::Kms, "Sign")), (2, 3));
}

#[tokio::test]
async fn what_cannot_be_true_is_not_signed() {
    let (aws, key) = key("alias/certificates").await;
    let impossible = Certificate { shredded_at: Second::at(LEFT - 1), ..certificate() };
    issue(&impossible, &key).await.unwrap_err();
    assert_eq!(aws.calls().count_all(Service::Kms), 0);
}

#[tokio::test]
async fn a_key_that_does_not_sign_makes_no_certificate() {
    let aws = EmbeddedAws::in_memory(Arc::new(ManualClock::at(LEFT))).unwrap();
    let arn = aws.create_wrapping_key("alias/wrapping").await.unwrap();
    issue(&certificate(), &CertificateKey::new(aws_sdk_kms::Client::new(&aws.sdk_config()), arn)).await.unwrap_err();
}
