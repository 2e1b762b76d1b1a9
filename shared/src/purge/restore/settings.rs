//! What AWS does not restore with a table or a bucket, and nothing may be used without: TTL, recovery to any second, guard against deletion,
//! versions. Each is asked for first and switched on only where it is off, because AWS refuses what is so already.

use aws_sdk_dynamodb::types::{PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, TimeToLiveSpecification, TimeToLiveStatus};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use super::Run;
use crate::platform::{Platform, aws};
use crate::problem::{Problem, Refusal};

/// The attribute by which items expire.
const EXPIRES_AT: &str = "expires_at";

/// What one restored table must have.
struct Table<'t> {
    name: &'t str,
    has_ttl: bool,
    /// For how many days it must be possible to go back.
    recovery_days: i32,
}

impl Run<'_> {
    /// Goes over the settings of all that was restored. Whether they are as they must be, or, where that is only checked, are counted.
    pub(super) async fn settings(&mut self) -> Result<bool, Problem> {
        let (platform, restored) = (self.platform, self.restored);
        let timeline = platform.config().timeline;
        let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
        let (of_keys, of_data) = (days(timeline.key_backup_days()), days(timeline.data_backup_days()));
        let tenants = restored.tenants.iter().map(|name| Table { name, has_ttl: false, recovery_days: of_data });
        let keys = restored.tenant_keys.iter().map(|name| Table { name, has_ttl: true, recovery_days: of_keys });
        let records = restored.records.iter().map(|(_, name)| Table { name, has_ttl: true, recovery_days: of_data });
        for table in tenants.chain(keys).chain(records) {
            if table.has_ttl && !table.expires(platform).await? && !self.only_checks() {
                self.switched(table.expire(platform).await);
            }
            if !table.is_recoverable(platform).await? && !self.only_checks() {
                self.switched(table.make_recoverable(platform).await);
            }
            if !table.is_guarded(platform).await? && !self.only_checks() {
                self.switched(table.guard(platform).await);
            }
        }
        if let Some(bucket) = &restored.sealed
            && !has_versions(platform, bucket).await?
            && !self.only_checks()
        {
            self.switched(keep_versions(platform, bucket).await);
        }
        Ok(self.may_go_on())
    }

    fn switched(&mut self, switched: Result<(), Problem>) {
        self.counts.switched_on += u64::from(self.is_done(switched));
    }
}

impl Table<'_> {
    async fn expires(&self, platform: &Platform) -> Result<bool, Problem> {
        let answer = platform.dynamodb().describe_time_to_live().table_name(self.name).send().await;
        let answer = answer.map_err(|error| aws::problem("dynamodb DescribeTimeToLive", &error))?;
        let on = |status: &TimeToLiveStatus| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling);
        Ok(answer
            .time_to_live_description
            .is_some_and(|found| found.attribute_name() == Some(EXPIRES_AT) && found.time_to_live_status().is_some_and(on)))
    }

    async fn expire(&self, platform: &Platform) -> Result<(), Problem> {
        let wanted = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRES_AT).build();
        let wanted = wanted.map_err(|_| Problem::new(Refusal::Internal, "cannot name an attribute"))?;
        let call = platform.dynamodb().update_time_to_live().table_name(self.name).time_to_live_specification(wanted);
        call.send().await.map(drop).map_err(|error| aws::problem("dynamodb UpdateTimeToLive", &error))
    }

    async fn is_recoverable(&self, platform: &Platform) -> Result<bool, Problem> {
        let answer = platform.dynamodb().describe_continuous_backups().table_name(self.name).send().await;
        let answer = answer.map_err(|error| aws::problem("dynamodb DescribeContinuousBackups", &error))?;
        let recovery = answer.continuous_backups_description.and_then(|backups| backups.point_in_time_recovery_description);
        Ok(recovery.is_some_and(|recovery| {
            let is_on = recovery.point_in_time_recovery_status() == Some(&PointInTimeRecoveryStatus::Enabled);
            is_on && recovery.recovery_period_in_days() == Some(self.recovery_days)
        }))
    }

    async fn make_recoverable(&self, platform: &Platform) -> Result<(), Problem> {
        let wanted = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
        let wanted = wanted.recovery_period_in_days(self.recovery_days).build();
        let wanted = wanted.map_err(|_| Problem::new(Refusal::Internal, "cannot ask for recovery"))?;
        let call = platform.dynamodb().update_continuous_backups().table_name(self.name).point_in_time_recovery_specification(wanted);
        call.send().await.map(drop).map_err(|error| aws::problem("dynamodb UpdateContinuousBackups", &error))
    }

    async fn is_guarded(&self, platform: &Platform) -> Result<bool, Problem> {
        let answer = platform.dynamodb().describe_table().table_name(self.name).send().await;
        let answer = answer.map_err(|error| aws::problem("dynamodb DescribeTable", &error))?;
        Ok(answer.table.is_some_and(|table| table.deletion_protection_enabled() == Some(true)))
    }

    async fn guard(&self, platform: &Platform) -> Result<(), Problem> {
        let call = platform.dynamodb().update_table().table_name(self.name).deletion_protection_enabled(true);
        call.send().await.map(drop).map_err(|error| aws::problem("dynamodb UpdateTable", &error))
    }
}

async fn has_versions(platform: &Platform, bucket: &str) -> Result<bool, Problem> {
    let answer = platform.s3().get_bucket_versioning().bucket(bucket).send().await;
    let answer = answer.map_err(|error| aws::problem("s3 GetBucketVersioning", &error))?;
    Ok(answer.status == Some(BucketVersioningStatus::Enabled))
}

async fn keep_versions(platform: &Platform, bucket: &str) -> Result<(), Problem> {
    let wanted = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let call = platform.s3().put_bucket_versioning().bucket(bucket).versioning_configuration(wanted);
    call.send().await.map(drop).map_err(|error| aws::problem("s3 PutBucketVersioning", &error))
}
