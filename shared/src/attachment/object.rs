//! The bytes of an attachment in the sealed bucket: one framed blob under a random name below the tenant's and the attachment's own. Its length and its header come
//! from the sealed record, never from S3, so that a blob which was cut off or exchanged is found out whichever part of it is read.

use std::ops::Range;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::Bytes;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};

use super::id::AttachmentId;
use crate::envelope::Place;
use crate::envelope::blob::{self, Opener, Seen, TAG};
use crate::platform::signal::Signal;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::item::Damaged;
use crate::records::keyring::Keyring;
use crate::tenant::id::random_uuid;

/// Where a blob lies, and how it begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) plain_len: u64,
    /// The blob's header, hex: with it, a range is read without asking for the beginning of the object.
    header: String,
}

/// Under which names all objects of one life of a tenant lie.
pub(crate) fn prefix(digest: &str, tenant_id: &str) -> String {
    format!("{digest}/{tenant_id}/")
}

/// What a blob in the bucket is bound to.
pub(crate) fn place(key: &str) -> Place<'_> {
    Place { service: "attachments", resource: "sealed", pk: key.as_bytes(), sk: b"", attribute: "blob" }
}

impl Object {
    /// A name that no object had before, for this attachment: who finds an object knows which record would tell of it.
    pub(crate) fn new_key(keyring: &Keyring, id: &AttachmentId) -> Result<String, Problem> {
        let prefix = prefix(keyring.digest(), keyring.tenant_id());
        Ok(format!("{prefix}{}/{}", id.as_str(), random_uuid(keyring.platform().random())?))
    }

    /// What a record keeps of a blob that was sealed.
    pub(crate) fn sealed(key: String, header: &[u8; blob::HEADER], seen: &Seen) -> Self {
        Self { key, plain_len: seen.plain_len, header: hex::encode(header) }
    }

    fn header(&self) -> Result<[u8; blob::HEADER], Damaged> {
        hex::decode(&self.header).ok().and_then(|header| header.try_into().ok()).ok_or(Damaged("header"))
    }

    /// Seals bytes that are at hand and puts them.
    ///
    /// # Errors
    /// 503 if S3 is away; then the object may or may not be there, and no record tells of it.
    pub(crate) async fn put(keyring: &Keyring, id: &AttachmentId, plaintext: &[u8]) -> Result<Self, Problem> {
        let key = Self::new_key(keyring, id)?;
        let (mut sealer, header) = keyring.blob_sealer(&place(&key))?;
        let frame_size = usize::try_from(sealer.frame_size().bytes()).unwrap_or(usize::MAX);
        let frames = plaintext.len().div_ceil(frame_size).max(1);
        let mut sealed = Vec::with_capacity(blob::HEADER + plaintext.len() + frames * TAG);
        sealed.extend_from_slice(&header);
        let (full, last) = plaintext.split_at_checked((frames - 1) * frame_size).unwrap_or((plaintext, &[]));
        let internal = |fault: crate::envelope::SealFault| Problem::new(Refusal::Internal, fault.to_string());
        for plain in full.chunks(frame_size) {
            let mut frame = plain.to_vec();
            sealer.seal(&mut frame).map_err(internal)?;
            sealed.append(&mut frame);
        }
        let mut frame = last.to_vec();
        let seen = sealer.finish(&mut frame).map_err(internal)?;
        sealed.append(&mut frame);
        let platform = keyring.platform();
        let call = platform.s3().put_object().bucket(&platform.config().buckets.sealed).key(&key);
        let call = call.content_type("application/octet-stream").body(ByteStream::from(sealed));
        call.send().await.map_err(|error| aws::problem("s3 PutObject", &error))?;
        Ok(Self::sealed(key, &header, &seen))
    }

    /// The plain bytes of a range, as they come. The first are given when they are known to be authentic; a fault on the way ends the stream.
    ///
    /// # Errors
    /// 503 if S3 is away or the object is missing, which a backup may mend; 500 if it is not the one that was sealed.
    pub(crate) async fn read(
        &self,
        keyring: &Keyring,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, Problem>> + Send + 'static, Problem> {
        let header = self.header()?;
        let seen = Seen::of(&header, self.plain_len).ok_or(Damaged("header"))?;
        let opener = keyring.blob_opener(&place(&self.key), &header, &seen).await?;
        let Some(span) = seen.frame_size.span(range.clone(), self.plain_len) else {
            return Ok(Frames::nothing(opener).stream());
        };
        let platform = keyring.platform();
        let call = platform.s3().get_object().bucket(&platform.config().buckets.sealed).key(&self.key);
        let call = call.range(format!("bytes={}-{}", span.bytes.start, span.bytes.end - 1));
        let answer = call.send().await.map_err(|error| aws::problem("s3 GetObject", &error))?;
        let reading =
            Frames { opener, body: Some(answer), frame: Vec::new(), frames: span.frames, skip: span.skip, left: range.end - range.start };
        // One frame is opened before anything is answered, so that an object of somebody else's is an error and not a short file.
        let (first, reading) = reading.next().await?;
        Ok(reading.stream_after(first))
    }

    /// Deletes every version of it.
    ///
    /// # Errors
    /// 503 if S3 is away; some of them may be gone then.
    pub(crate) async fn delete(platform: &Platform, key: &str) -> Result<(), Problem> {
        let bucket = &platform.config().buckets.sealed;
        let call = platform.s3().list_object_versions().bucket(bucket).prefix(key);
        let found = call.send().await.map_err(|error| aws::problem("s3 ListObjectVersions", &error))?;
        let versions = found.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = found.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let mut objects = Vec::new();
        for (found, version_id) in versions.chain(markers).filter(|(found, _)| *found == Some(key)) {
            let object =
                ObjectIdentifier::builder().key(found.unwrap_or_default()).set_version_id(version_id.map(ToOwned::to_owned)).build();
            objects.push(object.map_err(|_| Problem::new(Refusal::Internal, "cannot name an object"))?);
        }
        if objects.is_empty() {
            return Ok(());
        }
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let delete = delete.map_err(|_| Problem::new(Refusal::Internal, "cannot name objects"))?;
        let call = platform.s3().delete_objects().bucket(bucket).delete(delete);
        let answer = call.send().await.map_err(|error| aws::problem("s3 DeleteObjects", &error))?;
        if answer.errors().is_empty() { Ok(()) } else { Err(Problem::unavailable("s3 DeleteObjects: some are left")) }
    }
}

/// SHA-256 of bytes that are at hand, hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// A range on its way: what S3 still has to send, and the frame that is being filled.
struct Frames {
    opener: Opener,
    /// Taken when all was read.
    body: Option<GetObjectOutput>,
    frame: Vec<u8>,
    frames: Range<u64>,
    skip: u64,
    left: u64,
}

impl Frames {
    const fn nothing(opener: Opener) -> Self {
        Self { opener, body: None, frame: Vec::new(), frames: 0..0, skip: 0, left: 0 }
    }

    fn stream(self) -> futures::stream::BoxStream<'static, Result<Bytes, Problem>> {
        Box::pin(stream::try_unfold(self, |reading| async move {
            let (bytes, reading) = reading.next().await?;
            Ok(bytes.map(|bytes| (bytes, reading)))
        }))
    }

    fn stream_after(self, first: Option<Bytes>) -> futures::stream::BoxStream<'static, Result<Bytes, Problem>> {
        let first = stream::iter(first.map(Ok));
        Box::pin(stream::StreamExt::chain(first, self.stream()))
    }

    /// The plain bytes of the next frame that are in the range; `None` behind the last.
    async fn next(mut self) -> Result<(Option<Bytes>, Self), Problem> {
        let Some(number) = self.frames.next() else {
            self.body = None;
            return Ok((None, self));
        };
        let Seen { plain_len, frame_size, .. } = *self.opener.seen();
        let held = frame_size.held(number, plain_len).unwrap_or_default();
        let wanted = usize::try_from(held).unwrap_or(usize::MAX).saturating_add(TAG);
        self.fill(wanted).await?;
        let rest = self.frame.split_off(wanted.min(self.frame.len()));
        let mut frame = std::mem::replace(&mut self.frame, rest);
        let opened = self.opener.open(number, &mut frame);
        opened.map_err(|fault| {
            let reason = format!("an object is not the one that was sealed: {fault}");
            Problem::new(Refusal::Internal, reason).raising(Signal::CrossTenant)
        })?;
        let (skip, take) = (self.skip, self.left.min(held - self.skip.min(held)));
        (self.skip, self.left) = (0, self.left - take);
        let (from, to) = (usize::try_from(skip).unwrap_or(usize::MAX), usize::try_from(skip + take).unwrap_or(usize::MAX));
        Ok((Some(Bytes::from(frame).slice(from..to)), self))
    }

    /// Reads until so many bytes of the next frame are there.
    async fn fill(&mut self, wanted: usize) -> Result<(), Problem> {
        self.frame.reserve(wanted.saturating_sub(self.frame.len()));
        while self.frame.len() < wanted {
            let body = self.body.as_mut().ok_or_else(|| Problem::unavailable("s3 GetObject: no body"))?;
            let chunk =
                body.body.next().await.ok_or_else(|| Problem::new(Refusal::Internal, "an object is shorter than what was sealed"))?;
            self.frame.extend_from_slice(&chunk.map_err(|_| Problem::unavailable("s3 GetObject: the body broke off"))?);
        }
        Ok(())
    }
}
