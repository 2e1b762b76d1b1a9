//! What a customer has written: it names nobody and is none of ours all the same. Parsers quote it, and apps say it where they say an object.

use std::borrow::Cow;

use super::rule::{Found, Rule};
use super::values::Value;
use super::words;

/// Fewer words in quotes are a name of something in a program.
const FEWEST_WORDS: usize = 3;

/// Of parsers, of members of objects, and of whatever else is quoted.
pub(super) const RULES: &[Rule] = &[
    Rule { pattern: r#"(?:\.\.\.)?"([^\n]*)"(?:\.\.\.)?(\s+is not valid JSON)"#, instead: excerpt },
    Rule {
        pattern: r#"(?i)(JSON Parse error: Unexpected identifier )"([^"\n]+)""#,
        instead: |found| (found.group(2) != "[text]").then(|| format!("{}\"[text]\"", found.group(1)).into()),
    },
    Rule { pattern: r#"\\*"[\p{L}\p{N}_.$ -]{1,64}\\*"\s*:\s*"#, instead: member },
    Rule {
        pattern: r#"(^|[\s(\[{:=,>])("[^"\n]+"|“[^”“\n]+[”“]|„[^“”\n]+[“”]|«[^»\n]+»|'(?:[^'\n]|\p{L}'\p{L})+')"#, instead: run
    },
];

/// V8 quotes the beginning of what is no JSON, or what is around the fault. A page instead of JSON says nothing of anybody.
fn excerpt(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let text = found.group(1).trim_start();
    let begins = |of: &str| text.get(..of.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(of));
    let ours = text == "[text]" || text.is_empty() || text == "undefined" || ["<!doctype", "<html", "[object "].into_iter().any(begins);
    (!ours).then(|| format!("\"[text]\"{}", found.group(2)).into())
}

/// What has blanks in it, or letters that no program has, is a text.
fn member(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let value = Value::at_begin_of(found.after()).filter(|value| !value.is_bracketed())?;
    let is_word = value.inner.bytes().all(|byte| byte.is_ascii_graphic());
    (!is_word && !words::are_technical(value.inner)).then(|| value.replaced(found, "[text]").into())
}

fn run(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let (before, quoted) = (found.group(1), found.group(2));
    let open = quoted.chars().next()?;
    let close = quoted.chars().next_back()?;
    let inner = quoted.trim_start_matches(open).trim_end_matches(close);
    let is_word = |word: &&str| {
        let word = word.trim_matches(|letter: char| ".,;:!?[]".contains(letter));
        !word.is_empty() && word.chars().all(|letter| letter.is_alphabetic() || matches!(letter, '\'' | '’'))
    };
    let text = inner.split_whitespace().filter(is_word).count() >= FEWEST_WORDS && !words::are_technical(inner);
    (text && !found.after().starts_with(char::is_alphanumeric)).then(|| format!("{before}{open}[text]{close}").into())
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;

    #[test]
    fn what_a_customer_has_written_is_removed() {
        for (text, left) in [
            (r#"Unexpected token 'L', "Layoffs in"... is not valid JSON"#, r#"Unexpected token 'L', "[text]" is not valid JSON"#),
            (
                r#"Unexpected token 'x', ..."mmary: "Layoffs" x"... is not valid JSON"#,
                r#"Unexpected token 'x', "[text]" is not valid JSON"#,
            ),
            ("JSON Parse error: Unexpected identifier \"Layoffs\"", "JSON Parse error: Unexpected identifier \"[text]\""),
            (
                r#"{"summary":"Merger with Globex","description":"we \"buy\" them","id":"10001","n":1}"#,
                r#"{"summary":"[text]","description":"[text]","id":"10001","n":1}"#,
            ),
            (r#"{\"summary\":\"Merger with Globex\",\"n\":1}"#, r#"{\"summary\":\"[text]\",\"n\":1}"#),
            (r#"{"summary":"Übernahme"}"#, r#"{"summary":"[text]"}"#),
            ("cannot save 'layoffs in june'", "cannot save '[text]'"),
            ("cannot save \"we don't buy them\" now", "cannot save \"[text]\" now"),
            ("cannot save „wir kaufen sie“", "cannot save „[text]“"),
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), left, "{text}");
        }
    }

    #[test]
    fn what_a_program_says_stays() {
        for text in [
            "Unexpected token L in JSON at position 0",
            "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
            "\"undefined\" is not valid JSON",
            "\"[object Object]\" is not valid JSON",
            "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
            r#"{"status":"404","type":"issue_updated","at":"2026-11-22T12:00:00.123Z","error":"Not Found"}"#,
            "Failed to execute 'removeChild' on 'Node': The node to be removed is not a child of this node.",
            "Refused to load because it violates \"script-src 'self' https://cdn.example\"",
            "can't access property \"id\", t is null",
            "didn't match; don't do it",
            "undefined is not an object (evaluating 'new x(a, b, c)')",
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), text);
        }
    }
}
