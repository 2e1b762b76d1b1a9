//! `GetBucketVersioning` and `PutBucketVersioning`. A bucket that never had versions and one that has them no longer are told alike: neither
//! names a status, where AWS would call the second suspended.

use s3s::dto::{
    BucketVersioningStatus, GetBucketVersioningInput, GetBucketVersioningOutput, PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result};

use super::Operations;
use crate::aws::BucketSpec;

impl Operations {
    pub(super) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let versioned = self.store.shelves().bucket(&request.input.bucket)?.spec.versioned;
        let status = versioned.then(|| BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED));
        Ok(S3Response::new(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() }))
    }

    pub(super) async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let PutBucketVersioningInput { bucket, versioning_configuration: wanted, .. } = request.input;
        let spec = self.store.shelves().bucket(&bucket)?.spec.clone();
        let versioned = wanted.status.is_some_and(|status| status.as_str() == BucketVersioningStatus::ENABLED);
        self.store.create_bucket(&BucketSpec { versioned, ..spec }).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }
}
