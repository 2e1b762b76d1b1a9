//! The end of a salt: once the day after its own is over, it is destroyed, and nobody can tell any more whose rows are whose (promise A-12).

use super::day::Day;
use super::salts;
use crate::platform::schedule::Report;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Damaged, Item};

/// Destroys the salts of all days that may be closed, those that earlier runs failed at among them. There are a few: no run is short of time.
///
/// # Errors
/// 503 if DynamoDB is away: what was destroyed stays destroyed. 500 if an item is damaged.
pub async fn close(platform: &Platform) -> Result<Report, Problem> {
    let (mut read, mut destroyed, mut damaged, mut from) = (0, 0, false, None);
    loop {
        let (items, next) = page(platform, from.take()).await?;
        for item in items {
            read += 1;
            // One that is damaged must not keep the others.
            match item::text(&item, "day").ok().as_deref().and_then(Day::read) {
                Some(day) if day.closes_at() <= platform.now() => {
                    destroy(platform, day).await?;
                    destroyed += 1;
                }
                Some(_) => {}
                None => damaged = true,
            }
        }
        if next.is_none() {
            break;
        }
        from = next;
    }
    if damaged {
        return Err(Damaged("day").into());
    }
    Ok(Report { counts: vec![("read", read), ("destroyed", destroyed)], signal: None })
}

/// The days that have a salt, which are a few. The salts themselves are not read.
async fn page(platform: &Platform, from: Option<Item>) -> Result<(Vec<Item>, Option<Item>), Problem> {
    #[expect(clippy::disallowed_methods, reason = "no tenant's: it holds an item a day")]
    let call = platform.dynamodb().scan().table_name(salts::table(platform)).consistent_read(true);
    // `day` is one of DynamoDB's reserved words.
    let call = call.projection_expression("#day").expression_attribute_names("#day", "day").set_exclusive_start_key(from);
    let answer = call.send().await.map_err(|error| aws::problem("dynamodb Scan salts", &error))?;
    Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
}

async fn destroy(platform: &Platform, day: Day) -> Result<(), Problem> {
    let call = platform.dynamodb().delete_item().table_name(salts::table(platform)).set_key(Some(salts::key(day)));
    call.send().await.map(drop).map_err(|error| aws::problem("dynamodb DeleteItem salt", &error))
}
