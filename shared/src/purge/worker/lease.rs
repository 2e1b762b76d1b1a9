//! The lease of a purge: one worker has it at a time, and only who has it writes down how far it is. It ends by itself a little after Lambda would
//! have ended the worker; then the hourly run sends the purge to the next one.

use aws_sdk_dynamodb::types::AttributeValue;

use super::step::Cursor;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{n, s};
use crate::tenant::departure::{self, Departure, PurgeProgress, Stage};
use crate::tenant::id::random_uuid;

/// How long a lease is, in seconds: a minute more than Lambda lets anything run.
const LENGTH: i64 = 16 * 60;

/// A purge that this worker has for itself.
pub(super) struct Leased {
    /// As it was last written.
    pub(super) departure: Departure,
    /// The worker's own token.
    pub(super) token: String,
}

impl Leased {
    /// Takes the lease of a purge; `None` if another has it, or there is nothing to purge any more.
    ///
    /// # Errors
    /// 503 if DynamoDB is away; the lease may have been taken, and runs out.
    pub(super) async fn take(platform: &Platform, departure: Departure) -> Result<Option<Self>, Problem> {
        let (token, now) = (random_uuid(platform.random())?, platform.now());
        let until = now.saturating_add(LENGTH);
        let call = platform.dynamodb().update_item().table_name(&platform.config().tables.departures);
        let call = call
            .set_key(Some(Departure::key(&departure.digest, &departure.tenant_id)))
            .update_expression("SET lease = :lease, lease_until = :until, due_at = :until")
            .condition_expression("stage = :purging AND (attribute_not_exists(lease_until) OR lease_until <= :now OR lease = :lease)")
            .expression_attribute_values(":lease", s(&token))
            .expression_attribute_values(":until", n(until))
            .expression_attribute_values(":now", n(now))
            .expression_attribute_values(":purging", s(Stage::Purging.name()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        match call.send().await {
            Ok(answer) => {
                // What was read before the lease was had may have moved since.
                let departure = answer.attributes.as_ref().map(Departure::from_item).transpose()?.unwrap_or(departure);
                Ok(Some(Self { departure, token }))
            }
            Err(error) if error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => Ok(None),
            Err(error) => Err(aws::problem("dynamodb UpdateItem departures", &error)),
        }
    }

    /// Writes down a slice before it is deleted: how many of what, and where it ends.
    pub(super) async fn write(&mut self, platform: &Platform, cursor: &Cursor, what: &str, count: usize) -> Result<(), Problem> {
        let cursor = cursor.to_text()?;
        let mut counts = self.departure.purge.counts.clone();
        if count > 0 {
            *counts.entry(what.to_owned()).or_default() += count as u64;
        }
        let values = [(":cursor", s(&cursor)), (":counts", departure::item::counts(&counts))];
        self.change(platform, "SET purge_cursor = :cursor, purge_counts = :counts", &values).await?;
        self.departure.purge = PurgeProgress { cursor: Some(cursor), counts, ..std::mem::take(&mut self.departure.purge) };
        Ok(())
    }

    /// Something was found: from the beginning, and no verification counts.
    pub(super) async fn start_over(&mut self, platform: &Platform) -> Result<(), Problem> {
        let now = platform.now();
        self.change(platform, "SET due_at = :now REMOVE purge_cursor, verified, lease, lease_until", &[(":now", n(now))]).await
    }

    /// Nothing is found any more.
    pub(super) async fn verified(&mut self, platform: &Platform) -> Result<(), Problem> {
        let mut verified = self.departure.purge.verified.clone();
        verified.push(platform.now());
        self.change(platform, "SET verified = :verified", &[(":verified", departure::item::moments_list(&verified))]).await?;
        self.departure.purge.verified = verified;
        Ok(())
    }

    /// Gives the lease back; the purge goes on at `at`.
    pub(super) async fn give_back(&mut self, platform: &Platform, at: i64) -> Result<(), Problem> {
        self.change(platform, "SET due_at = :at REMOVE lease, lease_until", &[(":at", n(at))]).await
    }

    async fn change(&mut self, platform: &Platform, change: &str, values: &[(&str, AttributeValue)]) -> Result<(), Problem> {
        let call = platform.dynamodb().update_item().table_name(&platform.config().tables.departures);
        let mut call = call
            .set_key(Some(Departure::key(&self.departure.digest, &self.departure.tenant_id)))
            .update_expression(change)
            .condition_expression("stage = :purging AND lease = :lease")
            .expression_attribute_values(":purging", s(Stage::Purging.name()))
            .expression_attribute_values(":lease", s(&self.token));
        for (name, value) in values {
            call = call.expression_attribute_values(*name, value.clone());
        }
        call.send().await.map(drop).map_err(|error| aws::problem("dynamodb UpdateItem departures", &error))
    }
}
