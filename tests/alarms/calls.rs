//! The rules about calls that hardly anybody may make (promises ), held against calls as CloudTrail tells of them: each call of
//! `tests/fixtures/calls.yaml` is heard by its rule and no other, and what AWS itself does by plan or deployment is heard by nobody.

use std::collections::BTreeSet;

use local::template::Template;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::pattern::{Listener, filled, physical};
use super::{BACKUP_REGION, TEMPLATE, Watched, named};

const CALLS: &str = include_str!("../fixtures/calls.yaml");

/// What EventBridge allows by default.
const LONGEST: usize = 2_048;

/// Calls of one service that one rule is about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    /// The rule that hears them.
    rule: String,
    /// The service, as the event's source names it.
    service: String,
    calls: Vec<String>,
    /// What the events say besides, each way of which is heard.
    heard: Vec<Json>,
    /// Ways of which none is heard by any rule.
    #[serde(default)]
    unheard: Vec<Json>,
}

/// Services that call for themselves what a rule is about, and are not told.
const EXEMPT: [(&str, &[&str]); 4] = [
    ("CodeTouched", &["cloudformation", "codedeploy"]),
    ("CopiesMade", &["backup"]),
    ("CopiesWatchTouched", &["cloudformation"]),
    ("WatchChanged", &["cloudformation"]),
];

fn all() -> Vec<Calls> {
    yaml_serde::from_str(&filled(CALLS)).unwrap()
}

/// All rules of one template, or of the other.
fn listeners(text: &str) -> Vec<Listener> {
    Listener::all(&Template::parse(text).unwrap())
}

/// The event of a call by a person who has a role, with whatever `said` says instead.
fn event(service: &str, call: &str, said: &Json) -> Json {
    let mut detail = json!({
        "eventSource": format!("{}.amazonaws.com", if service == "cloudwatch" { "monitoring" } else { service }),
        "eventName": call,
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/Administrator/somebody",
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROA2SOMEBODYSROLE000"}},
        },
    });
    for (name, value) in said.as_object().unwrap() {
        detail[name] = value.clone();
    }
    json!({"source": format!("aws.{service}"), "detail-type": "AWS API Call via CloudTrail", "detail": detail})
}

/// As the same call looks when a service makes it.
fn by_service(mut event: Json, service: &str) -> Json {
    let service = format!("{service}.amazonaws.com");
    event["detail"]["sourceIPAddress"] = json!(service);
    event["detail"]["userIdentity"]["invokedBy"] = json!(service);
    event
}

fn heard_by(listeners: &[Listener], event: &Json) -> Vec<String> {
    listeners.iter().filter(|rule| rule.hears(event)).map(|rule| rule.id.clone()).collect()
}

/// The names of calls below a pattern.
fn names_of_calls(pattern: &Json, found: &mut Vec<Json>) {
    match pattern {
        Json::Object(members) => {
            found.extend(members.get("eventName").and_then(Json::as_array).into_iter().flatten().cloned());
            members.values().for_each(|member| names_of_calls(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| names_of_calls(item, found)),
        _ => {}
    }
}

#[test]
fn each_call_is_heard_by_its_rule_alone() {
    let both = [listeners(TEMPLATE), listeners(BACKUP_REGION)];
    for calls in all() {
        let own = both.iter().find(|rules| rules.iter().any(|rule| rule.id == calls.rule)).expect(&calls.rule);
        let exempt = EXEMPT.iter().find(|(rule, _)| *rule == calls.rule).map_or(&[][..], |(_, services)| services);
        for call in &calls.calls {
            for said in &calls.heard {
                let event = event(&calls.service, call, said);
                assert_eq!(heard_by(own, &event), std::slice::from_ref(&calls.rule), "{event:#}");
                for service in ["backup", "cloudformation", "codedeploy"] {
                    let event = by_service(event.clone(), service);
                    let told = if exempt.contains(&service) { vec![] } else { vec![calls.rule.clone()] };
                    // a grant that a service takes is none that a person gives
                    if call != "CreateGrant" {
                        assert_eq!(heard_by(own, &event), told, "{event:#}");
                    }
                }
            }
            for said in &calls.unheard {
                let event = event(&calls.service, call, said);
                assert_eq!(heard_by(own, &event), Vec::<String>::new(), "{event:#}");
            }
        }
    }
}

#[test]
fn a_grant_that_a_service_takes_for_itself_is_not_told() {
    for (text, key) in [(TEMPLATE, "WrappingKey.Arn"), (BACKUP_REGION, "CopiesKey.Arn")] {
        let event = event("kms", "CreateGrant", &json!({"resources": [{"ARN": physical(key)}]}));
        assert_eq!(heard_by(&listeners(text), &event).len(), 1);
        assert_eq!(heard_by(&listeners(text), &by_service(event, "dynamodb")), Vec::<String>::new());
    }
}

#[test]
fn every_call_that_a_rule_names_is_tried() {
    let tried = all();
    for rule in listeners(TEMPLATE).into_iter().chain(listeners(BACKUP_REGION)) {
        let mut named = Vec::new();
        names_of_calls(&rule.pattern, &mut named);
        assert!(!named.is_empty(), "{} names no call", rule.id);
        let own: BTreeSet<&str> =
            tried.iter().filter(|calls| calls.rule == rule.id).flat_map(|calls| &calls.calls).map(String::as_str).collect();
        for name in named {
            let is_tried = match &name {
                Json::String(name) => own.contains(name.as_str()),
                begins => own.iter().any(|call| call.starts_with(begins["prefix"].as_str().unwrap())),
            };
            assert!(is_tried, "{} names {name}, which no call of the fixture tries", rule.id);
        }
    }
}

/// CloudFormation fails at a longer one, and takes the whole deployment with it.
#[test]
fn every_pattern_is_as_short_as_eventbridge_wants_it() {
    for rule in listeners(TEMPLATE).into_iter().chain(listeners(BACKUP_REGION)) {
        let length = rule.pattern.to_string().chars().count();
        assert!(length <= LONGEST, "{} has {length} characters", rule.id);
    }
}

/// The roles that use the wrapping key untold and may not, or are told of and may.
fn mistaken(text: &str) -> Vec<String> {
    let (template, rules) = (Template::parse(text).unwrap(), listeners(text));
    let uses = |role: &str| {
        template.grants(role.trim_end_matches("Role")).into_iter().any(|grant| {
            let is_use = |action: &String| action.starts_with("kms:") && action != "kms:DescribeKey";
            grant.resources.iter().any(|resource| resource == "WrappingKey") && grant.actions.iter().any(is_use)
        })
    };
    let told = |role: &str| is_told(&rules, &session(&json!({"type": "Role", "principalId": physical(&format!("{role}.RoleId"))})));
    let roles = template.resources("AWS::IAM::Role").into_iter().map(|(role, _)| role);
    roles.filter(|role| told(role) == uses(role)).collect()
}

fn session(issuer: &Json) -> Json {
    json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": issuer}})
}

/// Whether somebody is told that whoever this is has used the wrapping key.
fn is_told(rules: &[Listener], identity: &Json) -> bool {
    let said = json!({"resources": [{"ARN": physical("WrappingKey.Arn")}], "userIdentity": identity});
    !heard_by(rules, &event("kms", "Decrypt", &said)).is_empty()
}

#[test]
fn the_roles_that_use_the_wrapping_key_untold_are_those_that_may() {
    assert_eq!(mistaken(TEMPLATE), Vec::<String>::new());
    let listed = "- !GetAtt PageRole.RoleId\n";
    assert_eq!(mistaken(&TEMPLATE.replace(listed, "- !GetAtt DescriptorRole.RoleId\n")), ["DescriptorRole", "PageRole"]);
}

#[test]
fn whoever_else_uses_the_wrapping_key_is_told_of_whatever_the_role_is_called() {
    let rules = listeners(TEMPLATE);
    let arn = filled("arn:aws:iam::111122223333:role/lethe/${AWS::StackName}/functions/mine");
    assert!(is_told(&rules, &session(&json!({"type": "Role", "principalId": "AROA2NAMESAKEOFOURS00", "arn": arn}))));
    for kind in ["IAMUser", "Root", "AWSAccount", "FederatedUser"] {
        assert!(is_told(&rules, &json!({"type": kind})), "{kind}");
    }
}

#[test]
fn the_backup_region_is_told_of_by_its_own_topic() {
    let copies = Watched::read(BACKUP_REGION);
    let rules = copies.template.resources("AWS::Events::Rule");
    assert_eq!(copies.speakers().len(), rules.len() + copies.alarms().len());
    for (vault, _) in copies.template.resources("AWS::Backup::BackupVault") {
        let watched = |alarm: &super::Alarm| alarm.is_on("AWS/Backup", "NumberOfRecoveryPointsExpired", "BackupVaultName", &vault);
        assert!(copies.alarms().iter().any(watched), "nobody watches {vault}");
    }
    let states = rules
        .iter()
        .filter(|(_, rule)| !rule["Properties"]["State"].is_null())
        .map(|(id, rule)| (id.as_str(), named(&rule["Properties"]["State"])));
    assert_eq!(states.collect::<Vec<_>>(), [("ReplicaUsed", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS".to_owned())]);
}
