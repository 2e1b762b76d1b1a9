//! What lies in the queue of events: which tenant it is for, and the rest sealed under that tenant's keys. Nobody who can read the queue learns
//! what an issue says, and once the tenant's keys are gone nobody can.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::copies::What;
use super::version::{Order, packed, unpacked};
use crate::envelope::Place;
use crate::platform::aws;
use crate::problem::{Problem, Refusal};
use crate::records::keyring::Keyring;

/// What a message says on its outside.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    /// Under which digest the tenant's items lie.
    pub(super) digest: String,
    /// Whose keys seal it.
    pub(super) tenant_id: String,
    sealed: String,
}

/// What a message says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Letter {
    /// An issue has changed.
    Event(Box<Event>),
    /// What is selected has changed.
    Reselect(Reselect),
}

/// How far a walk through all copies is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reselect {
    /// The walk's name.
    pub(super) walk: String,
    /// Which page comes next.
    pub(super) page: u64,
    /// Where it begins; none for the first.
    pub(super) cursor: Option<String>,
}

/// One event of one issue.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Event {
    /// A keyed digest of Jira's identifier of it.
    pub(super) identifier: String,
    /// SHA-256 of the body that it came with, hex.
    pub(super) body: String,
    /// The issue's number.
    pub(super) issue: String,
    /// Its place among the others.
    pub(super) order: Order,
    /// The account of the app that caused it, where it was an app.
    pub(super) app: Option<String>,
    /// It matters only if copies of the issue are there.
    pub(super) only_if_kept: bool,
    /// What it means.
    pub(super) what: What,
}

/// Messages of one group come one after the other, and one that was sent within the last five minutes is not sent again.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html>.
pub(super) struct Postmark {
    pub(super) group: String,
    pub(super) deduplication: String,
}

/// Where a message is bound to: a sealed message of one tenant is none of another's.
fn place(tenant_id: &str) -> Place<'_> {
    Place { service: "issue-copies", resource: "issue-events", pk: tenant_id.as_bytes(), sk: b"", attribute: "message" }
}

/// Seals a letter and sends it.
pub(super) async fn send(keyring: &Keyring, letter: &Letter, postmark: Postmark) -> Result<(), Problem> {
    let platform = keyring.platform();
    let sealed = keyring.seal(&place(keyring.tenant_id()), &packed(letter)?)?;
    let envelope =
        Envelope { digest: keyring.digest().to_owned(), tenant_id: keyring.tenant_id().to_owned(), sealed: STANDARD.encode(sealed) };
    let message = serde_json::to_string(&envelope).map_err(|_| Problem::new(Refusal::Internal, "cannot write a message as JSON"))?;
    let call = platform.sqs().send_message().queue_url(&platform.config().queues.issue_events).message_body(message);
    let call = call.message_group_id(postmark.group).message_deduplication_id(postmark.deduplication);
    call.send().await.map(drop).map_err(|error| aws::problem("sqs SendMessage", &error))
}

impl Envelope {
    /// The outside of a message; `None` if it is none of ours.
    pub(super) fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    /// What is inside; `None` if it was not sealed by us, for this tenant.
    pub(super) async fn open(&self, keyring: &Keyring) -> Result<Option<Letter>, Problem> {
        let Ok(sealed) = STANDARD.decode(&self.sealed) else { return Ok(None) };
        let opened: Option<Zeroizing<Vec<u8>>> = keyring.open_brought(&place(keyring.tenant_id()), &sealed).await?.ok();
        Ok(opened.and_then(|bytes| unpacked(&bytes)))
    }
}
