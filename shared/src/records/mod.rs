//! Records: what is kept of a tenant, one kind at a time, each record one sealed cell.
//!
//! - [`class`]: the five data classes. - [`retention`]: how long anything lives, in one table. - [`backups`]: what is backed up, and how.
//! - [`register`]: every kind ever shipped.
//! - [`kind`]: what a type must say of itself to be stored. - [`store`]: put, delete, list. - [`reading`]: a record that is read in the
//!   same round trip as its tenant.
//!
//! A record reaches its table only under its tenant's keys; nobody outside this crate can make a store without a `Tenant`.

pub mod backups;
pub mod class;
mod cursor;
pub(crate) mod item;
pub(crate) mod keyring;
pub mod kind;
mod plaintext;
pub mod reading;
pub mod register;
pub mod retention;
pub mod revision;
pub mod store;
pub(crate) mod transaction;

pub use class::DataClass;
pub use kind::{Kind, Life, Named};
pub use reading::Reading;
pub use revision::{Precondition, Revision};
pub use store::{Page, Record, Records};
