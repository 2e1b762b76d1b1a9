//! Every function runs as a role of its own, which Lambda alone may become, which says for itself all that it may do, and writes to the
//! function's own log.

use super::deployed::Deployed;
use super::statements::{Place, statements_in};

/// What it takes to write to a log group that is there already.
const WRITING: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

pub fn role_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    for function in deployed.functions() {
        let (id, own) = (function.id, format!("{}Role", function.id));
        let mut find = |what: String| findings.push(format!("{id} {what}"));
        if function.property(&["Policies"]).is_some() {
            find("has policies beside its role".to_owned());
        }
        match deployed.role_of(&function) {
            None => find(format!("runs as a role that is not in the template, and not as {own}")),
            Some(role) if role != own => find(format!("runs as {role}, and not as {own}")),
            Some(_) => {}
        }
        let Some(role) = deployed.resource(&own) else { continue };
        if role.property(&["ManagedPolicyArns"]).is_some() {
            find("has a role with managed policies".to_owned());
        }
        // The wrapping key's policy lets only roles of this path use it; without it a function could open nothing.
        if role.names(&["Path"]) != ["/lethe/${AWS::StackName}/functions/"] {
            find("has a role outside the path of functions".to_owned());
        }
        let mut trusted = statements_in(role).into_iter().filter(|statement| statement.place == Place::Trust);
        if !trusted.all(|trust| trust.principals == ["lambda.amazonaws.com"]) {
            find("has a role that others than Lambda may become".to_owned());
        }
        let log = format!("{id}Log");
        for action in WRITING {
            if !deployed.may(&own, action, &log) {
                find(format!("may not {action} in {log}"));
            }
        }
        for statement in deployed.allowed_to(&own) {
            if statement.sid.is_empty() {
                find("has a role with a statement without a Sid".to_owned());
            }
            let logs = statement.actions.iter().any(|action| action.starts_with("logs:"));
            let others = statement.resources.iter().filter(|resource| **resource != log);
            others.filter(|_| logs).for_each(|other| find(format!("may write to {other}")));
        }
    }
    findings
}
