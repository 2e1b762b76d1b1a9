//! S3 as the official SDK and a browser meet it.

mod conditions;
mod crash;
mod events;
mod lifecycle;
mod listings;
mod objects;
mod socket;
mod uploads;
mod versions;

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shared::platform::clock::ManualClock;

use crate::aws::s3::BucketSpec;
use crate::aws::{EmbeddedAws, testing};

/// A world with one bucket, `bucket`.
struct World {
    aws: EmbeddedAws,
    clock: Arc<ManualClock>,
    s3: Client,
}

impl World {
    fn plain() -> Self {
        Self::with(&BucketSpec::plain("bucket"))
    }

    fn versioned() -> Self {
        Self::with(&BucketSpec { versioned: true, ..BucketSpec::plain("bucket") })
    }

    fn with(spec: &BucketSpec) -> Self {
        let clock = testing::clock();
        let aws = EmbeddedAws::in_memory(clock.clone()).unwrap();
        aws.create_bucket(spec).unwrap();
        Self { s3: testing::s3(&aws), aws, clock }
    }

    /// Puts an object and gives its version.
    async fn put(&self, key: &str, body: &str) -> Option<String> {
        self.s3.put_object().bucket("bucket").key(key).body(bytes(body)).send().await.unwrap().version_id
    }

    async fn get(&self, key: &str) -> Result<String, String> {
        let got = self.s3.get_object().bucket("bucket").key(key).send().await.map_err(|refused| code(&refused))?;
        Ok(text(got.body).await)
    }

    async fn begin(&self, key: &str) -> String {
        self.s3.create_multipart_upload().bucket("bucket").key(key).send().await.unwrap().upload_id.unwrap()
    }

    /// Uploads a part and gives what completing wants to hear of it.
    async fn part(&self, key: &str, upload: &str, number: i32, body: Vec<u8>) -> CompletedPart {
        let part = self.s3.upload_part().bucket("bucket").key(key).upload_id(upload).part_number(number);
        let sent = part.body(ByteStream::from(body)).send().await.unwrap();
        CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build()
    }

    /// Completes an upload and gives the code of the refusal, if it is one.
    async fn complete(&self, key: &str, upload: &str, parts: Vec<CompletedPart>) -> Result<String, String> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.s3.complete_multipart_upload().bucket("bucket").key(key).upload_id(upload).multipart_upload(parts);
        request.send().await.map(|done| done.e_tag.unwrap()).map_err(|refused| code(&refused))
    }

    fn names(&self) -> Vec<String> {
        self.aws.files().unwrap().into_keys().collect()
    }
}

fn bytes(body: &str) -> ByteStream {
    ByteStream::from(body.as_bytes().to_vec())
}

async fn text(body: ByteStream) -> String {
    String::from_utf8(body.collect().await.unwrap().to_vec()).unwrap()
}

/// The code of a refusal.
fn code<E: ProvideErrorMetadata + std::fmt::Debug>(refused: &SdkError<E>) -> String {
    refused.code().unwrap_or_else(|| panic!("no refusal by S3: {refused:?}")).to_owned()
}

fn status<E>(refused: &SdkError<E>) -> u16 {
    refused.raw_response().unwrap().status().as_u16()
}

fn sha256(body: &[u8]) -> String {
    STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body))
}
