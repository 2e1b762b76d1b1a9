//! The operations of S3 that there are. Whatever else is asked is answered `NotImplemented`.

mod copy;
mod delete;
mod get;
mod list;
mod multipart;
mod parts;
mod put;
mod versioning;

use std::pin::Pin;
use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::store::Store;

/// s3s calls these; each is a method of the same name in a file of this folder.
pub(super) struct Operations {
    store: Arc<Store>,
}

impl Operations {
    pub(super) const fn on(store: Arc<Store>) -> Self {
        Self { store }
    }
}

/// The trait wants boxed futures; the methods are written as what they are.
macro_rules! operations {
    ($($method:ident: $input:ident => $output:ident,)+) => {
        impl s3s::S3 for Operations {
            $(fn $method<'this, 'answer>(
                &'this self,
                request: S3Request<$input>,
            ) -> Pin<Box<dyn Future<Output = S3Result<S3Response<$output>>> + Send + 'answer>>
            where
                'this: 'answer,
                Self: 'answer,
            {
                Box::pin(Self::$method(self, request))
            })+
        }
    };
}

operations! {
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput,
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput,
    copy_object: CopyObjectInput => CopyObjectOutput,
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput,
    delete_object: DeleteObjectInput => DeleteObjectOutput,
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput,
    get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput,
    get_object: GetObjectInput => GetObjectOutput,
    get_object_attributes: GetObjectAttributesInput => GetObjectAttributesOutput,
    head_bucket: HeadBucketInput => HeadBucketOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput,
    list_object_versions: ListObjectVersionsInput => ListObjectVersionsOutput,
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
    list_parts: ListPartsInput => ListPartsOutput,
    put_bucket_versioning: PutBucketVersioningInput => PutBucketVersioningOutput,
    put_object: PutObjectInput => PutObjectOutput,
    upload_part: UploadPartInput => UploadPartOutput,
}
