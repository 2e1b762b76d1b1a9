//! The name of a signing key, as a stranger's token gives it.
//!
//! It becomes part of the address we fetch the key from before anything is proven, so only a [`Kid`] may: a few plain characters and at
//! most one slash, which newer key hosts use (`issuer/key`). Refuses everything that could lead elsewhere: dot segments, schemes, escapes.

use std::fmt;

const MAX_BYTES: usize = 128;

/// A key's name that is safe to append to an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kid(String);

impl Kid {
    /// `None` unless `text` is 1 to 128 of `A-Z a-z 0-9 . _ -`, with at most one slash between two segments that are not `.` or `..`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        };
        let safe = text.len() <= MAX_BYTES && text.split('/').count() <= 2 && text.split('/').all(plain);
        safe.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_in_use_are_accepted() {
        for kid in ["0e50fccb-239d-4991-a5db-dc850ba3f236", "asap-issuer/key_1.pub", &"a".repeat(128)] {
            assert!(Kid::parse(kid).is_some(), "{kid}");
        }
    }

    #[test]
    fn a_name_that_could_lead_elsewhere_is_refused() {
        for kid in [
            "",
            ".",
            "..",
            "../x",
            "a/..",
            "a/./b",
            "/a",
            "a/",
            "a//b",
            "a/b/c",
            "https://evil.example/k",
            "//evil.example",
            "a?b",
            "a#b",
            "a%2e",
            "a\\b",
            "a b",
            "a\n",
            "k\u{e9}y",
            "@evil",
        ] {
            assert!(Kid::parse(kid).is_none(), "{kid}");
        }
        assert!(Kid::parse(&"a".repeat(129)).is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_under_its_host(text in "[a-z./:@%?#\\\\-]{0,16}") {
            if let Some(kid) = Kid::parse(&text) {
                let address = url::Url::parse(&format!("https://keys.example/{kid}")).unwrap();
                prop_assert_eq!(address.path(), format!("/{}", text));
            }
        }
    }
}
