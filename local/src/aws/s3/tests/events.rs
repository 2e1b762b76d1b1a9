//! What `EventBridge` hears.

use super::{World, bytes};
use crate::aws::s3::BucketSpec;

#[tokio::test]
async fn each_new_object_is_told_once_and_in_order() {
    let world = World::with(&BucketSpec { versioned: true, notifies: true, ..BucketSpec::plain("bucket") });
    let version = world.put("a b/ü", "five!").await.unwrap();
    world.s3.copy_object().bucket("bucket").key("copy").copy_source("bucket/a%20b/%C3%BC").send().await.unwrap();
    let upload = world.begin("parts").await;
    let part = world.part("parts", &upload, 1, b"x".to_vec()).await;
    world.complete("parts", &upload, vec![part]).await.unwrap();
    world.s3.delete_object().bucket("bucket").key("copy").send().await.unwrap();

    let told = world.aws.take_notifications();
    let reasons: Vec<&str> = told.iter().map(|event| event["detail"]["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["PutObject", "CopyObject", "CompleteMultipartUpload"]);
    let event = &told[0];
    assert_eq!((event["source"].as_str(), event["detail-type"].as_str()), (Some("aws.s3"), Some("Object Created")));
    assert_eq!((event["time"].as_str(), event["region"].as_str()), (Some("2027-01-15T08:00:00Z"), Some("eu-west-1")));
    assert_eq!(event["resources"][0], "arn:aws:s3:::bucket");
    assert_eq!(event["detail"]["bucket"]["name"], "bucket");
    let object = &event["detail"]["object"];
    assert_eq!((object["key"].as_str(), object["size"].as_u64()), (Some("a b/ü"), Some(5)));
    assert_eq!((object["version-id"].as_str(), object["etag"].as_str().map(str::len)), (Some(version.as_str()), Some(32)));
    let order: Vec<&str> = told.iter().map(|event| event["detail"]["object"]["sequencer"].as_str().unwrap()).collect();
    assert!(order.is_sorted());
    assert!(world.aws.take_notifications().is_empty());
}

#[tokio::test]
async fn a_bucket_that_does_not_notify_and_an_object_that_is_refused_tell_nothing() {
    let world = World::plain();
    world.put("k", "x").await;
    world.aws.create_bucket(&BucketSpec { notifies: true, ..BucketSpec::plain("bucket") }).unwrap();
    world.s3.put_object().bucket("bucket").key("k").if_none_match("*").body(bytes("y")).send().await.unwrap_err();
    assert!(world.aws.take_notifications().is_empty());
}
