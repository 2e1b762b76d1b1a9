//! The purge: how a departed tenant's data goes, and how that is proved.
//!
//! - [`starting`]: the hourly run that begins what is due and sends on what stands still. - [`worker`]: deletes, verifies, certifies.
//! - [`message`]: what passes between the two. - [`timeline`]: the sums that bound it all. - [`certificate`]: the proof.

pub mod certificate;
pub mod inventory;
pub mod message;
pub mod restore;
pub mod starting;
pub mod timeline;
pub mod worker;
