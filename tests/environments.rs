//! How it is deployed: `samconfig.toml` has an environment for each region and each backup region, with parameters that there are and placeholders
//! that nobody can deploy by mistake; each stack's policy guards whatever is to outlive a deployment.

use std::collections::{BTreeMap, BTreeSet};

use local::template::at;
use serde_json::Value as Json;
use yaml_serde::Value;

const CONFIGURATION: &str = include_str!("../samconfig.toml");
const POLICY: &str = include_str!("../stack-policy.json");
const BACKUP_POLICY: &str = include_str!("../stack-policy-backup.json");
const TEMPLATE: &str = include_str!("../template.yaml");
const BACKUP_REGION: &str = include_str!("../backup-region.yaml");

fn template(text: &str) -> Value {
    yaml_serde::from_str(text).unwrap()
}

/// One section's settings: texts as they are, lists line by line.
type Section = BTreeMap<String, Vec<String>>;

/// The sections by their names, of the little of TOML that the file is written in. What is not understood fails.
fn sections() -> BTreeMap<String, Section> {
    let (mut sections, mut name, mut list) = (BTreeMap::<String, Section>::new(), String::new(), None);
    for line in CONFIGURATION.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let text = |quoted: &str| quoted.trim_matches('"').to_owned();
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name = title.to_owned();
        } else if line == "]" {
            list = None;
        } else if let Some(key) = &list {
            let item = line.strip_suffix(',').unwrap_or_else(|| panic!("no comma: {line}"));
            sections.get_mut(&name).and_then(|section| section.get_mut(key)).unwrap_or_else(|| panic!("{line}")).push(text(item));
        } else {
            let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("not understood: {line}"));
            let section = sections.entry(name.clone()).or_default();
            let values = if value == "[" { Vec::new() } else { vec![text(value)] };
            assert!(section.insert(key.to_owned(), values).is_none(), "twice: {line}");
            list = (value == "[").then(|| key.to_owned());
        }
    }
    sections
}

/// What is deployed where: the environments of the live regions, and those of the backup regions.
fn environments() -> (BTreeMap<String, Section>, BTreeMap<String, Section>) {
    let all = sections();
    let deployed = all.iter().filter_map(|(name, section)| {
        let name = name.strip_suffix(".deploy.parameters")?;
        let mut section = section.clone();
        // What is said for every command is said for this one.
        section.extend(all.get(&format!("{name}.global.parameters")).cloned().unwrap_or_default());
        Some((name.to_owned(), section))
    });
    deployed.partition(|(name, _)| !name.ends_with("-backup"))
}

fn one<'s>(section: &'s Section, key: &str) -> &'s str {
    match section.get(key).map(Vec::as_slice) {
        Some([value]) => value,
        other => panic!("{key}: {other:?}"),
    }
}

/// What an environment says for parameters, but for the file with its secrets.
fn said(section: &Section) -> Vec<(&str, &str)> {
    section["parameter_overrides"].iter().filter_map(|said| said.split_once('=')).collect()
}

fn names(value: &Value, under: &[&str]) -> BTreeSet<String> {
    at(value, under).and_then(Value::as_mapping).into_iter().flatten().map(|(name, _)| name.as_str().unwrap().to_owned()).collect()
}

/// Promise A-34: live data lies in these regions, and one command with another name deploys the next.
#[test]
fn every_allowed_region_has_an_environment_and_a_backup_region_of_its_own() {
    let template = template(TEMPLATE);
    let allowed = names(&template, &["Mappings", "Jurisdictions"]);
    let (live, backups) = environments();
    assert_eq!(live.values().map(|section| one(section, "region").to_owned()).collect::<BTreeSet<_>>(), allowed);
    for (name, section) in &live {
        let (region, stack) = (one(section, "region"), one(section, "stack_name"));
        let backup = backups.get(&format!("{name}-backup")).unwrap_or_else(|| panic!("{name} has no environment of its backup region"));
        let expected = at(&template, &["Mappings", "Jurisdictions", region, "BackupRegion"]).and_then(Value::as_str);
        assert_eq!(Some(one(backup, "region")), expected, "{name}");
        assert_eq!(one(backup, "template_file"), "backup-region.yaml", "{name}");
        let of_live = BTreeMap::from_iter(said(backup));
        assert_eq!((of_live["LiveStack"], of_live["LiveRegion"]), (stack, region), "{name}");
        assert!(section["parameter_overrides"].contains(&format!("file://.secrets/{name}.yaml")), "{name}");
    }
    assert_eq!(live.len(), backups.len());
}

#[test]
fn no_two_environments_share_a_stack_and_each_asks_before_it_changes_anything() {
    let (live, backups) = environments();
    let all: Vec<_> = live.into_iter().chain(backups).collect();
    let stacks: BTreeSet<_> = all.iter().map(|(_, section)| one(section, "stack_name")).collect();
    assert_eq!(stacks.len(), all.len());
    for (name, section) in &all {
        let asks = ["confirm_changeset", "fail_on_empty_changeset", "resolve_s3", "capabilities"].map(|key| one(section, key));
        assert_eq!(asks, ["true", "false", "true", "CAPABILITY_IAM"], "{name}");
        assert_eq!(one(section, "tags"), format!("application=lethe environment={name}"));
    }
}

#[test]
fn every_parameter_that_is_said_there_is_and_every_one_without_a_default_is_said() {
    let secrets = ["OriginSecrets", "OriginSecretPresented", "Ga4ApiSecret", "DatadogApiKey"];
    let (live, backups) = environments();
    for (environments, text, from_file) in [(live, TEMPLATE, &secrets[..]), (backups, BACKUP_REGION, &[])] {
        let template = template(text);
        let parameters = names(&template, &["Parameters"]);
        for (name, section) in environments {
            let said: BTreeSet<&str> = said(&section).into_iter().map(|(parameter, _)| parameter).collect();
            for parameter in &said {
                assert!(parameters.contains(*parameter), "{name}: there is no parameter {parameter}");
            }
            for parameter in &parameters {
                let has_default = at(&template, &["Parameters", parameter, "Default"]).is_some();
                let known = has_default || said.contains(parameter.as_str()) || from_file.contains(&parameter.as_str());
                assert!(known, "{name}: nobody says {parameter}");
            }
        }
    }
    let template = template(TEMPLATE);
    for secret in secrets {
        assert_eq!(at(&template, &["Parameters", secret, "NoEcho"]).and_then(Value::as_bool), Some(true), "{secret}");
        assert!(!CONFIGURATION.contains(&format!("\"{secret}=")), "{secret} stands in a file that is committed");
    }
}

#[test]
fn a_placeholder_that_was_not_filled_in_is_refused() {
    let (live, backups) = environments();
    let mut placeholders = 0;
    for (environments, text) in [(live, TEMPLATE), (backups, BACKUP_REGION)] {
        let template = template(text);
        for (name, section) in environments {
            for (parameter, value) in said(&section).into_iter().filter(|(_, value)| value.contains('<')) {
                let pattern = at(&template, &["Parameters", parameter, "AllowedPattern"]).and_then(Value::as_str);
                let pattern = pattern.unwrap_or_else(|| panic!("{name}: {parameter} has no pattern that refuses {value}"));
                assert!(pattern.split('|').all(|one| refuses(one, value)), "{name}: {pattern} allows {parameter}={value}");
                assert!(value.starts_with('<') && !value.contains(' '), "{value}: SAM would cut it");
                placeholders += 1;
            }
        }
    }
    assert!(placeholders > 8);
}

/// Whether a pattern certainly refuses a value that begins with `<`: by its first letter, or because it asks for one that is not there. What is
/// optional as a whole is looked into.
fn refuses(pattern: &str, value: &str) -> bool {
    let inner = pattern.strip_prefix('(').and_then(|rest| rest.strip_suffix(")?")).unwrap_or(pattern);
    let (mut in_class, mut in_braces, mut missing) = (false, false, false);
    for letter in inner.chars() {
        match letter {
            '[' => in_class = true,
            ']' => in_class = false,
            '{' => in_braces = true,
            '}' => in_braces = false,
            '.' | '+' | '*' | '?' | '(' | ')' => {}
            letter => missing |= !in_class && !in_braces && !value.contains(letter),
        }
    }
    let first_refuses = match inner.chars().next() {
        None => !value.is_empty(),
        Some('[') => !inner.starts_with("[^") && !inner.split(']').next().unwrap().contains('<'),
        Some('.' | '(') => false,
        Some(letter) => letter != '<',
    };
    first_refuses || missing
}

#[test]
fn what_refuses_a_placeholder_is_told_from_what_does_not() {
    let refusing = ["[a-z0-9.-]+", "arn:aws:acm:us-east-1:.+", "([0-9]{12})?", "[^@ ]+@[^@ ]+", "", "(arn:aws:iam::[0-9]{12}:role/.+)?"];
    assert!(refusing.iter().all(|pattern| refuses(pattern, "<role>")));
    assert!(![".+", "[^@ ]+", "<.+", "[<a-z]+", ".*"].iter().any(|pattern| refuses(pattern, "<role>")));
}

/// The types and the logical ids that a policy forbids to replace and to delete.
fn guarded(policy: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let policy: Json = serde_json::from_str(policy).unwrap();
    let (mut types, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let texts = |list: &Json| list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for statement in policy["Statement"].as_array().unwrap().iter().filter(|statement| statement["Effect"] == "Deny") {
        assert_eq!(statement["Action"], serde_json::json!(["Update:Replace", "Update:Delete"]));
        if statement["Resource"] == "*" {
            types.extend(texts(&statement["Condition"]["StringEquals"]["ResourceType"]));
        } else {
            ids.extend(texts(&statement["Resource"]).iter().map(|id| id.strip_prefix("LogicalResourceId/").unwrap().to_owned()));
        }
    }
    (types, ids)
}

/// CloudFormation refuses a policy that names a resource which the stack does not have, so none names one under a condition.
#[test]
fn whatever_is_retained_is_guarded_by_its_stacks_policy_and_code_is_not() {
    for (text, policy) in [(TEMPLATE, POLICY), (BACKUP_REGION, BACKUP_POLICY)] {
        let (types, ids) = guarded(policy);
        let (mut kinds, mut unconditional) = (BTreeSet::new(), BTreeSet::new());
        for (id, resource) in at(&template(text), &["Resources"]).and_then(Value::as_mapping).unwrap() {
            let (id, kind) = (id.as_str().unwrap().to_owned(), resource["Type"].as_str().unwrap().to_owned());
            let retained = resource.get("DeletionPolicy").and_then(Value::as_str).is_some_and(|policy| policy.starts_with("Retain"));
            let guarded = types.contains(&kind) || ids.contains(&id);
            assert!(!retained || guarded, "{id} ({kind}) is retained, and its stack's policy does not guard it");
            kinds.insert(kind);
            if resource.get("Condition").is_none() {
                unconditional.insert(id);
            }
        }
        assert!(types.is_subset(&kinds), "guarded and not there: {:?}", types.difference(&kinds).collect::<Vec<_>>());
        assert!(ids.is_subset(&unconditional), "named and perhaps not there: {:?}", ids.difference(&unconditional).collect::<Vec<_>>());
        let code = ["AWS::Serverless::Function", "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::CloudFront::Distribution"];
        assert!(code.iter().all(|kind| !types.contains(*kind)));
    }
}
