//! `PutObject`.

use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result};

use super::Operations;
use crate::aws::s3::checksum::{Algorithm, given_checksum, hex, tell_checksum};
use crate::aws::s3::condition::Condition;
use crate::aws::s3::receive::Claim;
use crate::aws::s3::record::{Content, NULL, attributes, length};

impl Operations {
    pub(super) async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = request.input;
        let attributes = attributes!(input)?;
        let condition = Condition::of_write(input.if_match.take(), input.if_none_match.take())?;
        let checksum = given_checksum!(input)?;
        let md5 = input.content_md5.take();
        let promised = input.checksum_algorithm.as_ref();
        let claim = Claim::read(&request.headers, request.trailing_headers, input.content_length, md5, checksum, promised)?;
        let received = self.store.receive(&input.bucket, input.body.take(), &claim, Some(Algorithm::Crc64Nvme)).await?;
        let content = Content {
            etag: hex(&received.md5),
            size: received.piece.size,
            pieces: vec![received.piece],
            checksum: received.checksum,
            attributes,
            upload: None,
        };
        let version = self.store.put(&input.bucket, &input.key, content.clone(), &condition, "PutObject")?;
        let mut output = PutObjectOutput {
            e_tag: Some(content.etag()),
            checksum_type: content.checksum.as_ref().map(|checksum| checksum.extent.kind()),
            server_side_encryption: Some(content.attributes.encryption.algorithm()),
            ssekms_key_id: content.attributes.encryption.key_id.clone(),
            bucket_key_enabled: content.attributes.encryption.bucket_key,
            size: Some(length(content.size)),
            version_id: Some(version.id).filter(|id| id != NULL),
            ..PutObjectOutput::default()
        };
        tell_checksum!(&content.checksum => output);
        Ok(S3Response::new(output))
    }
}
