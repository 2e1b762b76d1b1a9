//! What opens something: tokens, passwords, cookies; by their form or by what stands before them.

use std::borrow::Cow;

use super::rule::{Found, Rule};
use super::values::Value;

/// A member that holds a secret, up to its value; and what makes it a parser's word.
macro_rules! member {
    () => {
        concat!(
            r"((?i:unexpected\s+)?)((?-u:\b)[\w.-]*(?i:passw(?:or)?d|passwort|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key|authorization|auth|credentials?|",
            r#"session(?:[_-]?id)?|jsessionid|sid|csrf|xsrf|jwt|signature|sig|otp|pin)s?\\*["'`]?\s*(?::|=>|=)\s*)"#,
        )
    };
}

/// Of tokens that say what they are, and of members that hold secrets.
pub(super) const RULES: &[Rule] = &[
    // RFC 7519: a header that begins with `{"`.
    Rule { pattern: r"eyJ[\w-]{6,}(?:\.[\w-]*){0,4}", instead: |_| Some("[jwt]".into()) },
    Rule { pattern: member!(), instead: enclosed },
    Rule { pattern: concat!(member!(), r#"((?i:(?:bearer|basic|jwt)\s+)?[^\s"'`,;&(){}\[\]<>\\][^\s"`,;&(){}\[\]<>]*)"#), instead: bare },
    Rule { pattern: r"(?i)((?-u:\b)Bearer\s+)([\w.~+/=-]{4,})", instead: |found| Some(format!("{}[token]", found.group(1)).into()) },
    Rule { pattern: r"((?-u:\b)(?i:Basic|JWT|Digest)\s+)([A-Za-z0-9+/_.-]{8,}={0,2})", instead: basic },
    Rule {
        pattern: r#"(?i)((?-u:\b)(?:set-)?cookies?\\*["']?\s*[:=]\s*)([^\n\[\s][^\n]*)"#,
        instead: |found| Some(format!("{}[cookie]", found.group(1)).into()),
    },
    // As vendors mark them, so that scanners find them.
    Rule {
        pattern: r"(?-u:\b)(?:(?:AKIA|ASIA)[A-Z0-9]{12,}|gh[a-z]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|sk_(?:live|test)_\w{10,}|AIza[\w-]{20,}|AT(?:ATT|CTT|BB)3?[\w=-]{16,})",
        instead: |_| Some("[token]".into()),
    },
];

/// One word of a sentence is none: `Basic authentication failed`.
fn basic(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let word = found.group(2).trim_end_matches(['.', '-']);
    let plain = word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (!plain).then(|| format!("{}[token]", found.group(1)).into())
}

/// A value in quotes or brackets.
fn enclosed(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let value = Value::at_begin_of(found.after())?;
    let empty = value.is_bracketed() && value.inner.trim_matches(['[', ']', '{', '}']).trim().is_empty();
    (!empty && is_secret(found, value.inner)).then(|| value.replaced(found, "[secret]").into())
}

fn bare(found: &Found<'_>) -> Option<Cow<'static, str>> {
    is_secret(found, found.group(3)).then(|| format!("{}[secret]", found.group(2)).into())
}

/// `Unexpected token: …` is of a parser; and what has no value, or was replaced, stays.
fn is_secret(found: &Found<'_>, value: &str) -> bool {
    found.group(1).is_empty() && !matches!(value, "" | "undefined" | "null" | "true" | "false" | "[secret]")
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;

    #[test]
    fn what_opens_something_is_removed() {
        for (text, left) in [
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "got [jwt]"),
            ("cut eyJhbGciOiJIUzI1NiJ9.eyJz", "cut [jwt]"),
            ("Authorization: Bearer abc.def", "Authorization: [secret]"),
            ("sent Bearer s3cr3t-v4lue", "sent Bearer [token]"),
            ("sent Basic bWF4OnNlY3JldA==", "sent Basic [token]"),
            ("password=hunter2&x=1", "password=[secret]&x=1"),
            (r#"{"clientSecret":"hunter two","n":1}"#, r#"{"clientSecret":"[secret]","n":1}"#),
            (r#"{\"api_key\": \"hunter\"}"#, r#"{\"api_key\": \"[secret]\"}"#),
            (r#"{"password":"hunter'two secret"}"#, r#"{"password":"[secret]"}"#),
            (r#"{"password":"hun\"ter2"}"#, r#"{"password":"[secret]"}"#),
            (r#"{"token":["abc","def"],"n":1}"#, r#"{"token":[secret],"n":1}"#),
            (r#"{"credentials":{"a":"b","c":{}}}"#, r#"{"credentials":[secret]}"#),
            ("password=hunter'two&x=1", "password=[secret]&x=1"),
            ("session_id: 'hunter'", "session_id: '[secret]'"),
            ("Cookie: a=b; tenant.session.token=c", "Cookie: [cookie]"),
            ("key AKIAABCDEFGHIJKLMNOP", "key [token]"),
            ("with ATATT3xFfGF0abcdefghijklmnop=1A2B3C4D", "with [token]"),
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), left, "{text}");
        }
    }

    #[test]
    fn what_only_speaks_of_secrets_stays() {
        for text in [
            "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
            "Unexpected token: punc (})",
            "Basic authentication failed",
            "the token has expired",
            "JWT expired",
            "Cannot read properties of undefined (reading 'token')",
            "token is not defined",
            "password: undefined",
            "Could not read cookies",
            "e.session.start is not a function",
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), text);
        }
    }
}
