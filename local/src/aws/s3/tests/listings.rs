//! Pages of objects, versions and uploads.

use super::{World, code};

#[tokio::test]
async fn objects_are_listed_in_order_page_by_page() {
    let world = World::plain();
    for key in ["b", "a/2", "c", "a/1", "a.x"] {
        world.put(key, "x").await;
    }
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let request = world.s3.list_objects_v2().bucket("bucket").max_keys(2).set_continuation_token(token);
        let page = request.send().await.unwrap();
        pages.push(page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect::<Vec<_>>());
        assert_eq!(page.is_truncated(), Some(page.next_continuation_token().is_some()));
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a.x", "a/1"], vec!["a/2", "b"], vec!["c"]]);
    let started = world.s3.list_objects_v2().bucket("bucket").start_after("a/2").send().await.unwrap();
    assert_eq!(started.key_count(), Some(2));
    let lost = world.s3.list_objects_v2().bucket("bucket").continuation_token("?").send().await.unwrap_err();
    assert_eq!(code(&lost), "InvalidArgument");
}

#[tokio::test]
async fn keys_below_a_delimiter_are_told_as_one() {
    let world = World::plain();
    for key in ["t/a/1", "t/a/2", "t/b/1", "t/c", "u"] {
        world.put(key, "x").await;
    }
    let list = || world.s3.list_objects_v2().bucket("bucket").prefix("t/").delimiter("/");
    let page = list().send().await.unwrap();
    let prefixes: Vec<&str> = page.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap()).collect();
    assert_eq!((prefixes, page.contents().len(), page.key_count()), (vec!["t/a/", "t/b/"], 1, Some(3)));
    let first = list().max_keys(1).send().await.unwrap();
    assert_eq!((first.common_prefixes()[0].prefix(), first.contents().len()), (Some("t/a/"), 0));
    let second = list().max_keys(1).continuation_token(first.next_continuation_token().unwrap()).send().await.unwrap();
    assert_eq!(second.common_prefixes()[0].prefix(), Some("t/b/"));
}

#[tokio::test]
async fn versions_are_listed_newest_first_page_by_page() {
    let world = World::versioned();
    for key in ["a", "b", "b"] {
        world.put(key, "x").await;
    }
    world.s3.delete_object().bucket("bucket").key("a").send().await.unwrap();
    let (mut told, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let request = world.s3.list_object_versions().bucket("bucket").max_keys(1).set_key_marker(key).set_version_id_marker(id);
        let page = request.send().await.unwrap();
        let versions = page.versions().iter().map(|one| (one.key().unwrap().to_owned(), "version", one.is_latest().unwrap()));
        let markers = page.delete_markers().iter().map(|one| (one.key().unwrap().to_owned(), "marker", one.is_latest().unwrap()));
        told.extend(versions.chain(markers));
        (key, id) = (page.next_key_marker, page.next_version_id_marker);
        if page.is_truncated != Some(true) {
            break;
        }
    }
    let expected = [("a", "marker", true), ("a", "version", false), ("b", "version", true), ("b", "version", false)];
    assert_eq!(told, expected.map(|(key, kind, latest)| (key.to_owned(), kind, latest)));
    let below = world.s3.list_object_versions().bucket("bucket").prefix("b").send().await.unwrap();
    assert_eq!(below.versions().len(), 2);
    let alone = world.s3.list_object_versions().bucket("bucket").version_id_marker("x").send().await.unwrap_err();
    assert_eq!(code(&alone), "InvalidArgument");
    // In a listing of objects a marker is nothing.
    let current = world.s3.list_objects_v2().bucket("bucket").send().await.unwrap();
    assert_eq!(current.contents().iter().map(|one| one.key().unwrap()).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn uploads_are_listed_in_order_page_by_page() {
    let world = World::plain();
    let mut begun = Vec::new();
    for key in ["b", "a", "b", "c/1"] {
        begun.push((key.to_owned(), world.begin(key).await));
    }
    begun.sort_by(|one, other| one.0.cmp(&other.0));
    let (mut told, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let request = world.s3.list_multipart_uploads().bucket("bucket").max_uploads(1).set_key_marker(key).set_upload_id_marker(id);
        let page = request.send().await.unwrap();
        told.extend(page.uploads().iter().map(|one| (one.key().unwrap().to_owned(), one.upload_id().unwrap().to_owned())));
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
        if page.is_truncated != Some(true) {
            break;
        }
    }
    assert_eq!(told, begun);
    let below = world.s3.list_multipart_uploads().bucket("bucket").prefix("c/").send().await.unwrap();
    assert_eq!(below.uploads().len(), 1);
    let behind = world.s3.list_multipart_uploads().bucket("bucket").key_marker("b").send().await.unwrap();
    assert_eq!(behind.uploads().len(), 1);
}

#[tokio::test]
async fn parts_are_listed_in_order_page_by_page() {
    let world = World::plain();
    let upload = world.begin("k").await;
    for number in [3, 1, 2] {
        world.part("k", &upload, number, vec![1; 3]).await;
    }
    let list = || world.s3.list_parts().bucket("bucket").key("k").upload_id(&upload).max_parts(2);
    let first = list().send().await.unwrap();
    let numbers = |parts: &[aws_sdk_s3::types::Part]| parts.iter().map(|part| part.part_number().unwrap()).collect::<Vec<_>>();
    assert_eq!((numbers(first.parts()), first.is_truncated()), (vec![1, 2], Some(true)));
    let second = list().part_number_marker(first.next_part_number_marker().unwrap()).send().await.unwrap();
    assert_eq!((numbers(second.parts()), second.is_truncated(), second.parts()[0].size()), (vec![3], Some(false), Some(3)));
}
