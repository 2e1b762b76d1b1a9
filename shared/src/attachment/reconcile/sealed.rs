//! Sealed objects against the records that tell of them, tenant by tenant: the names of both fit into memory, the limits of an app see to that.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::primitives::DateTime;

use super::{Run, is_of_age};
use crate::attachment::object::{self, Object};
use crate::attachment::record::Attachment;
use crate::attachment::shelf::Shelf;
use crate::platform::aws;
use crate::problem::Problem;
use crate::records::Records;
use crate::tenant::{Tenant, id, recall};

/// How many tenants are walked before the position is kept: what a run that is cut off does twice.
const TENANTS: i32 = 100;

/// How many records are read at once: as many as a page takes.
const RECORDS: i32 = 100;

/// What lies under one key.
#[derive(Default)]
struct Found {
    /// When its newest version was made; a version may be a mark that the object was deleted.
    newest: Option<DateTime>,
    /// Whether its newest version is an object.
    is_there: bool,
}

impl Run<'_> {
    /// Walks all tenants who have objects, beginning where the run before stopped.
    pub(super) async fn tenants(&mut self) -> Result<(), Problem> {
        let platform = self.platform;
        let mut after = self.position().await?;
        loop {
            // Versions, not objects: what was deleted by mistake still leads to its tenant.
            let call = platform.s3().list_object_versions().bucket(&platform.config().buckets.sealed).delimiter("/").max_keys(TENANTS);
            let page = call.set_key_marker(after.clone()).send().await;
            let page = page.map_err(|error| aws::problem("s3 ListObjectVersions", &error))?;
            self.counts.strangers += (page.versions().len() + page.delete_markers().len()) as u64;
            for prefix in page.common_prefixes().iter().filter_map(|common| common.prefix()) {
                match self.tenant(prefix.trim_end_matches('/')).await {
                    Ok(false) => return self.keep_position(after.as_deref()).await,
                    Ok(true) => {}
                    Err(problem) => self.count(Err(problem), |counts| &mut counts.faults),
                }
                after = Some(prefix.to_owned());
            }
            if page.is_truncated != Some(true) {
                self.counts.finished = true;
                return self.keep_position(None).await;
            }
            after = page.next_key_marker;
            self.keep_position(after.as_deref()).await?;
        }
    }

    /// Whether the time was enough for the tenant with this digest.
    async fn tenant(&mut self, digest: &str) -> Result<bool, Problem> {
        if self.is_late() {
            return Ok(false);
        }
        if !id::is_digest(digest) {
            self.counts.strangers += 1;
            return Ok(true);
        }
        let Some(tenant) = recall::active(self.platform, digest).await? else {
            self.counts.tenants_passed_over += 1;
            return Ok(true);
        };
        let shelf = Shelf::of(&tenant);
        let counted = shelf.usage().await?.files;
        let Some(told) = self.told(&tenant).await? else { return Ok(false) };
        if (told.len() as u64) < counted {
            // Records are lost, and what they told of must be there when they are brought back.
            self.counts.tenants_lacking_records += 1;
            return Ok(true);
        }
        let Some(found) = self.found(&object::prefix(digest, shelf.keyring().tenant_id())).await? else { return Ok(false) };
        let now = self.platform.now();
        for (key, _) in found.iter().filter(|(key, found)| !told.contains_key(*key) && is_of_age(found.newest.as_ref(), now)) {
            if self.is_late() {
                return Ok(false);
            }
            let removed = Object::delete(self.platform, key).await;
            self.count(removed, |counts| &mut counts.objects_removed);
        }
        let lacking = told.iter().filter(|(key, _)| !found.get(*key).is_some_and(|found| found.is_there));
        for (key, name) in lacking {
            // It may have been removed since it was read.
            let now = tenant.records::<Attachment>().get(name).await?;
            self.counts.records_without_object += u64::from(now.is_some_and(|record| record.value.object.key == *key));
        }
        self.counts.tenants_reconciled += 1;
        Ok(true)
    }

    /// The objects that a tenant's records tell of, each with its record's name; `None` if the time is over.
    async fn told(&self, tenant: &Tenant) -> Result<Option<HashMap<String, String>>, Problem> {
        let records: Records<Attachment> = tenant.records();
        let (mut told, mut cursor) = (HashMap::new(), None);
        loop {
            let page = records.list(cursor.as_deref(), RECORDS).await?;
            told.extend(page.records.into_iter().map(|record| (record.value.object.key, record.name)));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(Some(told));
            }
            if self.is_late() {
                return Ok(None);
            }
        }
    }

    /// What lies under this prefix; `None` if the time is over.
    async fn found(&self, prefix: &str) -> Result<Option<BTreeMap<String, Found>>, Problem> {
        let platform = self.platform;
        let mut all = BTreeMap::<String, Found>::new();
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let call = platform.s3().list_object_versions().bucket(&platform.config().buckets.sealed).prefix(prefix);
            let page = call.set_key_marker(key_marker).set_version_id_marker(id_marker).send().await;
            let page = page.map_err(|error| aws::problem("s3 ListObjectVersions", &error))?;
            let objects = page.versions().iter().map(|version| (version.key(), version.last_modified(), version.is_latest() == Some(true)));
            let marks = page.delete_markers().iter().map(|mark| (mark.key(), mark.last_modified(), false));
            for (key, made_at, is_there) in objects.chain(marks) {
                let found = all.entry(key.unwrap_or_default().to_owned()).or_default();
                found.newest = found.newest.max(made_at.copied());
                found.is_there |= is_there;
            }
            if page.is_truncated != Some(true) {
                return Ok(Some(all));
            }
            if self.is_late() {
                return Ok(None);
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
    }
}
