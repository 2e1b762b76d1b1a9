//! Connect's tokens: where they are carried, how they are read, what they must say.
//!
//! The route chooses the algorithm and the policy for the query string hash, never the token. What a token says before its signature is
//! checked is a [`Claimed`]; only a checked signature makes [`Claims`] of it. Time is a parameter of every rule about time.
//!
//! Refuses more than the usual libraries do: a missing `exp` or `qsh`, names given twice, two different tokens in one request, `crit`.

mod carried;
mod claims;
mod fault;
mod signing;
mod unverified;

pub use carried::Carried;
pub use claims::{Claimed, Claims, QshPolicy};
pub use fault::TokenFault;
pub use signing::{CannotSign, ClaimsToSign, sign_hs256, sign_rs256};
pub use unverified::{Algorithm, MAX_TOKEN_BYTES, Unverified};
