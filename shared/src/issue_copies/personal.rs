//! What is removed of people before anything is kept: they appear as account ids alone (promise E-01).
//!
//! Whatever looks like a user is replaced by its account id, wherever it stands; names, addresses and pictures are removed by the members that
//! Atlassian and its partners write them in; mentions lose their text; e-mail addresses are removed from texts and from names of members. What a
//! person typed into a text as a name cannot be told from any other word, and stays.
//! Source: <https://developer.atlassian.com/cloud/jira/platform/user-privacy-developer-guide/>.

use serde_json::{Map, Value, json};

use crate::addresses;
use crate::tenant::rights::AccountId;

/// The members by which a user is known, whatever else there is of it; without regard to capitals.
const OF_A_USER: [&str; 6] = ["accountid", "accounttype", "displayname", "emailaddress", "publicname", "timezone"];

/// The members that say who somebody is, or show it, also where no user stands; without regard to capitals.
const SAYING_WHO: [&str; 26] = [
    "avatar",
    "avatarid",
    "avatarurl",
    "avatarurls",
    "creatorname",
    "email",
    "emailaddresses",
    "familyname",
    "firstname",
    "fullname",
    "givenname",
    "initials",
    "lastname",
    "leadusername",
    "locale",
    "mail",
    "nickname",
    "phone",
    "phonenumber",
    "picture",
    "profilepicture",
    "self",
    "useremail",
    "userkey",
    "userid",
    "username",
];

/// The same without what says who people are.
#[must_use]
pub fn removed(value: Value) -> Value {
    match value {
        Value::Object(members) if is_user(&members) => user(&members),
        Value::Object(members) if members.get("type").and_then(Value::as_str) == Some("mention") => mention(&members),
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !SAYING_WHO.contains(&name.to_ascii_lowercase().as_str()));
            Value::Object(kept.map(|(name, value)| (without_addresses(name), removed(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(removed).collect()),
        Value::String(text) => Value::String(text_without(text)),
        plain => plain,
    }
}

/// Users that are older than account ids have a name, a key, and are active or not.
fn is_user(members: &Map<String, Value>) -> bool {
    let has = |member: &str| members.keys().any(|name| name.eq_ignore_ascii_case(member));
    OF_A_USER.iter().any(|member| has(member)) || (has("active") && (has("name") || has("key")))
}

/// A user, as its account id; nothing, if it has none.
fn user(members: &Map<String, Value>) -> Value {
    match account_id(members.get("accountId")) {
        Some(account_id) => json!({"accountId": account_id}),
        None => Value::Null,
    }
}

/// A mention in a document of Atlassian's, whose text is the name of the user.
/// Source: <https://developer.atlassian.com/cloud/jira/platform/apis/document/nodes/mention/>.
fn mention(members: &Map<String, Value>) -> Value {
    let id = account_id(members.get("attrs").and_then(|attributes| attributes.get("id")));
    json!({"type": "mention", "attrs": {"id": id}})
}

fn without_addresses(text: String) -> String {
    addresses::without_addresses(text, "[e-mail]")
}

fn account_id(value: Option<&Value>) -> Option<String> {
    AccountId::parse(value?.as_str()?).map(|account_id| account_id.as_str().to_owned())
}

/// Some apps write JSON into texts: what it says of people is removed there too.
fn text_without(text: String) -> String {
    if text.starts_with(['{', '['])
        && let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(&text)
    {
        let clean = removed(inner.clone());
        // As it was written, where there was nothing to remove.
        return if clean == inner { text } else { clean.to_string() };
    }
    without_addresses(without_old_mentions(text))
}

/// Mentions in Jira's wiki markup, but for those by account id.
fn without_old_mentions(text: String) -> String {
    if !text.contains("[~") {
        return text;
    }
    let mut parts = text.split("[~");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str("[~");
        let names_somebody = !part.to_ascii_lowercase().starts_with("accountid:");
        clean.push_str(part.find(']').filter(|_| names_somebody).and_then(|end| part.get(end..)).unwrap_or(part));
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_its_account_id_wherever_it_stands() {
        let max = json!({"accountId": "5b10", "displayName": "Max", "emailAddress": "m@x.example", "avatarUrls": {"48x48": "https://a"}});
        let issue = json!({"assignee": max, "watchers": [max, {"by": max}], "project": {"name": "Demo", "avatarUrls": {}, "self": "s"}});
        let clean = json!({"assignee": {"accountId": "5b10"}, "watchers": [{"accountId": "5b10"}, {"by": {"accountId": "5b10"}}], "project": {"name": "Demo"}});
        assert_eq!(removed(issue), clean);
    }

    #[test]
    fn a_user_without_a_plain_account_id_is_nobody() {
        for user in [
            json!({"displayName": "Max"}),
            json!({"DisplayName": "Max"}),
            json!({"accountId": "Max Mustermann"}),
            json!({"emailAddress": "m@x.example"}),
            json!({"self": "s", "name": "mmustermann", "key": "mmustermann", "active": true}),
        ] {
            assert_eq!(removed(user), Value::Null);
        }
    }

    #[test]
    fn members_that_say_who_somebody_is_are_removed_whatever_their_capitals() {
        let contact = json!({"userName": "m", "FIRSTNAME": "Max", "mail": "m", "phone": "1", "profilePicture": "p", "floor": 3});
        assert_eq!(removed(contact), json!({"floor": 3}));
    }

    #[test]
    fn a_mention_loses_its_text() {
        let text = json!({"type": "doc", "content": [{"type": "mention", "attrs": {"id": "5b10", "text": "@Max", "userType": "APP"}}]});
        assert_eq!(removed(text), json!({"type": "doc", "content": [{"type": "mention", "attrs": {"id": "5b10"}}]}));
        let wiki = "ask [~max.mustermann] or [~accountid:5b10], not [~";
        assert_eq!(removed(json!(wiki)), "ask [~] or [~accountid:5b10], not [~");
    }

    #[test]
    fn json_in_a_text_is_cleaned_too() {
        let text = json!({"by": {"displayName": "Max"}, "n": 1}).to_string();
        assert_eq!(removed(json!(text)), json!({"by": null, "n": 1}).to_string());
        for plain in ["{ \"n\" : 1 }", "[not json", "{}"] {
            assert_eq!(removed(json!(plain)), plain);
        }
    }

    #[test]
    fn what_says_nothing_of_people_stays_as_it_is() {
        let plain =
            json!({"summary": "a", "labels": ["b", null, 1.5], "status": {"name": "Done", "id": "3"}, "n": {"type": "x", "attrs": {}}});
        assert_eq!(removed(plain.clone()), plain);
    }
}
