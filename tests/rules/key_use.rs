//! What a role may do with a key is bound to a purpose: the wrapping key unwraps what was wrapped as a tenant's key, the storage key serves
//! one service at a time, the certificate key signs. What the keys' own policies let happen at all, [`super::key_openers`] knows.

use super::deployed::Deployed;
use super::statements::{Place, Statement};

pub fn key_use_findings(deployed: &Deployed) -> Vec<String> {
    let keys: Vec<_> = deployed.resources("AWS::KMS::Key").iter().map(|key| key.id).collect();
    let mut findings = Vec::new();
    for statement in deployed.statements().iter().filter(|statement| statement.allows && statement.place == Place::Identity) {
        let of_kms = statement.actions.iter().filter(|action| action.starts_with("kms:")).count();
        if of_kms == 0 {
            continue;
        }
        if of_kms < statement.actions.len() || statement.resources.len() != 1 {
            findings.push(format!("{}: more in one statement than the use of one key", statement.name()));
        }
        for key in &statement.resources {
            let is_known = keys.contains(&key.as_str()) || !statement.demands("ForAnyValue:StringEquals", "kms:ResourceAliases").is_empty();
            if !is_known {
                findings.push(format!("{}: {key} is no key of this stack", statement.name()));
            } else if let Some(fault) = unbound(statement, key) {
                findings.push(format!("{}: {fault}", statement.name()));
            }
        }
    }
    findings
}

/// What this use of this key lacks.
fn unbound(statement: &Statement<'_>, key: &str) -> Option<String> {
    let only = |actions: &[&str]| statement.actions.iter().all(|action| actions.contains(&action.as_str()));
    let demands = |condition: &str| statement.demands("StringEquals", condition);
    match key {
        // It asks whether the key is there, and can do nothing with it.
        _ if only(&["kms:DescribeKey"]) => None,
        "WrappingKey" => {
            let bound = demands("kms:EncryptionContext:app") == ["lethe"] && demands("kms:EncryptionContext:purpose") == ["tenant-key"];
            (!bound).then(|| "the wrapping key without the encryption context of tenants' keys".to_owned())
        }
        "StorageKey" => {
            let services = demands("kms:ViaService");
            let bound =
                matches!(services.as_slice(), [service] if service.ends_with(".${AWS::Region}.amazonaws.com") && !service.contains('*'));
            (!bound).then(|| "the storage key without kms:ViaService of one service".to_owned())
        }
        "CertificateKey" => {
            let signs = only(&["kms:Sign", "kms:GetPublicKey"]);
            (!signs).then(|| "the certificate key signs, and shows its public half, and nothing else".to_owned())
        }
        // What it opens is in vaults, and AWS Backup alone can become these roles.
        _ if matches!(statement.holder.id, "BackupRole" | "RestoreRole") => None,
        other => Some(format!("{other} is for backups alone")),
    }
}
