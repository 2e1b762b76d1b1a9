//! What the tests of the embedded AWS share: a world with one table, and clients that do not retry.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use shared::platform::clock::ManualClock;

use super::{EmbeddedAws, IndexSpec, Key, Projection, TableSpec};

pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(1_800_000_000))
}

/// An empty world with the table of [`pairs`], and its clock.
pub(super) fn world() -> (EmbeddedAws, Arc<ManualClock>) {
    let clock = clock();
    let aws = EmbeddedAws::in_memory(clock.clone()).unwrap();
    aws.create_table(&pairs()).unwrap();
    (aws, clock)
}

/// `pairs`: items by `id`, expiring at `expires_at`, with a sparse index by `due`.
pub(super) fn pairs() -> TableSpec {
    let due = IndexSpec {
        name: "due".to_owned(),
        partition_key: Key::string("due"),
        sort_key: Some(Key::string("id")),
        projection: Projection::KeysOnly,
    };
    TableSpec {
        name: "pairs".to_owned(),
        partition_key: Key::string("id"),
        sort_key: None,
        indexes: vec![due],
        ttl_attribute: Some("expires_at".to_owned()),
    }
}

pub(super) fn config(aws: &EmbeddedAws) -> SdkConfig {
    aws.sdk_config().into_builder().retry_config(RetryConfig::disabled()).build()
}

pub(super) fn dynamodb(aws: &EmbeddedAws) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&config(aws))
}

pub(super) fn kms(aws: &EmbeddedAws) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::new(&config(aws))
}

pub(super) fn s3(aws: &EmbeddedAws) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(&config(aws))
}

pub(super) fn sqs(aws: &EmbeddedAws) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&config(aws))
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) async fn put(aws: &EmbeddedAws, id: &str, value: &str) -> Result<(), SdkError<PutItemError>> {
    dynamodb(aws).put_item().table_name("pairs").item("id", text(id)).item("value", text(value)).send().await.map(|_| ())
}

pub(super) async fn get(aws: &EmbeddedAws, id: &str) -> Option<HashMap<String, AttributeValue>> {
    dynamodb(aws).get_item().table_name("pairs").key("id", text(id)).consistent_read(true).send().await.unwrap().item
}
