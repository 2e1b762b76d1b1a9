//! Who reaches what: function URLs, the front door, and the URL of operators.

use http::{Method, StatusCode};

use super::stack::Stack;

const DESCRIPTOR: &str = "/test-management/atlassian-connect.json";

/// What CloudFront presents.
const PRESENTED: &str = "x-lethe-origin";

/// Every URL that IAM lets everybody call answers to the front door alone.
pub async fn past_the_front_door(stack: &Stack) {
    let open: Vec<_> = stack.functions().iter().filter(|(_, function)| function.auth.as_deref() == Some("NONE")).collect();
    assert!(open.len() > 5, "{} are open", open.len());
    for (name, function) in open {
        let url = function.url.as_deref().unwrap();
        for headers in [&[][..], &[(PRESENTED, "")], &[(PRESENTED, "another-secret-that-is-long-enough-too")]] {
            let answer = stack.past_front_door(url, Method::GET, DESCRIPTOR, headers, Vec::new()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {headers:?}");
            assert_eq!(answer.json()["type"], "urn:lethe:problem:forbidden", "{name}");
        }
    }
    let url = stack.functions()["Descriptor"].url.as_deref().unwrap();
    let answer = stack.past_front_door(url, Method::GET, DESCRIPTOR, &[(PRESENTED, stack.origin_secret())], Vec::new()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

pub async fn through_the_front_door(stack: &Stack) {
    let get = async |target| stack.through_front_door(Method::GET, target, &[], Vec::new()).await;
    let descriptor = get(DESCRIPTOR).await;
    assert_eq!(descriptor.status, StatusCode::OK, "{}", descriptor.text());
    assert_eq!(descriptor.json()["baseUrl"], "https://eu.lethe.example/test-management");
    assert!(descriptor.headers.contains_key("strict-transport-security"));
    let health = get("/test-management/health").await;
    assert!(health.status.is_success(), "{}: {}", health.status, health.text());
    let keys = get("/certificates/keys").await;
    assert_eq!((keys.status, keys.json()["keys"][0]["alg"].as_str()), (StatusCode::OK, Some("ES256")));
    // What no pattern leads to is nobody's, and operators' routes are behind no pattern.
    for target in ["/", "/nobody/knows", "/test-management/erasure/status", "/test-management/usage-report/2026-11-20"] {
        assert_eq!(get(target).await.status, StatusCode::NOT_FOUND, "{target}");
    }
}

/// Lambda itself refuses who does not sign. The function refuses who is let in without a name, as only a wrong configuration could do.
pub async fn of_operators(stack: &Stack) {
    let routes = [
        ("Erasure", Method::POST, "/test-management/erasure/status"),
        ("UsageReport", Method::GET, "/test-management/usage-report/2026-11-20"),
    ];
    let operators = stack.functions().values().filter(|function| function.auth.as_deref() == Some("AWS_IAM"));
    assert_eq!(operators.count(), routes.len());
    for (function, method, path) in routes {
        let url = stack.functions()[function].url.as_deref().unwrap();
        let called = async |headers: &[(&str, &str)]| stack.past_front_door(url, method.clone(), path, headers, b"{}".to_vec()).await;
        let unsigned = called(&[(PRESENTED, stack.origin_secret())]).await;
        assert_eq!((unsigned.status, unsigned.text().as_str()), (StatusCode::FORBIDDEN, r#"{"Message":"Forbidden"}"#), "{function}");
        let signature = "AWS4-HMAC-SHA256 Credential=test/20261122/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0";
        let nameless = called(&[("authorization", signature)]).await;
        let refused = (nameless.status, nameless.json()["type"].as_str().map(ToOwned::to_owned));
        assert_eq!(refused, (StatusCode::FORBIDDEN, Some("urn:lethe:problem:forbidden".to_owned())), "{function}");
    }
}
