//! The apps we host, as one table: adding an app is adding an entry here.
//!
//! An entry says what the descriptor says. It asks for as little as the app needs and names only pages that have a route.

use std::fmt;

use serde::Serialize;
use url::Url;

use super::webhook::WebhookEvent;

/// Every app we host.
static APPS: [App; 1] = [App {
    slug: "test-management",
    key: "io.lethe.test-management",
    name: "Lethe Test Management",
    description: "Test cases, plans and runs beside your issues, with a date on which your data is gone.",
    vendor: Vendor { name: "Lethe", url: "https://lethe.example" },
    // Reading covers looking up issues and asking what a user may do; nothing is written to the site.
    scopes: &[Scope::Read],
    licensed: true,
    ended_licence: EndedLicence::LeavesAfterDays(30),
    general_pages: &[Page { key: "main", url: "/page", name: "Lethe: data and settings" }],
    attachments: AttachmentLimits { largest_bytes: 5 << 30, most: 100_000, total_bytes: 500 << 30 },
    // Sent to us by every site; kept by us only where its administrators have selected it.
    webhooks: WebhookEvent::ALL,
}];

/// One app: one Connect descriptor, under its slug.
#[derive(Debug)]
pub struct App {
    /// Its name in our paths: `/{slug}/…`. Never changes, because sites keep calling it.
    pub slug: &'static str,
    /// Its name at Atlassian, unique there. Never changes.
    pub key: &'static str,
    /// What users see. Fixed at the first installation.
    pub name: &'static str,
    /// One sentence for the app's listing.
    pub description: &'static str,
    /// Who offers it.
    pub vendor: Vendor,
    /// What it may do on a site.
    pub scopes: &'static [Scope],
    /// Whether Atlassian sells licences of it.
    pub licensed: bool,
    /// What it means that a site's licence of it has ended.
    pub ended_licence: EndedLicence,
    /// Its pages in Jira's menu.
    pub general_pages: &'static [Page],
    /// How much may be attached in it.
    pub attachments: AttachmentLimits,
    /// What Jira is to tell it of issues.
    pub webhooks: &'static [WebhookEvent],
}

impl App {
    /// The app's own base URL under our public one. Its path is the base path of every hash, its text the audience of installation tokens.
    #[must_use]
    pub fn base_url(&self, public: &Url) -> Url {
        let mut base_url = public.clone();
        base_url.set_path(&format!("{}/{}", public.path().trim_end_matches('/'), self.slug));
        base_url
    }

    /// How long a site may be without an active licence before its tenant counts as gone, in seconds; `None`: for ever.
    #[must_use]
    pub fn leaves_unlicensed_after(&self) -> Option<i64> {
        match self.ended_licence {
            EndedLicence::LeavesAfterDays(days) if self.licensed => Some(i64::from(days) * 24 * 60 * 60),
            EndedLicence::LeavesAfterDays(_) | EndedLicence::Keeps => None,
        }
    }
}

/// What follows from an ended licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedLicence {
    /// Nothing: the tenant stays as long as its site knows the app.
    Keeps,
    /// After so many days without an active one the tenant counts as gone, and may come back like any other.
    LeavesAfterDays(u32),
}

/// How much a tenant may attach.
#[derive(Clone, Copy, Debug)]
pub struct AttachmentLimits {
    /// Bytes of one file.
    pub largest_bytes: u64,
    /// Files.
    pub most: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
}

/// Who offers an app.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Vendor {
    /// The vendor's name.
    pub name: &'static str,
    /// The vendor's site.
    pub url: &'static str,
}

/// What an app may do on a site. Each but [`Scope::ActAsUser`] and [`Scope::AccessEmailAddresses`] includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// See and read.
    Read,
    /// Create and change.
    Write,
    /// Delete.
    Delete,
    /// Administer projects.
    ProjectAdmin,
    /// Administer the site.
    Admin,
    /// Act on behalf of users.
    ActAsUser,
    /// See users' e-mail addresses.
    AccessEmailAddresses,
}

/// A page in Jira's menu.
#[derive(Debug)]
pub struct Page {
    /// Its name within the app.
    pub key: &'static str,
    /// Its path and query, relative to the app's base URL.
    pub url: &'static str,
    /// What users see.
    pub name: &'static str,
}

/// The apps we host.
#[derive(Clone, Copy)]
pub struct Catalogue(&'static [App]);

impl Catalogue {
    /// All of them.
    #[must_use]
    pub fn hosted() -> Self {
        Self(&APPS)
    }

    /// The app of this slug, exactly as written.
    #[must_use]
    pub fn find(self, slug: &str) -> Option<&'static App> {
        self.iter().find(|app| app.slug == slug)
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = &'static App> {
        self.0.iter()
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter().map(|app| app.slug)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_app_is_found_by_its_exact_slug() {
        assert_eq!(Catalogue::hosted().find("test-management").unwrap().key, "io.lethe.test-management");
        for slug in ["", "Test-Management", "test-management/", "test%2Dmanagement", "other"] {
            assert!(Catalogue::hosted().find(slug).is_none(), "{slug}");
        }
    }

    #[test]
    fn no_two_apps_share_a_slug_or_a_key() {
        let apps = Catalogue::hosted().iter().count();
        assert_eq!(Catalogue::hosted().iter().map(|app| app.slug).collect::<BTreeSet<_>>().len(), apps);
        assert_eq!(Catalogue::hosted().iter().map(|app| app.key).collect::<BTreeSet<_>>().len(), apps);
    }

    #[test]
    fn a_slug_is_a_plain_path_segment() {
        for app in Catalogue::hosted().iter() {
            assert!(!app.slug.is_empty() && app.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", app.slug);
        }
    }

    #[test]
    fn a_base_url_is_the_public_one_and_the_slug() {
        let app = Catalogue::hosted().find("test-management").unwrap();
        for (public, base_url) in [
            ("https://eu.lethe.example", "https://eu.lethe.example/test-management"),
            ("https://eu.lethe.example/", "https://eu.lethe.example/test-management"),
            ("https://lethe.example/eu/", "https://lethe.example/eu/test-management"),
            ("http://localhost:8080", "http://localhost:8080/test-management"),
        ] {
            assert_eq!(app.base_url(&Url::parse(public).unwrap()).as_str(), base_url);
        }
    }
}
