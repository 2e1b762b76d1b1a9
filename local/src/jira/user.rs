//! Who uses the sites. Users are the same on all of them, as Atlassian accounts are.

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

/// The one project that every site has, by Jira's number. Members see it, its administrators change it.
pub const PROJECT: u64 = 10_000;

/// What a user may do in a project, by Jira's key; an account that nobody has may do nothing.
pub(super) fn permitted(account_id: &str, key: &str, project: u64) -> bool {
    let user = USERS.iter().find(|user| user.account_id == Some(account_id));
    user.is_some_and(|user| project == PROJECT && (user.administers || key == "BROWSE_PROJECTS"))
}

/// Whether an account administers the sites.
pub(super) fn administers(account_id: &str) -> bool {
    USERS.iter().any(|user| user.account_id == Some(account_id) && user.administers)
}
