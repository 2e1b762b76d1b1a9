//! One region of AWS inside this process: DynamoDB on SQLite, S3 on a folder, KMS and SQS in memory, all reached by the official SDK.
//!
//! It opens no socket; [`EmbeddedAws::s3_router`] is S3 to be put behind one, for browsers, and [`EmbeddedAws::json_router`] the other services,
//! for processes of their own. The SDK is given
//! [`EmbeddedAws::http_client`], which writes every call into a [`CallLog`], asks the [`FaultPlane`] what shall go wrong with it, and
//! hands it to the service that its host names. A host that is not one of this region's four services is refused, so nothing ever leaves
//! the machine and a wrong region shows.
//! What it lacks: IAM, throughput limits, index lag, KMS keys that sign with anything but ECDSA on P-256.

mod answer;
mod aside;
mod bridge;
mod calls;
mod dynamodb;
mod endings;
mod faults;
mod front;
mod kms;
mod marks;
mod needs;
mod s3;
mod service;
mod socket;
mod sqs;
mod table;
mod tampering;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use axum::Router;
use dynoxide::DynoxideError;
use serde_json::Value;
use shared::platform::clock::Clock;

pub use aside::{Lying, What};
pub use calls::{Call, CallLog, Mark};
pub use dynamodb::Lateness;
pub use endings::Ended;
pub use faults::{Fault, FaultPlane};
pub use needs::Need;
pub use s3::{BucketSpec, Cors, LifecycleRule};
pub use service::{REGION, Service};
pub(crate) use sqs::Message;
pub use sqs::{QueueFault, QueueSpec, Redrive};
pub use table::{IndexSpec, Key, KeyKind, Projection, TableSpec};
pub use tampering::{Asked, Tamper};

use front::{Backends, Front};
use kms::{Keys, Purpose};
use s3::Objects;
use sqs::Queues;

/// The only credentials S3 accepts; the other services do not look.
pub const ACCESS_KEY: &str = "embedded";
/// Goes with [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "embedded-secret";

/// Why the embedded AWS cannot start, or cannot be given a table, a bucket or a key.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The folder, or a file in it, cannot be made, read or written.
    #[error("cannot use {path}: {cause}", path = path.display())]
    FolderUnusable {
        /// What was to be used.
        path: PathBuf,
        /// What the file system said.
        #[source]
        cause: io::Error,
    },
    /// `DynamoDB` refused to open its file or to make a table.
    #[error("cannot prepare the tables: {0}")]
    TablesUnusable(#[from] DynoxideError),
    /// S3 would not accept this as a bucket's name.
    #[error("cannot create bucket {0}: the name breaks S3's rules")]
    BucketNameRefused(String),
    /// The file with the KMS keys is not one of ours.
    #[error("cannot read the keys in {path}: {cause}", path = path.display())]
    KeysUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// KMS refused to make a key or its alias, or to take back the stored ones.
    #[error("cannot prepare the keys: {0}")]
    KeysRefused(String),
    /// SQS refused to make a queue.
    #[error("cannot create queue {0}: the name breaks SQS's rules, or a queue of the other kind has it")]
    QueueRefused(String),
}

/// Why the embedded AWS cannot say what it holds.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// `DynamoDB` failed.
    #[error("cannot read or sweep the tables: {0}")]
    Tables(#[from] DynoxideError),
    /// The folder with the objects cannot be read.
    #[error("cannot read the objects: {0}")]
    Objects(#[from] io::Error),
    /// There is no such queue, or it takes no such message.
    #[error(transparent)]
    Queue(#[from] QueueFault),
}

/// The embedded AWS. Clones share everything; the last one to go takes an in-memory world with it.
#[derive(Clone, Debug)]
pub struct EmbeddedAws {
    front: Front,
}

impl EmbeddedAws {
    /// An empty world that is gone with its last handle. Its objects live in a temporary folder, all else in memory.
    ///
    /// # Errors
    /// [`StartFault`] if the temporary folder or the database cannot be made.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        let tables = dynamodb::Tables::in_memory(Arc::clone(&clock))?;
        let objects = Objects::in_temporary_folder(Arc::clone(&clock))?;
        Ok(Self::of(Backends { tables, objects, keys: Keys::in_memory(), queues: Queues::by(clock) }))
    }

    /// The world kept in `folder`, made if missing: `tables.sqlite`, `objects/` and `keys.json`. Queues are not kept.
    ///
    /// # Errors
    /// [`StartFault`] if the folder cannot be used or holds something else under these names.
    pub fn in_folder(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        let objects = Objects::in_folder(&folder.join("objects"), Arc::clone(&clock))?;
        let tables = dynamodb::Tables::in_file(&folder.join("tables.sqlite"), Arc::clone(&clock))?;
        Ok(Self::of(Backends { tables, objects, keys: Keys::in_file(folder.join("keys.json"))?, queues: Queues::by(clock) }))
    }

    fn of(backends: Backends) -> Self {
        Self {
            front: Front {
                backends: Arc::new(backends),
                calls: CallLog::default(),
                faults: FaultPlane::default(),
                tampering: tampering::Tampering::default(),
            },
        }
    }

    /// The one way in for every SDK client.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.front.clone())
    }

    /// All that an SDK client needs to talk to this world: the region, credentials and [`Self::http_client`]. Retries and timeouts
    /// are the SDK's own; a test that counts calls turns retries off.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "embedded AWS");
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.http_client());
        config.set_sleep_impl(default_async_sleep());
        config.build()
    }

    /// Every call the SDK has made.
    #[must_use]
    pub fn calls(&self) -> &CallLog {
        &self.front.calls
    }

    /// What shall go wrong.
    #[must_use]
    pub fn faults(&self) -> &FaultPlane {
        &self.front.faults
    }

    /// Makes a table with its indexes and its TTL attribute; one that is there already is left as it is. Neither logged nor faulted.
    ///
    /// # Errors
    /// [`StartFault::TablesUnusable`] if `DynamoDB` refuses the shape.
    pub fn create_table(&self, spec: &TableSpec) -> Result<(), StartFault> {
        Ok(self.front.backends.tables.create(spec)?)
    }

    /// Makes a bucket (a name alone is a plain one); one that is there already gets these settings and keeps what it holds. Neither
    /// logged nor faulted.
    ///
    /// # Errors
    /// [`StartFault::BucketNameRefused`], or [`StartFault::FolderUnusable`] if its folder cannot be made.
    pub fn create_bucket(&self, spec: impl Into<BucketSpec>) -> Result<(), StartFault> {
        self.front.backends.objects.create_bucket(&spec.into())
    }

    /// S3 as browsers reach it, to be served at `origin` (`http://host:port`): presigned requests, with what CORS asks before them. Its
    /// calls are logged and faulted like the SDK's. See [`Self::serve_s3_at`].
    pub fn s3_router(&self, origin: &str) -> Router {
        self.serve_s3_at(origin);
        s3::router(self.front.clone())
    }

    /// `DynamoDB`, KMS and SQS as a process of its own reaches them, to be served on loopback as `AWS_ENDPOINT_URL`. Its calls are logged and
    /// faulted like the SDK's in this process.
    pub fn json_router(&self) -> Router {
        socket::router(self.front.clone())
    }

    /// Makes `origin` (`http://host:port`) an address of S3, in place of any before: an SDK client that has it as its endpoint is answered
    /// in this process, and what it presigns is good for that host.
    pub fn serve_s3_at(&self, origin: &str) {
        self.front.backends.objects.serve_at(origin);
    }

    /// What S3 had to tell `EventBridge` since this was last asked, oldest first: one "Object Created" for each new object of a bucket that
    /// notifies. It is kept in memory; who takes it delivers it.
    #[must_use]
    pub fn take_notifications(&self) -> Vec<Value> {
        self.front.backends.objects.take_notifications()
    }

    /// Makes a symmetric key under `alias` (`alias/…`) and gives its ARN; under an alias that is taken, the key that is there.
    /// Neither logged nor faulted.
    ///
    /// # Errors
    /// [`StartFault::KeysRefused`] if KMS will not, if the alias is a signing key's, or if the file with the keys cannot be written.
    pub async fn create_wrapping_key(&self, alias: &str) -> Result<String, StartFault> {
        self.front.backends.keys.create(alias, Purpose::Encryption).await
    }

    /// The same for a key that signs: ECDSA on P-256 with SHA-256.
    ///
    /// # Errors
    /// As [`Self::create_wrapping_key`].
    pub async fn create_signing_key(&self, alias: &str) -> Result<String, StartFault> {
        self.front.backends.keys.create(alias, Purpose::Signing).await
    }

    /// Makes a queue (a name alone is one with AWS's defaults) and gives its address; one that is there already gets these settings and keeps
    /// what it holds. Neither logged nor faulted.
    ///
    /// # Errors
    /// [`StartFault::QueueRefused`] if the name breaks SQS's rules, or if a queue of the other kind, standard or FIFO, has it.
    pub fn create_queue(&self, spec: impl Into<QueueSpec>) -> Result<String, StartFault> {
        let spec = spec.into();
        let name = spec.name.clone();
        self.front.backends.queues.create(spec).ok_or(StartFault::QueueRefused(name))
    }

    /// The queues, as Lambda's pollers see them.
    pub(crate) fn queues(&self) -> &Queues {
        &self.front.backends.queues
    }

    /// Sends a message as AWS's own services do. Neither logged nor faulted.
    ///
    /// # Errors
    /// [`StoreFault::Queue`] if there is no such queue, or if it is a FIFO queue: its messages name a group.
    pub async fn send_to_queue(&self, name: &str, body: String) -> Result<(), StoreFault> {
        Ok(self.front.backends.queues.send(name, body)?)
    }

    /// The bodies of the messages of a queue, oldest first, those included that are hidden or held back. They stay there.
    ///
    /// # Errors
    /// [`StoreFault::Queue`] if there is no such queue.
    pub async fn messages(&self, queue: &str) -> Result<Vec<String>, StoreFault> {
        Ok(self.front.backends.queues.look(queue)?)
    }

    /// Every item of every table as it is stored: `{table: [item, …]}`, items in `DynamoDB`'s JSON, binary as base64.
    ///
    /// # Errors
    /// [`StoreFault::Tables`].
    pub fn dump(&self) -> Result<Value, StoreFault> {
        Ok(Value::Object(self.front.backends.tables.dump()?))
    }

    /// How long every object, version and part is, and its first `limit` bytes, by the names that [`Self::files`] gives them.
    ///
    /// # Errors
    /// [`StoreFault::Objects`].
    pub fn beginnings(&self, limit: u64) -> Result<BTreeMap<String, (u64, Vec<u8>)>, StoreFault> {
        Ok(self.front.backends.objects.beginnings(limit)?)
    }

    /// The bytes of every object under `bucket/key`, of its older versions under `bucket/key#version`, and of the parts of unfinished
    /// uploads under `bucket/key#upload#part`. All of it at once, in memory.
    ///
    /// # Errors
    /// [`StoreFault::Objects`].
    pub fn files(&self) -> Result<BTreeMap<String, Vec<u8>>, StoreFault> {
        Ok(self.front.backends.objects.files()?)
    }

    /// Where `mark` can be read in what is stored: item attributes (names too, binary decoded), object names, bytes and metadata.
    /// Sorted; an empty mark is nowhere. Queues are not searched.
    ///
    /// # Errors
    /// [`StoreFault`] if either store cannot be read.
    pub fn places_of(&self, mark: &[u8]) -> Result<Vec<String>, StoreFault> {
        let mut places = marks::in_tables(&self.front.backends.tables.dump()?, mark);
        places.extend(marks::in_files(&self.files()?, mark));
        places.extend(marks::in_files(&self.front.backends.objects.metadata()?, mark));
        places.sort();
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_s3::primitives::ByteStream;

    use super::testing::{self, DAY, text};
    use super::*;

    #[tokio::test]
    async fn a_folder_reopened_finds_its_items_and_opens_old_ciphertexts() {
        let folder = tempfile::tempdir().unwrap();
        let clock = testing::clock();
        let (arn, sealed) = {
            let aws = EmbeddedAws::in_folder(folder.path(), clock.clone()).unwrap();
            aws.create_table(&testing::pairs()).unwrap();
            aws.create_bucket("sealed").unwrap();
            testing::put(&aws, "a", "1").await.unwrap();
            let body = ByteStream::from_static(b"kept");
            testing::s3(&aws).put_object().bucket("sealed").key("k").body(body).send().await.unwrap();
            let arn = aws.create_wrapping_key("alias/wrapping").await.unwrap();
            let made = testing::kms(&aws).generate_data_key().key_id(&arn).number_of_bytes(64).send().await.unwrap();
            (arn, made.ciphertext_blob.unwrap())
        };
        let aws = EmbeddedAws::in_folder(folder.path(), clock).unwrap();
        aws.create_table(&testing::pairs()).unwrap();
        aws.create_bucket("sealed").unwrap();
        assert_eq!(aws.create_wrapping_key("alias/wrapping").await.unwrap(), arn);
        assert_eq!(testing::get(&aws, "a").await.unwrap()["value"], text("1"));
        assert_eq!(aws.files().unwrap()["sealed/k"], b"kept");
        let opened = testing::kms(&aws).decrypt().ciphertext_blob(sealed).send().await.unwrap();
        assert_eq!(opened.plaintext.unwrap().as_ref().len(), 64);
    }

    #[tokio::test]
    async fn the_sweep_deletes_what_expired_by_the_clock_given() {
        let folder = tempfile::tempdir().unwrap();
        let clock = testing::clock();
        let kept = EmbeddedAws::in_folder(folder.path(), clock.clone()).unwrap();
        for aws in [EmbeddedAws::in_memory(clock.clone()).unwrap(), kept] {
            aws.create_table(&testing::pairs()).unwrap();
            let due = clock.now().epoch_seconds() + 180 * i64::try_from(DAY.as_secs()).unwrap();
            let expires = AttributeValue::N(due.to_string());
            let request = testing::dynamodb(&aws).put_item().table_name("pairs").item("id", text("a")).item("expires_at", expires);
            request.send().await.unwrap();
            testing::put(&aws, "stays", "1").await.unwrap();
            assert_eq!(aws.expire().unwrap(), 0);
            clock.advance(DAY * 181);
            assert_eq!(aws.expire().unwrap(), 1);
            assert_eq!(testing::get(&aws, "a").await, None);
            assert!(testing::get(&aws, "stays").await.is_some());
        }
    }

    #[tokio::test]
    async fn a_dump_shows_every_item_as_dynamodb_json() {
        let (aws, _) = testing::world();
        let sealed = AttributeValue::B(Blob::new(b"mark"));
        let request = testing::dynamodb(&aws).put_item().table_name("pairs").item("id", text("a")).item("sealed", sealed);
        request.send().await.unwrap();
        let expected = serde_json::json!({"pairs": [{"id": {"S": "a"}, "sealed": {"B": "bWFyaw=="}}]});
        assert_eq!(aws.dump().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_planted_mark_is_found_wherever_it_is_stored() {
        let (aws, _) = testing::world();
        aws.create_bucket("bucket").unwrap();
        let nested = AttributeValue::L(vec![AttributeValue::B(Blob::new(b"..mark.."))]);
        let request = testing::dynamodb(&aws).put_item().table_name("pairs").item("id", text("the mark")).item("sealed", nested);
        request.send().await.unwrap();
        let body = ByteStream::from_static(b"a mark");
        let put = testing::s3(&aws).put_object().bucket("bucket").key("k").metadata("name", "mark").body(body);
        put.send().await.unwrap();
        let places = ["bucket/k", "bucket/k (metadata)", "pairs.id", "pairs.sealed"].map(String::from);
        assert_eq!(aws.places_of(b"mark").unwrap(), places);
        assert_eq!(aws.places_of(b"not there").unwrap(), Vec::<String>::new());
        testing::s3(&aws).delete_object().bucket("bucket").key("k").send().await.unwrap();
        assert_eq!(aws.places_of(b"mark").unwrap().len(), 2);
    }
}
