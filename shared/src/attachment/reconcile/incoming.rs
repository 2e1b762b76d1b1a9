//! What arrived a day ago and is still there, and what began to arrive then and never did. The buckets' own lifecycle does the same within a
//! day more; it knows nothing of the records that go with it.

use aws_sdk_s3::types::MultipartUpload;

use super::{Run, is_of_age};
use crate::attachment::sealing::named;
use crate::attachment::shelf::Shelf;
use crate::attachment::upload::{Stage, delete_incoming};
use crate::platform::aws;
use crate::problem::Problem;
use crate::records::Precondition;
use crate::tenant::recall;

impl Run<'_> {
    /// Removes what arrived a day ago.
    pub(super) async fn arrivals(&mut self) -> Result<(), Problem> {
        let platform = self.platform;
        let (mut token, now) = (None, platform.now());
        loop {
            let call = platform.s3().list_objects_v2().bucket(&platform.config().buckets.incoming).set_continuation_token(token);
            let page = call.send().await.map_err(|error| aws::problem("s3 ListObjectsV2", &error))?;
            for object in page.contents().iter().filter(|object| is_of_age(object.last_modified(), now)) {
                if self.is_late() {
                    return Ok(());
                }
                let key = object.key().unwrap_or_default();
                let removed = self.remove_arrival(key).await;
                self.count(removed, |counts| &mut counts.arrivals_removed);
            }
            token = page.next_continuation_token;
            if token.is_none() || self.is_late() {
                return Ok(());
            }
        }
    }

    /// First its record: the other way round, a fault would leave one that nothing leads to any more.
    async fn remove_arrival(&mut self, key: &str) -> Result<(), Problem> {
        let ended = self.end_upload(key, |_, _| true).await?;
        delete_incoming(self.platform, key).await?;
        // Its uploader was told that it is being sealed, and for a day it was not.
        self.counts.arrivals_lost += u64::from(ended == Some(Stage::Complete));
        Ok(())
    }

    /// Deletes the record of the upload that was to arrive here, if it is still waiting and `is_meant`; gives the stage that it was in.
    async fn end_upload(&self, key: &str, is_meant: impl Fn(&Stage, &str) -> bool) -> Result<Option<Stage>, Problem> {
        let Some((digest, id)) = named(key) else { return Ok(None) };
        let Some(tenant) = recall::active(self.platform, digest).await? else { return Ok(None) };
        let uploads = Shelf::of(&tenant).uploads();
        match uploads.get(id.as_str()).await? {
            Some(record) if is_meant(&record.value.stage, &record.value.multipart) => {
                uploads.delete(&record.name, &Precondition::None).await?;
                Ok(Some(record.value.stage))
            }
            _ => Ok(None),
        }
    }

    /// Aborts what began to arrive a day ago.
    pub(super) async fn incoming_multiparts(&mut self) -> Result<(), Problem> {
        let bucket = self.platform.config().buckets.incoming.clone();
        self.multiparts(&bucket, true).await
    }

    /// Aborts what was begun to be sealed a day ago.
    pub(super) async fn sealed_multiparts(&mut self) -> Result<(), Problem> {
        let bucket = self.platform.config().buckets.sealed.clone();
        self.multiparts(&bucket, false).await
    }

    async fn multiparts(&mut self, bucket: &str, are_uploads: bool) -> Result<(), Problem> {
        let platform = self.platform;
        let (mut key_marker, mut id_marker, now) = (None, None, platform.now());
        loop {
            let call = platform.s3().list_multipart_uploads().bucket(bucket).set_key_marker(key_marker).set_upload_id_marker(id_marker);
            let page = call.send().await.map_err(|error| aws::problem("s3 ListMultipartUploads", &error))?;
            for multipart in page.uploads().iter().filter(|multipart| is_of_age(multipart.initiated(), now)) {
                if self.is_late() {
                    return Ok(());
                }
                let aborted = self.abort(bucket, multipart, are_uploads).await;
                self.count(aborted, |counts| &mut counts.multiparts_aborted);
            }
            if page.is_truncated != Some(true) || self.is_late() {
                return Ok(());
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }

    async fn abort(&self, bucket: &str, multipart: &MultipartUpload, is_upload: bool) -> Result<(), Problem> {
        let (key, id) = (multipart.key().unwrap_or_default(), multipart.upload_id().unwrap_or_default());
        if is_upload {
            // A lost answer may have begun it twice; then the record names the other one, which may have arrived.
            self.end_upload(key, |stage, named| *stage == Stage::Open && named == id).await?;
        }
        let call = self.platform.s3().abort_multipart_upload().bucket(bucket).key(key).upload_id(id);
        match call.send().await {
            Err(error) if !error.as_service_error().is_some_and(|fault| fault.is_no_such_upload()) => {
                Err(aws::problem("s3 AbortMultipartUpload", &error))
            }
            _ => Ok(()),
        }
    }
}
