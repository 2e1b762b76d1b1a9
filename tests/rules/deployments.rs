//! New code comes gradually, and goes back by itself: every function is moved a part at a time, and its own alarms stop it.

use super::deployed::{Deployed, lacks, names_in};

pub fn deployment_findings(deployed: &Deployed) -> Vec<String> {
    let routes = deployed.template.routes().unwrap();
    let mut findings = Vec::new();
    for function in deployed.functions() {
        let id = function.id;
        let setting = |name: &str| names_in(deployed.setting(&function, &["DeploymentPreference", name]));
        let kind = setting("Type").concat();
        // Who is called by URL answers 5xx and has not failed as Lambda sees it: whoever the front door leads to, and whoever else is
        // watched so.
        let (errors, server_errors) = (format!("{id}Errors"), format!("{id}ServerErrors"));
        let answers = routes.iter().any(|route| route.function == id) || deployed.resource(&server_errors).is_some();
        let alarms: Vec<_> = [Some(errors.clone()), answers.then_some(server_errors)].into_iter().flatten().collect();
        let is_about_it =
            |alarm: &String| deployed.resource(alarm).is_some_and(|alarm| alarm.names(&["Dimensions"]).iter().any(|of| of == id));
        findings.extend(lacks(
            id,
            &[
                ("a deployment that a parameter alone switches off", setting("Enabled") == ["Gradual"]),
                ("a deployment of a part first", ["Canary", "Linear"].into_iter().any(|gradual| kind.starts_with(gradual))),
                ("a deployment that its own alarms stop, and no others", setting("Alarms") == alarms),
                ("an alarm of its own errors", is_about_it(&errors)),
            ],
        ));
    }
    if names_in(deployed.parameter("Gradual", "Default")) != ["true"] {
        findings.push("Gradual is not true unless somebody says otherwise".to_owned());
    }
    findings
}
