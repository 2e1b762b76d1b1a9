//! SQS: winterbaume's. Queues live in memory and follow the wall clock, so delays and visibility do not move with a virtual one.
//! Message sizes are not checked.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use winterbaume_core::MockService;
use winterbaume_sqs::SqsService;

use super::bridge;

/// All queues.
#[derive(Default)]
pub(super) struct Queues {
    service: SqsService,
}

impl Queues {
    pub(super) async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        Ok(bridge::response(self.service.handle(bridge::request(request)?).await))
    }
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
}
