//! Uploads of files that are too large for one request: the browser puts their parts straight into the incoming bucket, each under an address
//! that is good for 15 minutes, one upload, one part, one length and one SHA-256.
//!
//! Nothing that the browser says is believed but held against what S3 has: it says which parts there are to be, S3 says which there are. The
//! record of an upload is named as the attachment will be, so that whoever waits knows for what.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Part};
use aws_smithy_types::DateTime;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::description::Description;
use super::id::AttachmentId;
use super::shelf::{Shelf, Usage};
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::kind::Keyed;
use crate::records::register::{self, KindRow};
use crate::records::{Kind, Life, Named, Precondition, Record, retention};
use crate::tenant::rights::{AccountId, Authored, Owned, ProjectId};

/// How much each part but the last has: eight frames of a sealed blob.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;

/// How many uploads a tenant may have on their way: each is a file of a customer that lies unsealed.
const MOST_UPLOADS: u64 = 50;

/// How many of them one user may have, so that nobody takes the place of all.
const MOST_UPLOADS_OF_ONE: usize = 10;

/// How long an upload may take. What has lain in the incoming bucket for a day is swept, counted from when it was begun, and what is completed
/// at the last moment must still be sealed before.
const LONGEST_UPLOAD: Duration = Duration::from_secs(20 * 60 * 60);

/// How long the address of a part is good.
const ADDRESS_LIFE: Duration = Duration::from_secs(15 * 60);

/// One upload on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    /// What its uploader says of the file.
    pub description: Description,
    /// Who uploads it.
    pub author: String,
    /// How many bytes it is to have.
    pub size: u64,
    /// SHA-256 of each part, base64, in order.
    pub(crate) parts: Vec<String>,
    /// When it was begun, in epoch seconds.
    pub(crate) begun_at: i64,
    /// S3's name of the multipart upload.
    pub(crate) multipart: String,
    /// How far it is.
    pub stage: Stage,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Parts may come.
    Open,
    /// All parts are there; the file is being sealed.
    Complete,
    /// What came is not what was said, or is gone; nothing of it is left.
    Refused,
    /// It is an attachment.
    Sealed,
}

impl Kind for Upload {
    const ROW: &'static KindRow = &register::UPLOAD;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::After(retention::UPLOAD);
    const KEYED: Keyed = Keyed::ByName;
}

impl Named for Upload {
    const PARAMETER: &'static str = "upload";

    fn check_name(name: &str) -> Result<(), Problem> {
        AttachmentId::parse(name).map(drop).ok_or_else(|| Problem::malformed("upload", "must be 64 hex digits"))
    }
}

impl Owned for Upload {
    fn project(&self) -> Option<ProjectId> {
        self.description.project()
    }
}

impl Authored for Upload {
    fn author(&self) -> &str {
        &self.author
    }
}

/// What a browser is told of a part: how to put it.
#[derive(Clone, Debug, Serialize)]
pub struct PartAddress {
    /// Its number, from 1.
    pub number: u32,
    /// Where it goes, by `PUT`.
    pub url: String,
    /// What must be sent with it, as it is.
    pub headers: Vec<(String, String)>,
}

impl Upload {
    /// How many bytes a part has; `number` counts from 1.
    pub(crate) fn part_bytes(&self, number: usize) -> u64 {
        let before = (number as u64).saturating_sub(1).saturating_mul(PART_BYTES);
        self.size.saturating_sub(before).min(PART_BYTES)
    }

    /// The parts that S3 has not, or has otherwise than was said.
    fn missing(&self, found: &[Part]) -> Vec<usize> {
        (1..=self.parts.len()).filter(|number| !self.has(found, *number)).collect()
    }

    fn has(&self, found: &[Part], number: usize) -> bool {
        let said = number.checked_sub(1).and_then(|at| self.parts.get(at));
        found.iter().any(|part| {
            let same = part.part_number().and_then(|found| usize::try_from(found).ok()) == Some(number);
            let size = part.size().and_then(|size| u64::try_from(size).ok()) == Some(self.part_bytes(number));
            same && size && part.checksum_sha256() == said.map(String::as_str)
        })
    }
}

/// Where an upload arrives: below the tenant's digest, so that whoever finds it knows whom to ask.
pub(crate) fn incoming_key(digest: &str, id: &str) -> String {
    format!("{digest}/{id}")
}

impl Shelf {
    /// Begins an upload; its parts are given by the SHA-256 of each, in base64.
    ///
    /// # Errors
    /// 400 that names the field; as [`check_room`](Self::check_room); 503 if AWS is away.
    pub async fn begin_upload(
        &self,
        description: Description,
        size: u64,
        parts: Vec<String>,
        author: &AccountId,
    ) -> Result<(AttachmentId, Upload), Problem> {
        check_parts(size, &parts)?;
        self.check_room_for_upload(size, author).await?;
        let platform = self.platform();
        let id = AttachmentId::new(self.keyring(), &description.owner, platform.random())?;
        let key = incoming_key(self.keyring().digest(), id.as_str());
        let call = platform.s3().create_multipart_upload().bucket(&platform.config().buckets.incoming).key(key);
        let call = call.checksum_algorithm(ChecksumAlgorithm::Sha256).content_type("application/octet-stream");
        let begun = call.send().await.map_err(|error| aws::problem("s3 CreateMultipartUpload", &error))?;
        let multipart = begun.upload_id.ok_or_else(|| Problem::unavailable("s3 CreateMultipartUpload: no upload id"))?;
        let (author, begun_at) = (author.as_str().to_owned(), platform.now());
        let upload = Upload { description, author, size, parts, begun_at, multipart, stage: Stage::Open };
        self.uploads().put(id.as_str(), &upload, &Precondition::Absent).await?;
        Ok((id, upload))
    }

    /// Whether one more upload may begin: what is on its way counts as if it were there.
    async fn check_room_for_upload(&self, size: u64, author: &AccountId) -> Result<(), Problem> {
        // Twice as many: those that are over or refused lie there until they are swept.
        let page = self.uploads().list(None, i32::try_from(2 * MOST_UPLOADS).unwrap_or(i32::MAX)).await?;
        let open = page.records.iter().filter(|record| record.value.stage != Stage::Refused && self.check_age(&record.value).is_ok());
        let own = open.clone().filter(|record| record.value.author == author.as_str()).count();
        let coming = open.fold(Usage::default(), |coming, record| Usage {
            files: coming.files + 1,
            bytes: coming.bytes.saturating_add(record.value.size),
        });
        if own >= MOST_UPLOADS_OF_ONE || coming.files >= MOST_UPLOADS || page.cursor.is_some() {
            let detail = "the site has as many uploads on their way as the app takes; complete some first, or give them up";
            return Err(Problem::new(Refusal::LimitReached, "upload limit reached").told(detail));
        }
        self.check_room_beside(coming, size).await
    }

    /// How to put the parts that are still missing; empty when all are there.
    ///
    /// # Errors
    /// 404 if the upload is over, or S3 knows it no longer; 503 if AWS is away.
    pub async fn missing_parts(&self, id: &str, upload: &Upload) -> Result<Vec<PartAddress>, Problem> {
        if upload.stage != Stage::Open {
            return Ok(Vec::new());
        }
        self.check_age(upload)?;
        let found = self.found_parts(id, upload).await?.ok_or_else(|| Problem::new(Refusal::NotFound, "no such multipart upload"))?;
        let mut addresses = Vec::new();
        for number in upload.missing(&found) {
            addresses.push(self.address(id, upload, number).await?);
        }
        Ok(addresses)
    }

    /// How far an upload is. One that was complete and whose file is neither there nor an attachment, because its tenant left meanwhile or it lay
    /// too long, is refused from now on: whoever waits for it must not wait for ever.
    ///
    /// # Errors
    /// 503 if AWS is away.
    pub async fn stage(&self, record: &Record<Upload>) -> Result<Stage, Problem> {
        let (id, upload) = (record.name.as_str(), &record.value);
        if upload.stage != Stage::Complete || self.has_arrived(id).await? {
            return Ok(upload.stage.clone());
        }
        let refused = Upload { stage: Stage::Refused, ..upload.clone() };
        match self.uploads().put(id, &refused, &Precondition::At(record.revision.clone())).await {
            // Sealed between the two questions.
            Err(conflict) if conflict.refusal() == Refusal::RevisionConflict => Ok(Stage::Sealed),
            refused => refused.map(|_| Stage::Refused),
        }
    }

    /// Ends an upload whose parts are all there: from now on it is sealed. Ending it twice is ending it once.
    ///
    /// # Errors
    /// 409 where parts are missing; 404 if the upload is over or refused, or S3 knows it no longer; 503 if AWS is away.
    pub async fn complete_upload(&self, record: &Record<Upload>) -> Result<(), Problem> {
        let (id, upload) = (record.name.as_str(), &record.value);
        match self.stage(record).await? {
            Stage::Open => {}
            Stage::Complete | Stage::Sealed => return Ok(()),
            Stage::Refused => return Err(Problem::new(Refusal::NotFound, "an upload that was refused")),
        }
        self.check_age(upload)?;
        if let Some(found) = self.found_parts(id, upload).await? {
            let missing = upload.missing(&found);
            if !missing.is_empty() {
                let problem = Problem::new(Refusal::Incomplete, "parts are missing");
                return Err(problem.told("parts of the file are missing, or are not what was said; ask which, and put them"));
            }
            self.join(id, upload, &found).await?;
        } else if !self.has_arrived(id).await? {
            return Err(Problem::new(Refusal::NotFound, "no such multipart upload"));
        }
        let complete = Upload { stage: Stage::Complete, ..upload.clone() };
        match self.uploads().put(id, &complete, &Precondition::At(record.revision.clone())).await {
            // Sealed already, or ended by another call of the same: there is nothing left to say.
            Err(conflict) if conflict.refusal() == Refusal::RevisionConflict => Ok(()),
            done => done.map(drop),
        }
    }

    /// Gives an upload up. Its record goes first: what is being sealed at this moment is not recorded any more then.
    ///
    /// # Errors
    /// 503 if AWS is away; what is left then is swept.
    pub async fn abort_upload(&self, record: &Record<Upload>) -> Result<(), Problem> {
        self.uploads().delete(&record.name, &Precondition::None).await?;
        let (platform, key) = (self.platform(), incoming_key(self.keyring().digest(), &record.name));
        let bucket = &platform.config().buckets.incoming;
        let call = platform.s3().abort_multipart_upload().bucket(bucket).key(&key).upload_id(&record.value.multipart);
        match call.send().await {
            Err(error) if !error.as_service_error().is_some_and(|fault| fault.is_no_such_upload()) => {
                return Err(aws::problem("s3 AbortMultipartUpload", &error));
            }
            _ => {}
        }
        delete_incoming(platform, &key).await
    }

    /// What was begun too long ago is over, so that nothing of it lies unsealed for longer than it was said to.
    fn check_age(&self, upload: &Upload) -> Result<(), Problem> {
        let age = self.platform().now().saturating_sub(upload.begun_at);
        let is_over = u64::try_from(age).is_ok_and(|age| age >= LONGEST_UPLOAD.as_secs());
        if is_over { Err(Problem::new(Refusal::NotFound, "an upload that is over")) } else { Ok(()) }
    }

    /// The parts that S3 has; `None` if it knows the upload no longer.
    async fn found_parts(&self, id: &str, upload: &Upload) -> Result<Option<Vec<Part>>, Problem> {
        let platform = self.platform();
        let key = incoming_key(self.keyring().digest(), id);
        let (mut found, mut marker) = (Vec::new(), None);
        loop {
            let call = platform.s3().list_parts().bucket(&platform.config().buckets.incoming).key(&key).upload_id(&upload.multipart);
            let page = match call.set_part_number_marker(marker).send().await {
                Ok(page) => page,
                Err(error) if error.code() == Some("NoSuchUpload") => return Ok(None),
                Err(error) => return Err(aws::problem("s3 ListParts", &error)),
            };
            let more = page.is_truncated == Some(true);
            marker = page.next_part_number_marker;
            found.extend(page.parts.unwrap_or_default());
            if !more || marker.is_none() {
                return Ok(Some(found));
            }
        }
    }

    async fn join(&self, id: &str, upload: &Upload, found: &[Part]) -> Result<(), Problem> {
        let platform = self.platform();
        let mut parts: Vec<&Part> = found.iter().collect();
        parts.sort_by_key(|part| part.part_number());
        let parts = parts.into_iter().map(|part| {
            let completed = CompletedPart::builder().set_part_number(part.part_number).set_e_tag(part.e_tag.clone());
            completed.set_checksum_sha256(part.checksum_sha256.clone()).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let key = incoming_key(self.keyring().digest(), id);
        let call = platform.s3().complete_multipart_upload().bucket(&platform.config().buckets.incoming).key(key);
        let call = call.upload_id(&upload.multipart).multipart_upload(parts);
        match call.send().await {
            // Somebody else ended it between the two calls, or we did and never heard.
            Err(error) if error.code() == Some("NoSuchUpload") && self.has_arrived(id).await? => Ok(()),
            Err(error) => Err(aws::problem("s3 CompleteMultipartUpload", &error)),
            Ok(_) => Ok(()),
        }
    }

    /// Whether the whole file lies in the incoming bucket, or lay there and is an attachment by now.
    async fn has_arrived(&self, id: &str) -> Result<bool, Problem> {
        let platform = self.platform();
        let key = incoming_key(self.keyring().digest(), id);
        match platform.s3().head_object().bucket(&platform.config().buckets.incoming).key(key).send().await {
            Ok(_) => Ok(true),
            // An answer to HEAD has no body that could name the fault, only its status.
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 404) => self.holds(id).await,
            Err(error) => Err(aws::problem("s3 HeadObject", &error)),
        }
    }

    async fn address(&self, id: &str, upload: &Upload, number: usize) -> Result<PartAddress, Problem> {
        let platform = self.platform();
        let internal = |what: &'static str| Problem::new(Refusal::Internal, what);
        let start = DateTime::from_secs(platform.now()).try_into().map_err(|_| internal("no such time"))?;
        let life = PresigningConfig::builder().start_time(start).expires_in(ADDRESS_LIFE).build();
        let life = life.map_err(|_| internal("cannot build a presigned address"))?;
        let part_number = i32::try_from(number).map_err(|_| internal("too many parts"))?;
        let length = i64::try_from(upload.part_bytes(number)).map_err(|_| internal("too long a part"))?;
        let sha256 = number.checked_sub(1).and_then(|at| upload.parts.get(at)).ok_or_else(|| internal("no such part"))?;
        let key = incoming_key(self.keyring().digest(), id);
        let call = platform.s3().upload_part().bucket(&platform.config().buckets.incoming).key(key).upload_id(&upload.multipart);
        let call = call.part_number(part_number).content_length(length).checksum_sha256(sha256);
        let presigned = call.presigned(life).await.map_err(|_| internal("cannot presign a part"))?;
        // A browser sets the length itself.
        let headers = presigned.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(PartAddress { number: number.try_into().unwrap_or(u32::MAX), url: presigned.uri().to_owned(), headers })
    }
}

/// Deletes what has arrived; what is not there is deleted already.
pub(crate) async fn delete_incoming(platform: &Platform, key: &str) -> Result<(), Problem> {
    let call = platform.s3().delete_object().bucket(&platform.config().buckets.incoming).key(key);
    call.send().await.map(drop).map_err(|error| aws::problem("s3 DeleteObject", &error))
}

fn check_parts(size: u64, parts: &[String]) -> Result<(), Problem> {
    if size == 0 {
        return Err(Problem::malformed("size", "must be one byte at least"));
    }
    if parts.len() as u64 != size.div_ceil(PART_BYTES) {
        return Err(Problem::malformed("parts", "must be one for each 8 MiB of the file, and one for the rest"));
    }
    let is_sha256 = |text: &String| STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
    if parts.iter().all(is_sha256) { Ok(()) } else { Err(Problem::malformed("parts", "must be the SHA-256 of each part, in base64")) }
}
