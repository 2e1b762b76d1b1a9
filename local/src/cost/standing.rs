//! What stands in the template and is paid for by the month, and what runs by its clocks.

use yaml_serde::Value;

use crate::template::{Template, TemplateFault, at};

/// The template; globals and parameters are read here, which its reader keeps to itself.
const TEXT: &str = include_str!("../../../template.yaml");
/// The same for the backup region.
const BACKUP_REGION: &str = include_str!("../../../backup-region.yaml");

/// What there is.
pub(super) struct Standing {
    /// Functions, and how much memory each has, in MB.
    memory: Vec<(String, f64)>,
    /// KMS keys, with those in the backup region.
    pub(super) keys: f64,
    /// Metrics that alarms look at; one that knows what is usual counts as three.
    pub(super) alarms: f64,
    /// Metrics made of log lines.
    pub(super) metrics: f64,
    /// Queues that functions are polled from.
    pub(super) polled_queues: f64,
    /// Each schedule: the function's name, and how often it runs in 30 days.
    pub(super) schedules: Vec<(String, f64)>,
    /// Tables that can be restored to a moment.
    pub(super) recoverable: Vec<String>,
    /// Pairs of a role and a table that it may use, each of which asks for the storage key by itself.
    pub(super) table_users: f64,
    pub(super) backups: Vec<Backup>,
}

/// A rule of a backup plan.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Backup {
    /// The plan's logical id and the rule's name.
    pub(super) name: String,
    /// The logical ids of tables and buckets.
    pub(super) of: Vec<String>,
    /// Recovery points made in 30 days, of each.
    pub(super) a_month: f64,
    /// How many days one is kept.
    pub(super) days: f64,
    /// How many days its copy is kept in the backup region; 0: it is not copied.
    pub(super) copied_days: f64,
}

const MONTH_SECONDS: u32 = 30 * 86_400;

impl Standing {
    pub(super) fn read() -> Result<Self, TemplateFault> {
        let (template, backup_region) = (Template::deployed()?, Template::parse(BACKUP_REGION)?);
        // The reader has refused it already if it is no YAML.
        let root: Value = yaml_serde::from_str(TEXT).unwrap_or_default();
        let global = at(&root, &["Globals", "Function", "MemorySize"]).and_then(Value::as_f64).unwrap_or_default();
        let functions = template.resources("AWS::Serverless::Function").into_iter().map(|(id, function)| {
            let own = at(&function, &["Properties", "MemorySize"]).and_then(Value::as_f64);
            (Template::function_name(&id), own.unwrap_or(global))
        });
        let tables = template.resources("AWS::DynamoDB::Table").into_iter();
        let on = ["Properties", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"];
        let recoverable = tables.filter(|(_, table)| at(table, &on).and_then(Value::as_bool) == Some(true)).map(|(id, _)| id);
        let alarms_of_ours = standing(&template, "AWS::CloudWatch::Alarm");
        let mut metrics: Vec<String> = alarms_of_ours.iter().filter_map(metric_of_ours).collect();
        metrics.sort();
        metrics.dedup();
        let schedules = template.schedules()?.into_iter().map(|schedule| {
            let every = u32::try_from(schedule.every.as_secs()).unwrap_or(u32::MAX);
            (Template::function_name(&schedule.function), f64::from(MONTH_SECONDS) / f64::from(every))
        });
        Ok(Self {
            memory: functions.collect(),
            keys: keys(&template) + keys(&backup_region),
            alarms: alarms(&template) + alarms(&backup_region),
            metrics: count(metrics.len()),
            polled_queues: count(template.queue_triggers()?.len()),
            schedules: schedules.collect(),
            recoverable: recoverable.collect(),
            table_users: table_users(&template),
            backups: super::backups::backups(&template, &root),
        })
    }

    /// How much memory a function has, in GB.
    pub(super) fn gigabytes(&self, function: &str) -> f64 {
        self.memory.iter().find(|(name, _)| name == function).map_or(0.0, |(_, megabytes)| megabytes / 1024.0)
    }

    /// How often a function runs by its schedule in 30 days.
    pub(super) fn runs(&self, function: &str) -> f64 {
        self.schedules.iter().filter(|(name, _)| name == function).map(|(_, runs)| runs).sum()
    }
}

fn keys(template: &Template) -> f64 {
    count(template.resources("AWS::KMS::Key").len() + template.resources("AWS::KMS::ReplicaKey").len())
}

/// The resources of a kind that are there by default: under no condition, or under the one that this is AWS.
fn standing(template: &Template, kind: &str) -> Vec<Value> {
    let by_default = |resource: &Value| at(resource, &["Condition"]).is_none_or(|condition| condition.as_str() == Some("IsAws"));
    template.resources(kind).into_iter().map(|(_, resource)| resource).filter(by_default).collect()
}

fn alarms(template: &Template) -> f64 {
    standing(template, "AWS::CloudWatch::Alarm").iter().map(looked_at).sum()
}

/// How many metrics an alarm is billed for.
fn looked_at(alarm: &Value) -> f64 {
    let Some(metrics) = at(alarm, &["Properties", "Metrics"]).and_then(Value::as_sequence) else { return 1.0 };
    let expression = |metric: &Value| at(metric, &["Expression"]).and_then(Value::as_str).unwrap_or_default().to_owned();
    let knows_what_is_usual = metrics.iter().any(|metric| expression(metric).contains("ANOMALY_DETECTION_BAND"));
    let metrics = metrics.iter().filter(|metric| at(metric, &["MetricStat"]).is_some()).count();
    count(metrics) * if knows_what_is_usual { 3.0 } else { 1.0 }
}

pub(super) fn count(length: usize) -> f64 {
    f64::from(u32::try_from(length).unwrap_or(u32::MAX))
}

/// The metric that an alarm looks at, if lines of our log count it: each of them has an alarm.
fn metric_of_ours(alarm: &Value) -> Option<String> {
    let Value::Tagged(namespace) = at(alarm, &["Properties", "Namespace"])? else { return None };
    let is_ours = namespace.value.as_str().is_some_and(|namespace| namespace.starts_with("Lethe/"));
    at(alarm, &["Properties", "MetricName"]).and_then(Value::as_str).filter(|_| is_ours).map(ToOwned::to_owned)
}

fn table_users(template: &Template) -> f64 {
    let used = template.functions().into_iter().map(|function| {
        let grants =
            template.grants(&function).into_iter().filter(|grant| grant.actions.iter().any(|action| action.starts_with("dynamodb:")));
        let mut tables: Vec<String> = grants.flat_map(|grant| grant.resources).map(|resource| of_table(&resource)).collect();
        tables.sort();
        tables.dedup();
        tables.into_iter().filter(|table| table.ends_with("Table")).count()
    });
    count(used.sum())
}

/// The table of an index.
fn of_table(resource: &str) -> String {
    resource.split('/').next().unwrap_or_default().to_owned()
}
