//! What a bucket is to be: the settings that `template.yaml` gives it, kept beside its objects.

use serde::{Deserialize, Serialize};

/// A bucket to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketSpec {
    /// Its name, by S3's rules.
    pub name: String,
    /// Whether what is overwritten or deleted stays as a noncurrent version.
    pub versioned: bool,
    /// What ends by itself, and when.
    pub lifecycle: Vec<LifecycleRule>,
    /// Whether `EventBridge` hears of new objects.
    pub notifies: bool,
    /// Which pages of other origins may use it; none may if this is not there.
    pub cors: Option<Cors>,
}

/// When what a prefix covers ends. AWS counts days from an object's creation to the next midnight in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRule {
    /// The beginning of the keys that it is about; `None`: all.
    pub prefix: Option<String>,
    /// After how many days an object expires: it is deleted, or covered by a delete marker if the bucket is versioned. A delete marker
    /// of that age under which nothing lies any more goes too.
    pub expire_after_days: Option<u32>,
    /// How many days after it was overwritten or deleted a noncurrent version goes.
    pub expire_noncurrent_after_days: Option<u32>,
    /// How many days after it was begun an unfinished upload is aborted.
    pub abort_uploads_after_days: Option<u32>,
}

/// Which pages of other origins may use a bucket, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// Origins; each may hold one `*`.
    pub allowed_origins: Vec<String>,
    /// Methods.
    pub allowed_methods: Vec<String>,
    /// Request headers; each may hold one `*`.
    pub allowed_headers: Vec<String>,
    /// Answer headers that a page may read.
    pub exposed_headers: Vec<String>,
}

impl BucketSpec {
    /// A bucket that keeps one version of each object, for ever, and tells nobody.
    #[must_use]
    pub fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), versioned: false, lifecycle: Vec::new(), notifies: false, cors: None }
    }
}

/// A name alone is a plain bucket.
impl From<&str> for BucketSpec {
    fn from(name: &str) -> Self {
        Self::plain(name)
    }
}

impl From<&Self> for BucketSpec {
    fn from(spec: &Self) -> Self {
        spec.clone()
    }
}
