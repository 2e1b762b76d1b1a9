//! The local host: everything Lethe runs on, in one process and with nothing but cargo.
//!
//! - [`aws`]: the embedded AWS. - [`template`]: `template.yaml`, the list of what there is. - [`mounts`]: which code runs behind it.
//! - [`host`]: the functions over both, behind the front door. - [`delivery`]: the way from a bucket or a queue to a function. - [`log_feed`]: the
//!   way from a log to one. - [`time_passing`]: what happens by itself. - [`jira`]: sites, their users, and the small Jira to look at. - [`sinks`]:
//!   the services that telemetry goes to. - [`atlassian`]: its keys and tokens. - [`machine`]: all of it, as `cargo run` starts it.
//! - [`retention_page()`], [`sinks_page()`], [`cost`]: documents made of the code. - [`samples`]: the sample events. - [`runtime_api`]: the real binaries, as Lambda runs them. - [`verify`]: deletion certificates, checked.
//!
//! The tests run on the same host, in memory.

pub mod atlassian;
pub mod aws;
pub mod clock;
pub mod cost;
pub mod delivery;
mod front_door;
pub mod host;
pub mod jira;
pub mod log_feed;
pub mod machine;
pub mod mounts;
mod operator_door;
mod recent;
mod retention_page;
pub mod runtime_api;
pub mod samples;
pub mod sinks;
mod sinks_page;
pub mod stored;
pub mod template;
pub mod time_passing;
mod timetable;
mod turns;
pub mod verify;
pub mod watch;

pub use retention_page::retention_page;
pub use sinks_page::sinks_page;
