//! The timeline (promises E-17, E-34, E-36, A-48) as `template.yaml` deploys it: both sums are added up from what stands there, and whatever
//! keeps anything for longer than they allow is named. Every check is fed a template that must fail it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use local::template::at;
use shared::purge::timeline::Timeline;
use shared::records::retention::{Ending, LOG_GROUPS, LOGS, LONGEST_SINK, SINKS};
use yaml_serde::Value;

const TEMPLATE: &str = include_str!("../template.yaml");

/// A template, read for what it says about time.
struct Deployed(Value);

/// A setting that ages something out: where it stands, what it ends, and its days; `None` where there should be one and is none.
type Setting = (String, Ending, Option<u64>);

impl Deployed {
    fn read(text: &str) -> Self {
        Self(yaml_serde::from_str(text).unwrap())
    }

    /// The resources of one type with their properties.
    fn resources(&self, kind: &str) -> Vec<(&str, &Value)> {
        let all = at(&self.0, &["Resources"]).and_then(Value::as_mapping).into_iter().flatten();
        let of_kind = all.filter(|(_, resource)| at(resource, &["Type"]).and_then(Value::as_str) == Some(kind));
        of_kind.map(|(id, resource)| (id.as_str().unwrap(), at(resource, &["Properties"]).unwrap())).collect()
    }

    /// A number, or the default of the parameter that is referred to.
    fn number(&self, value: &Value) -> Option<u64> {
        match value {
            Value::Tagged(reference) => at(&self.0, &["Parameters", reference.value.as_str()?, "Default"])?.as_u64(),
            _ => value.as_u64(),
        }
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        at(&self.0, &["Globals", "Function", "Environment", "Variables", name])
    }

    /// What functions are told of the days, as they read it when they start.
    fn timeline(&self) -> Result<Timeline, String> {
        let days = |name| self.variable(name).and_then(|value| u32::try_from(self.number(value)?).ok()).ok_or(format!("no {name}"));
        Timeline::configured(days("LETHE_KEY_BACKUP_DAYS")?, days("LETHE_DATA_BACKUP_DAYS")?).map_err(|fault| fault.to_string())
    }

    /// The table of wrapped keys, as functions are told of it.
    fn key_table(&self) -> Option<&str> {
        match self.variable("LETHE_TENANT_KEYS_TABLE")? {
            Value::Tagged(reference) => reference.value.as_str(),
            _ => None,
        }
    }

    /// Every setting of queues, log groups and buckets that ages something out.
    fn settings(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (id, queue) in self.resources("AWS::SQS::Queue") {
            let seconds = at(queue, &["MessageRetentionPeriod"]).and_then(|value| self.number(value));
            settings.push((id.to_owned(), Ending::Messages, seconds.map(|seconds| seconds.div_ceil(86_400))));
        }
        for (id, group) in self.resources("AWS::Logs::LogGroup") {
            settings.push((id.to_owned(), Ending::Events, at(group, &["RetentionInDays"]).and_then(|value| self.number(value))));
        }
        for (id, bucket) in self.resources("AWS::S3::Bucket") {
            let rules = at(bucket, &["LifecycleConfiguration", "Rules"]).and_then(Value::as_sequence).into_iter().flatten();
            // A rule for a part of the bucket says nothing of the rest.
            let whole: Vec<&Value> =
                rules.filter(|rule| enabled(rule) && at(rule, &["Prefix"]).or(at(rule, &["TagFilters"])).is_none()).collect();
            let days = |names: &[&str]| whole.iter().find_map(|rule| self.number(at(rule, names)?));
            let versioned = at(bucket, &["VersioningConfiguration"]).is_some_and(enabled);
            for (ending, found, needed) in [
                (Ending::Objects, days(&["ExpirationInDays"]), false),
                (Ending::OldVersions, days(&["NoncurrentVersionExpiration", "NoncurrentDays"]), versioned),
                (Ending::Parts, days(&["AbortIncompleteMultipartUpload", "DaysAfterInitiation"]), true),
            ] {
                if needed || found.is_some() {
                    settings.push((id.to_owned(), ending, found));
                }
            }
        }
        settings
    }

    /// Whatever keeps something for longer than the timeline says, or for ever, or without standing in the table of sinks.
    fn faults(&self) -> Vec<String> {
        let timeline = match self.timeline() {
            Ok(timeline) => timeline,
            Err(fault) => return vec![fault],
        };
        let mut faults = Vec::new();
        for (id, table) in self.resources("AWS::DynamoDB::Table") {
            let is_of_keys = self.key_table() == Some(id);
            let most = u64::from(if is_of_keys { timeline.key_backup_days() } else { timeline.data_backup_days() });
            let specified = |name| at(table, &["PointInTimeRecoverySpecification", name]);
            let recovery = specified("RecoveryPeriodInDays").and_then(|value| self.number(value));
            match recovery {
                // Which tables need it the rules of backups say.
                None if specified("PointInTimeRecoveryEnabled").and_then(Value::as_bool) == Some(false) => {}
                None => faults.push(format!("{id} does not say for how long it can be restored")),
                Some(days) if days > most => faults.push(format!("{id} can be restored for {days} days, and the timeline says {most}")),
                Some(_) => {}
            }
        }
        if self.key_table().is_none_or(|id| self.resources("AWS::DynamoDB::Table").iter().all(|(table, _)| *table != id)) {
            faults.push("no table holds the keys".to_owned());
        }
        for (id, ending, days) in self.settings() {
            let most = match ending {
                Ending::Events => LOGS.as_secs() / 86_400,
                // A version that is no longer current is a backup of what it was.
                Ending::OldVersions => u64::from(timeline.data_backup_days()),
                _ => LONGEST_SINK.as_secs() / 86_400,
            };
            let listed = if ending == Ending::Events { LOG_GROUPS } else { id.as_str() };
            let row = SINKS.iter().find(|sink| sink.resource == listed && sink.ending == ending);
            match (days, row) {
                (None, _) => faults.push(format!("{id} keeps {ending:?} without an end")),
                (Some(days), _) if days > most => faults.push(format!("{id} keeps {ending:?} for {days} days, and {most} are allowed")),
                (Some(_), None) => faults.push(format!("{id} has no row for its {ending:?} in the table of sinks")),
                (Some(days), Some(row)) if row.kept.as_secs() != days * 86_400 => {
                    faults.push(format!("{id} keeps {ending:?} for {days} days, and its row says otherwise"));
                }
                (Some(_), Some(_)) => {}
            }
        }
        faults
    }
}

fn enabled(value: &Value) -> bool {
    at(value, &["Status"]).and_then(Value::as_str) == Some("Enabled")
}

/// What is wrong with the template once this piece of it, found after `resource`, is another.
#[track_caller]
fn faults_with(resource: &str, piece: &str, other: &str) -> Vec<String> {
    let (before, after) = TEMPLATE.split_once(&format!("\n  {resource}:\n")).unwrap_or_else(|| panic!("there is no {resource}"));
    assert!(after.contains(piece), "{resource} does not say {piece}");
    Deployed::read(&format!("{before}\n  {resource}:\n{}", after.replacen(piece, other, 1))).faults()
}

/// Promises E-17, E-34, E-36.
#[test]
fn both_sums_of_the_deployed_template_are_as_promised() {
    let timeline = Deployed::read(TEMPLATE).timeline().unwrap();
    assert_eq!(timeline.sums().map(|sum| sum.days()), [127, 165, 14, 49]);
    assert!(timeline.sums().iter().all(|sum| sum.days() <= sum.promised));
    assert_eq!(timeline, Timeline::LONGEST, "docs/RETENTION.md tells the longest one");
}

/// Promises A-03, E-17, E-34, A-48.
#[test]
fn nothing_in_the_template_keeps_anything_for_longer() {
    assert_eq!(Deployed::read(TEMPLATE).faults(), Vec::<String>::new());
}

#[test]
fn every_row_of_the_table_of_sinks_is_in_the_template() {
    let settings = Deployed::read(TEMPLATE).settings();
    let found: BTreeSet<_> = settings.iter().map(|(id, ending, _)| (id.as_str(), format!("{ending:?}"))).collect();
    for sink in SINKS.iter().filter(|sink| sink.resource != LOG_GROUPS) {
        assert!(found.contains(&(sink.resource, format!("{:?}", sink.ending))), "{} {:?}", sink.resource, sink.ending);
    }
}

#[test]
fn longer_backups_are_noticed() {
    assert!(faults_with("KeyBackupDays", "Default: 7", "Default: 8")[0].contains("15 days, and 14 are promised"));
    assert!(faults_with("DataBackupDays", "Default: 35", "Default: 36")[0].contains("50 days, and 49 are promised"));
    assert!(faults_with("DataBackupDays", "Default: 35", "Default: 0")[0].contains("no day at all"));
}

/// A number beside the parameter is a second truth.
#[test]
fn a_table_that_can_be_restored_for_longer_than_the_functions_believe_is_noticed() {
    let (keys, data) = ("RecoveryPeriodInDays: !Ref KeyBackupDays", "RecoveryPeriodInDays: !Ref DataBackupDays");
    let told = ["TenantKeysTable can be restored for 35 days, and the timeline says 7"];
    assert_eq!(faults_with("TenantKeysTable", keys, data), told);
    let told = ["ConfigurationTable can be restored for 36 days, and the timeline says 35"];
    assert_eq!(faults_with("ConfigurationTable", data, "RecoveryPeriodInDays: 36"), told);
    let told = ["ConfigurationTable does not say for how long it can be restored"];
    assert_eq!(faults_with("ConfigurationTable", &format!(", {data}"), ""), told, "AWS would take 35 days");
    let shorter = faults_with("KeyBackupDays", "Default: 7", "Default: 5");
    assert_eq!(shorter, Vec::<String>::new());
}

#[test]
fn a_log_group_that_keeps_for_longer_or_for_ever_is_noticed() {
    let told = ["PageLog keeps Events for 60 days, and 30 are allowed"];
    assert_eq!(faults_with("PageLog", "RetentionInDays: 30", "RetentionInDays: 60"), told);
    assert_eq!(faults_with("PageLog", ", RetentionInDays: 30", ""), ["PageLog keeps Events without an end"]);
}

#[test]
fn a_queue_that_keeps_for_longer_or_is_not_in_the_table_is_noticed() {
    let days = |days: u64| format!("MessageRetentionPeriod: {}", days * 86_400);
    let told = ["PurgeQueue keeps Messages for 50 days, and 49 are allowed"];
    assert_eq!(faults_with("PurgeQueue", &days(14), &days(50)), told);
    let told = ["PurgeQueue keeps Messages for 4 days, and its row says otherwise"];
    assert_eq!(faults_with("PurgeQueue", &days(14), &days(4)), told);
    assert_eq!(faults_with("PurgeQueue", &days(14), ""), ["PurgeQueue keeps Messages without an end"]);
    let another = format!("AnotherQueue:\n    Type: AWS::SQS::Queue\n    Properties: {{ {} }}\n  PurgeQueue:\n", days(1));
    let text = TEMPLATE.replacen("PurgeQueue:\n", &another, 1);
    assert_eq!(Deployed::read(&text).faults(), ["AnotherQueue has no row for its Messages in the table of sinks"]);
}

#[test]
fn a_bucket_whose_old_versions_or_parts_outlive_the_timeline_is_noticed() {
    let told = ["SealedBucket keeps OldVersions for 36 days, and 35 are allowed"];
    assert_eq!(faults_with("SealedBucket", "NoncurrentDays: 7", "NoncurrentDays: 36"), told);
    let (versions, parts) =
        ("NoncurrentVersionExpiration: { NoncurrentDays: 7 }", "AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }");
    assert_eq!(faults_with("SealedBucket", versions, ""), ["SealedBucket keeps OldVersions without an end"]);
    assert_eq!(faults_with("SealedBucket", parts, ""), ["SealedBucket keeps Parts without an end"]);
    let told = ["SealedBucket keeps OldVersions without an end", "SealedBucket keeps Parts without an end"];
    let rule = "Id: nothing-old-stays\n            Status: Enabled";
    assert_eq!(faults_with("SealedBucket", rule, "Id: nothing-old-stays\n            Status: Disabled"), told);
    assert_eq!(faults_with("SealedBucket", rule, "Prefix: some\n            Status: Enabled"), told, "the rest of the bucket has no rule");
}

/// Promise E-34: what is said is what is so.
#[test]
fn the_page_about_retention_is_the_one_that_the_code_prints() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/RETENTION.md");
    let written = fs::read_to_string(file).unwrap();
    assert_eq!(written, local::retention_page(), "run: cargo run -p local -- retention > docs/RETENTION.md");
}
