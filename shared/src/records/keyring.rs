//! One tenant's keys as its records use them, and the `tenant-keys` table that holds them wrapped.
//!
//! Sealing is done under the current version. A cell of an older version is opened by reading the key item and unwrapping that version once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use zeroize::Zeroizing;

use super::item::{self, Damaged, Item, b, n, s};
use crate::envelope::blob::{self, FrameSize, Seen};
use crate::envelope::{KeyFault, KeyItem, KeyMaterial, Looked, OpenFault, Place, TenantKeys, Usage, WrappedVersion};
use crate::platform::signal::Signal;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};

/// The keys of one tenant, with the way to its older ones.
#[derive(Clone)]
pub(crate) struct Keyring {
    platform: Platform,
    digest: String,
    keys: Arc<TenantKeys>,
}

impl Keyring {
    /// Keys that are in the cache, for the tenant with this digest.
    pub(crate) fn new(platform: &Platform, digest: &str, keys: Arc<TenantKeys>) -> Self {
        Self { platform: platform.clone(), digest: digest.to_owned(), keys }
    }

    /// The keys that `key_item` holds: from the cache while its wrapped bytes are unchanged, else by one call to KMS.
    pub(crate) async fn admit(platform: &Platform, digest: &str, key_item: &KeyItem) -> Result<Self, Problem> {
        let unwrap = async |version: u32, wrapped: &WrappedVersion| unwrap(platform, &key_item.tenant_id, version, wrapped).await;
        let keys = platform.key_cache().admit(digest, key_item, unwrap).await?;
        Ok(Self::new(platform, digest, keys))
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.platform
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn tenant_id(&self) -> &str {
        self.keys.tenant_id()
    }

    /// What stands for `text` in item keys of this tenant.
    pub(crate) fn digest_of(&self, kind: &str, text: &str) -> String {
        self.keys.index().digest(kind, text)
    }

    pub(crate) fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, Problem> {
        self.keys.seal(self.platform.random(), place, plaintext).map_err(|fault| Problem::new(Refusal::Internal, fault.to_string()))
    }

    /// What is in a cell of our own tables.
    pub(crate) async fn open(&self, place: &Place<'_>, cell: &[u8]) -> Result<Zeroizing<Vec<u8>>, Problem> {
        match self.open_brought(place, cell).await? {
            // The version may be in a backup still, so it is not for good.
            Err(fault @ OpenFault::KeyVersion(_)) => Err(Problem::unavailable(fault.to_string())),
            opened => opened.map_err(unopened),
        }
    }

    /// Begins to seal a blob; its header comes with it.
    pub(crate) fn blob_sealer(&self, place: &Place<'_>) -> Result<(blob::Sealer, [u8; blob::HEADER]), Problem> {
        let begun = self.keys.blob_sealer(self.platform.random(), place, FrameSize::DEFAULT);
        begun.map_err(|fault| Problem::new(Refusal::Internal, fault.to_string()))
    }

    /// Begins to open the blob that a record of ours tells of.
    pub(crate) async fn blob_opener(&self, place: &Place<'_>, header: &[u8; blob::HEADER], seen: &Seen) -> Result<blob::Opener, Problem> {
        let opened = match self.keys.blob_opener(place, header, seen) {
            Err(OpenFault::KeyVersion(version)) => match self.with_version(version).await? {
                Some(keys) => keys.blob_opener(place, header, seen),
                None => return Err(Problem::unavailable(OpenFault::KeyVersion(version).to_string())),
            },
            opened => opened,
        };
        opened.map_err(unopened)
    }

    /// As [`open`](Self::open), for bytes that a caller brought: if they do not open, it is the caller's fault and not ours.
    pub(crate) async fn open_brought(&self, place: &Place<'_>, cell: &[u8]) -> Result<Result<Zeroizing<Vec<u8>>, OpenFault>, Problem> {
        match self.keys.open(place, cell) {
            Err(OpenFault::KeyVersion(version)) => match self.with_version(version).await? {
                Some(keys) => Ok(keys.open(place, cell)),
                None => Ok(Err(OpenFault::KeyVersion(version))),
            },
            opened => Ok(opened),
        }
    }

    /// The same keys with an older version, if the key item holds it. A page of old records asks for the same one a hundred times: only the
    /// first time goes to DynamoDB and KMS.
    async fn with_version(&self, version: u32) -> Result<Option<Arc<TenantKeys>>, Problem> {
        if let Looked::Fresh(keys) = self.platform.key_cache().look(&self.digest)
            && keys.tenant_id() == self.tenant_id()
            && keys.holds(version)
        {
            return Ok(Some(keys));
        }
        let key_item = read(&self.platform, &self.digest).await?.ok_or_else(|| Problem::unavailable("the key item is gone"))?;
        key_item.readable(self.tenant_id(), self.platform.now()).map_err(|gone| Problem::unavailable(gone.to_string()))?;
        if !key_item.versions.contains_key(&version) {
            return Ok(None);
        }
        let unwrap = async |version: u32, wrapped: &WrappedVersion| unwrap(&self.platform, &key_item.tenant_id, version, wrapped).await;
        Ok(Some(self.platform.key_cache().admit_version(&self.digest, &key_item, version, unwrap).await?))
    }
}

async fn unwrap(platform: &Platform, tenant_id: &str, version: u32, wrapped: &WrappedVersion) -> Result<KeyMaterial, Problem> {
    let mut bytes = platform.wrapping_key().unwrap(&wrapped.key_arn, tenant_id, version, &wrapped.wrapped).await?;
    Ok(KeyMaterial::new(std::mem::take(&mut *bytes))?)
}

/// What lies in our own tables and buckets and does not open. Bytes that were sealed elsewhere cannot be told from bytes that were changed.
fn unopened(fault: OpenFault) -> Problem {
    let problem = Problem::new(Refusal::Internal, fault.to_string());
    if fault == OpenFault::Auth { problem.raising(Signal::CrossTenant) } else { problem }
}

/// Keys that are there and are none: an incident that a backup may mend, so nothing is made anew in their place.
impl From<KeyFault> for Problem {
    fn from(fault: KeyFault) -> Self {
        Self::unavailable(fault.to_string()).raising(Signal::KeysMissing)
    }
}

/// The key item of one digest, as it is this moment.
pub(crate) async fn read(platform: &Platform, digest: &str) -> Result<Option<KeyItem>, Problem> {
    let table = &platform.config().tables.tenant_keys;
    let call = platform.dynamodb().get_item().table_name(table).key("digest", s(digest)).consistent_read(true);
    let answer = call.send().await.map_err(|error| aws::problem("dynamodb GetItem tenant-keys", &error))?;
    Ok(answer.item.as_ref().map(from_item).transpose()?)
}

/// A key item as it lies in the table.
pub(crate) fn to_item(digest: &str, key_item: &KeyItem) -> Item {
    let versions = key_item.versions.iter().map(|(number, version)| (number.to_string(), version_to_item(version))).collect();
    let mut item = item::item([
        ("digest", s(digest)),
        ("tenant_id", s(&key_item.tenant_id)),
        ("rev", n(key_item.rev)),
        ("current", n(key_item.current)),
        ("versions", AttributeValue::M(versions)),
    ]);
    if let Some(expires_at) = key_item.expires_at {
        item.insert("expires_at".to_owned(), n(expires_at));
    }
    item
}

/// One wrapped version as it lies in the table.
pub(crate) fn version_to_item(version: &WrappedVersion) -> AttributeValue {
    AttributeValue::M(item::item([
        ("wrapped", b(version.wrapped.clone())),
        ("created_at", n(version.created_at)),
        ("arn", s(&version.key_arn)),
        ("use", s(usage_name(version.usage))),
    ]))
}

/// How a version's use is written in the table.
pub(crate) const fn usage_name(usage: Usage) -> &'static str {
    match usage {
        Usage::SealAndOpen => "seal-and-open",
        Usage::OpenOnly => "open-only",
    }
}

pub(crate) fn from_item(item: &Item) -> Result<KeyItem, Damaged> {
    let stored = item.get("versions").and_then(|value| value.as_m().ok()).ok_or(Damaged("versions"))?;
    Ok(KeyItem {
        tenant_id: item::text(item, "tenant_id")?,
        rev: item::number(item, "rev")?,
        current: item::number(item, "current")?,
        versions: stored.iter().map(version_from_item).collect::<Result<BTreeMap<_, _>, _>>()?,
        expires_at: item::number_if_any(item, "expires_at")?,
    })
}

fn version_from_item((number, version): (&String, &AttributeValue)) -> Result<(u32, WrappedVersion), Damaged> {
    let number = number.parse().map_err(|_| Damaged("versions"))?;
    let version: &HashMap<String, AttributeValue> = version.as_m().map_err(|_| Damaged("versions"))?;
    let usage = match item::text(version, "use")?.as_str() {
        "seal-and-open" => Usage::SealAndOpen,
        "open-only" => Usage::OpenOnly,
        _ => return Err(Damaged("use")),
    };
    let (wrapped, created_at) = (item::bytes(version, "wrapped")?.to_vec(), item::number(version, "created_at")?);
    Ok((number, WrappedVersion { wrapped, created_at, key_arn: item::text(version, "arn")?, usage }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_item_comes_back_from_the_table_as_it_went() {
        let version = |usage| WrappedVersion { wrapped: vec![1, 2], created_at: 5, key_arn: "arn:aws:kms:x".to_owned(), usage };
        let key_item = KeyItem {
            tenant_id: "t-1".to_owned(),
            rev: 3,
            current: 2,
            versions: BTreeMap::from([(1, version(Usage::OpenOnly)), (2, version(Usage::SealAndOpen))]),
            expires_at: Some(99),
        };
        assert_eq!(from_item(&to_item("d", &key_item)).unwrap(), key_item);
    }

    #[test]
    fn a_damaged_key_item_is_refused_by_attribute() {
        let mut item = item::item([("tenant_id", s("t")), ("rev", n(1)), ("current", n(1))]);
        assert_eq!(from_item(&item).unwrap_err().0, "versions");
        item.insert("versions".to_owned(), AttributeValue::M(item::item([("one", n(1))])));
        assert_eq!(from_item(&item).unwrap_err().0, "versions");
    }
}
