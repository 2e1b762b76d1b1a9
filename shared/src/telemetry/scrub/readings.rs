//! What stands in a text that is escaped: as in addresses of the web (`%40`), in HTML (`&#64;`) and in JSON (`\u0040`), once or several times over.

use std::borrow::Cow;
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use regex::{Captures, Regex};

/// How often a text may be escaped over again.
const MOST_LAYERS: usize = 4;

/// Escapes but those of addresses of the web. Two halves make one letter of those that came late.
const ESCAPES: &str = r"(?i)\\+u(d[89ab][0-9a-f]{2})\\+u(d[c-f][0-9a-f]{2})|\\+(?:u\{([0-9a-f]{1,8})\}|u([0-9a-f]{4})|x([0-9a-f]{2}))|&#x([0-9a-f]{1,7});|&#([0-9]{1,7});|&(quot|apos|commat|colon|period|nbsp|amp);";

static ESCAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ESCAPES).ok());

/// What a text says to who reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// What is written.
    AsWritten,
    /// Something else. It is no replacement for the text: line breaks and the like may be in it.
    Meant(String),
    /// What nobody finds out: it is escaped too often.
    TooDeep,
}

/// What is meant by a text.
pub(super) fn reading(text: &str) -> Reading {
    let mut meant = Cow::Borrowed(text);
    for _ in 0..MOST_LAYERS {
        match (layer(&meant), meant) {
            (Some(next), _) => meant = Cow::Owned(next),
            (None, Cow::Borrowed(_)) => return Reading::AsWritten,
            (None, Cow::Owned(meant)) => return Reading::Meant(meant),
        }
    }
    match (layer(&meant), meant) {
        (None, Cow::Owned(meant)) => Reading::Meant(meant),
        _ => Reading::TooDeep,
    }
}

fn layer(text: &str) -> Option<String> {
    let percent = if text.contains('%') { percent_decode_str(text).decode_utf8_lossy() } else { Cow::Borrowed(text) };
    let escaped = percent.contains(['\\', '&']).then(|| ESCAPE.as_ref().map(|escape| escape.replace_all(&percent, letter))).flatten();
    match escaped {
        Some(Cow::Owned(meant)) => Some(meant),
        _ => (percent != text).then(|| percent.into_owned()),
    }
}

/// The letter that an escape means.
fn letter(found: &Captures<'_>) -> String {
    let digits = |group: usize, radix| u32::from_str_radix(found.get(group)?.as_str(), radix).ok();
    let pair = digits(1, 16).zip(digits(2, 16)).map(|(high, low)| 0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff));
    if let Some(code) = pair.or_else(|| [3, 4, 5].into_iter().find_map(|group| digits(group, 16))) {
        return in_quotes(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if let Some(code) = digits(6, 16).or_else(|| digits(7, 10)) {
        return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).to_string();
    }
    let named = match found.get(8).map(|name| name.as_str().to_ascii_lowercase()).as_deref() {
        Some("quot") => "\"",
        Some("apos") => "'",
        Some("commat") => "@",
        Some("colon") => ":",
        Some("period") => ".",
        Some("amp") => "&",
        _ => " ",
    };
    named.to_owned()
}

/// A letter that was escaped within quotes does not end what is quoted.
fn in_quotes(letter: char) -> String {
    match letter {
        '"' | '\'' | '`' | '\\' => format!("\\{letter}"),
        '\n' | '\r' => " ".to_owned(),
        letter => letter.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;
    use super::*;

    #[test]
    fn what_is_escaped_is_read_as_it_is_meant() {
        for (text, meant) in [
            ("max%40acme.example", "max@acme.example"),
            ("max%2540acme.example", "max@acme.example"),
            ("max\\u0040acme", "max@acme"),
            ("max\\u{40}acme", "max@acme"),
            ("max\\\\u0040acme", "max@acme"),
            ("max\\x40acme", "max@acme"),
            ("max&#64;acme", "max@acme"),
            ("max&#x40;acme", "max@acme"),
            ("max&commat;acme", "max@acme"),
            ("\\u0141ukasz", "Łukasz"),
            ("\\ud83d\\ude00 \\u{1F600} &#128512;", "😀 😀 😀"),
            ("\\ud83d?", "\u{fffd}?"),
            ("&#1053;&#x430;", "На"),
            ("a\\u0022b\\u005c", "a\\\"b\\\\"),
            ("{&quot;name&quot;:&quot;Max&quot;}", "{\"name\":\"Max\"}"),
            ("M%C3%BCller", "Müller"),
        ] {
            assert_eq!(reading(text), Reading::Meant(meant.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_name_of_any_script_is_found_behind_its_escapes() {
        for (text, left) in [
            (r#"{"displayName":"\u0141ukasz Nowak"}"#, r#"{"displayName":"[name]"}"#),
            (r#"{"displayName":"\u041d\u0430\u0442\u0430\u043b\u044c\u044f"}"#, r#"{"displayName":"[name]"}"#),
            (r"user \u7530\u4e2d\u592a\u90ce", "user [name]"),
            (r"saw \u0393\u03b9\u03ce\u03c1\u03b3\u03bf\u03c2 &#928;&#945;&#960;&#945;", "saw [name]"),
            (r"ask max.muster\u{40}acme.example", "ask [email]"),
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), left, "{text}");
        }
    }

    #[test]
    fn of_what_is_escaped_too_often_nothing_leaves() {
        assert_eq!(reading("max%252525252540acme"), Reading::TooDeep);
        assert_eq!(Scrubbed::of("ask max%252525252540acme.example").as_str(), "[scrubbed]");
    }

    #[test]
    fn what_is_not_escaped_has_no_other_meaning() {
        for text in ["", "100 %", "50%!", "a & b", "c:\\temp", "&copy;"] {
            assert_eq!(reading(text), Reading::AsWritten, "{text}");
        }
    }

    #[test]
    fn every_escape_is_known() {
        assert!(ESCAPE.is_some());
    }
}
