//! Texts without people and secrets (promises ).
//!
//! The rules are named after those that Sentry's Relay has built in, and go further where an Atlassian app does: account ids, mentions, names. They
//! would rather take a word too many than leave one that tells who somebody is: what may be either is removed. Names are known by where they stand
//! and by how they are written; one word of a name alone, in the middle of a sentence, cannot be told from any other, and stays.
//!
//! - [`rule`]: what a rule is, and all of them in their order. - [`links`], [`secrets`], [`numbers`], [`accounts`], [`names`],
//!   [`content`]: the rules.
//! - [`noise`]: what looks like a token and like no name of a program. - [`words`]: what is no name of a person. - [`readings`]: what stands in
//!   a text that is escaped. - [`values`]: where the value of a member ends. - [`length`]: cutting without leaving halves.

mod accounts;
mod content;
mod length;
mod links;
mod names;
mod noise;
mod numbers;
mod readings;
mod rule;
mod secrets;
#[cfg(test)]
mod tests;
mod values;
mod words;

use readings::Reading;
use serde::{Deserialize, Serialize};

/// The longest text there is, in characters.
pub const LONGEST: usize = 1024;

/// How often a text is looked through until nothing is found any more. Two are usual: one that finds, one that finds nothing.
const MOST_PASSES: usize = 8;

/// What is left of a text that does not come to rest, and of every text if there are no rules.
const NOTHING_LEFT: &str = "[scrubbed]";

/// A text that was scrubbed: there is no other way to make one, from the queue neither. Scrubbing it again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scrubbed(String);

impl From<String> for Scrubbed {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<Scrubbed> for String {
    fn from(text: Scrubbed) -> Self {
        text.0
    }
}

impl Scrubbed {
    /// What may leave of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::cut(text, LONGEST)
    }

    /// The same, with no more than so many characters.
    #[must_use]
    pub fn cut(text: &str, most: usize) -> Self {
        let most = most.min(LONGEST);
        let mut text = length::ahead(text, most).to_owned();
        // A text is returned only after a look that found nothing, so that another look finds nothing either.
        for _ in 0..MOST_PASSES {
            let clean = once(&text).filter(|clean| *clean != text);
            let next = match &clean {
                Some(clean) => length::ahead(clean, most),
                None => length::cut(&text, most),
            };
            if next == text {
                return Self(text);
            }
            text = next.to_owned();
        }
        Self(NOTHING_LEFT.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text after one look, if that found anything: at what is meant by it, where it is escaped, else at what is written. Addresses of the web come
/// first: unescaped, nobody could tell where they end.
fn once(text: &str) -> Option<String> {
    let without_visitors = rule::without_visitors(text);
    let text = without_visitors.as_deref().unwrap_or(text);
    let meant = match readings::reading(text) {
        Reading::AsWritten => None,
        Reading::Meant(meant) => rule::applied(&meant),
        Reading::TooDeep => Some(NOTHING_LEFT.to_owned()),
    };
    meant.or_else(|| rule::applied(text)).or(without_visitors)
}
