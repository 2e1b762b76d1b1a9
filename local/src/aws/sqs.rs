//! SQS: winterbaume's. Queues live in memory and follow the wall clock, so delays and visibility do not move with a virtual one.
//! Message sizes are not checked.

use std::collections::HashMap;
use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use winterbaume_core::{DEFAULT_ACCOUNT_ID, MockService};
use winterbaume_sqs::state::SqsError;
use winterbaume_sqs::{InMemorySqsBackend, SqsBackend, SqsService};

use super::{REGION, bridge};

/// All queues.
pub(super) struct Queues {
    service: SqsService,
    backend: Arc<dyn SqsBackend>,
}

impl Default for Queues {
    fn default() -> Self {
        let backend: Arc<dyn SqsBackend> = Arc::new(InMemorySqsBackend::new());
        Self { service: SqsService::with_backend(Arc::clone(&backend)), backend }
    }
}

impl Queues {
    pub(super) async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        Ok(bridge::response(self.service.handle(bridge::request(request)?).await))
    }

    /// Makes a queue, or finds it, and gives its address.
    pub(super) async fn create(&self, name: &str) -> Result<String, SqsError> {
        let (account, region, name) = place(name);
        Ok(self.backend.create_queue(account, region, name, HashMap::new(), None).await?.url)
    }

    pub(super) async fn send(&self, name: &str, body: String) -> Result<(), SqsError> {
        let (account, region, name) = place(name);
        self.backend.send_message(account, region, name, body, None, HashMap::new(), None, None).await.map(drop)
    }

    /// The bodies of all messages that lie there and are not being handled; they stay.
    pub(super) async fn look(&self, name: &str) -> Result<Vec<String>, SqsError> {
        let (account, region, name) = place(name);
        let found = self.backend.receive_messages(account, region, name, usize::MAX, Some(0)).await?;
        Ok(found.into_iter().map(|message| message.body).collect())
    }
}

fn place(name: &str) -> (String, String, String) {
    (DEFAULT_ACCOUNT_ID.to_owned(), REGION.to_owned(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing;

    #[tokio::test]
    async fn a_message_sent_is_received_until_it_is_deleted() {
        let (aws, _) = testing::world();
        let sqs = testing::sqs(&aws);
        let url = sqs.create_queue().queue_name("purge").send().await.unwrap().queue_url.unwrap();
        sqs.send_message().queue_url(&url).message_body("a slice").send().await.unwrap();
        let received = sqs.receive_message().queue_url(&url).visibility_timeout(0).send().await.unwrap();
        let message = &received.messages()[0];
        assert_eq!(message.body(), Some("a slice"));
        sqs.delete_message().queue_url(&url).receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
        assert!(sqs.receive_message().queue_url(&url).send().await.unwrap().messages().is_empty());
    }

    #[tokio::test]
    async fn a_queue_made_beside_the_sdk_is_the_sdks_too_and_looking_takes_nothing() {
        let (aws, _) = testing::world();
        let url = aws.create_queue("dead").await.unwrap();
        assert_eq!(aws.create_queue("dead").await.unwrap(), url);
        testing::sqs(&aws).send_message().queue_url(&url).message_body("by the sdk").send().await.unwrap();
        aws.send_to_queue("dead", "beside it".to_owned()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(aws.messages("dead").await.unwrap(), ["by the sdk", "beside it"]);
        }
    }
}
