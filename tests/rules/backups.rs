//! Backups (promises, E-28, E-34): everything is in the class that its contents ask for, no rule, copy or lock allows more days
//! than the timeline has, no backup is left out, and nobody but two roles comes near. Where copies may lie is in [`super::jurisdictions`].

use local::template::at;
use shared::purge::timeline::{DATA_COPY_LAG, KEY_COPY_LAG};
use shared::records::backups::BackupClass;
use yaml_serde::Value;

use super::backup_windows::{Window, is_followed, longest_gap, overlaps, rules, windows};
use super::deployed::{Deployed, Resource, items, lacks, names_in};
use super::statements::Place;

/// What a class must have in the templates.
struct Wanted {
    class: BackupClass,
    plan: &'static str,
    vault: &'static str,
    /// The part of the other vault's name that says what is copied.
    copies: &'static str,
    /// The parameter that says how long anything is kept.
    days: &'static str,
    /// In how many days a backup is begun and done.
    lag: u64,
    /// Between two points, in minutes.
    gap: u32,
    /// Between two that are copied.
    copied: u32,
}

const HOUR: u32 = 60;

/// A point a day, at any moment of its window.
const A_DAY: u32 = 25 * HOUR;

const WANTED: [Wanted; 4] = [
    Wanted {
        class: BackupClass::Standard,
        plan: "StandardBackupPlan",
        vault: "BackupVault",
        copies: "data",
        days: "DataBackupDays",
        lag: DATA_COPY_LAG,
        gap: 4 * HOUR,
        copied: A_DAY,
    },
    Wanted {
        class: BackupClass::Connector,
        plan: "ConnectorBackupPlan",
        vault: "BackupVault",
        copies: "data",
        days: "DataBackupDays",
        lag: DATA_COPY_LAG,
        // begun every hour, somewhere in a window of an hour, which is the shortest that AWS knows
        gap: 2 * HOUR,
        copied: A_DAY,
    },
    Wanted {
        class: BackupClass::Keys,
        plan: "KeyBackupPlan",
        vault: "KeyBackupVault",
        copies: "key",
        days: "KeyBackupDays",
        lag: KEY_COPY_LAG,
        gap: 4 * HOUR,
        copied: 4 * HOUR,
    },
    Wanted {
        class: BackupClass::Proof,
        plan: "ProofBackupPlan",
        vault: "ProofBackupVault",
        copies: "proof",
        days: "DataBackupDays",
        lag: DATA_COPY_LAG,
        gap: 4 * HOUR,
        copied: 4 * HOUR,
    },
];

/// The one role that AWS Backup makes backups as.
const ROLE: &str = "BackupRole";

pub fn backup_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = class_findings(deployed);
    for wanted in &WANTED {
        let (Some(plan), Some(vault)) = (deployed.resource(wanted.plan), deployed.resource(wanted.vault)) else {
            findings.push(format!("what is backed up as {:?} has no plan or no vault", wanted.class));
            continue;
        };
        for rule in rules(&plan) {
            let name = at(rule, &["RuleName"]).and_then(Value::as_str).unwrap_or_default();
            let faults = rule_faults(deployed, wanted, rule).into_iter();
            findings.extend(faults.map(|fault| format!("{} ({name}) {fault}", plan.id)));
        }
        findings.extend(overlaps(deployed, &plan));
        findings.extend(gap_findings(deployed, wanted, &plan));
        findings.extend(vault_findings(deployed, &vault, wanted.days, &["BackupKey"]));
        findings.extend(copying_findings(&vault, wanted.copies));
    }
    let other = |kind: &str, known: &dyn Fn(&str) -> bool| deployed.resources(kind).into_iter().find(|resource| !known(resource.id));
    let strange = [
        other("AWS::Backup::BackupPlan", &|id| WANTED.iter().any(|wanted| wanted.plan == id)),
        other("AWS::Backup::BackupVault", &|id| WANTED.iter().any(|wanted| wanted.vault == id)),
    ];
    findings.extend(strange.into_iter().flatten().map(|strange| format!("{} is of no class", strange.id)));
    findings.extend(order_findings(deployed));
    findings.extend(reader_findings(deployed));
    findings.sort();
    findings.dedup();
    findings
}

/// Every table and bucket is selected by its class's plan and no other, and can be restored to any moment if it is backed up at all.
fn class_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    let stores = [deployed.resources("AWS::DynamoDB::Table"), deployed.resources("AWS::S3::Bucket")].concat();
    let selections = deployed.resources("AWS::Backup::BackupSelection");
    for selection in &selections {
        let chosen = selection.names(&["BackupSelection", "Resources"]);
        let strange = chosen.iter().filter(|chosen| stores.iter().all(|store| store.id != *chosen));
        findings.extend(strange.map(|strange| format!("{} selects {strange}, which is no table or bucket", selection.id)));
        findings.extend(lacks(
            selection.id,
            &[
                (
                    "being a list of what is backed up, which nobody changes by a tag",
                    selection.property(&["BackupSelection", "ListOfTags"]).is_none(),
                ),
                ("the role of backups", selection.names(&["BackupSelection", "IamRoleArn"]) == [ROLE]),
            ],
        ));
    }
    for store in stores {
        let class = BackupClass::of(store.id);
        let by = |plan: &str| {
            let of_plan = selections.iter().filter(|selection| selection.names(&["BackupPlanId"]) == [plan]);
            of_plan.filter(|selection| selection.names(&["BackupSelection", "Resources"]).iter().any(|chosen| chosen == store.id)).count()
        };
        let found: Vec<_> = WANTED.iter().flat_map(|wanted| vec![wanted.class; by(wanted.plan)]).collect();
        let asked: Vec<_> = Some(class).into_iter().filter(|class| *class != BackupClass::None).collect();
        if found != asked {
            findings.push(format!("{} is backed up as {found:?}, and what lies in it asks for {asked:?}", store.id));
        }
        let needs: (&str, bool) = if store.kind == "AWS::S3::Bucket" {
            let versions = store.text(&["VersioningConfiguration", "Status"]) == Some("Enabled");
            let told = store.property(&["NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled"]).is_some();
            ("versions and events, which AWS Backup asks for", class == BackupClass::None || (versions && told))
        } else {
            let recovery = store.property(&["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"]).and_then(Value::as_bool);
            ("point-in-time recovery if it is backed up, and none if not", recovery == Some(class != BackupClass::None))
        };
        let action = if store.kind == "AWS::S3::Bucket" { "s3:ListBucketVersions" } else { "dynamodb:StartAwsBackupJob" };
        let may = deployed.may(ROLE, action, store.id);
        findings.extend(lacks(
            store.id,
            &[needs, ("a role that may back up this and nothing that is not", may == (class != BackupClass::None))],
        ));
    }
    findings
}

/// One rule: what it keeps for how long, until when a backup is made, and where its copies go.
fn rule_faults(deployed: &Deployed, wanted: &Wanted, rule: &Value) -> Vec<String> {
    let mut faults: Vec<String> = windows(deployed, rule).err().into_iter().collect();
    if names_in(at(rule, &["TargetBackupVault"])) != [wanted.vault] {
        faults.push(format!("is not kept in {}", wanted.vault));
    }
    faults.extend(life_faults(deployed, wanted, at(rule, &["Lifecycle"]), "keeps"));
    let minutes = |name: &str| at(rule, &[name]).and_then(|value| deployed.usual(value)).unwrap_or(u64::MAX);
    let (start, done) = (minutes("StartWindowMinutes"), minutes("CompletionWindowMinutes"));
    if start < 60 {
        faults.push("has a window of less than the hour that AWS asks for".to_owned());
    }
    if start.saturating_add(done) > wanted.lag * 24 * 60 {
        faults.push(format!("may take longer than the {} days that the timeline has for it", wanted.lag));
    }
    for copy in items(at(rule, &["CopyActions"])) {
        faults.extend(life_faults(deployed, wanted, at(copy, &["Lifecycle"]), "copies"));
        if !super::jurisdictions::goes_to_the_backup_region(at(copy, &["DestinationBackupVaultArn"]), wanted.copies) {
            faults.push("copies elsewhere than to its vault in the backup region".to_owned());
        }
    }
    faults
}

/// No life is longer than the vault's lock allows, however the parameters are set, and none passes through cold storage.
fn life_faults(deployed: &Deployed, wanted: &Wanted, life: Option<&Value>, does: &str) -> Vec<String> {
    let delete = life.and_then(|life| at(life, &["DeleteAfterDays"]));
    let mut faults = Vec::new();
    if life.is_some_and(|life| at(life, &["MoveToColdStorageAfterDays"]).is_some()) {
        faults.push(format!("{does} in cold storage, whose shortest stay is 90 days"));
    }
    let least = deployed.parameter(wanted.days, "MinValue").and_then(Value::as_u64).unwrap_or(0);
    match delete.and_then(|days| deployed.usual(days)) {
        None => faults.push(format!("{does} without an end")),
        Some(_) if names_in(delete) == [wanted.days] => {}
        Some(days) if days > least => {
            faults.push(format!("{does} for {days} days, and {} may be {least}", wanted.days));
        }
        Some(_) => {}
    }
    faults
}

/// Promises, over a month.
fn gap_findings(deployed: &Deployed, wanted: &Wanted, plan: &Resource<'_>) -> Vec<String> {
    let of = |which: &dyn Fn(&&Value) -> bool| -> Vec<Window> {
        rules(plan).into_iter().filter(which).flat_map(|rule| windows(deployed, rule).unwrap_or_default()).collect()
    };
    let mut findings = Vec::new();
    for (what, gap, most) in [
        ("two points", longest_gap(of(&|_| true)), wanted.gap),
        ("two copies", longest_gap(of(&|rule| at(rule, &["CopyActions"]).is_some())), wanted.copied),
    ] {
        match gap {
            Some(gap) if gap <= most => {}
            Some(gap) => findings.push(format!("{}: {what} may be {gap} minutes apart, and {most} are promised", plan.id)),
            None => findings.push(format!("{}: there are no {what}", plan.id)),
        }
    }
    findings
}

/// A round's keys are newer than its tenants, and its departures newer than both: whatever is restored together is filtered by what is newest.
fn order_findings(deployed: &Deployed) -> Vec<String> {
    let all = |class: BackupClass| -> Vec<Window> {
        let plan = WANTED.iter().find(|wanted| wanted.class == class).and_then(|wanted| deployed.resource(wanted.plan));
        plan.iter().flat_map(rules).flat_map(|rule| windows(deployed, rule).unwrap_or_default()).collect()
    };
    let (data, keys, proof) = (all(BackupClass::Standard), all(BackupClass::Keys), all(BackupClass::Proof));
    let mut findings = Vec::new();
    if !is_followed(data, &keys) {
        findings.push("a round's keys may be older than its tenants".to_owned());
    }
    if !is_followed(keys, &proof) {
        findings.push("a round's departures may be older than its keys".to_owned());
    }
    findings
}

/// A vault's lock, key and policy. Of those in the backup region too.
pub fn vault_findings(deployed: &Deployed, vault: &Resource<'_>, days: &str, key: &[&str]) -> Vec<String> {
    const KEPT: [&str; 2] = ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"];
    const LOCKED: [&str; 3] =
        ["backup:DeleteBackupVaultLockConfiguration", "backup:PutBackupVaultLockConfiguration", "backup:PutBackupVaultAccessPolicy"];
    let statements = deployed.statements();
    let denied = |action: &str| {
        let denials = statements.iter().filter(|statement| statement.holder.id == vault.id && !statement.allows);
        denials.into_iter().any(|statement| statement.principals == ["*"] && statement.actions.iter().any(|denied| denied == action))
    };
    let mut grave = items(vault.property(&["AccessPolicy", "Statement"])).into_iter().filter(|statement| {
        let denies = |action: &String| KEPT.into_iter().chain(LOCKED).any(|grave| grave == action);
        names_in(at(statement, &["Effect"])) == ["Deny"] && names_in(at(statement, &["Action"])).iter().any(denies)
    });
    let retained = |policy: &str| at(vault.whole, &[policy]).and_then(Value::as_str).is_some_and(|policy| policy.starts_with("Retain"));
    lacks(
        vault.id,
        &[
            ("a lock at the days that the timeline has", vault.names(&["LockConfiguration", "MaxRetentionDays"]) == [days]),
            ("a lock that can be opened in an emergency", vault.property(&["LockConfiguration", "ChangeableForDays"]).is_none()),
            ("a key of its own", vault.names(&["EncryptionKeyArn"]) == key),
            ("being kept when the stack goes", retained("DeletionPolicy") && retained("UpdateReplacePolicy")),
            ("a policy by which nobody deletes a point or prolongs it", KEPT.into_iter().all(denied)),
            ("a policy by which nobody opens the lock", LOCKED.into_iter().all(denied)),
            ("a policy that lets the break-glass role past, and nobody else", grave.all(lets_break_glass_past)),
            ("a policy by which no function reads a point", denied("backup:StartRestoreJob")),
        ],
    )
}

/// Whether a denial has one condition and no other: one more, and whoever does not meet it is not denied.
fn lets_break_glass_past(denial: &Value) -> bool {
    let only = |value: &Value| value.as_mapping().is_some_and(|members| members.len() == 1);
    matches!(items(at(denial, &["Condition"]))[..], [condition]
        if only(condition)
            && at(condition, &["ArnNotEquals"]).is_some_and(only)
            && names_in(at(condition, &["ArnNotEquals", "aws:PrincipalArn"])) == ["BreakGlassRoleArn"])
}

/// Promise E-28: whoever may copy from a vault copies to where its plan does. A copy whose place AWS Backup does not say is none of ours.
fn copying_findings(vault: &Resource<'_>, copies: &str) -> Vec<String> {
    let statements = items(vault.property(&["AccessPolicy", "Statement"])).into_iter();
    let mut denials = statements.filter(|statement| {
        let of = |name: &str, wanted: &str| names_in(at(statement, &[name])) == [wanted];
        of("Effect", "Deny") && of("Principal", "*") && of("Action", "backup:CopyFromBackupVault")
    });
    let is_bound = denials.any(|denial| {
        let others = at(denial, &["Condition", "ForAllValues:StringNotEquals", "backup:CopyTargets"]);
        matches!(items(others)[..], [only] if super::jurisdictions::goes_to_the_backup_region(Some(only), copies))
    });
    lacks(vault.id, &[("a policy by which points are copied to one place alone", is_bound)])
}

/// Promise E-28: nobody in this stack but AWS Backup's own two roles has anything to do with backups.
fn reader_findings(deployed: &Deployed) -> Vec<String> {
    let of_backups = |action: &str| action.starts_with("backup:") || action.ends_with("Backup") || action.contains("AwsBackup");
    let mut findings = Vec::new();
    for statement in deployed.statements() {
        let own = [ROLE, "RestoreRole"].contains(&statement.holder.id);
        match statement.place {
            Place::Trust if own && statement.principals != ["backup.amazonaws.com"] => {
                findings.push(format!("{}: others than AWS Backup may become it", statement.name()));
            }
            Place::Identity if !own && statement.allows => {
                let near = statement
                    .actions
                    .iter()
                    .filter(|action| of_backups(action))
                    .chain(statement.resources.iter().filter(|id| *id == "BackupKey"));
                findings.extend(near.map(|near| format!("{}: comes near backups: {near}", statement.name())));
            }
            Place::Identity | Place::Trust | Place::Resource => {}
        }
    }
    findings
}
