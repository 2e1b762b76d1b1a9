//! Who uses the sites, and the projects that each has. Users are the same on all of them, as Atlassian accounts are.

use serde::Serialize;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// What the small Jira calls them in its own addresses.
    pub key: &'static str,
    /// What people call them.
    pub name: &'static str,
    /// What tokens call them; `None` for whoever is not logged in.
    pub account_id: Option<&'static str>,
    /// Whether they administer the sites.
    pub administers: bool,
}

/// Administers every site.
pub const ADMIN: User = User { key: "ada", name: "Ada, who administers", account_id: Some("5be24ad8b1653240376955d2"), administers: true };

/// Uses every site, and may see the project [`PROJECT`].
pub const MEMBER: User =
    User { key: "max", name: "Max, a member", account_id: Some("557058:f58131cb-b67d-43c7-b30d-6b58d40bd077"), administers: false };

/// Is not logged in.
pub const ANONYMOUS: User = User { key: "nobody", name: "Nobody in particular", account_id: None, administers: false };

/// All of them.
pub const USERS: [User; 3] = [ADMIN, MEMBER, ANONYMOUS];

/// The account that Jira has made for the app itself, on every site.
pub const APP_ACCOUNT: &str = "557058:9f3ac4d2-6b1e-4a57-8c0d-2e7f51a6b390";

/// A project that every site has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Project {
    /// Jira's number of it.
    pub id: u64,
    /// What the keys of its issues begin with.
    pub key: &'static str,
    /// What people call it.
    pub name: &'static str,
}

/// The number of the project that members see and its administrators change.
pub const PROJECT: u64 = 10_000;

/// The number of the project that only its administrators see.
pub const SECRET_PROJECT: u64 = 10_002;

/// All of them.
pub const PROJECTS: [Project; 2] = [
    Project { id: PROJECT, key: "DEMO", name: "Demonstration" },
    Project { id: SECRET_PROJECT, key: "SECRET", name: "Nothing for members" },
];

/// Jira's key of the right to see a project.
pub(super) const BROWSE: &str = "BROWSE_PROJECTS";

/// What a user may do in a project, by Jira's key; an account that nobody has may do nothing.
pub(super) fn permitted(account_id: &str, key: &str, project: u64) -> bool {
    let user = USERS.iter().find(|user| user.account_id == Some(account_id));
    user.is_some_and(|user| match project {
        PROJECT => user.administers || key == BROWSE,
        SECRET_PROJECT => user.administers,
        _ => false,
    })
}

/// Whether an account administers the sites.
pub(super) fn administers(account_id: &str) -> bool {
    USERS.iter().any(|user| user.account_id == Some(account_id) && user.administers)
}
