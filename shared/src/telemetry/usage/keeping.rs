//! From sums to rows: a part is written in one transaction with a note of its name. So it counts once however often it comes and whatever fails.

use super::day::Day;
use super::parts::Part;
use super::salts::{self, Salt};
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Item, n, s};
use crate::records::retention::{self, Retention};
use crate::records::transaction::{self, Outcome, Transaction};

/// How often a part is tried while others write to the same rows. Deliveries of a busy customer come at once, and a run has a minute: this is ten
/// seconds at least.
const ATTEMPTS: u32 = 24;

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is counted.
    Counted,
    /// It had been counted before, or a moment ago by a writing of our own whose answer was lost.
    Repeated,
    /// Nothing is counted for its day any more, or not yet.
    TooOld,
}

/// Counts a part, once.
///
/// # Errors
/// 503 if DynamoDB is away, or too many count for the same tenants at once: it is counted or not, and may come again.
pub(super) async fn keep(platform: &Platform, part: &Part) -> Result<Kept, Problem> {
    for attempt in 0..ATTEMPTS {
        let Some(salt) = salts::of(platform, part.day).await? else { return Ok(Kept::TooOld) };
        if write(platform, part, &salt).await? == Outcome::Done {
            return Ok(Kept::Counted);
        }
        if is_noted(platform, part).await? {
            return Ok(Kept::Repeated);
        }
        // Somebody else wrote to the same rows a moment ago.
        transaction::pause(platform, attempt).await;
    }
    Err(Problem::unavailable("too many count at once"))
}

async fn write(platform: &Platform, part: &Part, salt: &Salt) -> Result<Outcome, Problem> {
    let mut note = note(part);
    note.insert("expires_at".to_owned(), n(end_of(&retention::COUNTED_LINES, platform.now())));
    let tables = &platform.config().tables;
    let mut transaction = Transaction::new().put(&tables.usage, note, "attribute_not_exists(id)", &[]);
    // No time but the day's: when a tenant was there is nobody's business.
    let ends = n(end_of(&retention::USAGE, part.day.ends_at()));
    for (counter, calls) in &part.counters {
        let id = format!("{}#{}", counter.function.as_str(), salt.pseudonym(counter.app, counter.function, counter.mark));
        let row = item::item([("day", s(partition(part.day, counter.app))), ("id", s(id))]);
        let values = [(":calls", n(calls)), (":ends", ends.clone())];
        let change = "SET expires_at = :ends ADD calls :calls";
        transaction = transaction.update(&tables.usage, row, change, "attribute_not_exists(id) OR attribute_exists(calls)", &values);
    }
    transaction.commit(platform, &part.name).await
}

/// When what is kept ends, in epoch seconds.
fn end_of(kept: &Retention, from: i64) -> i64 {
    from.saturating_add(i64::try_from(kept.target.as_secs()).unwrap_or(i64::MAX))
}

/// Where the rows of a day lie.
pub(super) fn partition(day: Day, app: &str) -> String {
    format!("{day}#{app}")
}

/// The key of what says that a part was counted.
fn note(part: &Part) -> Item {
    item::item([("day", s(format!("seen#{}", part.day))), ("id", s(&part.name))])
}

async fn is_noted(platform: &Platform, part: &Part) -> Result<bool, Problem> {
    let call = platform.dynamodb().get_item().table_name(&platform.config().tables.usage).set_key(Some(note(part))).consistent_read(true);
    let answer = call.send().await.map_err(|error| aws::problem("dynamodb GetItem", &error))?;
    Ok(answer.item.is_some())
}
