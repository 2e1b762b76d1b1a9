//! What AWS does between a message and the function that handles it: EventBridge holds events of S3 against the template's rules and puts them
//! into queues; Lambda asks each queue, hands over batches, deletes what the function is done with, and leaves the rest to come again.
//!
//! When a message can be seen, and when it is given up, is the business of the embedded SQS.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use shared::platform::Platform;
use shared::platform::queue::{BatchAnswer, QueueEvent};

use crate::aws::{EmbeddedAws, Message, QueueFault, StoreFault};
use crate::template::{QueueTrigger, Rule, Template};

/// The handler of a queue's function.
type Handler = fn(Platform, QueueEvent) -> BoxFuture<'static, BatchAnswer>;

/// Why something cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryFault {
    /// A queue cannot be written or read.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// A message is not of the form that the queue's function takes.
    #[error("cannot hand out a message: {0}")]
    Message(#[from] serde_json::Error),
}

impl From<QueueFault> for DeliveryFault {
    fn from(fault: QueueFault) -> Self {
        Self::Store(fault.into())
    }
}

/// How many messages a function was done with, and how many are to come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handled {
    pub(crate) done: usize,
    pub(crate) failed: usize,
}

/// The ways from buckets and queues to functions.
pub(crate) struct Delivery {
    aws: EmbeddedAws,
    rules: Vec<Rule>,
    ends: Vec<End>,
}

/// Where a queue leads.
pub(crate) struct End {
    pub(crate) trigger: QueueTrigger,
    pub(crate) platform: Platform,
    pub(crate) handler: Handler,
}

impl Delivery {
    pub(crate) const fn new(aws: EmbeddedAws, rules: Vec<Rule>, ends: Vec<End>) -> Self {
        Self { aws, rules, ends }
    }

    /// Puts what S3 has told into the queues, and hands every message that can be seen now to its function, once. Says, by function, what
    /// became of them; of a function that was handed nothing, nothing.
    pub(crate) async fn deliver(&self) -> Result<BTreeMap<String, Handled>, DeliveryFault> {
        let queues = self.aws.queues();
        for event in self.aws.take_notifications() {
            for rule in self.rules.iter().filter(|rule| rule.matches(&event)) {
                queues.send(&rule.queue, event.to_string())?;
            }
        }
        let round = queues.begin_round();
        let mut functions = BTreeMap::new();
        for end in &self.ends {
            let (mut handled, arn) = (Handled::default(), queues.arn(&end.trigger.queue)?);
            loop {
                let batch = queues.receive(&end.trigger.queue, end.trigger.batch_size, round)?;
                if batch.is_empty() {
                    break;
                }
                let failed = end.hand_over(&arn, &batch).await?;
                for message in &batch {
                    if failed.contains(&message.id) {
                        handled.failed += 1;
                    } else {
                        handled.done += 1;
                        queues.delete(&end.trigger.queue, message);
                    }
                }
            }
            if handled != Handled::default() {
                functions.insert(Template::function_name(&end.trigger.function), handled);
            }
        }
        Ok(functions)
    }

    /// Puts a message into a queue, in a FIFO queue in a group of its own.
    pub(crate) fn send(&self, queue: &str, body: String) -> Result<(), DeliveryFault> {
        Ok(self.aws.queues().put_by_hand(queue, body)?)
    }

    /// How many messages wait for a function, those included that are held back, or hidden until they come again.
    pub(crate) fn waits(&self) -> usize {
        self.ends.iter().map(|end| self.aws.queues().count(&end.trigger.queue)).sum()
    }

    /// When the next message can be handed out, in milliseconds since 1970; in the past, if one can be now.
    pub(crate) fn next(&self) -> Option<i64> {
        self.ends.iter().filter_map(|end| self.aws.queues().next_visible(&end.trigger.queue)).min()
    }

    /// What lies among the dead letters of all queues, each as JSON where it is JSON.
    pub(crate) async fn dead_letters(&self) -> Result<Vec<Value>, DeliveryFault> {
        let mut letters = Vec::new();
        let queues: BTreeSet<&String> = self.ends.iter().map(|end| &end.trigger.dead_letters).collect();
        for queue in queues {
            let bodies = self.aws.messages(queue).await?;
            letters.extend(bodies.into_iter().map(|body| serde_json::from_str(&body).unwrap_or(Value::String(body))));
        }
        Ok(letters)
    }
}

impl End {
    /// The ids of the messages that are to come again. An answer that names a message which is not of the batch is none: then all of them do
    /// (Lambda's developer guide, "Implementing partial batch responses"). What stands behind a failed one of its group comes again only if it
    /// is named too.
    async fn hand_over(&self, arn: &str, batch: &[Message]) -> Result<BTreeSet<String>, serde_json::Error> {
        let records: Vec<Value> = batch.iter().map(|message| record(arn, message)).collect();
        let event = serde_json::from_value(json!({"Records": records}))?;
        let answer = (self.handler)(self.platform.clone(), event).await;
        let all: BTreeSet<String> = batch.iter().map(|message| message.id.clone()).collect();
        let failed: BTreeSet<String> = answer.batch_item_failures.into_iter().map(|failed| failed.item_identifier).collect();
        Ok(if failed.is_subset(&all) { failed } else { all })
    }
}

/// A message as Lambda shows it.
fn record(arn: &str, message: &Message) -> Value {
    let attributes = [
        ("ApproximateReceiveCount", Some(message.received.to_string())),
        ("SentTimestamp", Some(message.sent_millis.to_string())),
        ("ApproximateFirstReceiveTimestamp", Some(message.first_received_millis.unwrap_or_default().to_string())),
        ("MessageGroupId", message.group.clone()),
        ("MessageDeduplicationId", message.deduplication_id.clone()),
        ("SequenceNumber", message.sequence_number()),
    ];
    let attributes: BTreeMap<_, _> = attributes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    json!({
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": crate::aws::REGION,
    })
}

#[cfg(test)]
mod tests;
