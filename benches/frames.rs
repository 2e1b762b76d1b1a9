//! Frames of 1 MiB, sealed and opened, against AES-256-GCM alone: what the envelope adds to the cipher.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person at a terminal")]

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use benches::compare;
use shared::envelope::blob::{FrameSize, Seen, TAG};
use shared::envelope::{KeyItem, KeyMaterial, Place, TenantKeys, Usage, WrappedVersion};
use shared::platform::random::SystemRandom;

const FRAME: usize = 1 << 20;
const FRAMES: usize = 64;
const ROUNDS: usize = 31;

const PLACE: Place<'static> = Place { service: "attachments", resource: "sealed", pk: b"key", sk: b"", attribute: "blob" };

fn keys() -> TenantKeys {
    let version = WrappedVersion { wrapped: Vec::new(), created_at: 0, key_arn: String::new(), usage: Usage::SealAndOpen };
    let versions = BTreeMap::from([(1, version)]);
    let item = KeyItem { tenant_id: "tenant".to_owned(), rev: 1, current: 1, versions, expires_at: None };
    TenantKeys::from_item(&item, &KeyMaterial::new(vec![7; 64]).unwrap(), u64::MAX).unwrap()
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn main() {
    let (keys, raw) = (keys(), LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap()));
    let buffer = || {
        let mut buffer = Vec::with_capacity(FRAME + TAG);
        buffer.resize(FRAME, 0xA5);
        buffer
    };
    let (mut ours, mut limit, mut number) = (buffer(), buffer(), 0);
    let sealed = compare(
        ROUNDS,
        || {
            let (mut sealer, _) = keys.blob_sealer(&SystemRandom, &PLACE, FrameSize::DEFAULT).unwrap();
            for _ in 0..FRAMES {
                ours.truncate(FRAME);
                sealer.seal(&mut ours).unwrap();
            }
        },
        || {
            for _ in 0..FRAMES {
                limit.truncate(FRAME);
                number += 1;
                raw.seal_in_place_append_tag(nonce(number), Aad::empty(), &mut limit).unwrap();
            }
        },
    );
    let (sealer, header) = keys.blob_sealer(&SystemRandom, &PLACE, FrameSize::DEFAULT).unwrap();
    let (mut frame, mut raw_frame) = (buffer(), buffer());
    let seen: Seen = sealer.finish(&mut frame).unwrap();
    raw.seal_in_place_append_tag(nonce(0), Aad::empty(), &mut raw_frame).unwrap();
    let opened = compare(
        ROUNDS,
        || {
            let opener = keys.blob_opener(&PLACE, &header, &seen).unwrap();
            for _ in 0..FRAMES {
                ours.clone_from(&frame);
                opener.open(0, &mut ours).unwrap();
            }
        },
        || {
            for _ in 0..FRAMES {
                limit.clone_from(&raw_frame);
                raw.open_in_place(nonce(0), Aad::empty(), &mut limit).unwrap();
            }
        },
    );
    for (what, pair) in [("seal", sealed), ("open", opened)] {
        let per_frame = |taken: std::time::Duration| taken.as_secs_f64() * 1e6 / FRAMES as f64;
        println!(
            "{what} 1 MiB: {:.1} µs, the cipher alone {:.1} µs, ratio {:.3}",
            per_frame(pair.ours),
            per_frame(pair.limit),
            pair.ratio()
        );
    }
}
