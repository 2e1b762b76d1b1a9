//! A cell of 1 KiB: sealed and opened, its key derived each time, against AES-256-GCM under a key that is there.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use benches::{Found, tenant_keys};
use shared::envelope::Place;
use shared::platform::random::SystemRandom;

use super::{Told, compare};

const KIB: usize = 1024;

/// As long as real ones are.
const PLACE: Place<'static> = Place {
    service: "configuration",
    resource: "configuration",
    pk: b"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d#setting",
    sk: b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    attribute: "cell",
};

/// Everything about cells.
pub(super) fn all(found: &mut Found) {
    let (keys, raw) = (tenant_keys(), LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap()));
    let plaintext = [0xA5; KIB];
    let nonce = || Nonce::assume_unique_for_key([0; 12]);

    let mut buffer = Vec::with_capacity(KIB + 16);
    let cipher = || {
        buffer.clear();
        buffer.extend_from_slice(black_box(&plaintext));
        raw.seal_in_place_append_tag(nonce(), Aad::empty(), &mut buffer).unwrap();
    };
    compare(
        found,
        &Told { scene: "cell.seal", what: "seal 1 KiB", limit_is: "aes-256-gcm alone" },
        20_000,
        || drop(black_box(keys.seal(&SystemRandom, &PLACE, black_box(&plaintext)).unwrap())),
        cipher,
    );

    let cell = keys.seal(&SystemRandom, &PLACE, &plaintext).unwrap();
    let mut sealed = plaintext.to_vec();
    raw.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).unwrap();
    let mut buffer = Vec::with_capacity(sealed.len());
    let cipher = || {
        buffer.clear();
        buffer.extend_from_slice(black_box(&sealed));
        raw.open_in_place(nonce(), Aad::empty(), &mut buffer).unwrap();
    };
    compare(
        found,
        &Told { scene: "cell.open", what: "open 1 KiB", limit_is: "aes-256-gcm alone" },
        50_000,
        || drop(black_box(keys.open(&PLACE, black_box(&cell)).unwrap())),
        cipher,
    );
}
