//! What a step costs, or a month: quantities by price.

use super::assumptions::{BYTES_A_SECOND, LOG_BYTES, MILLISECONDS, MILLISECONDS_A_CALL, MILLISECONDS_A_SITE};
use super::prices::{self, Price, Region};
use super::stage::Step;
use super::standing::{Standing, count};
use crate::aws::Service;
use crate::mounts::MOUNTS;

/// A billion bytes, as AWS bills them here.
pub(super) const GB: f64 = 1_000_000_000.0;

/// Quantities by price.
#[derive(Clone, Debug, Default)]
pub(super) struct Bill(Vec<(&'static Price, f64)>);

impl Bill {
    /// What one step takes.
    pub(super) fn of(step: &Step, standing: &Standing) -> Self {
        let (usage, runs) = (&step.usage, count(step.ran.len()));
        let over_http = count(step.ran.iter().filter(|ran| MOUNTS.iter().any(|(mounted, _)| mounted == *ran)).count());
        let calls = |service| f64::from(usage.of_service(service));
        let signing = f64::from(usage.signing());
        let logs = runs * LOG_BYTES / GB;
        // A message that AWS sends is sent once; each is received and deleted by Lambda.
        let arrivals = count(step.ran.iter().filter(|ran| **ran == "attachment-seal").count());
        let messages = 3.0 * arrivals + 2.0 * f64::from(usage.sent());
        let mut bill = Self::default();
        bill.add(&prices::LAMBDA_CALLS, runs);
        bill.add(&prices::LAMBDA_TIME, milliseconds(step) / 1000.0 * largest(step, standing));
        bill.add(&prices::CLOUDFRONT_CALLS, over_http);
        bill.add(&prices::CLOUDFRONT_OUT, f64::from(step.went) / GB);
        bill.add(&prices::CLOUDFRONT_IN, f64::from(step.came) / GB);
        bill.add(&prices::READ_UNITS, usage.read_units);
        bill.add(&prices::WRITE_UNITS, usage.write_units);
        bill.add(&prices::KMS_CALLS, calls(Service::Kms) - signing);
        bill.add(&prices::KMS_SIGNING, signing);
        bill.add(&prices::S3_WRITES, f64::from(usage.s3_writes()));
        bill.add(&prices::S3_READS, f64::from(usage.s3_reads()));
        bill.add(&prices::SQS_CALLS, calls(Service::Sqs) + messages);
        bill.add(&prices::LOGS, logs);
        bill.add(&prices::LOGS_KEPT, logs);
        bill
    }

    /// Adds so much of something.
    pub(super) fn add(&mut self, price: &'static Price, quantity: f64) {
        match self.0.iter_mut().find(|(known, _)| std::ptr::eq(*known, price)) {
            Some((_, sum)) => *sum += quantity,
            None => self.0.push((price, quantity)),
        }
    }

    /// Adds all of another, so many times.
    pub(super) fn add_all(&mut self, other: &Self, times: f64) {
        for (price, quantity) in &other.0 {
            self.add(price, quantity * times);
        }
    }

    /// How much of this there is.
    pub(super) fn quantity(&self, price: &'static Price) -> f64 {
        self.0.iter().filter(|(known, _)| std::ptr::eq(*known, price)).map(|(_, quantity)| quantity).sum()
    }

    /// All of it in US dollars.
    pub(super) fn dollars(&self, region: Region) -> f64 {
        self.0.iter().map(|(price, quantity)| price.of(*quantity, region)).sum()
    }
}

/// How long the functions of a step run, by what they wait for.
pub(super) fn milliseconds(step: &Step) -> f64 {
    let bytes = f64::from(step.came) + f64::from(step.went) + f64::from(step.carried);
    count(step.ran.len()) * MILLISECONDS
        + f64::from(step.usage.all()) * MILLISECONDS_A_CALL
        + f64::from(step.site_calls) * MILLISECONDS_A_SITE
        + bytes / BYTES_A_SECOND * 1000.0
}

/// The memory of the largest of its functions, in GB, as if all were so large.
fn largest(step: &Step, standing: &Standing) -> f64 {
    step.ran.iter().map(|function| standing.gigabytes(function)).fold(0.0, f64::max)
}
