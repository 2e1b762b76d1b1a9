//! Copies of issues: what an issue is and what it was before, for a while (promises E-10, E-11, E-15).
//!
//! Jira's webhooks tell of changes, twice, late and in any order. What the tenant has selected of them is freed of personal data, sealed and
//! queued; the queue's function keeps the two newest versions of each issue, and never a third.
//!
//! - [`selection`]: which projects and fields; by default none (promise A-05). - [`personal`]: what is removed of people.
//! - [`version`]: one version, and which is newer. - [`copies`]: the two of an issue, as a pure rule.
//! - [`receiving`]: from a webhook to the queue. - [`letter`]: what lies in the queue. - [`keeping`]: from the queue to the record.
//! - [`seen`]: that an event counts once. - [`reselecting`]: what is no longer selected goes. - [`sweeping`]: what has ended goes.
//!
//! Two versions with what they have in common lie in one record, so that no fault can leave three.

pub mod copies;
pub mod keeping;
mod letter;
pub mod personal;
pub mod receiving;
pub mod reselecting;
mod seen;
pub mod selection;
pub mod sweeping;
pub mod version;

pub use copies::IssueCopies;
pub use selection::{ChosenByTenant, Selection};
