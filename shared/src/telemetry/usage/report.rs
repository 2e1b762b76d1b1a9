//! What is told of a day, once it is closed: which functions were used, by how many tenants and how often, wherever enough of them did that none can
//! be told from the others (promise A-13).

use std::collections::BTreeMap;

use serde::Serialize;

use super::day::Day;
use super::{keeping, salts};
use crate::connect::catalogue::App;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};
use crate::records::item::{self, Damaged, Item, s};

/// Fewer tenants than these are not told of at all.
pub const SMALLEST_GROUP: u64 = 5;

/// What is told of one day and one app.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DayReport {
    day: String,
    app: &'static str,
    smallest_group: u64,
    functions: Vec<FunctionUse>,
}

/// How one function was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionUse {
    function: String,
    tenants: u64,
    calls: u64,
}

/// How many tenants used each function, and how often.
#[derive(Debug, Default)]
struct Groups(BTreeMap<String, (u64, u64)>);

impl Groups {
    /// One tenant's calls of one function.
    fn add(&mut self, function: &str, calls: u64) {
        let (tenants, sum) = self.0.entry(function.to_owned()).or_default();
        *tenants += 1;
        *sum = sum.saturating_add(calls);
    }

    /// Those that are large enough; the others leave no trace.
    fn shown(self) -> Vec<FunctionUse> {
        let large = self.0.into_iter().filter(|(_, (tenants, _))| *tenants >= SMALLEST_GROUP);
        large.map(|(function, (tenants, calls))| FunctionUse { function, tenants, calls }).collect()
    }
}

/// How the functions of an app were used on a day.
///
/// # Errors
/// 409 if the day is not closed yet; 503 if DynamoDB is away; 500 if a row is damaged.
pub async fn of_day(platform: &Platform, app: &'static App, day: Day) -> Result<DayReport, Problem> {
    if !salts::is_closed(platform, day).await? {
        return Err(Problem::new(Refusal::Incomplete, "the day is not closed").told("a day is told of once the day after it is over"));
    }
    let (mut groups, mut from) = (Groups::default(), None);
    loop {
        let (rows, next) = page(platform, app, day, from.take()).await?;
        for row in rows {
            let id = item::text(&row, "id")?;
            let (function, _) = id.split_once('#').ok_or(Damaged("id"))?;
            groups.add(function, item::number(&row, "calls")?);
        }
        if next.is_none() {
            break;
        }
        from = next;
    }
    Ok(DayReport { day: day.to_string(), app: app.slug, smallest_group: SMALLEST_GROUP, functions: groups.shown() })
}

async fn page(platform: &Platform, app: &App, day: Day, from: Option<Item>) -> Result<(Vec<Item>, Option<Item>), Problem> {
    let call = platform.dynamodb().query().table_name(&platform.config().tables.usage).consistent_read(true);
    // `day` is one of DynamoDB's reserved words.
    let call = call.key_condition_expression("#day = :day").expression_attribute_names("#day", "day").projection_expression("id, calls");
    let call = call.expression_attribute_values(":day", s(keeping::partition(day, app.slug))).set_exclusive_start_key(from);
    let answer = call.send().await.map_err(|error| aws::problem("dynamodb Query usage", &error))?;
    Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Promise A-13.
        #[test]
        fn no_group_that_is_too_small_is_shown_and_every_other_is(rows in prop::collection::vec(("[a-d]", 1..1_000_u64), 0..40)) {
            let mut groups = Groups::default();
            rows.iter().for_each(|(function, calls)| groups.add(function, *calls));
            let shown = groups.shown();
            for function in ["a", "b", "c", "d"] {
                let calls: Vec<u64> = rows.iter().filter(|(name, _)| name == function).map(|(_, calls)| *calls).collect();
                let told = shown.iter().find(|told| told.function == function).map(|told| (told.tenants, told.calls));
                let tenants = calls.len() as u64;
                prop_assert_eq!(told, (tenants >= 5).then(|| (tenants, calls.iter().sum())));
            }
        }
    }
}
