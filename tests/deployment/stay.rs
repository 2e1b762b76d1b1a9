//! What a customer does while it is there, and what is refused once it has left.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use local::jira::user::MEMBER;
use serde_json::{Value, json};

use super::customer::Customer;
use super::issues::COPIES;
use super::stack::{Stack, send, until};

/// Stands in all that the customer stores, and must be readable nowhere.
pub const MARK: &str = "m4rk-of-a-customer";

const SETTING: &str = "/configuration/test-environments";

/// The first of two parts is as large as a part is; what is left for the second is small.
const PART: usize = 8 << 20;

fn setting() -> Value {
    json!([{"name": MARK}])
}

/// Text, of letters of one to four bytes: the emulator hands no other bytes on from an answer that is a stream.
fn file() -> Vec<u8> {
    let mut file = String::with_capacity(PART + 2048);
    while file.len() < PART + 1024 {
        file.push_str(&format!("{} {MARK} ä € 𝄞\n", file.len()));
    }
    file.into_bytes()
}

/// Where the file's name is kept for later parts of the story.
fn noted() -> std::path::PathBuf {
    Stack::folder().join("attachment")
}

pub async fn settings_are_kept(customer: &Customer<'_>) {
    let page = customer.page().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let put = customer.call(Method::PUT, SETTING, setting().to_string()).await;
    assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
    // Who administers the site was asked of the site.
    assert!(customer.jira.asked().iter().any(|asked| asked.path.ends_with("/permissions/check") && asked.status == 200));
    let by_member = customer.call_as(MEMBER, Method::PUT, SETTING, "[]").await;
    assert_eq!(by_member.status, StatusCode::FORBIDDEN, "{}", by_member.text());
    let got = customer.call(Method::GET, SETTING, "").await;
    assert_eq!((got.status, got.json()), (StatusCode::OK, setting()));
}

/// Straight into the bucket by presigned parts, told by S3 through EventBridge and the queue to the function that seals it.
pub async fn a_large_file_arrives_by_parts(customer: &Customer<'_>) {
    let file = file();
    let digest = |part: &[u8]| STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, part).as_ref());
    let parts: Vec<String> = file.chunks(PART).map(digest).collect();
    let said = json!({"name": format!("{MARK}.txt"), "size": file.len(), "parts": parts});
    let begun = customer.call(Method::POST, "/attachments/uploads", said.to_string()).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text());
    let begun = begun.json();
    for (address, part) in begun["missing"].as_array().unwrap().iter().zip(file.chunks(PART)) {
        let mut other = part.to_vec();
        other[0] ^= 1;
        assert!(put_part(address, other).await.is_client_error(), "another part than was said arrived");
        assert_eq!(put_part(address, part.to_vec()).await, StatusCode::OK);
    }
    let id = begun["id"].as_str().unwrap();
    let complete = customer.call(Method::POST, &format!("/attachments/uploads/{id}/complete"), "").await;
    assert_eq!(complete.status, StatusCode::ACCEPTED, "{}", complete.text());
    let path = format!("/attachments/{id}");
    until("the file is sealed", async || customer.call(Method::GET, &path, "").await.status == StatusCode::OK).await;
    fs::write(noted(), id).unwrap();
    all_is_there(customer).await;
}

async fn put_part(address: &Value, part: Vec<u8>) -> StatusCode {
    let headers = address["headers"].as_array().unwrap().iter().map(|header| (header[0].as_str().unwrap(), header[1].as_str().unwrap()));
    send(Method::PUT, address["url"].as_str().unwrap(), &headers.collect::<Vec<_>>(), part).await.status
}

pub async fn all_is_there(customer: &Customer<'_>) {
    let got = customer.call(Method::GET, SETTING, "").await;
    assert_eq!((got.status, got.text()), (StatusCode::OK, setting().to_string()));
    let id = fs::read_to_string(noted()).unwrap();
    let got = customer.call(Method::GET, &format!("/attachments/{id}"), "").await;
    assert_eq!((got.status, got.body.len()), (StatusCode::OK, file().len()));
    assert!(got.body == file(), "the file is another");
}

pub async fn everything_is_refused(customer: &Customer<'_>) {
    let id = fs::read_to_string(noted()).unwrap();
    for target in [SETTING.to_owned(), "/attachments".to_owned(), format!("/attachments/{id}"), COPIES.to_owned()] {
        assert_eq!(customer.call(Method::GET, &target, "").await.status, StatusCode::UNAUTHORIZED, "{target}");
    }
    assert_eq!(customer.page().await.status, StatusCode::UNAUTHORIZED);
}
