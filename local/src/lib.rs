//! The local host: everything Lethe runs on, in one process and with nothing but cargo.
//!
//! - [`aws`]: the embedded AWS. - [`template`]: `template.yaml`, the list of what there is. - [`host`]: the functions over both, behind the
//!   front door. - [`atlassian`]: the other side: a key server and sites with real tokens. - [`samples`]: the sample events.
//!
//! The tests run on the same host, in memory.

pub mod atlassian;
pub mod aws;
mod front_door;
pub mod host;
pub mod mounts;
pub mod samples;
pub mod template;
