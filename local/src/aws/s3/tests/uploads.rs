//! Uploads in parts.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart};

use super::{World, bytes, code, sha256, text};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn parts_become_one_object_that_is_read_across_them() {
    let world = World::plain();
    let upload = world.begin("k").await;
    let last = world.part("k", &upload, 7, b"the end".to_vec()).await;
    let first = world.part("k", &upload, 2, vec![b'a'; 5 * MIB]).await;
    let left_out = world.part("k", &upload, 9, b"left out".to_vec()).await;
    assert_eq!(world.get("k").await.unwrap_err(), "NoSuchKey");
    let etag = world.complete("k", &upload, vec![first, last]).await.unwrap();
    assert!(etag.ends_with("-2\""), "{etag}");
    assert_eq!(world.names(), ["bucket/k"]);
    let range = format!("bytes={}-{}", 5 * MIB - 2, 5 * MIB + 2);
    let across = world.s3.get_object().bucket("bucket").key("k").range(range).send().await.unwrap();
    assert_eq!(text(across.body).await, "aathe");
    let whole = world.s3.get_object().bucket("bucket").key("k").send().await.unwrap().body.collect().await.unwrap().to_vec();
    assert_eq!((whole.len(), &whole[5 * MIB..]), (5 * MIB + 7, &b"the end"[..]));
    let part = world.s3.get_object().bucket("bucket").key("k").part_number(2).send().await.unwrap();
    assert_eq!((part.parts_count(), text(part.body).await.as_str()), (Some(2), "the end"));
    assert_eq!(world.complete("k", &upload, vec![left_out]).await.unwrap_err(), "NoSuchUpload");
    assert_eq!(world.aws.places_of(b"left out").unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_part_is_among_the_files_until_its_upload_is_aborted() {
    let world = World::plain();
    let upload = world.begin("k").await;
    world.part("k", &upload, 1, b"a part".to_vec()).await;
    world.part("k", &upload, 1, b"in its place".to_vec()).await;
    assert_eq!(world.names(), [format!("bucket/k#{upload}#1")]);
    assert_eq!(world.aws.places_of(b"a part").unwrap(), Vec::<String>::new());
    assert_eq!(world.aws.places_of(b"in its place").unwrap(), [format!("bucket/k#{upload}#1")]);
    let abort = || world.s3.abort_multipart_upload().bucket("bucket").key("k").upload_id(&upload).send();
    abort().await.unwrap();
    assert!(world.names().is_empty());
    assert_eq!(code(&abort().await.unwrap_err()), "NoSuchUpload");
    let late = world.s3.upload_part().bucket("bucket").key("k").upload_id(&upload).part_number(1).body(bytes("late")).send().await;
    assert_eq!(code(&late.unwrap_err()), "NoSuchUpload");
}

#[tokio::test]
async fn an_upload_is_completed_with_the_parts_that_were_sent_in_their_order() {
    let world = World::plain();
    let upload = world.begin("k").await;
    let (one, two) = (world.part("k", &upload, 1, vec![1]).await, world.part("k", &upload, 2, vec![2]).await);
    let other = CompletedPart::builder().part_number(1).e_tag(two.e_tag().unwrap()).build();
    let missing = CompletedPart::builder().part_number(3).e_tag(two.e_tag().unwrap()).build();
    for (parts, refusal) in [
        (vec![two.clone(), one.clone()], "InvalidPartOrder"),
        (vec![one.clone(), one.clone()], "InvalidPartOrder"),
        (vec![other], "InvalidPart"),
        (vec![one.clone(), missing], "InvalidPart"),
        (vec![one.clone(), two], "EntityTooSmall"),
        (vec![], "MalformedXML"),
    ] {
        assert_eq!(world.complete("k", &upload, parts).await.unwrap_err(), refusal);
    }
    assert_eq!(world.complete("other", &upload, vec![one.clone()]).await.unwrap_err(), "NoSuchUpload");
    world.complete("k", &upload, vec![one]).await.unwrap();
}

#[tokio::test]
async fn an_upload_is_completed_only_where_no_object_is() {
    let world = World::plain();
    let upload = world.begin("k").await;
    let part = world.part("k", &upload, 1, b"x".to_vec()).await;
    world.put("k", "there").await;
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = || {
        let request = world.s3.complete_multipart_upload().bucket("bucket").key("k").upload_id(&upload);
        request.multipart_upload(parts.clone()).if_none_match("*").send()
    };
    assert_eq!(code(&complete().await.unwrap_err()), "PreconditionFailed");
    world.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
    complete().await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), "x");
}

#[tokio::test]
async fn a_part_with_a_wrong_checksum_is_refused_and_leaves_what_was_there() {
    let world = World::plain();
    let create = world.s3.create_multipart_upload().bucket("bucket").key("k").checksum_algorithm(ChecksumAlgorithm::Sha256);
    let upload = create.send().await.unwrap().upload_id.unwrap();
    let part = |body: &'static str, checksum: String| {
        let part = world.s3.upload_part().bucket("bucket").key("k").upload_id(&upload).part_number(1);
        part.body(bytes(body)).checksum_sha256(checksum).send()
    };
    let right = part("right", sha256(b"right")).await.unwrap();
    assert_eq!(code(&part("wrong", sha256(b"right")).await.unwrap_err()), "BadDigest");
    let other = world.s3.upload_part().bucket("bucket").key("k").upload_id(&upload).part_number(1).body(bytes("x"));
    let other = other.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.unwrap_err();
    assert_eq!(code(&other), "InvalidRequest");
    // The checksum of each part is told again, and the object's is made of them.
    let named = CompletedPart::builder().part_number(1).set_e_tag(right.e_tag);
    assert_eq!(world.complete("k", &upload, vec![named.clone().build()]).await.unwrap_err(), "InvalidRequest");
    let wrong = named.clone().checksum_sha256(sha256(b"wrong")).build();
    assert_eq!(world.complete("k", &upload, vec![wrong]).await.unwrap_err(), "InvalidPart");
    world.complete("k", &upload, vec![named.checksum_sha256(sha256(b"right")).build()]).await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), "right");
    let head = world.s3.head_object().bucket("bucket").key("k").checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"right");
    assert_eq!(head.checksum_sha256(), Some(format!("{}-1", sha256(digest.as_ref())).as_str()));
    assert_eq!(head.checksum_type(), Some(&ChecksumType::Composite));
}

#[tokio::test]
async fn the_checksum_of_the_whole_is_counted_over_all_parts() {
    let world = World::plain();
    let create = world.s3.create_multipart_upload().bucket("bucket").key("k").checksum_algorithm(ChecksumAlgorithm::Crc32);
    let upload = create.checksum_type(ChecksumType::FullObject).send().await.unwrap().upload_id.unwrap();
    let (one, two) = (world.part("k", &upload, 1, vec![b'a'; 5 * MIB]).await, world.part("k", &upload, 2, b"b".to_vec()).await);
    world.complete("k", &upload, vec![one, two]).await.unwrap();
    // The SDK counts again while it reads, and fails if that is not the same.
    let got = world.s3.get_object().bucket("bucket").key("k").send().await.unwrap();
    assert!(got.checksum_crc32().is_some());
    let read = got.body.collect().await.unwrap().to_vec();
    let put = world.s3.put_object().bucket("bucket").key("same").body(ByteStream::from(read)).send().await.unwrap();
    let head = world.s3.head_object().bucket("bucket").key("k").checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(put.checksum_crc32(), head.checksum_crc32());
}

#[tokio::test]
async fn an_upload_keeps_what_was_said_when_it_was_begun() {
    let world = World::versioned();
    let create = world.s3.create_multipart_upload().bucket("bucket").key("k").content_type("text/plain").metadata("shape", "round");
    let upload = create.send().await.unwrap().upload_id.unwrap();
    assert_eq!(world.aws.places_of(b"round").unwrap(), [format!("bucket/k#{upload} (metadata)")]);
    let part = world.part("k", &upload, 1, b"x".to_vec()).await;
    world.complete("k", &upload, vec![part]).await.unwrap();
    let head = world.s3.head_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!((head.content_type(), head.metadata().unwrap()["shape"].as_str()), (Some("text/plain"), "round"));
    assert!(head.version_id().is_some());
}

#[tokio::test]
async fn a_part_has_no_checksum_but_the_one_its_upload_was_begun_with() {
    let world = World::plain();
    let upload = world.begin("k").await;
    let part = world.s3.upload_part().bucket("bucket").key("k").upload_id(&upload).part_number(1).body(bytes("x"));
    assert_eq!(code(&part.checksum_sha256(sha256(b"x")).send().await.unwrap_err()), "InvalidRequest");
    let create = world.s3.create_multipart_upload().bucket("bucket").key("k").checksum_algorithm(ChecksumAlgorithm::Sha256);
    assert_eq!(code(&create.checksum_type(ChecksumType::FullObject).send().await.unwrap_err()), "InvalidRequest");
    assert!(world.names().is_empty());
}
