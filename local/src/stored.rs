//! What lies in AWS, item by item as it is stored, and of each whether anybody could still read what is sealed in it.
//!
//! Nothing is opened here, and nothing is guessed: a value is sealed if it begins as the envelope's format does, and it can be read as long
//! as a key item of its tenant lies in the table of keys. An item whose date has come but that still lies there counts as lying there.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use shared::platform::clock::rfc3339;
use shared::records::retention;

use crate::aws::{EmbeddedAws, StoreFault};
use crate::template::{Template, TemplateFault};

/// The table of the tenants' keys, by its logical name.
const KEYS: &str = "TenantKeysTable";

/// How the envelope's format begins: format and suite (shared/src/envelope/header.rs).
const SEALED: [u8; 2] = [0xE1, 0x01];

/// How many bytes of a sealed value are shown.
const SHOWN: usize = 24;

/// How many characters of a text are shown: of a certificate the beginning will do.
const LONGEST_TEXT: usize = 160;

/// Where customers' files lie that are not sealed yet.
const INCOMING: &str = "incoming-bucket";

/// Why it cannot be said what is stored.
#[derive(Debug, thiserror::Error)]
pub enum ViewFault {
    /// A store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The template is not readable.
    #[error(transparent)]
    Template(#[from] TemplateFault),
}

/// Whether what is sealed in an item can still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Readable {
    /// It is a tenant's key item itself.
    Keys,
    /// Its tenant's keys are there.
    Yes,
    /// Something is sealed in it, and the keys are gone.
    Never,
    /// Nothing is sealed in it.
    Open,
    /// A customer's file that is not sealed yet.
    Unsealed,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Its name; members of a map are named with dots.
    pub name: String,
    /// Its value as people read it: sealed bytes by their length and beginning.
    pub shown: String,
    /// Whether it is sealed.
    pub sealed: bool,
}

/// One item, or one object of a bucket.
#[derive(Clone, Debug, Serialize)]
pub struct Lying {
    /// Its key, attribute by attribute; of an object its name.
    pub key: Vec<Attribute>,
    /// Everything else in it.
    pub attributes: Vec<Attribute>,
    /// The digest of the tenant that it belongs to, if anything still says so.
    pub digest: Option<String>,
    /// Whether what is sealed in it can still be read.
    pub readable: Readable,
}

/// A table, or all buckets together.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// What lies there.
    pub items: Vec<Lying>,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Stored {
    /// Table by table, then the objects.
    pub places: Vec<Place>,
}

/// What is there of one tenant, in all its lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remains {
    /// Whether a key item lies there.
    pub has_keys: bool,
    /// When that key item expires, if it does.
    pub keys_expire_at: Option<String>,
    /// How many items hold something sealed that can be read.
    pub readable: usize,
    /// How many hold something sealed that nobody can read any more.
    pub unreadable: usize,
    /// How many records there are besides the tenant's own items.
    pub records: usize,
}

impl Stored {
    /// What lies there now.
    ///
    /// # Errors
    /// [`ViewFault`].
    pub fn now(aws: &EmbeddedAws) -> Result<Self, ViewFault> {
        let dump = aws.dump()?;
        let items = |table: &str| dump.get(table).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |item: &Value, name: &str| item.pointer(&format!("/{name}/S")).and_then(Value::as_str).map(ToOwned::to_owned);
        let tables = Template::deployed()?.tables()?;
        let mut owners = BTreeMap::new();
        for item in tables.iter().flat_map(|table| items(&table.name)) {
            owners.extend(text(item, "tenant_id").zip(text(item, "digest")));
        }
        let with_keys: BTreeSet<String> = items(KEYS).iter().filter_map(|item| text(item, "tenant_id")).collect();
        let mut places = Vec::new();
        for table in tables {
            let keys: Vec<&str> =
                [Some(&table.partition_key), table.sort_key.as_ref()].into_iter().flatten().map(|key| key.name.as_str()).collect();
            let lying = |item: &Value| {
                let tenant = text(item, "tenant_id").or_else(|| text(item, "partition").and_then(|partition| owner_in(&partition)));
                let (key, attributes) = attributes_of(item).into_iter().partition(|one: &Attribute| keys.contains(&one.name.as_str()));
                Lying::of(key, attributes, tenant.as_deref(), &owners, &with_keys, table.name == KEYS)
            };
            places.push(Place { items: items(&table.name).iter().map(lying).collect(), name: table.name.clone() });
        }
        let digests: BTreeSet<&String> = owners.values().collect();
        let objects = aws.beginnings(SHOWN as u64 + 1)?.into_iter().map(|(name, (length, beginning))| {
            let segment = |found: &dyn Fn(&str) -> bool| name.split(['/', '#']).find(|segment| found(segment)).map(ToOwned::to_owned);
            let tenant = segment(&|segment| owners.contains_key(segment));
            let digest = segment(&|segment| digests.contains(&segment.to_owned()));
            let arrives = name.starts_with(&format!("{INCOMING}/"));
            let key = vec![Attribute { name: "object".to_owned(), shown: name, sealed: false }];
            let bytes = vec![bytes_of("bytes".to_owned(), length, &beginning)];
            let lying = Lying::of(key, bytes, tenant.as_deref(), &owners, &with_keys, false);
            Lying { digest, readable: if arrives { Readable::Unsealed } else { lying.readable }, ..lying }
        });
        places.push(Place { name: "Objects".to_owned(), items: objects.collect() });
        Ok(Self { places })
    }

    /// What is there of the tenant with this digest.
    #[must_use]
    pub fn of(&self, digest: &str) -> Remains {
        let mut remains = Remains { has_keys: false, keys_expire_at: None, readable: 0, unreadable: 0, records: 0 };
        for item in self.places.iter().flat_map(|place| &place.items) {
            if item.digest.as_deref() != Some(digest) {
                continue;
            }
            let own = item.key.iter().any(|key| key.name == "digest");
            remains.records += usize::from(!own && item.readable == Readable::Yes);
            match item.readable {
                Readable::Keys => {
                    remains.has_keys = true;
                    remains.keys_expire_at = item.attributes.iter().find(|one| one.name == "expires_at").map(|one| one.shown.clone());
                }
                Readable::Yes | Readable::Unsealed => remains.readable += 1,
                Readable::Never => remains.unreadable += 1,
                Readable::Open => {}
            }
        }
        remains
    }
}

impl Remains {
    /// Whether who has left finds everything on coming back at `now`, in epoch seconds: keys are dated a margin later than that ends.
    #[must_use]
    pub fn may_return(&self, now: i64) -> bool {
        let margin = i64::try_from(retention::TTL_MARGIN.as_secs()).unwrap_or(i64::MAX);
        self.keys_expire_at.as_ref().is_some_and(|date| *date > rfc3339(now.saturating_add(margin)))
    }
}

impl Lying {
    fn of(
        key: Vec<Attribute>,
        attributes: Vec<Attribute>,
        tenant: Option<&str>,
        owners: &BTreeMap<String, String>,
        with_keys: &BTreeSet<String>,
        is_keys: bool,
    ) -> Self {
        let has_keys = tenant.is_some_and(|tenant| with_keys.contains(tenant));
        let readable = match (is_keys, attributes.iter().any(|one| one.sealed), has_keys) {
            (true, ..) => Readable::Keys,
            (_, false, _) => Readable::Open,
            (_, true, true) => Readable::Yes,
            (_, true, false) => Readable::Never,
        };
        Self { key, attributes, digest: tenant.and_then(|tenant| owners.get(tenant)).cloned(), readable }
    }
}

/// The tenant in a partition key: what stands before the kind.
fn owner_in(partition: &str) -> Option<String> {
    partition.split_once('#').map(|(tenant, _)| tenant.to_owned())
}

fn attributes_of(item: &Value) -> Vec<Attribute> {
    let mut all = Vec::new();
    for (name, value) in item.as_object().into_iter().flatten() {
        collect(name.clone(), value, &mut all);
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn collect(name: String, value: &Value, all: &mut Vec<Attribute>) {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else { return };
    let text = value.as_str().unwrap_or_default();
    match kind.as_str() {
        "M" => {
            for (member, value) in value.as_object().into_iter().flatten() {
                collect(format!("{name}.{member}"), value, all);
            }
        }
        "L" => {
            for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                collect(format!("{name}.{index}"), value, all);
            }
        }
        "B" => {
            let bytes = STANDARD.decode(text).unwrap_or_default();
            all.push(bytes_of(name, bytes.len() as u64, &bytes));
        }
        "N" if is_date(&name) => {
            let shown = text.parse().map_or_else(|_| text.to_owned(), rfc3339);
            all.push(Attribute { name, shown, sealed: false });
        }
        "S" | "N" => all.push(Attribute { name, shown: shortened(text), sealed: false }),
        _ => all.push(Attribute { name, shown: value.to_string(), sealed: false }),
    }
}

/// A text by its beginning, if it is a document and not a name.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    }
}

/// Numbers are seconds since 1970 where their name says so.
fn is_date(name: &str) -> bool {
    ["_at", "_after", "_until", "_iat"].iter().any(|ending| name.ends_with(ending))
}

/// Bytes by their length and beginning, of which a little more than is shown is enough.
fn bytes_of(name: String, length: u64, bytes: &[u8]) -> Attribute {
    let sealed = bytes.starts_with(&SEALED);
    let what = if sealed { "sealed, " } else { "" };
    let beginning: String = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    Attribute { name, shown: format!("{what}{length} bytes: {beginning}{more}"), sealed }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sealed_value_is_shown_by_its_length_and_beginning_alone() {
        let sealed = [&SEALED[..], &[7; 310]].concat();
        let shown = attributes_of(&json!({"cell": {"B": STANDARD.encode(sealed)}}));
        assert_eq!(shown[0].shown, format!("sealed, 312 bytes: e101{}…", "07".repeat(22)));
        assert!(shown[0].sealed);
    }

    #[test]
    fn a_long_text_is_shown_by_its_beginning() {
        let shown = attributes_of(&json!({"certificate": {"S": "é".repeat(200)}, "name": {"S": "é".repeat(LONGEST_TEXT)}}));
        assert_eq!(shown[0].shown, format!("{}… (400 bytes)", "é".repeat(LONGEST_TEXT)));
        assert_eq!(shown[1].shown, "é".repeat(LONGEST_TEXT));
    }

    #[test]
    fn who_has_left_may_return_until_a_day_before_the_keys_expire() {
        let dated = |expires_at| Remains { keys_expire_at: expires_at, has_keys: true, readable: 1, unreadable: 0, records: 0 };
        let left = dated(Some(rfc3339(200_000)));
        assert!(left.may_return(113_599) && !left.may_return(113_600));
        assert!(!dated(None).may_return(0));
    }

    #[test]
    fn times_are_dates_and_members_of_maps_are_named() {
        let item =
            json!({"left_at": {"N": "0"}, "rev": {"N": "3"}, "versions": {"M": {"1": {"M": {"wrapped": {"B": STANDARD.encode([1, 2])}}}}}});
        let shown: Vec<(String, String)> = attributes_of(&item).into_iter().map(|one| (one.name, one.shown)).collect();
        let expected = [("left_at", "1970-01-01T00:00:00Z"), ("rev", "3"), ("versions.1.wrapped", "2 bytes: 0102")];
        assert_eq!(shown, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
