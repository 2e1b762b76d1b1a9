//! The restored records of all services, of whatever kind: those of a tenant that stays, stay. What a table holds beside records, such as where
//! the reconciler stopped, belongs to no tenant and goes with the rest: it told of the table as it was.

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};

use super::Run;
use super::scan::{Read, Scan};
use super::tenants::Kept;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::item::{self, Item};
use crate::records::transaction;

/// How many items one request may delete.
const AT_ONCE: usize = 25;

impl Run<'_> {
    /// Goes over the tables of the services. Whether the next part may begin.
    pub(super) async fn records(&mut self, kept: &Kept) -> Result<bool, Problem> {
        let restored = self.restored;
        for (_, table) in &restored.records {
            let mut scan = Scan::of(table, Read::RecordKeys);
            while let Some(page) = scan.page(self.platform).await? {
                let mut stray = Vec::new();
                for key in page {
                    if !owner(&item::text(&key, "partition")?).is_some_and(|tenant_id| kept.contains_key(tenant_id)) {
                        stray.push(key);
                    }
                }
                for keys in stray.chunks(AT_ONCE) {
                    if self.is_late() {
                        return Ok(false);
                    }
                    self.remove(table, keys).await;
                }
                if self.is_late() {
                    return Ok(false);
                }
            }
        }
        Ok(self.may_go_on())
    }

    async fn remove(&mut self, table: &str, keys: &[Item]) {
        let unsafe_before = self.counts.found_unsafe;
        if self.only_checks() {
            self.counts.found_unsafe = unsafe_before.saturating_add(keys.len() as u64);
            return;
        }
        let deleted = delete(self.platform, table, keys).await;
        if self.is_done(deleted) {
            self.counts.records_deleted += keys.len() as u64;
            let partitions = keys.iter().filter_map(|key| item::text(key, "partition").ok());
            self.counts.gone.extend(partitions.filter_map(|partition| owner(&partition).map(ToOwned::to_owned)));
        }
    }
}

/// Whose records lie in a partition: `tenant id # kind`.
fn owner(partition: &str) -> Option<&str> {
    partition.split_once('#').map(|(tenant_id, _)| tenant_id)
}

/// Deletes all of them; those that DynamoDB leaves are asked for again.
async fn delete(platform: &Platform, table: &str, keys: &[Item]) -> Result<(), Problem> {
    let request = |key: &Item| {
        let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
        delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
    };
    let requests = keys.iter().map(request).collect::<Result<Vec<_>, _>>();
    let mut left = requests.map_err(|_| Problem::new(Refusal::Internal, "cannot name records"))?;
    for attempt in 0..transaction::ATTEMPTS {
        let call = platform.dynamodb().batch_write_item().request_items(table, left);
        let answer = call.send().await.map_err(|error| aws::problem("dynamodb BatchWriteItem", &error))?;
        left = answer.unprocessed_items.and_then(|mut unprocessed| unprocessed.remove(table)).unwrap_or_default();
        if left.is_empty() {
            return Ok(());
        }
        transaction::pause(platform, attempt).await;
    }
    Err(Problem::unavailable("dynamodb BatchWriteItem: some are left"))
}
