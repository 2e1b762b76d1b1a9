//! No policy says more than it names (promises ): no action, resource or principal with a star in it, but where the star is the
//! narrowest that there is.

use super::deployed::Deployed;
use super::statements::{Place, Statement, statements_of};

/// Where a star in a resource is right: the holder's type or logical id, how the resource ends, and why.
const STARS: &[(&str, &str, &str)] = &[
    ("AWS::KMS::Key", "*", "in a key's policy it is that key and nothing else"),
    ("AWS::KMS::ReplicaKey", "*", "so it is in a replica's"),
    ("AWS::Backup::BackupVault", "*", "in a vault's policy it is what lies in that vault and nothing else"),
    ("RestoreFilterRole", ":table/restored-*", "a table is named when it is restored, and nothing else begins so"),
    ("RestoreFilterRole", ":s3:::restored-*", "so is a bucket"),
    ("RestoreFilterRole", ":s3:::restored-*/*", "and what lies in it"),
    ("RestoreRole", ":table/restored-*", "a table is named when it is restored, and nothing else begins so"),
    ("RestoreRole", ":s3:::restored-*", "so is a bucket"),
    ("RestoreRole", ":s3:::restored-*/*", "and what lies in it"),
    ("BackupRole", ":rule/AwsBackupManagedRule*", "AWS Backup names the rules by which it hears of changes in a bucket"),
    ("BackupRole", ":recovery-point:*", "AWS names recovery points; which vaults they are copied between is a condition"),
    ("BackupRole", ":key/*", "the key of copies is another stack's; its alias is a condition"),
];

/// Actions that IAM binds to no resource: there is nothing narrower to say.
const OF_NO_RESOURCE: &[&str] = &["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "events:ListRules", "tag:GetResources"];

pub fn wildcard_findings(deployed: &Deployed) -> Vec<String> {
    let buckets: Vec<_> = deployed.resources("AWS::S3::Bucket").iter().map(|bucket| format!("{}/*", bucket.id)).collect();
    let mut findings = Vec::new();
    for statement in deployed.statements().into_iter().chain(statements_of(&deployed.backup_region)) {
        let name = statement.name();
        let mut find = |what: String| findings.push(format!("{name}: {what}"));
        if statement.allows {
            statement.inverted.iter().for_each(|inverted| find(format!("{inverted} allows whatever is not named")));
            statement.actions.iter().filter(|action| action.contains('*')).for_each(|action| find(format!("the action {action}")));
            statement.principals.iter().filter(|who| who.contains('*')).for_each(|who| find(format!("the principal {who}")));
            let is_unbound = statement.actions.iter().all(|action| OF_NO_RESOURCE.contains(&action.as_str()));
            let close = |resource: &&String| {
                buckets.contains(resource) || excuse(&statement, resource).is_some() || (is_unbound && resource.as_str() == "*")
            };
            let wide = statement.resources.iter().filter(|resource| resource.contains('*') && !close(resource));
            wide.for_each(|resource| find(format!("the resource {resource}")));
            if statement.actions.is_empty() || (statement.place == Place::Identity && statement.resources.is_empty()) {
                find("no action, or no resource".to_owned());
            }
        }
    }
    findings
}

/// The row that allows a star in this resource of this statement.
fn excuse(statement: &Statement<'_>, resource: &str) -> Option<usize> {
    let holder = statement.holder;
    let fits = |star: &str| {
        if star == "*" { resource == star } else { resource.ends_with(star) && resource.matches('*').count() == star.matches('*').count() }
    };
    STARS.iter().position(|(of, star, _)| (*of == holder.id || *of == holder.kind) && fits(star))
}

#[test]
fn every_star_that_is_allowed_is_needed() {
    let deployed = Deployed::here();
    let statements: Vec<_> = deployed.statements().into_iter().chain(statements_of(&deployed.backup_region)).collect();
    let needed = |row: usize| {
        let of = |statement: &Statement<'_>| statement.resources.iter().any(|resource| excuse(statement, resource) == Some(row));
        statements.iter().any(of)
    };
    for (row, (of, star, reason)) in STARS.iter().enumerate() {
        assert!(needed(row) && reason.len() > 10, "{of}: {star}");
    }
}
