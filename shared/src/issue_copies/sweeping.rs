//! What has ended goes by being deleted: DynamoDB's TTL has no date that it keeps (promises E-10, E-11).
//!
//! The table is read in 24 parts. Each hour's run reads two, its own and that of the hour before, so that a run that comes late, early or not at all
//! leaves no part out; each is read every day. Copies that end before they would be read again are deleted now: when their time is over, nothing
//! of them is left. Notes of events, of which there are many more, are left to TTL, but for those that it has left lying for a day.

use aws_sdk_dynamodb::types::ReturnValue;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::platform::schedule::{Deadline, Report};
use crate::platform::signal::Signal;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Item, n, s};
use crate::records::register::ISSUE_COPIES;

/// How many parts the table has.
const PARTS: i64 = 24;

/// How long before their end copies may be deleted, in seconds: until their part is read again, and two hours.
const AHEAD: i64 = 26 * 60 * 60;

/// How long TTL may leave something lying, in seconds.
const LEFT_TO_TTL: i64 = 24 * 60 * 60;

/// How many deletions are on their way at once.
const AT_ONCE: usize = 16;

#[derive(Default)]
struct Counts {
    read: u64,
    deleted: u64,
    /// Copies that were still there when their time was over.
    late: u64,
    finished: bool,
}

/// Reads two parts of the table and deletes of it what has ended, or ends within the day.
///
/// # Errors
/// 503 if DynamoDB is away: what was deleted stays deleted.
pub async fn sweep(platform: &Platform, deadline: Deadline) -> Result<Report, Problem> {
    let (now, mut counts) = (platform.now(), Counts::default());
    let hour = now.div_euclid(60 * 60);
    for hour in [hour, hour - 1] {
        let part = i32::try_from(hour.rem_euclid(PARTS)).unwrap_or_default();
        counts.finished = sweep_part(platform, deadline, part, now, &mut counts).await?;
        if !counts.finished {
            break;
        }
    }
    Ok(counts.report())
}

/// Whether the part was read to its end.
async fn sweep_part(platform: &Platform, deadline: Deadline, part: i32, now: i64, counts: &mut Counts) -> Result<bool, Problem> {
    let mut from = None;
    while !deadline.is_near(platform) {
        let (items, next) = page(platform, part, now, from.take(), counts).await?;
        let deletions = stream::iter(items).map(|item| delete(platform, item, now)).buffer_unordered(AT_ONCE);
        let deleted: Vec<Deleted> = deletions.try_collect().await?;
        counts.deleted += deleted.iter().filter(|deleted| **deleted != Deleted::Not).count() as u64;
        counts.late += deleted.iter().filter(|deleted| **deleted == Deleted::Late).count() as u64;
        if next.is_none() {
            return Ok(true);
        }
        from = next;
    }
    Ok(false)
}

/// One page of what is to go, and where to go on.
async fn page(
    platform: &Platform,
    part: i32,
    now: i64,
    from: Option<Item>,
    counts: &mut Counts,
) -> Result<(Vec<Item>, Option<Item>), Problem> {
    #[expect(clippy::disallowed_methods, reason = "what has ended is found by its time alone, whose tenant it is does not matter")]
    let call =
        platform.dynamodb().scan().table_name(table(platform)).segment(part).total_segments(i32::try_from(PARTS).unwrap_or_default());
    // `partition` is one of DynamoDB's reserved words.
    let call = call.projection_expression("#partition, id, expires_at").expression_attribute_names("#partition", "partition");
    let call = call
        .filter_expression("expires_at <= :left OR (expires_at <= :soon AND contains(#partition, :copies))")
        .expression_attribute_values(":left", n(now - LEFT_TO_TTL))
        .expression_attribute_values(":soon", n(now + AHEAD))
        .expression_attribute_values(":copies", s(copies()));
    let answer = call.set_exclusive_start_key(from).send().await.map_err(|error| aws::problem("dynamodb Scan", &error))?;
    counts.read += u64::try_from(answer.scanned_count).unwrap_or_default();
    Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
}

/// What the partitions of copies end in, and no others do.
fn copies() -> String {
    format!("#{}", ISSUE_COPIES.name)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deleted {
    InTime,
    Late,
    /// Written anew, or gone already: TTL, a purge, or our own deletion whose answer was lost.
    Not,
}

/// Deletes one, unless it was written anew since it was read.
async fn delete(platform: &Platform, mut item: Item, now: i64) -> Result<Deleted, Problem> {
    let is_copy = item::text(&item, "partition")?.ends_with(&copies());
    let ended = item::number::<i64>(&item, "expires_at")?;
    item.remove("expires_at");
    let call = platform.dynamodb().delete_item().table_name(table(platform)).set_key(Some(item)).return_values(ReturnValue::None);
    let call = call.condition_expression("expires_at <= :soon").expression_attribute_values(":soon", n(now + AHEAD));
    match call.send().await {
        Ok(_) if is_copy && ended <= now => Ok(Deleted::Late),
        Ok(_) => Ok(Deleted::InTime),
        Err(error) if error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => Ok(Deleted::Not),
        Err(error) => Err(aws::problem("dynamodb DeleteItem", &error)),
    }
}

fn table(platform: &Platform) -> &str {
    &platform.config().tables.issue_copies
}

impl Counts {
    fn report(&self) -> Report {
        let counts = vec![("read", self.read), ("deleted", self.deleted), ("late", self.late), ("finished", u64::from(self.finished))];
        Report { counts, signal: (self.late > 0 || !self.finished).then_some(Signal::Incident) }
    }
}
