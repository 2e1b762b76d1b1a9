//! Tokens that do not say what they are: long runs of letters and digits that no programmer would have written.
//!
//! A name in a program is made of words, a token of nothing. So a run is looked at letter by letter: every letter beyond the second of a row of
//! small ones, and beyond the third of a row of capitals, speaks for a name; rows of consonants and every change between letter and digit speak
//! against. Of 100,000 random runs of 256 bits in Base64 no more than a few pass for a name.

use std::borrow::Cow;

use super::rule::{Found, Rule};

/// Shorter runs are not looked at: names of files end in hashes, and a token of less than 128 bits opens little.
const SHORTEST: usize = 24;

/// How many letters must be left for a judgement, without numbers and hashes.
const FEWEST_LETTERS: usize = 16;

/// How many letters the hash of a file's content has at most, behind its name.
const LONGEST_HASH: usize = 12;

/// How many in ten letters must speak for a name.
const ENOUGH: i32 = 3;

/// What has digits in it and is a word all the same.
const WORDS_WITH_DIGITS: [&str; 4] = ["i18n", "I18n", "a11y", "l10n"];

/// Of hexadecimal numbers, and of runs of any letters.
pub(super) const RULES: &[Rule] = &[
    Rule { pattern: r"(?i)[0-9a-f]{24,}", instead: hexadecimal },
    Rule { pattern: r"[A-Za-z0-9+/_-]{32,}={0,2}|[A-Za-z0-9_-]{24,}={0,2}", instead: run },
];

/// 24 digits are an account; more are a digest or a token. Names of files have up to 20.
fn hexadecimal(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let part_of_more = found.before().ends_with(char::is_alphanumeric) || found.after().starts_with(char::is_alphanumeric);
    let digits = found.whole().bytes().any(|byte| byte.is_ascii_digit());
    let label = if found.whole().len() == 24 { "[account]" } else { "[token]" };
    (digits && !part_of_more).then_some(label.into())
}

fn run(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let text = found.whole();
    // In addresses of the web, short pieces between slashes are a path. Base64 that was padded is none wherever it stands.
    let path = is_of_address(found) && !text.ends_with('=') && text.len() / text.split('/').count() < 12;
    if !path && is_token(text) {
        return Some("[token]".into());
    }
    let pieces: Vec<_> = text.split('/').map(|piece| if is_token(piece) { "[token]" } else { piece }).collect();
    let clean = pieces.join("/");
    (clean != text).then_some(clean.into())
}

fn is_of_address(found: &Found<'_>) -> bool {
    let word = found.before().rsplit(|letter: char| letter.is_whitespace() || "\"'(".contains(letter)).next().unwrap_or_default();
    word.contains("://") || (word.ends_with(':') && found.whole().starts_with("//"))
}

/// Whether a run is no name.
fn is_token(run: &str) -> bool {
    if run.len() < SHORTEST || is_extension(run) {
        return false;
    }
    let run = WORDS_WITH_DIGITS.iter().fold(run.trim_end_matches('=').to_owned(), |run, word| run.replace(word, ""));
    let (letters, enough) = judged(run.split(SEPARATORS).filter(|segment| !is_hash(segment)));
    if letters < FEWEST_LETTERS || enough {
        return false;
    }
    // What is hashed behind the name of a file says nothing for or against it.
    let mut names =
        run.match_indices(['-', '_']).filter(|(at, _)| *at > 0 && run.len() - at <= LONGEST_HASH + 1).filter_map(|(at, _)| run.get(..at));
    !names.any(|name| judged(name.split(SEPARATORS)).1)
}

/// Chrome's name for an extension: 32 letters that stand for the digits of a hexadecimal number.
fn is_extension(run: &str) -> bool {
    run.len() == 32 && run.bytes().all(|byte| matches!(byte, b'a'..=b'p'))
}

const SEPARATORS: [char; 4] = ['/', '+', '-', '_'];

/// How many letters there are, and whether enough of them speak for a name.
fn judged<'s>(segments: impl Iterator<Item = &'s str>) -> (usize, bool) {
    let (letters, points) = segments.fold((0, 0), |(letters, sum), segment| (letters + segment.len(), sum + points(segment)));
    (letters, points * 10 >= i32::try_from(letters).unwrap_or(i32::MAX) * ENOUGH)
}

/// A hexadecimal number of a length that names of files end in.
fn is_hash(segment: &str) -> bool {
    let hexadecimal = segment.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    hexadecimal && (4..=20).contains(&segment.len()) && segment.bytes().any(|byte| byte.is_ascii_digit())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Small,
    Capital,
    Digit,
}

impl Class {
    const fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::Small,
            b'A'..=b'Z' => Self::Capital,
            _ => Self::Digit,
        }
    }
}

/// How much speaks for a word.
fn points(segment: &str) -> i32 {
    let (mut points, mut last, mut row, mut consonants) = (0, None, 0, 0);
    for byte in segment.bytes() {
        let class = Class::of(byte);
        row = if last == Some(class) { row + 1 } else { 1 };
        let silent = class == Class::Digit || matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        consonants = match class {
            _ if silent => 0,
            Class::Small => consonants + 1,
            _ => 1,
        };
        points += match (class, row) {
            // A small letter alone costs a point, two cost nothing.
            (Class::Small, 1) => -1,
            (Class::Small, _) if consonants > 3 => -2,
            (Class::Small, _) | (Class::Capital, 4..) => 1,
            _ => 0,
        };
        if last.is_some_and(|last| last != class && (last == Class::Digit || class == Class::Digit)) {
            points -= 2;
        }
        last = Some(class);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;
    use super::*;
    use crate::telemetry::plants::Dice;

    #[test]
    fn what_nobody_would_have_written_is_removed() {
        for token in [
            "d41d8cd98f00b204e9800998ecf8427e",
            "2jmj7l5rSw0yVb/vlWAYkK/YBwk1qg7dRZGPfK3ZsYc=",
            "Zq3tX9_kPf7-Lw2aVb8nRc4yHd6m",
            "k3j9x0q2m5v8b1n4z7p6w2e9r5t1",
        ] {
            let text = Scrubbed::of(&format!("sent {token} there"));
            assert_eq!(text.as_str(), "sent [token] there", "{token}");
        }
    }

    #[test]
    fn what_a_programmer_has_written_stays() {
        for text in [
            "vendors-node_modules_atlaskit_editor-core_dist_esm_index_js-node_modules_react-dom_index_js.4f3a2b1c.chunk.js",
            "(0 , _store_actions__WEBPACK_IMPORTED_MODULE_12__.default) is not a function",
            "withCommentsMutationGraphQLProvider2",
            "getElementsByTagNameNSFromDocument",
            "SOME_CONSTANT_OF_A_PROGRAM_THAT_IS_LONG",
            "dangerouslySetInnerHTMLWithI18nKeys",
            "https://x.example/assets/editor-core-D8b1Zx9Q.js",
            "https://x.example/assets/async-issue-view.59f1b9b6b1b6f1e4d5c9.8.js",
            "https://x.example/_next/static/chunks/pages/_app-0e3f2a1b4c5d6e7f.js",
            "https://x.example/assets/lazy-chart-view-legacy-Bm4R2_hQ.js",
            "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb/content.js",
            "chunk-4f3a2b.js",
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), text);
        }
    }

    #[test]
    fn a_random_run_hardly_ever_passes_for_a_name() {
        let mut dice = Dice::of(8);
        let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-', '_']).collect();
        let mut random = |length: usize| -> String { (0..length).map(|_| letters[dice.below(letters.len())]).collect() };
        let passed = (0..100_000).filter(|_| !is_token(&random(43))).count();
        assert!(passed <= 3, "{passed}");
    }
}
