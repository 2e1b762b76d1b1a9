//! Settings of a table that are asked for by themselves: recovery to any second, which dynoxide does not know, and TTL, which the sweep must hear
//! of. Recovery is only told back, since nothing here is ever restored, and it is forgotten when the world is closed.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use dynoxide::DynoxideError;
use serde_json::{Value, json};

use super::{Tables, decode, encode};

/// For how many days a table can be restored unless somebody says so, and at most.
const DAYS: u64 = 35;

impl Tables {
    /// The answer, if this operation is one of these.
    pub(super) fn setting(&self, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>, DynoxideError>> {
        match operation {
            "DescribeContinuousBackups" => Some(self.told(body)),
            "UpdateContinuousBackups" => Some(self.recover(body)),
            "UpdateTimeToLive" => Some(self.end_by(body)),
            _ => None,
        }
    }

    fn told(&self, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        let request: Value = decode(body)?;
        self.description(&self.existing(&request)?)
    }

    fn recover(&self, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        let request: Value = decode(body)?;
        let table = self.existing(&request)?;
        let wanted = request.get("PointInTimeRecoverySpecification").cloned().unwrap_or_default();
        let days = wanted.get("RecoveryPeriodInDays").and_then(Value::as_u64).unwrap_or(DAYS);
        match wanted.get("PointInTimeRecoveryEnabled").and_then(Value::as_bool) {
            Some(true) if (1..=DAYS).contains(&days) => drop(self.recovery().insert(table.clone(), days)),
            Some(false) => drop(self.recovery().remove(&table)),
            _ => return Err(DynoxideError::ValidationException("PointInTimeRecoverySpecification is not valid".to_owned())),
        }
        self.description(&table)
    }

    /// The table that a request names, if there is one.
    fn existing(&self, request: &Value) -> Result<String, DynoxideError> {
        let name = request.get("TableName").and_then(Value::as_str).unwrap_or_default();
        self.ask("DescribeTable", &json!({"TableName": name}))?;
        Ok(name.to_owned())
    }

    fn description(&self, table: &str) -> Result<Vec<u8>, DynoxideError> {
        let recovery = match self.recovery().get(table) {
            Some(days) => json!({"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": days}),
            None => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
        };
        let description = json!({"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery});
        encode(&json!({"ContinuousBackupsDescription": description}))
    }

    /// From now on the sweep goes by what was asked for.
    fn end_by(&self, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        let unknown = || Err(DynoxideError::InternalServerError("no operation UpdateTimeToLive".to_owned()));
        let answer = self.run("UpdateTimeToLive", body).unwrap_or_else(unknown)?;
        let request: Value = decode(body)?;
        let wanted = request.get("TimeToLiveSpecification").cloned().unwrap_or_default();
        let is_on = wanted.get("Enabled").and_then(Value::as_bool) == Some(true);
        let attribute = wanted.get("AttributeName").and_then(Value::as_str).filter(|_| is_on);
        let table = request.get("TableName").and_then(Value::as_str).unwrap_or_default();
        if let Some(spec) = self.specs().get_mut(table) {
            spec.ttl_attribute = attribute.map(ToOwned::to_owned);
        }
        Ok(answer)
    }

    fn recovery(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
    use aws_sdk_dynamodb::types::{AttributeValue, PointInTimeRecoverySpecification, TimeToLiveSpecification};

    use super::super::super::testing::{self, dynamodb, text};
    use super::super::super::{Lateness, TableSpec};

    #[tokio::test]
    async fn recovery_is_told_as_it_was_asked_for() {
        let (aws, _) = testing::world();
        let told = async || {
            let answer = dynamodb(&aws).describe_continuous_backups().table_name("pairs").send().await.unwrap();
            let recovery = answer.continuous_backups_description.unwrap().point_in_time_recovery_description.unwrap();
            (recovery.point_in_time_recovery_status.unwrap().as_str().to_owned(), recovery.recovery_period_in_days)
        };
        assert_eq!(told().await, ("DISABLED".to_owned(), None));
        for (days, expected) in [(Some(7), 7), (None, 35)] {
            let wanted = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).set_recovery_period_in_days(days);
            let call = dynamodb(&aws).update_continuous_backups().table_name("pairs");
            call.point_in_time_recovery_specification(wanted.build().unwrap()).send().await.unwrap();
            assert_eq!(told().await, ("ENABLED".to_owned(), Some(expected)));
        }
        let refused = dynamodb(&aws).describe_continuous_backups().table_name("nowhere").send().await.unwrap_err();
        assert_eq!(refused.code(), Some("ResourceNotFoundException"));
    }

    #[tokio::test]
    async fn ttl_that_is_switched_on_by_a_call_ends_items() {
        let (aws, clock) = testing::world();
        aws.be_late(Lateness::OnTime);
        aws.create_table(&TableSpec { name: "restored".to_owned(), ttl_attribute: None, ..testing::pairs() }).unwrap();
        let item = dynamodb(&aws).put_item().table_name("restored").item("id", text("a"));
        item.item("expires_at", AttributeValue::N("1800000100".to_owned())).send().await.unwrap();
        clock.advance(Duration::from_secs(200));
        assert_eq!(aws.sweep().unwrap().items, 0);
        let wanted = TimeToLiveSpecification::builder().enabled(true).attribute_name("expires_at").build().unwrap();
        dynamodb(&aws).update_time_to_live().table_name("restored").time_to_live_specification(wanted).send().await.unwrap();
        assert_eq!(aws.sweep().unwrap().items, 1);
    }
}
