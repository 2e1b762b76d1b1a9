//! What ends by itself, by the clock given.

use shared::platform::clock::Clock as _;

use super::World;
use crate::aws::s3::{BucketSpec, LifecycleRule};
use crate::aws::testing::DAY;

fn world(versioned: bool, rule: LifecycleRule) -> World {
    World::with(&BucketSpec { versioned, lifecycle: vec![rule], ..BucketSpec::plain("bucket") })
}

#[tokio::test]
async fn an_object_expires_after_its_days_and_the_next_midnight() {
    let rule = LifecycleRule { prefix: Some("short/".to_owned()), expire_after_days: Some(1), ..LifecycleRule::default() };
    let world = world(false, rule);
    world.put("short/k", "x").await;
    world.put("long/k", "x").await;
    world.clock.advance(DAY);
    assert_eq!(world.aws.expire().unwrap(), 0);
    world.clock.advance(DAY);
    assert_eq!(world.aws.expire().unwrap(), 1);
    assert_eq!(world.names(), ["bucket/long/k"]);
}

#[tokio::test]
async fn in_a_bucket_with_versions_an_object_is_covered_first_and_goes_later() {
    let rule = LifecycleRule { expire_after_days: Some(1), expire_noncurrent_after_days: Some(3), ..LifecycleRule::default() };
    let world = world(true, rule);
    world.put("k", "x").await;
    world.clock.advance(DAY * 2);
    assert_eq!(world.aws.expire().unwrap(), 1);
    assert_eq!(world.get("k").await.unwrap_err(), "NoSuchKey");
    assert_eq!(world.names().len(), 1, "it is there still, as a version");
    world.clock.advance(DAY * 3);
    assert_eq!(world.aws.expire().unwrap(), 0);
    world.clock.advance(DAY);
    // The version and the marker over it.
    assert_eq!(world.aws.expire().unwrap(), 2);
    assert_eq!(world.aws.places_of(b"k").unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_version_goes_by_the_day_on_which_it_was_overwritten() {
    let rule = LifecycleRule { expire_noncurrent_after_days: Some(1), ..LifecycleRule::default() };
    let world = world(true, rule);
    world.put("k", "old").await;
    world.clock.advance(DAY * 30);
    world.put("k", "new").await;
    assert_eq!(world.aws.expire().unwrap(), 0);
    world.clock.advance(DAY * 2);
    assert_eq!(world.aws.expire().unwrap(), 1);
    assert_eq!(world.get("k").await.unwrap(), "new");
}

#[tokio::test]
async fn an_upload_that_nobody_finishes_is_aborted() {
    let world = world(false, LifecycleRule { abort_uploads_after_days: Some(7), ..LifecycleRule::default() });
    let upload = world.begin("k").await;
    world.part("k", &upload, 1, b"a part".to_vec()).await;
    world.clock.advance(DAY * 7);
    assert_eq!(world.aws.expire().unwrap(), 0);
    world.clock.advance(DAY);
    assert_eq!(world.aws.expire().unwrap(), 1);
    assert!(world.names().is_empty());
}

#[tokio::test]
async fn the_next_midnight_at_which_something_ends_is_known() {
    let rule = LifecycleRule { expire_after_days: Some(3), abort_uploads_after_days: Some(1), ..LifecycleRule::default() };
    let world = world(false, rule);
    assert_eq!(world.aws.next_end().unwrap(), None);
    world.put("k", "x").await;
    world.begin("k").await;
    // The clock starts at 08:00 on a day of 2027.
    let midnight = |days: i64| (1_800_000_000 / 86_400 + days) * 86_400_000;
    for expected in [midnight(2), midnight(4)] {
        assert_eq!(world.aws.next_end().unwrap(), Some(expected));
        let by = u64::try_from(expected - world.clock.now().epoch_millis()).unwrap();
        world.clock.advance(std::time::Duration::from_millis(by - 1));
        assert_eq!(world.aws.expire().unwrap(), 0);
        world.clock.advance(std::time::Duration::from_millis(1));
        assert_eq!(world.aws.expire().unwrap(), 1);
    }
    assert_eq!(world.aws.next_end().unwrap(), None);
}
