//! What a sink's answer means: taken, not now, or never; and for how long the sink wants to be left alone.
//!
//! A sink that asks for time is left alone by this whole process, and the letter says itself when it may be tried again, so that no other process
//! tries it sooner.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, StatusCode, header};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::telemetry::sink::Destination;

/// How long the first wait is, in seconds; each is twice the one before.
const FIRST_WAIT: i64 = 30;

/// The longest wait that we choose ourselves, in seconds.
const LONGEST_WAIT: i64 = 900;

/// For how long a sink is left alone that has had enough and does not say of what: as Sentry's own clients do.
/// <https://develop.sentry.dev/sdk/expected-features/rate-limiting/>
const UNSAID: i64 = 60;

/// No sink is left alone for longer: by then every letter that waits is too old.
const LONGEST_HOLD: i64 = 24 * 60 * 60;

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// Of the letter.
    pub(super) verdict: Verdict,
    /// Of the sink: for how many seconds it is to be left alone.
    pub(super) hold: Option<i64>,
}

/// What becomes of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The sink has it.
    Taken,
    /// It may have it later.
    NotNow,
    /// It does not want it.
    Never,
}

impl Answered {
    /// An answer that says nothing of the sink.
    pub(super) const fn of(verdict: Verdict) -> Self {
        Self { verdict, hold: None }
    }
}

/// Reads an answer. Redirects are followed nowhere, so they are refusals.
pub(super) fn read(destination: Destination, status: StatusCode, headers: &HeaderMap, now: i64) -> Answered {
    let verdict = match status {
        _ if status.is_success() => Verdict::Taken,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Verdict::NotNow,
        _ if status.is_server_error() => Verdict::NotNow,
        _ => Verdict::Never,
    };
    let limits = (destination == Destination::Sentry).then(|| headers.get("x-sentry-rate-limits")).flatten();
    let asked = match limits.and_then(|limits| limits.to_str().ok()) {
        Some(limits) => of_errors(limits),
        None if verdict == Verdict::NotNow => retry_after(headers, now).or((status == StatusCode::TOO_MANY_REQUESTS).then_some(UNSAID)),
        None => None,
    };
    Answered { verdict, hold: asked.map(|seconds| seconds.clamp(0, LONGEST_HOLD)) }
}

/// For how long errors are unwelcome, as Sentry writes it: `seconds:categories:scope…`, several by comma, categories by semicolon; no category means
/// all of them.
fn of_errors(limits: &str) -> Option<i64> {
    let of_one = |limit: &str| {
        let mut parts = limit.trim().split(':');
        let seconds = parts.next().and_then(seconds)?;
        let categories = parts.next().unwrap_or_default();
        (categories.is_empty() || categories.split(';').any(|category| category == "error")).then_some(seconds)
    };
    limits.split(',').filter_map(of_one).max()
}

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: i64) -> Option<i64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    seconds(text).or_else(|| Some(OffsetDateTime::parse(text, &Rfc2822).ok()?.unix_timestamp().saturating_sub(now)))
}

/// Whole seconds; a part of one counts as one.
fn seconds(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = !whole.is_empty() && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
    // More than fits is more than the longest.
    let whole = is_number.then(|| whole.parse().unwrap_or(i64::MAX))?;
    Some(if part.is_empty() { whole } else { whole.saturating_add(1) })
}

/// How long a letter waits that was tried so often before, in seconds.
pub(super) fn wait(tried: u32) -> i64 {
    FIRST_WAIT.saturating_mul(1_i64.checked_shl(tried.min(32)).unwrap_or(i64::MAX)).min(LONGEST_WAIT)
}

/// Which sinks want to be left alone, and until when.
#[derive(Default)]
pub(super) struct Patience(Mutex<[i64; Destination::ALL.len()]>);

impl Patience {
    /// Leaves a sink alone until this second, if it is not left alone for longer already.
    pub(super) fn hold(&self, destination: Destination, until: i64) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held.get_mut(destination as usize) {
            *known = until.max(*known);
        }
    }

    /// Until when a sink is left alone, in epoch seconds; a second of the past, if it is not.
    pub(super) fn until(&self, destination: Destination) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(destination as usize).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: i64 = 1_795_348_800;

    fn answer(destination: Destination, status: u16, headers: &[(&'static str, &'static str)]) -> Answered {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
        read(destination, StatusCode::from_u16(status).unwrap(), &headers, NOW)
    }

    fn hold(headers: &[(&'static str, &'static str)]) -> Option<i64> {
        answer(Destination::Sentry, 429, headers).hold
    }

    #[test]
    fn an_answer_is_taken_not_now_or_never() {
        for (status, verdict) in [
            (200, Verdict::Taken),
            (202, Verdict::Taken),
            (204, Verdict::Taken),
            (301, Verdict::Never),
            (400, Verdict::Never),
            (403, Verdict::Never),
            (408, Verdict::NotNow),
            (413, Verdict::Never),
            (429, Verdict::NotNow),
            (500, Verdict::NotNow),
            (503, Verdict::NotNow),
        ] {
            for destination in Destination::ALL {
                assert_eq!(answer(destination, status, &[]).verdict, verdict, "{status}");
            }
        }
    }

    #[test]
    fn a_sink_says_in_seconds_or_by_a_date_when_it_may_be_asked_again() {
        assert_eq!(hold(&[("retry-after", "120")]), Some(120));
        assert_eq!(hold(&[("retry-after", "2.5")]), Some(3));
        assert_eq!(hold(&[("retry-after", "Sun, 22 Nov 2026 12:05:00 GMT")]), Some(300));
        assert_eq!(hold(&[("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT")]), Some(0));
        assert_eq!(hold(&[("retry-after", "99999999999999999999")]), Some(LONGEST_HOLD));
        for nonsense in ["soon", "", "-5", "1e3"] {
            assert_eq!(hold(&[("retry-after", nonsense)]), Some(UNSAID), "{nonsense}");
        }
        assert_eq!(hold(&[]), Some(UNSAID));
        assert_eq!(answer(Destination::Datadog, 503, &[("retry-after", "7")]).hold, Some(7));
        assert_eq!(answer(Destination::Datadog, 503, &[]).hold, None);
        assert_eq!(answer(Destination::Datadog, 400, &[("retry-after", "7")]).hold, None);
    }

    #[test]
    fn sentry_says_it_by_category() {
        let limits = |limits| hold(&[("x-sentry-rate-limits", limits), ("retry-after", "1")]);
        assert_eq!(limits("60:error:key"), Some(60));
        assert_eq!(limits("60:error:default:key"), Some(60));
        assert_eq!(limits("60:transaction;error;security:organization:quota_exceeded"), Some(60));
        assert_eq!(limits("60::organization, 2700:default;error;security:project"), Some(2700));
        assert_eq!(limits("10::organization"), Some(10));
        assert_eq!(limits("60:transaction:key"), None);
        assert_eq!(limits("nonsense"), None);
        // With success too.
        assert_eq!(
            answer(Destination::Sentry, 200, &[("x-sentry-rate-limits", "5:error:key")]),
            Answered { verdict: Verdict::Taken, hold: Some(5) }
        );
        assert_eq!(answer(Destination::Datadog, 200, &[("x-sentry-rate-limits", "5:error:key")]).hold, None);
    }

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_a_quarter_of_an_hour() {
        assert_eq!((0..8).map(wait).collect::<Vec<_>>(), [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(wait(u32::MAX), 900);
    }

    #[test]
    fn a_sink_is_left_alone_for_the_longest_that_it_asked() {
        let patience = Patience::default();
        patience.hold(Destination::Sentry, NOW + 60);
        patience.hold(Destination::Sentry, NOW + 5);
        assert_eq!((patience.until(Destination::Sentry), patience.until(Destination::Datadog)), (NOW + 60, 0));
    }
}
