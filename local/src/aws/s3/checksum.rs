//! Checksums: the MD5 that makes an `ETag`, and the one more (a CRC or SHA) that AWS keeps of an object or a part.
//!
//! Of an object of parts it is either that of all bytes, or "composite": the checksum of the parts' checksums and their number.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{self, ChecksumType};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// How a checksum is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As the API names it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header that carries it.
    pub(super) fn header(self) -> String {
        format!("x-amz-checksum-{}", self.name().to_ascii_lowercase())
    }

    pub(super) fn named(name: &str) -> S3Result<Self> {
        let found = Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))
    }

    /// The algorithm whose header this is.
    pub(super) fn of_header(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.header().eq_ignore_ascii_case(name.trim()))
    }

    /// Whether the checksum of a whole can be asked for when it comes in parts.
    const fn covers_whole(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }

    const fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// What is counted: all bytes, or the checksums of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Extent {
    Whole,
    Parts,
}

impl Extent {
    /// What an upload with this algorithm counts, as its beginning asked.
    pub(super) fn asked(algorithm: Algorithm, kind: Option<&ChecksumType>) -> S3Result<Self> {
        match kind.map(ChecksumType::as_str) {
            None if algorithm == Algorithm::Crc64Nvme => Ok(Self::Whole),
            Some(ChecksumType::FULL_OBJECT) if algorithm.covers_whole() => Ok(Self::Whole),
            None => Ok(Self::Parts),
            Some(ChecksumType::COMPOSITE) if algorithm != Algorithm::Crc64Nvme => Ok(Self::Parts),
            Some(kind) => {
                Err(s3_error!(InvalidRequest, "The {kind} checksum type cannot be used with the {} checksum algorithm.", algorithm.name()))
            }
        }
    }

    pub(super) fn kind(self) -> ChecksumType {
        ChecksumType::from_static(match self {
            Self::Whole => ChecksumType::FULL_OBJECT,
            Self::Parts => ChecksumType::COMPOSITE,
        })
    }
}

/// A checksum in base64, followed by the number of parts if it is composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) extent: Extent,
    pub(super) value: String,
}

impl Checksum {
    /// The one that a request carries, if it carries any.
    pub(super) fn given(fields: dto::Checksum) -> S3Result<Option<Self>> {
        let values = [
            (Algorithm::Crc32, fields.checksum_crc32),
            (Algorithm::Crc32c, fields.checksum_crc32c),
            (Algorithm::Crc64Nvme, fields.checksum_crc64nvme),
            (Algorithm::Sha1, fields.checksum_sha1),
            (Algorithm::Sha256, fields.checksum_sha256),
        ];
        let mut given = values.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
        let Some((algorithm, value)) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err(s3_error!(InvalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."));
        }
        Self::read(algorithm, value).map(Some)
    }

    /// A value from a request.
    pub(super) fn read(algorithm: Algorithm, value: String) -> S3Result<Self> {
        let (digest, extent) = match value.rsplit_once('-') {
            Some((digest, _parts)) => (digest, Extent::Parts),
            None => (value.as_str(), Extent::Whole),
        };
        if STANDARD.decode(digest).is_ok_and(|digest| digest.len() == algorithm.length()) {
            return Ok(Self { algorithm, extent, value });
        }
        Err(s3_error!(InvalidRequest, "Value for {} header is invalid.", algorithm.header()))
    }

    /// The checksum of the parts' checksums.
    pub(super) fn of_parts<'a>(algorithm: Algorithm, parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut hasher = Hasher::new(Some(algorithm));
        let mut count = 0;
        for part in parts {
            hasher.update(&STANDARD.decode(&part.value).unwrap_or_default());
            count += 1;
        }
        let digest = hasher.finish().1.map(|whole| whole.value).unwrap_or_default();
        Self { algorithm, extent: Extent::Parts, value: format!("{digest}-{count}") }
    }

    /// In the field of its algorithm.
    pub(super) fn fields(&self) -> dto::Checksum {
        let mut fields = dto::Checksum { checksum_type: Some(self.extent.kind()), ..dto::Checksum::default() };
        let value = Some(self.value.clone());
        match self.algorithm {
            Algorithm::Crc32 => fields.checksum_crc32 = value,
            Algorithm::Crc32c => fields.checksum_crc32c = value,
            Algorithm::Crc64Nvme => fields.checksum_crc64nvme = value,
            Algorithm::Sha1 => fields.checksum_sha1 = value,
            Algorithm::Sha256 => fields.checksum_sha256 = value,
        }
        fields
    }
}

/// The checksum that an input carries: five fields of the same names everywhere.
macro_rules! given_checksum {
    ($input:expr) => {
        $crate::aws::s3::checksum::Checksum::given(s3s::dto::Checksum {
            checksum_crc32: $input.checksum_crc32.take(),
            checksum_crc32c: $input.checksum_crc32c.take(),
            checksum_crc64nvme: $input.checksum_crc64nvme.take(),
            checksum_sha1: $input.checksum_sha1.take(),
            checksum_sha256: $input.checksum_sha256.take(),
            checksum_type: None,
        })
    };
}

/// Puts a checksum, if there is one, into the same five fields of an output.
macro_rules! tell_checksum {
    ($checksum:expr => $output:expr) => {
        if let Some(checksum) = $checksum {
            let fields = checksum.fields();
            $output.checksum_crc32 = fields.checksum_crc32;
            $output.checksum_crc32c = fields.checksum_crc32c;
            $output.checksum_crc64nvme = fields.checksum_crc64nvme;
            $output.checksum_sha1 = fields.checksum_sha1;
            $output.checksum_sha256 = fields.checksum_sha256;
        }
    };
}

pub(super) use {given_checksum, tell_checksum};

/// Counts bytes as they come by.
pub(super) struct Hasher {
    md5: Md5,
    algorithm: Option<Algorithm>,
    chosen: ChecksumHasher,
}

impl Hasher {
    pub(super) fn new(algorithm: Option<Algorithm>) -> Self {
        let mut chosen = ChecksumHasher::default();
        match algorithm {
            None => {}
            Some(Algorithm::Crc32) => chosen.crc32 = Some(Crc32::new()),
            Some(Algorithm::Crc32c) => chosen.crc32c = Some(Crc32c::new()),
            Some(Algorithm::Crc64Nvme) => chosen.crc64nvme = Some(Crc64Nvme::new()),
            Some(Algorithm::Sha1) => chosen.sha1 = Some(Sha1::new()),
            Some(Algorithm::Sha256) => chosen.sha256 = Some(Sha256::new()),
        }
        Self { md5: Md5::new(), algorithm, chosen }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.chosen.update(bytes);
    }

    /// The MD5, and the checksum that was asked for.
    pub(super) fn finish(self) -> (Vec<u8>, Option<Checksum>) {
        let fields = self.chosen.finalize();
        let values =
            [fields.checksum_crc32, fields.checksum_crc32c, fields.checksum_crc64nvme, fields.checksum_sha1, fields.checksum_sha256];
        let value = values.into_iter().flatten().next();
        let checksum = self.algorithm.zip(value).map(|(algorithm, value)| Checksum { algorithm, extent: Extent::Whole, value });
        (self.md5.finalize().to_vec(), checksum)
    }
}

/// Bytes in lowercase hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
