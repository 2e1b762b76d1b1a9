//! All buckets, behind one lock, and what every operation needs of them: the time, fresh names, and a place for the bytes of a request.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::{S3Error, S3Result, s3_error};
use serde_json::Value;
use shared::platform::clock::Clock;
use shared::platform::random::{Random, SystemRandom};

use super::bucket::BucketSpec;
use super::checksum::hex;
use super::condition::Condition;
use super::notification;
use super::record::{Content, Version};
use super::shelf::{Shelf, entries};

/// All buckets.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    clock: Arc<dyn Clock>,
    shelves: Mutex<Shelves>,
}

/// What is behind the lock.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    pub(super) buckets: BTreeMap<String, Shelf>,
    /// The last one given.
    sequence: u64,
    /// What `EventBridge` is still to hear.
    pub(super) notifications: VecDeque<Value>,
}

impl Store {
    /// The buckets in this folder.
    pub(super) fn open(root: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut shelves = Shelves::default();
        for folder in entries(root)? {
            if let Some(shelf) = Shelf::open(&folder)? {
                shelves.sequence = shelves.sequence.max(shelf.last_sequence());
                shelves.buckets.insert(shelf.spec.name.clone(), shelf);
            }
        }
        let store = Self { root: root.to_owned(), clock, shelves: Mutex::new(shelves) };
        store.tell_again();
        Ok(store)
    }

    /// `EventBridge` and the queues behind it outlive a fault of whoever they tell; here they are in memory. So what lies in a bucket that tells
    /// is told once more after a start: at least once, as AWS promises.
    fn tell_again(&self) {
        let mut shelves = self.shelves();
        let mut told = Vec::new();
        for shelf in shelves.buckets.values().filter(|shelf| shelf.spec.notifies) {
            for version in shelf.objects.keys().filter_map(|key| shelf.current(key)) {
                let occasion = Occasion { fresh: format!("{:032x}", version.sequence), now: version.modified_millis, reason: "PutObject" };
                told.push(notification::object_created(&shelf.spec, version, &occasion));
            }
        }
        shelves.notifications.extend(told);
    }

    /// Makes a bucket; one that is there gets these settings and keeps its objects.
    pub(super) fn create_bucket(&self, spec: &BucketSpec) -> io::Result<()> {
        let folder = self.root.join(&spec.name);
        let mut shelves = self.shelves();
        Shelf::make(&folder, spec)?;
        if let Some(shelf) = shelves.buckets.get_mut(&spec.name) {
            shelf.spec = spec.clone();
        } else if let Some(shelf) = Shelf::open(&folder)? {
            shelves.buckets.insert(spec.name.clone(), shelf);
        }
        Ok(())
    }

    pub(super) fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().epoch_millis()
    }

    /// A name that nothing has yet: 32 hex digits.
    pub(super) fn fresh_name(&self) -> S3Result<String> {
        let mut bytes = [0; 16];
        SystemRandom.fill(&mut bytes).map_err(S3Error::internal_error)?;
        Ok(hex(&bytes))
    }

    /// Makes `content` the newest version of a key, if the condition holds at that very moment, and tells `EventBridge` why.
    pub(super) fn put(&self, bucket: &str, key: &str, content: Content, condition: &Condition, reason: &str) -> S3Result<Version> {
        let (fresh, now) = (self.fresh_name()?, self.now());
        self.shelves().put(bucket, key, content, condition, Occasion { fresh, now, reason })
    }
}

/// When and why a version is made, and what it may be called.
#[derive(Clone, Debug)]
pub(super) struct Occasion<'a> {
    pub(super) fresh: String,
    pub(super) now: i64,
    pub(super) reason: &'a str,
}

impl Shelves {
    /// # Errors
    /// `NoSuchBucket`.
    pub(super) fn bucket(&mut self, name: &str) -> S3Result<&mut Shelf> {
        self.buckets.get_mut(name).ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// A number that is greater than all before, and that grows with time, so that it does so over restarts.
    pub(super) fn next_sequence(&mut self, now: i64) -> u64 {
        let by_time = u64::try_from(now).unwrap_or(0).saturating_mul(1000);
        self.sequence = by_time.max(self.sequence + 1);
        self.sequence
    }

    pub(super) fn put(
        &mut self,
        bucket: &str,
        key: &str,
        content: Content,
        condition: &Condition,
        occasion: Occasion<'_>,
    ) -> S3Result<Version> {
        let sequence = self.next_sequence(occasion.now);
        let shelf = self.bucket(bucket)?;
        condition.check_write(shelf.current(key))?;
        let id = shelf.version_id(occasion.fresh.clone());
        let version = Version { key: key.to_owned(), id, sequence, modified_millis: occasion.now, content: Some(content) };
        shelf.put(version.clone()).map_err(S3Error::internal_error)?;
        if shelf.spec.notifies {
            let told = notification::object_created(&shelf.spec, &version, &occasion);
            self.notifications.push_back(told);
        }
        Ok(version)
    }
}
