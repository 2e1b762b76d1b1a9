//! The restored sealed bucket: every version of what lies under the name of a tenant that stays, stays; everything else goes.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::Run;
use super::tenants::Kept;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};

/// One version of an object, or a mark that it was deleted.
struct Version {
    key: String,
    id: Option<String>,
}

impl Run<'_> {
    /// Goes over the bucket. Whether the next part may begin.
    pub(super) async fn objects(&mut self, kept: &Kept) -> Result<bool, Problem> {
        let Some(bucket) = self.restored.sealed.as_deref() else { return Ok(self.may_go_on()) };
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            if self.is_late() {
                return Ok(false);
            }
            let call = self.platform.s3().list_object_versions().bucket(bucket);
            let page = call.set_key_marker(key_marker).set_version_id_marker(id_marker).send().await;
            let page = page.map_err(|error| aws::problem("s3 ListObjectVersions", &error))?;
            let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
            let marks = page.delete_markers().iter().map(|mark| (mark.key(), mark.version_id()));
            let stray = versions.chain(marks).filter_map(|(key, id)| {
                let stays = owner(key?).is_some_and(|(digest, id)| kept.get(id).is_some_and(|tenant| tenant.digest == digest));
                (!stays).then(|| Version { key: key.unwrap_or_default().to_owned(), id: id.map(ToOwned::to_owned) })
            });
            let stray: Vec<Version> = stray.collect();
            // A page is no more than one request may delete.
            if !stray.is_empty() {
                self.remove_versions(bucket, &stray).await;
            }
            if page.is_truncated != Some(true) {
                return Ok(self.may_go_on());
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    async fn remove_versions(&mut self, bucket: &str, stray: &[Version]) {
        let unsafe_before = self.counts.found_unsafe;
        if self.only_checks() {
            self.counts.found_unsafe = unsafe_before.saturating_add(stray.len() as u64);
            return;
        }
        let deleted = delete(self.platform, bucket, stray).await;
        if self.is_done(deleted) {
            self.counts.objects_deleted += stray.len() as u64;
            self.counts.gone.extend(stray.iter().filter_map(|version| owner(&version.key).map(|(_, tenant_id)| tenant_id.to_owned())));
        }
    }
}

/// Whose an object is: `digest / tenant id / attachment / random`.
fn owner(key: &str) -> Option<(&str, &str)> {
    let (digest, rest) = key.split_once('/')?;
    rest.split_once('/').map(|(tenant_id, _)| (digest, tenant_id))
}

async fn delete(platform: &Platform, bucket: &str, versions: &[Version]) -> Result<(), Problem> {
    let name = |version: &Version| ObjectIdentifier::builder().key(&version.key).set_version_id(version.id.clone()).build();
    let unnameable = |_| Problem::new(Refusal::Internal, "cannot name objects");
    let objects = versions.iter().map(name).collect::<Result<Vec<_>, _>>().map_err(unnameable)?;
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(unnameable)?;
    let answer = platform.s3().delete_objects().bucket(bucket).delete(delete).send().await;
    let answer = answer.map_err(|error| aws::problem("s3 DeleteObjects", &error))?;
    if answer.errors().is_empty() { Ok(()) } else { Err(Problem::unavailable("s3 DeleteObjects: some are left")) }
}
