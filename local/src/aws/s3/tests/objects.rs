//! Putting, getting, copying and deleting in a bucket without versions.

use aws_sdk_s3::types::{ChecksumMode, Delete, MetadataDirective, ObjectAttributes, ObjectIdentifier, ServerSideEncryption};

use super::{World, bytes, code, sha256, status, text};
use crate::aws::{StartFault, testing};

#[tokio::test]
async fn an_object_is_read_whole_and_by_range() {
    let world = World::plain();
    world.put("tenant/object", "0123456789").await;
    assert_eq!(world.get("tenant/object").await.unwrap(), "0123456789");
    for (range, told, body) in
        [("bytes=2-4", "bytes 2-4/10", "234"), ("bytes=7-99", "bytes 7-9/10", "789"), ("bytes=-2", "bytes 8-9/10", "89")]
    {
        let got = world.s3.get_object().bucket("bucket").key("tenant/object").range(range).send().await.unwrap();
        assert_eq!((got.content_range(), got.content_length()), (Some(told), i64::try_from(body.len()).ok()), "{range}");
        assert_eq!(text(got.body).await, body);
    }
    let beyond = world.s3.get_object().bucket("bucket").key("tenant/object").range("bytes=10-").send().await.unwrap_err();
    assert_eq!((status(&beyond), code(&beyond).as_str()), (416, "InvalidRange"));
}

#[tokio::test]
async fn an_object_comes_back_with_all_that_was_said_of_it() {
    let world = World::plain();
    let put = world.s3.put_object().bucket("bucket").key("k").body(bytes("x")).content_type("text/plain").metadata("shape", "round");
    let put = put.cache_control("no-store").content_disposition("attachment").content_encoding("identity").content_language("en");
    let put = put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id("arn:key").bucket_key_enabled(true);
    let stored = put.send().await.unwrap();
    assert_eq!(stored.e_tag(), Some("\"9dd4e461268c8034f5c8564e155c67a6\""));
    assert_eq!((stored.server_side_encryption(), stored.ssekms_key_id()), (Some(&ServerSideEncryption::AwsKms), Some("arn:key")));
    let head = world.s3.head_object().bucket("bucket").key("k").send().await.unwrap();
    let words = [head.content_type(), head.cache_control(), head.content_disposition(), head.content_encoding(), head.content_language()];
    assert_eq!(words, ["text/plain", "no-store", "attachment", "identity", "en"].map(Some));
    assert_eq!(head.metadata().unwrap()["shape"], "round");
    assert_eq!((head.ssekms_key_id(), head.bucket_key_enabled(), head.content_length()), (Some("arn:key"), Some(true), Some(1)));
    assert_eq!(head.last_modified().unwrap().secs(), 1_800_000_000);
    let missing = world.s3.head_object().bucket("bucket").key("other").send().await.unwrap_err();
    assert_eq!(status(&missing), 404);
}

#[tokio::test]
async fn a_wrong_checksum_is_refused_and_leaves_nothing() {
    let world = World::plain();
    let put = || world.s3.put_object().bucket("bucket").key("k").body(bytes("right"));
    let wrong = put().checksum_sha256(sha256(b"wrong")).send().await.unwrap_err();
    assert_eq!((status(&wrong), code(&wrong).as_str()), (400, "BadDigest"));
    let wrong = put().content_md5("rL0Y20zC+Fzt72VPzMSk2A==").send().await.unwrap_err();
    assert_eq!(code(&wrong), "BadDigest");
    assert_eq!(code(&put().content_md5("short").send().await.unwrap_err()), "InvalidDigest");
    assert_eq!(code(&put().checksum_sha256("c2hvcnQ=").send().await.unwrap_err()), "InvalidRequest");
    assert_eq!(world.names(), Vec::<String>::new());
    assert_eq!(world.aws.places_of(b"right").unwrap(), Vec::<String>::new());
    // What was there before stays.
    put().checksum_sha256(sha256(b"right")).send().await.unwrap();
    let wrong = world.s3.put_object().bucket("bucket").key("k").body(bytes("new")).checksum_sha256(sha256(b"wrong"));
    wrong.send().await.unwrap_err();
    assert_eq!(world.get("k").await.unwrap(), "right");
}

#[tokio::test]
async fn a_checksum_is_told_to_whoever_asks() {
    let world = World::plain();
    let put = world.s3.put_object().bucket("bucket").key("k").body(bytes("x")).checksum_sha256(sha256(b"x"));
    assert_eq!(put.send().await.unwrap().checksum_sha256(), Some(sha256(b"x").as_str()));
    let head = world.s3.head_object().bucket("bucket").key("k");
    assert_eq!(head.clone().send().await.unwrap().checksum_sha256(), None);
    assert_eq!(head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap().checksum_sha256(), Some(sha256(b"x").as_str()));
    let asked = world.s3.get_object_attributes().bucket("bucket").key("k");
    let asked = asked.object_attributes(ObjectAttributes::Checksum).object_attributes(ObjectAttributes::ObjectSize).send().await.unwrap();
    assert_eq!((asked.checksum().unwrap().checksum_sha256(), asked.object_size()), (Some(sha256(b"x").as_str()), Some(1)));
}

#[tokio::test]
async fn a_deleted_object_is_gone_and_may_be_deleted_again() {
    let world = World::plain();
    world.put("k", "x").await;
    for _ in 0..2 {
        world.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
        assert_eq!(world.get("k").await.unwrap_err(), "NoSuchKey");
    }
    assert_eq!(world.names(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_deleted_while_it_is_read_is_read_to_its_end() {
    let world = World::plain();
    let body = "x".repeat(1024 * 1024);
    world.put("k", &body).await;
    let got = world.s3.get_object().bucket("bucket").key("k").send().await.unwrap();
    world.put("k", "new").await;
    world.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(text(got.body).await, body);
}

#[tokio::test]
async fn a_thousand_objects_are_deleted_at_once_and_no_more() {
    let world = World::plain();
    for key in ["a", "b", "stays"] {
        world.put(key, "x").await;
    }
    let named = |keys: &[&str]| {
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(*key).build().unwrap()).collect();
        Delete::builder().set_objects(Some(objects)).build().unwrap()
    };
    let request = world.s3.delete_objects().bucket("bucket").delete(named(&["a", "b", "never there"]));
    assert_eq!(request.send().await.unwrap().deleted().len(), 3);
    assert_eq!(world.names(), ["bucket/stays"]);
    let many = world.s3.delete_objects().bucket("bucket").delete(named(&["stays"; 1001])).send().await.unwrap_err();
    assert_eq!(code(&many), "MalformedXML");
}

#[tokio::test]
async fn a_copy_keeps_what_was_said_of_its_source_or_takes_what_is_new() {
    let world = World::plain();
    world.s3.put_object().bucket("bucket").key("a b/ü").body(bytes("x")).metadata("shape", "round").send().await.unwrap();
    let copy = || world.s3.copy_object().bucket("bucket").key("copy").copy_source("bucket/a%20b/%C3%BC");
    copy().send().await.unwrap();
    let metadata = async || world.s3.head_object().bucket("bucket").key("copy").send().await.unwrap().metadata.unwrap_or_default();
    assert_eq!(metadata().await["shape"], "round");
    copy().metadata_directive(MetadataDirective::Replace).metadata("size", "small").send().await.unwrap();
    assert_eq!(metadata().await.keys().collect::<Vec<_>>(), ["size"]);
    assert_eq!(world.get("copy").await.unwrap(), "x");
    let gone = world.s3.copy_object().bucket("bucket").key("copy").copy_source("bucket/missing").send().await.unwrap_err();
    assert_eq!(code(&gone), "NoSuchKey");
}

#[tokio::test]
async fn too_much_metadata_is_refused() {
    let world = World::plain();
    let put = world.s3.put_object().bucket("bucket").key("k").body(bytes("x")).metadata("long", "x".repeat(2045));
    assert_eq!(code(&put.send().await.unwrap_err()), "MetadataTooLarge");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named_as_such() {
    let world = World::plain();
    let put = world.s3.put_object().bucket("other").key("k").body(bytes("x")).send().await.unwrap_err();
    assert_eq!((status(&put), code(&put).as_str()), (404, "NoSuchBucket"));
    assert_eq!(status(&world.s3.head_bucket().bucket("other").send().await.unwrap_err()), 404);
    world.s3.head_bucket().bucket("bucket").send().await.unwrap();
}

#[tokio::test]
async fn a_bucket_name_that_s3_would_refuse_is_refused() {
    let (aws, _) = testing::world();
    for name in ["..", "a", "Upper", "a/b"] {
        assert!(matches!(aws.create_bucket(name), Err(StartFault::BucketNameRefused(_))));
    }
}
