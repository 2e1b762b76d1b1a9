//! A site as Jira itself knows it: what signs its tokens, what it keeps for the app, and how the app stands there in Jira's own eyes, which
//! may differ from what the app believes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Trouble;
use super::issues::Issues;
use crate::atlassian::Site;

/// A site and what it keeps for the app.
#[derive(Clone, Debug)]
pub(super) struct Resident {
    pub(super) site: Site,
    /// What people and the small Jira's own addresses call it.
    pub(super) name: String,
    pub(super) licence_active: bool,
    pub(super) properties: BTreeMap<String, Value>,
    pub(super) issues: Issues,
    pub(super) trouble: Option<Trouble>,
    pub(super) story: Story,
}

/// How the app stands on a site in Jira's eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was never there.
    #[default]
    NotInstalled,
    /// It is in use.
    Active,
    /// It is there and switched off.
    Disabled,
    /// It was removed.
    Left,
}

impl Standing {
    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotInstalled => "Not installed",
            Self::Active => "Active",
            Self::Disabled => "Disabled",
            Self::Left => "Left",
        }
    }

    /// Whether the app is on the site, switched on or off.
    #[must_use]
    pub const fn is_installed(self) -> bool {
        matches!(self, Self::Active | Self::Disabled)
    }
}

/// What has happened between a site and the app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// How the app stands there now.
    pub standing: Standing,
    /// How often it was installed since the last beginning; one that comes too late for a return is a beginning.
    pub installed: u32,
    /// How often it has left since then.
    pub left: u32,
    /// How often the site was renamed.
    pub renamed: u32,
    /// How often its secret was rotated.
    pub rotated: u32,
    /// When it left last, in epoch seconds.
    pub left_at: Option<i64>,
    /// When its last event was signed, in epoch seconds: the next one is signed later, so that their order is plain.
    pub last_iat: i64,
}

impl Resident {
    /// A site that has nothing to do with the app yet.
    pub(super) fn new(site: Site, name: String) -> Self {
        let (properties, issues) = (BTreeMap::new(), Issues::default());
        Self { site, name, licence_active: true, properties, issues, trouble: None, story: Story::default() }
    }
}
