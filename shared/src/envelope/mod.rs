//! The envelope: how a tenant's values are sealed (wire format TSE1), the keys that seal them, and the bounded cache of those keys.
//!
//! A value opens only with the tenant's own key and at the very place it was sealed for. Whoever deletes the tenant's one [`KeyItem`]
//! makes all of it unreadable. This module knows nothing of AWS: reading the item and unwrapping keys are the caller's.

pub mod blob;
pub mod cache;
pub mod cell;
pub mod context;
pub mod key;
pub mod key_item;

mod header;

#[cfg(test)]
mod fixture;

pub use cache::{KeyCache, Limits, Looked};
pub use cell::{Cell, OpenFault, SealFault};
pub use context::{Context, Place};
pub use key::{DataKey, IndexKey, KeyFault, KeyMaterial, TenantKeys};
pub use key_item::{KeyGone, KeyItem, Usage, WrappedVersion};
