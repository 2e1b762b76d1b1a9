//! Counting before a purge: it ends in time, however much there is.

use std::time::Duration;

use shared::purge::inventory::{Count, Counted, Lived};
use shared::tenant::id::digest;

use super::{left, tenant_id};

/// More than one page of objects has.
const MANY: u64 = 1_001;

#[tokio::test]
async fn a_count_that_takes_too_long_asks_for_no_further_page_and_says_so() {
    let world = left().await;
    let (platform, digest) = (world.host.platform("erasure").unwrap(), digest("test-management", &world.acme.client_key));
    let incoming = &platform.config().buckets.incoming;
    let s3 = aws_sdk_s3::Client::new(&world.aws().sdk_config());
    for number in 0..MANY {
        s3.put_object().bucket(incoming).key(format!("{digest}/{number}")).send().await.unwrap();
    }
    let tenant_id = tenant_id(&world, &world.acme);
    let (count, life) = (Count::begin(&platform), Lived { digest: &digest, tenant_id: &tenant_id, before: None });
    let arrived = async |life| {
        let found = count.of_life(life).await.unwrap();
        found.into_iter().find(|found| found.what == "incoming-objects").unwrap().counted
    };
    assert_eq!(arrived(life).await, Counted { count: MANY, and_more: false, bytes: None });
    let another_began = Lived { before: Some(world.now()), ..life };
    assert_eq!(arrived(another_began).await.count, 0, "what came since is another life's");
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(arrived(life).await, Counted { count: MANY - 1, and_more: true, bytes: None });
}
