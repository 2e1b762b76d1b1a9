//! E-mail addresses in texts. Whatever might be one is taken for one: a word too many that is removed harms nobody, an address that stays does.
//! Finders of links are made the other way round, and pass over what is quoted, escaped or written behind another `@`.

/// The `@` of an address, as it stands in texts, addresses of the web and HTML.
/// People who hide one from machines write it in brackets.
const ATS: [&str; 14] =
    ["@", "＠", "﹫", "%40", "&#64;", "&#x40;", "&commat;", "[at]", "(at)", "[AT]", "(AT)", " [at] ", " (at) ", " (AT) "];

/// The text with `removed` in the place of every e-mail address.
pub(crate) fn without_addresses(text: String, removed: &str) -> String {
    without_addresses_but(text, removed, |_, _| false)
}

/// The same where some `@` are known to belong to something else: `other` is asked of each, with the text before it and the text after it.
pub(crate) fn without_addresses_but(text: String, removed: &str, other: impl Fn(&str, &str) -> bool) -> String {
    let mut clean = String::new();
    let mut rest = 0;
    while let Some((at, length)) = text.get(rest..).and_then(first_at) {
        let (at, end) = (rest + at, rest + at + length);
        let (before, after) = (text.get(rest..at).unwrap_or_default(), text.get(end..).unwrap_or_default());
        let (local, domain) = (local_part(before), domain(after));
        if local == 0 || domain == 0 || other(text.get(..at).unwrap_or_default(), after) {
            clean.push_str(text.get(rest..end).unwrap_or_default());
            rest = end;
        } else {
            clean.push_str(before.get(..before.len() - local).unwrap_or_default());
            clean.push_str(removed);
            rest = end + domain;
        }
    }
    if clean.is_empty() {
        return text;
    }
    clean.push_str(text.get(rest..).unwrap_or_default());
    clean
}

/// Whether there is anything to look for.
pub(crate) fn may_be_in(text: &str) -> bool {
    first_at(text).is_some()
}

/// Where the first `@` stands, and how long it is.
fn first_at(text: &str) -> Option<(usize, usize)> {
    ATS.iter().filter_map(|at| Some((text.find(at)?, at.len()))).min()
}

/// How many bytes at the end of a text may be the part of an address before its `@`.
fn local_part(before: &str) -> usize {
    if let Some(quoted) = before.strip_suffix('"') {
        return quoted.rfind('"').map_or(0, |begin| before.len() - begin);
    }
    let rest = before.trim_end_matches(|letter: char| letter.is_alphanumeric() || ".!#$&'*+-/=?^_`{|}~%@".contains(letter));
    // A mention or an escape alone is no name.
    let local = before.get(rest.len()..).unwrap_or_default();
    if local.chars().any(char::is_alphanumeric) { local.len() } else { 0 }
}

/// How many bytes at the beginning of a text may be an address's domain.
fn domain(after: &str) -> usize {
    if after.starts_with('[') {
        return after.find(']').map_or(0, |end| end + 1);
    }
    let rest = after.trim_start_matches(|letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-'));
    let domain = after.get(..after.len() - rest.len()).unwrap_or_default().trim_end_matches(['.', '-']);
    domain.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn without_addresses(text: String) -> String {
        super::without_addresses(text, "[e-mail]")
    }

    #[test]
    fn whatever_may_be_an_address_is_removed() {
        for (text, clean) in [
            ("ask max.m+x@acme.example, or not", "ask [e-mail], or not"),
            ("<max@acme.example>", "<[e-mail]>"),
            ("mailto:max@acme.example.", "mailto:[e-mail]."),
            ("a@b.example;c@d.example", "[e-mail];[e-mail]"),
            ("root@host", "[e-mail]"),
            ("@max@acme.example", "@[e-mail]"),
            ("mailto:max%40acme.example", "mailto:[e-mail]"),
            ("max&#64;acme.example", "[e-mail]"),
            ("\"max m\"@acme.example said", "[e-mail] said"),
            ("max@[10.0.0.1] said", "[e-mail] said"),
            ("müller@bücher.example", "[e-mail]"),
            ("ask max＠acme.example", "ask [e-mail]"),
            ("ask max[at]acme.example", "ask [e-mail]"),
            ("ask max (at) acme.example", "ask [e-mail]"),
        ] {
            assert_eq!(without_addresses(text.to_owned()), clean, "{text}");
        }
    }

    #[test]
    fn an_at_that_is_in_no_address_stays() {
        for text in ["", "@", "5 @ 3", "@max", "100%40", "a@ b", "mail me @ noon", "x@-"] {
            assert_eq!(without_addresses(text.to_owned()), text);
        }
    }

    #[test]
    fn an_at_that_belongs_to_something_else_stays() {
        let scope = |before: &str, _: &str| before.ends_with('/');
        let clean = without_addresses_but("npm/@scope/x asks max@acme.example".to_owned(), "-", scope);
        assert_eq!(clean, "npm/@scope/x asks -");
    }

    proptest! {
        #[test]
        fn no_address_is_found_in_what_is_left(before in "[ -~]{0,20}", name in "[a-z0-9._+-]{0,8}[a-z]", host in "[a-z][a-z0-9.-]{0,8}", after in "[ -~]{0,20}") {
            let clean = without_addresses(format!("{before}{name}@{host}{after}"));
            let address = format!("{name}@{host}");
            prop_assert!(!clean.contains(&address), "{}", clean);
        }
    }
}
