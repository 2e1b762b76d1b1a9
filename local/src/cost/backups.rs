//! The backup plans of the template: how often a recovery point is made, of what, and how long it and its copy are kept.

use yaml_serde::Value;

use super::standing::Backup;
use crate::template::{Template, at};

/// Every rule of every plan.
pub(super) fn backups(template: &Template, root: &Value) -> Vec<Backup> {
    let selections = template.resources("AWS::Backup::BackupSelection");
    let plans = template.resources("AWS::Backup::BackupPlan");
    let rules = plans.iter().flat_map(|(plan, resource)| {
        let of = selected(template, &selections, plan);
        let rules = at(resource, &["Properties", "BackupPlan", "BackupPlanRule"]).and_then(Value::as_sequence);
        rules.into_iter().flatten().map(move |rule| Backup {
            name: format!("{plan}, {}", at(rule, &["RuleName"]).and_then(Value::as_str).unwrap_or_default()),
            of: of.clone(),
            a_month: 30.0 * at(rule, &["ScheduleExpression"]).and_then(Value::as_str).map_or(0.0, runs_a_day),
            days: days(root, at(rule, &["Lifecycle", "DeleteAfterDays"])),
            copied_days: copied(root, rule),
        })
    });
    rules.collect()
}

fn copied(root: &Value, rule: &Value) -> f64 {
    let copies = at(rule, &["CopyActions"]).map(branch).and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default();
    copies.iter().map(|copy| days(root, at(copy, &["Lifecycle", "DeleteAfterDays"]))).sum()
}

/// What an `!If` gives where its condition holds, anything else as it is.
fn branch(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => tagged.value.as_sequence().and_then(|branches| branches.get(1)).unwrap_or(value),
        other => other,
    }
}

/// A number, or a parameter's default.
fn days(root: &Value, said: Option<&Value>) -> f64 {
    match said {
        Some(Value::Tagged(reference)) => {
            let parameter = reference.value.as_str().unwrap_or_default();
            at(root, &["Parameters", parameter, "Default"]).and_then(Value::as_f64).unwrap_or_default()
        }
        Some(said) => said.as_f64().unwrap_or_default(),
        None => 0.0,
    }
}

/// The tables and buckets that a plan's selections name, by ARN or by a tag.
fn selected(template: &Template, selections: &[(String, Value)], plan: &str) -> Vec<String> {
    let of_plan = selections.iter().filter(|(_, selection)| {
        let names = at(selection, &["Properties", "BackupPlanId"]);
        matches!(names, Some(Value::Tagged(reference)) if reference.value.as_str().is_some_and(|id| id.split('.').next() == Some(plan)))
    });
    let mut found = Vec::new();
    for (_, selection) in of_plan {
        let arns = at(selection, &["Properties", "BackupSelection", "Resources"]).and_then(Value::as_sequence);
        let named = arns.into_iter().flatten().filter_map(|arn| match arn {
            Value::Tagged(arn) => arn.value.as_str()?.trim_start_matches("${").split(['.', '}']).next().map(ToOwned::to_owned),
            _ => None,
        });
        found.extend(named.filter(|id| id.ends_with("Table") || id.ends_with("Bucket")));
        found.extend(by_tags(template, selection));
    }
    found
}

/// Those that have every tag that a selection asks for.
fn by_tags(template: &Template, selection: &Value) -> Vec<String> {
    let asked = at(selection, &["Properties", "BackupSelection", "ListOfTags"]).and_then(Value::as_sequence);
    let asked: Vec<_> =
        asked.into_iter().flatten().filter_map(|tag| Some((tag.get("ConditionKey")?, tag.get("ConditionValue")?))).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let kinds = ["AWS::DynamoDB::Table", "AWS::S3::Bucket"].into_iter().flat_map(|kind| template.resources(kind));
    let tagged = kinds.filter(|(_, resource)| {
        let tags = at(resource, &["Properties", "Tags"]).and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default();
        asked.iter().any(|(key, value)| tags.iter().any(|tag| tag.get("Key") == Some(key) && tag.get("Value") == Some(value)))
    });
    tagged.map(|(id, _)| id).collect()
}

/// How often in a day a `cron` or a `rate` comes; 0 if this is none that is read here.
fn runs_a_day(expression: &str) -> f64 {
    let inner = |prefix: &str| expression.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
    if let Some((number, unit)) = inner("rate(").and_then(|rate| rate.split_once(' ')) {
        let hours = if unit.starts_with("hour") { 1.0 } else { 24.0 };
        return number.parse::<f64>().map_or(0.0, |number| 24.0 / (hours * number));
    }
    let hours = inner("cron(").and_then(|cron| cron.split(' ').nth(1)).unwrap_or_default();
    hours.split(',').map(hours_of).sum()
}

/// How many hours of a day one part of a list names: all, an hour, from one to another, or every so many from one on.
fn hours_of(part: &str) -> f64 {
    let number = |text: &str| if text == "*" { Some(0.0) } else { text.parse::<f64>().ok() };
    let hours = match (part.split_once('/'), part.split_once('-')) {
        (Some((first, step)), _) => number(first).zip(number(step)).map(|(first, step)| ((24.0 - first) / step).ceil()),
        (None, Some((first, last))) => number(first).zip(number(last)).map(|(first, last)| last - first + 1.0),
        (None, None) if part == "*" => Some(24.0),
        (None, None) => number(part).map(|_| 1.0),
    };
    hours.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_of_backups_are_read() {
        let said = ["0/4", "*", "2", "1,13", "0-2,4-23", "1/3", "*/6"].map(|hours| format!("cron(0 {hours} * * ? *)"));
        assert_eq!(said.map(|cron| runs_a_day(&cron)), [6.0, 24.0, 1.0, 2.0, 23.0, 8.0, 4.0]);
        assert_eq!(["rate(4 hours)", "rate(1 day)", "at(noon)", ""].map(runs_a_day), [6.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_plan_is_read_with_what_it_selects_and_how_long_it_keeps() {
        let text = "
Parameters: { Days: { Default: 35 } }
Resources:
  ATable: { Type: AWS::DynamoDB::Table, Properties: { Tags: [{ Key: backup, Value: standard }] } }
  BTable: { Type: AWS::DynamoDB::Table, Properties: {} }
  Plan:
    Type: AWS::Backup::BackupPlan
    Properties:
      BackupPlan:
        BackupPlanRule:
          - RuleName: daily
            ScheduleExpression: cron(0 2 * * ? *)
            Lifecycle: { DeleteAfterDays: !Ref Days }
            CopyActions: !If [HasCopy, [{ Lifecycle: { DeleteAfterDays: 7 } }], !Ref AWS::NoValue]
  One: { Type: AWS::Backup::BackupSelection, Properties: { BackupPlanId: !Ref Plan, BackupSelection: { Resources: [!GetAtt BTable.Arn] } } }
  Other:
    Type: AWS::Backup::BackupSelection
    Properties:
      BackupPlanId: !GetAtt Plan.BackupPlanId
      BackupSelection: { ListOfTags: [{ ConditionType: STRINGEQUALS, ConditionKey: backup, ConditionValue: standard }] }
";
        let (template, root) = (Template::parse(text).unwrap(), yaml_serde::from_str(text).unwrap());
        let of = vec!["BTable".to_owned(), "ATable".to_owned()];
        let expected = Backup { name: "Plan, daily".to_owned(), of, a_month: 30.0, days: 35.0, copied_days: 7.0 };
        assert_eq!(backups(&template, &root), [expected]);
    }
}
