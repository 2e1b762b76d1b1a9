//! Tokens of about 600 bytes, as those are that Jira sends with a page and its context.

use local::atlassian::Site;
use local::jira::user::ADMIN;
use serde_json::json;
use shared::connect::jwt::{ClaimsToSign, sign_hs256};
use shared::connect::qsh;

/// How long a token is at least, in bytes. Three bytes of claims are four of the token, so it may have three more.
const BYTES: usize = 600;

/// How long tokens are good for, in seconds; longer than Jira's, because one is used for a whole run of [`crate::verification`].
const LIFE: i64 = 15 * 60;

/// The hash in a token that a page fetches for its own calls.
pub(crate) const CONTEXT: &str = "context-qsh";

/// Covers this very request.
pub(crate) fn host(site: &Site, method: &str, target: &str, now: i64) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    signed(site, qsh::sign(method, path, query, &format!("/{}", site.app.slug)).unwrap(), now)
}

/// Covers any request.
pub(crate) fn context(site: &Site, now: i64) -> String {
    signed(site, CONTEXT.to_owned(), now)
}

fn signed(site: &Site, qsh: String, now: i64) -> String {
    let sign = |summary: &str| {
        let claims = ClaimsToSign {
            issuer: site.client_key.clone(),
            subject: ADMIN.account_id.map(ToOwned::to_owned),
            issued_at: now,
            expires_at: now + LIFE,
            qsh: Some(qsh.clone()),
            context: Some(
                json!({"jira": {"issue": {"id": "10001", "key": "DEMO-1", "summary": summary}, "project": {"id": "10000", "key": "DEMO"}}}),
            ),
            ..ClaimsToSign::default()
        };
        sign_hs256(&claims, site.shared_secret.as_bytes()).unwrap()
    };
    let missing = BYTES.saturating_sub(sign("").len());
    sign(&"x".repeat((missing * 3).div_ceil(4)))
}
