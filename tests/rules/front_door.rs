//! The distribution (promises ): TLS on both sides, nothing cached, nothing of a request lost but its `Host`, the origin secret
//! to every function, and no log of its own that would tell addresses and queries.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, items, lacks, names_in};

/// AWS's own policies, by the names that its documentation gives them.
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

/// The longest that CloudFront waits for an origin's next bytes, from 1 s on, without a quota that must be asked for, in seconds.
const LONGEST_WAIT: u64 = 120;

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];

pub fn front_door_findings(deployed: &Deployed) -> Vec<String> {
    let distributions = deployed.resources("AWS::CloudFront::Distribution");
    let [door] = distributions.as_slice() else { return vec![format!("{} distributions, and one front door", distributions.len())] };
    let Some(config) = door.property(&["DistributionConfig"]) else { return vec![format!("{} has no configuration", door.id)] };
    let mut findings = Vec::new();
    let version = at(config, &["ViewerCertificate", "MinimumProtocolVersion"]).and_then(Value::as_str).unwrap_or_default();
    // `TLSv1_2016` is 1.0 and later.
    if !["TLSv1.2_", "TLSv1.3_"].iter().any(|known| version.starts_with(known)) {
        findings.push(format!("{} takes {version} from viewers", door.id));
    }
    if at(config, &["Logging"]).is_some() {
        findings.push(format!("{} keeps a log with addresses and queries", door.id));
    }
    let cached = items(at(config, &["CustomErrorResponses"])).into_iter().filter(|error| number(error, &["ErrorCachingMinTTL"]) != Some(0));
    findings.extend(cached.map(|error| format!("{} caches {}", door.id, names_in(at(error, &["ErrorCode"])).concat())));
    for behaviour in items(at(config, &["CacheBehaviors"])).into_iter().chain(at(config, &["DefaultCacheBehavior"])) {
        findings.extend(behaviour_findings(deployed, behaviour));
    }
    for origin in items(at(config, &["Origins"])) {
        findings.extend(origin_findings(deployed, origin));
    }
    findings.extend(log_findings(deployed));
    findings
}

fn number(value: &Value, names: &[&str]) -> Option<u64> {
    at(value, names).and_then(Value::as_u64)
}

fn behaviour_findings(deployed: &Deployed, behaviour: &Value) -> Vec<String> {
    let text = |name: &str| behaviour.get(name).and_then(Value::as_str);
    let headers = names_in(behaviour.get("ResponseHeadersPolicyId")).pop().and_then(|headers| deployed.resource(&headers));
    let stays = ["ResponseHeadersPolicyConfig", "SecurityHeadersConfig", "StrictTransportSecurity", "AccessControlMaxAgeSec"];
    let stays_for = headers.and_then(|headers| headers.property(&stays)).and_then(Value::as_u64).unwrap_or_default();
    let pattern = text("PathPattern").unwrap_or("*");
    lacks(
        pattern,
        &[
            ("https alone", text("ViewerProtocolPolicy") == Some("https-only")),
            ("caching switched off", text("CachePolicyId") == Some(CACHING_DISABLED)),
            ("all of the request but Host", text("OriginRequestPolicyId") == Some(ALL_VIEWER_EXCEPT_HOST)),
            ("every method, so that the function refuses what it does not know", names_in(behaviour.get("AllowedMethods")) == METHODS),
            ("the header that keeps browsers at TLS for a year", stays_for >= 365 * 86_400),
            ("being without a log of each request", behaviour.get("RealtimeLogConfigArn").is_none()),
            (
                "being without programs at the edge, outside the region",
                behaviour.get("LambdaFunctionAssociations").is_none() && behaviour.get("FunctionAssociations").is_none(),
            ),
        ],
    )
}

fn origin_findings(deployed: &Deployed, origin: &Value) -> Vec<String> {
    let id = at(origin, &["Id"]).and_then(Value::as_str).unwrap_or_default();
    let Some(function) = deployed.resource(id).filter(|found| found.kind == "AWS::Serverless::Function") else {
        return vec![format!("the origin {id} is no function")];
    };
    let timeout = deployed.setting(&function, &["Timeout"]).and_then(Value::as_u64).unwrap_or_default();
    let secrets = items(at(origin, &["OriginCustomHeaders"])).into_iter().filter(|header| {
        at(header, &["HeaderName"]).and_then(Value::as_str) == Some("x-lethe-origin")
            && names_in(at(header, &["HeaderValue"])) == ["OriginSecretPresented"]
    });
    let config = |name: &str| at(origin, &["CustomOriginConfig", name]);
    let waits = config("OriginReadTimeout").and_then(Value::as_u64).unwrap_or(30);
    let mut findings = lacks(
        &format!("the origin {id}"),
        &[
            ("its own function's URL", names_in(at(origin, &["DomainName"])).contains(&format!("{id}Url"))),
            ("https alone", config("OriginProtocolPolicy").and_then(Value::as_str) == Some("https-only")),
            ("TLS 1.2", names_in(config("OriginSSLProtocols")) == ["TLSv1.2"]),
            ("the origin secret", secrets.count() == 1),
        ],
    );
    if waits < timeout.min(LONGEST_WAIT) {
        findings.push(format!("the origin {id} is waited for {waits} s, and its function may take {timeout} s"));
    }
    findings
}

/// The newer sort of log has fields that are chosen.
fn log_findings(deployed: &Deployed) -> Vec<String> {
    const TELLING: [&str; 7] = ["c-ip", "c-ip-version", "cs-uri-query", "cs(Cookie)", "cs(Referer)", "cs(User-Agent)", "x-forwarded-for"];
    let mut findings = Vec::new();
    for delivery in deployed.resources("AWS::Logs::Delivery") {
        let fields = delivery.names(&["RecordFields"]);
        if fields.is_empty() {
            findings.push(format!("{} tells all that the front door knows", delivery.id));
        }
        findings
            .extend(fields.iter().filter(|field| TELLING.contains(&field.as_str())).map(|field| format!("{} tells {field}", delivery.id)));
    }
    findings
}
