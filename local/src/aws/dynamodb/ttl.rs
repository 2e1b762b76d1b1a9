//! TTL: what deletes items whose second has passed, some time later. AWS promises "within a few days" and no order, so whoever relies on more
//! must find out here.
//!
//! How late an item is deleted follows from its key alone: the same run ends the same items at the same moments.

use aws_lc_rs::digest::{SHA256, digest};
use dynoxide::DynoxideError;
use serde_json::{Map, Value, json};

use super::{TableSpec, Tables};

/// The latest that an item is deleted after its second, in seconds: three days.
const LATEST: i64 = 72 * 3600;

/// How late TTL deletes what has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lateness {
    /// In the second after.
    OnTime,
    /// Each item at a moment of its own within three days.
    #[default]
    Spread,
    /// Three days after.
    Latest,
}

impl Lateness {
    fn seconds(self, table: &str, key: &Value) -> i64 {
        match self {
            Self::OnTime => 0,
            Self::Latest => LATEST,
            Self::Spread => {
                let hash = digest(&SHA256, format!("{table} {key}").as_bytes());
                let number = hash.as_ref().iter().take(6).fold(0, |number, byte| number << 8 | i64::from(*byte));
                number % (LATEST + 1)
            }
        }
    }
}

/// An item with a date.
struct Dated {
    key: Value,
    /// As it is written in the item.
    expires_at: String,
    /// In epoch seconds.
    deleted_at: i64,
}

impl Tables {
    /// Deletes what TTL would have deleted by now, and says how many items that were.
    pub(in crate::aws) fn sweep(&self, lateness: Lateness) -> Result<usize, DynoxideError> {
        let now = self.clock.now().epoch_seconds();
        let mut deleted = 0;
        for (spec, attribute) in self.with_ttl() {
            for dated in self.dated(&spec, &attribute, lateness)?.into_iter().filter(|dated| dated.deleted_at <= now) {
                // An item that got another date meanwhile is another item.
                let delete = json!({
                    "TableName": spec.name, "Key": dated.key, "ConditionExpression": "#date = :seen",
                    "ExpressionAttributeNames": {"#date": attribute}, "ExpressionAttributeValues": {":seen": {"N": dated.expires_at}},
                });
                match self.ask("DeleteItem", &delete) {
                    Ok(_) => deleted += 1,
                    Err(DynoxideError::ConditionalCheckFailedException(..)) => {}
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(deleted)
    }

    /// When TTL will delete the next of the items that are there now, in epoch seconds.
    pub(in crate::aws) fn next_sweep(&self, lateness: Lateness) -> Result<Option<i64>, DynoxideError> {
        let mut next = None;
        for (spec, attribute) in self.with_ttl() {
            let earliest = self.dated(&spec, &attribute, lateness)?.into_iter().map(|dated| dated.deleted_at).min();
            next = next.into_iter().chain(earliest).min();
        }
        Ok(next)
    }

    /// When TTL may delete the first item of a table, in epoch seconds; `None` if it has none with a date.
    pub(in crate::aws) fn next_date(&self, table: &str) -> Result<Option<i64>, DynoxideError> {
        let Some((spec, attribute)) = self.with_ttl().into_iter().find(|(spec, _)| spec.name == table) else { return Ok(None) };
        Ok(self.dated(&spec, &attribute, Lateness::OnTime)?.into_iter().map(|dated| dated.deleted_at).min())
    }

    fn with_ttl(&self) -> Vec<(TableSpec, String)> {
        let specs = self.specs();
        specs.values().filter_map(|spec| Some((spec.clone(), spec.ttl_attribute.clone()?))).collect()
    }

    /// Every item of a table that has a date. One that is no number of seconds is none, as on AWS.
    fn dated(&self, spec: &TableSpec, attribute: &str, lateness: Lateness) -> Result<Vec<Dated>, DynoxideError> {
        let keys: Vec<&str> =
            [Some(&spec.partition_key), spec.sort_key.as_ref()].into_iter().flatten().map(|key| key.name.as_str()).collect();
        let placeholders: Vec<String> = (0..keys.len()).map(|number| format!("#key{number}")).collect();
        let names = placeholders.iter().map(String::as_str).zip(keys.iter().copied()).chain([("#date", attribute)]);
        let names: Map<String, Value> = names.map(|(placeholder, name)| (placeholder.to_owned(), json!(name))).collect();
        let request = json!({
            "TableName": spec.name, "ConsistentRead": true, "FilterExpression": "attribute_exists(#date)",
            "ProjectionExpression": format!("#date, {}", placeholders.join(", ")), "ExpressionAttributeNames": names,
        });
        let items = self.pages("Scan", request, "Items", ["LastEvaluatedKey", "ExclusiveStartKey"])?;
        let dated = items.into_iter().filter_map(|item| {
            let expires_at = item.get(attribute)?.get("N")?.as_str()?.to_owned();
            let second: i64 = expires_at.parse().ok().filter(|second| *second >= 0)?;
            let key: Map<String, Value> = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone()))).collect();
            let key = Value::Object(key);
            let deleted_at = second.saturating_add(1).saturating_add(lateness.seconds(&spec.name, &key));
            Some(Dated { key, expires_at, deleted_at })
        });
        Ok(dated.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_dynamodb::types::AttributeValue;

    use super::super::super::EmbeddedAws;
    use super::super::super::testing::{self, text};
    use super::*;

    const DUE: i64 = 1_800_000_100;

    async fn put(aws: &EmbeddedAws, id: &str, expires_at: AttributeValue) {
        let item = testing::dynamodb(aws).put_item().table_name("pairs").item("id", text(id)).item("expires_at", expires_at);
        item.send().await.unwrap();
    }

    #[tokio::test]
    async fn each_item_goes_at_a_moment_of_its_own_within_three_days() {
        let (aws, clock) = testing::world();
        for number in 0..60 {
            put(&aws, &format!("item {number}"), AttributeValue::N(DUE.to_string())).await;
        }
        let mut moments = Vec::new();
        while let Some(at) = aws.next_end().unwrap() {
            let by = u64::try_from(at - clock_millis(&clock)).unwrap();
            clock.advance(Duration::from_millis(by));
            moments.push((at / 1000, aws.sweep().unwrap().items));
        }
        assert_eq!(moments.iter().map(|(_, items)| items).sum::<usize>(), 60);
        assert!(moments.len() > 50, "{moments:?}");
        assert!(moments.iter().all(|(at, _)| (DUE + 1..=DUE + 1 + LATEST).contains(at)), "{moments:?}");
        let (first, last) = (moments[0].0, moments[moments.len() - 1].0);
        assert!(first < DUE + 12 * 3600 && last > DUE + 60 * 3600, "{first} {last}");
    }

    fn clock_millis(clock: &shared::platform::clock::ManualClock) -> i64 {
        use shared::platform::clock::Clock as _;
        clock.now().epoch_millis()
    }

    #[tokio::test]
    async fn it_can_be_on_time_or_as_late_as_may_be() {
        for (lateness, expected) in [(Lateness::OnTime, DUE + 1), (Lateness::Latest, DUE + 1 + 3 * 86_400)] {
            let (aws, clock) = testing::world();
            put(&aws, "a", AttributeValue::N(DUE.to_string())).await;
            aws.be_late(lateness);
            assert_eq!(aws.next_end().unwrap(), Some(expected * 1000));
            clock.advance(Duration::from_secs(u64::try_from(expected - 1 - 1_800_000_000).unwrap()));
            assert_eq!(aws.sweep().unwrap().items, 0);
            clock.advance(Duration::from_secs(1));
            assert_eq!(aws.sweep().unwrap().items, 1);
            assert_eq!(aws.next_end().unwrap(), None);
        }
    }

    #[tokio::test]
    async fn what_is_no_date_ends_nothing() {
        let (aws, clock) = testing::world();
        for (id, value) in
            [("text", text("1")), ("before 1970", AttributeValue::N("-1".to_owned())), ("half", AttributeValue::N("1.5".to_owned()))]
        {
            put(&aws, id, value).await;
        }
        clock.advance(Duration::from_secs(30 * 86_400));
        assert_eq!((aws.sweep().unwrap().items, aws.next_end().unwrap()), (0, None));
    }

    #[test]
    fn how_late_an_item_is_follows_from_its_table_and_key() {
        let late = |table: &str, id: &str| Lateness::Spread.seconds(table, &json!({"id": {"S": id}}));
        assert_eq!(late("a", "1"), late("a", "1"));
        assert!(late("a", "1") != late("a", "2") && late("a", "1") != late("b", "1"));
    }
}
