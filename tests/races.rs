//! Events that arrive together: whoever comes first, every one is answered, and one life comes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use futures::future::join_all;
use http::{Method, Request, StatusCode};
use local::atlassian::{KID, Site};
use local::aws::{Fault, Service};
use shared::connect::jwt::ClaimsToSign;
use shared::connect::qsh;

use crate::harness::{ATLASSIAN, World, lifecycle_request, post, site};
use crate::interleavings::Dice;
use crate::model::{DAY, GRACE, Life, Standing};

const CROWD: i64 = 24;

/// An event whose token differs from others of the same second by the moment at which it ends.
fn signed_apart(site: &Site, event: &str, iat: i64, apart: i64) -> Request<Body> {
    let path = format!("/test-management/{event}");
    let qsh = qsh::sign("POST", &path, "", "/test-management").unwrap();
    let audience = vec![site.app_base_url.clone()];
    let claims = ClaimsToSign { audience, expires_at: iat + 180 + apart, ..site.claims(Some(qsh), iat) };
    post(&path, &ATLASSIAN.0.sign(&claims, KID).unwrap(), site.payload(event).to_string())
}

async fn statuses(world: &World, requests: Vec<Request<Body>>) -> BTreeSet<StatusCode> {
    let answers = join_all(requests.into_iter().map(|request| world.send(request))).await;
    answers.into_iter().map(|answer| answer.status).collect()
}

async fn opens(world: &World, site: &Site) -> bool {
    world.as_host(site, Method::GET, "/test-management/account").await.status == StatusCode::OK
}

fn active(epoch: i64, iat: i64) -> Option<Life> {
    Some(Life { epoch, last: (iat, 1), left_at: None })
}

#[tokio::test]
async fn one_install_delivered_many_times_at_once_is_one_life() {
    let world = World::new().await;
    let (same, now) = (site("same"), world.now());
    let requests = (0..CROWD).map(|_| lifecycle_request(&same, "installed", now, &same.payload("installed"))).collect();
    assert_eq!(statuses(&world, requests).await, [StatusCode::NO_CONTENT].into());
    assert_eq!(Standing::stored(&world, &same, "").await.life, active(1, now));
    assert!(opens(&world, &same).await);
}

/// Each token makes a move of its own, and all of them are of one second; tasks run on two threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_installs_of_one_second_are_one_life() {
    let world = World::new().await;
    let (apart, now) = (site("apart"), world.now());
    let requests: Vec<_> = (0..CROWD).map(|number| signed_apart(&apart, "installed", now, number)).collect();
    let front = world.host.front();
    let answers = requests.into_iter().map(|request| tokio::spawn(crate::harness::answer(front.clone(), request)));
    for answer in join_all(answers).await {
        assert_eq!(answer.unwrap().status, StatusCode::NO_CONTENT);
    }
    assert_eq!(Standing::stored(&world, &apart, "").await.life, active(1, now));
    world.jira.keep(&apart);
    assert!(opens(&world, &apart).await);
}

#[tokio::test]
async fn upgrades_that_arrive_together_leave_the_newest() {
    let world = World::new().await;
    let (upgraded, now) = (site("upgraded"), world.now());
    let mut requests: Vec<_> = (0..CROWD).map(|age| signed_apart(&upgraded, "installed", now - age, 0)).collect();
    requests.rotate_left(7);
    assert_eq!(statuses(&world, requests).await, [StatusCode::NO_CONTENT].into());
    assert_eq!(Standing::stored(&world, &upgraded, "").await.life, active(1, now));
}

#[tokio::test]
async fn many_tenants_installed_at_once_do_not_meet() {
    let world = World::new().await;
    let (sites, now): (Vec<_>, _) = ((0..CROWD).map(|number| site(&format!("site-{number}"))).collect(), world.now());
    let requests = sites.iter().map(|site| lifecycle_request(site, "installed", now, &site.payload("installed"))).collect();
    assert_eq!(statuses(&world, requests).await, [StatusCode::NO_CONTENT].into());
    let mut ids = BTreeSet::new();
    for site in &sites {
        assert_eq!(Standing::stored(&world, site, "").await.life, active(1, now), "{}", site.client_key);
        assert!(opens(&world, site).await, "{}", site.client_key);
        ids.insert(world.tenant(site).await["tenant_id"].to_string());
    }
    assert_eq!(ids.len(), sites.len());
}

/// Whatever the order in which they got through: what counts in the end is the newest event of all.
#[tokio::test(start_paused = true)]
async fn a_storm_of_events_ends_with_the_newest_of_them() {
    let world = World::new().await;
    tokio::time::resume();
    world.fetch_install_keys().await;
    tokio::time::pause();
    for seed in 0..40 {
        let (stormy, mut dice) = (site(&format!("stormy-{seed}")), Dice(seed));
        world.clock.advance(Duration::from_secs(200));
        world.lifecycle(&stormy, "installed", world.now() - 150, &stormy.payload("installed")).await;
        let mut events: Vec<_> = (0..12).map(|_| (world.now() - i64::try_from(dice.throw(140)).unwrap(), dice.throw(2))).collect();
        events.push(dice.pick(&events));
        let requests = events.iter().map(|(iat, rank)| {
            let event = ["uninstalled", "installed"][usize::try_from(*rank).unwrap()];
            lifecycle_request(&stormy, event, *iat, &stormy.payload(event))
        });
        let story = format!("seed {seed}: {events:?}");
        let requests: Vec<_> = requests.collect();
        // Every other storm has faults in it too: whose answer is lost while others move must not take their move for its own.
        let faulty = seed % 2 == 1;
        if faulty {
            world.aws().faults().on_every(0.15, seed);
        }
        let answered = statuses(&world, requests).await;
        world.aws().faults().clear();
        let (iat, rank) = events.iter().max().copied().unwrap();
        if faulty {
            assert!(answered.iter().all(|status| [204, 503].contains(&status.as_u16())), "{answered:?} {story}");
            let newest = ["uninstalled", "installed"][usize::try_from(rank).unwrap()];
            let again = world.lifecycle(&stormy, newest, iat, &stormy.payload(newest)).await;
            assert_eq!(again.status, StatusCode::NO_CONTENT, "{story}");
        } else {
            assert_eq!(answered, [StatusCode::NO_CONTENT].into(), "{story}");
        }
        let standing = Standing::stored(&world, &stormy, &story).await;
        let life = standing.life.clone().unwrap();
        assert_eq!((life.epoch, life.last), (1, (iat, i64::try_from(rank).unwrap())), "{story}");
        assert_eq!((standing.is_active(), opens(&world, &stormy).await), (rank == 1, rank == 1), "{story}");
    }
}

/// DynamoDB reads the two items of a tenant one after the other, so somebody else's move may come between: that is no incident.
#[tokio::test]
async fn who_reads_in_the_middle_of_anothers_move_reads_again() {
    let world = World::installed().await;
    for wait in 0..120 {
        let (apart, now) = (site(&format!("apart-{wait}")), world.now());
        let late = async {
            for _ in 0..wait / 2 {
                tokio::task::yield_now().await;
            }
            let upgrade = signed_apart(&apart, "installed", now + 1, 1);
            world.send(upgrade).await
        };
        let (first, late) = futures::join!(world.send(signed_apart(&apart, "installed", now, 0)), late);
        assert_eq!((first.status, late.status), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT), "{wait}: {}", late.text());
    }
}

/// Promise E-35: a return that was decided in time and a later install that finds the grace over. Whichever commits first, the other yields,
/// and the tenant is back with everything or begins with nothing.
#[tokio::test(start_paused = true)]
async fn a_return_and_the_next_life_do_not_mix() {
    for (case, faults, epoch, status, stage) in [
        ("the return commits first", 0, 1, StatusCode::OK, "returned"),
        ("the next life commits first", 1, 2, StatusCode::NOT_FOUND, "purging"),
    ] {
        let world = World::new().await;
        tokio::time::resume();
        world.install(&world.acme).await;
        world.put(&world.acme, "colour", "\"blue\"").await;
        world.clock.advance(Duration::from_secs(60));
        world.uninstall(&world.acme).await;
        world.clock.advance(Duration::from_secs(u64::try_from(GRACE - 1).unwrap()));
        world.fetch_install_keys().await;
        tokio::time::pause();
        // The first transaction is the return's; if it is throttled, the SDK waits before it tries again.
        world.aws().faults().on(Service::DynamoDb, "TransactWriteItems", Fault::Throttle, faults);
        let just_in_time = world.install(&world.acme);
        let too_late = async {
            tokio::task::yield_now().await;
            world.clock.advance(Duration::from_secs(1));
            world.install(&world.acme).await
        };
        let (just_in_time, too_late) = futures::join!(just_in_time, too_late);
        assert_eq!((just_in_time.status, too_late.status), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT), "{case}");
        let standing = Standing::stored(&world, &world.acme, case).await;
        assert_eq!((standing.life, standing.departures[&1].stage.as_str()), (active(epoch, world.now()), stage), "{case}");
        assert_eq!(world.get(&world.acme, "colour").await.status, status, "{case}");
        world.clock.advance(Duration::from_secs(u64::try_from(DAY).unwrap()));
        assert_eq!(world.aws().expire().unwrap(), 0, "{case}: nothing that is left has a date");
    }
}
