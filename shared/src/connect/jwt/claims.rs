//! What a token says, and the rules about it.
//!
//! [`Claimed`] is what it says; [`Claims`] is the same with its signature checked, and only that is proof. The rules hang on the former,
//! because an installation's token is judged before its key is fetched. Refuses claims of a wrong type rather than guessing.

use std::fmt;
use std::ops::Deref;

use serde_json::Value;

use super::TokenFault;
use crate::connect::members::Members;
use crate::connect::qsh::{self, Request};

/// How far clocks may be apart, in seconds: what Atlassian's Java and Scala libraries allow.
const LEEWAY: i64 = 30;

/// The longest life we accept, in seconds. Atlassian's tokens live 3 to 15 minutes; one that lives for years would be a password.
const LONGEST_LIFE: i64 = 60 * 60;

/// The fixed hash of tokens that a page fetches with `AP.context.getToken`.
const CONTEXT_QSH: &str = "context-qsh";

/// Which hash a route demands. There is no third way: skipping the check is how context tokens once opened every route.
/// Source: <https://community.developer.atlassian.com/t/47072>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QshPolicy {
    /// The hash of this request: pages, webhooks, lifecycle. A context token is refused.
    Computed,
    /// Exactly `context-qsh`: calls of our own pages. A computed hash is refused.
    ContextOnly,
}

/// What a token says. Proves nothing by itself.
pub struct Claimed {
    issuer: String,
    subject: Option<String>,
    audience: Vec<String>,
    issued_at: i64,
    expires_at: i64,
    not_before: Option<i64>,
    qsh: Option<String>,
}

/// What a token says, its signature checked. Still to be checked are its times and its hash, if its route has not done so already.
pub struct Claims(Claimed);

impl Claims {
    /// Only for whoever has just checked the signature.
    pub(super) const fn proven(claimed: Claimed) -> Self {
        Self(claimed)
    }
}

impl Deref for Claims {
    type Target = Claimed;

    fn deref(&self) -> &Claimed {
        &self.0
    }
}

impl Claimed {
    pub(super) fn parse(json: &[u8]) -> Result<Self, TokenFault> {
        let mut members = Members::parse(json).map_err(|_| TokenFault::Claims("not an object"))?;
        let claimed = Self {
            issuer: text(&mut members, "iss")?.filter(|issuer| !issuer.is_empty()).ok_or(TokenFault::Claims("iss"))?,
            subject: text(&mut members, "sub")?,
            audience: texts(&mut members, "aud")?,
            issued_at: integer(&mut members, "iat")?.ok_or(TokenFault::Claims("iat"))?,
            expires_at: integer(&mut members, "exp")?.ok_or(TokenFault::Claims("exp"))?,
            not_before: integer(&mut members, "nbf")?,
            qsh: text(&mut members, "qsh")?,
        };
        // RFC 7519 section 4: claim names are unique, also those we do not read.
        if members.has_duplicates() { Err(TokenFault::Claims("given twice")) } else { Ok(claimed) }
    }

    /// Who made the token: the client key of a site, or the key of an app.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The Atlassian account that the token speaks for; `None` for nobody, or the site itself.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whom the token was made for; empty if it does not say.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// When the token was made, in seconds since 1970: the order of lifecycle events.
    #[must_use]
    pub const fn issued_at(&self) -> i64 {
        self.issued_at
    }

    /// When the token ends, in seconds since 1970.
    #[must_use]
    pub const fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// The token is alive at `now_epoch_seconds`, give or take 30 seconds, and was not made to live for more than an hour.
    ///
    /// # Errors
    /// [`TokenFault::Claims`], [`TokenFault::LivesTooLong`], [`TokenFault::Expired`], [`TokenFault::NotYetValid`] or
    /// [`TokenFault::IssuedInFuture`].
    pub fn check_times(&self, now_epoch_seconds: i64) -> Result<(), TokenFault> {
        let earliest = now_epoch_seconds.saturating_sub(LEEWAY);
        let latest = now_epoch_seconds.saturating_add(LEEWAY);
        if self.expires_at <= self.issued_at {
            return Err(TokenFault::Claims("exp"));
        }
        // None is a life longer than an i64 can count.
        if self.expires_at.checked_sub(self.issued_at).is_none_or(|life| life > LONGEST_LIFE) {
            return Err(TokenFault::LivesTooLong);
        }
        if self.expires_at <= earliest {
            return Err(TokenFault::Expired);
        }
        if self.not_before.is_some_and(|not_before| not_before > latest) {
            return Err(TokenFault::NotYetValid);
        }
        if self.issued_at > latest {
            return Err(TokenFault::IssuedInFuture);
        }
        Ok(())
    }

    /// The token was made for this request, or for this kind of route.
    ///
    /// # Errors
    /// [`TokenFault::Claims`] without a hash, whatever the policy; [`TokenFault::Qsh`]; [`TokenFault::MalformedQuery`].
    pub fn check_qsh(&self, policy: QshPolicy, request: &Request<'_>) -> Result<(), TokenFault> {
        let claimed = self.qsh.as_deref().ok_or(TokenFault::Claims("qsh"))?;
        let matches = match policy {
            QshPolicy::Computed => qsh::accepts(claimed, request.method, request.path, request.query, request.base_path)?,
            QshPolicy::ContextOnly => claimed == CONTEXT_QSH,
        };
        if matches { Ok(()) } else { Err(TokenFault::Qsh) }
    }

    /// The token was made for `base_url`. Either side may end in one slash.
    ///
    /// # Errors
    /// [`TokenFault::Audience`], also if the token names no audience.
    pub fn check_audience(&self, base_url: &str) -> Result<(), TokenFault> {
        fn trimmed(url: &str) -> &str {
            url.strip_suffix('/').unwrap_or(url)
        }
        let ours = self.audience.iter().any(|audience| trimmed(audience) == trimmed(base_url));
        if ours { Ok(()) } else { Err(TokenFault::Audience) }
    }

    /// The token was not made by the app itself: what we sign for a site with its secret must not open our own doors when it is sent back.
    ///
    /// # Errors
    /// [`TokenFault::Issuer`].
    pub fn check_issuer_is_not(&self, app_key: &str) -> Result<(), TokenFault> {
        if self.issuer == app_key { Err(TokenFault::Issuer) } else { Ok(()) }
    }
}

fn claim(members: &mut Members<'_>, name: &'static str) -> Result<Option<Value>, TokenFault> {
    members.take(name).map_err(|_| TokenFault::Claims(name))
}

fn text(members: &mut Members<'_>, name: &'static str) -> Result<Option<String>, TokenFault> {
    match claim(members, name)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenFault::Claims(name)),
    }
}

fn texts(members: &mut Members<'_>, name: &'static str) -> Result<Vec<String>, TokenFault> {
    let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(TokenFault::Claims(name)) };
    match claim(members, name)? {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values.into_iter().map(text).collect(),
        Some(value) => text(value).map(|text| vec![text]),
    }
}

/// Whole seconds. `1e9` and `1.0` are floats to JSON's readers and refused.
fn integer(members: &mut Members<'_>, name: &'static str) -> Result<Option<i64>, TokenFault> {
    claim(members, name)?.map(|value| value.as_i64().ok_or(TokenFault::Claims(name))).transpose()
}

/// Nothing of it: `sub` is a person.
impl fmt::Debug for Claimed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Claimed(..)")
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Claims(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_760_000_000;

    fn parsed(json: &str) -> Result<Claimed, TokenFault> {
        Claimed::parse(json.as_bytes())
    }

    fn living(issued_at: i64, expires_at: i64) -> Claimed {
        parsed(&format!(r#"{{"iss":"a","iat":{issued_at},"exp":{expires_at}}}"#)).unwrap()
    }

    fn with_qsh(qsh: &str) -> Claimed {
        parsed(&format!(r#"{{"iss":"a","iat":1,"exp":2,"qsh":"{qsh}"}}"#)).unwrap()
    }

    const PAGE: Request<'_> = Request { method: "GET", path: "/app/page", query: "jwt=x&a=1", base_path: "/app" };

    #[test]
    fn claims_of_a_wrong_type_are_refused() {
        for (json, field) in [
            (r#"{"iat":1,"exp":2}"#, "iss"),
            (r#"{"iss":"","iat":1,"exp":2}"#, "iss"),
            (r#"{"iss":7,"iat":1,"exp":2}"#, "iss"),
            (r#"{"iss":"a","exp":2}"#, "iat"),
            (r#"{"iss":"a","iat":"1","exp":2}"#, "iat"),
            (r#"{"iss":"a","iat":1}"#, "exp"),
            (r#"{"iss":"a","iat":1,"exp":null}"#, "exp"),
            (r#"{"iss":"a","iat":1,"exp":2.0}"#, "exp"),
            (r#"{"iss":"a","iat":1,"exp":1e9}"#, "exp"),
            (r#"{"iss":"a","iat":1,"exp":9223372036854775808}"#, "exp"),
            (r#"{"iss":"a","iat":1,"exp":2,"nbf":"1"}"#, "nbf"),
            (r#"{"iss":"a","iat":1,"exp":2,"sub":["b"]}"#, "sub"),
            (r#"{"iss":"a","iat":1,"exp":2,"qsh":true}"#, "qsh"),
            (r#"{"iss":"a","iat":1,"exp":2,"aud":["b",1]}"#, "aud"),
            (r#"{"iss":"a","iat":1,"exp":2,"aud":{"b":1}}"#, "aud"),
            ("[]", "not an object"),
        ] {
            assert_eq!(parsed(json).err(), Some(TokenFault::Claims(field)), "{json}");
        }
    }

    #[test]
    fn a_claim_given_twice_is_refused_even_if_we_do_not_read_it() {
        assert_eq!(parsed(r#"{"iss":"a","iat":1,"exp":2,"iss":"b"}"#).err(), Some(TokenFault::Claims("iss")));
        assert_eq!(parsed(r#"{"iss":"a","iat":1,"exp":2,"x":1,"x":2}"#).err(), Some(TokenFault::Claims("given twice")));
    }

    #[test]
    fn an_audience_is_one_text_or_several() {
        let audience = |json: &str| parsed(&format!(r#"{{"iss":"a","iat":1,"exp":2,"aud":{json}}}"#)).unwrap();
        assert_eq!(audience(r#""https://x.example""#).check_audience("https://x.example/"), Ok(()));
        assert_eq!(audience(r#"["b","https://x.example/"]"#).check_audience("https://x.example"), Ok(()));
        assert_eq!(audience(r#""https://x.example//""#).check_audience("https://x.example"), Err(TokenFault::Audience));
        assert_eq!(audience(r#""https://x.example/other""#).check_audience("https://x.example"), Err(TokenFault::Audience));
        assert_eq!(living(1, 2).check_audience("https://x.example"), Err(TokenFault::Audience));
    }

    #[test]
    fn a_token_lives_from_iat_to_exp_give_or_take_thirty_seconds() {
        let claimed = living(NOW, NOW + 180);
        assert_eq!(claimed.check_times(NOW - 31), Err(TokenFault::IssuedInFuture));
        assert_eq!(claimed.check_times(NOW - 30), Ok(()));
        assert_eq!(claimed.check_times(NOW + 209), Ok(()));
        assert_eq!(claimed.check_times(NOW + 210), Err(TokenFault::Expired));
    }

    #[test]
    fn a_token_is_not_used_before_nbf() {
        let claimed = parsed(&format!(r#"{{"iss":"a","iat":{NOW},"exp":{},"nbf":{}}}"#, NOW + 180, NOW + 60)).unwrap();
        assert_eq!(claimed.check_times(NOW + 29), Err(TokenFault::NotYetValid));
        assert_eq!(claimed.check_times(NOW + 30), Ok(()));
    }

    #[test]
    fn a_token_lives_an_hour_at_most() {
        assert_eq!(living(NOW, NOW + 3600).check_times(NOW), Ok(()));
        assert_eq!(living(NOW, NOW + 3601).check_times(NOW), Err(TokenFault::LivesTooLong));
    }

    #[test]
    fn a_token_that_ends_before_it_begins_is_refused() {
        assert_eq!(living(NOW, NOW).check_times(NOW), Err(TokenFault::Claims("exp")));
        assert_eq!(living(NOW, NOW - 1).check_times(NOW), Err(TokenFault::Claims("exp")));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for (issued_at, expires_at) in
            [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (i64::MAX - 1, i64::MAX), (i64::MIN, i64::MIN + 1), (0, i64::MAX), (i64::MIN, 0)]
        {
            for now in [NOW, 0] {
                assert!(living(issued_at, expires_at).check_times(now).is_err(), "{issued_at} {expires_at} {now}");
            }
        }
        assert_eq!(living(i64::MAX - 1, i64::MAX).check_times(i64::MAX), Ok(()));
        assert_eq!(living(i64::MIN, i64::MIN + 1).check_times(i64::MAX), Err(TokenFault::Expired));
    }

    #[test]
    fn a_computed_hash_opens_its_own_request_only() {
        let claimed = with_qsh(&qsh::hash("GET&/page&a=1"));
        assert_eq!(claimed.check_qsh(QshPolicy::Computed, &PAGE), Ok(()));
        assert_eq!(claimed.check_qsh(QshPolicy::Computed, &Request { query: "a=2", ..PAGE }), Err(TokenFault::Qsh));
        assert_eq!(claimed.check_qsh(QshPolicy::Computed, &Request { method: "POST", ..PAGE }), Err(TokenFault::Qsh));
    }

    #[test]
    fn a_context_token_is_refused_where_a_hash_is_computed() {
        assert_eq!(with_qsh("context-qsh").check_qsh(QshPolicy::Computed, &PAGE), Err(TokenFault::Qsh));
    }

    #[test]
    fn a_computed_hash_is_refused_where_a_context_token_is_due() {
        assert_eq!(with_qsh(&qsh::hash("GET&/page&a=1")).check_qsh(QshPolicy::ContextOnly, &PAGE), Err(TokenFault::Qsh));
        assert_eq!(with_qsh("Context-qsh").check_qsh(QshPolicy::ContextOnly, &PAGE), Err(TokenFault::Qsh));
        assert_eq!(with_qsh("context-qsh").check_qsh(QshPolicy::ContextOnly, &PAGE), Ok(()));
    }

    #[test]
    fn a_missing_hash_is_refused_under_every_policy() {
        for policy in [QshPolicy::Computed, QshPolicy::ContextOnly] {
            assert_eq!(living(1, 2).check_qsh(policy, &PAGE), Err(TokenFault::Claims("qsh")));
        }
    }

    #[test]
    fn a_malformed_query_is_a_fault_of_its_own() {
        let malformed = Request { query: "a=%", ..PAGE };
        assert_eq!(with_qsh("00").check_qsh(QshPolicy::Computed, &malformed), Err(TokenFault::MalformedQuery));
    }

    #[test]
    fn a_token_of_our_own_sent_back_is_refused() {
        assert_eq!(living(1, 2).check_issuer_is_not("a"), Err(TokenFault::Issuer));
        assert_eq!(living(1, 2).check_issuer_is_not("b"), Ok(()));
    }
}
