//! Where copies lie (promises A-34, E-28): in the jurisdiction of what they are copies of, in vaults that `backup-region.yaml` makes, and both
//! templates say the same of it.

use std::collections::BTreeMap;

use local::template::at;
use yaml_serde::Value;

use super::backups::vault_findings;
use super::deployed::{Deployed, branches, names_in, resources_of};

/// Regions under one law: data of one may be copied to another.
const JURISDICTIONS: [&[&str]; 3] = [&["us-east-1", "us-west-2"], &["eu-west-1", "eu-central-1"], &["eu-west-2"]];

/// The vaults of `backup-region.yaml`: what is copied there, and the parameter that says for how long.
const VAULTS: [(&str, &str, &str); 3] = [
    ("CopiesVault", "data", "DataBackupDays"),
    ("KeyCopiesVault", "key", "KeyBackupDays"),
    ("ProofCopiesVault", "proof", "DataBackupDays"),
];

pub fn jurisdiction_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    let pairs = pairs(deployed);
    let live = names_in(at(&deployed.main, &["Rules", "ARegionOfThePromise", "Assertions"]));
    let live: Vec<_> = live.into_iter().filter(|name| JURISDICTIONS.iter().any(|regions| regions.contains(&name.as_str()))).collect();
    for region in &live {
        let Some(backup) = pairs.get(region) else {
            findings.push(format!("{region} has no backup region"));
            continue;
        };
        if !JURISDICTIONS.iter().any(|regions| regions.contains(&region.as_str()) && regions.contains(&backup.as_str())) {
            findings.push(format!("{backup} is in another jurisdiction than {region}, which it backs up"));
        }
        if region == backup && !leaves_the_account(deployed, region) {
            findings.push(format!("copies of {region} lie in {region}, and need not lie in another account"));
        }
    }
    findings.extend(
        pairs.keys().filter(|region| !live.contains(region)).map(|region| format!("{region} has a backup region and is not allowed")),
    );
    findings.extend(other_template_findings(deployed, &pairs));
    findings
}

/// Live region to backup region, as the template has it.
fn pairs(deployed: &Deployed) -> BTreeMap<String, String> {
    let rows = at(&deployed.main, &["Mappings", "Jurisdictions"]).and_then(Value::as_mapping).into_iter().flatten();
    let read = |(live, row): (&Value, &Value)| Some((live.as_str()?.to_owned(), at(row, &["BackupRegion"])?.as_str()?.to_owned()));
    rows.filter_map(read).collect()
}

/// Whether a deployment in this region is refused unless it names another account.
fn leaves_the_account(deployed: &Deployed, region: &str) -> bool {
    let rules = at(&deployed.main, &["Rules"]).and_then(Value::as_mapping).into_iter().flatten();
    rules.into_iter().any(|(_, rule)| {
        let is_of = names_in(at(rule, &["RuleCondition"])).iter().any(|name| name == region);
        is_of && names_in(at(rule, &["Assertions"])).iter().any(|name| name == "BackupAccount")
    })
}

/// The destination's name is made of the mapping: no other region can be typed.
pub fn goes_to_the_backup_region(destination: Option<&Value>, copies: &str) -> bool {
    let Some(Value::Tagged(sub)) = destination else { return false };
    let Some([text, names]) = sub.value.as_sequence().map(Vec::as_slice) else { return false };
    let arn = format!("arn:${{AWS::Partition}}:backup:${{Region}}:${{Account}}:backup-vault:${{AWS::StackName}}-{copies}-copies");
    let account = at(names, &["Account"]).and_then(branches).map(|branches| names_in(Some(&Value::Sequence(branches.to_vec()))));
    text.as_str() == Some(arn.as_str())
        && names_in(at(names, &["Region"])) == ["Jurisdictions", "AWS::Region", "BackupRegion"]
        && account == Some(vec!["BackupAccount".to_owned(), "AWS::AccountId".to_owned()])
}

/// The other template, read as if it were the main one.
fn other(deployed: &Deployed) -> Deployed {
    Deployed { template: deployed.template.clone(), main: deployed.backup_region.clone(), backup_region: Value::Null }
}

/// `backup-region.yaml` has the same pairs, the same days, and the vaults that copies go to.
fn other_template_findings(deployed: &Deployed, pairs: &BTreeMap<String, String>) -> Vec<String> {
    let mut findings = Vec::new();
    let other = other(deployed);
    let rules = at(&other.main, &["Rules"]).and_then(Value::as_mapping).into_iter().flatten();
    let demanded = rules.filter_map(|(_, rule)| {
        let live = names_in(at(rule, &["RuleCondition"])).pop()?;
        let first = at(rule, &["Assertions"])?.as_sequence()?.first()?;
        Some((live, names_in(at(first, &["Assert"])).pop()?))
    });
    let demanded: BTreeMap<String, String> = demanded.collect();
    if demanded != *pairs {
        findings.push(format!("backup-region.yaml is deployed to {demanded:?}, and copies go to {pairs:?}"));
    }
    for parameter in ["KeyBackupDays", "DataBackupDays"] {
        for number in ["Default", "MinValue", "MaxValue"] {
            if other.parameter(parameter, number) != deployed.parameter(parameter, number) {
                findings.push(format!("{parameter} has another {number} in backup-region.yaml"));
            }
        }
    }
    for (id, copies, days) in VAULTS {
        let Some(vault) = other.resource(id) else {
            findings.push(format!("backup-region.yaml has no {id}"));
            continue;
        };
        let name = vault.property(&["BackupVaultName"]).map(|name| names_in(Some(name))).unwrap_or_default();
        if name != [format!("LiveStack-{copies}-copies")] {
            findings.push(format!("{id} is called {name:?}, and copies go to another"));
        }
        findings.extend(vault_findings(&other, &vault, days, &["CopiesKey"]));
    }
    let vaults = resources_of(&other.main).into_iter().filter(|resource| resource.kind == "AWS::Backup::BackupVault");
    findings.extend(
        vaults.filter(|vault| VAULTS.iter().all(|(id, ..)| *id != vault.id)).map(|vault| format!("nothing is copied to {}", vault.id)),
    );
    findings
}
