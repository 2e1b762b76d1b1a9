//! Who may do what cannot be undone to a key, in both templates (promises A-36, E-28): whoever administers one cannot use it, and nobody but the
//! break-glass role ends it, opens its policy or takes it elsewhere. Who uses one, [`super::key_openers`] says.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource, lacks};
use super::key_openers::{administers, opener_findings, used};
use super::statements::Statement;

/// What ends a key or opens it.
const GRAVE: [&str; 3] = ["kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"];

pub fn key_policy_findings(deployed: &Deployed) -> Vec<String> {
    let other = Deployed { template: deployed.template.clone(), main: deployed.backup_region.clone(), backup_region: Value::Null };
    let found = [deployed, &other].into_iter().flat_map(|template| {
        let keys = [template.resources("AWS::KMS::Key"), template.resources("AWS::KMS::ReplicaKey")].concat();
        keys.into_iter().flat_map(|key| key_findings(template, key)).collect::<Vec<_>>()
    });
    found.collect()
}

fn key_findings(template: &Deployed, key: Resource<'_>) -> Vec<String> {
    let statements: Vec<_> = template.statements().into_iter().filter(|statement| statement.holder.id == key.id).collect();
    let but_for_break_glass = |action: &str| {
        statements.iter().any(|statement| {
            // One condition more, and whoever does not meet it is not denied.
            let but_for = statement.demands("ArnNotEquals", "aws:PrincipalArn") == ["BreakGlassRoleArn"] && statement.conditions.len() == 1;
            denies(statement, action) && but_for
        })
    };
    let slowly = statements.iter().any(|statement| {
        let days = statement.demands("NumericLessThan", "kms:ScheduleKeyDeletionPendingWindowInDays");
        denies(statement, "kms:ScheduleKeyDeletion") && days == ["30"]
    });
    let mut administrators = statements.iter().filter(|statement| administers(statement)).peekable();
    let leaves = key.property(&["MultiRegion"]).and_then(Value::as_bool) == Some(true);
    let replicated_here = statements.iter().any(|statement| {
        denies(statement, "kms:ReplicateKey") && statement.demands("StringNotEquals", "kms:ReplicaRegion").contains(&"Jurisdictions")
    });
    let retained = |policy: &str| at(key.whole, &[policy]).and_then(Value::as_str).is_some_and(|policy| policy.starts_with("Retain"));
    let mut findings = lacks(
        key.id,
        &[
            ("somebody who administers it", administrators.peek().is_some()),
            ("administrators who cannot use it", administrators.all(|statement| used(statement).next().is_none())),
            ("a policy by which break-glass alone ends or opens it", GRAVE.into_iter().all(but_for_break_glass)),
            ("thirty days before it is deleted", slowly),
            ("a policy by which break-glass alone replicates it", !leaves || but_for_break_glass("kms:ReplicateKey")),
            ("a policy by which it leaves for the backup region alone", !leaves || replicated_here),
            ("being kept when the stack goes", retained("DeletionPolicy") && retained("UpdateReplacePolicy")),
        ],
    );
    findings.extend(opener_findings(&statements));
    findings
}

fn denies(statement: &Statement<'_>, action: &str) -> bool {
    !statement.allows && statement.principals == ["*"] && statement.actions.iter().any(|denied| denied == action)
}
