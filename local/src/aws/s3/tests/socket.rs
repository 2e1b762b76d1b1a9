//! S3 over a socket, as a browser uses it: presigned requests and CORS.

use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::types::ChecksumAlgorithm;
use http::header::{HeaderMap, ORIGIN};
use http::{Method, StatusCode};
use shared::platform::clock::Clock as _;
use shared::platform::http_client::http_client;

use super::{World, sha256, text};
use crate::aws::s3::{BucketSpec, Cors};
use crate::aws::{Fault, Service, testing};

const PAGE: &str = "https://page.example.com";

/// A world whose S3 listens.
struct Served {
    world: World,
    /// Presigns for the address that browsers have.
    s3: Client,
    browser: reqwest::Client,
    origin: String,
}

impl Served {
    async fn start() -> Self {
        let cors = Cors {
            allowed_origins: vec!["https://*.example.com".to_owned()],
            allowed_methods: vec!["PUT".to_owned()],
            allowed_headers: vec!["X-Amz-*".to_owned(), "content-type".to_owned()],
            exposed_headers: vec!["ETag".to_owned()],
        };
        let world = World::with(&BucketSpec { cors: Some(cors), ..BucketSpec::plain("bucket") });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = world.aws.s3_router(&origin);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = testing::config(&world.aws).into_builder().endpoint_url(&origin).build();
        Self { world, s3: Client::new(&config), browser: http_client().unwrap(), origin }
    }

    fn for_a_minute(&self) -> PresigningConfig {
        let now = UNIX_EPOCH + Duration::from_secs(u64::try_from(self.world.clock.now().epoch_seconds()).unwrap());
        PresigningConfig::builder().start_time(now).expires_in(Duration::from_secs(60)).build().unwrap()
    }

    async fn begin(&self) -> String {
        let upload = self.world.s3.create_multipart_upload().bucket("bucket").key("k").checksum_algorithm(ChecksumAlgorithm::Sha256);
        upload.send().await.unwrap().upload_id.unwrap()
    }

    /// A presigned part of these bytes and no others.
    async fn presigned_part(&self, upload: &str, body: &[u8]) -> PresignedRequest {
        let part = self.s3.upload_part().bucket("bucket").key("k").upload_id(upload).part_number(1);
        let part = part.checksum_sha256(sha256(body)).content_length(i64::try_from(body.len()).unwrap());
        part.presigned(self.for_a_minute()).await.unwrap()
    }

    /// Sends what was presigned, with this body, to this address.
    async fn send(&self, presigned: &PresignedRequest, url: &str, body: &'static str) -> (StatusCode, String, HeaderMap) {
        let method: Method = presigned.method().parse().unwrap();
        let mut request = self.browser.request(method, url).header(ORIGIN, PAGE);
        for (name, value) in presigned.headers().filter(|(name, _)| *name != "content-length" && *name != "host") {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let told = answer.text().await.unwrap();
        let code = told.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code.to_owned());
        (status, code.unwrap_or(told), headers)
    }
}

#[tokio::test]
async fn a_presigned_part_is_taken_if_it_is_the_one_that_was_signed_for() {
    let served = Served::start().await;
    let upload = served.begin().await;
    let presigned = served.presigned_part(&upload, b"right").await;
    assert!(presigned.uri().starts_with(&served.origin), "{}", presigned.uri());
    for (body, status, code) in [("wrong", 400, "BadDigest"), ("too long", 403, "SignatureDoesNotMatch")] {
        let (told, refused, _) = served.send(&presigned, presigned.uri(), body).await;
        assert_eq!((told.as_u16(), refused.as_str()), (status, code));
    }
    let elsewhere = presigned.uri().replace("/bucket/k?", "/bucket/other?");
    let (told, refused, _) = served.send(&presigned, &elsewhere, "right").await;
    assert_eq!((told.as_u16(), refused.as_str()), (403, "SignatureDoesNotMatch"));
    assert!(served.world.names().is_empty());
    let (told, _, headers) = served.send(&presigned, presigned.uri(), "right").await;
    assert_eq!((told, headers["access-control-allow-origin"].to_str().unwrap()), (StatusCode::OK, PAGE));
    assert_eq!(headers["access-control-expose-headers"], "ETag");
    assert_eq!(headers["etag"].to_str().unwrap().len(), 34);
    assert_eq!(served.world.names(), [format!("bucket/k#{upload}#1")]);
}

#[tokio::test]
async fn a_presigned_request_expires_by_the_clock_given() {
    let served = Served::start().await;
    let upload = served.begin().await;
    let presigned = served.presigned_part(&upload, b"right").await;
    served.world.clock.advance(Duration::from_secs(61));
    let (status, refused, _) = served.send(&presigned, presigned.uri(), "right").await;
    assert_eq!((status.as_u16(), refused.as_str()), (403, "AccessDenied"));
    let presigned = served.presigned_part(&upload, b"right").await;
    assert_eq!(served.send(&presigned, presigned.uri(), "right").await.0, StatusCode::OK);
    // Signed by a clock that is far ahead of ours.
    let later = UNIX_EPOCH + Duration::from_secs(1_800_010_000);
    let ahead = PresigningConfig::builder().start_time(later).expires_in(Duration::from_secs(60)).build().unwrap();
    let early = served.s3.get_object().bucket("bucket").key("k").presigned(ahead).await.unwrap();
    assert_eq!(served.send(&early, early.uri(), "").await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_header_that_was_not_signed_for_is_refused() {
    let served = Served::start().await;
    let presigned = served.s3.put_object().bucket("bucket").key("k").presigned(served.for_a_minute()).await.unwrap();
    let put = |name, value| {
        let mut request = served.browser.put(presigned.uri()).header(name, value);
        for (name, value) in presigned.headers().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        request.body("x").send()
    };
    assert_eq!(put("x-amz-meta-role", "admin").await.unwrap().status(), StatusCode::FORBIDDEN);
    let other = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let answer = put("x-amz-content-sha256", other).await.unwrap();
    assert_eq!((answer.status(), answer.text().await.unwrap().contains("XAmzContentSHA256Mismatch")), (StatusCode::BAD_REQUEST, true));
    assert!(served.world.names().is_empty());
    assert_eq!(put("content-type", "text/plain").await.unwrap().status(), StatusCode::OK);
    assert_eq!(served.browser.put(format!("{}/bucket/k", served.origin)).body("x").send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_sdk_reaches_the_served_address_in_process() {
    let served = Served::start().await;
    served.world.put("k", "x").await;
    let got = served.s3.get_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(text(got.body).await, "x");
    let named = testing::config(&served.world.aws).into_builder().endpoint_url("http://localhost:9").build();
    served.world.aws.serve_s3_at("http://localhost:9");
    let got = Client::new(&named).get_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(text(got.body).await, "x", "the bucket's name stands before the host");
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_rules_of_the_bucket() {
    let served = Served::start().await;
    let ask = |bucket: &str, origin: &'static str, method: &'static str, headers: &'static str| {
        let request = served.browser.request(Method::OPTIONS, format!("{}/{bucket}/k", served.origin)).header("origin", origin);
        request.header("access-control-request-method", method).header("access-control-request-headers", headers).send()
    };
    let allowed = ask("bucket", PAGE, "PUT", "content-type, x-amz-checksum-sha256").await.unwrap();
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(allowed.headers()["access-control-allow-origin"], PAGE);
    assert_eq!(allowed.headers()["access-control-allow-headers"], "content-type, x-amz-checksum-sha256");
    assert_eq!(allowed.headers()["access-control-allow-methods"], "PUT");
    for (bucket, origin, method, headers) in [
        ("bucket", "https://example.org", "PUT", "content-type"),
        ("bucket", PAGE, "DELETE", "content-type"),
        ("bucket", PAGE, "PUT", "authorization"),
        ("other", PAGE, "PUT", "content-type"),
    ] {
        let refused = ask(bucket, origin, method, headers).await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(!refused.headers().contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn calls_over_the_socket_are_logged_and_may_fail() {
    let served = Served::start().await;
    served.world.put("k", "x").await;
    let presigned = served.s3.get_object().bucket("bucket").key("k").presigned(served.for_a_minute()).await.unwrap();
    let mark = served.world.aws.calls().mark();
    assert_eq!(served.send(&presigned, presigned.uri(), "").await.1, "x");
    served.world.aws.faults().on(Service::S3, "GetObject", Fault::Throttle, 1);
    assert_eq!(served.send(&presigned, presigned.uri(), "").await.1, "SlowDown");
    served.world.aws.faults().on(Service::S3, "GetObject", Fault::BeforeSend, 1);
    let answer = served.browser.get(presigned.uri()).send().await;
    assert!(match answer {
        Ok(answer) => answer.bytes().await.is_err(),
        Err(_) => true,
    });
    let calls = served.world.aws.calls().since(mark);
    assert_eq!(calls.iter().map(|call| call.fault).collect::<Vec<_>>(), [None, Some(Fault::Throttle), Some(Fault::BeforeSend)]);
    assert_eq!((calls[0].operation.as_str(), calls[0].needs[0].action.as_str()), ("GetObject", "s3:GetObject"));
}
