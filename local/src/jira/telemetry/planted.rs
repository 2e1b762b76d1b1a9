//! What a careless page would send: an error and a view with whatever names a person, in every place that the formats have.

use serde_json::{Value, json};

use crate::jira::user::User;

/// A browser's.
pub(super) const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

const EMAIL: &str = "ada.lovelace@acme.example";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4";

/// An event as the SDK of Sentry's puts it into an envelope, for this project; `millis` tells it from others.
pub(super) fn envelope(dsn: &str, page: &str, user: User, millis: i64) -> String {
    let event_id = format!("{millis:032x}");
    let account = user.account_id.unwrap_or("nobody");
    let frame = |file: &str, function: &str, line: u32| json!({"filename": file, "function": function, "lineno": line, "colno": 17, "in_app": true, "vars": {"email": EMAIL}});
    let event = json!({
        "event_id": event_id,
        "platform": "javascript",
        "level": "error",
        "message": format!("{} failed", user.name),
        "exception": {"values": [{
            "type": "TypeError",
            "value": format!("Cannot read properties of undefined (reading 'displayName') of {EMAIL}, account {account}, bearer {TOKEN}"),
            "stacktrace": {"frames": [
                frame(page, "onclick", 1),
                frame("http://127.0.0.1/test-management/page.js?user=ada.lovelace%40acme.example", "showAssignee", 214),
            ]},
            "mechanism": {"type": "onerror", "handled": false, "data": {"user": account}},
        }]},
        "user": {"id": account, "email": EMAIL, "username": user.name, "ip_address": "{{auto}}"},
        "request": {"url": page, "headers": {"User-Agent": USER_AGENT, "Referer": page, "Cookie": format!("session={TOKEN}")}},
        "breadcrumbs": [
            {"category": "ui.click", "message": format!("button[title=\"Assign to {}\"]", user.name)},
            {"category": "fetch", "data": {"url": format!("/rest/api/3/user?accountId={account}"), "method": "GET"}},
        ],
        "tags": {"account": account},
        "extra": {"token": TOKEN, "comment": format!("ask {EMAIL}")},
        "contexts": {"profile": {"displayName": user.name, "phone": "+44 20 7946 0958"}},
    });
    let item = event.to_string();
    let header = json!({"event_id": event_id, "dsn": dsn, "sdk": {"name": "sentry.javascript.browser"}});
    format!("{header}\n{}\n{item}\n", json!({"type": "event", "length": item.len()}))
}

/// A view of a page whose addresses tell too much, and which says more than it is asked.
pub(super) fn view(page: &str, user: User) -> String {
    let referrer = format!("https://acme.example/browse/DEMO-1?assignee={}#{EMAIL}", user.account_id.unwrap_or("nobody"));
    let more: Value = json!({"page": page, "referrer": referrer, "user": user.name, "email": EMAIL, "screen": "1280x900"});
    more.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jira::user::ADMIN;

    #[test]
    fn an_envelope_says_how_long_its_item_is() {
        let envelope = envelope("http://local@localhost:8081/sinks/sentry/1", "http://127.0.0.1/page?jwt=x", ADMIN, 1);
        let lines: Vec<&str> = envelope.lines().collect();
        let header: Value = serde_json::from_str(lines[1]).unwrap();
        assert_eq!(header["length"], lines[2].len());
        assert!(lines.len() == 3 && lines[2].contains(ADMIN.account_id.unwrap()) && lines[2].contains(EMAIL));
    }
}
