//! The 72 bytes at the front of everything sealed. All integers are big-endian.
//!
//! ```text
//! offset length
//!      0      1  0xE1, the format
//!      1      1  0x01, the suite: HKDF-SHA-512, AES-256-GCM, 32 byte commitment
//!      2      1  the kind: 0x01 is a cell, 0x02 a framed blob
//!      3      1  the kind's parameter: 0x00 for a cell, log2 of the frame size for a blob
//!      4      4  version of the tenant's data key, from 1
//!      8     32  salt, fresh for every seal
//!     40     32  commitment to key and context
//! ```
//! Anything else is not a header; what the kind and its parameter mean is for the kind to judge.

/// Length of a header.
pub(super) const LENGTH: usize = PREFIX + SALT + COMMITMENT;
/// Length of the part that goes into the key derivation beside the salt.
pub(super) const PREFIX: usize = 8;
/// Length of a salt.
pub(super) const SALT: usize = 32;
/// Length of a commitment.
pub(super) const COMMITMENT: usize = 32;

const FORMAT: u8 = 0xE1;
const SUITE: u8 = 0x01;

/// The first 8 bytes of a header.
pub(super) const fn prefix(kind: u8, parameter: u8, version: u32) -> [u8; PREFIX] {
    let [a, b, c, d] = version.to_be_bytes();
    [FORMAT, SUITE, kind, parameter, a, b, c, d]
}

/// A header that was read.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    /// All of it, to be authenticated as it came.
    pub(super) bytes: &'a [u8; LENGTH],
    pub(super) prefix: &'a [u8; PREFIX],
    pub(super) kind: u8,
    pub(super) parameter: u8,
    pub(super) version: u32,
    pub(super) salt: &'a [u8; SALT],
    pub(super) commitment: &'a [u8; COMMITMENT],
}

impl<'a> Header<'a> {
    /// Reads a header; `None` if it is of another format or suite, or names version 0.
    pub(super) fn parse(bytes: &'a [u8; LENGTH]) -> Option<Self> {
        let (prefix, rest) = bytes.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let commitment = rest.try_into().ok()?;
        let &[FORMAT, SUITE, kind, parameter, a, b, c, d] = prefix else { return None };
        let version = u32::from_be_bytes([a, b, c, d]);
        (version >= 1).then_some(Self { bytes, prefix, kind, parameter, version, salt, commitment })
    }
}
