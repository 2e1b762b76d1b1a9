//! Lifecycle events come late and signed again, so a leaving soon after an installation, and every return, is doubted until its site has said
//! what is true. Whatever it says, and whatever fails meanwhile, the tenant either has everything or has left as of when it left first.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use local::atlassian::Site;
use local::host::{LocalHost, Settings};
use local::jira::Trouble;
use serde_json::Value;
use shared::platform::random::SystemRandom;
use shared::tenant::departure::{Hold, HoldReason};
use shared::tenant::moves::waiting;
use shared::tenant::{departures, id};

use crate::asking::{DAY, HOUR, STRIKES, TIME, asked, departure, done, run, run_on, run_while, strike};
use crate::harness::{World, settings, site};
use crate::secrets::Log;

/// What is no answer.
const SILENCES: [Trouble; 7] = [
    Trouble::Status(429),
    Trouble::Status(500),
    Trouble::Status(503),
    Trouble::Status(302),
    Trouble::Garbage,
    Trouble::SomebodyElse,
    Trouble::Silent,
];

/// A world whose first site has a setting, is said to have left an hour after it came, and is about to be asked.
async fn left_soon() -> World {
    let world = World::installed().await;
    assert_eq!(world.put(&world.acme, "colour", "\"blue\"").await.status, StatusCode::CREATED);
    world.clock.advance(HOUR);
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(HOUR);
    world
}

/// A world whose first site has a setting, left without any doubt, is said to have come back, and is about to be asked. Gives when it left.
async fn returned() -> (World, i64) {
    let world = World::installed().await;
    assert_eq!(world.put(&world.acme, "colour", "\"blue\"").await.status, StatusCode::CREATED);
    world.clock.advance(DAY * 3);
    assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
    let left_at = world.now();
    world.clock.advance(DAY * 10);
    assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(DAY);
    (world, left_at)
}

/// In use, with everything, and nothing of it ends or is due.
async fn assert_whole(world: &World, case: &str) {
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"", "{case}");
    let (tenant, keys, departure) =
        (world.tenant(&world.acme).await, world.key_item(&world.acme).await, departure(world, &world.acme).await);
    assert_eq!((&tenant["state"], &tenant["left_at"], &tenant["purge_after"]), (&"active".into(), &Value::Null, &Value::Null), "{case}");
    assert_eq!((&keys["expires_at"], &departure["stage"]), (&Value::Null, &"returned".into()), "{case}");
    assert_eq!(
        (&departure["doubt_at"], &departure["due_at"], &departure["due_shard"]),
        (&Value::Null, &Value::Null, &Value::Null),
        "{case}"
    );
}

/// The site refuses us for three days, and nothing comes of it.
async fn refuse_thrice(world: &World) {
    for _ in 0..3 {
        assert_eq!(done(&run(world, "doubtful").await), [("postponed", 1), ("finished", 1)]);
        assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::OK);
        world.clock.advance(DAY);
    }
}

/// Out of use, kept for a return until 110 days after `left_at`, and not doubted.
async fn assert_left(world: &World, left_at: i64, case: &str) {
    assert_left_and_doubted(world, left_at, None, case).await;
}

/// The same, of whom the site is asked once more three days later.
async fn assert_undone(world: &World, left_at: i64, case: &str) {
    assert_left_and_doubted(world, left_at, Some(world.now() + 3 * 86_400), case).await;
}

async fn assert_left_and_doubted(world: &World, left_at: i64, doubt_at: Option<i64>, case: &str) {
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::UNAUTHORIZED, "{case}");
    let (tenant, keys, departure) =
        (world.tenant(&world.acme).await, world.key_item(&world.acme).await, departure(world, &world.acme).await);
    let purge_after = left_at + 110 * 86_400;
    assert_eq!(
        (&tenant["state"], &tenant["left_at"], &tenant["purge_after"]),
        (&"unsubscribed".into(), &left_at.into(), &purge_after.into())
    );
    assert_eq!(keys["expires_at"], purge_after + 86_400, "{case}");
    assert_eq!(
        (&departure["stage"], &departure["left_at"], &departure["doubt_at"]),
        (&"marked".into(), &left_at.into(), &doubt_at.into()),
        "{case}"
    );
    let due_at = doubt_at.unwrap_or(purge_after);
    assert_eq!((&departure["due_at"], &departure["returned_at"]), (&due_at.into(), &Value::Null), "{case}");
}

#[tokio::test]
async fn a_leaving_soon_after_an_installation_is_true_if_the_site_refuses_us() {
    for refusal in [None, Some(Trouble::Status(401)), Some(Trouble::Status(403)), Some(Trouble::Status(404))] {
        let world = left_soon().await;
        match refusal {
            None => world.jira.remove(&world.acme),
            trouble => world.jira.trouble(&world.acme, trouble),
        }
        let left_at = departure(&world, &world.acme).await["left_at"].as_i64().unwrap();
        assert_eq!(done(&run(&world, "doubtful").await), [("believed", 1), ("finished", 1)], "{refusal:?}");
        assert_left(&world, left_at, "believed").await;
        assert_eq!(done(&run(&world, "doubtful").await), [("finished", 1)], "once is enough");
        assert_eq!(asked(&world.jira), [world.acme.client_key.as_str()]);
    }
}

/// Promise E-35: nobody loses anything by a leaving that was told late, or signed again.
#[tokio::test]
async fn a_leaving_of_which_the_site_knows_nothing_is_undone_with_everything() {
    let world = left_soon().await;
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(done(&run(&world, "doubtful").await), [("revived", 1), ("finished", 1)]);
    assert_whole(&world, "revived").await;
    assert_eq!(departure(&world, &world.acme).await["returned_at"], world.now());
    // It can leave as ever, and without any doubt.
    world.clock.advance(DAY * 2);
    world.uninstall(&world.acme).await;
    assert_left(&world, world.now(), "left again").await;
}

#[tokio::test]
async fn a_return_of_which_the_site_knows_is_true() {
    let (world, _) = returned().await;
    assert_eq!(done(&run(&world, "doubtful").await), [("believed", 1), ("finished", 1)]);
    assert_whole(&world, "believed").await;
    assert_eq!(done(&run(&world, "doubtful").await), [("finished", 1)]);
    assert_eq!(asked(&world.jira).len(), 1);
}

/// Promise E-34: an installation that is told again does not make anybody's data live longer.
#[tokio::test]
async fn a_return_that_the_site_refuses_is_undone_and_the_first_leaving_counts() {
    for status in [401, 403, 404] {
        let (world, left_at) = returned().await;
        world.jira.trouble(&world.acme, Some(Trouble::Status(status)));
        refuse_thrice(&world).await;
        assert_eq!(done(&run(&world, "doubtful").await), [("returns-undone", 1), ("finished", 1)]);
        assert_undone(&world, left_at, "undone").await;
        world.clock.advance(DAY * 3);
        assert_eq!(done(&run(&world, "doubtful").await), [("believed", 1), ("finished", 1)], "asked once more");
        assert_left(&world, left_at, "believed").await;
        // Whoever really comes back still finds everything.
        world.clock.advance(DAY * 80);
        world.jira.trouble(&world.acme, None);
        assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
    }
}

/// Promise E-35: a site that refuses us for a few days takes nothing from a customer who did come back, not even on the last day of the grace.
#[tokio::test]
async fn a_true_return_survives_a_site_that_refuses_us_for_days() {
    let world = World::installed().await;
    world.put(&world.acme, "colour", "\"blue\"").await;
    world.clock.advance(DAY * 3);
    world.uninstall(&world.acme).await;
    world.clock.advance(DAY * 110 - HOUR);
    world.install(&world.acme).await;
    world.clock.advance(DAY);
    world.jira.trouble(&world.acme, Some(Trouble::Status(403)));
    refuse_thrice(&world).await;
    assert_eq!(done(&run(&world, "doubtful").await), [("returns-undone", 1), ("finished", 1)]);
    let purge = world.host.run_schedule("purge").await.unwrap().unwrap();
    assert_eq!(purge.count("begun"), 0, "it is kept for another week: {purge}");
    world.jira.trouble(&world.acme, None);
    world.clock.advance(DAY * 3);
    assert_eq!(done(&run(&world, "doubtful").await), [("revived", 1), ("finished", 1)]);
    assert_whole(&world, "revived").await;
}

/// What an operator does while a site is asked is not undone by its answer.
#[tokio::test]
async fn a_hold_that_is_placed_while_the_site_is_asked_stands() {
    let world = left_soon().await;
    world.jira.trouble(&world.acme, Some(Trouble::Status(500)));
    let (digest, tenant) = (id::digest(world.acme.app.slug, &world.acme.client_key), world.tenant(&world.acme).await);
    let (platform, tenant_id) = (world.host.platform("erasure").unwrap(), tenant["tenant_id"].as_str().unwrap().to_owned());
    let until = world.now() + 20 * 86_400;
    let report = run_while(&world, "doubtful", async {
        let departure = departures::find(&platform, &digest, &tenant_id).await.unwrap().unwrap();
        let hold = Hold { placed_by: "o".to_owned(), reason: HoldReason::LegalObligation, placed_at: world.now(), until };
        assert!(waiting::hold(&platform, &departure, hold).await.unwrap());
    });
    assert_eq!(done(&report.await), [("moved", 1), ("finished", 1)]);
    assert_eq!(departure(&world, &world.acme).await["hold_until"], until);
    // Nor by coming back and leaving again.
    world.jira.trouble(&world.acme, None);
    world.clock.advance(DAY * 2);
    world.install(&world.acme).await;
    world.clock.advance(DAY * 2);
    world.uninstall(&world.acme).await;
    assert_eq!(departure(&world, &world.acme).await["hold_until"], until);
}

#[tokio::test]
async fn nobody_is_asked_before_it_is_time() {
    let world = World::installed().await;
    world.clock.advance(HOUR);
    world.uninstall(&world.acme).await;
    world.clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(done(&run(&world, "doubtful").await), [("finished", 1)]);
    let (returned, _) = returned().await;
    returned.clock.advance(HOUR);
    returned.install(&returned.acme).await;
    assert_eq!(asked(&world.jira), Vec::<String>::new());
}

#[tokio::test]
async fn whatever_is_not_doubted_is_not_touched() {
    let world = World::installed().await;
    world.clock.advance(DAY);
    world.uninstall(&world.acme).await;
    world.clock.advance(DAY * 110);
    let before = world.aws().dump().unwrap();
    assert_eq!(done(&run(&world, "doubtful").await), [("finished", 1)], "its purge is due, and its leaving was never doubted");
    assert_eq!((world.aws().dump().unwrap(), asked(&world.jira).len()), (before, 0));
}

#[tokio::test]
async fn a_site_that_does_not_answer_is_asked_daily_for_a_week_and_then_the_leaving_is_believed() {
    for trouble in SILENCES {
        let (world, log) = (left_soon().await, Log::kept());
        world.jira.trouble(&world.acme, Some(trouble));
        let left_at = departure(&world, &world.acme).await["left_at"].as_i64().unwrap();
        for day in 0..7 {
            let before = world.tenant(&world.acme).await;
            assert_eq!(done(&run(&world, "doubtful").await), [("postponed", 1), ("finished", 1)], "{trouble:?} {day}");
            let departure = departure(&world, &world.acme).await;
            assert_eq!((&departure["doubt_at"], &departure["stage"]), (&(world.now() + 86_400).into(), &"marked".into()));
            assert_eq!(world.tenant(&world.acme).await, before);
            world.clock.advance(DAY - HOUR);
            assert_eq!(done(&run(&world, "doubtful").await), [("finished", 1)], "{trouble:?} {day}");
            world.clock.advance(HOUR);
        }
        assert_eq!(done(&run(&world, "doubtful").await), [("believed-unheard", 1), ("finished", 1)], "{trouble:?}");
        assert_left(&world, left_at, "unheard").await;
        let told = log.events().into_iter().filter(|event| event["log"]["level"] == "warn").count();
        assert_eq!(told, 1, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_return_that_no_site_denies_within_a_week_stands() {
    let (world, _) = returned().await;
    world.jira.trouble(&world.acme, Some(Trouble::Status(503)));
    for day in 0..6 {
        assert_eq!(done(&run(&world, "doubtful").await), [("postponed", 1), ("finished", 1)], "{day}");
        assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::OK);
        world.clock.advance(DAY);
    }
    assert_eq!(done(&run(&world, "doubtful").await), [("believed-unheard", 1), ("finished", 1)]);
    assert_whole(&world, "unheard").await;
}

#[tokio::test]
async fn a_site_whose_address_is_on_the_list_no_longer_is_not_called() {
    let world = left_soon().await;
    let elsewhere = Settings { sites: Arc::new(world.jira.clone()), ..settings(&world.clock, Arc::new(SystemRandom)) };
    let elsewhere = Settings { site_hosts: ".jira.com".to_owned(), ..elsewhere };
    let host = LocalHost::start_on(world.aws().clone(), &elsewhere).await.unwrap();
    let report = run_on(&host.platform("doubtful").unwrap(), "doubtful", TIME).await.unwrap();
    assert_eq!((done(&report), asked(&world.jira)), (vec![("postponed", 1), ("finished", 1)], Vec::new()));
}

/// Promise E-35.
#[tokio::test]
async fn whoever_comes_back_while_the_site_is_asked_has_come_back() {
    for trouble in [None, Some(Trouble::Status(401)), Some(Trouble::Status(500))] {
        let world = left_soon().await;
        world.jira.trouble(&world.acme, trouble);
        let report = run_while(&world, "doubtful", async {
            assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
        });
        assert_eq!(done(&report.await), [("moved", 1), ("finished", 1)], "{trouble:?}");
        assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
        assert_eq!(departure(&world, &world.acme).await["stage"], "returned");
    }
}

#[tokio::test]
async fn whoever_is_installed_again_while_the_site_is_asked_about_a_return_stays() {
    let (world, _) = returned().await;
    world.jira.trouble(&world.acme, Some(Trouble::Status(401)));
    refuse_thrice(&world).await;
    let report = run_while(&world, "doubtful", async {
        assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    });
    assert_eq!(done(&report.await), [("moved", 1), ("finished", 1)]);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
}

#[tokio::test]
async fn one_tenants_fault_is_nobody_elses() {
    let world = World::installed().await;
    let others: Vec<Site> = (0..4).map(|number| site(&format!("site-{number}"))).collect();
    for site in &others {
        world.install(site).await;
    }
    world.clock.advance(HOUR);
    for site in others.iter().chain([&world.acme]) {
        world.uninstall(site).await;
        world.jira.remove(site);
    }
    world.lose_keys(&world.acme).await;
    world.clock.advance(HOUR);
    assert_eq!(done(&run(&world, "doubtful").await), [("believed", 4), ("faults", 1), ("finished", 1)]);
    let mut known: Vec<String> = asked(&world.jira);
    known.sort();
    assert_eq!(known, others.iter().map(|site| site.client_key.clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_run_that_has_no_time_asks_nobody() {
    let world = left_soon().await;
    let report = run_on(&world.host.platform("doubtful").unwrap(), "doubtful", Duration::from_secs(60)).await.unwrap();
    assert_eq!((done(&report), asked(&world.jira)), (Vec::new(), Vec::new()));
}

/// What a world comes to: how it begins, what the site says, and what must be so in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    LeavingTrue,
    LeavingFalse,
    ReturnTrue,
    ReturnFalse,
    Unheard,
}

async fn begun(case: Case) -> (World, i64) {
    let (world, left_at) = match case {
        Case::LeavingTrue | Case::LeavingFalse | Case::Unheard => {
            let world = left_soon().await;
            let left_at = world.now() - 3_600;
            (world, left_at)
        }
        Case::ReturnTrue | Case::ReturnFalse => returned().await,
    };
    match case {
        Case::LeavingTrue | Case::ReturnFalse => world.jira.remove(&world.acme),
        Case::Unheard => world.jira.trouble(&world.acme, Some(Trouble::Status(500))),
        Case::LeavingFalse | Case::ReturnTrue => {}
    }
    if matches!(case, Case::ReturnFalse) {
        refuse_thrice(&world).await;
    }
    (world, left_at)
}

async fn assert_ended(world: &World, case: Case, left_at: i64, at: &str) {
    match case {
        Case::LeavingTrue => assert_left(world, left_at, at).await,
        Case::ReturnFalse => assert_undone(world, left_at, at).await,
        Case::LeavingFalse | Case::ReturnTrue => assert_whole(world, at).await,
        Case::Unheard => assert_eq!(departure(world, &world.acme).await["doubt_at"], world.now() + 86_400, "{at}"),
    }
}

#[tokio::test]
async fn what_a_fault_leaves_the_next_run_settles() {
    for case in [Case::LeavingTrue, Case::LeavingFalse, Case::ReturnTrue, Case::ReturnFalse, Case::Unheard] {
        let (world, left_at) = begun(case).await;
        let mark = world.aws().calls().mark();
        run(&world, "doubtful").await;
        let calls = world.aws().calls().since(mark);
        assert_ended(&world, case, left_at, "no fault").await;
        // All but the empty shards of the index, which are alike.
        let eventful = |at: &usize| *at == 0 || calls[*at].operation != "Query" || calls[*at - 1].operation != "Query";
        for at in (0..calls.len()).filter(eventful) {
            for (fault, times) in STRIKES {
                let named = format!("{case:?} {} {at} {fault:?} {times}", calls[at]);
                let (world, left_at) = begun(case).await;
                let struck = strike(&world, "doubtful", at, fault, times).await;
                if times == 1 {
                    assert_ended(&world, case, left_at, &named).await;
                } else {
                    assert!(struck.is_none_or(|report| report.count("faults") == 1), "{named}");
                }
                run(&world, "doubtful").await;
                assert_ended(&world, case, left_at, &named).await;
            }
        }
    }
}

/// Promises: the question goes to the tenant's own site, in its own name, and the log knows neither.
#[tokio::test]
async fn each_site_is_asked_about_itself_and_the_log_names_none() {
    let (world, log) = (World::new().await, Log::kept());
    let marked = |name: &str| Site { shared_secret: format!("m4rk-secret-{name}"), ..site(&format!("m4rk-{name}")) };
    let sites: Vec<Site> = ["known", "gone", "silent"].map(marked).into();
    for site in &sites {
        world.install(site).await;
    }
    world.clock.advance(HOUR);
    for site in &sites {
        world.uninstall(site).await;
    }
    world.jira.remove(&sites[1]);
    world.jira.trouble(&sites[2], Some(Trouble::Status(500)));
    world.clock.advance(DAY * 8);
    let report = run(&world, "doubtful").await;
    assert_eq!(done(&report), [("believed", 1), ("believed-unheard", 1), ("revived", 1), ("finished", 1)]);
    let mut known = asked(&world.jira);
    known.sort();
    assert_eq!(known, ["m4rk-gone-client-key", "m4rk-known-client-key", "m4rk-silent-client-key"]);
    for mark in ["m4rk", "JWT ", "eyJ", "atlassian.net"] {
        assert!(!log.text().contains(mark), "the log holds {mark}: {}", log.text());
    }
    assert!(log.text().contains("believed without"));
}
