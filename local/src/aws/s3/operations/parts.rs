//! `UploadPart` and `ListParts`.

use s3s::dto::{ChecksumAlgorithm, ListPartsInput, ListPartsOutput, Part as PartOutput, StorageClass, UploadPartInput, UploadPartOutput};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::Operations;
use super::list::limit;
use super::multipart::no_upload;
use crate::aws::s3::checksum::{Algorithm, Extent, given_checksum, hex, tell_checksum};
use crate::aws::s3::receive::Claim;
use crate::aws::s3::record::{Part, length, timestamp};

impl Operations {
    pub(super) async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let mut input = request.input;
        let number = input.part_number;
        if !(1..=10_000).contains(&number) {
            return Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"));
        }
        let upload = self.store.shelves().bucket(&input.bucket)?.upload(&input.key, &input.upload_id).cloned().ok_or_else(no_upload)?;
        let (checksum, md5, promised) = (given_checksum!(input)?, input.content_md5.take(), input.checksum_algorithm.as_ref());
        let claim = Claim::read(&request.headers, request.trailing_headers, input.content_length, md5, checksum, promised)?;
        check_algorithm(upload.checksum, claim.algorithm())?;
        let otherwise = upload.checksum.map(|(algorithm, _)| algorithm);
        let received = self.store.receive(&input.bucket, input.body.take(), &claim, otherwise).await?;
        let part =
            Part { number, modified_millis: self.store.now(), md5: received.md5, checksum: received.checksum, piece: received.piece };
        let mut output = UploadPartOutput {
            e_tag: Some(s3s::dto::ETag::Strong(hex(&part.md5))),
            server_side_encryption: Some(upload.attributes.encryption.algorithm()),
            ssekms_key_id: upload.attributes.encryption.key_id,
            bucket_key_enabled: upload.attributes.encryption.bucket_key,
            ..UploadPartOutput::default()
        };
        tell_checksum!(&part.checksum => output);
        let mut shelves = self.store.shelves();
        let shelf = shelves.bucket(&input.bucket)?;
        // It may have ended while the bytes came.
        shelf.upload(&input.key, &input.upload_id).ok_or_else(no_upload)?;
        shelf.add_part(&input.key, &input.upload_id, part).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(output))
    }

    pub(super) async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let ListPartsInput { bucket, key, upload_id, max_parts, part_number_marker, .. } = request.input;
        let most = limit(max_parts, "max-parts")?;
        let mut shelves = self.store.shelves();
        let upload = shelves.bucket(&bucket)?.upload(&key, &upload_id).ok_or_else(no_upload)?;
        let after = part_number_marker.unwrap_or(0);
        let mut ahead = upload.parts.range(after.saturating_add(1)..).map(|(_, part)| part);
        let listed: Vec<PartOutput> = ahead.by_ref().take(most).map(said).collect();
        Ok(S3Response::new(ListPartsOutput {
            is_truncated: Some(ahead.next().is_some()),
            next_part_number_marker: listed.last().and_then(|part| part.part_number),
            parts: Some(listed),
            part_number_marker: Some(after),
            max_parts: i32::try_from(most).ok(),
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: upload.checksum.map(|(_, extent)| extent.kind()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            bucket: Some(bucket),
            key: Some(key),
            upload_id: Some(upload_id),
            ..ListPartsOutput::default()
        }))
    }
}

/// A part comes with the checksum that its upload was begun with, or with none if the upload counts all bytes in the end. For an upload
/// that was begun without, it may still be CRC32, because the SDK sends that unasked.
fn check_algorithm(upload: Option<(Algorithm, Extent)>, given: Option<Algorithm>) -> S3Result<()> {
    let name = |algorithm: Option<Algorithm>| algorithm.map_or("null", Algorithm::name).to_ascii_lowercase();
    match (upload, given) {
        (None, None | Some(Algorithm::Crc32)) | (Some((_, Extent::Whole)), None) => Ok(()),
        (Some((expected, _)), Some(given)) if expected == given => Ok(()),
        (expected, given) => {
            let (expected, given) = (name(expected.map(|(algorithm, _)| algorithm)), name(given));
            Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {given}"
            ))
        }
    }
}

fn said(part: &Part) -> PartOutput {
    let mut output = PartOutput {
        part_number: Some(part.number),
        e_tag: Some(s3s::dto::ETag::Strong(hex(&part.md5))),
        size: Some(length(part.piece.size)),
        last_modified: Some(timestamp(part.modified_millis)),
        ..PartOutput::default()
    };
    tell_checksum!(&part.checksum => output);
    output
}
