//! The alarms of `template.yaml` (promises ): each can ring, each has a page that says what to do, and nothing that must be watched is
//! not. [`raised`] provokes every signal and reads what the real line of the log counts; [`calls`] holds the rules against calls that CloudTrail
//! tells of, those of `backup-region.yaml` too.

mod calls;
mod emf;
mod pattern;
mod raised;

use std::collections::{BTreeMap, BTreeSet};

use local::template::{Schedule, Template, at};
use shared::platform::signal::Signal;
use yaml_serde::Value;

use emf::Metric;

const TEMPLATE: &str = include_str!("../template.yaml");
const BACKUP_REGION: &str = include_str!("../backup-region.yaml");
const PAGES: &str = include_str!("../docs/OPERATIONS.md");

/// The namespace of what is counted in our own log.
pub(crate) const OURS: &str = "Lethe/${AWS::StackName}";

const DAY: u64 = 86_400;

/// A template, read for who is told of what.
pub(crate) struct Watched {
    template: Template,
    root: Value,
}

/// One alarm of CloudWatch's over one metric; of those over an expression, only the name and the page are read.
#[derive(Debug)]
pub(crate) struct Alarm {
    pub(crate) id: String,
    description: String,
    namespace: String,
    metric: Metric,
    pub(crate) threshold: f64,
    period: u64,
    periods: u64,
    comparison: String,
    missing: String,
    tells: Vec<String>,
}

impl Alarm {
    fn is_silence(&self) -> bool {
        self.comparison == "LessThanThreshold"
    }

    fn is_on(&self, namespace: &str, metric: &str, dimension: &str, value: &str) -> bool {
        (self.namespace.as_str(), self.metric.0.as_str()) == (namespace, metric)
            && self.metric.1.get(dimension).map(String::as_str) == Some(value)
    }
}

/// A text, or what a reference is to: `!Ref Queue` and `!GetAtt Queue.QueueName` are both `Queue`.
fn named(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) if tagged.tag == "GetAtt" => {
            tagged.value.as_str().unwrap_or_default().split('.').next().unwrap_or_default().to_owned()
        }
        Value::Tagged(tagged) => tagged.value.as_str().unwrap_or_default().to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The logical id of a function that is called so everywhere else.
fn id_of(function: &str) -> String {
    let word = |word: &str| word.chars().take(1).map(|letter| letter.to_ascii_uppercase()).chain(word.chars().skip(1)).collect::<String>();
    function.split('-').map(word).collect()
}

/// Whether some line counts such a metric: [`raised`] has the real ones.
fn is_counted((metric, dimensions): &Metric, functions: &[String], operators: &[String]) -> bool {
    let dimensions: Vec<_> = dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    match (metric.as_str(), dimensions.as_slice()) {
        // Which signals there are is held against the alarms elsewhere.
        ("Signals", [("Signal", _)]) | ("KeysUnwrapped", []) => true,
        // A call to where only operators call is a signal of that, whatever becomes of it.
        ("Failures", [("Function", name)]) => functions.contains(&id_of(name)) && !operators.contains(&id_of(name)),
        _ => false,
    }
}

/// Every value below this one that stands under such a name.
fn below<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Mapping(members) => {
            for (key, member) in members {
                if key.as_str() == Some(name) {
                    found.push(member);
                }
                below(member, name, found);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| below(item, name, found)),
        Value::Tagged(tagged) => below(&tagged.value, name, found),
        _ => {}
    }
}

/// How a heading is addressed.
fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase().replace(' ', "-");
    letters.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect()
}

/// What each page says that it is about: the names in its line `Alarms: …`, where `…Errors` stands for all that end so.
fn pages(text: &str) -> BTreeMap<String, Vec<&str>> {
    let sections = text.split("\n## ").skip(1);
    sections
        .filter_map(|section| {
            let (heading, rest) = section.split_once('\n')?;
            let named = rest.lines().find_map(|line| line.strip_prefix("Alarms: "))?;
            Some((anchor(heading), named.split('`').skip(1).step_by(2).collect()))
        })
        .collect()
}

impl Watched {
    pub(crate) fn deployed() -> Self {
        Self::read(TEMPLATE)
    }

    fn read(text: &str) -> Self {
        Self { template: Template::parse(text).unwrap(), root: yaml_serde::from_str(text).unwrap() }
    }

    fn number(&self, value: Option<&Value>) -> f64 {
        let number = match value {
            Some(Value::Tagged(reference)) => at(&self.root, &["Parameters", reference.value.as_str().unwrap_or_default(), "Default"]),
            other => other,
        };
        number.and_then(Value::as_f64).unwrap_or_default()
    }

    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        let alarms = self.template.resources("AWS::CloudWatch::Alarm").into_iter();
        alarms
            .map(|(id, alarm)| {
                let property = |name: &str| at(&alarm, &["Properties", name]);
                let text = |name: &str| property(name).map(named).unwrap_or_default();
                let whole = |name: &str| property(name).and_then(Value::as_u64).unwrap_or_default();
                let dimensions = property("Dimensions").and_then(Value::as_sequence).into_iter().flatten();
                let dimensions = dimensions.map(|one| (named(&one["Name"]), named(&one["Value"])));
                Alarm {
                    description: text("AlarmDescription"),
                    namespace: text("Namespace"),
                    metric: (text("MetricName"), dimensions.collect()),
                    threshold: self.number(property("Threshold")),
                    period: whole("Period"),
                    periods: whole("EvaluationPeriods"),
                    comparison: text("ComparisonOperator"),
                    missing: text("TreatMissingData"),
                    tells: property("AlarmActions").and_then(Value::as_sequence).into_iter().flatten().map(named).collect(),
                    id,
                }
            })
            .collect()
    }

    /// What speaks to the topic of alarms, by the page that it names: alarms, and rules by what they say.
    fn speakers(&self) -> Vec<(String, String)> {
        let rules = self.template.resources("AWS::Events::Rule").into_iter();
        let rules = rules.map(|(id, rule)| (id, at(&rule, &["Properties", "Description"]).map(named).unwrap_or_default(), rule));
        let rules = rules.filter(|(.., rule)| {
            let mut targets = Vec::new();
            below(rule, "Arn", &mut targets);
            targets.into_iter().any(|target| named(target) == "AlarmTopic")
        });
        let alarms = self.alarms().into_iter().map(|alarm| (alarm.id, alarm.description));
        rules.map(|(id, description, _)| (id, description)).chain(alarms).collect()
    }

    /// What is wrong, in words that name it.
    fn findings(&self, operations: &str) -> Vec<String> {
        let mut found = self.pages_that_lack(operations);
        found.extend(self.alarms_that_cannot_ring());
        found.extend(self.logs_that_nobody_reads());
        found.extend(self.things_that_nobody_watches());
        found
    }

    fn pages_that_lack(&self, operations: &str) -> Vec<String> {
        let speakers = [self.speakers(), Self::read(BACKUP_REGION).speakers()].concat();
        let (pages, mut found) = (pages(operations), Vec::new());
        let is_about = |name: &str, id: &str| name.strip_prefix('…').map_or(name == id, |end| id.ends_with(end));
        for (id, description) in &speakers {
            match description.split_once("docs/OPERATIONS.md#").and_then(|(_, page)| Some((page, pages.get(page)?))) {
                Some((_, names)) if names.iter().any(|name| is_about(name, id)) => {}
                Some((page, _)) => found.push(format!("the page {page} does not name {id}")),
                None => found.push(format!("{id} names no page that is there: {description}")),
            }
        }
        for (page, names) in &pages {
            let strangers = names.iter().filter(|name| !speakers.iter().any(|(id, _)| is_about(name, id)));
            found.extend(strangers.map(|name| format!("the page {page} names {name}, which is not there")));
        }
        found
    }

    fn alarms_that_cannot_ring(&self) -> Vec<String> {
        let (functions, operators, mut found) = (self.template.functions(), self.template.operators(), Vec::new());
        for alarm in self.alarms() {
            let mut say = |fault: &str| found.push(format!("{} {fault}", alarm.id));
            if alarm.tells != ["AlarmTopic"] {
                say("tells nobody");
            }
            // Where silence is the fault, no data is one; everywhere else it is a quiet day. The default keeps the last state for ever.
            match alarm.missing.as_str() {
                "breaching" if alarm.is_silence() => {}
                "notBreaching" if !alarm.is_silence() => {}
                _ => say("takes silence for the wrong thing"),
            }
            if alarm.metric.0.is_empty() {
                continue;
            }
            // PutMetricAlarm: a day at most, and a week where a period has an hour or more.
            if alarm.period * alarm.periods > if alarm.period < 3600 { DAY } else { 7 * DAY } || alarm.period % 60 != 0 {
                say("looks back further than CloudWatch does");
            }
            if alarm.threshold < 1.0 {
                say("has no threshold");
            }
            if alarm.namespace == OURS && !is_counted(&alarm.metric, &functions, &operators) {
                say("is about a metric that no line counts");
            }
        }
        found
    }

    fn logs_that_nobody_reads(&self) -> Vec<String> {
        let (subscriptions, mut found) = (self.template.resources("AWS::Logs::SubscriptionFilter"), Vec::new());
        let global = at(&self.root, &["Globals", "Function", "Environment", "Variables", "LETHE_METRICS_NAMESPACE"]);
        if global.map(named).as_deref() != Some(OURS) {
            found.push("lines count in another namespace than alarms look into".to_owned());
        }
        for (id, _) in self.template.resources("AWS::Logs::LogGroup") {
            let function = id.strip_suffix("Log").unwrap_or(&id);
            // By its name, and whether it is about this log group and sends what matches this pattern to such a place.
            let sends = |what: &str, pattern: &str, destination: &str| {
                let subscription = subscriptions.iter().find(|(own, _)| *own == format!("{function}{what}"));
                let said = |name: &str| subscription.and_then(|(_, own)| at(own, &["Properties", name])).map(named);
                ["LogGroupName", "FilterPattern", "DestinationArn"].map(said)
                    == [&id, pattern, destination].map(|wanted: &str| Some(wanted.to_owned()))
            };
            if !sends("Shipped", "", "LogShipping") {
                found.push(format!("{id} is not shipped whole"));
            }
            // Lines about lines would have no end.
            let counts = !["Usage", "TelemetryForwarder"].contains(&function);
            if counts != sends("Counted", "{ $.event.duration >= 0 }", "Usage.Alias") {
                found.push(format!("the calls in {id} are not counted, or are and must not be"));
            }
        }
        found
    }

    fn things_that_nobody_watches(&self) -> Vec<String> {
        let (alarms, mut found) = (self.alarms(), Vec::new());
        let watched = |namespace: &str, metric: &str, dimension: &str, value: &str| {
            alarms.iter().find(|alarm| alarm.is_on(namespace, metric, dimension, value))
        };
        for function in self.template.functions() {
            for metric in ["Errors", "Throttles"] {
                if watched("AWS/Lambda", metric, "FunctionName", &function).is_none() {
                    found.push(format!("nobody watches the {metric} of {function}"));
                }
            }
        }
        let mut dead_letters = Vec::new();
        for name in ["deadLetterTargetArn", "DeadLetterConfig", "DeadLetterQueue", "OnFailure"] {
            let mut targets = Vec::new();
            below(&self.root, name, &mut targets);
            for target in targets {
                let (mut inner, queues) = (Vec::new(), self.template.resources("AWS::SQS::Queue"));
                ["Arn", "Destination", "QueueLogicalId"].iter().for_each(|name| below(target, name, &mut inner));
                let named = std::iter::once(target).chain(inner).map(named).filter(|name| queues.iter().any(|(id, _)| id == name));
                dead_letters.extend(named);
            }
        }
        for queue in dead_letters.into_iter().collect::<BTreeSet<_>>() {
            if watched("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", &queue).is_none() {
                found.push(format!("nobody looks into {queue}"));
            }
        }
        for Schedule { function, every } in self.template.schedules().unwrap() {
            let silence = watched("AWS/Lambda", "Invocations", "FunctionName", &function).filter(|alarm| alarm.is_silence());
            let waits = silence.map_or(0, |alarm| alarm.period * alarm.periods);
            // Longer than a run that is a little late, and short enough that a missing one is found.
            if waits <= every.as_secs() || waits > (4 * every.as_secs()).min(2 * DAY) {
                found.push(format!("nobody misses {function} when it does not run"));
            }
        }
        for (vault, _) in self.template.resources("AWS::Backup::BackupVault") {
            for metric in
                ["NumberOfBackupJobsCompleted", "NumberOfRecoveryPointsExpired", "NumberOfCopyJobsFailed", "NumberOfCopyJobsCompleted"]
            {
                if watched("AWS/Backup", metric, "BackupVaultName", &vault).is_none() {
                    found.push(format!("nobody watches the {metric} of {vault}"));
                }
            }
        }
        let signals = |name: &str| alarms.iter().any(|alarm| alarm.is_on(OURS, "Signals", "Signal", name));
        let lacking = Signal::ALL.iter().filter(|signal| !signals(signal.name()));
        found.extend(lacking.map(|signal| format!("no alarm is about the signal {}", signal.name())));
        let unheard = alarms.iter().filter(|alarm| alarm.namespace == OURS).filter_map(|alarm| alarm.metric.1.get("Signal"));
        let unheard = unheard.filter(|name| !Signal::ALL.iter().any(|signal| signal.name() == name.as_str()));
        found.extend(unheard.map(|name| format!("an alarm is about {name}, which no line says")));
        found
    }
}

/// Promises.
#[test]
fn every_alarm_can_ring_has_its_page_and_nothing_goes_unwatched() {
    assert_eq!(Watched::deployed().findings(PAGES), Vec::<String>::new());
}

#[test]
fn signals_are_words_and_no_two_are_the_same() {
    let names: BTreeSet<&str> = Signal::ALL.iter().map(|signal| signal.name()).collect();
    assert_eq!(names.len(), Signal::ALL.len());
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
}

/// What is found once this piece of the template, found after `resource`, is another.
#[track_caller]
fn found_with(resource: &str, piece: &str, other: &str) -> Vec<String> {
    let (before, after) = TEMPLATE.split_once(&format!("\n  {resource}:\n")).unwrap_or_else(|| panic!("there is no {resource}"));
    assert!(after.contains(piece), "{resource} does not say {piece}");
    Watched::read(&format!("{before}\n  {resource}:\n{}", after.replacen(piece, other, 1))).findings(PAGES)
}

#[test]
fn a_page_that_is_missing_or_is_about_nothing_is_noticed() {
    let found = Watched::deployed().findings(&PAGES.replace("\n## Refused tokens\n", "\n## Other tokens\n"));
    assert!(found[0].starts_with("RefusedTokens names no page that is there"), "{found:?}");
    let found = Watched::deployed().findings(&PAGES.replace("Alarms: `RefusedTokens`", "Alarms: `Refused`"));
    assert_eq!(found, ["the page refused-tokens does not name RefusedTokens", "the page refused-tokens names Refused, which is not there"]);
}

#[test]
fn an_alarm_that_could_never_ring_is_noticed() {
    let found = found_with("CrossTenantAttempts", "Value: cross-tenant", "Value: cross-tenants");
    let told = ["no alarm is about the signal cross-tenant", "an alarm is about cross-tenants, which no line says"];
    assert_eq!(found, told);
    let found = found_with("PageServerErrors", "MetricName: Failures", "MetricName: Failure");
    assert_eq!(found, ["PageServerErrors is about a metric that no line counts"]);
    let found = found_with("PurgeMissing", "TreatMissingData: breaching", "TreatMissingData: missing");
    assert_eq!(found, ["PurgeMissing takes silence for the wrong thing"]);
    let found = found_with("KeysMissing", "AlarmActions: [!Ref AlarmTopic]", "AlarmActions: []");
    assert_eq!(found, ["KeysMissing tells nobody"]);
    let found = found_with("DormantMissing", "Period: 21600", "Period: 1800");
    assert_eq!(found, ["nobody misses Dormant when it does not run"]);
    let found = found_with("KeyUse", "Threshold: !Ref KeyUseCeiling", "Threshold: 0");
    assert_eq!(found, ["KeyUse has no threshold"]);
}

#[test]
fn a_log_that_nobody_counts_or_ships_is_noticed() {
    let found = found_with("PageShipped", "FilterPattern: \"\"", "FilterPattern: error");
    assert_eq!(found, ["PageLog is not shipped whole"]);
    let found = found_with("PageShipped", "!Ref PageLog", "!Ref PurgeLog");
    assert_eq!(found, ["PageLog is not shipped whole"]);
    let found = found_with("PageCounted", "$.event.duration >= 0", "$.event.duration > 0");
    assert_eq!(found, ["the calls in PageLog are not counted, or are and must not be"]);
    let elsewhere = TEMPLATE.replace("LETHE_METRICS_NAMESPACE: !Sub \"Lethe/${AWS::StackName}\"", "LETHE_METRICS_NAMESPACE: Lethe");
    let found = Watched::read(&elsewhere).findings(PAGES);
    assert_eq!(found, ["lines count in another namespace than alarms look into"]);
}

#[test]
fn what_nobody_watches_is_noticed() {
    let found = found_with("PageErrors", "!Ref Page", "!Ref Purge");
    assert_eq!(found, ["nobody watches the Errors of Page"]);
    let found = found_with("PurgeDeadLettersFound", "!GetAtt PurgeDeadLetters.QueueName", "!GetAtt PurgeQueue.QueueName");
    assert_eq!(found, ["nobody looks into PurgeDeadLetters"]);
    let found = found_with("KeyCopiesFailed", "!Ref KeyBackupVault", "!Ref BackupVault");
    assert_eq!(found, ["nobody watches the NumberOfCopyJobsFailed of KeyBackupVault"]);
}
