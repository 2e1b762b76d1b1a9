//! `CreateMultipartUpload`, `CompleteMultipartUpload` and `AbortMultipartUpload`. Completing copies no byte: the object is the list of its
//! parts.

use std::collections::{BTreeMap, BTreeSet};

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::Operations;
use crate::aws::s3::blob::Reader;
use crate::aws::s3::checksum::{Algorithm, Checksum, Extent, Hasher, given_checksum, hex, tell_checksum};
use crate::aws::s3::condition::Condition;
use crate::aws::s3::record::{Content, NULL, Part, Upload, attributes, length};
use crate::aws::s3::store::Occasion;

/// Every part but the last has at least this: 5 MiB.
const LEAST: u64 = 5 * 1024 * 1024;

impl Operations {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut input = request.input;
        let attributes = attributes!(input)?;
        let algorithm = input.checksum_algorithm.as_ref().map(|algorithm| Algorithm::named(algorithm.as_str())).transpose()?;
        let checksum = algorithm.map(|algorithm| Extent::asked(algorithm, input.checksum_type.as_ref()).map(|extent| (algorithm, extent)));
        let checksum = checksum.transpose()?;
        let (fresh, now) = (self.store.fresh_name()?, self.store.now());
        let mut shelves = self.store.shelves();
        // Ids grow with time: a listing goes by key, then by beginning, and a page goes on behind an id.
        let id = format!("{:016x}{fresh}", shelves.next_sequence(now));
        let upload = Upload { key: input.key.clone(), id: id.clone(), begun_millis: now, attributes, checksum, parts: BTreeMap::new() };
        let encryption = upload.attributes.encryption.clone();
        shelves.bucket(&input.bucket)?.begin(upload).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: checksum.map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: checksum.map(|(_, extent)| extent.kind()),
            server_side_encryption: Some(encryption.algorithm()),
            ssekms_key_id: encryption.key_id,
            bucket_key_enabled: encryption.bucket_key,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let AbortMultipartUploadInput { bucket, key, upload_id, .. } = request.input;
        let mut shelves = self.store.shelves();
        let shelf = shelves.bucket(&bucket)?;
        shelf.upload(&key, &upload_id).ok_or_else(no_upload)?;
        shelf.end(&key, &upload_id, &BTreeSet::new()).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let mut input = request.input;
        let condition = Condition::of_write(input.if_match.take(), input.if_none_match.take())?;
        let claimed = given_checksum!(input)?;
        let named = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
        let upload = self.store.shelves().bucket(&input.bucket)?.upload(&input.key, &input.upload_id).cloned().ok_or_else(no_upload)?;
        let parts = chosen(&upload, named)?;
        let size = parts.iter().map(|part| part.piece.size).sum();
        if input.mpu_object_size.is_some_and(|given| given != length(size)) {
            return Err(s3_error!(InvalidRequest, "The provided 'x-amz-mp-object-size' header does not match what was computed."));
        }
        let checksum = checksum(&upload, &parts).await?;
        match (&claimed, &checksum) {
            (Some(claimed), Some(counted)) if !agrees(claimed, counted) => {
                return Err(s3_error!(BadDigest, "The {} you specified did not match the calculated checksum.", counted.algorithm.name()));
            }
            _ => {}
        }
        let md5s: Vec<u8> = parts.iter().flat_map(|part| part.md5.iter().copied()).collect();
        let content = Content {
            etag: format!("{}-{}", hex(&Md5::checksum(&md5s)), parts.len()),
            size,
            pieces: parts.iter().map(|part| part.piece.clone()).collect(),
            checksum,
            attributes: upload.attributes,
            upload: Some(upload.id),
        };
        let version = self.finish(&input, content.clone(), &parts, &condition)?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(content.etag()),
            checksum_type: content.checksum.as_ref().map(|checksum| checksum.extent.kind()),
            server_side_encryption: Some(content.attributes.encryption.algorithm()),
            ssekms_key_id: content.attributes.encryption.key_id.clone(),
            bucket_key_enabled: content.attributes.encryption.bucket_key,
            version_id: Some(version).filter(|id| id != NULL),
            ..CompleteMultipartUploadOutput::default()
        };
        tell_checksum!(&content.checksum => output);
        Ok(S3Response::new(output))
    }

    /// Makes the object and ends the upload; the parts that were chosen must still be what they were.
    fn finish(&self, input: &CompleteMultipartUploadInput, content: Content, parts: &[Part], condition: &Condition) -> S3Result<String> {
        let (fresh, now) = (self.store.fresh_name()?, self.store.now());
        let mut shelves = self.store.shelves();
        let upload = shelves.bucket(&input.bucket)?.upload(&input.key, &input.upload_id).ok_or_else(no_upload)?;
        let same = |part: &Part| upload.parts.get(&part.number).is_some_and(|there| there.piece.name == part.piece.name);
        if !parts.iter().all(same) {
            return Err(invalid_part());
        }
        let kept = parts.iter().map(|part| part.piece.name.clone()).collect();
        let occasion = Occasion { fresh, now, reason: "CompleteMultipartUpload" };
        let version = shelves.put(&input.bucket, &input.key, content, condition, occasion)?;
        shelves.bucket(&input.bucket)?.end(&input.key, &input.upload_id, &kept).map_err(S3Error::internal_error)?;
        Ok(version.id)
    }
}

/// The checksum of the object to be, if its upload was begun with an algorithm: of its parts' checksums, or of all its bytes.
async fn checksum(upload: &Upload, parts: &[Part]) -> S3Result<Option<Checksum>> {
    let Some((algorithm, extent)) = upload.checksum else { return Ok(None) };
    if extent == Extent::Parts {
        return Ok(Some(Checksum::of_parts(algorithm, parts.iter().filter_map(|part| part.checksum.as_ref()))));
    }
    let size = parts.iter().map(|part| part.piece.size).sum();
    let mut hasher = Hasher::new(Some(algorithm));
    for chunk in Reader::new(parts.iter().map(|part| part.piece.clone()).collect(), 0..size) {
        hasher.update(&chunk.map_err(S3Error::internal_error)?);
        tokio::task::yield_now().await;
    }
    Ok(hasher.finish().1)
}

/// The parts that the request names, in its order.
///
/// # Errors
/// `MalformedXML`, `InvalidPartOrder`, `InvalidPart`, `InvalidRequest`, `EntityTooSmall`.
fn chosen(upload: &Upload, named: Vec<CompletedPart>) -> S3Result<Vec<Part>> {
    let malformed = || s3_error!(MalformedXML, "The XML you provided was not well-formed or did not validate against our published schema");
    let numbers: Vec<i32> = named.iter().map(|part| part.part_number.ok_or_else(malformed)).collect::<S3Result<_>>()?;
    if numbers.is_empty() {
        return Err(malformed());
    }
    if !numbers.iter().zip(numbers.iter().skip(1)).all(|(one, next)| one < next) {
        return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number."));
    }
    let parts: Vec<Part> = numbers.iter().zip(named).map(|(number, named)| chosen_part(upload, *number, named)).collect::<S3Result<_>>()?;
    if parts.iter().rev().skip(1).any(|part| part.piece.size < LEAST) {
        return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
    }
    Ok(parts)
}

fn chosen_part(upload: &Upload, number: i32, mut named: CompletedPart) -> S3Result<Part> {
    let part = upload.parts.get(&number).ok_or_else(invalid_part)?;
    if named.e_tag.as_ref().is_none_or(|etag| etag.value() != hex(&part.md5)) {
        return Err(invalid_part());
    }
    let claimed = given_checksum!(named)?;
    if let (Some((algorithm, Extent::Parts)), None) = (upload.checksum, &claimed) {
        let name = algorithm.name().to_ascii_lowercase();
        let message = "The complete request must include the checksum for each part.";
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created using a {name} checksum. {message} It was missing for part {number} in the request."
        ));
    }
    if claimed.is_some() && claimed != part.checksum {
        return Err(invalid_part());
    }
    Ok(part.clone())
}

/// A composite checksum may be claimed without the number of parts.
fn agrees(claimed: &Checksum, counted: &Checksum) -> bool {
    let digest = counted.value.split('-').next();
    claimed.algorithm == counted.algorithm && (claimed.value == counted.value || Some(claimed.value.as_str()) == digest)
}

pub(super) fn no_upload() -> S3Error {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    s3_error!(NoSuchUpload, "{message}")
}

fn invalid_part() -> S3Error {
    s3_error!(InvalidPart, "One or more of the specified parts could not be found, or its entity tag does not match.")
}
