//! SQS: standard queues in memory that go by the clock given, so that delays, visibility and retention move with a virtual one.
//!
//! - [`queue`]: one queue, and what time does to its messages. - [`wire`]: what the SDK may ask for.
//!
//! Functions can send, singly and in batches. Nothing receives over the wire: what Lambda's pollers do is [`crate::delivery`], which asks
//! here directly. It has no attributes of messages, no FIFO queues and no long polls; queues are not kept over a restart.

mod queue;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use http::StatusCode;
use serde_json::{Value, json};
use shared::platform::clock::Clock;
use winterbaume_core::DEFAULT_ACCOUNT_ID;

pub(crate) use queue::Message;
pub use queue::{QueueSpec, Redrive};

use super::{REGION, Service, answer};
use queue::{Queue, millis};
use wire::{NO_QUEUE, Refusal};

/// How long a queue's name may be.
const LONGEST_NAME: usize = 80;

/// There is no queue of this name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the queue {0}: there is none of this name")]
pub struct NoSuchQueue(String);

/// All queues.
pub(crate) struct Queues {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<String, Queue>,
    sent: u64,
    round: u64,
}

impl Queues {
    pub(super) fn by(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    pub(super) fn answer(&self, operation: &str, request: &HttpRequest) -> HttpResponse {
        let body = request.body().bytes().unwrap_or_default();
        let answered = match operation {
            "SendMessage" => self.send_message(body),
            "SendMessageBatch" => self.send_batch(body),
            "ListQueues" => Ok(json!({"QueueUrls": self.state().queues.keys().map(|name| address(name)).collect::<Vec<_>>()})),
            _ => Err(Refusal("AWS.SimpleQueueService.UnsupportedOperation", "The embedded SQS does not do this.")),
        };
        match answered {
            Ok(body) => answer::json(StatusCode::OK, body.to_string()),
            Err(Refusal(code, message)) => answer::refusal(Service::Sqs, StatusCode::BAD_REQUEST, code, message),
        }
    }

    fn send_message(&self, body: &[u8]) -> Result<Value, Refusal> {
        let (queue, message) = wire::one(body)?;
        let (body, delay) = message.checked()?;
        let md5 = wire::md5(&body);
        let id = self.put(&queue, body, delay).map_err(|NoSuchQueue(_)| NO_QUEUE)?;
        Ok(json!({"MessageId": id, "MD5OfMessageBody": md5}))
    }

    /// Each message by itself: one that is refused keeps none of the others back.
    fn send_batch(&self, body: &[u8]) -> Result<Value, Refusal> {
        let (queue, entries) = wire::batch(body)?;
        let (mut sent, mut refused) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry.message.checked() {
                Ok((body, delay)) => {
                    let md5 = wire::md5(&body);
                    let id = self.put(&queue, body, delay).map_err(|NoSuchQueue(_)| NO_QUEUE)?;
                    sent.push(json!({"Id": entry.id, "MessageId": id, "MD5OfMessageBody": md5}));
                }
                Err(Refusal(code, message)) => {
                    refused.push(json!({"Id": entry.id, "Code": code, "Message": message, "SenderFault": true}));
                }
            }
        }
        Ok(json!({"Successful": sent, "Failed": refused}))
    }

    /// Makes a queue, or gives one that is there these settings, and says its address; nothing if the name breaks SQS's rules.
    pub(super) fn create(&self, spec: QueueSpec) -> Option<String> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        let name = spec.name.clone();
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(allowed) {
            return None;
        }
        let mut state = self.state();
        match state.queues.get_mut(&name) {
            Some(queue) => queue.spec = spec,
            None => drop(state.queues.insert(name.clone(), Queue::of(spec))),
        }
        Some(address(&name))
    }

    /// Sends a message as it is, held back as its queue says.
    pub(crate) fn send(&self, queue: &str, body: String) -> Result<(), NoSuchQueue> {
        self.put(queue, body, None).map(drop)
    }

    fn put(&self, name: &str, body: String, delay: Option<Duration>) -> Result<String, NoSuchQueue> {
        let now = self.now();
        let mut state = self.state();
        let State { queues, sent, round } = &mut *state;
        let queue = queues.get_mut(name).ok_or_else(|| NoSuchQueue(name.to_owned()))?;
        *sent += 1;
        let id = format!("{sent:08x}-0000-4000-8000-000000000000");
        let visible_millis = now.saturating_add(millis(delay.unwrap_or(queue.spec.delayed_for)));
        queue.messages.push_back(Message {
            id: id.clone(),
            body,
            sent_millis: now,
            first_received_millis: None,
            received: 0,
            visible_millis,
            round: *round,
        });
        Ok(id)
    }

    /// Begins a round, in which each message is handed out once at most, and none that is sent meanwhile.
    pub(crate) fn begin_round(&self) -> u64 {
        let mut state = self.state();
        state.round += 1;
        state.round
    }

    /// Hands out messages of a queue, `most` at once, and hides them for its time. What comes too often goes to the dead letters instead.
    pub(crate) fn receive(&self, name: &str, most: usize, round: u64) -> Result<Vec<Message>, NoSuchQueue> {
        let now = self.now();
        let mut state = self.aged(now);
        let queue = state.queues.get_mut(name).ok_or_else(|| NoSuchQueue(name.to_owned()))?;
        Ok(queue.receive(most, round, now))
    }

    /// Deletes a message that its function is done with.
    pub(crate) fn delete(&self, name: &str, id: &str) {
        if let Some(queue) = self.state().queues.get_mut(name) {
            queue.delete(id);
        }
    }

    /// How many messages a queue has, those included that are hidden or held back.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.aged(self.now()).queues.get(name).map_or(0, |queue| queue.messages.len())
    }

    /// When the next message of this queue can be seen, in milliseconds since 1970.
    pub(crate) fn next_visible(&self, name: &str) -> Option<i64> {
        self.aged(self.now()).queues.get(name)?.next_visible()
    }

    /// The bodies of all messages of a queue, those included that are hidden or held back; they stay.
    pub(super) fn look(&self, name: &str) -> Result<Vec<String>, NoSuchQueue> {
        let state = self.aged(self.now());
        let queue = state.queues.get(name).ok_or_else(|| NoSuchQueue(name.to_owned()))?;
        Ok(queue.messages.iter().map(|message| message.body.clone()).collect())
    }

    /// The queues after what time has done to them. AWS buries a message when somebody asks for it once too often; as Lambda always asks, that
    /// is when it can be seen again.
    fn aged(&self, now: i64) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let mut buried = Vec::new();
        for queue in state.queues.values_mut() {
            queue.forget(now);
            let dead = queue.take_dead(now);
            buried.extend(queue.spec.redrive.as_ref().map(|redrive| (redrive.dead_letters.clone(), dead)));
        }
        for (name, dead) in buried {
            if let Some(dead_letters) = state.queues.get_mut(&name) {
                dead.into_iter().for_each(|message| dead_letters.bury(message, now));
            }
        }
        state
    }

    fn now(&self) -> i64 {
        self.clock.now().epoch_millis()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(name: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{DEFAULT_ACCOUNT_ID}/{name}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use aws_sdk_sqs::error::ProvideErrorMetadata;
    use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
    use shared::platform::clock::ManualClock;

    use super::super::{EmbeddedAws, StartFault, testing};
    use super::{QueueSpec, Redrive};

    fn world() -> (EmbeddedAws, Arc<ManualClock>, String) {
        let (aws, clock) = testing::world();
        aws.create_queue("dead").unwrap();
        let redrive = Some(Redrive { most_receives: 1, dead_letters: "dead".to_owned() });
        let url = aws.create_queue(QueueSpec { redrive, ..QueueSpec::from("purge") }).unwrap();
        (aws, clock, url)
    }

    /// The bodies of what is handed out now.
    fn received(aws: &EmbeddedAws) -> Vec<String> {
        let round = aws.queues().begin_round();
        aws.queues().receive("purge", 10, round).unwrap().into_iter().map(|message| message.body).collect()
    }

    #[tokio::test]
    async fn what_the_sdk_sends_is_held_back_by_the_clock_given() {
        let (aws, clock, url) = world();
        let send = |body: &str, delay| testing::sqs(&aws).send_message().queue_url(&url).message_body(body).delay_seconds(delay).send();
        send("later", 900).await.unwrap();
        send("now", 0).await.unwrap();
        assert_eq!(received(&aws), ["now"]);
        clock.advance(Duration::from_secs(899));
        assert_eq!(received(&aws), [""; 0]);
        clock.advance(Duration::from_secs(1));
        assert_eq!(received(&aws), ["later"]);
    }

    #[tokio::test]
    async fn a_batch_says_of_each_message_whether_it_was_sent() {
        let (aws, clock, url) = world();
        let entry = |id: &str, delay| {
            let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(format!("body of {id}")).delay_seconds(delay);
            entry.build().unwrap()
        };
        let batch = testing::sqs(&aws).send_message_batch().queue_url(&url);
        let sent = batch.entries(entry("a", 0)).entries(entry("b", 901)).entries(entry("c", 60)).send().await.unwrap();
        let ids: Vec<_> = sent.successful().iter().map(|sent| sent.id()).collect();
        assert_eq!((ids, sent.failed()[0].id(), sent.failed()[0].code()), (vec!["a", "c"], "b", "InvalidParameterValue"));
        assert_eq!(received(&aws), ["body of a"]);
        clock.advance(Duration::from_secs(60));
        // By now the first was handed out as often as may be.
        assert_eq!((received(&aws), aws.messages("dead").await.unwrap()), (vec!["body of c".to_owned()], vec!["body of a".to_owned()]));
    }

    #[tokio::test]
    async fn a_queue_there_is_not_and_an_operation_there_is_not_are_refused_in_sqs_own_words() {
        let (aws, _, url) = world();
        let sqs = testing::sqs(&aws);
        let unknown = sqs.send_message().queue_url(url.replace("purge", "other")).message_body("x").send().await.unwrap_err();
        assert!(unknown.into_service_error().is_queue_does_not_exist());
        let unheard_of = sqs.receive_message().queue_url(&url).send().await.unwrap_err();
        assert_eq!(unheard_of.code(), Some("AWS.SimpleQueueService.UnsupportedOperation"));
        assert!(aws.send_to_queue("other", String::new()).await.is_err());
        assert!(matches!(aws.create_queue("no name"), Err(StartFault::QueueRefused(_))));
    }

    #[tokio::test]
    async fn a_queue_made_again_keeps_what_it_has_and_looking_takes_nothing() {
        let (aws, _, url) = world();
        testing::sqs(&aws).send_message().queue_url(&url).message_body("by the sdk").send().await.unwrap();
        aws.send_to_queue("purge", "beside it".to_owned()).await.unwrap();
        assert_eq!(aws.create_queue("purge").unwrap(), url);
        for _ in 0..2 {
            assert_eq!(aws.messages("purge").await.unwrap(), ["by the sdk", "beside it"]);
        }
        assert_eq!(testing::sqs(&aws).list_queues().send().await.unwrap().queue_urls().len(), 2);
    }
}
