//! What lies in the telemetry queue until it is forwarded: one thing for one sink, as it will leave.

use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use serde::{Deserialize, Serialize};

use super::browser_error::BrowserError;
use super::metrics::Point;
use super::page_view::PageView;
use super::sink::Destination;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};

/// The longest that SQS holds a message back, in seconds.
const LONGEST_DELAY: i64 = 900;

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Letter {
    /// What leaves.
    pub outgoing: Outgoing,
    /// When it came, in epoch seconds: what is too old is worth nothing any more.
    pub at: i64,
    /// How often it was tried in vain.
    #[serde(default)]
    pub tried: u32,
    /// When it may be tried again, in epoch seconds: SQS cannot hold it back for as long as a sink may ask.
    #[serde(default)]
    pub not_before: i64,
}

/// What leaves, and so for whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outgoing {
    /// For Sentry.
    BrowserError(BrowserError),
    /// For Google Analytics.
    PageView(PageView),
    /// For Datadog.
    Metrics(Vec<Point>),
}

impl Outgoing {
    /// Where it leaves for: what it is says so, and nobody else.
    #[must_use]
    pub const fn destination(&self) -> Destination {
        match self {
            Self::BrowserError(_) => Destination::Sentry,
            Self::PageView(_) => Destination::GoogleAnalytics,
            Self::Metrics(_) => Destination::Datadog,
        }
    }
}

/// Sends something on its way: it has not left yet, but will, or lie among the dead letters. Where its sink is off, it is dropped. The answer may
/// get lost after it was sent; whoever sends it again then sends it twice.
///
/// # Errors
/// 503 if SQS is away.
pub async fn send(platform: &Platform, outgoing: Outgoing) -> Result<(), Problem> {
    if !outgoing.destination().is_on(&platform.config().sinks) {
        return Ok(());
    }
    let letter = Letter { outgoing, at: platform.now(), tried: 0, not_before: 0 };
    posted(platform, &letter)?.send().await.map(drop).map_err(|error| aws::problem("sqs SendMessage telemetry", &error))
}

/// Sends a letter that could not leave once more, `after_seconds` from now. SQS holds nothing back for more than 15 minutes.
///
/// # Errors
/// As [`send`].
pub(super) async fn send_again(platform: &Platform, letter: &Letter, after_seconds: i64) -> Result<(), Problem> {
    let delay = i32::try_from(after_seconds.clamp(0, LONGEST_DELAY)).unwrap_or_default();
    let call = posted(platform, letter)?.delay_seconds(delay);
    call.send().await.map(drop).map_err(|error| aws::problem("sqs SendMessage telemetry", &error))
}

fn posted(platform: &Platform, letter: &Letter) -> Result<SendMessageFluentBuilder, Problem> {
    let body = serde_json::to_string(letter).map_err(|_| Problem::new(Refusal::Internal, "cannot write a letter"))?;
    Ok(platform.sqs().send_message().queue_url(&platform.config().queues.telemetry).message_body(body))
}
