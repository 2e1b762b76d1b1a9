//! The one way to AWS: the official SDK, built from an explicit environment, never from the default chain (which would read `~/.aws`, ask
//! the instance metadata service and cost milliseconds at every start).

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use url::Url;

use crate::platform::config::Config;
use crate::problem::{Problem, Refusal};

/// How the SDK behaves: two retries with short waits and two seconds an attempt, so that a caller hears of trouble before Atlassian gives up.
///
/// `http_client` is `None` on Lambda (the SDK's own, over TLS, under the roots in [`trust`](super::trust); it knows no proxy) and the embedded AWS
/// everywhere else. It is one for all clients.
#[must_use]
pub fn sdk_config(config: &Config, http_client: Option<SharedHttpClient>) -> SdkConfig {
    let credentials = Credentials::new(
        config.credentials.access_key_id.clone(),
        config.credentials.secret_access_key.as_str().to_owned(),
        config.credentials.session_token.as_ref().map(|token| token.as_str().to_owned()),
        None,
        "environment",
    );
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_secs(2))
                .operation_timeout(Duration::from_secs(5))
                .build(),
        );
    // What it guards against are streams that stall; what is sent and taken here is whole within an attempt's two seconds.
    builder.set_stalled_stream_protection(Some(StalledStreamProtectionConfig::disabled()));
    builder.set_http_client(Some(http_client.unwrap_or_else(super::trust::aws_client)));
    builder.set_endpoint_url(config.endpoint.as_ref().map(|endpoint| endpoint.as_str().trim_end_matches('/').to_owned()));
    builder.build()
}

/// S3, with longer patience: what it moves is megabytes. An endpoint of our own is addressed by path, because it has one name only.
pub(crate) fn s3(sdk_config: &SdkConfig, endpoint: Option<&Url>) -> aws_sdk_s3::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(60))
        .build();
    // A file is streamed for longer than any of these; what stands still for five seconds is given up.
    let stalled = StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(5)).build();
    let mut config = aws_sdk_s3::config::Builder::from(sdk_config).timeout_config(timeouts).stalled_stream_protection(stalled);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint.as_str().trim_end_matches('/')).force_path_style(true);
    }
    aws_sdk_s3::Client::from_conf(config.build())
}

/// What a failed call to AWS means for our caller: 503 where waiting may help, 500 where AWS says that we asked wrongly.
///
/// Only the operation and AWS's error code go into the log; messages may quote what was sent.
pub fn problem<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Problem {
    let cause = match error {
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "unreadable answer",
        SdkError::ConstructionFailure(_) => "cannot build the request",
        SdkError::ServiceError(service) => service.err().code().unwrap_or("no code"),
        _ => "unknown",
    };
    let ours = matches!(cause, "ValidationException" | "SerializationException" | "cannot build the request");
    let refusal = if ours { Refusal::Internal } else { Refusal::Unavailable };
    Problem::new(refusal, format!("{operation}: {cause}"))
}
