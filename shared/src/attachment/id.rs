//! The name of an attachment: 32 digits that stand for what it belongs to and 32 random ones, all hex. So the attachments of one owner lie
//! together, and nobody learns from a name what the owner is called.

use crate::platform::random::{Random, Unavailable};
use crate::records::keyring::Keyring;

const HALF: usize = 32;

/// One.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentId(String);

impl AttachmentId {
    /// A new one of this owner's.
    pub(crate) fn new(keyring: &Keyring, owner: &str, random: &dyn Random) -> Result<Self, Unavailable> {
        let mut bytes = [0; HALF / 2];
        random.fill(&mut bytes)?;
        Ok(Self(beginning(keyring, owner) + &hex::encode(bytes)))
    }

    /// The one that this text is, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 2 * HALF && is_hex).then(|| Self(text.to_owned()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the names of all attachments of one owner begin.
pub(crate) fn beginning(keyring: &Keyring, owner: &str) -> String {
    keyring.digest_of("attachment-owner", owner).chars().take(HALF).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_small_hex_digits_are_one() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(AttachmentId::parse(&id).unwrap().as_str(), id);
        for text in ["", &id[1..], &format!("{id}0"), &id.to_uppercase(), &id.replace('0', "g"), &id.replace('0', "/")] {
            assert_eq!(AttachmentId::parse(text), None, "{text}");
        }
    }
}
