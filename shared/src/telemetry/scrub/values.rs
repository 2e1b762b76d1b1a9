//! Where a value ends that stands behind a member's name: a quoted one at its own closing quote, a list or an object at its own bracket. No pattern
//! can tell, as quotes are escaped within quotes, and brackets stand in brackets.

use super::rule::Found;

/// A value in quotes or brackets, at the beginning of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value<'t> {
    /// What opens it, if that is a quote; with the backslashes of the text that it is itself quoted in.
    pub(super) open: &'t str,
    /// What is in its quotes; a list or an object as a whole.
    pub(super) inner: &'t str,
}

impl<'t> Value<'t> {
    /// The value that a text begins with; `None` if it is in neither.
    pub(super) fn at_begin_of(text: &'t str) -> Option<Self> {
        let (open, inner) = match text.chars().next()? {
            '[' | '{' => (0, bracketed(text)),
            _ => quoted(text)?,
        };
        Some(Self { open: text.get(..open)?, inner: text.get(open..open + inner)? })
    }

    /// Whether it is a list or an object.
    pub(super) const fn is_bracketed(&self) -> bool {
        self.open.is_empty()
    }

    /// Replaces it with what was found before it: what was put together of it comes into its place.
    pub(super) fn replaced(&self, found: &Found<'_>, label: &str) -> String {
        found.take(self.open.len() + self.inner.len());
        format!("{}{}{label}", found.whole(), self.open)
    }
}

/// How many bytes open a quoted value, and how many are in it: up to the quote that closes it, else to the end of the line.
fn quoted(text: &str) -> Option<(usize, usize)> {
    let behind = text.trim_start_matches('\\');
    let depth = text.len() - behind.len();
    let quote = behind.chars().next()?;
    let closing: &[char] = match quote {
        '"' | '\'' | '`' => &[quote],
        '”' | '“' | '„' => &['”', '“'],
        '‘' | '‚' => &['’', '‘'],
        '«' => &['»'],
        _ => return None,
    };
    let open = depth + quote.len_utf8();
    let inner = text.get(open..)?;
    let (mut backslashes, mut letter_before) = (0, false);
    for (at, letter) in inner.char_indices() {
        if letter == '\\' {
            backslashes += 1;
            continue;
        }
        let is_apostrophe = || {
            let follows = inner.get(at + letter.len_utf8()..).is_some_and(|rest| rest.starts_with(char::is_alphabetic));
            matches!(letter, '\'' | '’') && letter_before && follows
        };
        if letter == '\n' || (closing.contains(&letter) && closes(backslashes, depth) && !is_apostrophe()) {
            return Some((open, at - if letter == '\n' { 0 } else { backslashes.min(depth) }));
        }
        (backslashes, letter_before) = (0, letter.is_alphabetic());
    }
    Some((open, inner.len()))
}

/// Whether a quote closes what was opened behind `depth` backslashes. One that is escaped in it has more of them, one of what is around it fewer.
const fn closes(backslashes: usize, depth: usize) -> bool {
    backslashes < depth || (backslashes - depth).is_multiple_of(2 * (depth + 1))
}

/// How many bytes a list or an object has; all that follows, if nothing closes it.
fn bracketed(text: &str) -> usize {
    let (mut depth, mut next) = (0_usize, 0);
    while let Some(rest) = text.get(next..).filter(|rest| !rest.is_empty()) {
        let Some(letter) = rest.chars().next() else { break };
        if matches!(letter, '"' | '\\')
            && let Some((open, inner)) = quoted(rest)
        {
            let escapes = open - 1;
            next += (open + inner + escapes + 1).min(rest.len());
            while !text.is_char_boundary(next) {
                next += 1;
            }
            continue;
        }
        next += letter.len_utf8();
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return next;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_value_ends_at_its_own_quote() {
        for (text, open, inner) in [
            (r#""max", "n""#, "\"", "max"),
            (r#""Max \"Maxi\" muster","#, "\"", r#"Max \"Maxi\" muster"#),
            (r#""max\\","n""#, "\"", r"max\\"),
            (r#""hunter'two"}"#, "\"", "hunter'two"),
            (r#"\"max\",\"n\""#, "\\\"", "max"),
            (r#"\"Max \\\"Maxi\\\" m\","#, "\\\"", r#"Max \\\"Maxi\\\" m"#),
            (r#"\"Max"}"#, "\\\"", "Max"),
            ("'Conan O'Brien' x", "'", "Conan O'Brien"),
            ("„Max“ x", "„", "Max"),
            ("\"max\nn", "\"", "max"),
            ("\"max", "\"", "max"),
            ("\"", "\"", ""),
        ] {
            assert_eq!(Value::at_begin_of(text), Some(Value { open, inner }), "{text}");
        }
    }

    #[test]
    fn a_list_or_an_object_ends_at_its_own_bracket() {
        for (text, inner) in [
            (r#"["Max","Erika"],"n""#, r#"["Max","Erika"]"#),
            (r#"{"a":{"b":[1]},"c":"}"}}"#, r#"{"a":{"b":[1]},"c":"}"}"#),
            (r#"[\"]\",1] x"#, r#"[\"]\",1]"#),
            ("[]", "[]"),
            ("{\"a\":\"b", "{\"a\":\"b"),
            ("[\\ä", "[\\ä"),
        ] {
            assert_eq!(Value::at_begin_of(text), Some(Value { open: "", inner }), "{text}");
        }
    }

    #[test]
    fn what_is_in_neither_is_not_looked_at() {
        for text in ["", "max", "\\max", "(max)", "]"] {
            assert_eq!(Value::at_begin_of(text), None, "{text}");
        }
    }
}
