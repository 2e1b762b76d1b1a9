//! The wire between the functions and AWS: it remembers which items and objects a call may have changed, so that only those are looked at again,
//! and lets a seeded defect tamper with what passes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use local::aws::{Asked, EmbeddedAws, Service, Tamper};
use serde_json::Value;

/// Where an item lies: its table and its key, as JSON text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub table: String,
    pub key: String,
}

impl Place {
    pub fn of(table: &str, key: &Value) -> Self {
        Self { table: table.to_owned(), key: key.to_string() }
    }
}

/// What may have changed since it was last asked.
#[derive(Debug, Default)]
pub struct Touched {
    pub items: BTreeSet<Place>,
    /// The digests under which objects may have.
    pub objects: BTreeSet<String>,
}

#[derive(Debug)]
pub struct Wire {
    /// By another door, so that looking is no call.
    aws: EmbeddedAws,
    touched: Mutex<Touched>,
    defect: Option<Arc<dyn Tamper>>,
}

impl Wire {
    /// Stands between the functions and this AWS from now on.
    pub fn between(aws: &EmbeddedAws, defect: Option<Arc<dyn Tamper>>) -> Arc<Self> {
        let wire = Arc::new(Self { aws: aws.aside(), touched: Mutex::default(), defect });
        aws.tamper(Some(Arc::<Self>::clone(&wire)));
        wire
    }

    pub fn aws(&self) -> &EmbeddedAws {
        &self.aws
    }

    pub fn take(&self) -> Touched {
        std::mem::take(&mut *self.touched())
    }

    pub fn touch_item(&self, place: Place) {
        self.touched().items.insert(place);
    }

    pub fn touch_objects(&self, digest: &str) {
        self.touched().objects.insert(digest.to_owned());
    }

    fn touched(&self) -> MutexGuard<'_, Touched> {
        self.touched.lock().unwrap()
    }

    fn note(&self, asked: &Asked) {
        match asked.service {
            Service::DynamoDb => {
                if !["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"].contains(&asked.operation.as_str()) {
                    return;
                }
                let body: Value = serde_json::from_str(&asked.body).unwrap();
                let places = written(&body).into_iter().map(|(table, named)| Place::of(table, &self.aws.key_of(table, named).unwrap()));
                self.touched().items.extend(places);
            }
            Service::S3 if !["GetObject", "HeadObject"].contains(&asked.operation.as_str()) && !asked.operation.starts_with("List") => {
                self.touched().objects.extend(digests(&asked.address).chain(digests(&asked.body)));
            }
            _ => {}
        }
    }
}

impl Tamper for Wire {
    fn instead(&self, asked: &Asked) -> Option<Vec<Asked>> {
        self.note(asked);
        self.defect.as_ref()?.instead(asked)
    }

    fn reads(&self, asked: &Asked) -> bool {
        self.defect.as_ref().is_some_and(|defect| defect.reads(asked))
    }

    fn answered(&self, asked: &Asked, body: &str) -> Option<String> {
        self.defect.as_ref()?.answered(asked, body)
    }
}

/// The tables that a request writes to, each with the item, or the key, that it names.
fn written(body: &Value) -> Vec<(&str, &Value)> {
    fn named(part: &Value) -> Option<(&str, &Value)> {
        Some((part.get("TableName")?.as_str()?, part.get("Item").or(part.get("Key"))?))
    }
    if let Some(parts) = body["TransactItems"].as_array() {
        return parts
            .iter()
            .filter_map(|part| part.as_object()?.iter().find(|(kind, _)| *kind != "ConditionCheck"))
            .filter_map(|(_, part)| named(part))
            .collect();
    }
    if let Some(tables) = body["RequestItems"].as_object() {
        return tables
            .iter()
            .flat_map(|(table, requests)| requests.as_array().into_iter().flatten().map(move |request| (table.as_str(), request)))
            .filter_map(|(table, request)| Some((table, request.pointer("/PutRequest/Item").or(request.pointer("/DeleteRequest/Key"))?)))
            .collect();
    }
    named(body).into_iter().collect()
}

/// The digests that begin the names of objects in a text: 64 hexadecimal digits before a slash.
fn digests(text: &str) -> impl Iterator<Item = String> + '_ {
    let ends = text.match_indices('/').map(|(at, _)| at).chain(text.match_indices("%2F").map(|(at, _)| at));
    let found = ends.filter_map(|end| text.get(end.checked_sub(64)?..end));
    found.filter(|found| found.bytes().all(|byte| byte.is_ascii_hexdigit())).map(ToOwned::to_owned)
}
