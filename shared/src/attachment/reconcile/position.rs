//! Where a run that ran out of time stopped: one item beside the records, under a partition that no tenant can have. Two runs at once may write
//! it in any order: each has done what lies between where it began and what it writes, so the worst is that something is looked at twice.

use super::Run;
use crate::platform::aws;
use crate::problem::Problem;
use crate::records::item::{self, Item, n, s};

/// How long a position is good, in seconds: it holds a tenant's digest, and must not outlive a schedule that was switched off.
const LIFE: i64 = 7 * 24 * 60 * 60;

impl Run<'_> {
    /// Behind which digest to go on.
    pub(super) async fn position(&self) -> Result<Option<String>, Problem> {
        let call = self.platform.dynamodb().get_item().table_name(self.table()).set_key(Some(key())).consistent_read(true);
        let answer = call.send().await.map_err(|error| aws::problem("dynamodb GetItem", &error))?;
        Ok(answer.item.map(|found| item::text(&found, "after")).transpose()?)
    }

    /// The next run goes on behind `after`; from the beginning where there is none.
    pub(super) async fn keep_position(&self, after: Option<&str>) -> Result<(), Problem> {
        let Some(after) = after else {
            let call = self.platform.dynamodb().delete_item().table_name(self.table()).set_key(Some(key()));
            return call.send().await.map(drop).map_err(|error| aws::problem("dynamodb DeleteItem", &error));
        };
        let mut position = key();
        position.extend(item::item([("after", s(after)), ("expires_at", n(self.platform.now().saturating_add(LIFE)))]));
        let call = self.platform.dynamodb().put_item().table_name(self.table()).set_item(Some(position));
        call.send().await.map(drop).map_err(|error| aws::problem("dynamodb PutItem", &error))
    }

    fn table(&self) -> &str {
        &self.platform.config().tables.attachments
    }
}

fn key() -> Item {
    item::item([("partition", s("reconcile")), ("id", s("sealed"))])
}
