//! What reads the log (promises ): every function's calls are counted, but of those that the counting itself starts, or it would count
//! itself for ever; and nobody but CloudWatch Logs, for the log groups of this stack, starts the function that counts.

use std::collections::BTreeSet;

use local::template::{Template, at};
use shared::telemetry::metrics::FunctionName;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource, lacks, names_in};

/// More than this CloudWatch Logs refuses, half way through a deployment.
const MOST_OF_A_GROUP: usize = 2;

/// The one event of a call, and no other line: see `event.duration` in the log.
const CALLS: &str = "{ $.event.duration >= 0 }";

/// The log groups of this stack. A log group's ARN ends in a star, whoever names it.
const OUR_LOGS: &str = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/lethe/${AWS::StackName}/*:*";

pub fn subscription_findings(deployed: &Deployed) -> Vec<String> {
    let filters = deployed.resources("AWS::Logs::SubscriptionFilter");
    let of_group = |group: &str| filters.iter().filter(|filter| filter.names(&["LogGroupName"]) == [group]).collect::<Vec<_>>();
    let readers = readers(deployed);
    let started: BTreeSet<String> = readers.iter().flat_map(|reader| started_by(deployed, reader)).collect();
    let mut findings = Vec::new();
    for function in deployed.functions() {
        let log = format!("{}Log", function.id);
        let own = of_group(&log);
        if own.len() > MOST_OF_A_GROUP {
            findings.push(format!("{log} has {} subscriptions, and CloudWatch Logs takes {MOST_OF_A_GROUP}", own.len()));
        }
        let counted = own.iter().filter(|filter| reader(filter).is_some()).count();
        match (started.contains(function.id), counted) {
            (true, 0) | (false, 1) => {}
            (true, _) => findings.push(format!("{log} is counted, and {} is started by what counts: it would never end", function.id)),
            (false, _) => findings.push(format!("{log} is counted {counted} times")),
        }
    }
    for filter in filters.iter().filter(|filter| reader(filter).is_some()) {
        let allows =
            |permission: &Resource<'_>| is_for_logs(permission) && permission.names(&["FunctionName"]) == filter.names(&["DestinationArn"]);
        let permission = deployed.resources("AWS::Lambda::Permission").into_iter().find(allows).map(|permission| permission.id);
        let waits = at(filter.whole, &["DependsOn"]).and_then(Value::as_str);
        findings.extend(lacks(
            filter.id,
            &[
                ("the filter of calls", filter.text(&["FilterPattern"]) == Some(CALLS)),
                ("the permission that CloudWatch Logs asks for first", permission.is_some() && waits == permission),
            ],
        ));
    }
    for permission in deployed.resources("AWS::Lambda::Permission").iter().filter(|permission| is_for_logs(permission)) {
        let is_bound = permission.names(&["SourceAccount"]) == ["AWS::AccountId"] && permission.names(&["SourceArn"]) == [OUR_LOGS];
        let is_read = permission.names(&["FunctionName"]).iter().all(|alias| readers.contains(alias.trim_end_matches(":live")));
        findings.extend(lacks(
            permission.id,
            &[
                ("being for the log groups of this stack alone", is_bound),
                ("being for a function that reads logs", is_read),
                ("being to invoke and nothing else", permission.text(&["Action"]) == Some("lambda:InvokeFunction")),
            ],
        ));
    }
    findings
}

/// Whether CloudWatch Logs may start a function by it.
pub fn is_for_logs(permission: &Resource<'_>) -> bool {
    permission.names(&["Principal"]) == ["logs.amazonaws.com"]
}

/// The functions that read logs.
pub fn readers(deployed: &Deployed) -> BTreeSet<String> {
    deployed.resources("AWS::Logs::SubscriptionFilter").iter().filter_map(reader).collect()
}

/// The function that a filter sends lines to, if it is one.
fn reader(filter: &Resource<'_>) -> Option<String> {
    filter.names(&["DestinationArn"]).pop()?.strip_suffix(":live").map(ToOwned::to_owned)
}

/// A function, and whatever takes from a queue that one of these may send to.
fn started_by(deployed: &Deployed, function: &str) -> BTreeSet<String> {
    let (mut all, mut new) = (BTreeSet::new(), vec![function.to_owned()]);
    while let Some(one) = new.pop() {
        let role = format!("{one}Role");
        let takes = |other: &Resource<'_>| {
            let events = deployed.events(other);
            let mut queues = events.iter().filter(|(kind, _)| *kind == "SQS").flat_map(|(_, event)| names_in(at(event, &["Queue"])));
            queues.any(|queue| deployed.may(&role, "sqs:SendMessage", &queue))
        };
        if all.insert(one) {
            new.extend(deployed.functions().iter().filter(|other| takes(other)).map(|other| other.id.to_owned()));
        }
    }
    all
}

#[test]
fn the_one_function_that_reads_logs_starts_the_one_that_forwards() {
    let deployed = Deployed::here();
    assert_eq!(readers(&deployed), BTreeSet::from(["Usage".to_owned()]));
    assert_eq!(started_by(&deployed, "Usage"), BTreeSet::from(["TelemetryForwarder".to_owned(), "Usage".to_owned()]));
}

/// A line of a function that is not among these is counted for nobody.
#[test]
fn every_function_can_be_counted_by_its_name() {
    let named: BTreeSet<String> = Template::deployed().unwrap().functions().iter().map(|id| Template::function_name(id)).collect();
    assert_eq!(FunctionName::ALL.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), named);
    assert!(FunctionName::ALL.is_sorted());
}
