//! What the SDK of Sentry's sends us, and how it is reduced (promises ): read is only what leaves.
//!
//! - [`intake`]: what came, unpacked and taken apart. - [`reduce`]: an event, as far as it is read. - [`agent`]: browsers by their `User-Agent`.

pub mod agent;
pub mod intake;
mod last;
#[cfg(test)]
mod planted;
mod reduce;
#[cfg(test)]
mod stacks;

pub use reduce::{Reduced, reduce};
