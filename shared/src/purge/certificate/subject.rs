//! Whom a certificate is about: a digest that only the holder of its salt can tie to a customer.
//!
//! Without the salt, whoever guesses client keys could ask any certificate whether it is this customer's. The salt is handed to the customer
//! apart, is in no certificate, and proves nothing alone.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use crate::platform::random::{Random, Unavailable};
use crate::tenant::id;

const SALT_BYTES: usize = 16;

/// The salt of one certificate's subject.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; SALT_BYTES]);

impl Salt {
    /// One that was never used before.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn draw(random: &dyn Random) -> Result<Self, Unavailable> {
        let mut bytes = [0; SALT_BYTES];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The salt written as 32 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).ok()?.try_into().ok().map(Self)
    }

    /// As it is handed to the customer.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

/// Logs may tie no certificate to a customer.
impl fmt::Debug for Salt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Salt")
    }
}

/// The subject of a certificate, in hex: SHA-256(salt ‖ digest), the digest as the text that [`id::digest`] gives.
#[must_use]
pub fn subject(salt: &Salt, digest: &str) -> String {
    let mut context = Context::new(&SHA256);
    context.update(&salt.0);
    context.update(digest.as_bytes());
    hex::encode(context.finish())
}

/// What a verifier says whom the certificate is about.
#[derive(Clone, Debug)]
pub struct SubjectClaim {
    /// The app's slug.
    pub app: String,
    /// Atlassian's name of the site's installation.
    pub client_key: String,
    /// What the customer was handed with the certificate.
    pub salt: Salt,
}

impl SubjectClaim {
    /// The subject that a certificate about them has.
    #[must_use]
    pub fn subject(&self) -> String {
        subject(&self.salt, &id::digest(&self.app, &self.client_key))
    }
}
