//! Taking in the bytes of a request: to disk as they come, counted on the way, and checked against all that the client said of them before
//! anybody can see them. What does not agree leaves nothing.

use std::fs::File;
use std::io::Write;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use s3s::dto::{ChecksumAlgorithm, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};

use super::blob::Piece;
use super::checksum::{Algorithm, Checksum, Hasher, hex};
use super::store::Store;

/// The most that one request may bring: 5 GiB.
const MOST: u64 = 5 * 1024 * 1024 * 1024;

/// What a client says of the bytes that it sends.
#[derive(Debug, Default)]
pub(super) struct Claim {
    length: Option<u64>,
    md5: Option<Vec<u8>>,
    checksum: Option<Checksum>,
    /// The checksum that comes after the bytes.
    trailer: Option<(Algorithm, TrailingHeaders)>,
    /// Its `x-amz-content-sha256`, if that is a hash. s3s checks it of a request that is signed in its header, but not of a presigned one.
    payload: Option<String>,
}

/// What came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) piece: Piece,
    pub(super) md5: Vec<u8>,
    pub(super) checksum: Option<Checksum>,
}

impl Claim {
    /// # Errors
    /// `InvalidDigest`, `InvalidRequest`, `EntityTooLarge`: whatever is wrong before the first byte.
    pub(super) fn read(
        headers: &HeaderMap,
        trailers: Option<TrailingHeaders>,
        length: Option<i64>,
        md5: Option<String>,
        checksum: Option<Checksum>,
        promised: Option<&ChecksumAlgorithm>,
    ) -> S3Result<Self> {
        let md5 = md5.map(|md5| STANDARD.decode(md5).ok().filter(|digest| digest.len() == 16).ok_or_else(invalid_md5)).transpose()?;
        let announced = headers.get("x-amz-trailer").and_then(|name| name.to_str().ok()).and_then(Algorithm::of_header);
        let trailer = announced.zip(trailers);
        if promised.is_some() && checksum.is_none() && trailer.is_none() {
            let message =
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.";
            return Err(s3_error!(InvalidRequest, "{message}"));
        }
        let length = length.map(|length| u64::try_from(length).unwrap_or(0));
        if length.is_some_and(|length| length > MOST) {
            return Err(too_large());
        }
        let payload = headers.get("x-amz-content-sha256").and_then(|hash| hash.to_str().ok());
        let payload = payload.filter(|hash| hash.len() == 64).map(str::to_owned);
        Ok(Self { length, md5, checksum, trailer, payload })
    }

    /// A claim about nothing but the length.
    pub(super) fn of_length(length: u64) -> Self {
        Self { length: Some(length), ..Self::default() }
    }

    /// The checksum that the client makes.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        let given = self.checksum.as_ref().map(|checksum| checksum.algorithm);
        given.or_else(|| self.trailer.as_ref().map(|(algorithm, _)| *algorithm))
    }

    /// # Errors
    /// What AWS says to bytes that are not those that were meant.
    fn check(&self, size: u64, md5: &[u8], checksum: Option<&Checksum>, payload: &[u8]) -> S3Result<()> {
        match self.length {
            Some(length) if length != size => return Err(incomplete()),
            None if size > 0 => return Err(s3_error!(MissingContentLength, "You must provide the Content-Length HTTP header.")),
            _ => {}
        }
        if self.payload.as_ref().is_some_and(|claimed| *claimed != hex(payload)) {
            return Err(other_payload());
        }
        if self.md5.as_ref().is_some_and(|claimed| claimed != md5) {
            return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
        }
        let trailing = self.trailer.as_ref().map(|(algorithm, trailers)| {
            let value = trailers.read(|headers| headers.get(algorithm.header()).and_then(|value| value.to_str().ok()).map(str::to_owned));
            Checksum::read(*algorithm, value.flatten().unwrap_or_default())
        });
        let claimed = trailing.transpose()?.or_else(|| self.checksum.clone());
        match (claimed, checksum) {
            (Some(claimed), Some(counted)) if claimed.algorithm == counted.algorithm && claimed.value != counted.value => {
                Err(s3_error!(BadDigest, "The {} you specified did not match the calculated checksum.", counted.algorithm.name()))
            }
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Takes in a body as a new blob of a bucket. Without a checksum of the client's, one by `otherwise` is kept.
    pub(super) async fn receive(
        &self,
        bucket: &str,
        body: Option<StreamingBlob>,
        claim: &Claim,
        otherwise: Option<Algorithm>,
    ) -> S3Result<Received> {
        let folder = self.shelves().bucket(bucket)?.blobs();
        let (mut piece, mut file) = Piece::create(&folder, self.fresh_name()?).map_err(S3Error::internal_error)?;
        let mut counter = Counter { hasher: Hasher::new(claim.algorithm().or(otherwise)), payload: Context::new(&SHA256), size: 0 };
        if let Some(mut body) = body {
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|cause| broken_off(&cause.to_string()))?;
                counter.take(&chunk, &mut file, claim.payload.is_some())?;
            }
        }
        let (md5, checksum) = counter.hasher.finish();
        claim.check(counter.size, &md5, checksum.as_ref(), counter.payload.finish().as_ref())?;
        piece.size = counter.size;
        Ok(Received { piece, md5, checksum })
    }
}

struct Counter {
    hasher: Hasher,
    payload: Context,
    size: u64,
}

impl Counter {
    fn take(&mut self, chunk: &[u8], file: &mut File, with_payload: bool) -> S3Result<()> {
        self.size = self.size.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if self.size > MOST {
            return Err(too_large());
        }
        self.hasher.update(chunk);
        if with_payload {
            self.payload.update(chunk);
        }
        file.write_all(chunk).map_err(S3Error::internal_error)
    }
}

/// s3s checks a signed body as it passes it on, and says what is wrong in words alone.
fn broken_off(cause: &str) -> S3Error {
    match cause {
        cause if cause.contains("Sha256Mismatch") => other_payload(),
        cause if cause.contains("SignatureMismatch") => s3_error!(SignatureDoesNotMatch, "A chunk's signature does not match."),
        _ => incomplete(),
    }
}

fn other_payload() -> S3Error {
    let code = S3ErrorCode::from_bytes(b"XAmzContentSHA256Mismatch").unwrap_or(S3ErrorCode::BadDigest);
    let mut refused = S3Error::with_message(code, "The provided 'x-amz-content-sha256' header does not match what was computed.");
    refused.set_status_code(StatusCode::BAD_REQUEST);
    refused
}

fn incomplete() -> S3Error {
    s3_error!(IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

fn invalid_md5() -> S3Error {
    s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid.")
}

fn too_large() -> S3Error {
    s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
}
