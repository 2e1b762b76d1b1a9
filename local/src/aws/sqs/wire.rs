//! The requests of SQS that are answered here, as the SDK sends them, and what is checked of them: the limits of the API reference of
//! `SendMessage` and `SendMessageBatch`.

use std::collections::BTreeSet;
use std::time::Duration;

use s3s::crypto::{Checksum as _, Md5};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::message::Draft;

/// The most that a message, or a batch, may hold.
const LARGEST: usize = 1_048_576;

/// The longest that a message may be held back, in seconds.
const LONGEST_DELAY: i64 = 900;

/// How long the name of a group and a deduplication id may be.
const LONGEST_ID: usize = 128;

/// How many messages a batch may have.
const LARGEST_BATCH: usize = 10;

/// Why SQS will not: the code that it gives, and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) &'static str, pub(super) &'static str);

/// Nobody asked for this queue to be made.
pub(super) const NO_QUEUE: Refusal = Refusal("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    #[serde(flatten)]
    message: ToSend,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessageBatch {
    queue_url: String,
    #[serde(default)]
    entries: Vec<Entry>,
}

/// One message of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) message: ToSend,
}

/// A message that is to be sent.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ToSend {
    message_body: String,
    delay_seconds: Option<i64>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

impl ToSend {
    /// The message, if it keeps the rules of a queue of this kind.
    pub(super) fn checked(self, fifo: bool) -> Result<Draft, Refusal> {
        let body = self.message_body;
        if body.is_empty() {
            return Err(Refusal("MissingParameter", "The request must contain the parameter MessageBody."));
        }
        if body.len() > LARGEST {
            return Err(Refusal("InvalidParameterValue", "The message is longer than 1048576 bytes."));
        }
        if !body.chars().all(may_be_sent) {
            return Err(Refusal("InvalidMessageContents", "The message contains characters outside the allowed set."));
        }
        let delay = self.delay_seconds.map(|seconds| match u64::try_from(seconds) {
            // AWS passes over a zero; that no message of its own can be held back is what it documents.
            Ok(_) if fifo => Err(Refusal("InvalidParameterValue", "DelaySeconds is not valid for this queue type.")),
            Ok(delay) if seconds <= LONGEST_DELAY => Ok(Duration::from_secs(delay)),
            _ => Err(Refusal("InvalidParameterValue", "DelaySeconds must be 0 to 900.")),
        });
        let (group, deduplication_id) = (self.message_group_id, self.message_deduplication_id);
        if group.iter().chain(&deduplication_id).any(|id| !is_id(id)) {
            let why = "MessageGroupId and MessageDeduplicationId must be 1 to 128 letters, digits and punctuation.";
            return Err(Refusal("InvalidParameterValue", why));
        }
        if fifo && group.is_none() {
            return Err(Refusal("MissingParameter", "The request must contain the parameter MessageGroupId."));
        }
        if fifo && deduplication_id.is_none() {
            return Err(Refusal("InvalidParameterValue", "The queue deduplicates by MessageDeduplicationId, which is missing."));
        }
        if !fifo && deduplication_id.is_some() {
            return Err(Refusal("InvalidParameterValue", "MessageDeduplicationId is not valid for this queue type."));
        }
        Ok(Draft { body, delayed_for: delay.transpose()?, group, deduplication_id })
    }
}

/// Whether this can name a group, or a message by which it is known again.
fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(|letter| letter.is_ascii_graphic())
}

/// What the SDK is told of a message that was sent.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    /// What a batch calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    pub(super) md5: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence_number: Option<String>,
}

/// What XML 1.0 can hold, as the reference has it.
const fn may_be_sent(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// The physical name of the queue, and the message.
pub(super) fn one(body: &[u8]) -> Result<(String, ToSend), Refusal> {
    let SendMessage { queue_url, message } = read(body)?;
    Ok((queue_named(&queue_url), message))
}

/// The physical name of the queue, and the messages of a batch that is one.
pub(super) fn batch(body: &[u8]) -> Result<(String, Vec<Entry>), Refusal> {
    let SendMessageBatch { queue_url, entries } = read(body)?;
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let refused = |code, why| Err(Refusal(code, why));
    if entries.is_empty() {
        return refused("AWS.SimpleQueueService.EmptyBatchRequest", "There are no entries in the batch.");
    }
    if entries.len() > LARGEST_BATCH {
        return refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "There are more than 10 entries in the batch.");
    }
    if ids.len() < entries.len() {
        return refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Two entries have the same id.");
    }
    if entries.iter().map(|entry| entry.message.message_body.len()).sum::<usize>() > LARGEST {
        return refused("AWS.SimpleQueueService.BatchRequestTooLong", "The batch is longer than 1048576 bytes.");
    }
    Ok((queue_named(&queue_url), entries))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal("MissingParameter", "The request lacks a parameter."))
}

/// The name that ends a queue's address.
fn queue_named(url: &str) -> String {
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

/// What the SDK is told of a body, so that it can see that it arrived.
pub(super) fn md5(body: &str) -> String {
    let mut md5 = Md5::new();
    md5.update(body.as_bytes());
    md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(fifo: bool, message: &Value) -> Option<&'static str> {
        let message: ToSend = serde_json::from_value(message.clone()).unwrap();
        message.checked(fifo).err().map(|refusal| refusal.0)
    }

    #[test]
    fn a_message_is_held_to_the_limits_of_sqs() {
        assert_eq!(refused(false, &json!({"MessageBody": "Lethe, ließe\n\u{1F30A}", "DelaySeconds": 900})), None);
        for delay in [-1, 901] {
            assert_eq!(refused(false, &json!({"MessageBody": "x", "DelaySeconds": delay})), Some("InvalidParameterValue"));
        }
        assert_eq!(refused(false, &json!({"MessageBody": ""})), Some("MissingParameter"));
        assert_eq!(refused(false, &json!({"MessageBody": "\u{0}"})), Some("InvalidMessageContents"));
        assert_eq!(refused(false, &json!({"MessageBody": "x".repeat(LARGEST)})), None);
        assert_eq!(refused(false, &json!({"MessageBody": "x".repeat(LARGEST + 1)})), Some("InvalidParameterValue"));
    }

    #[test]
    fn a_fifo_queue_takes_a_message_with_its_group_and_its_deduplication_id_and_without_a_delay() {
        let whole = json!({"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"});
        let with = |name: &str, value: Value| {
            let mut message = whole.clone();
            message[name] = value;
            refused(true, &message)
        };
        assert_eq!(refused(true, &whole), None);
        assert_eq!(with("MessageGroupId", Value::Null), Some("MissingParameter"));
        assert_eq!(with("MessageDeduplicationId", Value::Null), Some("InvalidParameterValue"));
        for delay in [0, 1] {
            assert_eq!(with("DelaySeconds", json!(delay)), Some("InvalidParameterValue"));
        }
    }

    #[test]
    fn a_standard_queue_takes_a_group_for_fairness_and_no_deduplication_id() {
        assert_eq!(refused(false, &json!({"MessageBody": "x", "MessageGroupId": "g"})), None);
        let deduplicated = json!({"MessageBody": "x", "MessageDeduplicationId": "d"});
        assert_eq!(refused(false, &deduplicated), Some("InvalidParameterValue"));
    }

    #[test]
    fn an_id_is_1_to_128_letters_digits_and_punctuation() {
        let all: String = ('!'..='~').collect();
        assert!(["a", &all, &"a".repeat(128)].into_iter().all(is_id));
        assert!(!["", " ", "a b", "é", "\n", &"a".repeat(129)].into_iter().any(is_id));
        for name in ["MessageGroupId", "MessageDeduplicationId"] {
            let mut message = json!({"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"});
            message[name] = json!("a b");
            assert_eq!(refused(true, &message), Some("InvalidParameterValue"), "{name}");
        }
    }

    #[test]
    fn a_batch_is_held_to_them_too() {
        let refused = |ids: &[&str], length: usize| {
            let entries: Vec<_> = ids.iter().map(|id| json!({"Id": id, "MessageBody": "x".repeat(length)})).collect();
            let request = json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/queue", "Entries": entries});
            batch(request.to_string().as_bytes()).err().and_then(|refusal| refusal.0.rsplit('.').next())
        };
        assert_eq!(refused(&["a", "b"], 1), None);
        assert_eq!(refused(&[], 1), Some("EmptyBatchRequest"));
        assert_eq!(refused(&["a", "a"], 1), Some("BatchEntryIdsNotDistinct"));
        assert_eq!(refused(&["a", "b"], LARGEST / 2 + 1), Some("BatchRequestTooLong"));
        assert_eq!(refused(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"], 1), Some("TooManyEntriesInBatchRequest"));
    }

    #[test]
    fn a_body_is_told_back_by_its_md5() {
        assert_eq!(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
