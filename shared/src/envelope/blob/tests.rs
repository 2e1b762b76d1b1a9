//! Tests of [`super`]: known answers, everything that must not open, and what holds for all inputs.

use aws_lc_rs::digest::{SHA256, digest};
use proptest::prelude::*;

use super::super::cell::{OpenFault, SealFault};
use super::super::context::Place;
use super::super::fixture::{self, PLACE, Repeating};
use super::super::key::TenantKeys;
use super::*;
use crate::platform::random::{Random, SystemRandom};

const SMALL: FrameSize = FrameSize::of_log2(12).unwrap();
const F: usize = 4096;

fn sealed_by(keys: &TenantKeys, random: &dyn Random, place: &Place<'_>, plaintext: &[u8]) -> (Vec<u8>, Seen) {
    let (mut sealer, header) = keys.blob_sealer(random, place, SMALL).unwrap();
    let mut blob = header.to_vec();
    let mut frames: Vec<Vec<u8>> = plaintext.chunks(F).map(<[u8]>::to_vec).collect();
    let mut last = frames.pop().unwrap_or_default();
    for frame in &mut frames {
        sealer.seal(frame).unwrap();
        blob.extend_from_slice(frame);
    }
    let seen = sealer.finish(&mut last).unwrap();
    blob.extend_from_slice(&last);
    (blob, seen)
}

fn sealed(plaintext: &[u8]) -> (Vec<u8>, Seen) {
    sealed_by(&fixture::keys("t-1"), &SystemRandom, &PLACE, plaintext)
}

/// Reads the blob as one would who trusts its length.
fn opened_by(keys: &TenantKeys, place: &Place<'_>, blob: &[u8], seen: &Seen) -> Result<Vec<u8>, OpenFault> {
    let (header, body) = blob.split_first_chunk().ok_or(OpenFault::Format)?;
    let opener = keys.blob_opener(place, header, seen)?;
    let mut plaintext = Vec::new();
    for (number, frame) in (0..).zip(body.chunks(F + TAG)) {
        let mut frame = frame.to_vec();
        opener.open(number, &mut frame)?;
        plaintext.extend_from_slice(&frame);
    }
    Ok(plaintext)
}

fn opened(blob: &[u8], seen: &Seen) -> Result<Vec<u8>, OpenFault> {
    opened_by(&fixture::keys("t-1"), &PLACE, blob, seen)
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Promise A-35. The vector was opened by an independent implementation in Python.
#[test]
fn the_golden_blob_is_sealed_to_the_byte() {
    let plaintext = [vec![0xAB; F], vec![0xCD; 5]].concat();
    let (blob, seen) = sealed_by(&fixture::keys("t-1"), &Repeating(0x22), &PLACE, &plaintext);
    assert_eq!(blob.len(), 4205);
    let expected = "25e46414df63cf62b31266fe7b6bd643918b0614a52ebd4a267a3a2fbeb8bb96";
    assert_eq!(hex::encode(digest(&SHA256, &blob)), expected);
    assert_eq!(opened(&blob, &seen).unwrap(), plaintext);
}

#[test]
fn what_was_sealed_opens_whatever_its_length() {
    for length in [0, 1, F - 1, F, F + 1, 2 * F - 1, 2 * F, 2 * F + 1, 5 * F + 7] {
        let (blob, seen) = sealed(&text(length));
        assert_eq!(SMALL.sealed_len(length as u64), Some(blob.len() as u64));
        assert_eq!((seen.plain_len, opened(&blob, &seen).unwrap()), (length as u64, text(length)));
    }
}

/// Promise A-35.
#[test]
fn every_flipped_bit_of_the_header_and_some_of_every_frame_are_refused() {
    let (blob, seen) = sealed(&text(2 * F + 9));
    let bits = (0..HEADER * 8).chain((HEADER * 8..blob.len() * 8).step_by(311));
    for bit in bits {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(opened(&changed, &seen).is_err(), "bit {bit} may be flipped");
    }
}

/// Promise A-35.
#[test]
fn another_tenant_place_or_object_is_refused() {
    let (blob, seen) = sealed(&text(F + 1));
    assert_eq!(opened_by(&fixture::keys("t-2"), &PLACE, &blob, &seen), Err(OpenFault::Auth));
    for place in [
        Place { service: "svd", ..PLACE },
        Place { resource: "tbm", ..PLACE },
        Place { pk: b"T#2", ..PLACE },
        Place { sk: b"S#2", ..PLACE },
        Place { attribute: "bodz", ..PLACE },
        Place { pk: b"T#1S", sk: b"#1", ..PLACE },
    ] {
        assert_eq!(opened_by(&fixture::keys("t-1"), &place, &blob, &seen), Err(OpenFault::Auth));
    }
}

/// Promise A-35.
#[test]
fn a_blob_cut_off_at_a_frame_or_elsewhere_is_refused() {
    let (blob, seen) = sealed(&text(3 * F));
    for cut in [blob.len() - 1, blob.len() - TAG, HEADER + 2 * (F + TAG), HEADER + F + TAG, HEADER + F, HEADER + 1] {
        // By one who goes by the record's length, and by one who goes by the object's.
        assert!(opened(&blob[..cut], &seen).map(|text| text.len() as u64) != Ok(seen.plain_len), "{cut}");
        if let Some(plain_len) = SMALL.plain_len(cut as u64) {
            assert_eq!(opened(&blob[..cut], &Seen { plain_len, ..seen.clone() }), Err(OpenFault::Auth), "{cut}");
        }
    }
}

/// Promise A-35.
#[test]
fn frames_that_changed_places_or_came_twice_are_refused() {
    let (blob, seen) = sealed(&text(3 * F));
    let (header, body) = blob.split_at(HEADER);
    let frames: Vec<&[u8]> = body.chunks(F + TAG).collect();
    for order in [[1, 0, 2], [0, 0, 2], [0, 2, 1], [2, 1, 0], [0, 1, 1], [1, 1, 2]] {
        let moved = [header, frames[order[0]], frames[order[1]], frames[order[2]]].concat();
        assert_eq!(opened(&moved, &seen), Err(OpenFault::Auth), "{order:?}");
    }
}

/// Promise A-35.
#[test]
fn a_blob_that_was_lengthened_is_refused() {
    let (blob, seen) = sealed(&text(2 * F));
    let more = [blob.as_slice(), &blob[HEADER..HEADER + F + TAG]].concat();
    assert_eq!(opened(&more, &seen), Err(OpenFault::Auth));
    let longer = Seen { plain_len: 3 * F as u64, ..seen };
    assert_eq!(opened(&more, &longer), Err(OpenFault::Auth));
}

/// Promise A-35.
#[test]
fn an_older_blob_of_the_same_place_is_refused() {
    let ((older, _), (blob, seen)) = (sealed(&text(100)), sealed(&text(100)));
    assert_ne!(older, blob);
    assert_eq!(opened(&older, &seen), Err(OpenFault::Auth));
    let swapped = [&older[..HEADER], &blob[HEADER..]].concat();
    assert_eq!(opened(&swapped, &seen), Err(OpenFault::Auth));
}

#[test]
fn another_kind_size_or_version_is_no_blob_of_this_record() {
    let keys = fixture::keys("t-1");
    let (blob, seen) = sealed(&text(10));
    let after = |at: usize, byte: u8| {
        let mut changed = blob.clone();
        changed[at] = byte;
        opened(&changed, &seen)
    };
    assert_eq!(after(2, 0x01), Err(OpenFault::Format));
    for log2 in [0, 11, 25, 255] {
        assert_eq!(after(3, log2), Err(OpenFault::Format));
    }
    assert_eq!(after(3, 13), Err(OpenFault::Auth));
    assert_eq!(after(7, 8), Err(OpenFault::KeyVersion(8)));
    assert_eq!(after(7, 0), Err(OpenFault::Format));
    let cell = keys.seal(&SystemRandom, &PLACE, &text(10)).unwrap();
    assert_eq!(opened(&cell, &seen), Err(OpenFault::Format));
    assert!(keys.open(&PLACE, &blob).is_err(), "a blob is no cell");
}

#[test]
fn a_frame_that_is_not_full_is_not_sealed_as_if_it_were() {
    let keys = fixture::keys("t-1");
    let (mut sealer, _) = keys.blob_sealer(&SystemRandom, &PLACE, SMALL).unwrap();
    for length in [0, 1, F - 1, F + 1] {
        assert!(matches!(sealer.seal(&mut text(length)), Err(SealFault::FrameLength)), "{length}");
    }
    sealer.seal(&mut text(F)).unwrap();
    assert!(matches!(sealer.finish(&mut Vec::new()), Err(SealFault::FrameLength)), "an empty frame behind a full one");
    let (sealer, _) = keys.blob_sealer(&SystemRandom, &PLACE, SMALL).unwrap();
    assert!(matches!(sealer.finish(&mut text(F + 1)), Err(SealFault::FrameLength)));
}

#[test]
fn what_does_not_open_is_wiped() {
    let (blob, seen) = sealed(&text(F));
    let (header, body) = blob.split_first_chunk().unwrap();
    let opener = fixture::keys("t-1").blob_opener(&PLACE, header, &seen).unwrap();
    for number in [1, u64::MAX] {
        let mut frame = body.to_vec();
        assert_eq!(opener.open(number, &mut frame), Err(OpenFault::Auth));
        assert!(frame.is_empty());
    }
}

#[test]
fn each_blob_has_its_own_salt_and_counts_as_a_seal() {
    let keys = TenantKeys::from_item(&fixture::item("t-1", 7), &fixture::material(0x42, 0x43), 2).unwrap();
    let (first, second) = (sealed_by(&keys, &SystemRandom, &PLACE, b"x").0, sealed_by(&keys, &SystemRandom, &PLACE, b"x").0);
    assert_ne!(first[8..40], second[8..40]);
    assert!(matches!(keys.blob_sealer(&SystemRandom, &PLACE, SMALL), Err(SealFault::Exhausted)));
}

proptest! {
    /// Promise A-28.
    #[test]
    fn any_range_reads_what_was_written(frames in 0_usize..4, off in -2_isize..3, from in any::<u64>(), to in any::<u64>()) {
        let Some(length) = (frames * F).checked_add_signed(off) else { return Ok(()) };
        let (plaintext, (blob, seen)) = (text(length), sealed(&text(length)));
        let (a, b) = (from % (length as u64 + 1), to % (length as u64 + 1));
        let range = a.min(b)..a.max(b);
        let Some(span) = SMALL.span(range.clone(), length as u64) else {
            prop_assert!(range.is_empty());
            return Ok(());
        };
        let opener = fixture::keys("t-1").blob_opener(&PLACE, blob.first_chunk().unwrap(), &seen).unwrap();
        let mut read = Vec::new();
        let fetched = &blob[span.bytes.start as usize..span.bytes.end as usize];
        for (number, frame) in span.frames.clone().zip(fetched.chunks(F + TAG)) {
            let mut frame = frame.to_vec();
            opener.open(number, &mut frame).unwrap();
            read.extend_from_slice(&frame);
        }
        let read = &read[span.skip as usize..][..(range.end - range.start) as usize];
        prop_assert_eq!(read, &plaintext[range.start as usize..range.end as usize]);
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(blob in prop::collection::vec(any::<u8>(), 0..300), plain_len: u64) {
        let seen = Seen { plain_len, frame_size: SMALL, commitment: [0; 32] };
        prop_assert!(opened(&blob, &seen).is_err());
    }
}
