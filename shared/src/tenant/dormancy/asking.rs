//! Asking a site, as the app, for the app's own record there: `GET /rest/atlassian-connect/1/addons/{key}`.
//! Source: <https://developer.atlassian.com/platform/marketplace/license-api-for-cloud-apps/>.
//!
//! Yes is only an answer of the documented form about this very app: pages that ask to log in are answered 200 too. No is only what a site says
//! to an app that is not there. Everything else, from a broken connection to "too many requests", is no answer.

use http::{Method, StatusCode};
use serde::Deserialize;

use super::super::Tenant;
use super::super::site::{self, NotAnswered};
use super::licence::Licence;
use crate::connect::site_call::SiteCall;

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

/// Asks the tenant's site.
pub(super) async fn ask(tenant: &Tenant) -> Result<Answer, NotAnswered> {
    let app_key = tenant.app().key;
    let call = SiteCall { method: Method::GET, path: &format!("/rest/atlassian-connect/1/addons/{app_key}"), json: None };
    let answer = site::ask(tenant, call).await?;
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
