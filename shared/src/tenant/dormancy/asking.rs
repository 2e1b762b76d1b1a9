//! Asking a site, as the app, for the app's own record there: `GET /rest/atlassian-connect/1/addons/{key}`.
//! Source: <https://developer.atlassian.com/platform/marketplace/license-api-for-cloud-apps/>.
//!
//! Yes is only an answer of the documented form about this very app: pages that ask to log in are answered 200 too. No is only what a site says
//! to an app that is not there. Everything else, from a broken connection to "too many requests", is no answer.

use http::{Method, StatusCode};
use serde::Deserialize;
use tokio::time::timeout;

use super::super::Tenant;
use super::licence::Licence;
use crate::connect::site_call::{Caller, CannotCall, SiteCall};
use crate::platform::outbound::{self, NoAnswer};

/// What a site says to an app that is not there: its token is nobody's, or it may not, or there is no such record.
const REFUSALS: [StatusCode; 3] = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];

/// What a site said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The app is there.
    Known(Licence),
    /// The site refuses us, with this status.
    Refused(StatusCode),
}

/// Why the site gave no answer that counts. Says nothing of the site.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnswered {
    #[error("cannot ask the site: {0}")]
    Call(#[from] CannotCall),
    #[error("cannot ask the site: {0}")]
    NoAnswer(#[from] NoAnswer),
    #[error("cannot ask the site: it answered {0}")]
    Status(StatusCode),
    #[error("cannot ask the site: its answer is not of the documented form")]
    Form,
}

/// The app's record, as far as it is of use here.
#[derive(Deserialize)]
struct Addon {
    key: String,
    license: Option<License>,
}

#[derive(Deserialize)]
struct License {
    active: Option<bool>,
}

/// Asks the tenant's site, at its stored address and only if that is still one that we may call.
pub(super) async fn ask(tenant: &Tenant) -> Result<Answer, NotAnswered> {
    let (platform, account, app_key) = (tenant.platform(), tenant.account(), tenant.app().key);
    let caller = Caller { app_key, client_key: &account.client_key, base_url: &account.base_url, secret: &account.shared_secret };
    let call = SiteCall { method: Method::GET, path: &format!("/rest/atlassian-connect/1/addons/{app_key}"), json: None };
    let request = call.signed(caller, &platform.config().site_hosts, platform.now())?;
    let answer = timeout(outbound::TIMEOUT, platform.sites().send(request)).await.map_err(|_| NoAnswer::TooSlow)??;
    read(answer.status(), answer.body(), app_key)
}

fn read(status: StatusCode, body: &[u8], app_key: &str) -> Result<Answer, NotAnswered> {
    if REFUSALS.contains(&status) {
        return Ok(Answer::Refused(status));
    }
    if status != StatusCode::OK {
        return Err(NotAnswered::Status(status));
    }
    let addon: Addon = serde_json::from_slice(body).map_err(|_| NotAnswered::Form)?;
    if addon.key != app_key {
        return Err(NotAnswered::Form);
    }
    Ok(Answer::Known(Licence { active: addon.license.and_then(|license| license.active) }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(status: u16, body: &Value) -> Result<Answer, String> {
        read(StatusCode::from_u16(status).unwrap(), body.to_string().as_bytes(), "io.app").map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_record_of_the_app_says_that_it_is_there_and_whether_it_is_licensed() {
        for (license, active) in [
            (json!({"active": true, "type": "COMMERCIAL"}), Some(true)),
            (json!({"active": false}), Some(false)),
            (json!({}), None),
            (Value::Null, None),
        ] {
            let record = json!({"key": "io.app", "version": "1.0.0-AC", "state": "ENABLED", "license": license});
            assert_eq!(told(200, &record), Ok(Answer::Known(Licence { active })), "{record}");
        }
        assert_eq!(told(200, &json!({"key": "io.app"})), Ok(Answer::Known(Licence { active: None })));
    }

    #[test]
    fn three_statuses_refuse_whatever_comes_with_them() {
        for status in [401, 403, 404] {
            assert_eq!(told(status, &json!("anything")), Ok(Answer::Refused(StatusCode::from_u16(status).unwrap())));
        }
    }

    #[test]
    fn everything_else_is_no_answer() {
        for status in [201, 204, 301, 302, 400, 402, 407, 408, 410, 429, 500, 502, 503, 504] {
            assert!(told(status, &json!({"key": "io.app"})).unwrap_err().ends_with(&StatusCode::from_u16(status).unwrap().to_string()));
        }
        for body in [json!({}), json!({"key": "io.other"}), json!([]), json!({"key": "io.app", "license": {"active": "yes"}})] {
            assert!(told(200, &body).unwrap_err().contains("form"), "{body}");
        }
        assert!(matches!(read(StatusCode::OK, b"<html>Please log in</html>", "io.app"), Err(NotAnswered::Form)));
    }
}
