//! Tests of [`super`].

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::{join_all, pending};

use super::*;
use crate::envelope::fixture::{PLACE, Repeating, item};
use crate::envelope::{OpenFault, SealFault, Usage};
use crate::platform::clock::ManualClock;

const SOFT: Duration = Duration::from_secs(60);
const HARD: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Key(#[from] KeyFault),
    #[error("cannot unwrap: no answer")]
    Unanswered,
}

/// A cache, its clock, and a count of what was unwrapped.
struct World {
    cache: KeyCache,
    clock: Arc<ManualClock>,
    unwraps: AtomicUsize,
}

impl World {
    fn holding(tenants: usize) -> Self {
        let clock = Arc::new(ManualClock::at(1_000_000));
        let cache = KeyCache::new(Limits { tenants, ..Limits::default() }, Arc::clone(&clock) as Arc<dyn Clock>);
        Self { cache, clock, unwraps: AtomicUsize::new(0) }
    }

    fn new() -> Self {
        Self::holding(512)
    }

    fn unwraps(&self) -> usize {
        self.unwraps.load(Ordering::Relaxed)
    }

    /// Answers on the second poll, so that others come in between: the data key repeats the first wrapped byte.
    async fn unwrap(&self, wrapped: &WrappedVersion) -> Result<KeyMaterial, Refusal> {
        self.unwraps.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Ok(KeyMaterial::new([[wrapped.wrapped[0]; 32], [9; 32]].concat())?)
    }

    async fn admit(&self, digest: &str, item: &KeyItem) -> Result<Arc<TenantKeys>, Refusal> {
        self.cache.admit(digest, item, |_, wrapped| self.unwrap(wrapped)).await
    }

    async fn admit_version(&self, item: &KeyItem, version: u32) -> Result<Arc<TenantKeys>, Refusal> {
        self.cache.admit_version("d", item, version, |_, wrapped| self.unwrap(wrapped)).await
    }

    fn is_fresh(&self, digest: &str) -> bool {
        matches!(self.cache.look(digest), Looked::Fresh(_))
    }

    fn is_stale(&self, digest: &str) -> bool {
        matches!(self.cache.look(digest), Looked::Stale(_))
    }

    fn is_absent(&self, digest: &str) -> bool {
        matches!(self.cache.look(digest), Looked::Absent)
    }
}

#[tokio::test]
async fn keys_are_fresh_then_stale_then_absent() {
    let world = World::new();
    assert!(world.is_absent("d"));
    world.admit("d", &item("t-1", 1)).await.unwrap();
    world.clock.advance(SOFT - SECOND);
    assert!(world.is_fresh("d"));
    world.clock.advance(SECOND);
    assert!(world.is_stale("d"));
    world.clock.advance(HARD - SOFT - SECOND);
    assert!(world.is_stale("d"));
    world.clock.advance(SECOND);
    assert!(world.is_absent("d"));
}

#[tokio::test]
async fn keys_age_while_a_frozen_environment_holds_the_steady_clock() {
    let world = World::new();
    world.admit("d", &item("t-1", 1)).await.unwrap();
    world.clock.advance_wall(SOFT);
    assert!(world.is_stale("d"));
    world.clock.advance_wall(HARD);
    assert!(world.is_absent("d"));
}

#[tokio::test]
async fn keys_age_while_the_wall_clock_is_set_back() {
    #[derive(Debug)]
    struct SetBack(Mutex<Moment>);
    impl Clock for SetBack {
        fn now(&self) -> Moment {
            *self.0.lock().unwrap()
        }
    }
    let clock = Arc::new(SetBack(Mutex::new(Moment::new(1_000_000_000, Duration::ZERO))));
    let cache = KeyCache::new(Limits::default(), Arc::clone(&clock) as Arc<dyn Clock>);
    let world = World::new();
    cache.admit("d", &item("t-1", 1), |_, wrapped| world.unwrap(wrapped)).await.unwrap();
    *clock.0.lock().unwrap() = Moment::new(900_000_000, SOFT);
    assert!(matches!(cache.look("d"), Looked::Stale(_)));
    *clock.0.lock().unwrap() = Moment::new(900_000_000, HARD);
    assert!(matches!(cache.look("d"), Looked::Absent));
}

#[tokio::test]
async fn an_unchanged_item_renews_the_soft_age_without_unwrapping() {
    let world = World::new();
    let first = world.admit("d", &item("t-1", 1)).await.unwrap();
    world.clock.advance(SOFT);
    let again = world.admit("d", &KeyItem { rev: 2, ..item("t-1", 1) }).await.unwrap();
    assert!(world.is_fresh("d"));
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(world.unwraps(), 1);
}

#[tokio::test]
async fn no_renewal_lengthens_the_hard_age() {
    let world = World::new();
    for _ in 0..60 {
        world.admit("d", &item("t-1", 1)).await.unwrap();
        world.clock.advance(SOFT);
    }
    assert_eq!(world.unwraps(), 1);
    assert!(world.is_absent("d"));
    world.admit("d", &item("t-1", 1)).await.unwrap();
    assert_eq!(world.unwraps(), 2);
}

#[tokio::test]
async fn ages_count_from_the_asking_and_not_from_the_answer() {
    let world = World::new();
    let slow = |_, wrapped| {
        world.clock.advance(SOFT);
        world.unwrap(wrapped)
    };
    world.cache.admit("d", &item("t-1", 1), slow).await.unwrap();
    assert!(world.is_stale("d"));
}

#[tokio::test]
async fn changed_wrapped_bytes_are_unwrapped_again() {
    let world = World::new();
    let before = world.admit("d", &item("t-1", 1)).await.unwrap();
    let cell = before.seal(&Repeating(1), &PLACE, b"x").unwrap();
    let mut changed = item("t-1", 1);
    changed.versions.get_mut(&1).unwrap().wrapped = vec![77; 16];
    let after = world.admit("d", &changed).await.unwrap();
    assert_eq!(world.unwraps(), 2);
    assert_eq!(after.open(&PLACE, &cell), Err(OpenFault::Auth));
}

#[tokio::test]
async fn a_rotation_is_unwrapped_and_seals_from_then_on() {
    let world = World::new();
    world.admit("d", &item("t-1", 1)).await.unwrap();
    assert_eq!(world.admit("d", &item("t-1", 2)).await.unwrap().current(), 2);
    assert_eq!(world.unwraps(), 2);
}

#[tokio::test]
async fn a_version_marked_open_only_stops_sealing_at_the_next_reading() {
    let world = World::new();
    world.admit("d", &item("t-1", 1)).await.unwrap();
    let mut marked = item("t-1", 1);
    marked.versions.get_mut(&1).unwrap().usage = Usage::OpenOnly;
    let keys = world.admit("d", &marked).await.unwrap();
    assert!(matches!(keys.seal(&Repeating(1), &PLACE, b""), Err(SealFault::Exhausted)));
}

#[tokio::test]
async fn another_tenant_under_the_same_digest_replaces_the_keys() {
    let world = World::new();
    world.admit("d", &item("t-1", 1)).await.unwrap();
    assert_eq!(world.admit("d", &item("t-2", 1)).await.unwrap().tenant_id(), "t-2");
    let Looked::Fresh(keys) = world.cache.look("d") else { panic!("not fresh") };
    assert_eq!((keys.tenant_id(), world.unwraps()), ("t-2", 2));
}

#[tokio::test]
async fn keys_that_an_item_contradicts_are_gone_even_if_nothing_replaces_them() {
    let world = World::new();
    world.admit("d", &item("t-1", 1)).await.unwrap();
    let refused = world.cache.admit("d", &item("t-2", 1), async |_, _| Err(Refusal::Unanswered)).await;
    assert_eq!(refused.unwrap_err(), Refusal::Unanswered);
    assert!(world.is_absent("d"));
}

#[tokio::test]
async fn keys_are_absent_from_the_expiry_their_item_named() {
    let world = World::new();
    world.admit("d", &KeyItem { expires_at: Some(1_000_010), ..item("t-1", 1) }).await.unwrap();
    world.clock.advance(SECOND * 9);
    assert!(world.is_fresh("d"));
    world.clock.advance(SECOND);
    assert!(world.is_absent("d"));
}

#[tokio::test]
async fn forgotten_keys_are_absent() {
    let world = World::new();
    world.admit("d", &item("t-1", 1)).await.unwrap();
    world.cache.forget("d");
    assert!(world.is_absent("d"));
}

#[tokio::test]
async fn the_tenant_unused_longest_makes_room() {
    let world = World::holding(2);
    world.admit("a", &item("t-a", 1)).await.unwrap();
    world.admit("b", &item("t-b", 1)).await.unwrap();
    assert!(world.is_fresh("a"));
    world.admit("c", &item("t-c", 1)).await.unwrap();
    assert!(world.is_fresh("a") && world.is_absent("b") && world.is_fresh("c"));
}

#[tokio::test]
async fn an_idle_tenants_keys_leave_memory_once_they_are_over() {
    let world = World::new();
    let keys = Arc::downgrade(&world.admit("idle", &item("t-1", 1)).await.unwrap());
    world.clock.advance(HARD);
    world.admit("d", &item("t-2", 1)).await.unwrap();
    assert_eq!(keys.strong_count(), 0);
}

#[tokio::test]
async fn many_who_ask_at_once_unwrap_once() {
    let world = World::new();
    let item = item("t-1", 1);
    let admitted = join_all((0..24).map(|_| world.admit("d", &item))).await;
    assert_eq!((admitted.len(), world.unwraps()), (24, 1));
    let first = admitted[0].as_ref().unwrap();
    assert!(admitted.iter().all(|keys| Arc::ptr_eq(first, keys.as_ref().unwrap())));
}

#[tokio::test]
async fn one_tenants_slow_unwrapping_keeps_no_other_waiting() {
    let world = World::new();
    let (slow_item, item) = (item("t-1", 1), item("t-2", 1));
    let mut slow = Box::pin(world.cache.admit("slow", &slow_item, |_, _| pending::<Result<_, Refusal>>()));
    assert!(slow.as_mut().now_or_never().is_none());
    assert_eq!(world.admit("d", &item).await.unwrap().tenant_id(), "t-2");
}

#[tokio::test]
async fn whoever_waits_takes_over_from_one_who_went_away() {
    let world = World::new();
    let item = item("t-1", 1);
    let mut leader = Box::pin(world.cache.admit("d", &item, |_, _| pending::<Result<_, Refusal>>()));
    assert!(leader.as_mut().now_or_never().is_none());
    let mut follower = Box::pin(world.admit("d", &item));
    assert!(follower.as_mut().now_or_never().is_none());
    assert_eq!(world.unwraps(), 0);
    drop(leader);
    assert!(follower.await.is_ok());
    assert_eq!(world.unwraps(), 1);
}

#[tokio::test]
async fn a_failed_unwrapping_is_tried_again() {
    let world = World::new();
    let item = item("t-1", 1);
    let failing = async |_, _| Err(Refusal::Unanswered);
    assert_eq!(world.cache.admit("d", &item, failing).await.unwrap_err(), Refusal::Unanswered);
    assert!(world.is_absent("d"));
    assert!(world.admit("d", &item).await.is_ok());
}

#[tokio::test]
async fn no_gate_outlives_those_who_needed_it() {
    let world = World::new();
    for digest in ["a", "b", "c"] {
        world.admit(digest, &item("t-1", 1)).await.unwrap();
    }
    drop(world.cache.gate("d"));
    assert_eq!(world.cache.gates.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_item_without_its_current_version_is_refused_unasked() {
    let world = World::new();
    let broken = KeyItem { current: 3, ..item("t-1", 2) };
    assert_eq!(world.admit("d", &broken).await.unwrap_err(), Refusal::Key(KeyFault::Version(3)));
    assert_eq!(world.admit_version(&item("t-1", 2), 3).await.unwrap_err(), Refusal::Key(KeyFault::Version(3)));
    assert_eq!(world.unwraps(), 0);
}

#[tokio::test]
async fn an_old_version_is_unwrapped_once_and_kept_with_the_others() {
    let world = World::new();
    let cell = world.admit("d", &item("t-1", 1)).await.unwrap().seal(&Repeating(1), &PLACE, b"old").unwrap();
    let rotated = item("t-1", 2);
    assert_eq!(world.admit("d", &rotated).await.unwrap().open(&PLACE, &cell), Err(OpenFault::KeyVersion(1)));
    let both = join_all((0..24).map(|_| world.admit_version(&rotated, 1))).await;
    assert!(both.iter().all(|keys| *keys.as_ref().unwrap().open(&PLACE, &cell).unwrap() == b"old"));
    assert_eq!(world.unwraps(), 3);
    let Looked::Fresh(keys) = world.cache.look("d") else { panic!("not fresh") };
    assert!(keys.holds(1) && keys.holds(2));
}

#[tokio::test]
async fn an_old_version_does_not_outlive_the_keys_it_joined() {
    let world = World::new();
    world.admit("d", &item("t-1", 2)).await.unwrap();
    world.clock.advance(HARD - SECOND);
    world.admit_version(&item("t-1", 2), 1).await.unwrap();
    world.clock.advance(SECOND);
    assert!(world.is_absent("d"));
}

#[tokio::test]
async fn an_old_version_that_left_the_item_leaves_the_cache() {
    let world = World::new();
    world.admit_version(&item("t-1", 2), 1).await.unwrap();
    let mut swept = item("t-1", 2);
    swept.versions.remove(&1);
    assert!(!world.admit("d", &swept).await.unwrap().holds(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_who_ask_at_once_unwrap_once() {
    let world = Arc::new(World::new());
    let asking = (0..24).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.admit("d", &item("t-1", 1)).await.is_ok() })
    });
    assert!(join_all(asking).await.into_iter().all(Result::unwrap));
    assert_eq!(world.unwraps(), 1);
}
