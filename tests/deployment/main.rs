//! The story of one customer in a deployed stack: real binaries behind the real front door, function URLs, queues and schedules of
//! `template.yaml`, on an emulated AWS whose clock is moved. `tests/deployment/run` deploys, runs these in their order with deployments between
//! them, and says which; without it there is no stack, so they are ignored.
//!
//! What the emulator does not do, nothing here proves: it does not evaluate IAM and key policies, and refuses an unsigned call to the operators'
//! URL but tells the function nothing of who signed a signed one. docs/DEPLOYMENT.md has the whole list.

mod contents;
mod customer;
mod doors;
mod issues;
mod operator;
mod stack;
mod stay;

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use shared::purge::certificate::{Method as Means, Salt, SubjectClaim, verify_by};

use contents::Contents;
use customer::Customer;
use stack::{HOUR, MINUTE, Stack, until};

const DAY: Duration = Duration::from_secs(86_400);

/// The tables of what is kept of a tenant.
const RECORDS: [&str; 4] = ["ConfigurationTable", "AttachmentsTable", "LicencesTable", "IssueCopiesTable"];

#[tokio::test]
#[ignore = "needs a deployed stack: tests/deployment/run"]
async fn nobody_reaches_a_function_past_the_front_door() {
    let stack = Stack::deployed();
    doors::past_the_front_door(&stack).await;
    doors::through_the_front_door(&stack).await;
    doors::of_operators(&stack).await;
}

#[tokio::test]
#[ignore = "needs a deployed stack: tests/deployment/run"]
async fn a_customer_comes_and_keeps_settings_and_files() {
    let stack = Stack::deployed();
    let customer = Customer::new(&stack).await;
    customer.install().await;
    stay::settings_are_kept(&customer).await;
    stay::a_large_file_arrives_by_parts(&customer).await;
    let contents = Contents::of(&stack).await;
    assert_eq!(contents.places_of(stay::MARK), Vec::<String>::new(), "something of the customer's lies there readable");
    assert_eq!(contents.objects("IncomingBucket"), 0);
    assert_eq!(contents.objects("SealedBucket"), 1);
}

/// What [`a_customer_comes_and_keeps_settings_and_files`] kept, after a deployment over it.
#[tokio::test]
#[ignore = "needs a deployed stack: tests/deployment/run"]
async fn what_was_kept_is_there_after_a_deployment() {
    let stack = Stack::deployed();
    let customer = Customer::again(&stack).await;
    stay::all_is_there(&customer).await;
}

/// Apart, because a version before this one knew no issues, and upgrades begin with it.
#[tokio::test]
#[ignore = "needs a deployed stack: tests/deployment/run"]
async fn issues_are_copied_once_they_are_selected() {
    let stack = Stack::deployed();
    let customer = Customer::again(&stack).await;
    issues::are_copied_once_they_are_selected(&customer).await;
    let contents = Contents::of(&stack).await;
    assert_eq!(contents.places_of(stay::MARK), Vec::<String>::new(), "something of the customer's lies there readable");
    assert_eq!(contents.places_of(issues::NAME), Vec::<String>::new(), "somebody's name was kept");
    stack.assert_no_dead_letters().await;
}

/// What [`issues_are_copied_once_they_are_selected`] kept, after a deployment over it.
#[tokio::test]
#[ignore = "needs a deployed stack: tests/deployment/run"]
async fn copies_of_issues_are_there_after_a_deployment() {
    let stack = Stack::deployed();
    issues::are_there(&Customer::again(&stack).await).await;
}

/// Nothing is written by hand: 110 days pass for the emulator and the functions alike, and the schedules of the template do the rest.
#[tokio::test]
#[ignore = "needs a deployed stack: tests/deployment/run"]
async fn a_customer_who_left_is_gone_after_the_grace() {
    let stack = Stack::deployed();
    let customer = Customer::again(&stack).await;
    // A leaving within a day of the installation might be old news, and would be asked about first.
    stack.pass(2 * DAY);
    assert_eq!(customer.leave().await, StatusCode::NO_CONTENT);
    stay::everything_is_refused(&customer).await;
    assert_eq!(Contents::of(&stack).await.items("TenantKeysTable").len(), 1, "the keys stay while the customer may return");

    // By the hourly schedule: the keys go first. TTL would not have taken them for another day.
    stack.pass(110 * DAY + HOUR);
    until("the purge begins", async || Contents::of(&stack).await.items("TenantKeysTable").is_empty()).await;
    let departure = operator::status(&stack, &customer).await["departures"][0].clone();
    assert_eq!(departure["stage"], "purging", "{departure}");

    // By the queue, once no function that began before can still be writing.
    stack.pass(21 * MINUTE);
    until("records and objects are gone", async || {
        let contents = Contents::of(&stack).await;
        RECORDS.iter().all(|table| contents.items(table).is_empty()) && contents.objects("SealedBucket") == 0
    })
    .await;

    // Found empty twice, an hour apart, the hourly run sending it on each time.
    stack.pass(61 * MINUTE);
    until("the certificate is there", async || operator::status(&stack, &customer).await["departures"][0]["stage"] == "purged").await;
    what_remains(&stack, &customer).await;
}

/// A tombstone, what operators did, and a certificate that anybody verifies.
async fn what_remains(stack: &Stack, customer: &Customer<'_>) {
    let contents = Contents::of(stack).await;
    for table in ["TenantsTable", "TenantKeysTable"].iter().chain(&RECORDS) {
        assert_eq!(contents.items(table), Vec::<String>::new(), "{table}");
    }
    assert_eq!((contents.objects("IncomingBucket"), contents.objects("SealedBucket")), (0, 0));
    assert_eq!(contents.items("DeparturesTable").len(), 1);
    assert_eq!(contents.places_of(&customer.site.client_key), Vec::<String>::new(), "a trace of the customer is left");
    stack.assert_no_dead_letters().await;

    let keys = stack.through_front_door(Method::GET, "/certificates/keys", &[], Vec::new()).await;
    assert_eq!(keys.status, StatusCode::OK);
    let purge = operator::status(stack, customer).await["departures"][0]["purge"].clone();
    let salt = Salt::from_hex(purge["salt"].as_str().unwrap()).unwrap();
    let claim = SubjectClaim { app: customer.site.app.slug.to_owned(), client_key: customer.site.client_key.clone(), salt };
    let certificate = operator::certificate(stack, customer).await;
    let verified = verify_by(&certificate, &keys.body, None, Some(&claim)).unwrap();
    let deleted = &verified.certificate.deleted;
    assert!(deleted.iter().any(|deleted| deleted.method == Means::AllVersionsDeleted && deleted.count == 1), "{deleted:?}");
    let mut forged: serde_json::Value = serde_json::from_slice(&certificate).unwrap();
    forged["certificate"]["epoch"] = json!(2);
    assert!(verify_by(forged.to_string().as_bytes(), &keys.body, None, None).is_err());
}
