//! What AWS does between a new object and the function that hears of it: EventBridge holds the event against the template's rules, a queue keeps
//! it, and hands it out again until its function is done with it or its times are over. Then it lies among the dead letters.
//!
//! The queue is a list here, and not the embedded SQS: that one hides a message for as long as a clock says which no test can move.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use shared::platform::Platform;
use shared::platform::queue::{BatchAnswer, QueueEvent};

use crate::aws::{EmbeddedAws, StoreFault};
use crate::template::{QueueTrigger, Rule};

/// The handler of a queue's function.
type Handler = fn(Platform, QueueEvent) -> BoxFuture<'static, BatchAnswer>;

/// Why something cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryFault {
    /// The dead letters cannot be written or read.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// A message is not of the form that the queue's function takes.
    #[error("cannot hand out a message: {0}")]
    Message(#[from] serde_json::Error),
}

/// The ways from buckets to functions, and what is on them.
pub(crate) struct Delivery {
    aws: EmbeddedAws,
    rules: Vec<Rule>,
    /// By the queue's name.
    ends: BTreeMap<String, End>,
    waiting: Mutex<Waiting>,
}

/// Where a queue leads.
pub(crate) struct End {
    pub(crate) trigger: QueueTrigger,
    pub(crate) platform: Platform,
    pub(crate) handler: Handler,
}

#[derive(Default)]
struct Waiting {
    sent: u64,
    messages: VecDeque<Message>,
}

struct Message {
    id: String,
    queue: String,
    body: String,
    received: u64,
}

impl Delivery {
    pub(crate) fn new(aws: EmbeddedAws, rules: Vec<Rule>, ends: Vec<End>) -> Self {
        let ends = ends.into_iter().map(|end| (end.trigger.queue.clone(), end)).collect();
        Self { aws, rules, ends, waiting: Mutex::default() }
    }

    /// Puts what S3 has told into the queues, and hands every message that waits to its function, once. Says how many are done with.
    pub(crate) async fn deliver(&self) -> Result<usize, DeliveryFault> {
        for event in self.aws.take_notifications() {
            for rule in self.rules.iter().filter(|rule| rule.matches(&event)) {
                self.send(&rule.queue, event.to_string());
            }
        }
        let mut done = 0;
        for _ in 0..self.waits() {
            let Some(mut message) = self.waiting().messages.pop_front() else { break };
            let Some(end) = self.ends.get(&message.queue) else {
                // A queue without a function keeps what it has.
                self.waiting().messages.push_back(message);
                continue;
            };
            message.received += 1;
            if hand_out(end, &message).await? {
                done += 1;
            } else if message.received < end.trigger.most_receives {
                self.waiting().messages.push_back(message);
            } else {
                self.aws.send_to_queue(&end.trigger.dead_letters, message.body).await?;
            }
        }
        Ok(done)
    }

    /// Puts a message into a queue.
    pub(crate) fn send(&self, queue: &str, body: String) {
        let mut waiting = self.waiting();
        waiting.sent += 1;
        let id = format!("{:08x}-0000-4000-8000-000000000000", waiting.sent);
        waiting.messages.push_back(Message { id, queue: queue.to_owned(), body, received: 0 });
    }

    /// How many messages wait.
    pub(crate) fn waits(&self) -> usize {
        self.waiting().messages.len()
    }

    /// What lies among the dead letters of all queues, each as JSON where it is JSON.
    pub(crate) async fn dead_letters(&self) -> Result<Vec<Value>, DeliveryFault> {
        let mut letters = Vec::new();
        for end in self.ends.values() {
            let bodies = self.aws.messages(&end.trigger.dead_letters).await?;
            letters.extend(bodies.into_iter().map(|body| serde_json::from_str(&body).unwrap_or(Value::String(body))));
        }
        Ok(letters)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the function is done with the message.
async fn hand_out(end: &End, message: &Message) -> Result<bool, serde_json::Error> {
    let event = json!({"Records": [{
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": message.received.to_string()},
        "eventSource": "aws:sqs",
    }]});
    let answer = (end.handler)(end.platform.clone(), serde_json::from_value(event)?).await;
    Ok(answer.batch_item_failures.is_empty())
}
