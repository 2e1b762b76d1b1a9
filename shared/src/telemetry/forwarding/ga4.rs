//! What Google Analytics is sent (promises ): one `page_view` by the Measurement Protocol, and nothing of the browser, which it never meets.
//!
//! The protocol wants a client; each call has a new one, so that no two are joined. It answers 204 to whatever it is sent, and so a view that it does
//! not understand is lost there without a word. Source:
//! <https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference>.

use bytes::Bytes;
use http::Request;
use serde::Serialize;
use url::Url;

use crate::platform::Platform;
use crate::problem::{Problem, Refusal};
use crate::telemetry::page_view::PageView;
use crate::telemetry::sink::Destination;

/// One call.
#[derive(Serialize)]
pub(super) struct Collected<'v> {
    client_id: String,
    events: [Event<'v>; 1],
}

#[derive(Serialize)]
struct Event<'v> {
    name: &'static str,
    params: Params<'v>,
}

#[derive(Serialize)]
struct Params<'v> {
    page_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_referrer: Option<String>,
    tenant: &'v str,
}

impl<'v> Collected<'v> {
    /// What leaves of a view, where our address is `public`.
    pub(super) fn of(view: &'v PageView, public: &Url, client_id: [u8; 16]) -> Self {
        let params = Params {
            page_location: view.page.under(public),
            page_referrer: view.referrer.as_ref().map(|referrer| referrer.under(public)),
            tenant: &view.tenant,
        };
        Self { client_id: hex::encode(client_id), events: [Event { name: "page_view", params }] }
    }
}

/// The request that takes a view to Google.
///
/// # Errors
/// 500 if it cannot be written or its secret is not there, 503 without randomness.
pub(super) fn request(platform: &Platform, view: &PageView) -> Result<Request<Bytes>, Problem> {
    let config = platform.config();
    let ga4 = config.sinks.ga4.as_ref().ok_or_else(|| Problem::new(Refusal::Internal, Destination::GoogleAnalytics.off()))?;
    let secret = config.sink_secrets.ga4.known().ok_or_else(|| super::no_secret(Destination::GoogleAnalytics))?;
    let mut client_id = [0; 16];
    platform.random().fill(&mut client_id)?;
    let body = serde_json::to_vec(&Collected::of(view, &config.public_url, client_id));
    let body = body.map_err(|_| Problem::new(Refusal::Internal, "cannot write a page view"))?;
    let mut address = ga4.url.clone();
    address.set_path(&format!("{}/mp/collect", ga4.url.path().trim_end_matches('/')));
    address.query_pairs_mut().append_pair("measurement_id", &ga4.measurement_id).append_pair("api_secret", secret);
    super::post_of(address.as_str(), &[("content-type", "application/json")], body)
}
