//! What every function has: a runtime, processors by parameter, memory, time, a bound on how many run at once, and a log group of its own.

use yaml_serde::Value;

use super::deployed::{Deployed, lacks, names_in};

/// What may be reserved of the 1,000 that an account has: AWS keeps 100 for functions that reserve none.
const MOST_RESERVED: u64 = 900;

pub fn function_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    for function in deployed.functions() {
        let text = |name: &str| deployed.setting(&function, &[name]).and_then(Value::as_str);
        let number = |name: &str| deployed.setting(&function, &[name]).and_then(Value::as_u64);
        let processors = deployed.setting(&function, &["Architectures"]).map(|value| names_in(Some(value))).unwrap_or_default();
        let mover =
            deployed.setting(&function, &["DeploymentPreference", "Role"]).and_then(|role| names_in(Some(role)).pop()).unwrap_or_default();
        let moves = |action: &str| {
            deployed
                .allowed_to(&mover)
                .iter()
                .any(|statement| statement.grants(action) && statement.resources.iter().any(|on| on == function.id))
        };
        findings.extend(lacks(
            function.id,
            &[
                ("a runtime for programs", text("Runtime") == Some("provided.al2023")),
                ("processors by parameter", processors == ["Architecture"]),
                ("memory from 128 to 10240 MB", number("MemorySize").is_some_and(|memory| (128..=10_240).contains(&memory))),
                ("a timeout from 1 to 900 s", number("Timeout").is_some_and(|seconds| (1..=900).contains(&seconds))),
                ("a bound on how many run at once", deployed.setting(&function, &["ReservedConcurrentExecutions"]).is_some()),
                ("an alias that callers and triggers use", text("AutoPublishAlias") == Some("live")),
                // IAM asks about the function, and not about its alias.
                ("a role that may move its alias to new code", moves("lambda:GetAlias") && moves("lambda:UpdateAlias")),
                ("its own log group", function.names(&["LoggingConfig", "LogGroup"]) == [format!("{}Log", function.id)]),
                ("a log of JSON", function.text(&["LoggingConfig", "LogFormat"]) == Some("JSON")),
            ],
        ));
    }
    if deployed.parameter("Architecture", "Default").and_then(Value::as_str) != Some("arm64") {
        findings.push("Architecture is not arm64 unless somebody says otherwise".to_owned());
    }
    findings
}

/// What all functions reserve together fits into an account, whatever the parameters say: else a deployment fails half way.
pub fn concurrency_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    for (when, number) in
        [("by default", Deployed::usual as fn(&Deployed, &Value) -> Option<u64>), ("at the parameters' highest", Deployed::most)]
    {
        let mut sum = 0;
        for function in deployed.functions() {
            match deployed.setting(&function, &["ReservedConcurrentExecutions"]).map(|value| number(deployed, value)) {
                Some(Some(reserved)) => sum += reserved,
                Some(None) => findings.push(format!("{} reserves without a bound {when}", function.id)),
                None => {}
            }
        }
        if sum > MOST_RESERVED {
            findings.push(format!("the functions reserve {sum} {when}, and {MOST_RESERVED} are left to them"));
        }
    }
    findings
}

/// Promise E-34: what is logged goes after 30 days, and lies under the storage key until then.
pub fn log_findings(deployed: &Deployed) -> Vec<String> {
    let groups = deployed.resources("AWS::Logs::LogGroup").into_iter().flat_map(|group| {
        lacks(
            group.id,
            &[
                ("30 days", group.property(&["RetentionInDays"]).and_then(Value::as_u64) == Some(30)),
                ("the storage key", group.names(&["KmsKeyId"]) == ["StorageKey"]),
                ("a name of this stack", group.names(&["LogGroupName"]).iter().all(|name| name.starts_with("/lethe/${AWS::StackName}/"))),
            ],
        )
    });
    groups.collect()
}
