//! What a piece of work asks of AWS: its calls, from the log of all calls, and the bytes of the bodies that go there and come back, which are
//! weighed on their way. Files are not: what goes to S3 is as long as the file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use local::aws::{Asked, EmbeddedAws, Service, Tamper};

/// What was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// How often, by service and operation.
    pub(crate) calls: BTreeMap<(Service, String), usize>,
    /// Bytes of all bodies that went to AWS.
    pub(crate) sent: usize,
    /// Bytes of all bodies that came back.
    pub(crate) received: usize,
}

impl Weight {
    /// How often this service was asked.
    pub(crate) fn count(&self, service: Service) -> usize {
        self.calls.iter().filter(|((asked, _), _)| *asked == service).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((service, operation), count) in &self.calls {
            write!(out, "{count} {service}.{operation}, ")?;
        }
        write!(out, "{} bytes there and {} back", self.sent, self.received)
    }
}

/// What this work gives, and what it asked of AWS: 10,000 calls at most, as that many are remembered.
pub(crate) async fn weigh<T>(aws: &EmbeddedAws, work: impl Future<Output = T>) -> (T, Weight) {
    let (scales, mark) = (Arc::new(Scales::default()), aws.calls().mark());
    aws.tamper(Some(Arc::<Scales>::clone(&scales)));
    let given = work.await;
    aws.tamper(None);
    let (sent, received) = *scales.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut weight = Weight { sent, received, ..Weight::default() };
    for call in aws.calls().since(mark) {
        *weight.calls.entry((call.service, call.operation)).or_default() += 1;
    }
    (given, weight)
}

/// Stand between the functions and AWS, and change nothing.
#[derive(Debug, Default)]
struct Scales(Mutex<(usize, usize)>);

impl Tamper for Scales {
    fn instead(&self, asked: &Asked) -> Option<Vec<Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += asked.body.len();
        None
    }

    fn reads(&self, asked: &Asked) -> bool {
        asked.service != Service::S3
    }

    fn answered(&self, _: &Asked, body: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 += body.len();
        None
    }
}
