//! What operators do about a site that has left, for the small Jira's page: below `/play/sites/{site}/leaving`.
//!
//! All of it is the real function `erasure`, called as an operator of this machine; nothing here goes around it, and each call is in the log and
//! in the audit. Answers are passed on byte for byte, because a certificate is worth what its very bytes are.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api::Refused;
use super::doings::{DoingFault, PATIENCE};
use super::server::Desk;
use crate::watch::FOR_VIEW;

/// Who the operator is on this machine.
pub(super) const OPERATOR: &str = "arn:aws:sts::111122223333:assumed-role/lethe-operator/play";

/// The ticket that everything here is for.
const TICKET: u64 = 1;

/// How long a hold stands, in days: as long as one may.
const HELD: u64 = 30;

/// More than any answer of the function.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The routes.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/play/certificate-keys.json", get(keys))
        .route("/play/sites/{site}/leaving", get(status))
        .route("/play/sites/{site}/leaving/certificate.json", get(certificate))
        .route("/play/sites/{site}/leaving/{deed}", post(act))
}

/// JSON as it came from a function.
type AsItCame = ([(HeaderName, HeaderValue); 1], Bytes);

/// The same, as a file to keep.
type AsFile = ([(HeaderName, HeaderValue); 2], Bytes);

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What an operator does, by the name of the function's route.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    DryRun,
    EarlyDeletion,
    Hold,
    Lift,
    Mark,
}

impl Deed {
    const fn route(self) -> &'static str {
        match self {
            Self::DryRun => "dry-run",
            Self::EarlyDeletion => "early-deletion",
            Self::Hold => "hold",
            Self::Lift => "lift",
            Self::Mark => "mark",
        }
    }
}

/// Why it is done, where the function asks for that, and to which life: the one that the page shows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    reason: Option<String>,
    tenant_id: Option<String>,
}

/// Where it stands. Asked for the view alone.
async fn status(State(desk): State<Desk>, Path(site): Path<String>) -> Result<AsItCame, Refused> {
    Ok(as_it_came(standing(&desk, &site).await?))
}

async fn act(
    State(desk): State<Desk>,
    Path((site, deed)): Path<(String, Deed)>,
    axum::Json(given): axum::Json<Given>,
) -> Result<AsItCame, Refused> {
    let days = matches!(deed, Deed::Hold).then_some(HELD);
    let Given { reason, tenant_id } = &given;
    let asked = Asked { route: deed.route(), reason: reason.as_deref(), tenant_id: tenant_id.as_deref(), days, for_view: false };
    Ok(as_it_came(ask(&desk, &site, asked).await?))
}

/// The certificate of the last life that was purged, as `verify` takes it.
async fn certificate(State(desk): State<Desk>, Path(site): Path<String>) -> Result<AsFile, Refused> {
    let status = standing(&desk, &site).await?;
    let none = || Refused(StatusCode::NOT_FOUND, format!("there is no certificate: {site} is not purged"));
    let written = written_in(&status).ok_or_else(none)?;
    Ok(as_file("certificate.json", Bytes::copy_from_slice(written.as_bytes())))
}

/// The keys that certificates are verified with, as everybody gets them.
async fn keys(State(desk): State<Desk>) -> Result<AsFile, Refused> {
    let published = desk.http().get(format!("{}/certificates/keys", desk.functions())).header(FOR_VIEW, "true").timeout(PATIENCE);
    let published = published.send().await.and_then(reqwest::Response::error_for_status).map_err(DoingFault::Unreachable)?;
    Ok(as_file("certificate-keys.json", published.bytes().await.map_err(DoingFault::Unreachable)?))
}

/// A call of the function.
struct Asked<'a> {
    route: &'static str,
    reason: Option<&'a str>,
    tenant_id: Option<&'a str>,
    days: Option<u64>,
    /// Only to show where it stands.
    for_view: bool,
}

async fn standing(desk: &Desk, site: &str) -> Result<Bytes, Refused> {
    ask(desk, site, Asked { route: "status", reason: None, tenant_id: None, days: None, for_view: true }).await
}

/// Asks the function, and returns what it answers if it does not refuse.
async fn ask(desk: &Desk, site: &str, Asked { route, reason, tenant_id, days, for_view }: Asked<'_>) -> Result<Bytes, Refused> {
    let site = desk.jira().site(site)?.site;
    let body = json!({"clientKey": site.client_key, "ticket": TICKET, "tenantId": tenant_id, "reason": reason, "days": days});
    let unasked = || Refused(StatusCode::INTERNAL_SERVER_ERROR, "cannot ask the function that operators call".to_owned());
    let mut request = Request::post(format!("/{}/erasure/{route}", site.app.slug)).header(header::CONTENT_TYPE, JSON);
    if for_view {
        request = request.header(FOR_VIEW, "true");
    }
    let request = request.body(Body::from(body.to_string())).map_err(|_| unasked())?;
    let answer: Response = desk.as_operator(OPERATOR, request).await;
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), LARGEST_ANSWER).await.map_err(|_| unasked())?;
    if status.is_success() { Ok(bytes) } else { Err(Refused(status, told(status, &bytes))) }
}

/// Why the function refuses, in its own words.
fn told(status: StatusCode, problem: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(problem).unwrap_or_default();
    let said = ["detail", "title"].into_iter().find_map(|member| problem.get(member).and_then(Value::as_str));
    said.map_or_else(|| format!("erasure answers {status}"), |said| format!("Refused: {said}"))
}

/// The certificate in a status, with every byte as it was signed and handed out.
fn written_in(status: &[u8]) -> Option<&str> {
    #[derive(Deserialize)]
    struct Status<'s> {
        #[serde(borrow)]
        departures: Vec<Left<'s>>,
    }
    #[derive(Deserialize)]
    struct Left<'s> {
        #[serde(borrow)]
        purge: Option<Purge<'s>>,
    }
    #[derive(Deserialize)]
    struct Purge<'s> {
        #[serde(borrow)]
        certificate: Option<&'s RawValue>,
    }
    let Status { departures } = serde_json::from_slice(status).ok()?;
    departures.into_iter().rev().find_map(|left| left.purge?.certificate).map(RawValue::get)
}

const fn as_it_came(json: Bytes) -> AsItCame {
    ([(header::CONTENT_TYPE, JSON)], json)
}

fn as_file(name: &'static str, bytes: Bytes) -> AsFile {
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).unwrap_or(HeaderValue::from_static("attachment"));
    ([(header::CONTENT_TYPE, JSON), (header::CONTENT_DISPOSITION, disposition)], bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_certificate_of_a_status_is_taken_out_with_every_byte_it_has() {
        let status = br#"{"departures": [{"purge": {"certificate": {"b":1}}}, {"purge": {"certificate": {"z" : 1.50, "a":[ ]}}}, {"stage": "marked"}]}"#;
        assert_eq!(written_in(status), Some(r#"{"z" : 1.50, "a":[ ]}"#));
        assert_eq!(written_in(br#"{"departures": [{"purge": {"certificate": null}}]}"#), None);
        assert_eq!(written_in(b"no json"), None);
    }
}
