//! The words and tables of `docs/COST.md`.

use std::fmt::Write as _;

use super::assumptions::{self, TENANTS};
use super::bill::{Bill, milliseconds};
use super::month::{month, one_request, table_gigabytes};
use super::prices::{PRICES, Price, REGIONS, Region};
use super::scenes::{SETTING_BYTES, Scenes};
use super::stage::Step;
use super::standing::{Backup, Standing};
use crate::aws::Service;

const MILLION: f64 = 1_000_000.0;

pub(super) fn page(scenes: &Scenes, standing: &Standing) -> String {
    let parts =
        [introduction(), counted(scenes), million(scenes, standing), whole_month(scenes, standing), stands(standing), left_out(), prices()];
    parts.join("\n")
}

fn introduction() -> String {
    "# Cost\n\n\
     What Lethe asks of AWS, counted, and what that costs, by a table of prices. This page is printed by `cargo run -p local -- cost`: it starts \
     all functions on the embedded AWS, does each thing once, and counts calls at the wire and DynamoDB's units by the sizes of the items. A test \
     compares the page with what is counted, so a change of price shows as a change of this page.\n\n\
     All amounts are US dollars, without free tiers, discounts and taxes. Nobody has been billed yet: prices and assumptions stand below, and \
     AWS's own calculator has the last word.\n"
        .to_owned()
}

fn steps(scenes: &Scenes) -> impl Iterator<Item = &Step> {
    scenes.day.steps().chain(scenes.life.steps()).chain([&scenes.counting.step])
}

fn counted(scenes: &Scenes) -> String {
    let rows = steps(scenes).chain(&scenes.runs).chain([&scenes.asking]).map(|step| {
        let of = |service| step.usage.of_service(service).to_string();
        let [dynamodb, kms, s3, sqs] = [Service::DynamoDb, Service::Kms, Service::S3, Service::Sqs].map(of);
        let units = [step.usage.read_units, step.usage.write_units].map(|units| format!("{units}"));
        let [read, written] = units;
        [step.what.to_owned(), step.ran.len().to_string(), dynamodb, read, written, kms, s3, sqs, step.site_calls.to_string()]
    });
    let head = ["What", "Runs", "DynamoDB", "Read units", "Write units", "KMS", "S3", "SQS", "The site"];
    let table = table(&head, rows);
    format!(
        "## Counted\n\nCalls, and DynamoDB's units: a read of 4 KiB that must be the last word is one, a write of 1 KiB is one, in a transaction two. \
         A setting has {SETTING_BYTES} bytes that do not compress. A request finds the customer's keys at hand where nothing else is said; comings and \
         goings do not.\n\n{table}"
    )
}

fn million(scenes: &Scenes, standing: &Standing) -> String {
    let row = |what: &str, took: String, bill: &Bill| {
        let services = ["Lambda", "CloudFront", "DynamoDB", "KMS", "S3", "CloudWatch"].map(|service| {
            let prices = PRICES.iter().filter(|price| price.service == service);
            money(prices.map(|price| amount(bill, price, Region::UsEast1)).sum::<f64>() * MILLION)
        });
        let [lambda, cloudfront, dynamodb, kms, s3, logs] = services;
        let [east, west] = REGIONS.map(|region| money(bill.dollars(region) * MILLION));
        [what.to_owned(), took, lambda, cloudfront, dynamodb, kms, s3, logs, east, west]
    };
    let rows = steps(scenes).map(|step| row(step.what, format!("{:.0} ms", milliseconds(step)), &Bill::of(step, standing)));
    let mixed = row("**requests as they come in the month below**", String::new(), &one_request(scenes, standing));
    let head = ["What", "Assumed", "Lambda", "CloudFront", "DynamoDB", "KMS", "S3", "Logs", "us-east-1", "eu-west-1"];
    let table = table(&head, rows.chain([mixed]));
    format!("## A million of each\n\nThe columns between are for us-east-1; SQS is in the sums alone.\n\n{table}")
}

fn whole_month(scenes: &Scenes, standing: &Standing) -> String {
    let bill = month(scenes, standing);
    let rows = PRICES.iter().map(|price| {
        let [east, west] = REGIONS.map(|region| money(amount(&bill, price, region)));
        [price.service.to_owned(), price.what.to_owned(), quantity(bill.quantity(price) / price.units, price.per), east, west]
    });
    let sums = REGIONS.map(|region| bill.dollars(region));
    let [east, west] = sums.map(money);
    let of_tenant = sums.map(|sum| format!("{:.2} ¢", sum / TENANTS * 100.0));
    let [of_tenant_east, of_tenant_west] = of_tenant;
    let sum = |what: &str, [east, west]: [String; 2]| [format!("**{what}**"), String::new(), String::new(), east, west];
    let rows = rows.chain([sum("all", [east, west]), sum("one tenant", [of_tenant_east, of_tenant_west])]);
    let assumed = table(&["Assumed", "How much"], assumptions::said().into_iter());
    let lines = table(&["Service", "What", "How much", "us-east-1", "eu-west-1"], rows);
    let tables = scenes.stored.tables.keys().map(|name| [name.clone(), quantity(table_gigabytes(scenes, name), "GB")]);
    let tables = table(&["Table", "How large"], tables);
    format!(
        "## Ten thousand customers for a month\n\n{assumed}\n{lines}\n\
         One customer's {} items take {:.0} bytes in all tables together; what is left when they are purged takes {:.0}.\n\n{tables}",
        scenes.stored.items,
        scenes.stored.bytes(),
        scenes.left_over.bytes(),
    )
}

fn stands(standing: &Standing) -> String {
    let Standing { keys, alarms, metrics, table_users, .. } = standing;
    let backups = standing.backups.iter().map(|backup: &Backup| {
        let copies = if backup.copied_days > 0.0 { format!("{} days", backup.copied_days) } else { "no".to_owned() };
        let of = if backup.of.is_empty() { "nothing yet".to_owned() } else { backup.of.join(", ") };
        [backup.name.clone(), of, format!("{}", backup.a_month), format!("{} days", backup.days), copies]
    });
    let backups = if standing.backups.is_empty() {
        "No backup plan stands in the template.\n".to_owned()
    } else {
        table(&["Rule", "Of", "A month", "Kept", "Copied, kept"], backups)
    };
    format!(
        "## What stands\n\n\
         Read from `template.yaml` and `backup-region.yaml`, with every parameter at its default: {keys} keys, alarms that look at {alarms} metrics \
         (one that knows what is usual counts as three), {metrics} metrics of our own, {table_users} pairs of a role and a table, each of which \
         asks for the storage key by itself, and these rules of backup plans:\n\n{backups}"
    )
}

fn left_out() -> String {
    "## Not counted\n\n\
     - Free tiers, which cover much of a small deployment: CloudFront's first 10 million requests and 1 TB, Lambda's first million, KMS's 20,000, \
     Scheduler's 14 million, ten alarms.\n\
     - Retries, refused conditional writes, calls that are refused before a handler runs, floods. A token that is none costs one run of Lambda and \
     no call to AWS; reserved concurrency caps what a flood can cost.\n\
     - Logs under a key of ours, S3's bucket keys, queues and topics: their calls to KMS, some thousands a month.\n\
     - What a function sends to sites, and CodeDeploy, SNS, certificates, IAM, events of S3 in EventBridge: free or cents.\n\
     - AWS Backup bills an object below 128 KB as 128 KB, and reads and lists objects to save them. A key that has been rotated once costs a dollar \
     more, after the second time two.\n\
     - A request to a queue that keeps an order costs a quarter more than one to another, and one of more than 64 KB counts as several.\n\
     - A metric with dimensions is one metric for each value that occurs; here it is one.\n\
     - What is switched on by parameter: telemetry that leaves, shipping to Elastic and Datadog, WAF; and what a vendor adds: CloudTrail's data events, GuardDuty, support.\n\
     - Restores.\n"
        .to_owned()
}

fn prices() -> String {
    let rows = PRICES.iter().map(|price| {
        let [east, west] = price.dollars.map(|dollars| format!("{dollars}"));
        [price.service.to_owned(), price.what.to_owned(), price.per.to_owned(), east, west, price.source.to_owned()]
    });
    let table = table(&["Service", "What", "Per", "us-east-1", "eu-west-1", "Source"], rows);
    format!(
        "## Prices\n\n\
         As they were found on 2026-11-22, none of them on AWS's live pages. \"Price List API\" and \"articles\" are other people's words of the month \
         or year named; \"not looked up again\" was known and could not be confirmed. Other regions differ by some percent.\n\n{table}"
    )
}

fn amount(bill: &Bill, price: &'static Price, region: Region) -> f64 {
    price.of(bill.quantity(price), region)
}

fn money(dollars: f64) -> String {
    // A sum of nothing is minus nothing.
    format!("{:.2}", dollars + 0.0)
}

fn quantity(much: f64, per: &str) -> String {
    match per {
        "month" => format!("{much}"),
        per => format!("{:.3} {per}", much + 0.0),
    }
}

/// A table of Markdown. No cell holds a bar.
fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}
