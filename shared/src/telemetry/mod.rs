//! What vendors learn of how their apps are used and where they fail, with no individual and no customer's content in it (promises ).
//!
//! What leaves is a closed type for each sink: exactly the promised fields, no map, no text but [`scrub::Scrubbed`], which cannot be made without
//! being scrubbed. Nothing is scrubbed on the way out: it never comes in otherwise.
//!
//! - [`sink`]: the register of sinks and processors. - [`outgoing`]: what lies in the queue; [`forwarding`]: from there to the sinks.
//! - [`browser_error`], [`page_view`], [`metrics`]: what leaves for each. - [`scrub`]: what is removed of texts; [`path`]: of addresses.
//! - [`sentry`]: what the SDK of Sentry's sends us, and how it is reduced. - [`budget`]: how much a tenant may send.
//! - [`usage`]: how often functions are used, counted from the log.

pub mod browser_error;
pub mod budget;
pub mod forwarding;
pub mod metrics;
pub mod outgoing;
pub mod page_view;
pub mod path;
#[cfg(test)]
mod plants;
pub mod scrub;
pub mod sentry;
pub mod sink;
pub mod usage;
