//! The one HTTP client: every call is logged, may be made to fail, and goes to the service its host names, or nowhere.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::Uri;

use super::answer;
use super::calls::CallLog;
use super::dynamodb::Tables;
use super::faults::{Fault, FaultPlane};
use super::kms::Keys;
use super::needs::{self, Need};
use super::s3::{Objects, Target};
use super::service::{REGION, Service};
use super::sqs::Queues;
use super::tampering::{self, Asked, Tamper, Tampering};

/// The services behind the client.
pub(super) struct Backends {
    pub(super) tables: Tables,
    pub(super) objects: Objects,
    pub(super) keys: Keys,
    pub(super) queues: Queues,
}

impl fmt::Debug for Backends {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Backends").finish_non_exhaustive()
    }
}

impl Backends {
    async fn answer(&self, service: Service, operation: &str, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        match service {
            Service::DynamoDb => Ok(self.tables.answer(operation, &request).await),
            Service::S3 => self.objects.answer(request).await,
            Service::Kms => self.keys.answer(operation, request).await,
            Service::Sqs => Ok(self.queues.answer(operation, &request)),
        }
    }
}

/// The client, its log and its faults.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) backends: Arc<Backends>,
    pub(super) calls: CallLog,
    pub(super) faults: FaultPlane,
    pub(super) tampering: Tampering,
}

impl Front {
    /// Whom a request asks, for what, and what that needs; none if its host is nobody's.
    fn asked(&self, request: &HttpRequest) -> Option<(Service, String, Vec<Need>)> {
        let uri: Uri = request.uri().parse().ok()?;
        let (hosts, authority) = (self.backends.objects.hosts(), uri.authority()?.as_str());
        let service = if hosts.is_served_at(authority) { Service::S3 } else { Service::of_host(uri.host()?)? };
        if service == Service::S3 {
            let (copies, body) = (request.headers().get("x-amz-copy-source"), request.body().bytes().unwrap_or_default());
            let target = Target::of(hosts, request.method(), authority, &uri).with(copies, body);
            return Some((service, target.operation(), target.needs()));
        }
        let operation = Service::operation(request);
        let needs = needs::of(service, &operation, request);
        Some((service, operation, needs))
    }
}

impl HttpClient for Front {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl Front {
    /// Strikes, records and asks one call, which may be in place of another.
    async fn ask(&self, service: Service, operation: &str, needs: Vec<Need>, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let fault = self.faults.strike(service, operation);
        self.calls.record(service, operation.to_owned(), needs, fault);
        // Without a wait, two tasks would never meet between their calls, and a race could not be tested.
        tokio::task::yield_now().await;
        let ask = || self.backends.answer(service, operation, request);
        match fault {
            None => ask().await,
            Some(Fault::BeforeSend) => Err(ConnectorError::io("the request was not sent".into())),
            Some(Fault::AfterEffect) => {
                ask().await?;
                Err(ConnectorError::io("the answer was lost".into()))
            }
            Some(Fault::Throttle) => Ok(answer::throttled(service)),
            Some(Fault::InternalError) => Ok(answer::broken(service)),
            Some(Fault::Never) => std::future::pending().await,
            Some(Fault::DiesBefore) => self.faults.die().await,
            Some(Fault::DiesAfter) => {
                ask().await?;
                self.faults.die().await
            }
        }
    }

    /// The same for a call that somebody tampers with.
    async fn ask_tampered(
        &self,
        tamper: &dyn Tamper,
        asked: &Asked,
        needs: Vec<Need>,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let answered = match tamper.instead(asked) {
            None => self.ask(asked.service, &asked.operation, needs, request).await?,
            Some(others) => {
                let mut answered = Err(ConnectorError::io("nothing is asked in place of the request".into()));
                for other in &others {
                    let request = HttpRequest::new(SdkBody::from(other.body.as_str()));
                    let needs = needs::of(other.service, &other.operation, &request);
                    answered = self.ask(other.service, &other.operation, needs, request).await;
                    if !answered.as_ref().is_ok_and(|answered| answered.status().is_success()) {
                        break;
                    }
                }
                answered?
            }
        };
        if tamper.reads(asked) { tampering::answered(tamper, asked, answered).await } else { Ok(answered) }
    }
}

impl HttpConnector for Front {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some((service, operation, needs)) = self.asked(&request) else {
            let uri = request.uri().parse::<Uri>().unwrap_or_default();
            let host = uri.host().unwrap_or_default();
            let cause = format!("cannot reach {host}: the embedded AWS is DynamoDB, S3, KMS and SQS of {REGION}, and nothing else");
            return HttpConnectorFuture::ready(Err(ConnectorError::user(cause.into())));
        };
        let front = self.clone();
        HttpConnectorFuture::new(async move {
            match front.tampering.present() {
                None => front.ask(service, &operation, needs, request).await,
                Some(tamper) => {
                    let asked = Asked::of(service, operation, &request);
                    front.ask_tampered(tamper.as_ref(), &asked, needs, request).await
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
    use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
    use aws_sdk_s3::primitives::ByteStream;
    use aws_types::region::Region;

    use super::super::testing::{self, text};
    use super::*;

    #[tokio::test]
    async fn a_call_that_fails_before_it_is_sent_has_no_effect() {
        let (aws, _) = testing::world();
        aws.faults().on_call(1, Fault::BeforeSend);
        let failed = testing::put(&aws, "a", "1").await.unwrap_err();
        assert!(matches!(&failed, SdkError::DispatchFailure(failure) if failure.is_io()));
        assert_eq!(testing::get(&aws, "a").await, None);
    }

    #[tokio::test]
    async fn a_call_whose_answer_is_lost_has_its_effect() {
        let (aws, _) = testing::world();
        aws.create_bucket("bucket").unwrap();
        aws.faults().on_call(1, Fault::AfterEffect);
        aws.faults().on(Service::S3, "PutObject", Fault::AfterEffect, 1);
        let failed = testing::put(&aws, "a", "1").await.unwrap_err();
        assert!(matches!(&failed, SdkError::DispatchFailure(failure) if failure.is_io()));
        assert_eq!(testing::get(&aws, "a").await.unwrap()["value"], text("1"));
        let stored = testing::s3(&aws).put_object().bucket("bucket").key("k").body(ByteStream::from_static(b"x")).send().await;
        assert!(matches!(stored, Err(SdkError::DispatchFailure(_))));
        assert_eq!(aws.files().unwrap()["bucket/k"], b"x");
    }

    #[tokio::test]
    async fn each_service_throttles_and_breaks_in_its_own_words() {
        let (aws, _) = testing::world();
        let words = [
            (
                Fault::Throttle,
                400,
                ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestThrottled"],
                (503, "SlowDown"),
            ),
            (Fault::InternalError, 500, ["InternalServerError", "KMSInternalException", "InternalFailure"], (500, "InternalError")),
        ];
        for (fault, status, [dynamodb, kms, sqs], s3) in words {
            for service in [Service::DynamoDb, Service::Kms, Service::Sqs, Service::S3] {
                let operation = ["PutItem", "ListKeys", "ListQueues", "ListObjectsV2"];
                operation.iter().for_each(|operation| aws.faults().on(service, operation, fault, 1));
            }
            let failed = testing::put(&aws, "a", "1").await.unwrap_err();
            assert_eq!((failed.raw_response().unwrap().status().as_u16(), failed.code()), (status, Some(dynamodb)));
            assert_eq!(testing::get(&aws, "a").await, None);
            let failed = testing::kms(&aws).list_keys().send().await.unwrap_err();
            assert_eq!((failed.raw_response().unwrap().status().as_u16(), failed.code()), (status, Some(kms)));
            let failed = testing::sqs(&aws).list_queues().send().await.unwrap_err();
            assert_eq!((failed.raw_response().unwrap().status().as_u16(), failed.code()), (status, Some(sqs)));
            let failed = testing::s3(&aws).list_objects_v2().bucket("bucket").send().await.unwrap_err();
            assert_eq!((failed.raw_response().unwrap().status().as_u16(), failed.code()), (s3.0, Some(s3.1)));
            aws.faults().clear();
        }
    }

    #[tokio::test]
    async fn a_call_that_is_never_answered_ends_with_the_sdks_timeout() {
        let (aws, _) = testing::world();
        let patience = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(20)).build();
        let config = testing::config(&aws).into_builder().timeout_config(patience).build();
        aws.faults().on_call(1, Fault::Never);
        let asked = aws_sdk_dynamodb::Client::new(&config).list_tables().send().await;
        assert!(matches!(asked, Err(SdkError::TimeoutError(_))));
    }

    #[tokio::test]
    async fn a_retry_of_the_sdk_is_a_second_call() {
        let (aws, _) = testing::world();
        let start = aws.calls().mark();
        aws.faults().on_call(1, Fault::Throttle);
        let hasty = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        let config = aws.sdk_config().into_builder().retry_config(hasty).build();
        aws_sdk_dynamodb::Client::new(&config).list_tables().send().await.unwrap();
        let faults: Vec<Option<Fault>> = aws.calls().since(start).into_iter().map(|call| call.fault).collect();
        assert_eq!(faults, [Some(Fault::Throttle), None]);
    }

    #[tokio::test]
    async fn tasks_beside_each_other_meet_between_their_calls() {
        let (aws, _) = testing::world();
        let start = aws.calls().mark();
        let task = |id: &'static str| {
            let aws = aws.clone();
            async move {
                testing::put(&aws, id, "1").await.unwrap();
                testing::get(&aws, id).await.unwrap();
            }
        };
        futures::join!(task("a"), task("b"));
        let names: Vec<String> = aws.calls().since(start).into_iter().map(|call| call.operation).collect();
        assert_eq!(names, ["PutItem", "PutItem", "GetItem", "GetItem"]);
    }

    #[tokio::test]
    async fn another_host_is_refused() {
        let (aws, _) = testing::world();
        let elsewhere = [
            testing::config(&aws).into_builder().region(Region::new("eu-central-1")).build(),
            testing::config(&aws).into_builder().endpoint_url("http://127.0.0.1:8000").build(),
        ];
        for config in elsewhere {
            let asked = aws_sdk_dynamodb::Client::new(&config).list_tables().send().await;
            assert!(matches!(asked, Err(SdkError::DispatchFailure(failure)) if failure.is_user()));
        }
        assert_eq!(aws.calls().count_all(Service::DynamoDb), 0);
    }
}
