//! The way to a function that only operators call: what Lambda would hand it, had IAM let this principal in. There is no IAM on this machine, so
//! whoever calls this is believed. Over HTTP only the small Jira leads here, by routes that refuse the pages of other sites: who can send it a
//! request from this machine is its operator.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::platform::door;

/// Lambda's limit of a request: 6 MB.
const LARGEST_REQUEST: usize = 6 * 1024 * 1024;

/// Hands a request to a function as a call of this principal's, by its ARN.
pub(crate) async fn pass(function: Router, principal: &str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let refused = |status: u16| Response::builder().status(status).body(Body::empty()).unwrap_or_default();
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else { return refused(413) };
    let headers: BTreeMap<_, _> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))).collect();
    let event = json!({
        "version": "2.0",
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "authorizer": {"iam": identity(principal)},
            "http": {"method": parts.method.as_str()},
        },
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    });
    match serde_json::from_value(event) {
        Ok(event) => door::response(function, event).await,
        Err(_) => refused(400),
    }
}

/// As Lambda tells of a caller whose signature IAM has checked.
fn identity(principal: &str) -> Value {
    json!({
        "accessKey": "ASIAEXAMPLE", "accountId": "111122223333", "callerId": "AROAEXAMPLE:local", "cognitoIdentity": null,
        "principalOrgId": null, "userArn": principal, "userId": "AROAEXAMPLE:local",
    })
}
