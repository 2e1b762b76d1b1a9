//! Tests of [`super`]: known answers, everything that must not open, and what holds for all inputs.

use proptest::prelude::*;

use super::*;
use crate::envelope::context::Place;
use crate::envelope::fixture::{self, PLACE, Repeating, material};
use crate::envelope::key::TenantKeys;

/// Version 7, data key 0x42 × 32, salt 0x11 × 32, tenant t-1, [`PLACE`]. Opened by an independent implementation in Python.
const GOLDEN: &str = "e1010100000000071111111111111111111111111111111111111111111111111111111111111111175e2aa0ab2af4f35209553084b4fd70\
                      054d0691feb02daffdae585b3e483bbcde68486a8b765d8d5f1b82dda1a0f1fbd6f5a26924d004477ba836e57c";
const PLAINTEXT: &[u8] = b"hello, tenant";

fn golden() -> Vec<u8> {
    hex::decode(GOLDEN).unwrap()
}

/// What comes of the golden cell after a change to its bytes.
fn after(change: impl FnOnce(&mut Vec<u8>)) -> Result<Zeroizing<Vec<u8>>, OpenFault> {
    let mut cell = golden();
    change(&mut cell);
    fixture::keys("t-1").open(&PLACE, &cell)
}

/// Promise A-35.
#[test]
fn the_golden_vector_is_sealed_to_the_byte() {
    assert_eq!(hex::encode(fixture::keys("t-1").seal(&Repeating(0x11), &PLACE, PLAINTEXT).unwrap()), GOLDEN);
}

/// Promise A-35.
#[test]
fn the_golden_vector_opens() {
    assert_eq!(*after(|_| ()).unwrap(), PLAINTEXT);
}

/// Promise A-35.
#[test]
fn every_flipped_bit_is_refused() {
    for bit in 0..golden().len() * 8 {
        assert!(after(|cell| cell[bit / 8] ^= 1 << (bit % 8)).is_err(), "bit {bit} may be flipped");
    }
}

/// Promise A-35.
#[test]
fn another_tenant_with_the_very_same_key_is_refused() {
    assert_eq!(fixture::keys("t-2").open(&PLACE, &golden()), Err(OpenFault::Auth));
}

/// Promise A-35.
#[test]
fn every_changed_field_of_the_place_is_refused() {
    let places = [
        Place { service: "svd", ..PLACE },
        Place { resource: "tbm", ..PLACE },
        Place { pk: b"T#2", ..PLACE },
        Place { sk: b"S#2", ..PLACE },
        Place { attribute: "bodz", ..PLACE },
        Place { service: "", ..PLACE },
        Place { resource: "", ..PLACE },
        Place { pk: b"", ..PLACE },
        Place { sk: b"", ..PLACE },
        Place { attribute: "", ..PLACE },
    ];
    for (number, place) in places.iter().enumerate() {
        assert_eq!(fixture::keys("t-1").open(place, &golden()), Err(OpenFault::Auth), "place {number}");
    }
}

/// Promise A-35.
#[test]
fn a_boundary_moved_between_two_fields_is_refused() {
    let keys = fixture::keys("t-1");
    let cell = keys.seal(&Repeating(1), &Place { pk: b"T#1S", sk: b"#1", ..PLACE }, PLAINTEXT).unwrap();
    assert_eq!(keys.open(&Place { pk: b"T#1", sk: b"S#1", ..PLACE }, &cell), Err(OpenFault::Auth));
}

/// Promise A-35.
#[test]
fn another_data_key_of_the_same_version_is_refused() {
    let keys = TenantKeys::from_item(&fixture::item("t-1", 7), &material(0x41, 0x43), 1).unwrap();
    assert_eq!(keys.open(&PLACE, &golden()), Err(OpenFault::Auth));
}

/// Promise A-35.
#[test]
fn a_commitment_to_another_key_is_refused_though_the_tag_is_right() {
    let (key, context) = (DataKey::new(7, 1, &[0x42; 32]).unwrap(), PLACE.of("t-1"));
    let sealed = |commitment: [u8; 32]| {
        let message = key.derive(&header::prefix(KIND, PARAMETER, 7), &[0x11; 32], &context).unwrap();
        let header = [header::prefix(KIND, PARAMETER, 7).as_slice(), &[0x11; 32], &commitment].concat();
        let mut body = PLAINTEXT.to_vec();
        let nonce = Nonce::assume_unique_for_key(NONCE);
        message.cipher().unwrap().seal_in_place_append_tag(nonce, Aad::from(&header), &mut body).unwrap();
        [header, body].concat()
    };
    let right = *golden()[40..].first_chunk::<32>().unwrap();
    let mut wrong = right;
    wrong[31] ^= 1;
    assert_eq!(sealed(right), golden());
    assert_eq!(fixture::keys("t-1").open(&PLACE, &sealed(wrong)), Err(OpenFault::Auth));
}

#[test]
fn a_cell_cut_at_any_length_is_refused() {
    for length in 0..golden().len() {
        let expected = if length < OVERHEAD { OpenFault::Format } else { OpenFault::Auth };
        assert_eq!(after(|cell| cell.truncate(length)), Err(expected), "at {length}");
    }
}

#[test]
fn a_cell_with_a_byte_appended_is_refused() {
    assert_eq!(after(|cell| cell.push(0)), Err(OpenFault::Auth));
}

#[test]
fn a_cell_under_the_header_of_another_is_refused() {
    let other = fixture::keys("t-1").seal(&Repeating(0x12), &PLACE, PLAINTEXT).unwrap();
    assert_eq!(after(|cell| cell[..header::LENGTH].copy_from_slice(&other[..header::LENGTH])), Err(OpenFault::Auth));
}

#[test]
fn another_format_suite_kind_or_parameter_is_not_a_cell() {
    for (offset, known) in [(0, 0xE1), (1, 0x01), (2, 0x01), (3, 0x00)] {
        for byte in (0..=u8::MAX).filter(|byte| *byte != known) {
            assert_eq!(after(|cell| cell[offset] = byte), Err(OpenFault::Format), "{byte:#04x} at {offset}");
        }
    }
}

#[test]
fn a_cell_of_version_0_is_not_a_cell() {
    assert_eq!(after(|cell| cell[4..8].fill(0)), Err(OpenFault::Format));
}

#[test]
fn a_version_that_is_not_at_hand_is_named() {
    assert_eq!(after(|cell| cell[7] = 8), Err(OpenFault::KeyVersion(8)));
    assert_eq!(after(|cell| cell[4..8].fill(0xFF)), Err(OpenFault::KeyVersion(u32::MAX)));
}

#[test]
fn a_version_other_than_the_one_that_sealed_is_refused_even_with_the_same_key() {
    let keys = fixture::keys("t-1").with_version(6, &material(0x42, 0x43)).unwrap();
    let mut cell = golden();
    cell[7] = 6;
    assert_eq!(keys.open(&PLACE, &cell), Err(OpenFault::Auth));
}

#[test]
fn nothing_is_sealed_without_randomness() {
    #[derive(Debug)]
    struct Dry;
    impl Random for Dry {
        fn fill(&self, _: &mut [u8]) -> Result<(), Unavailable> {
            Err(Unavailable)
        }
    }
    assert!(matches!(fixture::keys("t-1").seal(&Dry, &PLACE, PLAINTEXT), Err(SealFault::Random(_))));
}

#[test]
fn an_empty_plaintext_is_sealed_and_opened() {
    let keys = fixture::keys("t-1");
    let cell = keys.seal(&Repeating(1), &PLACE, b"").unwrap();
    assert_eq!(cell.len(), OVERHEAD);
    assert!(keys.open(&PLACE, &cell).unwrap().is_empty());
}

#[test]
fn two_seals_of_one_value_have_nothing_but_the_version_in_common() {
    let keys = fixture::keys("t-1");
    let [one, two] = [1, 2].map(|salt| keys.seal(&Repeating(salt), &PLACE, PLAINTEXT).unwrap());
    assert_eq!(one[..header::PREFIX], two[..header::PREFIX]);
    assert_ne!(one[header::PREFIX + header::SALT..header::LENGTH], two[header::PREFIX + header::SALT..header::LENGTH]);
    assert_ne!(one[header::LENGTH..], two[header::LENGTH..]);
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_again(
        tenant in any::<String>(), service in any::<String>(), resource in any::<String>(), pk in any::<Vec<u8>>(), sk in any::<Vec<u8>>(),
        attribute in any::<String>(), salt in any::<u8>(), plaintext in prop::collection::vec(any::<u8>(), 0..4096),
    ) {
        let keys = fixture::keys(&tenant);
        let place = Place { service: &service, resource: &resource, pk: &pk, sk: &sk, attribute: &attribute };
        let cell = keys.seal(&Repeating(salt), &place, &plaintext).unwrap();
        prop_assert_eq!(cell.len(), plaintext.len() + OVERHEAD);
        prop_assert_eq!(&*keys.open(&place, &cell).unwrap(), &plaintext);
    }

    #[test]
    fn arbitrary_bytes_are_refused_quietly(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(fixture::keys("t-1").open(&PLACE, &bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_behind_a_good_start_are_refused_quietly(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let cell = [header::prefix(KIND, PARAMETER, 7).as_slice(), &bytes].concat();
        let expected = if cell.len() < OVERHEAD { OpenFault::Format } else { OpenFault::Auth };
        prop_assert_eq!(fixture::keys("t-1").open(&PLACE, &cell), Err(expected));
    }
}
