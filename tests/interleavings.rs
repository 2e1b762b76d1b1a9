//! Every order of events, every fault between them: a tenant's tables are legal after each step, answers are only "done" and "come again", and
//! once faults have stopped and the last event was delivered again, what is stored is what a few lines of model say.

use std::time::Duration;

use http::StatusCode;
use local::atlassian::Site;
use local::aws::Fault;

use crate::harness::{Answer, World, site};
use crate::model::{DAY, GRACE, Standing};

const KINDS: [Fault; 5] = [Fault::BeforeSend, Fault::AfterEffect, Fault::Throttle, Fault::InternalError, Fault::Never];

/// Random numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.throw(u64::try_from(choices.len()).unwrap())).unwrap()]
    }
}

/// One delivery: which event of which site, and when it was signed. Signed alike, its token is the same bytes.
#[derive(Clone, Debug)]
struct Delivery {
    site: Site,
    event: &'static str,
    iat: i64,
}

impl Delivery {
    async fn make(&self, world: &World) -> Answer {
        world.lifecycle(&self.site, self.event, self.iat, &self.site.payload(self.event)).await
    }

    fn follow(&self, standing: &mut Standing, now: i64) -> bool {
        if self.event == "installed" { standing.installed(self.iat, now) } else { standing.uninstalled(self.iat, now) }
    }
}

/// A tenant, the model of it, and how it came there.
struct Course<'w> {
    world: &'w World,
    site: Site,
    standing: Standing,
    /// The secret of the last `installed` that counted.
    secret: String,
    story: String,
}

impl<'w> Course<'w> {
    fn of(world: &'w World, site: Site, story: String) -> Self {
        Self { world, secret: site.shared_secret.clone(), site, standing: Standing::default(), story }
    }

    /// Delivers an event, lets no fault strike any more, and compares: after 204 it is as the model says; after 503 it happened or it did not.
    async fn deliver(&mut self, delivery: &Delivery) -> StatusCode {
        let now = self.world.now();
        let answer = delivery.make(self.world).await;
        self.world.aws().faults().clear();
        self.story += &format!("\nat {now} {} signed at {}: {}", delivery.event, delivery.iat, answer.status);
        let mut followed = self.standing.clone();
        let counted = delivery.follow(&mut followed, now);
        let stored = Standing::stored(self.world, &self.site, &self.story).await;
        match answer.status {
            StatusCode::NO_CONTENT => assert_eq!(stored, followed, "{}", self.story),
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(stored == followed || stored == self.standing, "{stored:?} {followed:?} {}", self.story);
            }
            other => panic!("{other}: {}", self.story),
        }
        if counted && stored == followed && delivery.event == "installed" {
            self.secret = delivery.site.shared_secret.clone();
        }
        self.standing = stored;
        answer.status
    }

    /// Delivers it while nothing fails, signed at `iat`: at another time than before, if Atlassian signs it again.
    async fn redeliver(&mut self, delivery: &Delivery, iat: i64) {
        assert_eq!(self.deliver(&Delivery { iat, ..delivery.clone() }).await, StatusCode::NO_CONTENT, "{}", self.story);
    }

    /// Whoever is active is let in with the last secret and sees this life's record; nobody else is let in.
    async fn look(&self) {
        let asked = Site { shared_secret: self.secret.clone(), ..self.site.clone() };
        let answer = self.world.get(&asked, "colour").await;
        let expected = match &self.standing.life {
            Some(life) if life.left_at.is_none() && life.epoch == 1 => StatusCode::OK,
            Some(life) if life.left_at.is_none() => StatusCode::NOT_FOUND,
            _ => StatusCode::UNAUTHORIZED,
        };
        assert_eq!(answer.status, expected, "{}", self.story);
    }
}

/// A world that holds the install keys, because only real time can fetch them.
async fn world_with_keys() -> World {
    let world = World::new().await;
    tokio::time::resume();
    world.fetch_install_keys().await;
    tokio::time::pause();
    world
}

/// Moves the clock.
fn pass(world: &World, seconds: i64) {
    world.clock.advance(Duration::from_secs(u64::try_from(seconds).unwrap()));
}

async fn interleave(world: &World, seed: u64) {
    let mut dice = Dice(seed);
    let mut course = Course::of(world, site(&format!("seed-{seed}")), format!("seed {seed}"));
    let mut delivery = Delivery { site: course.site.clone(), event: "installed", iat: world.now() };
    course.redeliver(&delivery, delivery.iat).await;
    assert_eq!(world.put(&course.site, "colour", "\"blue\"").await.status, StatusCode::CREATED);
    for step in 0..dice.throw(4) + 2 {
        let seconds = dice.pick(&[0, 0, 1, 1, 90, DAY, GRACE - 1, GRACE, GRACE + DAY, GRACE + 2 * DAY]);
        pass(world, seconds);
        if dice.throw(4) == 0 {
            world.aws().expire().unwrap();
        }
        let now = world.now();
        // A token lives for 180 seconds and 30 more, and may be signed 30 seconds ahead.
        let iat = now + dice.pick(&[0, 0, 0, 0, -1, -60, -209, 30]);
        delivery = match dice.throw(5) {
            0 if now - delivery.iat < 210 => delivery,
            0..=2 => Delivery { event: "uninstalled", iat, ..delivery },
            _ => {
                let shared_secret = format!("{}-{}", course.site.shared_secret, dice.throw(3) * step);
                Delivery { event: "installed", iat, site: Site { shared_secret, ..course.site.clone() } }
            }
        };
        let faults = world.aws().faults();
        match dice.throw(4) {
            0 => faults.on_every(0.15, dice.throw(u64::MAX)),
            1 => faults.on_every(0.7, dice.throw(u64::MAX)),
            2 => {
                let (first, kind) = (dice.throw(5) + 1, dice.pick(&KINDS));
                (first..first + 3).for_each(|call| faults.on_call(call, kind));
            }
            _ => {}
        }
        course.deliver(&delivery).await;
    }
    let signed_again = world.now() - delivery.iat >= 210 || dice.throw(2) == 0;
    course.redeliver(&delivery, if signed_again { world.now() } else { delivery.iat }).await;
    course.look().await;
}

async fn interleave_all(seeds: std::ops::Range<u64>) {
    // What TTL sweeps grows with the tenants of a world, so a new one begins now and then.
    for first in seeds.step_by(50) {
        let world = world_with_keys().await;
        for seed in first..first + 50 {
            interleave(&world, seed).await;
        }
    }
}

/// Promises E-33, E-35.
#[tokio::test(start_paused = true)]
async fn five_hundred_interleavings_end_as_the_model_says() {
    interleave_all(0..500).await;
}

/// Promises E-33, E-35. Apart from the first five hundred only so that two cores share them.
#[tokio::test(start_paused = true)]
async fn five_hundred_more_interleavings_end_as_the_model_says() {
    interleave_all(500..1_000).await;
}

/// What is delivered to a tenant that is there already, and how it came there: leavings and installs, each with the seconds that pass before.
type Case = (&'static str, &'static [(i64, &'static str)], i64, &'static str);

const CASES: [Case; 6] = [
    ("the first install", &[], 1, "installed"),
    ("an upgrade", &[(1, "installed")], 1, "installed"),
    ("leaving", &[(1, "installed")], DAY, "uninstalled"),
    ("leaving again", &[(1, "installed"), (DAY, "uninstalled")], 1, "uninstalled"),
    ("a return", &[(1, "installed"), (DAY, "uninstalled")], GRACE - 1, "installed"),
    ("the next epoch", &[(1, "installed"), (DAY, "uninstalled")], GRACE, "installed"),
];

/// Fails the `n`th call of a delivery and the ones after it, `times` in all, until no call is left to fail; then the event comes once more.
#[tokio::test(start_paused = true)]
async fn a_move_broken_off_at_any_call_is_whole_or_not_there_and_ends_well_when_it_comes_again() {
    for (case, before, wait, event) in CASES {
        let world = world_with_keys().await;
        let breaks: Vec<_> = [1, 3].into_iter().flat_map(|times| KINDS.map(|kind| (times, kind))).collect();
        let calls = 1..=6;
        let named = |times, kind, call| format!("{case}, {kind:?} at call {call}, {times} times");
        let mut courses = Vec::new();
        for (times, kind) in &breaks {
            for call in calls.clone() {
                let name = named(*times, *kind, call);
                courses.push((*times, *kind, call, Course::of(&world, site(&name.replace([' ', ','], "-")), name)));
            }
        }
        for (seconds, event) in before {
            pass(&world, *seconds);
            for (_, _, _, course) in &mut courses {
                let delivery = Delivery { site: course.site.clone(), event, iat: world.now() };
                course.redeliver(&delivery, delivery.iat).await;
            }
        }
        pass(&world, wait);
        let mut unbroken = 0;
        for (times, kind, call, course) in &mut courses {
            let delivery = Delivery { site: course.site.clone(), event, iat: world.now() };
            let mark = world.aws().calls().mark();
            (*call..*call + *times).for_each(|call| world.aws().faults().on_call(call, *kind));
            let status = course.deliver(&delivery).await;
            let struck = world.aws().calls().since(mark).iter().filter(|call| call.fault.is_some()).count();
            unbroken += u32::from(struck == 0);
            // The SDK itself repeats a call that fails once; one that fails three times is given up.
            let expected = if struck == 3 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT };
            assert_eq!((status, struck <= 1 || struck == 3), (expected, true), "{struck} struck: {}", course.story);
            course.redeliver(&delivery, delivery.iat).await;
            course.redeliver(&delivery, delivery.iat + 1).await;
            let mut model = course.standing.clone();
            assert_eq!((delivery.follow(&mut model, world.now()), model.is_active()), (false, event == "installed"), "{}", course.story);
        }
        assert!(unbroken >= 10, "{case} makes more than 5 calls, so some were never broken");
    }
}
