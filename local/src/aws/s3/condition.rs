//! Conditions on the `ETag`: `If-Match` and `If-None-Match`, of reading and of writing.

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3Result, s3_error};

use super::record::{Content, Version, timestamp};

/// What a request demands of what is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) unmodified_since: Option<Timestamp>,
}

impl Condition {
    /// Of a request that writes a new object.
    pub(super) fn of_write(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Self> {
        // AWS knows no other value there.
        if if_none_match.as_ref().is_some_and(|condition| !condition.is_any()) {
            return Err(s3_error!(NotImplemented, "A header you provided implies functionality that is not implemented"));
        }
        Ok(Self { if_match, if_none_match, ..Self::default() })
    }

    /// # Errors
    /// `PreconditionFailed`, or `NoSuchKey` if an object is to match and there is none.
    pub(super) fn check_write(&self, current: Option<&Version>) -> S3Result<()> {
        let content = current.and_then(|version| version.content.as_ref());
        match (&self.if_match, content) {
            (Some(_), None) => return Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(wanted), Some(content)) if !matches(wanted, content) => return Err(failed()),
            _ => {}
        }
        if self.if_none_match.is_some() && content.is_some() {
            return Err(failed());
        }
        Ok(())
    }

    /// # Errors
    /// `PreconditionFailed`, or `NotModified` if the reader has it already. As RFC 9110 orders them: an `ETag` decides before a date.
    pub(super) fn check_read(&self, content: &Content, modified_millis: i64) -> S3Result<()> {
        // Headers know whole seconds only.
        let modified = timestamp(modified_millis.div_euclid(1000).saturating_mul(1000));
        match (&self.if_match, &self.unmodified_since) {
            (Some(wanted), _) if !matches(wanted, content) => return Err(failed()),
            (None, Some(since)) if modified > *since => return Err(failed()),
            _ => {}
        }
        match (&self.if_none_match, &self.modified_since) {
            (Some(unwanted), _) if matches(unwanted, content) => Err(not_modified()),
            (None, Some(since)) if modified <= *since => Err(not_modified()),
            _ => Ok(()),
        }
    }
}

fn matches(condition: &ETagCondition, content: &Content) -> bool {
    condition.is_any() || condition.as_etag().is_some_and(|etag| etag.value() == content.etag)
}

fn failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

fn not_modified() -> S3Error {
    s3_error!(NotModified, "Not Modified")
}
