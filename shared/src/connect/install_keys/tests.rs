use std::time::Duration;

use futures::future::join_all;

use super::memory::FETCHES_PER_WINDOW;
use super::test_host::{KeyHost, Reply, client, key_host};
use super::*;
use crate::connect::test_keys::ATLASSIAN;
use crate::platform::clock::ManualClock;

fn kid(text: &str) -> Kid {
    Kid::parse(text).unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(1_760_000_000))
}

fn keys_of(hosts: &[&KeyHost], clock: &Arc<ManualClock>) -> InstallKeys {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    InstallKeys::new(hosts.iter().map(|host| host.url.clone()).collect(), client(), clock)
}

/// What one host's misbehaviour comes to, with little patience.
async fn outcome(reply: fn(&str) -> Reply) -> Fetched {
    let host = key_host(reply).await;
    InstallKeys::with_timeout(vec![host.url.clone()], client(), clock(), Duration::from_millis(300)).get(&kid("k")).await
}

fn good(_: &str) -> Reply {
    Reply::Key(&ATLASSIAN.public_pem)
}

fn missing(_: &str) -> Reply {
    Reply::Status(404)
}

fn broken(_: &str) -> Reply {
    Reply::Status(500)
}

#[tokio::test]
async fn a_key_is_fetched_once_and_kept_for_good() {
    let (host, clock) = (key_host(good).await, clock());
    let keys = keys_of(&[&host], &clock);
    for _ in 0..3 {
        assert_eq!(keys.get(&kid("k")).await.unwrap().as_slice(), ATLASSIAN.public_pem.as_bytes());
    }
    clock.advance(Duration::from_secs(400 * 24 * 60 * 60));
    assert!(keys.get(&kid("k")).await.is_ok());
    assert_eq!(host.asked(), 1);
}

#[tokio::test]
async fn keys_that_are_found_cost_nothing_of_the_budget() {
    let host = key_host(good).await;
    let keys = keys_of(&[&host], &clock());
    for number in 0..2 * FETCHES_PER_WINDOW {
        assert!(keys.get(&kid(&number.to_string())).await.is_ok());
    }
}

#[tokio::test]
async fn a_key_is_asked_for_under_its_name() {
    let host = key_host(|path| if path == "/keys/issuer/key-1" { good(path) } else { missing(path) }).await;
    let keys = keys_of(&[&host], &clock());
    assert!(keys.get(&kid("issuer/key-1")).await.is_ok());
    assert_eq!(keys.get(&kid("key-1")).await, Err(KeyFault::UnknownKid));
}

#[tokio::test]
async fn a_key_that_nobody_knows_stays_unknown_for_a_minute() {
    let (host, clock) = (key_host(missing).await, clock());
    let keys = keys_of(&[&host], &clock);
    for _ in 0..3 {
        assert_eq!(keys.get(&kid("k")).await, Err(KeyFault::UnknownKid));
    }
    assert_eq!(host.asked(), 1);
    clock.advance(Duration::from_secs(60));
    assert_eq!(keys.get(&kid("k")).await, Err(KeyFault::UnknownKid));
    assert_eq!(host.asked(), 2);
}

#[tokio::test]
async fn the_next_host_is_asked_if_one_fails_or_does_not_know() {
    let (first, second, third) = (key_host(missing).await, key_host(broken).await, key_host(good).await);
    assert!(keys_of(&[&first, &second, &third], &clock()).get(&kid("k")).await.is_ok());
    assert_eq!((first.asked(), second.asked(), third.asked()), (1, 1, 1));
}

#[tokio::test]
async fn a_key_is_unknown_only_if_every_host_says_so() {
    let (one, other, failing) = (key_host(missing).await, key_host(missing).await, key_host(broken).await);
    assert_eq!(keys_of(&[&one, &other], &clock()).get(&kid("k")).await, Err(KeyFault::UnknownKid));
    assert_eq!(keys_of(&[&one, &failing], &clock()).get(&kid("k")).await, Err(KeyFault::Unavailable));
    assert_eq!(keys_of(&[], &clock()).get(&kid("k")).await, Err(KeyFault::Unavailable));
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let host = key_host(broken).await;
    let keys = keys_of(&[&host], &clock());
    for _ in 0..2 {
        assert_eq!(keys.get(&kid("k")).await, Err(KeyFault::Unavailable));
    }
    assert_eq!(host.asked(), 2);
}

#[tokio::test]
async fn anything_but_a_public_key_is_a_failure() {
    assert_eq!(outcome(|_| Reply::Key("")).await, Err(KeyFault::Unavailable));
    assert_eq!(outcome(|_| Reply::Key("<html>welcome to this network</html>")).await, Err(KeyFault::Unavailable));
    assert_eq!(outcome(|_| Reply::Key("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----")).await, Err(KeyFault::Unavailable));
    assert_eq!(outcome(|_| Reply::Key(&ATLASSIAN.private_pem)).await, Err(KeyFault::Unavailable));
    assert_eq!(outcome(|_| Reply::Status(204)).await, Err(KeyFault::Unavailable));
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_a_failure() {
    assert_eq!(outcome(|_| Reply::Long).await, Err(KeyFault::Unavailable));
    assert_eq!(outcome(|_| Reply::Endless).await, Err(KeyFault::Unavailable));
}

#[tokio::test]
async fn a_host_that_does_not_finish_in_time_is_a_failure() {
    assert_eq!(outcome(|_| Reply::Stalled).await, Err(KeyFault::Unavailable));
    assert_eq!(outcome(|_| Reply::Silence).await, Err(KeyFault::Unavailable));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let host = key_host(|path| if path == "/keys/k" { Reply::Redirect("/keys/other".to_owned()) } else { good(path) }).await;
    assert_eq!(keys_of(&[&host], &clock()).get(&kid("k")).await, Err(KeyFault::Unavailable));
    assert_eq!(host.asked(), 1);
}

#[tokio::test]
async fn concurrent_callers_share_one_fetch() {
    for reply in [good as fn(&str) -> Reply, missing, broken] {
        let host = key_host(reply).await;
        let keys = keys_of(&[&host], &clock());
        let name = kid("k");
        let fetched = join_all((0..24).map(|_| keys.get(&name))).await;
        assert_eq!(host.asked(), 1);
        assert!(fetched.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[tokio::test]
async fn a_fetch_that_everybody_gave_up_on_is_started_anew() {
    let host = key_host(good).await;
    let keys = keys_of(&[&host], &clock());
    let name = kid("k");
    assert!(keys.get(&name).now_or_never().is_none());
    assert!(keys.get(&name).await.is_ok());
}

#[tokio::test]
async fn invented_names_use_up_a_budget_that_known_keys_do_not_need() {
    let clock = clock();
    let host = key_host(|path| if path == "/keys/good" { good(path) } else { missing(path) }).await;
    let keys = keys_of(&[&host], &clock);
    assert!(keys.get(&kid("good")).await.is_ok());
    for number in 0..FETCHES_PER_WINDOW {
        assert_eq!(keys.get(&kid(&number.to_string())).await, Err(KeyFault::UnknownKid));
    }
    assert_eq!(keys.get(&kid("one-more")).await, Err(KeyFault::Unavailable));
    assert!(keys.get(&kid("good")).await.is_ok());
    clock.advance(Duration::from_secs(60));
    assert_eq!(keys.get(&kid("one-more")).await, Err(KeyFault::UnknownKid));
}
