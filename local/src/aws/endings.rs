//! What AWS ends by itself, and when it will: items by TTL, objects by the rules of their buckets, all by the clock given.

use super::dynamodb::Lateness;
use super::{EmbeddedAws, StoreFault};

/// How much was ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Items, by TTL.
    pub items: usize,
    /// Versions and uploads, by lifecycle rules.
    pub objects: usize,
}

impl EmbeddedAws {
    /// From now on, [`Self::sweep`] is as late as this; [`Lateness::Spread`] unless somebody says so.
    pub fn be_late(&self, lateness: Lateness) {
        self.front.backends.tables.be_late(lateness);
    }

    /// Does what TTL, as late as it is, and the buckets' lifecycle rules have done by now.
    ///
    /// # Errors
    /// [`StoreFault`] if either store cannot be read or written.
    pub fn sweep(&self) -> Result<Ended, StoreFault> {
        let tables = &self.front.backends.tables;
        Ok(Ended { items: tables.sweep(tables.lateness())?, objects: self.front.backends.objects.expire()? })
    }

    /// The same, but with a TTL that is never late; says how many items, versions and uploads that ended. Each one costs a write of its own,
    /// so it is not for a tight loop.
    ///
    /// # Errors
    /// [`StoreFault`] if either store cannot be read or written.
    pub fn expire(&self) -> Result<usize, StoreFault> {
        Ok(self.front.backends.tables.sweep(Lateness::OnTime)? + self.front.backends.objects.expire()?)
    }

    /// When [`Self::sweep`] will next find something, as things stand, in milliseconds since 1970. It reads every item that has a date.
    ///
    /// # Errors
    /// [`StoreFault`] if the tables cannot be read.
    pub fn next_end(&self) -> Result<Option<i64>, StoreFault> {
        let tables = &self.front.backends.tables;
        let item = tables.next_sweep(tables.lateness())?.map(|second| second.saturating_mul(1000));
        Ok(item.into_iter().chain(self.front.backends.objects.next_end()).min())
    }

    /// When TTL may delete the first item of a table, in epoch seconds; `None` if it has none with a date. Neither logged nor faulted.
    ///
    /// # Errors
    /// [`StoreFault`] if the table cannot be read.
    pub fn next_date(&self, table: &str) -> Result<Option<i64>, StoreFault> {
        Ok(self.front.backends.tables.next_date(table)?)
    }

    /// The smallest number by which a sparse index orders its items, over these partitions of it. Neither logged nor faulted.
    ///
    /// # Errors
    /// [`StoreFault::Tables`] if there is no such index, or its keys are not numbers.
    pub fn earliest_in(&self, table: &str, index: &str, partitions: impl IntoIterator<Item = u8>) -> Result<Option<i64>, StoreFault> {
        Ok(self.front.backends.tables.earliest_in(table, index, partitions)?)
    }
}
