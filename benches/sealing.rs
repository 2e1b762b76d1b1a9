//! A large file from the incoming bucket into the sealed one, against a plain copy of the same object by the same parts; and how much memory the
//! whole process needed for it, the embedded AWS included. `LETHE_MIB` says how large the file is; 1024 if it says nothing. Another size is printed,
//! and not compared with what was recorded.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a program for a person at a terminal")]

use std::process::ExitCode;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use benches::{Found, Metric, Pair, World, elapsed, peak_mib, size};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::attachment::sealing::{self, Outcome};
use shared::attachment::upload::PART_BYTES;
use shared::platform::clock::SystemClock;
use shared::tenant::id;
use tower::ServiceExt as _;

const S3: &str = "http://127.0.0.1:8082";

const METRICS: [Metric; 2] = [
    Metric { name: "calls", margin: 0.0, because: "a count: the same parts are the same calls" },
    Metric {
        name: "time",
        margin: 1.0,
        because: "each is done once, by the clock on the wall, and others use the same cores and the same disk",
    },
];

/// How large the file is that is compared.
const MIB: u64 = 1_024;

/// The world with a browser in it.
struct Scene {
    world: World,
}

impl Scene {
    async fn start(folder: &std::path::Path) -> Self {
        let world = World::start(folder, Arc::new(SystemClock::start()), Some(S3)).await;
        world.lifecycle("installed").await;
        Self { world }
    }

    async fn call(&self, method: Method, endpoint: &str, token: &str, body: String) -> Value {
        let request = Request::builder().method(method).uri(format!("/{}/{endpoint}", self.world.site.app.slug));
        let request = request.header("authorization", format!("JWT {token}")).header("content-type", "application/json");
        let answer = self.world.host.front().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() }
    }

    async fn page(&self, method: Method, endpoint: &str, body: String) -> Value {
        self.call(method, endpoint, &self.world.site.context_token(self.world.now()).unwrap(), body).await
    }

    /// Uploads `parts` parts by their presigned addresses; gives the upload's name.
    async fn upload(&self, parts: u64) -> String {
        let sums: Vec<String> = (0..parts).map(|number| STANDARD.encode(digest(&SHA256, &part(number)))).collect();
        let begin = json!({"name": "recording.mp4", "size": parts * PART_BYTES, "parts": sums});
        let begun = self.page(Method::POST, "attachments/uploads", begin.to_string()).await;
        let router = self.world.host.aws().s3_router(S3);
        for (number, address) in (0..).zip(begun["missing"].as_array().unwrap()) {
            let url = address["url"].as_str().unwrap().strip_prefix(S3).unwrap();
            let mut request = Request::put(url).header("host", "127.0.0.1:8082").header("content-length", PART_BYTES);
            for header in address["headers"].as_array().unwrap() {
                request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
            }
            let answer = router.clone().oneshot(request.body(Body::from(part(number))).unwrap()).await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
        }
        let id = begun["id"].as_str().unwrap().to_owned();
        let completed = self.page(Method::POST, &format!("attachments/uploads/{id}/complete"), String::new()).await;
        assert!(completed.is_null(), "{completed}");
        id
    }

    /// The same object read and written by the same parts, and nothing done to it.
    async fn copy(&self, key: &str) {
        let s3 = aws_sdk_s3::Client::new(&self.world.host.aws().sdk_config());
        let mut source = s3.get_object().bucket("incoming-bucket").key(key).send().await.unwrap().body;
        let begun = s3.create_multipart_upload().bucket("sealed-bucket").key("copy").send().await.unwrap().upload_id.unwrap();
        let (mut part, mut sent) = (Vec::new(), Vec::new());
        loop {
            let chunk = source.next().await.transpose().unwrap();
            part.extend_from_slice(chunk.as_deref().unwrap_or_default());
            let full = part.len() >= usize::try_from(PART_BYTES).unwrap();
            if full || (chunk.is_none() && !part.is_empty()) {
                let number = i32::try_from(sent.len()).unwrap() + 1;
                let call = s3.upload_part().bucket("sealed-bucket").key("copy").upload_id(&begun).part_number(number);
                let done = call.body(ByteStream::from(std::mem::take(&mut part))).send().await.unwrap();
                let completed = CompletedPart::builder().part_number(number).set_e_tag(done.e_tag).set_checksum_crc32(done.checksum_crc32);
                sent.push(completed.build());
            }
            if chunk.is_none() {
                break;
            }
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(sent)).build();
        s3.complete_multipart_upload().bucket("sealed-bucket").key("copy").upload_id(begun).multipart_upload(parts).send().await.unwrap();
    }
}

/// One part, never twice the same.
fn part(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(usize::try_from(PART_BYTES).unwrap());
    while bytes.len() < usize::try_from(PART_BYTES).unwrap() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut found = Found::start("sealing", &METRICS, &[]);
    let mib = size("LETHE_MIB", MIB);
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::start(folder.path()).await;
    let parts = (mib << 20).div_ceil(PART_BYTES);
    let id = scene.upload(parts).await;
    let key = format!("{}/{id}", id::digest(scene.world.site.app.slug, &scene.world.site.client_key));
    let uploaded = peak_mib();
    println!("uploaded {mib} MiB by {parts} parts; peak memory so far {uploaded:?} MiB");

    // Once before, so that no side pays for caches and for the growth of files.
    scene.copy(&key).await;
    let began = elapsed();
    scene.copy(&key).await;
    let limit = elapsed() - began;
    let mark = scene.world.host.aws().calls().mark();
    let began = elapsed();
    let outcome = sealing::seal(&scene.world.host.platform("attachments").unwrap(), &key).await;
    let ours = elapsed() - began;
    assert_eq!(outcome.ok(), Some(Outcome::Sealed));
    let pair = Pair { ours, limit };
    let seal_calls = scene.world.host.aws().calls().since(mark).len();
    println!("sealed in {ours:?}, {seal_calls} AWS calls; a plain copy by the same parts took {limit:?}; ratio {:.2}", pair.ratio());
    let sealed = peak_mib();
    println!("peak memory of the whole process, the embedded AWS included: {sealed:?} MiB");

    let mark = scene.world.host.aws().calls().mark();
    let token = scene.world.site.context_token(scene.world.now()).unwrap();
    let request = Request::get(format!("/{}/attachments/{id}", scene.world.site.app.slug)).header("authorization", format!("JWT {token}"));
    let answer = scene.world.host.front().oneshot(request.header("range", "bytes=-100").body(Body::empty()).unwrap()).await.unwrap();
    let tail = answer.into_body().collect().await.unwrap().to_bytes();
    let expected = part(parts - 1);
    assert_eq!(tail.as_ref(), &expected[expected.len() - 100..]);
    let calls: Vec<String> = scene.world.host.aws().calls().since(mark).iter().map(ToString::to_string).collect();
    println!("its last 100 bytes: {} AWS calls ({})", calls.len(), calls.join(", "));

    if mib == MIB {
        found.note("time", "seal", pair.ratio());
        found.note("calls", "seal", seal_calls as f64);
        found.note("calls", "tail", calls.len() as f64);
    } else {
        METRICS.iter().for_each(|metric| found.unable(metric.name, "LETHE_MIB says another size"));
    }
    found.end()
}
