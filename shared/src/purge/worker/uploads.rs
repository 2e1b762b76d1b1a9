//! One slice of unfinished uploads: nobody sees their parts, but they lie there.

use super::step::{Slice, whole_keys};
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::tenant::departure::Departure;

/// Some unfinished uploads of one bucket, by key and id.
pub(super) struct Multiparts {
    pub(super) uploads: Vec<(String, String)>,
    bucket: String,
}

/// The next uploads to the incoming bucket behind the key `after`; only those begun `before`, because
/// the others are another life's.
pub(super) async fn incoming(platform: &Platform, departure: &Departure, before: i64, after: Option<&str>) -> Result<Slice, Problem> {
    list(platform, &platform.config().buckets.incoming, &format!("{}/", departure.digest), before, after).await
}

/// The next uploads to the sealed bucket behind the key `after`.
pub(super) async fn sealed(platform: &Platform, departure: &Departure, after: Option<&str>) -> Result<Slice, Problem> {
    let prefix = format!("{}/{}/", departure.digest, departure.tenant_id);
    list(platform, &platform.config().buckets.sealed, &prefix, i64::MAX, after).await
}

async fn list(platform: &Platform, bucket: &str, prefix: &str, before: i64, after: Option<&str>) -> Result<Slice, Problem> {
    let mut after = after.map(ToOwned::to_owned);
    loop {
        let call = platform.s3().list_multipart_uploads().bucket(bucket).prefix(prefix).set_key_marker(after);
        let page = call.send().await.map_err(|error| aws::problem("s3 ListMultipartUploads", &error))?;
        let is_older = |begun: Option<i64>| begun.is_some_and(|begun| begun < before);
        let ours = page.uploads().iter().filter(|upload| is_older(upload.initiated().map(aws_sdk_s3::primitives::DateTime::secs)));
        let uploads: Vec<_> = ours.filter_map(|upload| Some((upload.key()?.to_owned(), upload.upload_id()?.to_owned()))).collect();
        let (is_cut, last) = (page.is_truncated == Some(true), page.uploads().last().and_then(|upload| upload.key()));
        if !uploads.is_empty() || !is_cut || last.is_none() {
            return Ok(Slice::Multiparts(Multiparts { uploads: whole_keys(uploads, is_cut), bucket: bucket.to_owned() }));
        }
        after = last.map(ToOwned::to_owned);
    }
}

impl Multiparts {
    pub(super) async fn abort(self, platform: &Platform) -> Result<(), Problem> {
        for (key, id) in &self.uploads {
            let call = platform.s3().abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(id);
            match call.send().await {
                Err(error) if !error.as_service_error().is_some_and(|fault| fault.is_no_such_upload()) => {
                    return Err(aws::problem("s3 AbortMultipartUpload", &error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
