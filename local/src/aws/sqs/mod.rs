//! SQS: standard and FIFO queues in memory that go by the clock given, so that delays, visibility, retention and deduplication move with a
//! virtual one.
//!
//! - [`spec`]: what a queue is to be. - [`message`]: what is in it. - [`queue`]: one queue, and what time does to its messages. - [`recent`]: what
//!   a FIFO queue does not take again. - [`wire`]: what the SDK may ask for.
//!
//! Functions can send, singly and in batches. Nothing receives over the wire: what Lambda's pollers do is [`crate::delivery`], which asks
//! here directly. It has no attributes of messages, no deduplication by content, no limits of throughput and no long polls; queues are not kept
//! over a restart.
//!
//! A queue is called by its logical name here. Only its address and its ARN say `.fifo`, as AWS demands of a FIFO queue's name.

mod message;
mod queue;
mod recent;
mod spec;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use http::StatusCode;
use serde_json::{Value, json};
use shared::platform::clock::Clock;
use winterbaume_core::DEFAULT_ACCOUNT_ID;

pub(crate) use message::Message;
pub use spec::{QueueSpec, Redrive};

use super::{REGION, Service, answer};
use message::{Draft, Sent};
use queue::{Queue, millis};
use wire::{Answer, NO_QUEUE, Refusal, ToSend};

/// Why a queue cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueFault {
    /// There is no queue of this name.
    #[error("cannot use the queue {0}: there is none of this name")]
    Missing(String),
    /// A FIFO queue is sent a message that has no group.
    #[error("cannot send to the queue {0}: it is a FIFO queue, and the message names no group")]
    NoGroup(String),
}

/// All queues.
pub(crate) struct Queues {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By logical name.
    queues: BTreeMap<String, Queue>,
    /// The last place that a message was given.
    place: u64,
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
            "ListQueues" => Ok(json!({"QueueUrls": self.state().queues.values().map(|queue| address(queue.spec())).collect::<Vec<_>>()})),
            _ => Err(Refusal("AWS.SimpleQueueService.UnsupportedOperation", "The embedded SQS does not do this.")),
        };
        match answered {
            Ok(body) => answer::json(StatusCode::OK, body.to_string()),
            Err(Refusal(code, message)) => answer::refusal(Service::Sqs, StatusCode::BAD_REQUEST, code, message),
        }
    }

    fn send_message(&self, body: &[u8]) -> Result<Value, Refusal> {
        let (queue, message) = wire::one(body)?;
        Ok(json!(self.state().send(&queue, message, self.now())?))
    }

    /// Each message by itself: one that is refused keeps none of the others back.
    fn send_batch(&self, body: &[u8]) -> Result<Value, Refusal> {
        let (queue, entries) = wire::batch(body)?;
        let (mut sent, mut refused) = (Vec::new(), Vec::new());
        for entry in entries {
            match self.state().send(&queue, entry.message, self.now()) {
                Ok(answer) => sent.push(Answer { id: Some(entry.id), ..answer }),
                Err(NO_QUEUE) => return Err(NO_QUEUE),
                Err(Refusal(code, message)) => {
                    refused.push(json!({"Id": entry.id, "Code": code, "Message": message, "SenderFault": true}));
                }
            }
        }
        Ok(json!({"Successful": sent, "Failed": refused}))
    }

    /// Makes a queue, or gives one of this kind that is there these settings, and says its address; nothing if AWS would not.
    pub(super) fn create(&self, spec: QueueSpec) -> Option<String> {
        if !spec.is_well_named() {
            return None;
        }
        let address = address(&spec);
        let mut state = self.state();
        match state.queues.get_mut(&spec.name) {
            Some(queue) if queue.spec().fifo != spec.fifo => return None,
            Some(queue) => queue.change(spec),
            None => drop(state.queues.insert(spec.name.clone(), Queue::of(spec))),
        }
        Some(address)
    }

    /// Sends a message as it is, held back as its queue says. A FIFO queue takes none so.
    pub(crate) fn send(&self, name: &str, body: String) -> Result<(), QueueFault> {
        let now = self.now();
        let mut state = self.state();
        if state.queue(name)?.spec().fifo {
            return Err(QueueFault::NoGroup(name.to_owned()));
        }
        state.put(name, Draft { body, ..Draft::default() }, now).map(drop)
    }

    /// Puts a message into a queue by hand, as nobody outside this process can: in a FIFO queue it is in a group of its own and waits for no other.
    pub(crate) fn put_by_hand(&self, name: &str, body: String) -> Result<(), QueueFault> {
        let now = self.now();
        let mut state = self.state();
        let alone = state.queue(name)?.spec().fifo.then(|| format!("by-hand-{}", state.place + 1));
        state.put(name, Draft { body, delayed_for: None, group: alone.clone(), deduplication_id: alone }, now).map(drop)
    }

    /// Begins a round, in which each message is handed out once at most, and none that is sent meanwhile.
    pub(crate) fn begin_round(&self) -> u64 {
        let mut state = self.state();
        state.round += 1;
        state.round
    }

    /// Hands out messages of a queue, `most` at once, and hides them for its time. What comes too often goes to the dead letters instead.
    pub(crate) fn receive(&self, name: &str, most: usize, round: u64) -> Result<Vec<Message>, QueueFault> {
        let now = self.now();
        Ok(self.aged(now).queue(name)?.receive(most, round, now))
    }

    /// Deletes a message that its function is done with, as it was handed to it.
    pub(crate) fn delete(&self, name: &str, handed_out: &Message) {
        let now = self.now();
        if let Ok(queue) = self.state().queue(name) {
            queue.delete(handed_out, now);
        }
    }

    /// How many messages a queue has, those included that are hidden, held back, or behind another of their group.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.aged(self.now()).queue(name).map_or(0, |queue| queue.len())
    }

    /// When the next message of this queue can be handed out, in milliseconds since 1970.
    pub(crate) fn next_visible(&self, name: &str) -> Option<i64> {
        self.aged(self.now()).queue(name).ok()?.next_visible()
    }

    /// The bodies of all messages of a queue, those included that are hidden, held back, or behind another of their group; they stay.
    pub(super) fn look(&self, name: &str) -> Result<Vec<String>, QueueFault> {
        let mut state = self.aged(self.now());
        Ok(state.queue(name)?.look().map(|message| message.body.clone()).collect())
    }

    /// The ARN of a queue.
    pub(crate) fn arn(&self, name: &str) -> Result<String, QueueFault> {
        let mut state = self.state();
        Ok(format!("arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:{}", state.queue(name)?.spec().physical_name()))
    }

    /// The queues after what time has done to them. AWS buries a message when somebody asks for it once too often; as Lambda always asks, that
    /// is when it can be seen again.
    fn aged(&self, now: i64) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.age(now);
        state
    }

    fn now(&self) -> i64 {
        self.clock.now().epoch_millis()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queue(&mut self, name: &str) -> Result<&mut Queue, QueueFault> {
        self.queues.get_mut(name).ok_or_else(|| QueueFault::Missing(name.to_owned()))
    }

    /// Sends what the SDK asks for to the queue of this physical name.
    fn send(&mut self, physical_name: &str, message: ToSend, now: i64) -> Result<Answer, Refusal> {
        let name = physical_name.strip_suffix(spec::ENDING).unwrap_or(physical_name);
        let fifo = self.queues.get(name).map(Queue::spec).filter(|spec| spec.physical_name() == physical_name).ok_or(NO_QUEUE)?.fifo;
        let draft = message.checked(fifo)?;
        let md5 = wire::md5(&draft.body);
        let Sent { id, sequence_number } = self.put(name, draft, now).map_err(|_| NO_QUEUE)?;
        Ok(Answer { id: None, message_id: id, md5, sequence_number })
    }

    /// Puts a message into a queue whose rules it keeps; one that a FIFO queue has been sent lately is told of as it was then.
    fn put(&mut self, name: &str, draft: Draft, now: i64) -> Result<Sent, QueueFault> {
        let Self { queues, place, round } = self;
        let queue = queues.get_mut(name).ok_or_else(|| QueueFault::Missing(name.to_owned()))?;
        let known_by = draft.group.clone().zip(draft.deduplication_id.clone());
        if let Some(sent) = known_by.as_ref().and_then(|known_by| queue.recent.told(known_by, now)) {
            return Ok(sent);
        }
        *place += 1;
        let message = Message {
            id: format!("{place:08x}-0000-4000-8000-000000000000"),
            body: draft.body,
            group: draft.group,
            deduplication_id: draft.deduplication_id,
            sent_millis: now,
            first_received_millis: None,
            received: 0,
            place: *place,
            visible_millis: now.saturating_add(millis(draft.delayed_for.unwrap_or(queue.spec().delayed_for))),
            round: *round,
        };
        let sent = Sent { id: message.id.clone(), sequence_number: message.sequence_number() };
        if let Some(known_by) = known_by {
            queue.recent.remember(known_by, sent.clone(), now);
        }
        queue.put(message);
        Ok(sent)
    }

    fn age(&mut self, now: i64) {
        let mut buried = Vec::new();
        for queue in self.queues.values_mut() {
            let dead = queue.age(now);
            let redrive = queue.spec().redrive.as_ref().filter(|_| !dead.is_empty());
            buried.extend(redrive.map(|redrive| (redrive.dead_letters.clone(), dead)));
        }
        for (name, dead) in buried {
            let Some(dead_letters) = self.queues.get_mut(&name) else { continue };
            for message in dead {
                self.place += 1;
                dead_letters.bury(message, self.place, now);
            }
            // It may be too old already. As nobody was handed anything meanwhile, nothing is given up.
            drop(dead_letters.age(now));
        }
    }
}

fn address(spec: &QueueSpec) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{DEFAULT_ACCOUNT_ID}/{}", spec.physical_name())
}

#[cfg(test)]
mod tests;
