//! What ends by itself. AWS adds the days of a rule to the time that they count from and rounds up to the next midnight in UTC; what is due
//! then stays readable until it is removed, here as there.

use std::collections::BTreeSet;
use std::io;

use super::bucket::LifecycleRule;
use super::record::Version;
use super::shelf::Shelf;
use super::store::{Shelves, Store};

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// What a rule does to a version, an object or an upload.
enum Ending {
    Removed { key: String, id: String },
    Covered { key: String },
    Aborted { key: String, id: String },
}

impl Store {
    /// Applies the rules of all buckets and says how many versions and uploads ended.
    pub(super) fn expire(&self) -> io::Result<usize> {
        let now = self.now();
        let mut shelves = self.shelves();
        let names: Vec<String> = shelves.buckets.keys().cloned().collect();
        let mut ended = 0;
        for name in names {
            let due: Vec<Ending> = shelves.buckets.get(&name).map(|shelf| shelf.endings(now)).unwrap_or_default();
            for ending in due {
                let fresh = self.fresh_name().map_err(io::Error::other)?;
                shelves.end(&name, ending, now, fresh)?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// When the next midnight is at which a rule ends something that is there now, in milliseconds since 1970.
    pub(super) fn next_end(&self) -> Option<i64> {
        let now = self.now();
        let shelves = self.shelves();
        shelves.buckets.values().flat_map(Shelf::dates).filter(|at| *at > now).min()
    }
}

impl Shelves {
    fn end(&mut self, bucket: &str, ending: Ending, now: i64, fresh: String) -> io::Result<()> {
        let sequence = self.next_sequence(now);
        let Some(shelf) = self.buckets.get_mut(bucket) else { return Ok(()) };
        match ending {
            Ending::Removed { key, id } => shelf.remove(&key, &id).map(|_| ()),
            Ending::Covered { key } => shelf.put(Version { key, id: fresh, sequence, modified_millis: now, content: None }),
            Ending::Aborted { key, id } => shelf.end(&key, &id, &BTreeSet::new()),
        }
    }
}

impl Shelf {
    fn endings(&self, now: i64) -> Vec<Ending> {
        let of_objects = self.objects.iter().flat_map(|(key, versions)| self.endings_of(key, versions, now));
        let of_uploads = self.uploads.values().filter_map(|upload| {
            let days = self.shortest(&upload.key, |rule| rule.abort_uploads_after_days)?;
            is_due(upload.begun_millis, days, now).then(|| Ending::Aborted { key: upload.key.clone(), id: upload.id.clone() })
        });
        of_objects.chain(of_uploads).collect()
    }

    /// When each thing that a rule is about is due.
    fn dates(&self) -> Vec<i64> {
        let mut dates = Vec::new();
        for (key, versions) in &self.objects {
            let noncurrent = self.shortest(key, |rule| rule.expire_noncurrent_after_days);
            dates.extend(versions.iter().skip(1).filter_map(|next| Some(due_at(next.modified_millis, noncurrent?))));
            let days = self.shortest(key, |rule| rule.expire_after_days);
            dates.extend(versions.last().and_then(|newest| Some(due_at(newest.modified_millis, days?))));
        }
        let days = |key: &str| self.shortest(key, |rule| rule.abort_uploads_after_days);
        dates.extend(self.uploads.values().filter_map(|upload| Some(due_at(upload.begun_millis, days(&upload.key)?))));
        dates
    }

    fn endings_of(&self, key: &str, versions: &[Version], now: i64) -> Vec<Ending> {
        let mut endings = Vec::new();
        if let Some(days) = self.shortest(key, |rule| rule.expire_noncurrent_after_days) {
            // A version is noncurrent since the next one was made.
            let pairs = versions.iter().zip(versions.iter().skip(1));
            let due = pairs.filter(|(_, next)| is_due(next.modified_millis, days, now));
            endings.extend(due.map(|(version, _)| Ending::Removed { key: key.to_owned(), id: version.id.clone() }));
        }
        let (Some(newest), Some(days)) = (versions.last(), self.shortest(key, |rule| rule.expire_after_days)) else { return endings };
        if is_due(newest.modified_millis, days, now) {
            let alone = endings.len() + 1 == versions.len();
            match (newest.is_marker(), self.spec.versioned) {
                (false, true) => endings.push(Ending::Covered { key: key.to_owned() }),
                (true, _) if !alone => {}
                _ => endings.push(Ending::Removed { key: key.to_owned(), id: newest.id.clone() }),
            }
        }
        endings
    }

    /// Of several rules for a key, the one that ends it first counts.
    fn shortest(&self, key: &str, days: impl Fn(&LifecycleRule) -> Option<u32>) -> Option<u32> {
        let covering = self.spec.lifecycle.iter().filter(|rule| rule.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str())));
        covering.filter_map(days).min()
    }
}

fn is_due(since: i64, days: u32, now: i64) -> bool {
    now >= due_at(since, days)
}

/// So many days later, at the next midnight.
fn due_at(since: i64, days: u32) -> i64 {
    let whole = since.saturating_add(i64::from(days).saturating_mul(DAY));
    whole.saturating_add(DAY - 1).div_euclid(DAY).saturating_mul(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_ends_at_the_next_midnight() {
        let noon = 20_000 * DAY + DAY / 2;
        assert!(!is_due(noon, 1, noon + DAY));
        assert!(!is_due(noon, 1, 20_002 * DAY - 1));
        assert!(is_due(noon, 1, 20_002 * DAY));
    }
}
