//! What is inside a record's cell: one byte that says how the rest is packed, then JSON of the record, its name and its schema version.
//!
//! The name is in here, and only its digest in the item's key, because customers choose names.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::item::Damaged;
use super::kind::Kind;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// Below this many bytes zstd's frame costs more than it saves.
const WORTH_PACKING: usize = 512;

/// No record unpacks to more: a bound against a packed bomb, well above what an item can hold.
const LARGEST: usize = 4 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Packed<R> {
    schema: u16,
    name: String,
    record: R,
}

/// The bytes to seal. Equal records give equal bytes.
pub(super) fn pack<K: Kind>(name: &str, record: &K) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    let packed = Packed { schema: K::SCHEMA, name: name.to_owned(), record };
    let json = Zeroizing::new(serde_json::to_vec(&packed).map_err(|_| Damaged("cell"))?);
    let (packing, bytes) = if json.len() > WORTH_PACKING {
        (ZSTD, Zeroizing::new(zstd::bulk::compress(&json, 3).map_err(|_| Damaged("cell"))?))
    } else {
        (PLAIN, json)
    };
    let mut plaintext = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
    plaintext.push(packing);
    plaintext.extend_from_slice(&bytes);
    Ok(plaintext)
}

/// What a cell held.
pub(super) struct Unpacked<K> {
    pub(super) name: String,
    pub(super) value: K,
    /// The length of the JSON.
    pub(super) bytes: usize,
}

/// The record and its name, from the bytes that were sealed.
pub(super) fn unpack<K: Kind>(packed: &[u8]) -> Result<Unpacked<K>, Damaged> {
    let (&packing, bytes) = packed.split_first().ok_or(Damaged("cell"))?;
    let unpacked;
    let json = match packing {
        PLAIN => bytes,
        ZSTD => {
            unpacked = Zeroizing::new(zstd::bulk::decompress(bytes, LARGEST).map_err(|_| Damaged("cell"))?);
            unpacked.as_slice()
        }
        _ => return Err(Damaged("cell")),
    };
    let packed: Packed<K> = serde_json::from_slice(json).map_err(|_| Damaged("cell"))?;
    Ok(Unpacked { name: packed.name, value: packed.record, bytes: json.len() })
}

#[cfg(test)]
mod tests {
    use super::super::kind::Life;
    use super::super::register::{CONFIGURATION, KindRow};
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note(String);
    impl Kind for Note {
        const ROW: &'static KindRow = &CONFIGURATION;
        const SCHEMA: u16 = 1;
        const LIFE: Life = Life::Tenancy;
    }

    #[test]
    fn short_and_long_records_come_back_and_long_ones_are_packed() {
        for length in [0, 10, 511, 512, 513, 100_000] {
            let note = Note("n".repeat(length));
            let packed = pack("a name", &note).unwrap();
            let unpacked = unpack::<Note>(&packed).unwrap();
            assert_eq!((unpacked.name.as_str(), &unpacked.value), ("a name", &note));
            assert!(length < 1_000 || packed.len() < length / 10);
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in [&b""[..], b"\x00", b"\x00{}", b"\x01not zstd", b"\x02{}"] {
            assert!(unpack::<Note>(bytes).is_err());
        }
    }
}
