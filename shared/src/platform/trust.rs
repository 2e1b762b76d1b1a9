//! Whom we believe that they are who they say, over TLS. The roots are part of the binary: reading the system's costs some 900 system calls at
//! every start, and an image could be made with others in it.
//!
//! AWS is believed under Amazon's own roots alone, because a tenant's unwrapped keys come that way: no other authority of the world can
//! put itself between. Everybody else is believed as browsers do, under Mozilla's list.

use std::sync::Arc;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};

/// The five of <https://www.amazontrust.com/repository/>: what a client of AWS must trust, and all that it needs to.
const AMAZON: &[u8] = include_bytes!("amazon-roots.pem");

/// The way to AWS: one for all its services, so that they share what TLS needs.
pub(crate) fn aws_client() -> SharedHttpClient {
    let client = aws_smithy_http_client::Builder::new();
    match TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(AMAZON)).build() {
        Ok(tls) => client.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build_https(),
        // The library never says so today: roots that it cannot read end the process when it makes its first client, at every start. Should it
        // say so one day, https leads nowhere, rather than to whomever the system's roots vouch for.
        Err(_) => client.build_http(),
    }
}

/// TLS with everybody else, by HTTP/2 where they speak it.
///
/// # Errors
/// If the TLS library does not support its own defaults.
pub(crate) fn public_tls() -> Result<ClientConfig, rustls::Error> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions()?;
    let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// As Amazon publishes their fingerprints, in the order of its list.
    const PUBLISHED: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn aws_is_believed_under_amazons_published_roots_alone() {
        let pem = std::str::from_utf8(AMAZON).unwrap();
        let certificates = pem.split("-----BEGIN CERTIFICATE-----").skip(1).map(|certificate| {
            let text: String = certificate.split("-----END").next().unwrap().split_whitespace().collect();
            hex::encode(digest(&SHA256, &STANDARD.decode(text).unwrap()))
        });
        assert_eq!(certificates.collect::<Vec<_>>(), PUBLISHED);
    }

    #[test]
    fn everybody_else_is_believed_under_a_list_that_is_not_empty() {
        assert!(webpki_roots::TLS_SERVER_ROOTS.len() > 100);
        assert!(public_tls().is_ok());
    }
}
