//! Sealing front to back. The number of the next frame is nobody's business but the sealer's, so that no frame is ever sealed twice under one
//! salt; whoever must begin again begins with a new sealer, and so with a new salt.
//!
//! Frames are sealed where they lie, in the caller's own buffer: nothing is copied, and no plain text stays behind.

use aws_lc_rs::aead::{Aad, LessSafeKey};

use super::super::cell::SealFault;
use super::super::context::Context;
use super::super::header;
use super::super::key::DataKey;
use super::{FrameSize, HEADER, KIND, Seen, nonce};
use crate::platform::random::Random;

/// Seals one blob.
pub struct Sealer {
    cipher: LessSafeKey,
    commitment: [u8; header::COMMITMENT],
    frame_size: FrameSize,
    next: u64,
}

impl Sealer {
    /// Begins a blob; its header comes with it. Counts as one seal of the key.
    pub(in super::super) fn begin(
        key: &DataKey,
        random: &dyn Random,
        context: &Context<'_>,
        frame_size: FrameSize,
    ) -> Result<(Self, [u8; HEADER]), SealFault> {
        key.count_seal()?;
        let prefix = header::prefix(KIND, frame_size.log2(), key.version());
        let mut salt = [0; header::SALT];
        random.fill(&mut salt)?;
        let message = key.derive(&prefix, &salt, context).ok_or(SealFault::TooLong)?;
        let mut bytes = [0; HEADER];
        let parts = prefix.iter().chain(&salt).chain(message.commitment());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
        let cipher = message.cipher().ok_or(SealFault::TooLong)?;
        Ok((Self { cipher, commitment: *message.commitment(), frame_size, next: 0 }, bytes))
    }

    /// How much plain text each frame but the last must have.
    #[must_use]
    pub const fn frame_size(&self) -> FrameSize {
        self.frame_size
    }

    /// Seals a full frame that is not the last, where it lies; its tag is added behind.
    ///
    /// # Errors
    /// [`SealFault::FrameLength`] if it is not a full frame.
    pub fn seal(&mut self, frame: &mut Vec<u8>) -> Result<(), SealFault> {
        if frame.len() as u64 != self.frame_size.bytes() {
            return Err(SealFault::FrameLength);
        }
        self.seal_next(frame, false)
    }

    /// Seals the last frame: a full one or less, and empty only if it is the first too.
    ///
    /// # Errors
    /// [`SealFault::FrameLength`] if it is longer than a frame, or empty behind others.
    pub fn finish(mut self, frame: &mut Vec<u8>) -> Result<Seen, SealFault> {
        let (before, held) = (self.next, frame.len() as u64);
        if held > self.frame_size.bytes() || (held == 0 && before > 0) {
            return Err(SealFault::FrameLength);
        }
        self.seal_next(frame, true)?;
        Ok(Seen { plain_len: before * self.frame_size.bytes() + held, frame_size: self.frame_size, commitment: self.commitment })
    }

    fn seal_next(&mut self, frame: &mut Vec<u8>, is_last: bool) -> Result<(), SealFault> {
        // The number is spent before it is used: a seal that fails must not be tried again under it.
        let number = self.next;
        self.next = number.checked_add(1).filter(|next| *next <= 1 << 32).ok_or(SealFault::TooLong)?;
        self.cipher.seal_in_place_append_tag(nonce(number, is_last), Aad::empty(), frame).map_err(|_| SealFault::TooLong)
    }
}
