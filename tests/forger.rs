//! One who makes odd tokens: any header and any claims as text, under any key; and a key server that writes down what it is asked.

use std::fs;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{StatusCode, Uri};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use local::atlassian::{self, Atlassian};

use crate::harness::{ATLASSIAN, serve_for_ever};

/// The name under which [`KeyServer`] publishes [`PUBLISHED`].
pub const PUBLISHED_KID: &str = "5eb1c3d2-0000-4000-8000-00000000f0e6";

/// An RSA key whose public half is published: what it signs is genuine.
pub static PUBLISHED: LazyLock<Pair> = LazyLock::new(Pair::new);

/// An RSA key that nobody publishes.
pub static STRANGER: LazyLock<Pair> = LazyLock::new(Pair::new);

/// Both halves of an RSA key, in PEM.
pub struct Pair {
    private_pem: Vec<u8>,
    pub public_pem: String,
}

impl Pair {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Atlassian::of_host_or_new(folder.path()).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        Self { private_pem: read("atlassian-private.pem").into_bytes(), public_pem: read("atlassian-public.pem") }
    }

    pub fn key(&self) -> EncodingKey {
        EncodingKey::from_rsa_pem(&self.private_pem).unwrap()
    }
}

/// A token of this header and these claims, whatever they say, signed as told.
pub fn forged(header: &str, claims: &str, algorithm: Algorithm, key: &EncodingKey) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// A key server that publishes Atlassian's key and [`PUBLISHED`].
pub struct KeyServer {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl KeyServer {
    pub fn start() -> Self {
        async fn key(State(asked): State<Arc<Mutex<Vec<String>>>>, uri: Uri) -> Result<String, StatusCode> {
            asked.lock().unwrap().push(uri.to_string());
            match uri.path().strip_prefix('/') {
                Some(atlassian::KID) => Ok(ATLASSIAN.0.public_pem().to_owned()),
                Some(PUBLISHED_KID) => Ok(PUBLISHED.public_pem.clone()),
                _ => Err(StatusCode::NOT_FOUND),
            }
        }
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let url = serve_for_ever(Router::new().fallback(key).with_state(Arc::clone(&asked)));
        Self { url, asked }
    }

    /// The targets asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}
