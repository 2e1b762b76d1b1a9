//! Whoever is to tell of a fault can, in both templates (promises ): alarms and rules are switched on, what must be known at once
//! rings at the first time, and whatever has a topic as its target may publish to it and use its key. Which alarms there must be,
//! `tests/alarms.rs` knows.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource, items, lacks, names_in, resources_of};
use super::statements::{Statement, statements_of};

/// What hears of the uses of a key: those are reading events, which a rule hears of in this state only.
const HEARS_READINGS: [&str; 2] = ["KeyUsedByOthers", "ReplicaUsed"];
const ALL_EVENTS: &str = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";

/// Signals of which one is too many.
const AT_ONCE: [&str; 5] = ["cross-tenant", "incident", "keys-missing", "operator-call", "purge-incident"];

/// The only conditions that hold when CloudWatch publishes; EventBridge says nothing about itself.
const OF_ALARMS: [(&str, &str, &str); 2] = [
    ("StringEquals", "aws:SourceAccount", "AWS::AccountId"),
    ("ArnLike", "aws:SourceArn", "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-*"),
];

pub fn telling_findings(deployed: &Deployed) -> Vec<String> {
    let both = [&deployed.main, &deployed.backup_region].into_iter();
    both.flat_map(|document| [switch_findings(document), right_findings(document)].concat()).collect()
}

fn is_alarm(resource: &Resource<'_>) -> bool {
    ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"].contains(&resource.kind)
}

/// Alarms and rules that say nothing, or say it too late.
fn switch_findings(document: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for resource in resources_of(document) {
        if is_alarm(&resource) {
            let acts = resource.property(&["ActionsEnabled"]).is_none_or(|acts| acts.as_bool() == Some(true));
            // A rule and a policy know this stack's alarms by how their names begin.
            let named = resource.names(&["AlarmName"]).iter().all(|name| name.starts_with("${AWS::StackName}-"));
            findings.extend(lacks(resource.id, &[("actions that are switched on", acts), ("a name of this stack", named)]));
        }
        if resource.names(&["MetricName"]) == ["Signals"]
            && resource.names(&["Dimensions"]).iter().any(|name| AT_ONCE.contains(&name.as_str()))
        {
            let is_one = |name: &str| resource.property(&[name]).is_none_or(|number| number.as_u64() == Some(1));
            let rings = resource.text(&["ComparisonOperator"]) == Some("GreaterThanOrEqualToThreshold")
                && resource.text(&["Statistic"]) == Some("Sum")
                && resource.property(&["Threshold"]).is_some()
                && ["Threshold", "EvaluationPeriods", "DatapointsToAlarm"].into_iter().all(is_one);
            findings.extend(lacks(resource.id, &[("ringing at the first time", rings)]));
        }
        if resource.kind == "AWS::Events::Rule" {
            let state = resource.property(&["State"]).map_or(Some("ENABLED"), Value::as_str);
            let wanted = if HEARS_READINGS.contains(&resource.id) { ALL_EVENTS } else { "ENABLED" };
            findings.extend(lacks(resource.id, &[("the state in which it hears what it is for", state == Some(wanted))]));
        }
    }
    findings
}

/// Speakers whom the topic, or its key, does not know.
fn right_findings(document: &Value) -> Vec<String> {
    let (resources, statements) = (resources_of(document), statements_of(document));
    let mut findings = Vec::new();
    for topic in resources.iter().filter(|resource| resource.kind == "AWS::SNS::Topic") {
        for service in ["cloudwatch.amazonaws.com", "events.amazonaws.com"] {
            if !resources.iter().any(|resource| speaks_as(resource) == Some(service) && targets(resource).iter().any(|id| id == topic.id)) {
                continue;
            }
            let publishes = statements.iter().any(|statement| may_publish(statement, topic, service));
            let uses_key = ["kms:Decrypt", "kms:GenerateDataKey"]
                .into_iter()
                .all(|action| statements.iter().any(|statement| statement.grants(action) && may_use_key(statement, topic, service)));
            if !publishes {
                findings.push(format!("{service} tells {}, and may not publish to it", topic.id));
            }
            if !uses_key {
                findings.push(format!("{service} tells {}, and may not use its key", topic.id));
            }
        }
    }
    findings
}

fn speaks_as(resource: &Resource<'_>) -> Option<&'static str> {
    match resource.kind {
        _ if is_alarm(resource) => Some("cloudwatch.amazonaws.com"),
        "AWS::Events::Rule" => Some("events.amazonaws.com"),
        _ => None,
    }
}

/// What an alarm or a rule does.
fn targets(resource: &Resource<'_>) -> Vec<String> {
    let of_alarm = ["AlarmActions", "OKActions", "InsufficientDataActions"].into_iter().flat_map(|name| resource.names(&[name]));
    of_alarm.chain(items(resource.property(&["Targets"])).into_iter().flat_map(|target| names_in(at(target, &["Arn"])))).collect()
}

fn may_publish(statement: &Statement<'_>, topic: &Resource<'_>, service: &str) -> bool {
    let holds = |(operator, key, values): &(String, String, Vec<String>)| {
        let known = |(by, of, value): &(&str, &str, &str)| by == operator && of == key && values.iter().any(|one| one == value);
        service == "cloudwatch.amazonaws.com" && OF_ALARMS.iter().any(known)
    };
    statement.holder.kind == "AWS::SNS::TopicPolicy"
        && statement.holder.names(&["Topics"]).iter().any(|id| id == topic.id)
        && statement.grants("sns:Publish")
        && statement.is_about(topic.id)
        && statement.principals.iter().any(|who| who == service)
        && statement.conditions.iter().all(holds)
}

/// The topic's name is a part of the condition, so both must be the same.
fn may_use_key(statement: &Statement<'_>, topic: &Resource<'_>, service: &str) -> bool {
    let arn =
        topic.names(&["TopicName"]).pop().map(|name| format!("arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:{name}"));
    let named = statement.demands("StringEquals", "kms:EncryptionContext:aws:sns:topicArn");
    topic.names(&["KmsMasterKeyId"]) == [statement.holder.id]
        && statement.principals.iter().any(|who| who == service)
        && statement.conditions.len() == 1
        && named.into_iter().map(str::to_owned).next() == arn
}
