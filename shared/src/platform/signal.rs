//! What is abnormal, as a stable word in the log: alarms are made of these words and never of prose (promise A-45). The line that is there
//! anyway carries it as `signal`; `template.yaml` counts them for every log group, and docs/OPERATIONS.md has a page for each.
//!
//! A day on which nothing is wrong raises none but [`Signal::OperatorCall`], and now and then [`Signal::UnknownCaller`].

/// One.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A token that nobody honest sends: not signed with the right key, changed, or made for something else.
    RefusedToken,
    /// No token, one whose time is over, or one of somebody whom we do not know, or no longer. Those who have just left make some.
    UnknownCaller,
    /// A token for another region, or another app, than this one.
    OtherAudience,
    /// What is one tenant's came up as another's: with a proven token, in what we sealed ourselves, or in a table.
    CrossTenant,
    /// A call without the front door's secret.
    BypassedFrontDoor,
    /// Any call of an operator, or to where only operators may call.
    OperatorCall,
    /// Keys are not where they must be: whatever they sealed cannot be read, and only a backup may have them.
    KeysMissing,
    /// A purge is late, or has found what must not be.
    PurgeIncident,
    /// Any other run that a person must look at.
    Incident,
    /// A site, or the host of Atlassian's keys, does not answer as it should. One site is its own business, many are ours.
    AtlassianAway,
    /// Something failed here, or something of AWS is away.
    Failed,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::RefusedToken,
        Self::UnknownCaller,
        Self::OtherAudience,
        Self::CrossTenant,
        Self::BypassedFrontDoor,
        Self::OperatorCall,
        Self::KeysMissing,
        Self::PurgeIncident,
        Self::Incident,
        Self::AtlassianAway,
        Self::Failed,
    ];

    /// How the log says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RefusedToken => "refused-token",
            Self::UnknownCaller => "unknown-caller",
            Self::OtherAudience => "other-audience",
            Self::CrossTenant => "cross-tenant",
            Self::BypassedFrontDoor => "bypassed-front-door",
            Self::OperatorCall => "operator-call",
            Self::KeysMissing => "keys-missing",
            Self::PurgeIncident => "purge-incident",
            Self::Incident => "incident",
            Self::AtlassianAway => "atlassian-away",
            Self::Failed => "failed",
        }
    }
}
