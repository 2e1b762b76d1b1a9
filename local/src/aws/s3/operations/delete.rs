//! `DeleteObject` and `DeleteObjects`. Deleting what is not there succeeds.

use s3s::dto::{DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error, ObjectIdentifier};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::Operations;
use crate::aws::s3::condition::Condition;
use crate::aws::s3::record::{NULL, Version};

/// How many objects one request may name.
const MOST: usize = 1000;

/// What a deletion did: the version that it was about, and whether that is a delete marker.
struct Deleted {
    id: Option<String>,
    marker: bool,
}

impl Operations {
    pub(super) async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let condition = Condition { if_match: input.if_match, ..Condition::default() };
        let deleted = self.delete(&input.bucket, &input.key, input.version_id.as_deref(), &condition)?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.id,
            ..DeleteObjectOutput::default()
        }))
    }

    pub(super) async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.is_empty() || delete.objects.len() > MOST {
            return Err(s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            ));
        }
        self.store.shelves().bucket(&bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for ObjectIdentifier { key, version_id, e_tag, .. } in delete.objects {
            let condition = Condition { if_match: e_tag.map(s3s::dto::ETagCondition::ETag), ..Condition::default() };
            match self.delete(&bucket, &key, version_id.as_deref(), &condition) {
                Ok(done) => deleted.push(DeletedObject {
                    delete_marker: done.marker.then_some(true),
                    delete_marker_version_id: done.id.filter(|_| done.marker),
                    key: Some(key),
                    version_id,
                }),
                Err(refused) => errors.push(Error {
                    code: Some(refused.code().as_str().to_owned()),
                    key: Some(key),
                    message: refused.message().map(str::to_owned),
                    version_id,
                }),
            }
        }
        let deleted = Some(deleted).filter(|_| delete.quiet != Some(true));
        Ok(S3Response::new(DeleteObjectsOutput { deleted, errors: Some(errors), ..DeleteObjectsOutput::default() }))
    }

    fn delete(&self, bucket: &str, key: &str, id: Option<&str>, condition: &Condition) -> S3Result<Deleted> {
        let (fresh, now) = (self.store.fresh_name()?, self.store.now());
        let mut shelves = self.store.shelves();
        let sequence = shelves.next_sequence(now);
        let shelf = shelves.bucket(bucket)?;
        condition.check_write(shelf.current(key))?;
        // A bucket whose versions were switched off keeps those that it has, and covers them.
        let has_versions = shelf.objects.get(key).is_some_and(|versions| versions.iter().any(|version| version.id != NULL));
        if id.is_none() && (shelf.spec.versioned || has_versions) {
            let marker = shelf.version_id(fresh);
            let version = Version { key: key.to_owned(), id: marker.clone(), sequence, modified_millis: now, content: None };
            shelf.put(version).map_err(S3Error::internal_error)?;
            return Ok(Deleted { id: Some(marker), marker: true });
        }
        let removed = shelf.remove(key, id.unwrap_or(NULL)).map_err(S3Error::internal_error)?;
        Ok(Deleted { id: id.map(str::to_owned), marker: removed.is_some_and(|version| version.is_marker()) })
    }
}
