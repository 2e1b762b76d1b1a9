//! The secret a site shares with us.
//!
//! Its memory is wiped when it is dropped, it can neither be printed nor serialised, and reading it is a word that can be searched for.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A shared secret. As an HMAC key it is the UTF-8 bytes of the text as Atlassian gave it, not what they might decode to.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over, without a copy.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself: for sealing it and for HMAC, nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// In constant time, because who may ask whether a secret changed must not learn it letter by letter.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", Secret::new("s0m3-sh@r3d-s3cr37".to_owned())), "Secret(..)");
    }

    #[test]
    fn secrets_are_equal_only_if_every_byte_is() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert_eq!(secret("abc"), secret("abc"));
        assert_ne!(secret("abc"), secret("abd"));
        assert_ne!(secret("abc"), secret("abcd"));
    }
}
