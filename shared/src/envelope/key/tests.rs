//! Tests of [`super`].

use super::*;
use crate::envelope::fixture::{self, PLACE, Repeating, material};
use crate::envelope::key_item::Usage;

const SALT_BYTE: Repeating = Repeating(0x11);

#[test]
fn material_of_another_length_is_refused() {
    for length in [0, 32, 63, 65, 96, 128] {
        assert_eq!(KeyMaterial::new(vec![0; length]).unwrap_err(), KeyFault::Length(length));
    }
}

#[test]
fn version_0_is_refused() {
    let mut item = fixture::item("t-1", 1);
    item.current = 0;
    item.versions.insert(0, item.versions[&1].clone());
    assert_eq!(TenantKeys::from_item(&item, &material(1, 2), 1).unwrap_err(), KeyFault::Version(0));
    assert_eq!(fixture::keys("t-1").with_version(0, &material(1, 2)).unwrap_err(), KeyFault::Version(0));
}

#[test]
fn an_item_without_its_current_version_is_refused() {
    let mut item = fixture::item("t-1", 2);
    item.versions.remove(&2);
    assert_eq!(TenantKeys::from_item(&item, &material(1, 2), 1).unwrap_err(), KeyFault::Version(2));
}

#[test]
fn a_key_that_sealed_as_often_as_it_may_seals_no_more() {
    let keys = TenantKeys::from_item(&fixture::item("t-1", 1), &material(1, 2), 2).unwrap();
    let cell = keys.seal(&SALT_BYTE, &PLACE, b"one").unwrap();
    keys.seal(&SALT_BYTE, &PLACE, b"two").unwrap();
    assert!(matches!(keys.seal(&SALT_BYTE, &PLACE, b"three"), Err(SealFault::Exhausted)));
    assert_eq!(*keys.open(&PLACE, &cell).unwrap(), b"one");
}

#[test]
fn another_version_at_hand_does_not_give_new_seals() {
    let keys = TenantKeys::from_item(&fixture::item("t-1", 2), &material(1, 2), 1).unwrap();
    keys.seal(&SALT_BYTE, &PLACE, b"one").unwrap();
    let more = keys.with_version(1, &material(3, 2)).unwrap().with_version(2, &material(1, 2)).unwrap();
    assert!(matches!(more.seal(&SALT_BYTE, &PLACE, b"two"), Err(SealFault::Exhausted)));
}

#[test]
fn a_current_version_marked_open_only_does_not_seal() {
    let mut item = fixture::item("t-1", 1);
    item.versions.get_mut(&1).unwrap().usage = Usage::OpenOnly;
    let keys = TenantKeys::from_item(&item, &material(1, 2), 1 << 32).unwrap();
    assert!(matches!(keys.seal(&SALT_BYTE, &PLACE, b""), Err(SealFault::Exhausted)));
}

#[test]
fn after_a_rotation_the_new_version_seals_and_the_old_one_opens() {
    let before = TenantKeys::from_item(&fixture::item("t-1", 1), &material(1, 9), 1).unwrap();
    let old = before.seal(&SALT_BYTE, &PLACE, b"old").unwrap();
    let after = TenantKeys::from_item(&fixture::item("t-1", 2), &material(2, 9), 1).unwrap();
    assert_eq!(after.open(&PLACE, &old), Err(OpenFault::KeyVersion(1)));
    let both = after.with_version(1, &material(1, 9)).unwrap();
    assert_eq!(*both.open(&PLACE, &old).unwrap(), b"old");
    assert_eq!(Cell::parse(&both.seal(&SALT_BYTE, &PLACE, b"new").unwrap()).unwrap().version(), 2);
}

#[test]
fn a_digest_is_the_hmac_of_its_documented_encoding() {
    let message = [b"\0\0\0\0\0\0\0\x05".as_slice(), b"issue", b"PROJ-1"].concat();
    let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[0x43; 32]), &message);
    assert_eq!(fixture::keys("t-1").index().digest("issue", "PROJ-1"), hex::encode(expected));
}

#[test]
fn digests_differ_where_only_the_boundary_of_kind_and_text_moved() {
    let keys = fixture::keys("t-1");
    assert_ne!(keys.index().digest("issue", "s-1"), keys.index().digest("issues", "-1"));
    assert_ne!(keys.index().digest("", "a"), keys.index().digest("a", ""));
}

#[test]
fn digests_differ_between_index_keys_and_survive_a_rotation() {
    let at = |version, data, index| TenantKeys::from_item(&fixture::item("t-1", version), &material(data, index), 1).unwrap();
    assert_eq!(at(1, 1, 9).index().digest("issue", "P-1"), at(2, 2, 9).index().digest("issue", "P-1"));
    assert_ne!(at(1, 1, 9).index().digest("issue", "P-1"), at(1, 1, 8).index().digest("issue", "P-1"));
}

/// Promise A-35.
#[test]
fn no_key_shows_its_bytes() {
    let unwrapped = material(0xA7, 0xA7);
    let keys = TenantKeys::from_item(&fixture::item("t-1", 1), &unwrapped, 1).unwrap();
    assert_eq!(format!("{unwrapped:?}"), "KeyMaterial { .. }");
    assert_eq!(format!("{:?}", keys.versions[&1]), "DataKey { version: 1, .. }");
    assert_eq!(format!("{:?}", keys.index()), "IndexKey { .. }");
    assert_eq!(format!("{keys:?}"), "TenantKeys { tenant_id: \"t-1\", current: 1, .. }");
}
