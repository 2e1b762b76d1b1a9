//! Connections that are kept: each sends a request, waits for the answer, reads it to its end, and sends the next one.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::shots::Shot;

/// What a load has shown.
pub(crate) struct Measured {
    /// How long each answer took, shortest first.
    latencies: Vec<Duration>,
    /// How long all of it took.
    took: Duration,
}

impl Measured {
    pub(crate) fn requests(&self) -> f64 {
        self.latencies.len() as f64
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.requests() / self.took.as_secs_f64()
    }

    /// In how many seconds this share of the answers was there.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.latencies.len() - 1;
        self.latencies[(last as f64 * share).round() as usize].as_secs_f64()
    }
}

/// Sends one and the same request over so many connections until `ended` is.
pub(crate) async fn run(address: SocketAddr, shot: &Shot, connections: usize, ended: impl Future<Output = ()>) -> Measured {
    let stop = Arc::new(AtomicBool::new(false));
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(connect(address).await.unwrap());
    }
    let (began, mut tasks) = (Instant::now(), JoinSet::new());
    for mut sender in senders {
        let (shot, stop) = (shot.clone(), Arc::clone(&stop));
        tasks.spawn(async move {
            let mut latencies = Vec::with_capacity(16_384);
            while !stop.load(Ordering::Relaxed) {
                let sent = Instant::now();
                send(&mut sender, &shot).await;
                latencies.push(sent.elapsed());
            }
            latencies
        });
    }
    tokio::select! {
        () = ended => {}
        // None ends before it is asked to, unless it was not answered as it must be.
        died = tasks.join_next() => drop(died.unwrap().unwrap()),
    }
    stop.store(true, Ordering::Relaxed);
    let mut latencies = tasks.join_all().await.concat();
    let took = began.elapsed();
    latencies.sort_unstable();
    Measured { latencies, took }
}

/// Sends one request over a connection of its own; gives the answer, or `None` if nobody listens.
pub(crate) async fn once(address: SocketAddr, shot: &Shot) -> Option<Bytes> {
    let mut sender = connect(address).await.ok()?;
    Some(send(&mut sender, shot).await)
}

/// What lies at this path.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Bytes {
    once(address, &Shot::new(Method::GET, path, StatusCode::OK)).await.unwrap()
}

async fn connect(address: SocketAddr) -> std::io::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    // What it ends with is what the sender hears.
    tokio::spawn(connection);
    Ok(sender)
}

async fn send(sender: &mut SendRequest<Full<Bytes>>, shot: &Shot) -> Bytes {
    let mut request = Request::new(Full::new(shot.body.clone()));
    *request.method_mut() = shot.method.clone();
    *request.uri_mut() = shot.target.clone();
    *request.headers_mut() = shot.headers.clone();
    sender.ready().await.unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, shot.expected, "{} {}: {body:?}", shot.method, shot.target);
    body
}
