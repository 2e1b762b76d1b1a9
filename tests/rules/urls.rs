//! Who can call a function at all (promises ): strangers those that the front door leads to, operators those that IAM
//! guards, logs the one that [`super::subscriptions`] knows, and nobody the others.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource};
use super::statements::Place;
use super::subscriptions::is_for_logs;

pub fn url_findings(deployed: &Deployed) -> Vec<String> {
    let routes = deployed.template.routes().unwrap();
    let mut findings = Vec::new();
    for function in deployed.functions() {
        let id = function.id;
        let is_routed = routes.iter().any(|route| route.function == id);
        match function.text(&["FunctionUrlConfig", "AuthType"]) {
            None if is_routed => findings.push(format!("{id} has no URL, and the front door leads to it")),
            None => {}
            Some("NONE") if is_routed => {}
            Some("NONE") => findings.push(format!("{id} is internal, and its URL lets everybody in")),
            Some("AWS_IAM") if is_routed => findings.push(format!("{id} is for operators, and the front door leads to it")),
            Some("AWS_IAM") => findings.extend(operator_findings(deployed, &function)),
            Some(other) => findings.push(format!("{id} has a URL that lets in {other}")),
        }
        if function.property(&["FunctionUrlConfig", "Cors"]).is_some() {
            findings.push(format!("{id} has a URL that answers pages of other origins by itself"));
        }
    }
    findings.extend(permission_findings(deployed));
    findings
}

/// Since October 2025 a call of a URL needs both permissions. SAM writes them for `NONE`; for operators they stand in the template, for whom
/// IAM lets in and for the alias that the URL belongs to.
fn operator_findings(deployed: &Deployed, function: &Resource<'_>) -> Vec<String> {
    let alias = format!("{}:live", function.id);
    let mut findings = Vec::new();
    for (action, binding) in [
        ("lambda:InvokeFunctionUrl", ("StringEquals", "lambda:FunctionUrlAuthType", "AWS_IAM")),
        ("lambda:InvokeFunction", ("Bool", "lambda:InvokedViaFunctionUrl", "true")),
    ] {
        let of_people = deployed.statements().into_iter().filter(|statement| {
            statement.holder.kind == "AWS::IAM::ManagedPolicy" && statement.place == Place::Identity && statement.grants(action)
        });
        let bound =
            of_people.filter(|statement| statement.resources.contains(&alias) && statement.demands(binding.0, binding.1) == [binding.2]);
        if bound.count() == 0 {
            findings.push(format!("{} is for operators, and no policy of theirs grants {action} on {alias}", function.id));
        }
        let stands = |permission: &Resource<'_>| {
            permission.names(&["FunctionName"]) == [alias.as_str()] && permission.text(&["Action"]) == Some(action)
        };
        if !deployed.resources("AWS::Lambda::Permission").iter().any(stands) {
            findings.push(format!("{} is for operators, and its own policy does not let them {action}", function.id));
        }
    }
    findings
}

/// Whoever may call a function past its URL writes the whole event, and so claims to be anybody: only its schedule may.
fn permission_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    for statement in deployed.statements().iter().filter(|statement| statement.grants("lambda:InvokeFunction")) {
        let by_url = statement.demands("Bool", "lambda:InvokedViaFunctionUrl") == ["true"];
        let schedules = |function: &str| {
            let function = deployed.resource(function.trim_end_matches(":live"));
            function.is_some_and(|function| deployed.events(&function).iter().any(|(kind, _)| *kind == "ScheduleV2"))
        };
        let others = statement.resources.iter().filter(|resource| !by_url && !schedules(resource));
        findings.extend(others.map(|other| format!("{}: may call {other} past its URL", statement.name())));
    }
    for permission in deployed.resources("AWS::Lambda::Permission").into_iter().filter(|permission| !is_for_logs(permission)) {
        let is = |name: &str, value: &str| at(permission.whole, &["Properties", name]).and_then(Value::as_str) == Some(value);
        let by_url = permission.property(&["InvokedViaFunctionUrl"]).and_then(Value::as_bool) == Some(true);
        let is_bound = (is("Action", "lambda:InvokeFunctionUrl") && is("FunctionUrlAuthType", "AWS_IAM"))
            || (is("Action", "lambda:InvokeFunction") && by_url);
        if !is_bound {
            findings.push(format!("{} lets a caller past the URL", permission.id));
        }
        if permission.names(&["Principal"]) != ["AWS::AccountId"] {
            findings.push(format!("{} is for others than this account", permission.id));
        }
    }
    findings
}
