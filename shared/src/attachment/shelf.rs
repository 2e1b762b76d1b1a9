//! All attachments of one tenant: their records, their objects, and the counts that the app's limits are held against.
//!
//! A record and the count of it change in one transaction. The object is put before and deleted after it, so that a fault between the two
//! leaves an object without a record, which is readable for nobody and is swept, and never a record without an object.

use std::io;
use std::ops::Range;

use axum::body::Body;
use futures::TryStreamExt as _;
use tracing::Span;

use super::description::Description;
use super::id::{self, AttachmentId};
use super::object::{self, Object};
use super::record::Attachment;
use super::upload::Upload;
use crate::connect::catalogue::AttachmentLimits;
use crate::platform::signal::Signal;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::item::{self, Item, n, s};
use crate::records::keyring::Keyring;
use crate::records::register::ATTACHMENT_USAGE;
use crate::records::transaction::{self, Outcome, Transaction};
use crate::records::{Page, Records};
use crate::tenant::Tenant;
use crate::tenant::rights::AccountId;

/// Whose a name is after an attempt to record a file under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The file is recorded.
    Ours,
    /// There is nothing to record any more.
    Gone,
}

/// What a tenant has of attachments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many files.
    pub files: u64,
    /// How many bytes they have together, in plain text.
    pub bytes: u64,
}

/// The attachments of one tenant.
pub struct Shelf {
    keyring: Keyring,
    records: Records<Attachment>,
    limits: AttachmentLimits,
}

impl Shelf {
    /// Those of this tenant.
    #[must_use]
    pub fn of(tenant: &Tenant) -> Self {
        Self { keyring: tenant.keyring().clone(), records: tenant.records(), limits: tenant.app().attachments }
    }

    pub(crate) fn platform(&self) -> &Platform {
        self.keyring.platform()
    }

    pub(crate) const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) fn uploads(&self) -> Records<Upload> {
        Records::of(self.keyring.clone())
    }

    /// Whether there is an attachment of this name.
    ///
    /// # Errors
    /// 503 if DynamoDB or KMS is away.
    pub async fn holds(&self, id: &str) -> Result<bool, Problem> {
        Ok(self.records.get(id).await?.is_some())
    }

    /// Whether a file of this size may still come.
    ///
    /// # Errors
    /// 413 if it is larger than any file may be; 409 if the tenant has as much as it may have; 503 if DynamoDB is away.
    pub async fn check_room(&self, size: u64) -> Result<(), Problem> {
        self.check_room_beside(Usage::default(), size).await
    }

    /// The same, where others are on their way.
    pub(crate) async fn check_room_beside(&self, coming: Usage, size: u64) -> Result<(), Problem> {
        if size > self.limits.largest_bytes {
            return Err(Problem::too_large("size", usize::try_from(self.limits.largest_bytes).unwrap_or(usize::MAX)));
        }
        let kept = self.usage().await?;
        let (files, bytes) = (kept.files.saturating_add(coming.files), kept.bytes.saturating_add(coming.bytes));
        if files >= self.limits.most || bytes.saturating_add(size) > self.limits.total_bytes {
            let detail = "the site has as many or as large attachments as the app takes; remove some first";
            return Err(Problem::new(Refusal::LimitReached, "attachment limit reached").told(detail));
        }
        Ok(())
    }

    /// Keeps a file whose bytes are at hand.
    ///
    /// # Errors
    /// As [`check_room`](Self::check_room); 503 if AWS is away, and then the file may or may not be there.
    pub async fn keep(&self, description: Description, bytes: &[u8], author: &AccountId) -> Result<(AttachmentId, Attachment), Problem> {
        self.check_room(bytes.len() as u64).await?;
        let id = AttachmentId::new(&self.keyring, &description.owner, self.platform().random())?;
        let attachment = Attachment {
            detected_type: infer::get(bytes).map(|found| found.mime_type().to_owned()),
            sha256: object::sha256(bytes),
            author: author.as_str().to_owned(),
            attached_at: self.platform().now(),
            object: Object::put(&self.keyring, &id, bytes).await?,
            description,
        };
        self.record(&id, &attachment).await?;
        Ok((id, attachment))
    }

    /// Writes the record of a file whose object is there, and counts it. What cannot be kept loses its object again.
    pub(crate) async fn record(&self, id: &AttachmentId, attachment: &Attachment) -> Result<(), Problem> {
        let recorded = self.try_record(id, attachment, None).await.map(drop);
        if recorded.as_ref().is_err_and(|problem| problem.refusal() == Refusal::LimitReached) {
            Object::delete(self.platform(), &attachment.object.key).await?;
        }
        recorded
    }

    /// The same, of a file that was uploaded by its parts: its upload ends in the same transaction. Where it has ended before, because another
    /// was quicker or it was given up, this one's object is taken away again and nothing is recorded.
    pub(crate) async fn record_upload(&self, id: &AttachmentId, attachment: &Attachment) -> Result<Claim, Problem> {
        let claimed = self.try_record(id, attachment, Some(self.uploads().key(id.as_str()))).await;
        let superfluous = match &claimed {
            Ok(claim) => *claim == Claim::Gone,
            Err(problem) => problem.refusal() == Refusal::LimitReached,
        };
        if superfluous {
            Object::delete(self.platform(), &attachment.object.key).await?;
        }
        claimed
    }

    /// Writes record and count in one transaction, and ends the upload whose key is given.
    async fn try_record(&self, id: &AttachmentId, attachment: &Attachment, upload: Option<Item>) -> Result<Claim, Problem> {
        let (table, size) = (self.records.table(), attachment.size());
        for attempt in 0..transaction::ATTEMPTS {
            let room = self.limits.total_bytes.saturating_sub(size);
            let mut transaction = Transaction::new();
            if let Some(upload) = &upload {
                transaction = transaction.delete(table, upload.clone(), "attribute_exists(id)", &[]);
            }
            let transaction =
                transaction.put(table, self.records.new_item(id.as_str(), attachment)?, "attribute_not_exists(id)", &[]).update(
                    table,
                    self.usage_key(),
                    "ADD files_kept :one, bytes_kept :size",
                    "attribute_not_exists(id) OR (files_kept < :most AND bytes_kept <= :room)",
                    &[(":one", n(1)), (":size", n(size)), (":most", n(self.limits.most)), (":room", n(room))],
                );
            match transaction.commit(self.platform(), id.as_str()).await? {
                Outcome::Done => return Ok(Claim::Ours),
                Outcome::Again => {
                    // Ours already, and the answer was lost; or another's; or full; or somebody else counted at the same moment.
                    if let Some(kept) = self.records.get(id.as_str()).await? {
                        let ours = kept.value.object.key == attachment.object.key;
                        return Ok(if ours { Claim::Ours } else { Claim::Gone });
                    }
                    if upload.is_some() && self.uploads().get(id.as_str()).await?.is_none() {
                        return Ok(Claim::Gone);
                    }
                    self.check_room(size).await?;
                }
            }
            transaction::pause(self.platform(), attempt).await;
        }
        Err(Problem::unavailable("too many attach at once"))
    }

    /// Removes a file: its record first, then its object. One that is not there is removed already.
    ///
    /// # Errors
    /// 503 if AWS is away; the record may be gone then, and the object is swept.
    pub async fn remove(&self, id: &AttachmentId, attachment: &Attachment) -> Result<(), Problem> {
        let (table, size) = (self.records.table(), attachment.size());
        for attempt in 0..transaction::ATTEMPTS {
            let transaction = Transaction::new().delete(table, self.records.key(id.as_str()), "attribute_exists(id)", &[]).update(
                table,
                self.usage_key(),
                "ADD files_kept :less, bytes_kept :size",
                // Also where the counts were lost: nobody may be kept from removing a file.
                "attribute_not_exists(id) OR attribute_exists(id)",
                &[(":less", n(-1)), (":size", n(format!("-{size}")))],
            );
            match transaction.commit(self.platform(), id.as_str()).await? {
                Outcome::Done => return Object::delete(self.platform(), &attachment.object.key).await,
                Outcome::Again if self.records.get(id.as_str()).await?.is_none() => {
                    return Object::delete(self.platform(), &attachment.object.key).await;
                }
                Outcome::Again => transaction::pause(self.platform(), attempt).await,
            }
        }
        Err(Problem::unavailable("too many remove at once"))
    }

    /// The bytes of a part of a file, as they come. What fails on the way breaks the body off, because its status is told by then.
    ///
    /// # Errors
    /// 503 if S3 is away or the object is missing, which a backup may mend; 500 if it is not the one that was sealed.
    pub async fn read(&self, attachment: &Attachment, part: Range<u64>) -> Result<Body, Problem> {
        let bytes = attachment.object.read(&self.keyring, part).await?;
        // The bytes are sent when the handler is done; what is told of them is still of this call.
        let call = Span::current();
        Ok(Body::from_stream(bytes.map_err(move |problem| {
            let _entered = call.enter();
            let signal = problem.signal().map(Signal::name);
            tracing::error!(target: "lethe", reason = problem.reason().0.as_ref(), signal, "an attachment broke off");
            io::Error::other("broke off")
        })))
    }

    /// Up to `limit` attachments of one owner (100 at most); see [`Records::list`].
    ///
    /// # Errors
    /// 400 for a cursor of another list; 503 if DynamoDB or KMS is away.
    pub async fn list(&self, owner: &str, cursor: Option<&str>, limit: i32) -> Result<Page<Attachment>, Problem> {
        self.records.list_beginning(&id::beginning(&self.keyring, owner), cursor, limit).await
    }

    /// What the tenant has.
    ///
    /// # Errors
    /// 503 if DynamoDB is away.
    pub async fn usage(&self) -> Result<Usage, Problem> {
        let call = self.platform().dynamodb().get_item().table_name(self.records.table()).set_key(Some(self.usage_key()));
        let answer = call.consistent_read(true).send().await.map_err(|error| aws::problem("dynamodb GetItem attachments", &error))?;
        let Some(found) = answer.item else { return Ok(Usage::default()) };
        // Counts that were lost and begun anew may be below what is there, and so below nothing.
        let number = |name| item::number::<i64>(&found, name).map(|number| u64::try_from(number).unwrap_or(0));
        Ok(Usage { files: number("files_kept")?, bytes: number("bytes_kept")? })
    }

    fn usage_key(&self) -> Item {
        let partition = format!("{}#{}", self.keyring.tenant_id(), ATTACHMENT_USAGE.name);
        item::item([("partition", s(partition)), ("id", s("all"))])
    }
}
