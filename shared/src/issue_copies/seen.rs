//! That an event was seen, for a week: longer than Jira sends any again. Jira's identifiers are unique in a tenant and the same over all tries.

use serde::{Deserialize, Serialize};

use crate::records::register::{self, KindRow};
use crate::records::{Kind, Life, retention};

/// An event that has counted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SeenEvent {
    /// SHA-256 of the body that it came with, hex: another one under the same identifier is no repetition.
    pub(super) body: String,
}

impl Kind for SeenEvent {
    const ROW: &'static KindRow = &register::SEEN_EVENT;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::After(retention::SEEN_EVENTS.target);
}
