//! Frames of 1 MiB, sealed and opened, against AES-256-GCM alone: what the envelope adds to the cipher.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person at a terminal")]

use std::process::ExitCode;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use benches::{Found, Metric, Pair, Times, compare, tenant_keys};
use shared::envelope::blob::{FrameSize, Seen, TAG};
use shared::envelope::{Place, TenantKeys};
use shared::platform::random::SystemRandom;

const METRICS: [Metric; 1] = [Metric {
    name: "cpu",
    margin: 0.3,
    because: "both sides are nearly all cipher, but they share the memory's bandwidth with whatever else runs",
}];

const FRAME: usize = 1 << 20;
/// In one blob.
const FRAMES: usize = 64;
const ROUNDS: usize = 31;

const PLACE: Place<'static> = Place { service: "attachments", resource: "sealed", pk: b"key", sk: b"", attribute: "blob" };

fn main() -> ExitCode {
    let mut found = Found::start("frames", &METRICS, &[]);
    let (keys, raw) = (tenant_keys(), LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap()));
    for (scene, pair) in [("seal", sealed(&keys, &raw)), ("open", opened(&keys, &raw))] {
        let per_frame = |taken: Duration| taken.as_secs_f64() * 1e6 / FRAMES as f64;
        println!(
            "{scene} 1 MiB: {:.1} µs, the cipher alone {:.1} µs, ratio {:.3}",
            per_frame(pair.ours),
            per_frame(pair.limit),
            pair.ratio()
        );
        found.note("cpu", scene, pair.ratio());
    }
    found.end()
}

fn sealed(keys: &TenantKeys, raw: &LessSafeKey) -> Pair {
    let (mut ours, mut limit, mut number) = (frame(), frame(), 0);
    compare(
        ROUNDS,
        Times(1, || {
            let (mut sealer, _) = keys.blob_sealer(&SystemRandom, &PLACE, FrameSize::DEFAULT).unwrap();
            for _ in 0..FRAMES {
                ours.truncate(FRAME);
                sealer.seal(&mut ours).unwrap();
            }
        }),
        Times(1, || {
            for _ in 0..FRAMES {
                limit.truncate(FRAME);
                number += 1;
                raw.seal_in_place_append_tag(nonce(number), Aad::empty(), &mut limit).unwrap();
            }
        }),
    )
}

fn opened(keys: &TenantKeys, raw: &LessSafeKey) -> Pair {
    let (sealer, header) = keys.blob_sealer(&SystemRandom, &PLACE, FrameSize::DEFAULT).unwrap();
    let (mut sealed, mut raw_sealed) = (frame(), frame());
    let seen: Seen = sealer.finish(&mut sealed).unwrap();
    raw.seal_in_place_append_tag(nonce(0), Aad::empty(), &mut raw_sealed).unwrap();
    let (mut ours, mut limit) = (frame(), frame());
    compare(
        ROUNDS,
        Times(1, || {
            let opener = keys.blob_opener(&PLACE, &header, &seen).unwrap();
            for _ in 0..FRAMES {
                ours.clone_from(&sealed);
                opener.open(0, &mut ours).unwrap();
            }
        }),
        Times(1, || {
            for _ in 0..FRAMES {
                limit.clone_from(&raw_sealed);
                raw.open_in_place(nonce(0), Aad::empty(), &mut limit).unwrap();
            }
        }),
    )
}

/// With room for its tag.
fn frame() -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME + TAG);
    frame.resize(FRAME, 0xA5);
    frame
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
