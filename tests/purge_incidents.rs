//! What a purge cannot do, and who is told of it: nothing is late in silence, and nobody waits for another.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use local::aws::{Fault, Service};
use shared::tenant::departure::{Hold, HoldReason};
use shared::tenant::moves::waiting;
use shared::tenant::{departures, id};

use crate::harness::{World, site};
use crate::purging::{DAY, busy, certified, departure, leave, pass, remains, start, work};

/// What can never succeed lies among the dead letters with its reason, and the others go on.
#[tokio::test]
async fn a_tenant_whose_purge_fails_for_good_does_not_keep_others_waiting() {
    let world = busy().await;
    let (acme, globex) = (world.acme.clone(), site("globex"));
    assert_eq!(world.install(&globex).await.status, StatusCode::NO_CONTENT);
    leave(&world, &acme).await;
    leave(&world, &globex).await;
    world.clock.advance(Duration::from_secs(110 * 86_400));
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let poisoned = departure(&world, &acme).await;
    let key = |name: &str| AttributeValue::S(poisoned[name].as_str().unwrap().to_owned());
    let update = dynamodb.update_item().table_name("DeparturesTable").key("digest", key("digest")).key("tenant_id", key("tenant_id"));
    let update = update.update_expression("SET purge_cursor = :damaged");
    update.expression_attribute_values(":damaged", AttributeValue::S("{".to_owned())).send().await.unwrap();
    pass(&world, DAY).await;
    assert_eq!(departure(&world, &globex).await["stage"], "purged");
    assert_eq!(departure(&world, &acme).await["stage"], "purging");
    assert!(!world.host.dead_letters().await.unwrap().is_empty());
    world.clock.advance(Duration::from_secs(7 * 86_400));
    let report = start(&world).await;
    assert!(report.is_incident() && report.count("overdue") == 1, "{report}");
}

#[tokio::test]
async fn a_message_that_is_none_is_dead_at_once() {
    let world = World::new().await;
    for body in ["", "{}", r#"{"digest":"a"}"#, r#"{"digest":"a","tenantId":"b","more":1}"#, r#"{"digest":"a","tenantId":"b"}"#] {
        assert_eq!(work(&world, body).await, 0, "{body}");
    }
    assert_eq!(world.host.dead_letters().await.unwrap().len(), 5);
}

/// A hold that stands past the deadline suspends the promise: every day says so, and so does the certificate (promise E-34).
#[tokio::test]
async fn a_hold_past_the_deadline_is_told_every_day_and_certified() {
    let world = busy().await;
    let acme = world.acme.clone();
    let tenant_id = leave(&world, &acme).await;
    let digest = id::digest(acme.app.slug, &acme.client_key);
    let platform = world.host.platform("erasure").unwrap();
    let mut told = 0;
    for month in 0..3 {
        world.clock.advance(Duration::from_secs(if month == 0 { 109 } else { 29 } * 86_400));
        let departure = departures::find(&platform, &digest, &tenant_id).await.unwrap().unwrap();
        let placed_at = departure.hold.as_ref().map_or(world.now(), |hold| hold.placed_at);
        let hold =
            Hold { placed_by: "arn:aws:iam::1:role/o".to_owned(), reason: HoldReason::Dispute, placed_at, until: world.now() + 30 * DAY };
        assert!(waiting::hold(&platform, &departure, hold).await.unwrap());
    }
    // Day 167; it stands until day 197. The purge had to begin by day 125.
    for _ in 0..29 {
        world.clock.advance(Duration::from_secs(86_400));
        told += start(&world).await.count("held-too-long");
        assert_eq!(start(&world).await.count("held-too-long"), 0, "once a day");
    }
    assert_eq!(told, 29);
    pass(&world, 3 * DAY).await;
    let certificate = certified(&world, &acme).await;
    assert!(certificate.promise_suspended && !certificate.deadline_missed);
    assert_eq!(certificate.holds.len(), 1);
    assert_eq!(remains(&world, &acme, &tenant_id), Vec::<String>::new());
}

/// A departure whose tenants item is lost is purged, because what it left must go, and never in silence.
#[tokio::test]
async fn a_leaving_without_its_tenant_is_purged_and_told() {
    let world = busy().await;
    let acme = world.acme.clone();
    let tenant_id = leave(&world, &acme).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let digest = AttributeValue::S(id::digest(acme.app.slug, &acme.client_key));
    dynamodb.delete_item().table_name("TenantsTable").key("digest", digest).send().await.unwrap();
    world.clock.advance(Duration::from_secs(110 * 86_400));
    let report = start(&world).await;
    assert!(report.is_incident() && report.count("torn") == 1 && report.count("begun") == 1, "{report}");
    assert!(world.key_item(&acme).await.is_null());
    pass(&world, 5 * 3_600).await;
    assert_eq!(departure(&world, &acme).await["stage"], "purged");
    assert_eq!(remains(&world, &acme, &tenant_id), Vec::<String>::new());
}

/// A run that cannot read one departure does the others.
#[tokio::test]
async fn one_damaged_departure_does_not_stop_the_hourly_run() {
    let world = busy().await;
    let (acme, globex) = (world.acme.clone(), site("globex"));
    assert_eq!(world.install(&globex).await.status, StatusCode::NO_CONTENT);
    leave(&world, &acme).await;
    leave(&world, &globex).await;
    let damaged = departure(&world, &acme).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws().sdk_config());
    let key = |name: &str| AttributeValue::S(damaged[name].as_str().unwrap().to_owned());
    let update = dynamodb.update_item().table_name("DeparturesTable").key("digest", key("digest")).key("tenant_id", key("tenant_id"));
    update.update_expression("REMOVE cause").send().await.unwrap();
    world.clock.advance(Duration::from_secs(110 * 86_400));
    let report = start(&world).await;
    assert_eq!((report.count("begun"), report.count("faults"), report.count("finished")), (1, 1, 1), "{report}");
}

/// What cannot be sent now is sent by the next run.
#[tokio::test]
async fn a_purge_that_began_and_could_not_be_sent_is_sent_an_hour_later() {
    let world = busy().await;
    leave(&world, &world.acme.clone()).await;
    world.clock.advance(Duration::from_secs(110 * 86_400));
    world.aws().faults().on(Service::Sqs, "SendMessage", Fault::BeforeSend, 3);
    assert_eq!(start(&world).await.count("faults"), 1);
    world.aws().faults().clear();
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(start(&world).await.count("sent"), 1);
}
