//! What IAM would have to allow for a call: there is no IAM here, so a test compares this with what `template.yaml` grants.
//!
//! `DynamoDB` asks for an action on every table that a call names. A transaction has none of its own: each of its parts asks for the
//! action of the same name (Developer Guide, "Using IAM with DynamoDB transactions"). KMS asks for one on the key, where the call names it, and
//! SQS for one on the queue.
//! What S3 asks for stands in the address: see [`super::s3::Target`].

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Service;

/// One action on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// As IAM names it: `dynamodb:PutItem`, `kms:Decrypt`, `s3:PutObject`, …
    pub action: String,
    /// A table's name, with `/index/` and the index's where it is one; what a call to KMS names its key by; a queue's name; a bucket's name,
    /// with `/*` where it is about objects.
    pub resource: String,
}

/// The names in a request; everything else is passed over unread.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Names {
    table_name: Option<String>,
    index_name: Option<String>,
    key_id: Option<String>,
    queue_url: Option<String>,
    request_items: BTreeMap<String, IgnoredAny>,
    transact_items: Vec<BTreeMap<String, Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    table_name: String,
}

/// What this call needs; for S3 see [`super::s3::Target::needs`].
pub(super) fn of(service: Service, operation: &str, request: &HttpRequest) -> Vec<Need> {
    let prefix = match service {
        Service::DynamoDb => "dynamodb",
        Service::Kms => "kms",
        Service::Sqs => "sqs",
        Service::S3 => return Vec::new(),
    };
    let need = |operation: &str, resource: String| Need { action: format!("{prefix}:{operation}"), resource };
    let names: Names = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    let table = names.table_name.map(|table| match names.index_name {
        Some(index) => format!("{table}/index/{index}"),
        None => table,
    });
    let parts = names.transact_items.into_iter().flatten().map(|(part, Part { table_name })| match part.as_str() {
        "ConditionCheck" => need("ConditionCheckItem", table_name),
        part => need(&format!("{part}Item"), table_name),
    });
    // The queue's name ends its address; one that keeps its order has an ending there that is not the template's.
    let name = |url: &str| Some(url.rsplit('/').next()?.trim_end_matches(".fifo").to_owned());
    let queue = names.queue_url.as_deref().and_then(name);
    let named = table.into_iter().chain(names.key_id).chain(queue).chain(names.request_items.into_keys());
    named.map(|resource| need(operation, resource)).chain(parts).collect()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn needs(service: Service, operation: &str, body: &str) -> Vec<String> {
        let request = HttpRequest::new(SdkBody::from(body));
        of(service, operation, &request).into_iter().map(|need| format!("{} {}", need.action, need.resource)).collect()
    }

    #[test]
    fn a_call_needs_its_action_on_every_table_it_names() {
        assert_eq!(needs(Service::DynamoDb, "GetItem", r#"{"TableName":"a","Key":{}}"#), ["dynamodb:GetItem a"]);
        assert_eq!(needs(Service::DynamoDb, "Query", r#"{"TableName":"a","IndexName":"due"}"#), ["dynamodb:Query a/index/due"]);
        let batch = r#"{"RequestItems":{"a":{"Keys":[]},"b":{}}}"#;
        assert_eq!(needs(Service::DynamoDb, "BatchGetItem", batch), ["dynamodb:BatchGetItem a", "dynamodb:BatchGetItem b"]);
        assert_eq!(needs(Service::Kms, "Decrypt", r#"{"KeyId":"arn:k","CiphertextBlob":"AA=="}"#), ["kms:Decrypt arn:k"]);
        let message = r#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/1/dead","MessageBody":"x"}"#;
        assert_eq!(needs(Service::Sqs, "SendMessage", message), ["sqs:SendMessage dead"]);
        let message = r#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/1/Events.fifo","MessageBody":"x"}"#;
        assert_eq!(needs(Service::Sqs, "SendMessage", message), ["sqs:SendMessage Events"]);
    }

    #[test]
    fn a_transaction_needs_what_its_parts_need() {
        let body = r#"{"TransactItems":[{"Put":{"TableName":"a"}},{"ConditionCheck":{"TableName":"b"}},{"Update":{"TableName":"c"}}]}"#;
        let expected = ["dynamodb:PutItem a", "dynamodb:ConditionCheckItem b", "dynamodb:UpdateItem c"];
        assert_eq!(needs(Service::DynamoDb, "TransactWriteItems", body), expected);
    }
}
