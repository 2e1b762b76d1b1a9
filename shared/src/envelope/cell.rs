//! A cell: one value sealed whole, as `header || ciphertext || tag(16)`.
//!
//! Every seal draws a salt and derives a key of its own from it and from the context, so the key is used once and the nonce may be fixed.
//! The header's commitment is compared before any AES: a cell opens under one key and in one context only. A cell that does not open
//! says no more than that.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::context::Context;
use super::header::{self, Header};
use super::key::DataKey;
use crate::platform::random::{Random, Unavailable};

/// How many bytes longer a cell is than what it holds.
pub const OVERHEAD: usize = header::LENGTH + TAG;

const KIND: u8 = 0x01;
const PARAMETER: u8 = 0x00;
const TAG: usize = 16;
/// `0^3 || frame u64 || last u8`: a cell is one frame, the first and the last.
const NONCE: [u8; NONCE_LEN] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// Why a value was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealFault {
    /// There was no salt to be had.
    #[error("cannot seal: {0}")]
    Random(#[from] Unavailable),
    /// The key has sealed as often as it may since it was unwrapped, or is marked open-only.
    #[error("cannot seal: the key may seal no more")]
    Exhausted,
    /// The context or the plaintext is longer than the format can hold.
    #[error("cannot seal: context or plaintext too long")]
    TooLong,
    /// A frame of a blob has not the length that its place in the blob demands.
    #[error("cannot seal: a frame of the wrong length")]
    FrameLength,
}

/// Why a value was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// Another tenant, another place, another key, or changed bytes: which of them is not told, not even to us.
    #[error("cannot open: not authentic")]
    Auth,
    /// These bytes are not a sealed cell.
    #[error("cannot open: not a sealed cell")]
    Format,
    /// Sealed under a version of the tenant's data key that is not at hand; it may be in the key item still.
    #[error("cannot open: key version {0} is not at hand")]
    KeyVersion(u32),
}

/// A cell that was read but not opened: what it says of itself is not authenticated yet.
pub struct Cell<'a> {
    header: Header<'a>,
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> Cell<'a> {
    /// Takes sealed bytes apart.
    ///
    /// # Errors
    /// [`OpenFault::Format`] if these bytes are not a cell.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, OpenFault> {
        let (header, body) = bytes.split_first_chunk().ok_or(OpenFault::Format)?;
        let (ciphertext, tag) = body.split_last_chunk().ok_or(OpenFault::Format)?;
        let header =
            Header::parse(header).filter(|header| (header.kind, header.parameter) == (KIND, PARAMETER)).ok_or(OpenFault::Format)?;
        Ok(Self { header, ciphertext, tag })
    }

    /// The version of the data key that sealed it, from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.header.version
    }

    /// Opens it. Every fault is [`OpenFault::Auth`].
    pub(super) fn open(&self, key: &DataKey, context: &Context<'_>) -> Result<Zeroizing<Vec<u8>>, OpenFault> {
        let message = key.derive(self.header.prefix, self.header.salt, context).ok_or(OpenFault::Auth)?;
        verify_slices_are_equal(message.commitment(), self.header.commitment).map_err(|_| OpenFault::Auth)?;
        let mut plaintext = Zeroizing::new(vec![0; self.ciphertext.len()]);
        message
            .cipher()
            .ok_or(OpenFault::Auth)?
            .open_separate_gather(
                Nonce::assume_unique_for_key(NONCE),
                Aad::from(self.header.bytes),
                self.ciphertext,
                self.tag,
                &mut plaintext,
            )
            .map_err(|_| OpenFault::Auth)?;
        Ok(plaintext)
    }
}

/// Seals `plaintext` for `context` and counts the seal.
pub(super) fn seal(key: &DataKey, random: &dyn Random, context: &Context<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealFault> {
    key.count_seal()?;
    let prefix = header::prefix(KIND, PARAMETER, key.version());
    let mut salt = [0; header::SALT];
    random.fill(&mut salt)?;
    let message = key.derive(&prefix, &salt, context).ok_or(SealFault::TooLong)?;

    // The plaintext is never copied into this buffer, so that no failure leaves it in freed memory.
    let mut cell = Vec::with_capacity(OVERHEAD + plaintext.len());
    cell.extend_from_slice(&prefix);
    cell.extend_from_slice(&salt);
    cell.extend_from_slice(message.commitment());
    cell.resize(OVERHEAD + plaintext.len(), 0);
    let (header, body) = cell.split_at_mut_checked(header::LENGTH).ok_or(SealFault::TooLong)?;
    let (ciphertext, tag) = body.split_at_mut_checked(plaintext.len()).ok_or(SealFault::TooLong)?;
    message
        .cipher()
        .ok_or(SealFault::TooLong)?
        .seal_out_of_place_scatter(Nonce::assume_unique_for_key(NONCE), Aad::from(&*header), plaintext, ciphertext, &[], tag)
        .map_err(|_| SealFault::TooLong)?;
    Ok(cell)
}

#[cfg(test)]
mod tests;
