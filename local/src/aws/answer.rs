//! How each service words a refusal on the wire, so that the SDK reads it as it reads AWS's own.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use http::StatusCode;
use serde_json::json;

use super::Service;

/// An answer with a JSON body, as `DynamoDB`, KMS and SQS give it.
pub(super) fn json(status: StatusCode, body: impl Into<SdkBody>) -> HttpResponse {
    let mut answer = HttpResponse::new(status.into(), body.into());
    answer.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    answer
}

/// A refusal with the service's own error `code`.
pub(super) fn refusal(service: Service, status: StatusCode, code: &'static str, message: &str) -> HttpResponse {
    match service {
        Service::S3 => {
            let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
            let mut answer = HttpResponse::new(status.into(), SdkBody::from(body));
            answer.headers_mut().insert("content-type", "application/xml");
            answer
        }
        Service::DynamoDb => {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
            json(status, json!({"__type": kind, "message": message}).to_string())
        }
        Service::Kms => json(status, json!({"__type": code, "message": message}).to_string()),
        Service::Sqs => {
            let mut answer = json(status, json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message}).to_string());
            // SQS still tells the codes of its older protocol; the SDK believes this header before the body.
            let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
            answer.headers_mut().insert("x-amzn-query-error", format!("{code};{fault}"));
            answer
        }
    }
}

/// What the service says when it is asked too often.
pub(super) fn throttled(service: Service) -> HttpResponse {
    let (status, code) = match service {
        Service::DynamoDb => (StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException"),
        Service::S3 => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        Service::Kms => (StatusCode::BAD_REQUEST, "ThrottlingException"),
        Service::Sqs => (StatusCode::BAD_REQUEST, "RequestThrottled"),
    };
    refusal(service, status, code, "Rate exceeded")
}

/// What the service says when it is broken itself.
pub(super) fn broken(service: Service) -> HttpResponse {
    let code = match service {
        Service::DynamoDb => "InternalServerError",
        Service::S3 => "InternalError",
        Service::Kms => "KMSInternalException",
        Service::Sqs => "InternalFailure",
    };
    refusal(service, StatusCode::INTERNAL_SERVER_ERROR, code, "We encountered an internal error. Please try again.")
}
