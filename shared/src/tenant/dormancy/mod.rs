//! Whether a site still knows us: asked of the site itself, as the app, where nobody told us, or where we doubt what we were told.
//!
//! - [`asking`]: the question and what counts as an answer. - [`licence`]: what the answer says of the app's licence, kept for a day.
//! - [`doubtful`]: leavings and returns that are doubted are believed, or undone. - [`dormant`]: every active site is asked once a week.
//! - [`spells`]: for how long a site has refused us, or has had no licence, and when that is enough.
//!
//! Silence is no answer: whoever cannot be reached keeps everything.

mod asking;
pub mod dormant;
pub mod doubtful;
mod licence;
pub(crate) mod spells;
