//! Opening frames of a blob, in any order. Nothing of a frame is given out before all of it was found authentic.

use aws_lc_rs::aead::{Aad, LessSafeKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroize as _;

use super::super::cell::OpenFault;
use super::super::context::Context;
use super::super::header::Header;
use super::super::key::DataKey;
use super::{FrameSize, HEADER, KIND, Seen, TAG, nonce};

/// The version of the data key that a blob's header names, from 1.
///
/// # Errors
/// [`OpenFault::Format`] if these bytes are not the header of a blob.
pub(in super::super) fn version(header: &[u8; HEADER]) -> Result<u32, OpenFault> {
    let header = Header::parse(header).filter(|header| header.kind == KIND && FrameSize::of_log2(header.parameter).is_some());
    header.map(|header| header.version).ok_or(OpenFault::Format)
}

/// Opens the frames of one blob.
pub struct Opener {
    cipher: LessSafeKey,
    seen: Seen,
}

impl Opener {
    /// Begins to read a blob by its header, if it is the very blob that was `seen` when it was sealed.
    pub(in super::super) fn begin(key: &DataKey, context: &Context<'_>, header: &[u8; HEADER], seen: &Seen) -> Result<Self, OpenFault> {
        let header = Header::parse(header).filter(|header| header.kind == KIND).ok_or(OpenFault::Format)?;
        if header.parameter != seen.frame_size.log2() {
            return Err(OpenFault::Auth);
        }
        let message = key.derive(header.prefix, header.salt, context).ok_or(OpenFault::Auth)?;
        verify_slices_are_equal(message.commitment(), header.commitment).map_err(|_| OpenFault::Auth)?;
        // An older blob of the same place commits to another salt.
        verify_slices_are_equal(&seen.commitment, header.commitment).map_err(|_| OpenFault::Auth)?;
        Ok(Self { cipher: message.cipher().ok_or(OpenFault::Auth)?, seen: seen.clone() })
    }

    /// What the blob is to be.
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Opens frame `number` where it lies; its tag is taken off. What does not open is wiped.
    ///
    /// # Errors
    /// [`OpenFault::Auth`].
    pub fn open(&self, number: u64, frame: &mut Vec<u8>) -> Result<(), OpenFault> {
        let opened = self.open_in_place(number, frame);
        if opened.is_none() {
            frame.zeroize();
        }
        opened.ok_or(OpenFault::Auth)
    }

    fn open_in_place(&self, number: u64, frame: &mut Vec<u8>) -> Option<()> {
        let Seen { plain_len, frame_size, .. } = self.seen;
        let held = usize::try_from(frame_size.held(number, plain_len)?).ok()?;
        if frame.len() != held.checked_add(TAG)? {
            return None;
        }
        let is_last = number + 1 == frame_size.frames(plain_len);
        self.cipher.open_in_place(nonce(number, is_last), Aad::empty(), frame).ok()?;
        frame.truncate(held);
        Some(())
    }
}
