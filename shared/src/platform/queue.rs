//! The queue door: the messages that SQS hands to Lambda, one after the other, each by itself. What fails for now is told to SQS, which brings
//! that one message again and after its last time moves it to the dead letters; what can never succeed goes there at once, with its reason.
//!
//! One event in the log per message: function, outcome, reason, duration. Neither a body nor a key of an object is ever told.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::event::{Begun, End, Ended};
use super::schedule::Deadline;
use super::{Platform, aws};
use crate::problem::{Problem, Refusal};

/// What we read of the event that SQS makes of a batch.
#[derive(Deserialize)]
pub struct QueueEvent {
    #[serde(rename = "Records")]
    messages: Vec<Message>,
    /// When Lambda ends the run.
    #[serde(skip)]
    deadline: Option<Deadline>,
}

/// How long a run of a queue's function may take at most, where Lambda has not said: as long as Lambda lets anything run.
const LONGEST: Duration = Duration::from_secs(15 * 60);

impl QueueEvent {
    /// When nothing new should be begun any more.
    #[must_use]
    pub fn deadline(&self, platform: &Platform) -> Deadline {
        self.deadline.unwrap_or_else(|| Deadline::after(platform, LONGEST))
    }

    /// The same event, to be done with by then.
    #[must_use]
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    /// Of messages that keep their order within a group.
    message_group_id: Option<String>,
}

/// Which messages of a batch are to come again; all others are done with (`ReportBatchItemFailures`).
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Those that failed.
    pub batch_item_failures: Vec<FailedMessage>,
}

/// One message that is to come again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedMessage {
    /// Its id.
    pub item_identifier: String,
}

/// What became of a message that did not fail.
#[derive(Debug)]
pub enum Handled {
    /// It is done with, so.
    Done(&'static str),
    /// It can never succeed.
    Dead(DeadLetter),
}

/// What is kept of a message that can never succeed: why, and what helps to find it. It holds nothing that a customer wrote.
#[derive(Debug, Serialize)]
pub struct DeadLetter {
    /// Why it is dead.
    pub reason: &'static str,
    /// What is known of it.
    #[serde(flatten)]
    pub about: BTreeMap<&'static str, String>,
}

/// Hands each message of a batch to `handle`, and the dead ones to the queue at the address `dead_letters`. A panic costs its own message one
/// of its times and nothing else.
pub async fn each<H, F>(platform: &Platform, function: &'static str, dead_letters: &str, event: QueueEvent, handle: H) -> BatchAnswer
where
    H: Fn(Platform, String) -> F,
    F: Future<Output = Result<Handled, Problem>>,
{
    let mut answer = BatchAnswer::default();
    for Message { message_id, body, .. } in event.messages {
        let begun = Begun::now(platform, function);
        let handled = AssertUnwindSafe(async { handle(platform.clone(), body).await }).catch_unwind().instrument(begun.span()).await;
        let handled = handled.unwrap_or_else(|_| Err(panicked()));
        end(platform, dead_letters, &begun, message_id, handled, &mut answer).await;
    }
    answer
}

/// The same for a queue that keeps its order within groups: the messages of one group are handed over together. What becomes of each is answered
/// in their order; what is not answered has failed.
pub async fn each_group<H, F>(platform: &Platform, function: &'static str, dead_letters: &str, event: QueueEvent, handle: H) -> BatchAnswer
where
    H: Fn(Platform, Vec<String>) -> F,
    F: Future<Output = Vec<Result<Handled, Problem>>>,
{
    hand_over(platform, function, dead_letters, grouped(event, |message| message.attributes.message_group_id.clone()), handle).await
}

/// The same for a queue without order: those messages are handed over together of whose bodies `kind` says the same. Of which it says nothing come
/// one by one.
pub async fn each_kind<K, H, F>(
    platform: &Platform,
    function: &'static str,
    dead_letters: &str,
    event: QueueEvent,
    kind: K,
    handle: H,
) -> BatchAnswer
where
    K: Fn(&str) -> Option<String>,
    H: Fn(Platform, Vec<String>) -> F,
    F: Future<Output = Vec<Result<Handled, Problem>>>,
{
    hand_over(platform, function, dead_letters, grouped(event, |message| kind(&message.body)), handle).await
}

/// Messages that are handed over together.
#[derive(Default)]
struct Group {
    name: Option<String>,
    ids: Vec<String>,
    bodies: Vec<String>,
}

fn grouped(event: QueueEvent, name: impl Fn(&Message) -> Option<String>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for message in event.messages {
        let name = name(&message);
        let at = groups.iter().position(|known| name.is_some() && known.name == name).unwrap_or_else(|| {
            groups.push(Group { name, ..Group::default() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.ids.push(message.message_id);
            group.bodies.push(message.body);
        }
    }
    groups
}

async fn hand_over<H, F>(platform: &Platform, function: &'static str, dead_letters: &str, groups: Vec<Group>, handle: H) -> BatchAnswer
where
    H: Fn(Platform, Vec<String>) -> F,
    F: Future<Output = Vec<Result<Handled, Problem>>>,
{
    let mut answer = BatchAnswer::default();
    for Group { ids, bodies, .. } in groups {
        let begun = Begun::now(platform, function).shared_by(ids.len());
        let handled = AssertUnwindSafe(async { handle(platform.clone(), bodies).await }).catch_unwind().instrument(begun.span()).await;
        let mut handled = handled.unwrap_or_default().into_iter();
        for id in ids {
            let handled = handled.next().unwrap_or_else(|| Err(panicked()));
            end(platform, dead_letters, &begun, id, handled, &mut answer).await;
        }
    }
    answer
}

fn panicked() -> Problem {
    Problem::new(Refusal::Internal, "panicked")
}

/// What follows from what became of a message.
async fn end(
    platform: &Platform,
    dead_letters: &str,
    begun: &Begun<'_>,
    message_id: String,
    handled: Result<Handled, Problem>,
    answer: &mut BatchAnswer,
) {
    let ended = match handled {
        Ok(Handled::Done(outcome)) => Ok(("done", outcome)),
        Ok(Handled::Dead(letter)) => bury(platform, dead_letters, &letter, &message_id).await.map(|()| ("dead", letter.reason)),
        Err(problem) => Err(problem),
    };
    tell(begun, &ended);
    if ended.is_err() {
        answer.batch_item_failures.push(FailedMessage { item_identifier: message_id });
    }
}

fn tell(begun: &Begun<'_>, ended: &Result<(&'static str, &'static str), Problem>) {
    match ended {
        Ok((outcome, reason)) => {
            // The queue of dead letters has an alarm of its own.
            let end = if *outcome == "done" { End::Well } else { End::Badly };
            begun.end("handled", end, &Ended { outcome: Some(outcome), reason: Some(reason), ..Ended::default() });
        }
        Err(problem) => begun.fail(problem),
    }
}

/// Sends a dead letter. If that fails, the reason goes to the log at least, and the message comes again.
async fn bury(platform: &Platform, dead_letters: &str, letter: &DeadLetter, message_id: &str) -> Result<(), Problem> {
    let body = serde_json::to_string(letter).map_err(|_| Problem::new(Refusal::Internal, "cannot write a dead letter"))?;
    let mut call = platform.sqs().send_message().queue_url(dead_letters).message_body(body);
    // The dead letters of a queue that keeps its order are such a queue too, and such a queue wants these two.
    if dead_letters.ends_with(".fifo") {
        call = call.message_group_id("dead").message_deduplication_id(message_id);
    }
    call.send().await.map(drop).map_err(|error| {
        let problem = aws::problem("sqs SendMessage", &error);
        Problem::new(problem.refusal(), format!("{}, and cannot be told: {}", letter.reason, problem.reason().0))
    })
}

/// Serves `handle` to the Lambda runtime until the environment ends.
///
/// # Errors
/// If the runtime's API fails; a failing message does not.
pub(super) async fn run<F>(platform: Platform, handle: fn(Platform, QueueEvent) -> F) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = BatchAnswer>,
{
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<QueueEvent>| {
        // Boxed: a future of so many layers is more than the compiler lays out at once.
        let deadline = Deadline::at(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
        let answer = handle(platform.clone(), event.payload.until(deadline)).boxed_local();
        async move { Ok::<_, lambda_runtime::Error>(answer.await) }
    }))
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_sqs_is_read_and_answered_in_its_own_words() {
        let event = r#"{"Records":[{"messageId":"m-1","receiptHandle":"r","body":"{}","eventSource":"aws:sqs"}]}"#;
        let event: QueueEvent = serde_json::from_str(event).unwrap();
        assert_eq!(event.messages.first().map(|message| (message.message_id.as_str(), message.body.as_str())), Some(("m-1", "{}")));
        let answer = BatchAnswer { batch_item_failures: vec![FailedMessage { item_identifier: "m-1".to_owned() }] };
        assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"batchItemFailures":[{"itemIdentifier":"m-1"}]}"#);
        assert_eq!(serde_json::to_string(&BatchAnswer::default()).unwrap(), r#"{"batchItemFailures":[]}"#);
    }

    #[test]
    fn a_dead_letter_is_one_flat_object() {
        let letter = DeadLetter { reason: "another bucket", about: BTreeMap::from([("bucket", "other".to_owned())]) };
        assert_eq!(serde_json::to_string(&letter).unwrap(), r#"{"reason":"another bucket","bucket":"other"}"#);
    }
}
