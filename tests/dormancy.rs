//! Every active site is asked once a week whether it still knows us. A month of refusals, or of a licence that is not active, is a leaving like
//! any other, with the evidence; silence is nothing, and whoever knows us once has never been away.

use std::time::Duration;

use http::StatusCode;
use local::atlassian::Site;
use local::aws::Fault;
use local::jira::Trouble;
use serde_json::{Value, json};
use shared::platform::schedule::Report;
use shared::tenant::id::digest;

use crate::asking::{DAY, HOUR, STRIKES, asked, departure, done, run, run_on, run_while, strike};
use crate::harness::{World, site};
use crate::secrets::Log;

/// All that may be noted of a site's answers in its tenants item.
const NOTED: [&str; 6] = ["asked_at", "last_status", "refused_since", "refused_times", "unlicensed_since", "unlicensed_times"];

async fn ask(world: &World) -> Report {
    run(world, "dormant").await
}

/// The next week, in which the first site answers so.
async fn week(world: &World, trouble: Option<Trouble>) -> Report {
    world.jira.trouble(&world.acme, trouble);
    world.clock.advance(DAY * 7);
    ask(world).await
}

const REFUSED: Option<Trouble> = Some(Trouble::Status(401));
const ENDED: Option<Trouble> = Some(Trouble::LicenceEnded);

/// What is noted of the first site, by name; null where nothing is.
async fn noted(world: &World) -> [Value; 6] {
    let tenant = world.tenant(&world.acme).await;
    NOTED.map(|name| tenant[name].clone())
}

async fn with_a_setting() -> World {
    let world = World::installed().await;
    assert_eq!(world.put(&world.acme, "colour", "\"blue\"").await.status, StatusCode::CREATED);
    world
}

/// A world on the eve of the asking after which its first site counts as gone.
async fn nearly_gone(trouble: Option<Trouble>) -> World {
    let world = with_a_setting().await;
    for _ in 0..5 {
        assert_eq!(week(&world, trouble).await.count("finished"), 1);
    }
    world.clock.advance(DAY * 7);
    world
}

/// Since when a site has answered so, how often, and with what.
fn evidence(departure: &Value) -> Value {
    json!(["evidence_since", "evidence_times", "evidence_status"].map(|name| &departure[name]))
}

fn licences(world: &World) -> Vec<Value> {
    world.aws().dump().unwrap()["LicencesTable"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_site_is_asked_once_a_week_beginning_a_week_after_it_came() {
    let world = World::installed().await;
    let mut days = Vec::new();
    for day in 0..=21 {
        if asked(&world.jira).len() < {
            ask(&world).await;
            asked(&world.jira).len()
        } {
            days.push(day);
        }
        world.clock.advance(DAY);
    }
    assert_eq!(days, [7, 14, 21]);
    let [asked_at, status, ..] = noted(&world).await;
    assert_eq!((asked_at, status), ((world.now() - 86_400).into(), 200.into()));
}

#[tokio::test]
async fn sites_that_came_on_other_days_are_asked_on_other_days() {
    let world = World::new().await;
    for number in 0..5 {
        world.install(&site(&format!("site-{number}"))).await;
        world.clock.advance(DAY);
    }
    world.clock.advance(DAY * 2);
    for _ in 0..5 {
        assert_eq!(done(&ask(&world).await), [("known", 1), ("finished", 1)]);
        world.clock.advance(DAY);
    }
}

#[tokio::test]
async fn more_tenants_than_one_call_reads_are_all_asked() {
    let world = World::new().await;
    for number in 0..103 {
        assert_eq!(world.install(&site(&format!("site-{number}"))).await.status, StatusCode::NO_CONTENT);
    }
    world.clock.advance(DAY * 7);
    assert_eq!(done(&ask(&world).await), [("known", 103), ("finished", 1)]);
    assert_eq!(done(&ask(&world).await), [("finished", 1)]);
}

/// Promises E-33 and E-35: whoever goes without a word has left too, may come back as long as anybody, and finds everything.
#[tokio::test]
async fn a_site_that_refuses_us_for_a_month_has_left_with_the_evidence_and_may_come_back() {
    for trouble in [None, REFUSED, Some(Trouble::Status(403)), Some(Trouble::Status(404))] {
        let (world, log) = (nearly_gone(trouble.or(REFUSED)).await, Log::kept());
        world.jira.trouble(&world.acme, trouble);
        if trouble.is_none() {
            world.jira.remove(&world.acme);
        }
        assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::OK, "until then nothing has changed");
        assert_eq!(done(&ask(&world).await), [("marked-dormant", 1), ("finished", 1)], "{trouble:?}");
        let (departure, keys) = (departure(&world, &world.acme).await, world.key_item(&world.acme).await);
        let status = match trouble {
            Some(Trouble::Status(status)) => status,
            _ => 401,
        };
        assert_eq!((&departure["cause"], &departure["stage"]), (&"dormant".into(), &"marked".into()));
        assert_eq!(evidence(&departure), json!([world.now() - 35 * 86_400, 6, status]));
        assert_eq!((&departure["left_at"], &departure["due_at"]), (&world.now().into(), &(world.now() + 7 * 86_400).into()));
        assert_eq!((&departure["doubt_at"], &keys["expires_at"]), (&departure["due_at"], &(world.now() + 111 * 86_400).into()));
        assert_eq!(departure["purge_after"], world.now() + 110 * 86_400);
        assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::UNAUTHORIZED);
        assert!(log.text().contains("counts as gone"));
        world.clock.advance(DAY * 109);
        assert_eq!(done(&ask(&world).await), [("finished", 1)], "whoever has left is not asked");
        world.jira.trouble(&world.acme, None);
        assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
        let [_, _, refused @ ..] = noted(&world).await;
        assert_eq!(refused, [const { Value::Null }; 4]);
    }
}

/// Promise E-35: a site that comes back, or a licence that is renewed, installs nothing; whoever left without a word is asked every week, and
/// nobody but a purge ends that.
#[tokio::test]
async fn whoever_left_without_a_word_is_asked_every_week_and_comes_back_without_one() {
    for trouble in [REFUSED, ENDED] {
        let world = nearly_gone(trouble).await;
        let left_at = world.now();
        let gone = ask(&world).await;
        assert_eq!(gone.count("marked-dormant") + gone.count("marked-unlicensed"), 1, "{gone}");
        let silent = Some(Trouble::Status(500));
        for again in [trouble, silent, trouble] {
            world.jira.trouble(&world.acme, again);
            world.clock.advance(DAY * 6);
            assert_eq!(done(&run(&world, "doubtful").await), [("finished", 1)], "not before the week is over");
            world.clock.advance(DAY);
            assert_eq!(done(&run(&world, "doubtful").await), [("postponed", 1), ("finished", 1)]);
        }
        assert_eq!(departure(&world, &world.acme).await["left_at"], left_at);
        world.jira.trouble(&world.acme, None);
        world.clock.advance(DAY * 7);
        assert_eq!(done(&run(&world, "doubtful").await), [("revived", 1), ("finished", 1)]);
        assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
        assert_eq!(world.key_item(&world.acme).await["expires_at"], Value::Null);
        world.clock.advance(DAY * 7);
        assert_eq!(done(&ask(&world).await), [("known", 1), ("finished", 1)], "nothing that was noted before counts");
    }
}

/// A site that knows us and still has no licence is not back.
#[tokio::test]
async fn a_licence_that_stays_ended_is_no_return() {
    let world = nearly_gone(ENDED).await;
    ask(&world).await;
    for _ in 0..15 {
        world.clock.advance(DAY * 7);
        assert_eq!(done(&run(&world, "doubtful").await), [("postponed", 1), ("finished", 1)]);
    }
    world.clock.advance(DAY * 7);
    let purge = world.host.run_schedule("purge").await.unwrap().unwrap();
    assert_eq!(purge.count("begun"), 1, "{purge}");
}

#[tokio::test]
async fn one_answer_that_knows_us_begins_the_month_anew() {
    let world = World::installed().await;
    for _ in 0..4 {
        assert_eq!(done(&week(&world, REFUSED).await), [("refused", 1), ("finished", 1)]);
    }
    let since = world.now() - 21 * 86_400;
    assert_eq!(noted(&world).await, [world.now().into(), 401.into(), since.into(), 4.into(), Value::Null, Value::Null]);
    assert_eq!(done(&week(&world, None).await), [("known", 1), ("finished", 1)]);
    assert_eq!(noted(&world).await, [world.now().into(), 200.into(), Value::Null, Value::Null, Value::Null, Value::Null]);
    for _ in 0..5 {
        assert_eq!(done(&week(&world, REFUSED).await), [("refused", 1), ("finished", 1)]);
    }
    assert_eq!(done(&week(&world, REFUSED).await), [("marked-dormant", 1), ("finished", 1)]);
}

#[tokio::test]
async fn an_installation_clears_refusals_and_an_upgrade_does_not_pay_for_a_licence() {
    let world = World::installed().await;
    week(&world, ENDED).await;
    let unlicensed_since = Value::from(world.now());
    week(&world, REFUSED).await;
    let refused_since = Value::from(world.now());
    let [_, _, before @ ..] = noted(&world).await;
    assert_eq!(before, [refused_since, 1.into(), unlicensed_since.clone(), 1.into()]);
    world.install(&world.acme).await;
    let [_, _, after @ ..] = noted(&world).await;
    assert_eq!(after, [Value::Null, Value::Null, unlicensed_since, 1.into()]);
    world.clock.advance(HOUR);
    world.uninstall(&world.acme).await;
    world.clock.advance(DAY);
    world.install(&world.acme).await;
    let [_, _, returned @ ..] = noted(&world).await;
    assert_eq!(returned, [const { Value::Null }; 4], "whoever comes back begins anew");
}

/// Nobody loses anything because a network is broken.
#[tokio::test]
async fn silence_is_no_refusal_and_clears_none() {
    let world = World::installed().await;
    for trouble in [Trouble::Silent, Trouble::Status(500), Trouble::Status(503), Trouble::Status(429), Trouble::Status(302)] {
        for _ in 0..6 {
            assert_eq!(done(&week(&world, Some(trouble)).await), [("silent", 1), ("finished", 1)], "{trouble:?}");
        }
    }
    for trouble in [Trouble::Garbage, Trouble::SomebodyElse] {
        assert_eq!(done(&week(&world, Some(trouble)).await), [("silent", 1), ("finished", 1)], "{trouble:?}");
    }
    let [asked_at, others @ ..] = noted(&world).await;
    assert_eq!((asked_at, others), (world.now().into(), [const { Value::Null }; 5]));
    week(&world, REFUSED).await;
    let [_, refused @ ..] = noted(&world).await;
    week(&world, Some(Trouble::Silent)).await;
    let [asked_at, unchanged @ ..] = noted(&world).await;
    assert_eq!((asked_at, unchanged), (world.now().into(), refused));
}

/// Promise E-12: what a site says of its licence is kept for a day, sealed, and asked for once.
#[tokio::test]
async fn a_licence_is_kept_sealed_for_a_day_and_not_asked_for_twice_in_one() {
    let world = World::installed().await;
    world.clock.advance(DAY * 7);
    let mark = world.aws().calls().mark();
    ask(&world).await;
    let calls = world.aws().calls().since(mark);
    let [kept] = <[Value; 1]>::try_from(licences(&world)).unwrap();
    assert_eq!(kept["expires_at"], json!({"N": (world.now() + 86_400).to_string()}));
    assert_eq!(world.aws().places_of(b"\"active\"").unwrap(), Vec::<String>::new());
    // The last call notes the answer: should it fail, the site is not asked again for that.
    let world = World::installed().await;
    world.clock.advance(DAY * 7);
    for attempt in 0..3 {
        world.aws().faults().on_call(calls.len() as u64 + attempt, Fault::BeforeSend);
    }
    assert_eq!(done(&ask(&world).await), [("faults", 1), ("finished", 1)]);
    world.aws().faults().clear();
    world.clock.advance(DAY - HOUR);
    assert_eq!(done(&ask(&world).await), [("known", 1), ("finished", 1)]);
    assert_eq!(asked(&world.jira).len(), 1);
    world.clock.advance(DAY * 7);
    ask(&world).await;
    assert_eq!((asked(&world.jira).len(), licences(&world).len()), (2, 1));
}

/// Promise A-07: an ended licence takes nothing away for a month, and then nothing that does not come back.
#[tokio::test]
async fn a_licence_that_is_not_active_for_a_month_is_a_leaving() {
    let world = nearly_gone(ENDED).await;
    assert_eq!(world.get(&world.acme, "colour").await.status, StatusCode::OK);
    assert_eq!(done(&ask(&world).await), [("marked-unlicensed", 1), ("finished", 1)]);
    let departure = departure(&world, &world.acme).await;
    assert_eq!(departure["cause"], "licence-ended");
    assert_eq!(evidence(&departure), json!([world.now() - 35 * 86_400, 6, 200]));
    world.jira.trouble(&world.acme, None);
    world.install(&world.acme).await;
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
}

#[tokio::test]
async fn a_licence_that_is_active_again_or_is_not_named_ends_nothing() {
    let world = nearly_gone(ENDED).await;
    world.jira.trouble(&world.acme, Some(Trouble::LicenceUnnamed));
    let [_, _, _, _, since, times] = noted(&world).await;
    assert_eq!(done(&ask(&world).await), [("known", 1), ("finished", 1)]);
    let [_, _, _, _, still_since, still_times] = noted(&world).await;
    assert_eq!((still_since, still_times), (since, times));
    week(&world, None).await;
    assert_eq!(noted(&world).await[4..], [Value::Null, Value::Null]);
    assert_eq!(done(&week(&world, ENDED).await), [("unlicensed", 1), ("finished", 1)]);
}

#[tokio::test]
async fn whoever_is_installed_while_its_site_is_asked_stays() {
    let world = nearly_gone(REFUSED).await;
    let before = noted(&world).await;
    let report = run_while(&world, "dormant", async {
        assert_eq!(world.install(&world.acme).await.status, StatusCode::NO_CONTENT);
    });
    assert_eq!(done(&report.await), [("moved", 1), ("finished", 1)]);
    assert_eq!(world.get(&world.acme, "colour").await.text(), "\"blue\"");
    assert_ne!(noted(&world).await, before);
    // An answer that is noted late is not noted at all.
    let world = World::installed().await;
    world.clock.advance(DAY * 7);
    world.jira.trouble(&world.acme, REFUSED);
    let report = run_while(&world, "dormant", async {
        world.uninstall(&world.acme).await;
    });
    assert_eq!(done(&report.await), [("moved", 1), ("finished", 1)]);
    assert_eq!(noted(&world).await, [const { Value::Null }; 6]);
}

#[tokio::test]
async fn two_runs_at_once_note_one_answer() {
    for trouble in [REFUSED, ENDED] {
        let world = World::installed().await;
        world.clock.advance(DAY * 7);
        world.jira.trouble(&world.acme, trouble);
        let report = run_while(&world, "dormant", async {
            ask(&world).await;
        });
        let report = report.await;
        assert_eq!((report.count("faults"), report.count("finished")), (0, 1), "{report}");
        let tenant = world.tenant(&world.acme).await;
        let times = [&tenant["refused_times"], &tenant["unlicensed_times"]].into_iter().filter_map(Value::as_i64).sum::<i64>();
        assert_eq!(times, 1, "{trouble:?}");
    }
}

/// A month of refusals by everybody is our own month.
#[tokio::test]
async fn more_sites_that_refuse_us_than_know_us_are_an_incident() {
    let world = World::new().await;
    let sites: Vec<Site> = (0..19).map(|number| site(&format!("site-{number}"))).collect();
    for site in &sites {
        world.install(site).await;
    }
    for refusing in [9, 10] {
        world.clock.advance(DAY * 7);
        for site in sites.iter().take(refusing) {
            world.jira.trouble(site, REFUSED);
        }
        let report = ask(&world).await;
        assert_eq!((report.count("refused"), report.is_incident()), (refusing as u64, refusing == 10), "{report}");
    }
}

#[tokio::test]
async fn one_tenants_fault_is_nobody_elses() {
    let world = World::installed().await;
    let (damaged, sound) = (site("damaged"), site("sound"));
    for site in [&damaged, &sound] {
        world.install(site).await;
    }
    world.lose_keys(&world.acme).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let digest = aws_sdk_dynamodb::types::AttributeValue::S(digest(damaged.app.slug, &damaged.client_key));
    let damage = dynamodb.update_item().table_name("TenantsTable").key("digest", digest).update_expression("SET refused_since = :text");
    let text = aws_sdk_dynamodb::types::AttributeValue::S("yesterday".to_owned());
    damage.expression_attribute_values(":text", text).send().await.unwrap();
    world.clock.advance(DAY * 7);
    assert_eq!(done(&ask(&world).await), [("known", 1), ("faults", 2), ("finished", 1)]);
    assert_eq!(asked(&world.jira), [sound.client_key]);
}

#[tokio::test]
async fn a_run_that_has_no_time_asks_nobody() {
    let world = World::installed().await;
    world.clock.advance(DAY * 7);
    let report = run_on(&world.host.platform("dormant").unwrap(), "dormant", Duration::from_secs(60)).await.unwrap();
    assert_eq!((done(&report), asked(&world.jira)), (Vec::new(), Vec::new()));
}

/// What the first site is noted or marked as, without the moment.
async fn state(world: &World) -> (Value, [Value; 4], Value, Value) {
    let (tenant, departure) = (world.tenant(&world.acme).await, departure(world, &world.acme).await);
    let [_, _, spells @ ..] = noted(world).await;
    (tenant["state"].clone(), spells, departure["cause"].clone(), departure["evidence_times"].clone())
}

#[tokio::test]
async fn what_a_fault_leaves_the_next_run_asks_again() {
    for (trouble, weeks) in [(None, 1), (REFUSED, 1), (REFUSED, 6), (ENDED, 6)] {
        let begun = async || if weeks == 1 { World::installed().await } else { nearly_gone(trouble).await };
        let ready = async || {
            let world = begun().await;
            world.clock.advance(if weeks == 1 { DAY * 7 } else { Duration::ZERO });
            world.jira.trouble(&world.acme, trouble);
            world.restarted().await
        };
        let world = ready().await;
        let mark = world.aws().calls().mark();
        ask(&world).await;
        let (calls, ended) = (world.aws().calls().since(mark).len(), state(&world).await);
        assert!(calls >= 4, "{calls}");
        for at in 0..calls {
            for (fault, times) in STRIKES {
                let named = format!("{trouble:?} {weeks} {at} {fault:?} {times}");
                let world = ready().await;
                let struck = strike(&world, "dormant", at, fault, times).await;
                if times == 1 {
                    assert_eq!(struck.unwrap().count("faults"), 0, "{named}");
                    assert_eq!(state(&world).await, ended, "{named}");
                } else {
                    assert!(struck.is_none_or(|report| report.count("faults") == 1), "{named}");
                }
                ask(&world).await;
                assert_eq!(state(&world).await, ended, "{named}");
            }
        }
    }
}

/// Promises: the question goes to the tenant's own site, in its own name, and the log knows neither.
#[tokio::test]
async fn each_site_is_asked_about_itself_and_neither_log_nor_tables_name_any() {
    let (world, log) = (World::new().await, Log::kept());
    let marked = |name: &str| Site { shared_secret: format!("m4rk-secret-{name}"), ..site(&format!("m4rk-{name}")) };
    let sites: Vec<Site> = ["gone", "known", "silent"].map(marked).into();
    for site in &sites {
        world.install(site).await;
    }
    world.jira.remove(&sites[0]);
    world.jira.trouble(&sites[2], Some(Trouble::Status(500)));
    for _ in 0..6 {
        world.clock.advance(DAY * 7);
        ask(&world).await;
    }
    let mut known: Vec<String> = asked(&world.jira).split_off(15);
    known.sort();
    assert_eq!(known, ["m4rk-gone-client-key", "m4rk-known-client-key", "m4rk-silent-client-key"]);
    assert_eq!(departure(&world, &sites[0]).await["cause"], "dormant");
    for mark in ["m4rk", "JWT ", "eyJ", "atlassian.net"] {
        assert!(!log.text().contains(mark), "the log holds {mark}: {}", log.text());
    }
    assert_eq!(world.aws().places_of(b"m4rk").unwrap(), Vec::<String>::new());
}
