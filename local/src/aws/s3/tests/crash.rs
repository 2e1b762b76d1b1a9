//! What a new start finds, also after a crash in the middle.

use std::fs;
use std::path::Path;

use super::World;
use crate::aws::s3::BucketSpec;
use crate::aws::{EmbeddedAws, testing};

fn open(folder: &Path) -> World {
    let clock = testing::clock();
    let aws = EmbeddedAws::in_folder(folder, clock.clone()).unwrap();
    aws.create_bucket(&BucketSpec { versioned: true, ..BucketSpec::plain("bucket") }).unwrap();
    World { s3: testing::s3(&aws), aws, clock }
}

#[tokio::test]
async fn a_new_start_finds_versions_markers_and_uploads() {
    let folder = tempfile::tempdir().unwrap();
    let (upload, part) = {
        let world = open(folder.path());
        world.put("../k", "1").await;
        world.put("../k", "2").await;
        world.put("deleted", "3").await;
        world.s3.delete_object().bucket("bucket").key("deleted").send().await.unwrap();
        let upload = world.begin("parts").await;
        let part = world.part("parts", &upload, 1, b"a part".to_vec()).await;
        (upload, part)
    };
    let world = open(folder.path());
    assert_eq!(world.names().len(), 4);
    assert_eq!(world.get("../k").await.unwrap(), "2");
    assert_eq!(world.get("deleted").await.unwrap_err(), "NoSuchKey");
    // The clock stands still, and yet what comes now is newer.
    world.put("../k", "3").await;
    assert_eq!(open(folder.path()).get("../k").await.unwrap(), "3");
    world.complete("parts", &upload, vec![part]).await.unwrap();
    assert_eq!(open(folder.path()).get("parts").await.unwrap(), "a part");
}

#[tokio::test]
async fn what_was_half_written_is_not_there_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).put("k", "whole").await;
    let bucket = folder.path().join("objects/bucket");
    fs::write(bucket.join("blobs/unfinished"), "bytes without a record").unwrap();
    fs::write(bucket.join("versions/unfinished.new"), "{\"key\":").unwrap();
    fs::create_dir(bucket.join("uploads/unfinished")).unwrap();
    let world = open(folder.path());
    assert_eq!(world.names(), ["bucket/k"]);
    for (part, left) in [("blobs", 1), ("versions", 1), ("uploads", 0)] {
        assert_eq!(fs::read_dir(bucket.join(part)).unwrap().count(), left, "{part}");
    }
}

#[tokio::test]
async fn an_upload_that_became_an_object_in_the_crash_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = folder.path().join("objects/bucket/uploads");
    let aside = tempfile::tempdir().unwrap();
    let upload = {
        let world = open(folder.path());
        let upload = world.begin("k").await;
        let part = world.part("k", &upload, 1, b"x".to_vec()).await;
        for name in ["upload.json", "1.json"] {
            fs::copy(uploads.join(&upload).join(name), aside.path().join(name)).unwrap();
        }
        world.complete("k", &upload, vec![part]).await.unwrap();
        upload
    };
    // As if the process had ended between the two.
    fs::create_dir(uploads.join(&upload)).unwrap();
    for name in ["upload.json", "1.json"] {
        fs::copy(aside.path().join(name), uploads.join(&upload).join(name)).unwrap();
    }
    let world = open(folder.path());
    assert!(world.s3.list_multipart_uploads().bucket("bucket").send().await.unwrap().uploads().is_empty());
    assert_eq!(world.get("k").await.unwrap(), "x");
}
