//! Sealing what has arrived: from the incoming bucket into the sealed one, frame by frame, with no more of the file in memory than one part.
//!
//! Who asks says only where something arrived. That must be where an upload of ours was to arrive; its record says whose it is and what it is
//! to be. The same may be asked twice, late, or by two at once: each seals under a name and a salt of its own, and one of them is recorded.

use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::id::AttachmentId;
use super::object::{self, Object};
use super::record::Attachment;
use super::shelf::{Claim, Shelf};
use super::upload::{Stage, Upload, delete_incoming};
use crate::envelope::SealFault;
use crate::envelope::blob::{HEADER, TAG};
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::{Precondition, Record};
use crate::tenant::{id, recall};

/// What became of something that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is an attachment now.
    Sealed,
    /// Nobody waits for it: it was sealed before, given up, or its tenant has left. It is deleted.
    Unclaimed,
    /// It is not what was said of it. It is deleted, and whoever uploaded it is told.
    Refused(&'static str),
}

/// Seals what arrived under this name in the incoming bucket.
///
/// # Errors
/// 503 if AWS is away: nothing is half-visible then, and it may be asked again.
pub async fn seal(platform: &Platform, key: &str) -> Result<Outcome, Problem> {
    let Some((digest, id)) = named(key) else {
        delete_incoming(platform, key).await?;
        return Ok(Outcome::Refused("not a name of ours"));
    };
    let Some(tenant) = recall::active(platform, digest).await? else { return unclaimed(platform, key).await };
    let shelf = Shelf::of(&tenant);
    // An upload that was never ended by its uploader may still be: what arrives is complete, whoever ended it.
    let Some(record) = shelf.uploads().get(id.as_str()).await? else { return unclaimed(platform, key).await };
    if record.value.stage == Stage::Refused {
        // Asked again, perhaps because nobody heard why.
        delete_incoming(platform, key).await?;
        return Ok(Outcome::Refused("refused before"));
    }
    // Before gigabytes are moved, not only after.
    match shelf.check_room(record.value.size).await {
        Err(problem) if problem.refusal() == Refusal::LimitReached => {
            return refuse(&shelf, key, &record, "attachment limit reached").await;
        }
        room => room?,
    }
    match transfer(&shelf, key, &id, &record.value).await? {
        Transfer::Unlike(why) => refuse(&shelf, key, &record, why).await,
        Transfer::Missing => missing(&shelf, &record).await,
        Transfer::Done(attachment) => match shelf.record_upload(&id, &attachment).await {
            Err(problem) if problem.refusal() == Refusal::LimitReached => refuse(&shelf, key, &record, "attachment limit reached").await,
            Err(problem) => Err(problem),
            Ok(claim) => {
                delete_incoming(platform, key).await?;
                Ok(if claim == Claim::Ours { Outcome::Sealed } else { Outcome::Unclaimed })
            }
        },
    }
}

/// Whose this is that arrived, by the tenant's digest, and the name of its upload; `None` if we never gave such a name.
#[must_use]
pub fn named(key: &str) -> Option<(&str, AttachmentId)> {
    let (digest, id) = key.split_once('/').filter(|(digest, _)| id::is_digest(digest))?;
    Some((digest, AttachmentId::parse(id)?))
}

async fn unclaimed(platform: &Platform, key: &str) -> Result<Outcome, Problem> {
    delete_incoming(platform, key).await?;
    Ok(Outcome::Unclaimed)
}

/// First it is told, then nothing of it is left: whoever asks again after a fault between the two finds it told and deletes it. The other way
/// round, nobody could say any more why it is gone.
async fn refuse(shelf: &Shelf, key: &str, record: &Record<Upload>, why: &'static str) -> Result<Outcome, Problem> {
    let mut told = tell_refused(shelf, record).await?;
    if !told {
        // Its uploader has ended it since, or given it up, or somebody else has told.
        told = match shelf.uploads().get(&record.name).await? {
            Some(moved) if moved.value.stage != Stage::Refused => tell_refused(shelf, &moved).await?,
            _ => false,
        };
    }
    delete_incoming(shelf.platform(), key).await?;
    Ok(if told { Outcome::Refused(why) } else { Outcome::Unclaimed })
}

/// All parts were there, and now nothing is. If its record is as we have just read it, nobody sealed it either: it lay too long.
async fn missing(shelf: &Shelf, record: &Record<Upload>) -> Result<Outcome, Problem> {
    let is_lost = record.value.stage == Stage::Complete && tell_refused(shelf, record).await?;
    Ok(if is_lost { Outcome::Refused("gone before it was sealed") } else { Outcome::Unclaimed })
}

/// Whether the record was still as it was read, and says now that the upload is refused.
async fn tell_refused(shelf: &Shelf, record: &Record<Upload>) -> Result<bool, Problem> {
    let refused = Upload { stage: Stage::Refused, ..record.value.clone() };
    match shelf.uploads().put(&record.name, &refused, &Precondition::At(record.revision.clone())).await {
        Ok(_) => Ok(true),
        Err(conflict) if conflict.refusal() == Refusal::RevisionConflict => Ok(false),
        Err(problem) => Err(problem),
    }
}

enum Transfer {
    Done(Box<Attachment>),
    /// It is not what was said.
    Unlike(&'static str),
    /// It is not there any more.
    Missing,
}

async fn transfer(shelf: &Shelf, key: &str, id: &AttachmentId, upload: &Upload) -> Result<Transfer, Problem> {
    let platform = shelf.platform();
    let arrived = match platform.s3().get_object().bucket(&platform.config().buckets.incoming).key(key).send().await {
        Ok(arrived) => arrived,
        Err(error) if error.as_service_error().is_some_and(|fault| fault.is_no_such_key()) => return Ok(Transfer::Missing),
        Err(error) => return Err(aws::problem("s3 GetObject", &error)),
    };
    if arrived.content_length().and_then(|length| u64::try_from(length).ok()) != Some(upload.size) {
        return Ok(Transfer::Unlike("another length than was said"));
    }
    let begun = Begun::begin(shelf, id).await?;
    let mut source = Source { body: arrived.body, ahead: Bytes::new() };
    match fill(shelf, &begun, upload, &mut source).await {
        Ok(Some(attachment)) => Ok(Transfer::Done(Box::new(attachment))),
        Ok(None) => {
            begun.abort(platform).await?;
            Ok(Transfer::Unlike("another SHA-256 than was said"))
        }
        Err(problem) => {
            // What cannot be given up now is given up by the bucket's lifecycle a day later, and no record ever tells of it.
            begun.abort(platform).await.ok();
            Err(problem)
        }
    }
}

/// Takes the file part by part: reads it, holds it against what was said of it, seals it frame by frame, sends it on. `None` if a part is not
/// what was said.
async fn fill(shelf: &Shelf, begun: &Begun, upload: &Upload, source: &mut Source) -> Result<Option<Attachment>, Problem> {
    let platform = shelf.platform();
    let (mut sealer, header) = shelf.keyring().blob_sealer(&object::place(&begun.key))?;
    let frame_bytes = usize::try_from(sealer.frame_size().bytes()).unwrap_or(usize::MAX);
    let (mut whole, mut detected_type, mut sent) = (Context::new(&SHA256), None, Vec::new());
    let mut last_frame = Vec::new();
    for (number, said) in (1..).zip(&upload.parts) {
        let Some(plain) = source.part(upload.part_bytes(number), said).await? else { return Ok(None) };
        whole.update(&plain);
        if number == 1 {
            detected_type = infer::get(&plain).map(|found| found.mime_type().to_owned());
        }
        let mut part = Vec::with_capacity(HEADER + plain.len() + plain.len().div_ceil(frame_bytes) * TAG);
        part.extend_from_slice(if number == 1 { &header } else { &[] });
        let mut frames = plain.chunks(frame_bytes).peekable();
        while let Some(plain) = frames.next() {
            let mut frame = plain.to_vec();
            if number == upload.parts.len() && frames.peek().is_none() {
                last_frame = frame;
                break;
            }
            sealer.seal(&mut frame).map_err(sealing_fault)?;
            part.append(&mut frame);
        }
        if number < upload.parts.len() {
            sent.push(begun.send(platform, number, part).await?);
        } else {
            let seen = sealer.finish(&mut last_frame).map_err(sealing_fault)?;
            part.append(&mut last_frame);
            sent.push(begun.send(platform, number, part).await?);
            begun.complete(platform, sent).await?;
            return Ok(Some(Attachment {
                description: upload.description.clone(),
                detected_type,
                sha256: hex::encode(whole.finish()),
                author: upload.author.clone(),
                attached_at: platform.now(),
                object: Object::sealed(begun.key.clone(), &header, &seen),
            }));
        }
    }
    Err(Problem::new(Refusal::Internal, "an upload without parts"))
}

fn sealing_fault(fault: SealFault) -> Problem {
    Problem::new(Refusal::Internal, fault.to_string())
}

/// A multipart upload of ours into the sealed bucket.
struct Begun {
    key: String,
    multipart: String,
}

impl Begun {
    async fn begin(shelf: &Shelf, id: &AttachmentId) -> Result<Self, Problem> {
        let (platform, key) = (shelf.platform(), Object::new_key(shelf.keyring(), id)?);
        let call = platform.s3().create_multipart_upload().bucket(&platform.config().buckets.sealed).key(&key);
        // What the SDK sends with every part unasked: S3 wants to hear of it at the beginning.
        let call = call.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let begun = call.content_type("application/octet-stream").send().await;
        let begun = begun.map_err(|error| aws::problem("s3 CreateMultipartUpload", &error))?;
        let multipart = begun.upload_id.ok_or_else(|| Problem::unavailable("s3 CreateMultipartUpload: no upload id"))?;
        Ok(Self { key, multipart })
    }

    /// Sends a sealed part. The SDK's retry sends the same bytes again: no frame is sealed twice.
    async fn send(&self, platform: &Platform, number: usize, part: Vec<u8>) -> Result<CompletedPart, Problem> {
        let number = i32::try_from(number).map_err(|_| Problem::new(Refusal::Internal, "too many parts"))?;
        let call = platform.s3().upload_part().bucket(&platform.config().buckets.sealed).key(&self.key);
        let call = call.upload_id(&self.multipart).part_number(number).body(ByteStream::from(part));
        let sent = call.send().await.map_err(|error| aws::problem("s3 UploadPart", &error))?;
        Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).set_checksum_crc32(sent.checksum_crc32).build())
    }

    async fn complete(&self, platform: &Platform, sent: Vec<CompletedPart>) -> Result<(), Problem> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(sent)).build();
        let call = platform.s3().complete_multipart_upload().bucket(&platform.config().buckets.sealed).key(&self.key);
        let call = call.upload_id(&self.multipart).multipart_upload(parts);
        call.send().await.map(drop).map_err(|error| aws::problem("s3 CompleteMultipartUpload", &error))
    }

    async fn abort(&self, platform: &Platform) -> Result<(), Problem> {
        let call = platform.s3().abort_multipart_upload().bucket(&platform.config().buckets.sealed).key(&self.key);
        call.upload_id(&self.multipart).send().await.map(drop).map_err(|error| aws::problem("s3 AbortMultipartUpload", &error))
    }
}

/// What arrived, on its way to us.
struct Source {
    body: ByteStream,
    ahead: Bytes,
}

impl Source {
    /// The next part of so many bytes; `None` if it is not the one that was said, by its SHA-256 in base64.
    async fn part(&mut self, length: u64, said: &str) -> Result<Option<Vec<u8>>, Problem> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut part = Vec::with_capacity(length);
        while part.len() < length {
            if self.ahead.is_empty() {
                let Some(chunk) = self.body.next().await else { return Ok(None) };
                self.ahead = chunk.map_err(|_| Problem::unavailable("s3 GetObject: the body broke off"))?;
            }
            let taken = self.ahead.split_to(self.ahead.len().min(length - part.len()));
            part.extend_from_slice(&taken);
        }
        Ok((STANDARD.encode(digest(&SHA256, &part)) == said).then_some(part))
    }
}
