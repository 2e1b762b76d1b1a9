//! Reading a table whole, page by page: the one place that scans. What is restored is read by everybody or by nobody yet, and what must not be in
//! it has no key that anybody knows.

use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::Item;

/// What of the items is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// All of them.
    Whole,
    /// The keys of a service's records.
    RecordKeys,
}

/// A table on the way through it.
pub(super) struct Scan<'t> {
    table: &'t str,
    read: Read,
    /// Where to go on; none before the first page.
    from: Option<Item>,
    is_over: bool,
}

impl<'t> Scan<'t> {
    pub(super) const fn of(table: &'t str, read: Read) -> Self {
        Self { table, read, from: None, is_over: false }
    }

    /// The next page; none behind the last. Consistent: it holds whatever was written before.
    ///
    /// # Errors
    /// 503 if DynamoDB is away, or there is no such table.
    pub(super) async fn page(&mut self, platform: &Platform) -> Result<Option<Vec<Item>>, Problem> {
        if self.is_over {
            return Ok(None);
        }
        #[expect(clippy::disallowed_methods, reason = "whatever must not be in a restored table is found only by reading all of it")]
        let mut call = platform.dynamodb().scan().table_name(self.table).consistent_read(true);
        if self.read == Read::RecordKeys {
            // `partition` is one of DynamoDB's reserved words.
            call = call.projection_expression("#partition, id").expression_attribute_names("#partition", "partition");
        }
        let answer = call.set_exclusive_start_key(self.from.take()).send().await;
        let answer = answer.map_err(|error| aws::problem("dynamodb Scan", &error))?;
        self.from = answer.last_evaluated_key;
        self.is_over = self.from.is_none();
        Ok(Some(answer.items.unwrap_or_default()))
    }
}
