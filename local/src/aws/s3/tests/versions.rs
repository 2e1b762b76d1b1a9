//! A bucket with versions.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::{World, code, status, text};
use crate::aws::s3::BucketSpec;

#[tokio::test]
async fn what_is_overwritten_stays_as_a_version() {
    let world = World::versioned();
    let (first, second) = (world.put("k", "1").await.unwrap(), world.put("k", "2").await.unwrap());
    assert_ne!(first, second);
    assert_eq!(world.get("k").await.unwrap(), "2");
    let old = world.s3.get_object().bucket("bucket").key("k").version_id(&first).send().await.unwrap();
    assert_eq!(old.version_id(), Some(first.as_str()));
    assert_eq!(text(old.body).await, "1");
    assert_eq!(world.names(), ["bucket/k".to_owned(), format!("bucket/k#{first}")]);
}

#[tokio::test]
async fn a_deleted_object_is_covered_by_a_marker_and_comes_back_when_that_goes() {
    let world = World::versioned();
    let first = world.put("k", "1").await.unwrap();
    let deleted = world.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(deleted.delete_marker(), Some(true));
    let marker = deleted.version_id.unwrap();
    let gone = world.s3.get_object().bucket("bucket").key("k").send().await.unwrap_err();
    assert_eq!((code(&gone).as_str(), gone.raw_response().unwrap().headers().get("x-amz-delete-marker")), ("NoSuchKey", Some("true")));
    let asked = world.s3.get_object().bucket("bucket").key("k").version_id(&marker).send().await.unwrap_err();
    assert_eq!((status(&asked), code(&asked).as_str()), (405, "MethodNotAllowed"));
    assert!(world.aws.places_of(first.as_bytes()).unwrap().iter().any(|place| place.starts_with("bucket/k#")));
    let undone = world.s3.delete_object().bucket("bucket").key("k").version_id(&marker).send().await.unwrap();
    assert_eq!((undone.delete_marker(), undone.version_id()), (Some(true), Some(marker.as_str())));
    assert_eq!(world.get("k").await.unwrap(), "1");
}

#[tokio::test]
async fn a_version_that_is_deleted_is_gone_for_good() {
    let world = World::versioned();
    let (first, second) = (world.put("k", "one").await.unwrap(), world.put("k", "two").await.unwrap());
    world.s3.delete_object().bucket("bucket").key("k").version_id(&second).send().await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), "one");
    assert_eq!(world.aws.places_of(b"two").unwrap(), Vec::<String>::new());
    let get = |id: &str| world.s3.get_object().bucket("bucket").key("k").version_id(id).send();
    assert_eq!(code(&get(&second).await.unwrap_err()), "NoSuchVersion");
    assert_eq!(code(&get("made up").await.unwrap_err()), "InvalidArgument");
    get(&first).await.unwrap();
}

#[tokio::test]
async fn versions_and_markers_are_deleted_at_once() {
    let world = World::versioned();
    world.put("k", "1").await;
    world.put("k", "2").await;
    world.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
    let listed = world.s3.list_object_versions().bucket("bucket").send().await.unwrap();
    let versions = listed.versions().iter().filter_map(|one| one.version_id());
    let markers = listed.delete_markers().iter().filter_map(|one| one.version_id());
    let objects = versions.chain(markers).map(|id| ObjectIdentifier::builder().key("k").version_id(id).build().unwrap()).collect();
    let delete = Delete::builder().set_objects(Some(objects)).build().unwrap();
    let mark = world.aws.calls().mark();
    let done = world.s3.delete_objects().bucket("bucket").delete(delete).send().await.unwrap();
    assert_eq!((done.deleted().len(), done.errors().len()), (3, 0));
    assert!(world.aws.files().unwrap().is_empty());
    let needs = &world.aws.calls().since(mark)[0].needs;
    assert_eq!((needs[0].action.as_str(), needs[0].resource.as_str(), needs.len()), ("s3:DeleteObjectVersion", "bucket/*", 1));
    assert!(world.s3.list_object_versions().bucket("bucket").send().await.unwrap().versions().is_empty());
}

#[tokio::test]
async fn a_bucket_that_gets_or_loses_versions_keeps_what_it_has() {
    let world = World::plain();
    assert_eq!(world.put("k", "before").await, None);
    world.aws.create_bucket(&BucketSpec { versioned: true, ..BucketSpec::plain("bucket") }).unwrap();
    let second = world.put("k", "with versions").await.unwrap();
    let get = |id: &str| world.s3.get_object().bucket("bucket").key("k").version_id(id).send();
    assert_eq!(text(get("null").await.unwrap().body).await, "before");
    world.aws.create_bucket("bucket").unwrap();
    world.put("k", "after").await;
    assert_eq!(text(get("null").await.unwrap().body).await, "after");
    world.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(world.get("k").await.unwrap_err(), "NoSuchKey");
    assert_eq!(text(get(&second).await.unwrap().body).await, "with versions");
}
