//! The log of every AWS call: what a test counts to prove "one round trip, no KMS".
//!
//! Each call has a number, from 1 up, in the order in which the SDK sent it; a retry is a call of its own. Counters are kept for
//! ever, the calls themselves only as far back as the last 10,000. Of what a request carried, only the names of tables and keys are kept.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Fault, Need, Service};

/// How many calls are remembered one by one.
const KEPT: usize = 10_000;

/// One call that the SDK sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its place among all calls, from 1.
    pub number: u64,
    /// Whom it asked.
    pub service: Service,
    /// What for: `PutItem`, `Decrypt`, …
    pub operation: String,
    /// What IAM would have to allow for it.
    pub needs: Vec<Need>,
    /// What was made to go wrong with it.
    pub fault: Option<Fault>,
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.service, self.operation)
    }
}

/// A place in the log, from [`CallLog::mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// All calls so far. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct CallLog {
    pages: Arc<Mutex<Pages>>,
}

#[derive(Debug, Default)]
struct Pages {
    last: u64,
    recent: VecDeque<Call>,
    counts: BTreeMap<Service, BTreeMap<String, u64>>,
}

impl CallLog {
    /// The present end of the log.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.pages().last)
    }

    /// The calls after `mark`, oldest first; of more than 10,000 only the last.
    #[must_use]
    pub fn since(&self, mark: Mark) -> Vec<Call> {
        self.pages().recent.iter().filter(|call| call.number > mark.0).cloned().collect()
    }

    /// How often `operation` was asked of `service` since the start, faults included.
    #[must_use]
    pub fn count(&self, service: Service, operation: &str) -> u64 {
        self.pages().counts.get(&service).and_then(|of| of.get(operation)).copied().unwrap_or(0)
    }

    /// How often anything was asked of `service` since the start, faults included.
    #[must_use]
    pub fn count_all(&self, service: Service) -> u64 {
        self.pages().counts.get(&service).map_or(0, |of| of.values().sum())
    }

    pub(super) fn record(&self, service: Service, operation: String, needs: Vec<Need>, fault: Option<Fault>) {
        let mut pages = self.pages();
        pages.last += 1;
        *pages.counts.entry(service).or_default().entry(operation.clone()).or_default() += 1;
        if pages.recent.len() == KEPT {
            pages.recent.pop_front();
        }
        crate::watch::note(|| format!("{service}.{operation}"));
        let number = pages.last;
        pages.recent.push_back(Call { number, service, operation, needs, fault });
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn old_calls_are_forgotten_but_stay_counted() {
        let log = CallLog::default();
        let start = log.mark();
        for _ in 0..=KEPT {
            log.record(Service::Kms, "Decrypt".to_owned(), Vec::new(), None);
        }
        let kept = log.since(start);
        assert_eq!((kept.len(), kept[0].number), (KEPT, 2));
        assert_eq!(log.count(Service::Kms, "Decrypt"), 10_001);
        assert_eq!(log.count_all(Service::S3), 0);
    }

    #[tokio::test]
    async fn the_log_names_what_the_sdk_asked_for() {
        let (aws, _) = testing::world();
        aws.create_bucket("bucket").unwrap();
        let start = aws.calls().mark();
        testing::put(&aws, "a", "1").await.unwrap();
        testing::get(&aws, "a").await.unwrap();
        testing::kms(&aws).list_keys().send().await.unwrap();
        testing::s3(&aws).list_objects_v2().bucket("bucket").send().await.unwrap();
        testing::s3(&aws).delete_object().bucket("bucket").key("k").send().await.unwrap();
        testing::sqs(&aws).list_queues().send().await.unwrap();
        let names: Vec<String> = aws.calls().since(start).iter().map(ToString::to_string).collect();
        let expected = ["DynamoDB.PutItem", "DynamoDB.GetItem", "KMS.ListKeys", "S3.ListObjectsV2", "S3.DeleteObject", "SQS.ListQueues"];
        assert_eq!(names, expected);
        assert_eq!(aws.calls().count(Service::DynamoDb, "PutItem"), 1);
        assert_eq!(aws.calls().count_all(Service::DynamoDb), 2);
    }
}
