//! A key host for tests, on loopback, that can misbehave in every way we defend against.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::platform::http_client::LazyHttpClient;

pub(in crate::connect) enum Reply {
    /// 200 with this body.
    Key(&'static str),
    /// No body.
    Status(u16),
    /// 302 to this address.
    Redirect(String),
    /// 200 and a body of 17 KiB.
    Long,
    /// 200 and a body without an end.
    Endless,
    /// 200, half a body, then nothing more.
    Stalled,
    /// Nothing at all.
    Silence,
}

pub(in crate::connect) struct KeyHost {
    pub(in crate::connect) url: Url,
    asked: Arc<AtomicUsize>,
}

impl KeyHost {
    pub(in crate::connect) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[expect(clippy::disallowed_methods, reason = "without the timeout of the platform's, so that the one tested here is seen")]
pub(in crate::connect) fn client() -> LazyHttpClient {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap().into()
}

pub(in crate::connect) async fn key_host(reply: fn(&str) -> Reply) -> KeyHost {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/keys/", listener.local_addr().unwrap())).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&counter), reply));
        }
    });
    KeyHost { url, asked }
}

async fn serve(mut stream: TcpStream, counter: Arc<AtomicUsize>, reply: fn(&str) -> Reply) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    counter.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let answer = match reply(path) {
        Reply::Key(pem) => format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{pem}", pem.len()),
        Reply::Status(status) => format!("HTTP/1.1 {status} Some\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
        Reply::Redirect(to) => format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"),
        Reply::Long => {
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", "A".repeat(17 * 1024));
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{pem}", pem.len())
        }
        Reply::Endless => "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n-----BEGIN PUBLIC KEY-----\n".to_owned(),
        Reply::Stalled => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 400\r\n\r\n-----BEGIN PUBLIC KEY-----\n".to_owned(),
        Reply::Silence => String::new(),
    };
    let mut sent = stream.write_all(answer.as_bytes()).await;
    if matches!(reply(path), Reply::Endless) {
        while sent.is_ok() {
            sent = stream.write_all(&[b'A'; 1024]).await;
        }
    }
    // Until the caller hangs up.
    let _ = stream.read_u8().await;
}
