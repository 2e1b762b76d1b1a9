//! What a site answers to the app: permissions, the app's licence, the properties that the app keeps there. Each call is proved first, as
//! Atlassian does: signed by the app with the site's secret, for this very request.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use shared::connect::jwt::{Algorithm, QshPolicy, Unverified};
use shared::connect::qsh;
use shared::connect::webhook;

use super::{Asked, Jira, Resident, Standing, Trouble, base_path, issues, user};

type Answer = (StatusCode, Value);

impl Jira {
    /// What the site below which this address lies answers; `None` if there is none, or if it never answers.
    pub async fn answer(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        let address = request.uri().to_string();
        let below = |resident: &Resident| address.strip_prefix(resident.site.base_url.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let meant = carried(request.headers()).and_then(|token| Unverified::parse(token, Algorithm::Hs256).ok());
        let meant =
            |resident: &&Resident| meant.as_ref().is_some_and(|token| token.claimed().audience().contains(&resident.site.client_key));
        let residents: Vec<Resident> = self.state().residents.values().filter(|resident| below(resident)).cloned().collect();
        let resident = residents.iter().find(meant).or(residents.first())?;
        let path = request.uri().path().strip_prefix(base_path(&resident.site.base_url)).unwrap_or_default().to_owned();
        let (status, body) = match resident.trouble {
            Some(Trouble::Silent) => std::future::pending().await,
            Some(Trouble::Status(status)) => (StatusCode::from_u16(status).unwrap_or_default(), b"{}".to_vec()),
            Some(Trouble::Garbage) => (StatusCode::OK, b"<html>Please log in</html>".to_vec()),
            Some(Trouble::Endless) => (StatusCode::OK, vec![b' '; 1024 * 1024]),
            Some(Trouble::SomebodyElse) => {
                let lie = json!({"accountId": "somebody-else", "globalPermissions": ["ADMINISTER"], "projectPermissions": []});
                (StatusCode::OK, lie.to_string().into_bytes())
            }
            None | Some(Trouble::LicenceEnded | Trouble::LicenceUnnamed) => {
                let (status, json) = self.rest(resident, &request, &path);
                (status, if json.is_null() { Vec::new() } else { json.to_string().into_bytes() })
            }
        };
        let trace = request.headers().get(webhook::TRACE).and_then(|trace| trace.to_str().ok()).unwrap_or_default().to_owned();
        let (client_key, method) = (resident.site.client_key.clone(), request.method().to_string());
        let asked = Asked { client_key, method, path, status: status.as_u16(), trace };
        self.tell(asked);
        Response::builder().status(status).header(header::CONTENT_TYPE, "application/json").body(body.into()).ok()
    }

    fn rest(&self, resident: &Resident, request: &Request<Bytes>, path: &str) -> Answer {
        if let Err(why) = proved(resident, request, self.0.clock.now().epoch_seconds()) {
            return (StatusCode::UNAUTHORIZED, json!({"message": format!("the call is not the app's: {why}")}));
        }
        let addon = format!("/rest/atlassian-connect/1/addons/{}", resident.site.app.key);
        let properties = format!("{addon}/properties");
        match (request.method(), path) {
            (&Method::POST, "/rest/api/3/permissions/check") => permissions(request.body()),
            (&Method::GET, "/rest/api/3/myself") => (StatusCode::OK, issues::myself(&resident.site)),
            (&Method::GET, path) if path == addon => (StatusCode::OK, licence(resident)),
            (&Method::GET, path) if path == properties => {
                let keys = resident.properties.keys().map(|key| json!({"key": key, "self": format!("{properties}/{key}")}));
                (StatusCode::OK, json!({"keys": keys.collect::<Vec<_>>()}))
            }
            (method, path) => match path.strip_prefix(&format!("{properties}/")).filter(|key| !key.is_empty() && !key.contains('/')) {
                Some(key) => self.property(resident, method, key, request.body()),
                None => (StatusCode::NOT_FOUND, json!({"message": "this small Jira has no such thing"})),
            },
        }
    }

    /// Source: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-app-properties/>.
    fn property(&self, resident: &Resident, method: &Method, key: &str, body: &[u8]) -> Answer {
        let mut state = self.state();
        let Some(resident) = state.residents.get_mut(&resident.site.client_key) else { return (StatusCode::NOT_FOUND, Value::Null) };
        let answer = match *method {
            Method::GET => match resident.properties.get(key) {
                Some(value) => (StatusCode::OK, json!({"key": key, "value": value})),
                None => (StatusCode::NOT_FOUND, json!({"message": "no such property"})),
            },
            Method::PUT => match serde_json::from_slice(body) {
                Ok(value) => match resident.properties.insert(key.to_owned(), value) {
                    None => (StatusCode::CREATED, Value::Null),
                    Some(_) => (StatusCode::OK, Value::Null),
                },
                Err(_) => (StatusCode::BAD_REQUEST, json!({"message": "a property is JSON"})),
            },
            Method::DELETE if resident.properties.remove(key).is_some() => (StatusCode::NO_CONTENT, Value::Null),
            Method::DELETE => (StatusCode::NOT_FOUND, json!({"message": "no such property"})),
            _ => (StatusCode::METHOD_NOT_ALLOWED, Value::Null),
        };
        if *method != Method::GET && answer.0.is_success() && self.save(&state).is_err() {
            return (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": "the property cannot be kept"}));
        }
        answer
    }
}

/// That the call is the app's: its key, the site's secret, this very request, now. An app that was removed is nobody.
fn proved(resident: &Resident, request: &Request<Bytes>, now: i64) -> Result<(), String> {
    if resident.story.standing == Standing::Left {
        return Err("the app is not installed".to_owned());
    }
    let token = carried(request.headers()).ok_or("no token")?;
    let unverified = Unverified::parse(token, Algorithm::Hs256).map_err(|fault| fault.reason())?;
    let claims = unverified.verify_hs256(&[resident.site.shared_secret.as_bytes()]).map_err(|fault| fault.reason())?;
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let signed = qsh::Request { method: request.method().as_str(), path, query, base_path: base_path(&resident.site.base_url) };
    claims.check_times(now).map_err(|fault| fault.reason())?;
    claims.check_qsh(QshPolicy::Computed, &signed).map_err(|fault| fault.reason())?;
    if claims.issuer() != resident.site.app.key {
        return Err("another issuer".to_owned());
    }
    Ok(())
}

fn carried(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("JWT ")
}

/// Source: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permissions/>.
fn permissions(body: &[u8]) -> Answer {
    let question: Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(ToOwned::to_owned)).collect()
    };
    let Some(account_id) = question.get("accountId").and_then(Value::as_str) else {
        return (StatusCode::BAD_REQUEST, json!({"errorMessages": ["whose permissions?"]}));
    };
    let global = texts(question.get("globalPermissions").unwrap_or(&Value::Null));
    let granted: Vec<_> = global.iter().filter(|key| *key == "ADMINISTER" && user::administers(account_id)).collect();
    let mut in_projects = Vec::new();
    for asked in question.get("projectPermissions").and_then(Value::as_array).into_iter().flatten() {
        let projects: Vec<u64> = asked.get("projects").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).collect();
        for key in texts(asked.get("permissions").unwrap_or(&Value::Null)) {
            let allowed: Vec<_> = projects.iter().filter(|project| user::permitted(account_id, &key, **project)).collect();
            in_projects.push(json!({"permission": key, "projects": allowed, "issues": []}));
        }
    }
    (StatusCode::OK, json!({"globalPermissions": granted, "projectPermissions": in_projects}))
}

/// Source: <https://developer.atlassian.com/platform/marketplace/license-api-for-cloud-apps/>.
fn licence(resident: &Resident) -> Value {
    let app_key = resident.site.app.key;
    let host = json!({"product": "JIRA", "contacts": []});
    if resident.trouble == Some(Trouble::LicenceUnnamed) {
        return json!({"key": app_key, "version": "1.0.0-AC", "state": "ENABLED", "host": host});
    }
    let active = resident.licence_active && resident.trouble != Some(Trouble::LicenceEnded);
    let license = json!({"active": active, "type": "COMMERCIAL", "evaluation": false, "supportEntitlementNumber": "SEN-100200"});
    json!({"key": app_key, "version": "1.0.0-AC", "state": "ENABLED", "host": host, "license": license})
}
