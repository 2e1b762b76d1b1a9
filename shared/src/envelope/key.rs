//! A tenant's keys, unwrapped: data keys seal and open, the index key makes the digests in item keys.
//!
//! A data key keeps what HKDF extracted from it, as the state of an HMAC, and drops the key itself. Nothing here can be shown, serialised or taken
//! out again, and all of it is wiped when dropped; only a copy that a move left on the stack is out of safe Rust's reach.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::blob::{self, FrameSize};
use super::cell::{self, Cell, OpenFault, SealFault};
use super::context::{Context, Place};
use super::header::{COMMITMENT, PREFIX, SALT};
use super::key_item::{KeyItem, Usage};
use crate::platform::random::Random;

const KEY: usize = 32;
const EXTRACT_SALT: &[u8] = b"tse1/extract";
/// What is derived is one block of HMAC-SHA-512, so [`FIRST_BLOCK`] is the only one.
const _: () = assert!(KEY + COMMITMENT == 64);
/// What ends the first block of HKDF-Expand (RFC 5869, section 2.3).
const FIRST_BLOCK: u8 = 0x01;

/// Why there are no keys to be had from an item or from what was unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// What was unwrapped is not a data key and an index key.
    #[error("cannot take key material: {0} bytes are not 64")]
    Length(usize),
    /// The key item holds no such version; versions count from 1.
    #[error("cannot use key version {0}: the tenant has none")]
    Version(u32),
    /// The cryptographic library failed.
    #[error("cannot take key material: extraction failed")]
    Extraction,
}

/// What one unwrapping gives: 64 bytes, the data key and after it the index key.
pub struct KeyMaterial(Zeroizing<Vec<u8>>);

impl KeyMaterial {
    /// Takes what was unwrapped, and wipes it in the end, whatever comes of it.
    ///
    /// # Errors
    /// [`KeyFault::Length`] if it is not 64 bytes long.
    pub fn new(unwrapped: Vec<u8>) -> Result<Self, KeyFault> {
        let material = Self(Zeroizing::new(unwrapped));
        material.split()?;
        Ok(material)
    }

    /// The data key and the index key.
    fn split(&self) -> Result<(&[u8; KEY], &[u8; KEY]), KeyFault> {
        match self.0.as_chunks() {
            ([data, index], []) => Ok((data, index)),
            _ => Err(KeyFault::Length(self.0.len())),
        }
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial").finish_non_exhaustive()
    }
}

/// One version of a tenant's data key.
pub struct DataKey {
    version: u32,
    extracted: hmac::Key,
    seals_left: AtomicU64,
}

impl DataKey {
    pub(super) fn new(version: u32, seals: u64, key: &[u8; KEY]) -> Result<Self, KeyFault> {
        if version == 0 {
            return Err(KeyFault::Version(version));
        }
        // HKDF-Extract of RFC 5869 section 2.2 is this HMAC. `hkdf::Salt::extract` would put it off and keep the data key for it; and what
        // `hkdf::Prk` keeps would be hashed anew for every message.
        let mut extracted = Zeroizing::new([0; 64]);
        hmac::sign_to_buffer(&hmac::Key::new(hmac::HMAC_SHA512, EXTRACT_SALT), key, extracted.as_mut_slice())
            .map_err(|_| KeyFault::Extraction)?;
        let extracted = hmac::Key::new(hmac::HMAC_SHA512, extracted.as_slice());
        Ok(Self { version, extracted, seals_left: AtomicU64::new(seals) })
    }

    pub(super) const fn version(&self) -> u32 {
        self.version
    }

    /// Takes one of the seals that are left.
    pub(super) fn count_seal(&self) -> Result<(), SealFault> {
        let taken = self.seals_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.map(drop).map_err(|_| SealFault::Exhausted)
    }

    /// The key of one message. `None` if the context cannot be encoded.
    ///
    /// HKDF-Expand, whose first block is one HMAC and as long as what is needed.
    pub(super) fn derive(&self, prefix: &[u8; PREFIX], salt: &[u8; SALT], context: &Context<'_>) -> Option<MessageKey> {
        let mut info = Vec::with_capacity(PREFIX + SALT + context.encoded_length() + 1);
        info.extend_from_slice(prefix);
        info.extend_from_slice(salt);
        context.encode_into(&mut info)?;
        info.push(FIRST_BLOCK);
        let mut expanded = Zeroizing::new([0; KEY + COMMITMENT]);
        hmac::sign_to_buffer(&self.extracted, &info, expanded.as_mut_slice()).ok()?;
        let (key, commitment) = expanded.split_first_chunk()?;
        Some(MessageKey { key: Zeroizing::new(*key), commitment: commitment.try_into().ok()? })
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The key of one message, and what a header says to commit to it.
pub(super) struct MessageKey {
    key: Zeroizing<[u8; KEY]>,
    commitment: [u8; COMMITMENT],
}

impl MessageKey {
    pub(super) const fn commitment(&self) -> &[u8; COMMITMENT] {
        &self.commitment
    }

    pub(super) fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.key.as_slice()).ok().map(LessSafeKey::new)
    }
}

/// Makes the digests that stand in item keys for what a customer wrote. It is the same in every version of a tenant's keys.
#[derive(Clone)]
pub struct IndexKey(hmac::Key);

impl IndexKey {
    fn new(key: &[u8; KEY]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// HMAC-SHA-256 over `length of kind u64 || kind || text`, as 64 lower-case hex digits. The length keeps kind and text apart.
    #[must_use]
    pub fn digest(&self, kind: &str, text: &str) -> String {
        let mut mac = hmac::Context::with_key(&self.0);
        mac.update(&(kind.len() as u64).to_be_bytes());
        mac.update(kind.as_bytes());
        mac.update(text.as_bytes());
        hex::encode(mac.sign())
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexKey").finish_non_exhaustive()
    }
}

/// The keys of one tenant that are at hand: always the current version, and the older ones that were asked for.
pub struct TenantKeys {
    tenant_id: String,
    current: u32,
    index: IndexKey,
    versions: BTreeMap<u32, Arc<DataKey>>,
}

impl TenantKeys {
    /// The keys of a key item whose current version was unwrapped to `material`. They seal at most `max_seals` times, and not at all if
    /// that version is marked open-only. The caller has found the item [readable](KeyItem::readable).
    ///
    /// # Errors
    /// [`KeyFault::Version`] if the item does not hold its current version.
    pub fn from_item(item: &KeyItem, material: &KeyMaterial, max_seals: u64) -> Result<Self, KeyFault> {
        let current = item.current;
        let seals = match item.versions.get(&current).ok_or(KeyFault::Version(current))?.usage {
            Usage::SealAndOpen => max_seals,
            Usage::OpenOnly => 0,
        };
        let (data, index) = material.split()?;
        let versions = BTreeMap::from([(current, Arc::new(DataKey::new(current, seals, data)?))]);
        Ok(Self { tenant_id: item.tenant_id.clone(), current, index: IndexKey::new(index), versions })
    }

    /// The same keys and one more, to open with. The current version and the count of its seals stay as they are.
    ///
    /// # Errors
    /// [`KeyFault::Version`] if `version` is 0.
    pub fn with_version(&self, version: u32, material: &KeyMaterial) -> Result<Self, KeyFault> {
        let (data, _) = material.split()?;
        let mut versions = self.versions.clone();
        if !self.holds(version) {
            versions.insert(version, Arc::new(DataKey::new(version, 0, data)?));
        }
        Ok(Self { tenant_id: self.tenant_id.clone(), current: self.current, index: self.index.clone(), versions })
    }

    /// The tenant whose keys these are.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        &self.tenant_id
    }

    /// The version that seals.
    #[must_use]
    pub const fn current(&self) -> u32 {
        self.current
    }

    /// Whether what `version` sealed can be opened.
    #[must_use]
    pub fn holds(&self, version: u32) -> bool {
        self.versions.contains_key(&version)
    }

    /// The key for digests in item keys.
    #[must_use]
    pub const fn index(&self) -> &IndexKey {
        &self.index
    }

    /// Seals `plaintext` for this tenant and this place, under the current version. The result is 88 bytes longer.
    ///
    /// # Errors
    /// [`SealFault`]; nothing was sealed then.
    pub fn seal(&self, random: &dyn Random, place: &Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealFault> {
        let key = self.versions.get(&self.current).ok_or(SealFault::Exhausted)?;
        cell::seal(key, random, &place.of(&self.tenant_id), plaintext)
    }

    /// Opens what was sealed for this tenant and this place.
    ///
    /// # Errors
    /// [`OpenFault::Format`], [`OpenFault::KeyVersion`] if that version is not among these keys, and for everything else
    /// [`OpenFault::Auth`].
    pub fn open(&self, place: &Place<'_>, cell: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenFault> {
        let cell = Cell::parse(cell)?;
        let key = self.versions.get(&cell.version()).ok_or(OpenFault::KeyVersion(cell.version()))?;
        cell.open(key, &place.of(&self.tenant_id))
    }

    /// Begins to seal a blob for this tenant and this place, under the current version; its header comes with it.
    ///
    /// # Errors
    /// [`SealFault`]; nothing was sealed then.
    pub fn blob_sealer(
        &self,
        random: &dyn Random,
        place: &Place<'_>,
        frame_size: FrameSize,
    ) -> Result<(blob::Sealer, [u8; blob::HEADER]), SealFault> {
        let key = self.versions.get(&self.current).ok_or(SealFault::Exhausted)?;
        blob::Sealer::begin(key, random, &place.of(&self.tenant_id), frame_size)
    }

    /// Begins to open the blob that was sealed for this tenant and this place, and of which `seen` is kept.
    ///
    /// # Errors
    /// [`OpenFault::Format`], [`OpenFault::KeyVersion`] if that version is not among these keys, and for everything else, another blob
    /// included, [`OpenFault::Auth`].
    pub fn blob_opener(&self, place: &Place<'_>, header: &[u8; blob::HEADER], seen: &blob::Seen) -> Result<blob::Opener, OpenFault> {
        let version = blob::open::version(header)?;
        let key = self.versions.get(&version).ok_or(OpenFault::KeyVersion(version))?;
        blob::Opener::begin(key, &place.of(&self.tenant_id), header, seen)
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantKeys").field("tenant_id", &self.tenant_id).field("current", &self.current).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
