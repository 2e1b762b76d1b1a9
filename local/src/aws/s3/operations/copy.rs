//! `CopyObject`: the bytes are read and written again, as one part, so that the `ETag` is that of the whole as AWS makes it.

use futures::stream;
use s3s::dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective, StreamingBlob};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Operations;
use super::get::find_content;
use crate::aws::s3::blob::Reader;
use crate::aws::s3::checksum::{Algorithm, hex, tell_checksum};
use crate::aws::s3::condition::Condition;
use crate::aws::s3::receive::Claim;
use crate::aws::s3::record::{Content, Encryption, NULL, attributes, timestamp};

impl Operations {
    pub(super) async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let mut input = request.input;
        let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "A header you provided implies functionality that is not implemented"));
        };
        let (version, source) = find_content(self.store.shelves().bucket(bucket)?, key, version_id.as_deref())?;
        let condition = Condition {
            if_match: input.copy_source_if_match.take(),
            if_none_match: input.copy_source_if_none_match.take(),
            modified_since: input.copy_source_if_modified_since.take(),
            unmodified_since: input.copy_source_if_unmodified_since.take(),
        };
        // A copy that is not wanted is refused; only a reader can be told that it has it already.
        let wanted = condition.check_read(&source, version.modified_millis);
        wanted.map_err(|_| s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold"))?;
        let replaces = input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replaces && version_id.is_none() && **bucket == *input.bucket && **key == *input.key {
            let message =
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.";
            return Err(s3_error!(InvalidRequest, "{message}"));
        }
        let mut attributes = source.attributes.clone();
        if replaces {
            attributes = attributes!(input)?;
        } else {
            attributes.encryption =
                Encryption::new(input.server_side_encryption.take(), input.ssekms_key_id.take(), input.bucket_key_enabled);
        }
        let asked = input.checksum_algorithm.as_ref().map(|algorithm| Algorithm::named(algorithm.as_str())).transpose()?;
        let algorithm = asked.or(source.checksum.map(|checksum| checksum.algorithm)).unwrap_or(Algorithm::Crc64Nvme);
        let body = StreamingBlob::wrap(stream::iter(Reader::new(source.pieces, 0..source.size)));
        let received = self.store.receive(&input.bucket, Some(body), &Claim::of_length(source.size), Some(algorithm)).await?;
        let content = Content {
            etag: hex(&received.md5),
            size: received.piece.size,
            pieces: vec![received.piece],
            checksum: received.checksum,
            attributes,
            upload: None,
        };
        let copy = self.store.put(&input.bucket, &input.key, content.clone(), &Condition::default(), "CopyObject")?;
        let mut result = CopyObjectResult {
            e_tag: Some(content.etag()),
            last_modified: Some(timestamp(copy.modified_millis)),
            checksum_type: content.checksum.as_ref().map(|checksum| checksum.extent.kind()),
            ..CopyObjectResult::default()
        };
        tell_checksum!(&content.checksum => result);
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: Some(version.id).filter(|id| id != NULL),
            server_side_encryption: Some(content.attributes.encryption.algorithm()),
            ssekms_key_id: content.attributes.encryption.key_id,
            bucket_key_enabled: content.attributes.encryption.bucket_key,
            version_id: Some(copy.id).filter(|id| id != NULL),
            ..CopyObjectOutput::default()
        }))
    }
}
