//! Bodies as they were before they were packed for the way.

use std::io::Read as _;

use axum::http::{HeaderMap, header};
use flate2::read::GzDecoder;

/// More than any service takes unpacked.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// The body unpacked, if it was packed; `None` if it does not unpack, or to more than anybody takes.
pub(super) fn unpacked(headers: &HeaderMap, body: &[u8]) -> Option<Vec<u8>> {
    match headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"identity") => Some(body.to_vec()),
        Some(b"gzip") => {
            let mut unpacked = Vec::new();
            GzDecoder::new(body).take(MOST_BYTES + 1).read_to_end(&mut unpacked).ok()?;
            (unpacked.len() as u64 <= MOST_BYTES).then_some(unpacked)
        }
        Some(_) => None,
    }
}
