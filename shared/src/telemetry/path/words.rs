//! The words of which paths are made that say where somebody was, and not whom or what it was about: those of Jira's own pages, and of ours.
//!
//! A word that is not here is only lost; one that could be a name, a key or a title must not get in.

use crate::connect::catalogue::Catalogue;

/// Of Jira's own paths.
pub(super) const WORDS: &[&str] = &[
    "ConfigureReport.jspa",
    "Dashboard.jspa",
    "IssueNavigator.jspa",
    "RapidBoard.jspa",
    "ac",
    "active-sprints",
    "activity",
    "admin",
    "agile",
    "apps",
    "automation",
    "backlog",
    "board",
    "boards",
    "browse",
    "c",
    "calendar",
    "code",
    "components",
    "customer",
    "dashboards",
    "deployments",
    "discovery",
    "filters",
    "form",
    "forms",
    "home",
    "issues",
    "jira",
    "list",
    "logout",
    "manage-apps",
    "marketplace",
    "pages",
    "people",
    "plans",
    "plugins",
    "portal",
    "portals",
    "projects",
    "queues",
    "releases",
    "reports",
    "requests",
    "roadmap",
    "search",
    "secure",
    "security",
    "service-desk",
    "servicedesk",
    "servlet",
    "settings",
    "shortcuts",
    "software",
    "sprints",
    "summary",
    "tests",
    "timeline",
    "upm",
    "user",
    "versions",
    "wiki",
    "workflows",
    "your-work",
];

/// Of the apps: their keys and slugs, and what their pages are called.
pub(super) fn app_words() -> impl Iterator<Item = &'static str> {
    Catalogue::hosted().iter().flat_map(|app| {
        let paths = app.general_pages.iter().flat_map(|page| page.url.split(['?', '#']).next().unwrap_or_default().split('/'));
        let keys = app.general_pages.iter().map(|page| page.key);
        [app.key, app.slug].into_iter().chain(keys).chain(paths.filter(|word| !word.is_empty()))
    })
}
