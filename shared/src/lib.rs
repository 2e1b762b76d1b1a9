//! Lethe's common crate: what all functions share.
//!
//! - [`connect`]: the Atlassian Connect protocol. - [`envelope`]: how a tenant's values are sealed, and its keys. Both know nothing of AWS.
//! - [`records`]: what is kept of a tenant, by kind and data class. - [`tenant`]: its life, and how a token becomes a tenant.
//! - [`attachment`]: the files of a tenant. - [`issue_copies`]: what issues looked like, for a while. - [`telemetry`]: what vendors learn of
//!   how their apps are used and where they fail. - [`purge`]: how all of it goes. - [`audit`]: who did what by hand. - [`platform`]: the outside
//!   world.
//! - [`problem`]: the one error that leaves a function.
//!
//! Imports point one way: functions → attachment, issue_copies, telemetry → tenant → records → envelope → platform, and tenant → connect → platform. Two files of `platform` look
//! back: `mod.rs`, which holds what lives as long as the process, and `config.rs`, which reads realms and site hosts.

mod addresses;
pub mod attachment;
pub mod audit;
pub mod connect;
pub mod envelope;
pub mod issue_copies;
mod lenient;
pub mod platform;
pub mod problem;
pub mod purge;
pub mod records;
pub mod telemetry;
pub mod tenant;
