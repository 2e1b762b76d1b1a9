//! Where everything lies and what listens there (promises ): in the allowed regions, in this one alone, and behind no host.

use std::collections::BTreeSet;

use local::template::at;

use super::deployed::{Deployed, Resource, names_in};

/// Promise A-34.
const REGIONS: [&str; 4] = ["eu-west-1", "eu-west-2", "us-east-1", "us-west-2"];

/// Promise A-38: nothing is deployed that could be logged in to, or listens beside the front door and the functions' URLs.
pub fn listener_findings(deployed: &Deployed) -> Vec<String> {
    const LISTENING: [&str; 12] = [
        "EC2",
        "ECS",
        "EKS",
        "ElasticLoadBalancing",
        "ElasticLoadBalancingV2",
        "ApiGateway",
        "ApiGatewayV2",
        "AppRunner",
        "Lightsail",
        "RDS",
        "Transfer",
        "AppSync",
    ];
    let listens = |resource: &Resource<'_>| {
        let service = resource.kind.split("::").nth(1).unwrap_or_default();
        LISTENING.contains(&service) || matches!(resource.kind, "AWS::Serverless::Api" | "AWS::Serverless::HttpApi")
    };
    let found = deployed.all().into_iter().filter(listens);
    found.map(|resource| format!("{} is a {}, which listens or can be logged in to", resource.id, resource.kind)).collect()
}

/// Promise A-34: the template refuses to be deployed anywhere else, and nothing in it copies data elsewhere by itself.
pub fn region_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    let rules = at(&deployed.main, &["Rules"]).map(|rules| names_in(Some(rules))).unwrap_or_default();
    let allowed: BTreeSet<&str> = rules.iter().map(String::as_str).filter(|name| is_region(name)).collect();
    if allowed != BTreeSet::from(REGIONS) {
        let named = allowed.into_iter().collect::<Vec<_>>().join(", ");
        findings.push(format!("the regions that the template may be deployed in are {named}"));
    }
    for resource in deployed.all() {
        let copies = resource.kind == "AWS::DynamoDB::GlobalTable"
            || resource.property(&["ReplicationConfiguration"]).is_some()
            || resource.property(&["Replicas"]).is_some();
        if copies {
            findings.push(format!("{} copies itself to other regions", resource.id));
        }
    }
    findings
}

/// `eu-west-1`.
fn is_region(name: &str) -> bool {
    let parts: Vec<_> = name.split('-').collect();
    let are_letters = |part: &&str| part.chars().all(|letter| letter.is_ascii_lowercase());
    matches!(parts.as_slice(), [zone, side, number] if are_letters(zone) && are_letters(side) && number.parse::<u8>().is_ok())
}
