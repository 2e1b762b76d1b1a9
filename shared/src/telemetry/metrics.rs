//! What leaves of how functions do (promises ): sums of one minute, by function and outcome. No tenant is in it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// How often a function was called.
    #[serde(rename = "lethe.calls")]
    Calls,
    /// How long that took together, in milliseconds.
    #[serde(rename = "lethe.duration")]
    Duration,
}

/// How calls ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Well.
    Success,
    /// They were refused.
    Refused,
    /// We failed.
    Failure,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failure => "failure",
        }
    }
}

/// One sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// What.
    pub metric: Metric,
    /// The beginning of the minute, in epoch seconds.
    pub minute: i64,
    /// The function.
    pub function: FunctionName,
    /// How its calls ended.
    pub outcome: Outcome,
    /// How much.
    pub value: f64,
}

/// The name of a function of ours: no other text passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FunctionName(&'static str);

impl FunctionName {
    /// All of them; a test holds them against `template.yaml`.
    pub const ALL: &[&'static str] = &[
        "account",
        "attachment-reconcile",
        "attachment-seal",
        "attachments",
        "browser-errors",
        "certificates",
        "configuration",
        "descriptor",
        "disabled",
        "dormant",
        "doubtful",
        "enabled",
        "erasure",
        "installed",
        "issue-copies",
        "issue-copies-read",
        "issue-copies-sweep",
        "page",
        "page-views",
        "purge",
        "purge-worker",
        "restore-filter",
        "telemetry-forwarder",
        "uninstalled",
        "usage",
        "usage-report",
        "usage-salts",
        "webhooks",
    ];

    /// The function of this name, if there is one.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|known| **known == name).map(|known| Self(known))
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for FunctionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::of(&name).ok_or_else(|| D::Error::custom("must be the name of a function"))
    }
}
