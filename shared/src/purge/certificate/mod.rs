//! The deletion certificate: what a customer who left can hold us to, long after everything of theirs is gone.
//!
//! It is one JSON file: `{"certificate":…,"signature":{"algorithm":"ES256","keyId":…,"value":…}}`, compact, and not one byte more. Signed
//! are the very bytes of its `certificate` member; a verifier builds the whole file again from what it read and wants the same bytes, so that no
//! byte can change unseen. The file names nobody: its subject is a salted digest, and only who has the salt can show whose it is.
//!
//! - [`statement`](Certificate): what is certified. - [`subject`](Salt): of whom. - [`issue`]: the way to a signed file. - [`KeySet`]: the public keys,
//!   as published. - [`verify`]: without AWS, without a network.

mod file;
mod issue;
mod keys;
mod second;
mod signature;
mod statement;
mod subject;
#[cfg(test)]
mod tests;
mod verify;

pub use issue::issue;
pub use keys::{Jwk, KeySet, KeySetFault};
pub use second::Second;
pub use statement::{BETWEEN_VERIFICATIONS, Backups, Certificate, Deleted, FORMAT, Hold, Issuer, Method, Policy, SERVICE, Unsound};
pub use subject::{Salt, SubjectClaim, subject};
pub use verify::{Verified, VerifyFault, verify, verify_by};
