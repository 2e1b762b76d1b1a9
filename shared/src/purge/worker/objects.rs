//! One slice of objects: every version of the sealed ones, marks of deletion included, and whatever arrived and was never sealed.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::step::{Slice, whole_keys};
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::tenant::departure::Departure;

/// Some versions of objects of one bucket, by key; without a version's id where the bucket keeps none.
pub(super) struct Versions {
    pub(super) versions: Vec<(String, Option<String>)>,
    bucket: String,
}

/// The next versions in the sealed bucket behind the key `after`.
pub(super) async fn sealed(platform: &Platform, departure: &Departure, after: Option<&str>) -> Result<Slice, Problem> {
    let bucket = &platform.config().buckets.sealed;
    let prefix = format!("{}/{}/", departure.digest, departure.tenant_id);
    let call = platform.s3().list_object_versions().bucket(bucket).prefix(prefix).set_key_marker(after.map(ToOwned::to_owned));
    let page = call.send().await.map_err(|error| aws::problem("s3 ListObjectVersions", &error))?;
    let name = |key: Option<&str>, id: Option<&str>| Some((key?.to_owned(), id.map(ToOwned::to_owned)));
    let versions = page.versions().iter().filter_map(|version| name(version.key(), version.version_id()));
    let marks = page.delete_markers().iter().filter_map(|mark| name(mark.key(), mark.version_id()));
    let mut versions: Vec<_> = versions.chain(marks).collect();
    versions.sort();
    let versions = whole_keys(versions, page.is_truncated == Some(true));
    Ok(Slice::Versions(Versions { versions, bucket: bucket.clone() }))
}

/// The next objects in the incoming bucket behind the key `after`. They lie under the digest alone, so those
/// that came `before` are taken, and those of another life are left.
pub(super) async fn incoming(platform: &Platform, departure: &Departure, before: i64, after: Option<&str>) -> Result<Slice, Problem> {
    let bucket = &platform.config().buckets.incoming;
    let mut after = after.map(ToOwned::to_owned);
    loop {
        let call = platform.s3().list_objects_v2().bucket(bucket).prefix(format!("{}/", departure.digest)).set_start_after(after);
        let page = call.send().await.map_err(|error| aws::problem("s3 ListObjectsV2", &error))?;
        let is_older = |modified: Option<i64>| modified.is_some_and(|modified| modified < before);
        let ours = page.contents().iter().filter(|object| is_older(object.last_modified().map(aws_sdk_s3::primitives::DateTime::secs)));
        let versions: Vec<_> = ours.filter_map(|object| Some((object.key()?.to_owned(), None))).collect();
        let last = page.contents().last().and_then(|object| object.key()).map(ToOwned::to_owned);
        if !versions.is_empty() || page.is_truncated != Some(true) || last.is_none() {
            return Ok(Slice::Versions(Versions { versions, bucket: bucket.clone() }));
        }
        after = last;
    }
}

impl Versions {
    pub(super) async fn delete(self, platform: &Platform) -> Result<(), Problem> {
        // A DeleteObjects takes as many as a page has.
        for versions in self.versions.chunks(1_000) {
            let named = versions.iter().map(|(key, id)| ObjectIdentifier::builder().key(key).set_version_id(id.clone()).build());
            let objects = named.collect::<Result<Vec<_>, _>>().map_err(|_| Problem::new(Refusal::Internal, "cannot name an object"))?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
            let delete = delete.map_err(|_| Problem::new(Refusal::Internal, "cannot name objects"))?;
            let call = platform.s3().delete_objects().bucket(&self.bucket).delete(delete);
            let answer = call.send().await.map_err(|error| aws::problem("s3 DeleteObjects", &error))?;
            if !answer.errors().is_empty() {
                return Err(Problem::unavailable("s3 DeleteObjects: some are left"));
            }
        }
        Ok(())
    }
}
