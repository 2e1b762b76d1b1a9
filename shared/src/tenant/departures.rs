//! Where departures lie: one by its key, and the index of those for which something is to be done.

use super::departure::Departure;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Item, n, s};

/// The sparse index of open departures, by shard and date.
const DUE: &str = "due";

/// The departure of this tenant, if it ever left.
///
/// # Errors
/// 503 if DynamoDB is away; 500 if the departure is damaged.
pub async fn find(platform: &Platform, digest: &str, tenant_id: &str) -> Result<Option<Departure>, Problem> {
    let call = platform.dynamodb().get_item().table_name(&platform.config().tables.departures).consistent_read(true);
    let answer = call.set_key(Some(Departure::key(digest, tenant_id))).send().await;
    let answer = answer.map_err(|error| aws::problem("dynamodb GetItem departures", &error))?;
    Ok(answer.item.as_ref().map(Departure::from_item).transpose()?)
}

/// All departures of this digest, of all its lives; there are few.
///
/// # Errors
/// 503 if DynamoDB is away; 500 if a departure is damaged.
pub async fn of_digest(platform: &Platform, digest: &str) -> Result<Vec<Departure>, Problem> {
    let (mut departures, mut from) = (Vec::new(), None);
    loop {
        let call = platform.dynamodb().query().table_name(&platform.config().tables.departures).consistent_read(true);
        let call = call.key_condition_expression("digest = :digest").expression_attribute_values(":digest", s(digest));
        let answer = call.set_exclusive_start_key(from).send().await;
        let answer = answer.map_err(|error| aws::problem("dynamodb Query departures", &error))?;
        for item in answer.items.unwrap_or_default() {
            departures.push(Departure::from_item(&item)?);
        }
        from = answer.last_evaluated_key;
        if from.is_none() {
            return Ok(departures);
        }
    }
}

/// The departures of one shard for which something was to be done by now: some of them, the oldest first, and where to go on. The index is
/// a moment behind the table, so each is to be read before anything is done for it.
pub(crate) async fn due(
    platform: &Platform,
    shard: u8,
    now: i64,
    from: Option<Item>,
) -> Result<(Vec<(String, String)>, Option<Item>), Problem> {
    let call = platform.dynamodb().query().table_name(&platform.config().tables.departures).index_name(DUE);
    let call = call
        .key_condition_expression("due_shard = :shard AND due_at <= :now")
        .expression_attribute_values(":shard", n(shard))
        .expression_attribute_values(":now", n(now));
    let answer = call.set_exclusive_start_key(from).send().await;
    let answer = answer.map_err(|error| aws::problem("dynamodb Query departures", &error))?;
    let mut keys = Vec::new();
    for item in answer.items.unwrap_or_default() {
        keys.push((item::text(&item, "digest")?, item::text(&item, "tenant_id")?));
    }
    Ok((keys, answer.last_evaluated_key))
}
