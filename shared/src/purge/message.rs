//! What the purge's queue holds: whose turn it is. Our own ids alone, and nothing that a lost or doubled message could hurt: the departure says
//! what is to be done.

use serde::{Deserialize, Serialize};

use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::tenant::departure::Departure;

/// The longest that SQS keeps a message back, in seconds.
const LONGEST_DELAY: i64 = 900;

/// One leaving whose purge is to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Message {
    /// The tenant's digest.
    pub digest: String,
    /// Its id.
    pub tenant_id: String,
}

impl Message {
    /// About this departure.
    #[must_use]
    pub fn about(departure: &Departure) -> Self {
        Self { digest: departure.digest.clone(), tenant_id: departure.tenant_id.clone() }
    }

    /// Sends it, to be handed out in `seconds`, or as much later as SQS can.
    ///
    /// # Errors
    /// 503 if SQS is away; it may have been sent.
    pub async fn send_in(&self, platform: &Platform, seconds: i64) -> Result<(), Problem> {
        let body = serde_json::to_string(self).map_err(|_| Problem::new(Refusal::Internal, "cannot write a message"))?;
        let delay = i32::try_from(seconds.clamp(0, LONGEST_DELAY)).unwrap_or_default();
        let call = platform.sqs().send_message().queue_url(&platform.config().queues.purge).message_body(body).delay_seconds(delay);
        call.send().await.map(drop).map_err(|error| aws::problem("sqs SendMessage", &error))
    }
}
