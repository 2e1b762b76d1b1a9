//! The outside services that telemetry goes to, as configured: each is named, or said to be `off`. Whoever leaves one out is told at the start,
//! and never has it off by mistake.

use url::Url;
use zeroize::Zeroizing;

/// How a variable says that a sink is not used.
pub const OFF: &str = "off";

/// How a variable says that this function has no business with a secret.
const ELSEWHERE: &str = "elsewhere";

/// Where telemetry goes. What is `None` is off: nothing of its kind leaves.
#[derive(Clone, Debug)]
pub struct Sinks {
    /// What fails in browsers.
    pub sentry: Option<Dsn>,
    /// Which pages are seen.
    pub ga4: Option<Ga4>,
    /// How functions do: the base address of Datadog's API.
    pub datadog: Option<Url>,
}

/// The address of a Sentry project: `https://{key}@{host}/{project}`. Its key is public: every browser that reports has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    text: String,
    key: String,
    envelopes: Url,
}

impl Dsn {
    /// One from its text.
    #[must_use]
    pub(crate) fn parse(text: &str, secure: impl Fn(&str) -> Option<Url>) -> Option<Self> {
        let mut url = Url::parse(text).ok()?;
        let key = url.username().to_owned();
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (folder, project) =
            url.path().trim_end_matches('/').rsplit_once('/').map(|(folder, project)| (folder.to_owned(), project.to_owned()))?;
        if !is_word(&key) || url.password().is_some() || project.is_empty() || !project.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        url.set_username("").ok()?;
        url.set_path(&format!("{folder}/api/{project}/envelope/"));
        let envelopes = secure(url.as_str())?;
        Some(Self { text: text.to_owned(), key, envelopes })
    }

    /// As it was given, and as browsers present it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its public key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether a text names the same project of the same host by the same key.
    #[must_use]
    pub fn is_named_by(&self, text: &str) -> bool {
        let named = Self::parse(text, |url| Url::parse(url).ok());
        named.is_some_and(|named| named.key == self.key && named.envelopes == self.envelopes)
    }

    /// Where envelopes are posted to.
    #[must_use]
    pub const fn envelopes(&self) -> &Url {
        &self.envelopes
    }
}

/// A data stream of Google Analytics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ga4 {
    /// The base address of the Measurement Protocol; `/mp/collect` comes behind it.
    pub url: Url,
    /// The stream: `G-…`.
    pub measurement_id: String,
}

/// A secret of a sink, as far as this function has it.
#[derive(Clone)]
pub enum SinkSecret {
    /// Another function's business.
    Elsewhere,
    /// Its sink is off.
    Off,
    /// This one.
    Known(Zeroizing<String>),
}

impl SinkSecret {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            ELSEWHERE => Some(Self::Elsewhere),
            OFF => Some(Self::Off),
            // It stands in a header or a query.
            secret => secret.bytes().all(|byte| byte.is_ascii_graphic()).then(|| Self::Known(Zeroizing::new(secret.to_owned()))),
        }
    }

    /// The secret, where this function has it.
    #[must_use]
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(secret) => Some(secret.as_str()),
            Self::Elsewhere | Self::Off => None,
        }
    }

    /// Whether it is missing for a sink that is on.
    pub(crate) const fn lacks(&self, sink_is_on: bool) -> bool {
        sink_is_on && matches!(self, Self::Off)
    }
}

/// The secrets of sinks: only the function that forwards has any.
#[derive(Clone)]
pub struct SinkSecrets {
    /// Of the data stream.
    pub ga4: SinkSecret,
    /// The API key.
    pub datadog: SinkSecret,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Dsn> {
        Dsn::parse(text, |url| Url::parse(url).ok())
    }

    #[test]
    fn a_dsn_says_where_envelopes_go() {
        let dsn = parse("https://abc123@o1.ingest.de.sentry.io/42").unwrap();
        assert_eq!((dsn.key(), dsn.envelopes().as_str()), ("abc123", "https://o1.ingest.de.sentry.io/api/42/envelope/"));
        assert_eq!(parse("http://k@localhost:8081/sinks/sentry/1").unwrap().envelopes().path(), "/sinks/sentry/api/1/envelope/");
    }

    #[test]
    fn a_project_is_named_by_its_key_host_and_number() {
        let dsn = parse("https://abc123@o1.ingest.de.sentry.io/42").unwrap();
        assert!(dsn.is_named_by("https://abc123@o1.ingest.de.sentry.io:443/42") && dsn.is_named_by(dsn.as_str()));
        for other in [
            "https://abc124@o1.ingest.de.sentry.io/42",
            "https://abc123@o2.ingest.de.sentry.io/42",
            "https://abc123@o1.ingest.de.sentry.io/43",
            "https://abc123@o1.ingest.de.sentry.io/x/42",
            "http://abc123@o1.ingest.de.sentry.io/42",
            "",
        ] {
            assert!(!dsn.is_named_by(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_dsn_is_none() {
        for text in [
            "off",
            "https://sentry.io/1",
            "https://k@sentry.io",
            "https://k@sentry.io/one",
            "https://k:secret@sentry.io/1",
            "https://k%40@sentry.io/1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_is_known_off_or_elsewhere() {
        assert_eq!(SinkSecret::parse("s3cret").unwrap().known(), Some("s3cret"));
        assert!(SinkSecret::parse("off").unwrap().lacks(true) && !SinkSecret::parse("elsewhere").unwrap().lacks(true));
        assert!(SinkSecret::parse("two words").is_none());
    }
}
