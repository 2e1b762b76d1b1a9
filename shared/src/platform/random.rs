//! Randomness as a parameter, so that known answers can be tested and a simulation can be replayed from its seed.

use std::fmt::Debug;

/// Where salts, keys and ids get their bytes from.
pub trait Random: Debug + Send + Sync {
    /// Fills `bytes` with random ones.
    ///
    /// # Errors
    /// [`Unavailable`] if the source has none; nothing may be sealed then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Unavailable>;
}

/// The source of randomness gave none.
#[derive(Debug, thiserror::Error)]
#[error("cannot get random bytes")]
pub struct Unavailable;

/// The operating system's and AWS-LC's generator: the only one that may make keys and salts outside tests.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Unavailable> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| Unavailable)
    }
}
