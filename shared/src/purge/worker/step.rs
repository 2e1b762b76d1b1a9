//! What is deleted, in which order, and how far it is.

use serde::{Deserialize, Serialize};

use super::objects::Versions;
use super::records::Names;
use super::uploads::Multiparts;
use crate::platform::Platform;
use crate::problem::{Problem, Refusal};
use crate::purge::certificate::Method;
use crate::records::register::{EVER_SHIPPED, KindRow};

/// One sort of thing that a tenant may have left.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Uploads on their way into the incoming bucket.
    IncomingUploads,
    /// What arrived there and was not sealed.
    IncomingObjects,
    /// Objects on their way into the sealed bucket.
    SealedUploads,
    /// Every version of every sealed object.
    SealedVersions,
    /// The records of one kind, retired ones too.
    Records(&'static KindRow),
}

/// How far the deleting is.
#[derive(Clone, Debug)]
pub(super) enum Cursor {
    /// In this step, behind this name.
    At { step: Step, up_to: Option<String> },
    /// Through: what is left is to verify.
    Verify,
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.to_text().ok() == other.to_text().ok()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to: Option<String>,
}

const VERIFY: &str = "verify";

impl Step {
    /// All of them. Objects before records: records are what reconciling would miss them by.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let buckets = [Self::IncomingUploads, Self::IncomingObjects, Self::SealedUploads, Self::SealedVersions];
        buckets.into_iter().chain(EVER_SHIPPED.iter().copied().map(Self::Records))
    }

    /// Its name in cursors, counts and certificates: that of a kind, or of a sort of object.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::IncomingUploads => "incoming-uploads",
            Self::IncomingObjects => "incoming-objects",
            Self::SealedUploads => "sealed-uploads",
            Self::SealedVersions => "sealed-versions",
            Self::Records(row) => row.name,
        }
    }

    /// How what it finds is deleted, as certificates and dry runs say it.
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::IncomingUploads | Self::SealedUploads => Method::Aborted,
            Self::SealedVersions => Method::AllVersionsDeleted,
            Self::IncomingObjects | Self::Records(_) => Method::Deleted,
        }
    }

    pub(super) fn next(self) -> Option<Self> {
        Self::all().skip_while(|step| *step != self).nth(1)
    }
}

impl Cursor {
    /// From a departure; none is the beginning. A step that this version does not know was retired since: begin anew, which deletes nothing twice.
    pub(super) fn read(text: Option<&str>) -> Result<Self, Problem> {
        let beginning = || Step::all().next().map_or(Self::Verify, |step| Self::At { step, up_to: None });
        let Some(text) = text else { return Ok(beginning()) };
        let written: Written = serde_json::from_str(text).map_err(|_| Problem::new(Refusal::Internal, "a purge's cursor is damaged"))?;
        if written.step == VERIFY {
            return Ok(Self::Verify);
        }
        let step = Step::all().find(|step| step.name() == written.step);
        Ok(step.map_or_else(beginning, |step| Self::At { step, up_to: written.up_to }))
    }

    /// As it lies in the departure.
    pub(super) fn to_text(&self) -> Result<String, Problem> {
        let written = match self {
            Self::At { step, up_to } => Written { step: step.name().to_owned(), up_to: up_to.clone() },
            Self::Verify => Written { step: VERIFY.to_owned(), up_to: None },
        };
        serde_json::to_string(&written).map_err(|_| Problem::new(Refusal::Internal, "cannot write a cursor"))
    }
}

/// Some things of one step, in the order of their names, to be deleted together.
pub(super) enum Slice {
    /// Records.
    Records(Names),
    /// Objects, or versions of them.
    Versions(Versions),
    /// Unfinished uploads.
    Multiparts(Multiparts),
}

impl Slice {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Records(names) => names.names.len(),
            Self::Versions(versions) => versions.versions.len(),
            Self::Multiparts(multiparts) => multiparts.uploads.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name that it ends with.
    pub(super) fn last(&self) -> Option<&str> {
        match self {
            Self::Records(names) => names.names.last().map(String::as_str),
            Self::Versions(versions) => versions.versions.last().map(|(key, _)| key.as_str()),
            Self::Multiparts(multiparts) => multiparts.uploads.last().map(|(key, _)| key.as_str()),
        }
    }

    /// Only what is named so or earlier. Names are compared by their bytes, as DynamoDB and S3 order them.
    pub(super) fn up_to(mut self, last: &str) -> Self {
        match &mut self {
            Self::Records(names) => names.names.retain(|name| name.as_str() <= last),
            Self::Versions(versions) => versions.versions.retain(|(key, _)| key.as_str() <= last),
            Self::Multiparts(multiparts) => multiparts.uploads.retain(|(key, _)| key.as_str() <= last),
        }
        self
    }

    /// Deletes all of it; what is gone already is deleted.
    ///
    /// # Errors
    /// 503 if AWS is away; some of it may be gone.
    pub(super) async fn delete(self, platform: &Platform) -> Result<(), Problem> {
        match self {
            Self::Records(names) => names.delete(platform).await,
            Self::Versions(versions) => versions.delete(platform).await,
            Self::Multiparts(multiparts) => multiparts.abort(platform).await,
        }
    }
}

/// Leaves the things of the last key to the next slice, where a page may have cut them apart: a slice holds all that there is of a key.
pub(super) fn whole_keys<T>(mut page: Vec<(String, T)>, is_cut: bool) -> Vec<(String, T)> {
    let last = page.last().map(|(key, _)| key.clone()).unwrap_or_default();
    let begins = page.iter().position(|(key, _)| *key == last).unwrap_or_default();
    if is_cut && begins > 0 {
        page.truncate(begins);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_ever_shipped_is_a_step() {
        let names: Vec<_> = Step::all().map(Step::name).collect();
        assert!(EVER_SHIPPED.iter().all(|row| names.contains(&row.name)));
        let mut step = Step::all().next();
        let mut walked = Vec::new();
        while let Some(each) = step {
            walked.push(each.name());
            step = each.next();
        }
        assert_eq!(walked, names);
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let mut cursors = vec![Cursor::Verify];
        for step in Step::all() {
            cursors.extend([Cursor::At { step, up_to: None }, Cursor::At { step, up_to: Some("a \"b\"".to_owned()) }]);
        }
        for cursor in cursors {
            assert_eq!(Cursor::read(Some(&cursor.to_text().unwrap())).unwrap(), cursor);
        }
        assert!(Cursor::read(Some("{")).is_err());
    }

    #[test]
    fn a_key_is_not_cut_apart() {
        let page = |keys: &str| keys.chars().map(|key| (key.to_string(), ())).collect::<Vec<_>>();
        assert_eq!(whole_keys(page("aabbb"), true), page("aa"));
        assert_eq!(whole_keys(page("aabbb"), false), page("aabbb"));
        assert_eq!(whole_keys(page("aaa"), true), page("aaa"));
    }
}
