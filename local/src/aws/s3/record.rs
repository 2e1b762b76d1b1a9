//! What is known of an object, a delete marker, an unfinished upload and its parts: the JSON that lies beside the bytes.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use s3s::dto::{ETag, ServerSideEncryption, Timestamp};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::blob::Piece;
use super::checksum::{Algorithm, Checksum, Extent};

/// The version id of whatever a bucket without versions holds.
pub(super) const NULL: &str = "null";

/// How many bytes a client's own metadata may have, names and values together.
const MOST_METADATA: usize = 2048;

/// One version of an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) key: String,
    pub(super) id: String,
    /// Later versions have greater ones.
    pub(super) sequence: u64,
    pub(super) modified_millis: i64,
    /// A delete marker has none.
    pub(super) content: Option<Content>,
}

/// What an object holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Content {
    /// Without quotes.
    pub(super) etag: String,
    pub(super) size: u64,
    pub(super) pieces: Vec<Piece>,
    pub(super) checksum: Option<Checksum>,
    pub(super) attributes: Attributes,
    /// The upload that it was made by, if it came in parts.
    pub(super) upload: Option<String>,
}

/// What a client says of an object, and how it is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attributes {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) encryption: Encryption,
}

/// How it is said to be encrypted. Nothing is: the bytes lie on disk as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Encryption {
    algorithm: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) bucket_key: Option<bool>,
}

/// An upload in parts that is neither finished nor aborted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) id: String,
    pub(super) begun_millis: i64,
    pub(super) attributes: Attributes,
    pub(super) checksum: Option<(Algorithm, Extent)>,
    /// Each has a record of its own.
    #[serde(skip)]
    pub(super) parts: BTreeMap<i32, Part>,
}

/// One part of an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) number: i32,
    pub(super) modified_millis: i64,
    pub(super) md5: Vec<u8>,
    pub(super) checksum: Option<Checksum>,
    pub(super) piece: Piece,
}

impl Version {
    pub(super) fn is_marker(&self) -> bool {
        self.content.is_none()
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        self.content.as_ref().map(|content| content.pieces.as_slice()).unwrap_or_default()
    }
}

impl Content {
    pub(super) fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }
}

impl Attributes {
    /// # Errors
    /// `MetadataTooLarge`.
    pub(super) fn checked(self) -> S3Result<Self> {
        let size: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MOST_METADATA {
            return Err(s3_error!(MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size."));
        }
        Ok(self)
    }
}

/// What these inputs say of an object: the same fields in each of them.
macro_rules! attributes {
    ($input:expr) => {
        $crate::aws::s3::record::Attributes {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            metadata: $input.metadata.take().unwrap_or_default().into_iter().collect(),
            encryption: $crate::aws::s3::record::Encryption::new(
                $input.server_side_encryption.take(),
                $input.ssekms_key_id.take(),
                $input.bucket_key_enabled,
            ),
        }
        .checked()
    };
}

pub(super) use attributes;

impl Encryption {
    pub(super) fn new(algorithm: Option<ServerSideEncryption>, key_id: Option<String>, bucket_key: Option<bool>) -> Self {
        Self { algorithm: algorithm.map(|algorithm| algorithm.as_str().to_owned()), key_id, bucket_key }
    }

    /// As the answer says it: what was asked for, or what AWS does unasked.
    pub(super) fn algorithm(&self) -> ServerSideEncryption {
        let asked = self.algorithm.clone();
        asked.map_or_else(|| ServerSideEncryption::from_static(ServerSideEncryption::AES256), ServerSideEncryption::from)
    }
}

/// Milliseconds since 1970 as S3 says times. A time before 1970 is 1970.
pub(super) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// A length as the API counts it.
pub(super) fn length(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
