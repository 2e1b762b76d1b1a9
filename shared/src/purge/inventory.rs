//! What a purge will find of a tenant, counted and not opened, by the purge's own names and in its own order: for whoever asks before it starts.
//! The purge itself does not go by this; it looks again.

use std::time::Duration;

use aws_sdk_s3::primitives::DateTime;
use futures::future::try_join_all;

use crate::attachment::object;
use crate::platform::clock::Moment;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::purge::certificate::Method;
use crate::purge::worker::step::Step;
use crate::records::item::s;
use crate::records::register::KindRow;

/// So many pages are counted of any one thing, of up to 1 MB of records or 1,000 objects each.
const MOST_PAGES: usize = 50;

/// No page is asked for after so long, so that whoever waits is answered in time.
const LONGEST: Duration = Duration::from_secs(6);

/// How much there is of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// So many.
    pub count: u64,
    /// Whether there are more, that were not counted.
    pub and_more: bool,
    /// The bytes that they have, sealed, where they are objects that stay.
    pub bytes: Option<u64>,
}

/// One sort of thing that a purge deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in certificates.
    pub what: &'static str,
    /// How it will go.
    pub how: Method,
    /// How much of it there is. Expired records count as long as they lie there.
    pub counted: Counted,
}

/// A life of an installation.
#[derive(Clone, Copy, Debug)]
pub struct Lived<'a> {
    /// What its items are found under.
    pub digest: &'a str,
    /// Our own id of the tenant.
    pub tenant_id: &'a str,
    /// Where another life has begun since: only what arrived before this, in epoch seconds, is this one's.
    pub before: Option<i64>,
}

/// A count, which has an end.
pub struct Count<'p> {
    platform: &'p Platform,
    began: Moment,
}

impl<'p> Count<'p> {
    /// A count that begins now.
    #[must_use]
    pub fn begin(platform: &'p Platform) -> Self {
        Self { platform, began: platform.clock().now() }
    }

    /// What there is of a life, step by step as a purge would go.
    ///
    /// # Errors
    /// 503 if AWS is away.
    pub async fn of_life(&self, life: Lived<'_>) -> Result<Vec<Found>, Problem> {
        let steps =
            Step::all().map(async |step| Ok(Found { what: step.name(), how: step.method(), counted: self.step(life, step).await? }));
        try_join_all(steps).await
    }

    async fn step(&self, life: Lived<'_>, step: Step) -> Result<Counted, Problem> {
        let buckets = &self.platform.config().buckets;
        let (arriving, sealed) = (format!("{}/", life.digest), object::prefix(life.digest, life.tenant_id));
        match step {
            Step::IncomingUploads => self.multiparts(&buckets.incoming, &arriving, life.before).await,
            Step::IncomingObjects => self.arrived(&buckets.incoming, &arriving, life.before).await,
            Step::SealedUploads => self.multiparts(&buckets.sealed, &sealed, None).await,
            Step::SealedVersions => self.versions(&buckets.sealed, &sealed).await,
            Step::Records(row) => self.records(life.tenant_id, row).await,
        }
    }

    /// Whether another page may be asked for after so many.
    fn goes_on(&self, pages: usize) -> bool {
        pages < MOST_PAGES && self.platform.clock().now().since(self.began) < LONGEST
    }

    async fn records(&self, tenant_id: &str, row: &KindRow) -> Result<Counted, Problem> {
        let (mut count, mut from, mut pages) = (0, None, 0);
        loop {
            let call = self.platform.dynamodb().query().table_name(row.service.table(&self.platform.config().tables)).consistent_read(true);
            let call = call
                .select(aws_sdk_dynamodb::types::Select::Count)
                .key_condition_expression("#partition = :partition")
                .expression_attribute_names("#partition", "partition")
                .expression_attribute_values(":partition", s(format!("{tenant_id}#{}", row.name)));
            let answer = call.set_exclusive_start_key(from).send().await;
            let answer = answer.map_err(|error| aws::problem("dynamodb Query records", &error))?;
            (count, pages) = (count + u64::try_from(answer.count).unwrap_or(0), pages + 1);
            from = answer.last_evaluated_key;
            if from.is_none() || !self.goes_on(pages) {
                return Ok(Counted { count, and_more: from.is_some(), bytes: None });
            }
        }
    }

    /// How many versions and marks lie under a prefix, and how many bytes they have.
    async fn versions(&self, bucket: &str, prefix: &str) -> Result<Counted, Problem> {
        let (mut count, mut bytes, mut key_marker, mut id_marker, mut pages) = (0, 0_u64, None, None, 0);
        loop {
            let call = self.platform.s3().list_object_versions().bucket(bucket).prefix(prefix);
            let page = call.set_key_marker(key_marker).set_version_id_marker(id_marker).send().await;
            let page = page.map_err(|error| aws::problem("s3 ListObjectVersions", &error))?;
            (count, pages) = (count + (page.versions().len() + page.delete_markers().len()) as u64, pages + 1);
            let sizes = page.versions().iter().filter_map(|version| u64::try_from(version.size()?).ok());
            bytes = bytes.saturating_add(sizes.sum());
            let and_more = page.is_truncated == Some(true);
            if !and_more || !self.goes_on(pages) {
                return Ok(Counted { count, and_more, bytes: Some(bytes) });
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    async fn arrived(&self, bucket: &str, prefix: &str, before: Option<i64>) -> Result<Counted, Problem> {
        let (mut count, mut token, mut pages) = (0, None, 0);
        loop {
            let call = self.platform.s3().list_objects_v2().bucket(bucket).prefix(prefix).set_continuation_token(token);
            let page = call.send().await.map_err(|error| aws::problem("s3 ListObjectsV2", &error))?;
            let ours = page.contents().iter().filter(|object| is_before(object.last_modified(), before));
            (count, pages) = (count + ours.count() as u64, pages + 1);
            token = page.next_continuation_token;
            if token.is_none() || !self.goes_on(pages) {
                return Ok(Counted { count, and_more: token.is_some(), bytes: None });
            }
        }
    }

    async fn multiparts(&self, bucket: &str, prefix: &str, before: Option<i64>) -> Result<Counted, Problem> {
        let (mut count, mut key_marker, mut id_marker, mut pages) = (0, None, None, 0);
        loop {
            let call = self.platform.s3().list_multipart_uploads().bucket(bucket).prefix(prefix);
            let page = call.set_key_marker(key_marker).set_upload_id_marker(id_marker).send().await;
            let page = page.map_err(|error| aws::problem("s3 ListMultipartUploads", &error))?;
            let ours = page.uploads().iter().filter(|upload| is_before(upload.initiated(), before));
            (count, pages) = (count + ours.count() as u64, pages + 1);
            let and_more = page.is_truncated == Some(true);
            if !and_more || !self.goes_on(pages) {
                return Ok(Counted { count, and_more, bytes: None });
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }
}

fn is_before(moment: Option<&DateTime>, before: Option<i64>) -> bool {
    before.is_none_or(|before| moment.is_some_and(|moment| moment.secs() < before))
}
