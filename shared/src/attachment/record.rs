//! What is kept of a file: what its uploader said, what we found, and where its bytes lie. All of it is sealed.

use serde::{Deserialize, Serialize};

use super::description::Description;
use super::id::AttachmentId;
use super::object::Object;
use crate::problem::Problem;
use crate::records::kind::Keyed;
use crate::records::register::{self, KindRow};
use crate::records::{Kind, Life, Named};
use crate::tenant::rights::{Authored, Owned, ProjectId};

/// One attached file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// What its uploader said of it.
    pub description: Description,
    /// The type that its first bytes look like, if they look like any.
    pub detected_type: Option<String>,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Who attached it, by Atlassian's account id.
    pub author: String,
    /// When, in epoch seconds.
    pub attached_at: i64,
    /// Its bytes.
    pub(crate) object: Object,
}

impl Attachment {
    /// How many bytes it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.object.plain_len
    }
}

impl Kind for Attachment {
    const ROW: &'static KindRow = &register::ATTACHMENT;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::Tenancy;
    const KEYED: Keyed = Keyed::ByName;
}

impl Named for Attachment {
    const PARAMETER: &'static str = "id";

    fn check_name(name: &str) -> Result<(), Problem> {
        AttachmentId::parse(name).map(drop).ok_or_else(|| Problem::malformed("id", "must be 64 hex digits"))
    }
}

impl Owned for Attachment {
    fn project(&self) -> Option<ProjectId> {
        self.description.project()
    }
}

impl Authored for Attachment {
    fn author(&self) -> &str {
        &self.author
    }
}
