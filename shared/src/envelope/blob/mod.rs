//! A framed blob: one object sealed frame by frame, as `header || frame 0 || frame 1 || …`, each frame `ciphertext || tag(16)`.
//!
//! - [`size`]: the arithmetic of lengths and ranges. - [`seal`]: front to back, each frame once. - [`open`]: any frame, in any order.
//!
//! All frames are full but the last, and only the last says in its nonce that it is: cut off, moved, doubled or lengthened, a blob does not
//! open. Whoever reads a part only cannot see that by itself, so a [`Seen`] is kept in the record beside it and compared before anything
//! is opened: it also tells an older blob at the same place from this one.

pub mod open;
pub mod seal;
pub mod size;

#[cfg(test)]
mod tests;

pub use open::Opener;
pub use seal::Sealer;
pub use size::{FrameSize, Span};

use aws_lc_rs::aead::{NONCE_LEN, Nonce};

use super::header;

/// Length of the header that a blob begins with.
pub const HEADER: usize = header::LENGTH;

/// How many bytes longer a sealed frame is than what it holds.
pub const TAG: usize = 16;

const KIND: u8 = 0x02;

/// What a record keeps of the blob that belongs to it: how long it is in plain text, how large its frames are, and the commitment in its
/// header, which no other blob shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Bytes of plain text.
    pub plain_len: u64,
    /// Plain text in each full frame.
    pub frame_size: FrameSize,
    /// The header's commitment to key and context.
    pub commitment: [u8; header::COMMITMENT],
}

impl Seen {
    /// What a header that was kept says of its blob, with its length; `None` if it is no blob's.
    #[must_use]
    pub fn of(header: &[u8; HEADER], plain_len: u64) -> Option<Self> {
        let header = header::Header::parse(header).filter(|header| header.kind == KIND)?;
        Some(Self { plain_len, frame_size: FrameSize::of_log2(header.parameter)?, commitment: *header.commitment })
    }
}

/// `0^3 || frame u64 || last u8`.
fn nonce(frame: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    let [.., a, b, c, d, e, f, g, h, last] = &mut nonce;
    [*a, *b, *c, *d, *e, *f, *g, *h] = frame.to_be_bytes();
    *last = u8::from(is_last);
    Nonce::assume_unique_for_key(nonce)
}
