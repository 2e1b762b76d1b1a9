//! Conditional writes and reads.

use super::{World, bytes, code, status};

#[tokio::test]
async fn an_object_is_written_only_where_none_is() {
    let world = World::plain();
    let put = || world.s3.put_object().bucket("bucket").key("k").if_none_match("*");
    put().body(bytes("first")).send().await.unwrap();
    let refused = put().body(bytes("second")).send().await.unwrap_err();
    assert_eq!((status(&refused), code(&refused).as_str()), (412, "PreconditionFailed"));
    assert_eq!(world.get("k").await.unwrap(), "first");
    world.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
    put().body(bytes("third")).send().await.unwrap();
}

#[tokio::test]
async fn of_two_who_write_only_where_none_is_one_does() {
    let world = World::versioned();
    let put = |body| world.s3.put_object().bucket("bucket").key("k").if_none_match("*").body(bytes(body)).send();
    let (one, other) = futures::join!(put("one"), put("other"));
    assert_eq!([one.is_ok(), other.is_ok()].into_iter().filter(|ok| *ok).count(), 1);
    assert_eq!(world.names().len(), 1);
}

#[tokio::test]
async fn an_object_is_replaced_only_if_it_is_the_one_meant() {
    let world = World::plain();
    let put = |etag: &str, body| world.s3.put_object().bucket("bucket").key("k").if_match(etag).body(bytes(body)).send();
    assert_eq!(code(&put("\"9dd4e461268c8034f5c8564e155c67a6\"", "y").await.unwrap_err()), "NoSuchKey");
    world.put("k", "x").await;
    put("\"9dd4e461268c8034f5c8564e155c67a6\"", "y").await.unwrap();
    assert_eq!(code(&put("\"9dd4e461268c8034f5c8564e155c67a6\"", "z").await.unwrap_err()), "PreconditionFailed");
    assert_eq!(world.get("k").await.unwrap(), "y");
}

#[tokio::test]
async fn a_reader_gets_only_what_it_has_not_or_means() {
    let world = World::plain();
    world.put("k", "x").await;
    let get = || world.s3.get_object().bucket("bucket").key("k");
    let etag = get().send().await.unwrap().e_tag.unwrap();
    assert_eq!(status(&get().if_none_match(&etag).send().await.unwrap_err()), 304);
    get().if_none_match("\"other\"").send().await.unwrap();
    get().if_match(&etag).send().await.unwrap();
    assert_eq!(code(&get().if_match("\"other\"").send().await.unwrap_err()), "PreconditionFailed");
}
