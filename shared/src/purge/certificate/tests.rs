use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use super::signature::Signature;
use super::*;
use crate::tenant::id;

const DAY: i64 = 86_400;
const LEFT: i64 = 1_800_000_000;

/// The same for all tests, so that they can build on one file.
static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::generate);

struct Signer(EcdsaKeyPair);

impl Signer {
    fn generate() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Jwk {
        Jwk::of_point(self.0.public_key().as_ref().try_into().unwrap())
    }

    fn keys(&self) -> Vec<u8> {
        serde_json::to_vec(&KeySet::of(self.jwk(), &[])).unwrap()
    }

    fn sign(&self, signed: &str) -> Signature {
        Signature::normalised(self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().try_into().unwrap())
    }

    fn file(&self, signed: &str) -> String {
        file::written(signed, self.jwk().kid(), &self.sign(signed))
    }
}

fn salt() -> Salt {
    Salt::from_hex("000102030405060708090a0b0c0d0e0f").unwrap()
}

fn claim() -> SubjectClaim {
    SubjectClaim { app: "test-management".to_owned(), client_key: "acme".to_owned(), salt: salt() }
}

/// One of a tenant whose purge waited for a hold.
fn certificate() -> Certificate {
    let day = |days: i64| Second::at(LEFT + days * DAY);
    let deleted = |what: &str, method, count| Deleted { what: what.to_owned(), method, count };
    Certificate {
        format: FORMAT,
        issuer: Issuer { service: SERVICE.to_owned(), region: "eu-west-1".to_owned(), app: "test-management".to_owned() },
        tenant_id: "7c3e9d1a-52a7-4a44-9d7c-0d2f5d7c1b11".to_owned(),
        epoch: 2,
        subject: subject(&salt(), &id::digest("test-management", "acme")),
        policy: Policy { version: 1, grace_days: 110, deadline_days: 180, early_deadline_days: 49 },
        cause: "uninstalled".to_owned(),
        left_at: day(0),
        grace_ended_at: day(110),
        early_requested_at: None,
        shredded_at: day(120),
        verified_at: [day(121), Second::at(LEFT + 121 * DAY + 3600)],
        issued_at: day(122),
        holds: vec![Hold { reason: "dispute".to_owned(), placed_at: day(100), until: day(130), lifted_at: Some(day(119)) }],
        deleted: vec![
            deleted("tenant-keys", Method::KeysShredded, 1),
            deleted("configuration", Method::Deleted, 200_000),
            deleted("attachment-objects", Method::AllVersionsDeleted, 2_000),
            deleted("uploads", Method::Aborted, 0),
        ],
        backups: Backups { unreadable_by: day(134), gone_by: day(169) },
        promise_suspended: false,
        deadline_missed: false,
    }
}

fn file_of(certificate: &Certificate) -> String {
    SIGNER.file(&certificate.to_json().unwrap())
}

fn fault(file: impl AsRef<[u8]>) -> VerifyFault {
    verify(file.as_ref(), &SIGNER.keys(), None).unwrap_err()
}

#[test]
fn a_file_is_verified_with_the_published_keys() {
    let file = file_of(&certificate());
    assert_eq!(verify(file.as_bytes(), &SIGNER.keys(), None).unwrap(), certificate());
    let whole = r#"{"certificate":{"format":1,"issuer":{"service":"lethe","region":"eu-west-1","app":"test-management"},"tenantId":"#;
    assert!(file.starts_with(whole), "{file}");
    assert!(file.contains(r#""leftAt":"2027-01-15T08:00:00Z","graceEndedAt":"2027-05-05T08:00:00Z","shreddedAt":"#), "{file}");
    assert!(file.contains(r#"{"what":"tenant-keys","method":"keys-shredded","count":1}"#), "{file}");
    assert!(file.contains(r#"},"signature":{"algorithm":"ES256","keyId":""#) && file.ends_with(r#""}}"#), "{file}");
}

#[test]
fn a_file_with_any_bit_changed_is_refused() {
    let mut file = file_of(&certificate()).into_bytes();
    let keys = KeySet::parse(&SIGNER.keys()).unwrap();
    for at in 0..file.len() {
        for bit in 0..8 {
            file[at] ^= 1 << bit;
            assert!(verify::verify_with(&file, &keys).is_err(), "byte {at}, bit {bit}");
            file[at] ^= 1 << bit;
        }
    }
    verify::verify_with(&file, &keys).unwrap();
}

#[test]
fn a_file_with_a_byte_more_or_less_anywhere_is_refused() {
    let file = file_of(&certificate()).into_bytes();
    let keys = KeySet::parse(&SIGNER.keys()).unwrap();
    for at in 0..file.len() {
        assert!(verify::verify_with(&file[..at], &keys).is_err(), "cut at {at}");
        let without = [&file[..at], &file[at + 1..]].concat();
        assert!(verify::verify_with(&without, &keys).is_err(), "without byte {at}");
        for more in [b" ", b"\n", b"0", b"\\"] {
            let with = [&file[..at], more, &file[at..]].concat();
            assert!(verify::verify_with(&with, &keys).is_err(), "{more:?} before {at}");
        }
    }
    for more in [" ", "\n", "\0", "{}", "=", "\u{feff}"] {
        assert!(verify::verify_with(&[&file, more.as_bytes()].concat(), &keys).is_err(), "{more:?} at the end");
    }
}

#[test]
fn the_same_json_in_other_bytes_is_refused() {
    let file = file_of(&certificate());
    assert!(matches!(fault(file.replacen("{\"cert", "{ \"cert", 1)), VerifyFault::Rewritten));
    assert!(matches!(fault(file.replacen("\"keyId\"", "\"key\\u0049d\"", 1)), VerifyFault::Rewritten));
    assert!(matches!(fault(format!("{file}\n")), VerifyFault::Rewritten));
    let (certificate, signature) = file.trim_start_matches('{').trim_end_matches('}').split_once(",\"signature\"").unwrap();
    let turned = format!("{{\"signature\"{signature}}},{certificate}}}");
    assert!(matches!(fault(&turned), VerifyFault::Rewritten), "{turned}");
}

#[test]
fn a_doubled_or_unknown_member_is_refused() {
    let file = file_of(&certificate());
    let doubled = file.replacen("\"signature\":{", "\"certificate\":{},\"signature\":{", 1);
    assert!(matches!(fault(doubled), VerifyFault::Unreadable));
    assert!(matches!(fault(file.replacen("\"algorithm\"", "\"alg\":\"none\",\"algorithm\"", 1)), VerifyFault::Unreadable));
    assert!(matches!(fault(file.replacen("ES256", "none", 1)), VerifyFault::Algorithm));
    let json = certificate().to_json().unwrap();
    for signed in [json.replacen("\"epoch\":2,", "\"epoch\":2,\"epoch\":2,", 1), json.replacen("\"epoch\"", "\"note\":\"x\",\"epoch\"", 1)]
    {
        assert!(matches!(fault(SIGNER.file(&signed)), VerifyFault::Statement(_)), "{signed}");
    }
}

#[test]
fn what_is_signed_in_another_form_than_ours_is_refused() {
    let json = certificate().to_json().unwrap();
    assert!(matches!(fault(SIGNER.file(&json.replacen(':', ": ", 1))), VerifyFault::Rewritten));
    assert!(matches!(
        fault(SIGNER.file(&json.replacen("\"shreddedAt\"", "\"earlyRequestedAt\":null,\"shreddedAt\"", 1))),
        VerifyFault::Rewritten
    ));
    assert!(matches!(fault(SIGNER.file(&json.replacen("\"format\":1", "\"format\":2", 1))), VerifyFault::Format(2)));
    assert!(matches!(fault(SIGNER.file(&json.replacen("keys-shredded", "forgotten", 1))), VerifyFault::Statement(_)));
    assert!(matches!(fault(SIGNER.file("{}")), VerifyFault::Statement(_)));
}

#[test]
fn the_twin_of_a_signature_is_refused() {
    let json = certificate().to_json().unwrap();
    let twin = SIGNER.sign(&json).twin();
    let key = SIGNER.jwk();
    // It is a good signature: nothing but its form speaks against it.
    KeySet::of(key.clone(), &[]).find(key.kid()).unwrap().verify_sig(json.as_bytes(), twin.bytes()).unwrap();
    assert!(matches!(fault(file::written(&json, key.kid(), &twin)), VerifyFault::HighS));
}

#[test]
fn another_key_is_refused_under_its_own_name_and_under_ours() {
    let (other, json) = (Signer::generate(), certificate().to_json().unwrap());
    assert!(matches!(fault(other.file(&json)), VerifyFault::UnknownKey));
    assert!(matches!(fault(file::written(&json, SIGNER.jwk().kid(), &other.sign(&json))), VerifyFault::Forged));
    verify(other.file(&json).as_bytes(), &other.keys(), None).unwrap();
}

#[test]
fn a_forged_pair_is_good_by_itself_and_refused_by_the_name_of_the_key() {
    let (forger, ours) = (Signer::generate(), SIGNER.jwk());
    let (file, keys) = (forger.file(&certificate().to_json().unwrap()), forger.keys());
    let by = |kid| verify_by(file.as_bytes(), &keys, kid, None);
    assert_eq!(by(None).unwrap(), Verified { certificate: certificate(), kid: forger.jwk().kid().to_owned() });
    assert!(matches!(by(Some(ours.kid())), Err(VerifyFault::OtherKey(kid)) if kid == forger.jwk().kid()));
    assert_eq!(verify_by(file_of(&certificate()).as_bytes(), &SIGNER.keys(), Some(ours.kid()), None).unwrap().kid, ours.kid());
    // Nor can the forger's key be listed under our name.
    let renamed = String::from_utf8(keys.clone()).unwrap().replace(forger.jwk().kid(), ours.kid());
    let refused = verify_by(file.as_bytes(), renamed.as_bytes(), Some(ours.kid()), None);
    assert!(matches!(refused, Err(VerifyFault::Keys(KeySetFault::NotAKey))));
}

#[test]
fn a_retired_key_still_verifies() {
    let (old, json) = (Signer::generate(), certificate().to_json().unwrap());
    let written = serde_json::to_value(old.jwk()).unwrap();
    let retired = [(written["x"].as_str().unwrap(), written["y"].as_str().unwrap())];
    let set = KeySet::of(SIGNER.jwk(), &retired);
    assert_eq!(set.keys(), [SIGNER.jwk(), old.jwk()]);
    let set = serde_json::to_vec(&set).unwrap();
    verify(old.file(&json).as_bytes(), &set, None).unwrap();
    verify(SIGNER.file(&json).as_bytes(), &set, None).unwrap();
    assert_eq!(KeySet::of(old.jwk(), &retired).keys(), [old.jwk()]);
}

#[test]
fn a_set_of_keys_is_read_strictly() {
    let json = String::from_utf8(SIGNER.keys()).unwrap();
    let one = json.strip_prefix(r#"{"keys":["#).unwrap().strip_suffix("]}").unwrap();
    assert!(matches!(KeySet::parse(format!(r#"{{"keys":[{one},{one}]}}"#).as_bytes()), Err(KeySetFault::Twice)));
    let key: serde_json::Value = serde_json::from_str(one).unwrap();
    let text = |member: &str| format!("\"{}\"", key[member].as_str().unwrap());
    for (from, to) in [
        ("\"EC\"", "\"OKP\"".to_owned()),
        ("\"P-256\"", "\"P-384\"".to_owned()),
        ("\"sig\"", "\"enc\"".to_owned()),
        ("\"ES256\"", "\"ES384\"".to_owned()),
        (&text("x"), text("y")),
        (&text("kid"), "\"mine\"".to_owned()),
    ] {
        assert!(matches!(KeySet::parse(json.replacen(from, &to, 1).as_bytes()), Err(KeySetFault::NotAKey)), "{to}");
    }
    for broken in [
        json.replacen("\"kty\"", "\"d\":\"AA\",\"kty\"", 1),
        json.replacen("\"alg\":\"ES256\",", "", 1),
        format!("{json}x"),
        "[]".to_owned(),
    ] {
        assert!(matches!(KeySet::parse(broken.as_bytes()), Err(KeySetFault::Unreadable(_))), "{broken}");
    }
    // Its own thumbprint does not make a point.
    let nowhere = KeySet::of(Jwk::of_point(&[4; 65]), &[]);
    assert!(matches!(KeySet::parse(&serde_json::to_vec(&nowhere).unwrap()), Err(KeySetFault::NotAKey)));
}

#[test]
fn a_keys_name_is_its_thumbprint() {
    // The key of RFC 7515, appendix A.3; its thumbprint was made with Python's hashlib.
    let coordinates = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let set = KeySet::of(SIGNER.jwk(), &[coordinates]);
    assert_eq!(set.keys()[1].kid(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    assert!(set.find("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U").is_some());
}

#[test]
fn a_subject_is_proven_with_the_salt_and_not_without() {
    let (file, keys) = (file_of(&certificate()), SIGNER.keys());
    verify(file.as_bytes(), &keys, Some(&claim())).unwrap();
    for other in [
        SubjectClaim { salt: Salt::from_hex(&"00".repeat(16)).unwrap(), ..claim() },
        SubjectClaim { client_key: "acmf".to_owned(), ..claim() },
        SubjectClaim { app: "other".to_owned(), ..claim() },
    ] {
        assert!(matches!(verify(file.as_bytes(), &keys, Some(&other)), Err(VerifyFault::OtherSubject)));
    }
    assert!(!file.contains("acme") && !file.contains(&salt().to_hex()) && !file.contains(&id::digest("test-management", "acme")));
}

#[test]
fn a_salt_is_sixteen_bytes_in_hex_and_is_not_shown() {
    assert_eq!(Salt::from_hex(&salt().to_hex()), Some(salt()));
    for other in ["", "00", "zz0102030405060708090a0b0c0d0e0f", "000102030405060708090a0b0c0d0e0f00"] {
        assert_eq!(Salt::from_hex(other), None);
    }
    assert_eq!(format!("{:?}", salt()), "Salt");
}

#[test]
fn what_contradicts_itself_is_not_certified() {
    let day = |days: i64| Second::at(LEFT + days * DAY);
    type Change = fn(&mut Certificate, Second);
    let changes: [(Change, Second, Unsound); 16] = [
        (|one, _| one.format = 3, day(0), Unsound::Form("format")),
        (|one, _| one.issuer.service.push('!'), day(0), Unsound::Form("issuer.service")),
        (|one, _| one.issuer.app.clear(), day(0), Unsound::Form("issuer.app")),
        (|one, _| one.tenant_id.make_ascii_uppercase(), day(0), Unsound::Form("tenantId")),
        (|one, _| one.subject.make_ascii_uppercase(), day(0), Unsound::Form("subject")),
        (|one, _| one.cause = "Free text".to_owned(), day(0), Unsound::Form("cause")),
        (|one, _| one.deleted[0].what = "a".repeat(65), day(0), Unsound::Form("deleted.what")),
        (|one, at| one.shredded_at = at, day(-1), Unsound::Order("leftAt", "shreddedAt")),
        (|one, at| one.shredded_at = at, day(109), Unsound::Early),
        (|one, at| one.verified_at[1] = at, day(120), Unsound::Order("the first verifiedAt", "the second")),
        (|one, at| one.verified_at[1] = at, Second::at(LEFT + 121 * DAY + 3599), Unsound::Close),
        (|one, at| one.grace_ended_at = at, day(-1), Unsound::Order("leftAt", "graceEndedAt")),
        (|one, at| one.early_requested_at = Some(at), day(-1), Unsound::Order("leftAt", "earlyRequestedAt")),
        (|one, at| one.backups.gone_by = at, day(181), Unsound::Deadline),
        (|one, at| one.issued_at = at, day(121), Unsound::Order("verifiedAt", "issuedAt")),
        (|one, at| one.backups.gone_by = at, day(130), Unsound::Order("backups.unreadableBy", "backups.goneBy")),
    ];
    certificate().check().unwrap();
    for (change, at, unsound) in changes {
        let mut one = certificate();
        change(&mut one, at);
        assert_eq!(one.check(), Err(unsound));
        let refused = fault(file_of(&one));
        assert!(
            matches!(refused, VerifyFault::Unsound(found) if found == unsound) || matches!(refused, VerifyFault::Format(3)),
            "{refused}"
        );
    }
}

#[test]
fn the_deadline_is_missed_exactly_when_the_last_copy_outlives_it_and_no_hold_suspends_the_promise() {
    let after = |days: i64, seconds: i64| Second::at(LEFT + days * DAY + seconds);
    // Whichever is sooner: 180 days after leaving, or 49 after the request.
    for (asked_on, shredded_on, deadline) in [(None, 120, 180), (Some(1), 2, 50), (Some(131), 132, 180), (Some(170), 171, 180)] {
        let asked = Certificate {
            early_requested_at: asked_on.map(|day| after(day, 0)),
            grace_ended_at: after(asked_on.unwrap_or(110).min(110), 0),
            shredded_at: after(shredded_on, 0),
            verified_at: [after(shredded_on, 0), after(shredded_on, 3600)],
            issued_at: after(shredded_on, 3600),
            backups: Backups { unreadable_by: after(shredded_on, 0), gone_by: after(deadline, 0) },
            ..certificate()
        };
        for (late_by, promise_suspended, is_missed) in [(0, false, false), (1, false, true), (0, true, false), (1, true, false)] {
            let backups = Backups { gone_by: after(deadline, late_by), ..asked.backups.clone() };
            let one = Certificate { backups, promise_suspended, deadline_missed: is_missed, ..asked.clone() };
            assert_eq!(one.check(), Ok(()), "{one:?}");
            let untrue = Certificate { deadline_missed: !is_missed, ..one };
            assert_eq!(untrue.check(), Err(Unsound::Deadline), "{untrue:?}");
        }
    }
    let endless = Policy { deadline_days: u64::MAX, ..certificate().policy };
    assert_eq!(Certificate { policy: endless, ..certificate() }.check(), Ok(()));
}
