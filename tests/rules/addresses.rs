//! Where functions call, and whose pages may call us: AWS at its own addresses, Atlassian at Atlassian's, and no page but those of the
//! public domain (promises ).

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, items, lacks, names_in};

/// What a parameter is if nobody says otherwise: whoever could put another host here would sign installs, or be called as a site.
const OF_ATLASSIAN: [(&str, &str); 2] =
    [("InstallKeysUrls", "https://connect-install-keys.atlassian.com"), ("SiteHosts", ".atlassian.net,.jira.com")];

pub fn address_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    let globals = at(&deployed.main, &["Globals", "Function"]).map(|globals| ("Globals", globals));
    let own = deployed.functions().into_iter().filter_map(|function| Some((function.id, at(function.whole, &["Properties"])?)));
    for (id, properties) in globals.into_iter().chain(own) {
        let variables = at(properties, &["Environment", "Variables"]).and_then(Value::as_mapping).into_iter().flatten();
        // The SDK obeys these, for each service too, and would tell keys and records to whatever answers there.
        let elsewhere = variables.filter_map(|(name, _)| name.as_str()).filter(|name| name.starts_with("AWS_ENDPOINT_URL"));
        findings.extend(elsewhere.map(|name| format!("{id} sets {name}: AWS is called elsewhere")));
    }
    for (parameter, hosts) in OF_ATLASSIAN {
        if deployed.parameter(parameter, "Default").and_then(Value::as_str) != Some(hosts) {
            findings.push(format!("{parameter} is not {hosts} unless somebody says otherwise"));
        }
    }
    for bucket in deployed.resources("AWS::S3::Bucket") {
        let rules = items(bucket.property(&["CorsConfiguration", "CorsRules"]));
        let ours = |rule: &&Value| names_in(at(rule, &["AllowedOrigins"])) == ["https://PublicDomain"];
        let is_for_pages = bucket.id == "IncomingBucket";
        findings.extend(lacks(
            bucket.id,
            &[("being open to pages of the public domain alone", rules.iter().all(ours) && rules.is_empty() != is_for_pages)],
        ));
    }
    findings
}
