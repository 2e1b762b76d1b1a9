//! What we tell Atlassian about an app: `atlassian-connect.json`.
//!
//! Made from the catalogue and the public addresses, so that it cannot promise what we do not host. Everything in it is public.
//! Source: <https://developer.atlassian.com/cloud/jira/platform/connect-app-descriptor/>.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;
use url::Url;

use super::catalogue::{App, Page, Scope, Vendor};
use super::webhook::WebhookEvent;

/// Where a customer may pin its data. `DE` and `EU` are two, even where both are Frankfurt.
/// Source: <https://developer.atlassian.com/cloud/jira/platform/data-residency/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is the code it stands for")]
pub enum Realm {
    Eu,
    Us,
    Au,
    De,
    Sg,
    Ca,
    In,
    Kr,
    Jp,
    Gb,
    Ch,
}

impl Realm {
    /// Every realm there is.
    pub const ALL: [Self; 11] =
        [Self::Eu, Self::Us, Self::Au, Self::De, Self::Sg, Self::Ca, Self::In, Self::Kr, Self::Jp, Self::Gb, Self::Ch];

    /// As Atlassian writes it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eu => "EU",
            Self::Us => "US",
            Self::Au => "AU",
            Self::De => "DE",
            Self::Sg => "SG",
            Self::Ca => "CA",
            Self::In => "IN",
            Self::Kr => "KR",
            Self::Jp => "JP",
            Self::Gb => "GB",
            Self::Ch => "CH",
        }
    }
}

/// There is no such realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the realm: not one of Atlassian's")]
pub struct UnknownRealm;

impl FromStr for Realm {
    type Err = UnknownRealm;

    fn from_str(code: &str) -> Result<Self, UnknownRealm> {
        Self::ALL.into_iter().find(|realm| realm.code() == code).ok_or(UnknownRealm)
    }
}

/// The descriptor of one app.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor<'a> {
    key: &'a str,
    name: &'a str,
    description: &'a str,
    vendor: &'a Vendor,
    base_url: String,
    links: Links,
    authentication: Authentication,
    lifecycle: Lifecycle,
    scopes: &'a [Scope],
    api_version: u32,
    enable_licensing: bool,
    api_migrations: ApiMigrations,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    region_base_urls: BTreeMap<Realm, String>,
    modules: Modules<'a>,
}

impl<'a> Descriptor<'a> {
    /// The descriptor of `app` under our public address here, and under those of the other regions by realm.
    #[must_use]
    pub fn of(app: &'a App, base_url: &Url, region_base_urls: &BTreeMap<Realm, Url>) -> Self {
        let base_url = app.base_url(base_url).to_string();
        Self {
            key: app.key,
            name: app.name,
            description: app.description,
            vendor: &app.vendor,
            links: Links { itself: format!("{base_url}/atlassian-connect.json") },
            base_url,
            authentication: Authentication { scheme: "jwt" },
            lifecycle: LIFECYCLE,
            scopes: app.scopes,
            api_version: 1,
            enable_licensing: app.licensed,
            api_migrations: ApiMigrations { gdpr: true, signed_install: true, context_qsh: true },
            region_base_urls: region_base_urls.iter().map(|(realm, public)| (*realm, app.base_url(public).to_string())).collect(),
            modules: Modules {
                general_pages: app.general_pages.iter().map(GeneralPage::of).collect(),
                webhooks: app.webhooks.iter().copied().map(Webhook::of).collect(),
            },
        }
    }
}

#[derive(Serialize)]
struct Links {
    #[serde(rename = "self")]
    itself: String,
}

#[derive(Serialize)]
struct Authentication {
    #[serde(rename = "type")]
    scheme: &'static str,
}

/// Paths relative to the base URL.
#[derive(Serialize)]
struct Lifecycle {
    installed: &'static str,
    uninstalled: &'static str,
    enabled: &'static str,
    disabled: &'static str,
}

const LIFECYCLE: Lifecycle = Lifecycle { installed: "/installed", uninstalled: "/uninstalled", enabled: "/enabled", disabled: "/disabled" };

/// All of them are the only behaviour left, but a missing one may still mean the old one.
#[derive(Serialize)]
struct ApiMigrations {
    gdpr: bool,
    #[serde(rename = "signed-install")]
    signed_install: bool,
    #[serde(rename = "context-qsh")]
    context_qsh: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Modules<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    general_pages: Vec<GeneralPage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    webhooks: Vec<Webhook>,
}

#[derive(Serialize)]
struct GeneralPage<'a> {
    key: &'a str,
    url: &'a str,
    name: Text<'a>,
}

impl<'a> GeneralPage<'a> {
    const fn of(page: &'a Page) -> Self {
        Self { key: page.key, url: page.url, name: Text { value: page.name } }
    }
}

/// An event that Jira is to tell us of, and where; the path is relative to the base URL.
#[derive(Serialize)]
struct Webhook {
    event: WebhookEvent,
    url: String,
}

impl Webhook {
    fn of(event: WebhookEvent) -> Self {
        Self { event, url: format!("/webhooks/{}", event.segment()) }
    }
}

#[derive(Serialize)]
struct Text<'a> {
    value: &'a str,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::connect::catalogue::{AttachmentLimits, Catalogue, EndedLicence};
    use crate::connect::lifecycle::{Disabled, Enabled, Installed, Lifecycle as Event, Uninstalled};

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn regions() -> BTreeMap<Realm, Url> {
        BTreeMap::from([(Realm::Us, url("https://us.lethe.example")), (Realm::Eu, url("https://eu.lethe.example/"))])
    }

    fn all() -> Vec<Value> {
        let public = url("https://us.lethe.example");
        Catalogue::hosted().iter().map(|app| serde_json::to_value(Descriptor::of(app, &public, &regions())).unwrap()).collect()
    }

    fn bytes_are(text: &str, allowed: &str) -> bool {
        !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || allowed.contains(letter))
    }

    #[test]
    fn a_key_is_short_and_plain() {
        for descriptor in all() {
            let key = descriptor["key"].as_str().unwrap();
            assert!(key.len() <= 64 && bytes_are(key, "-._"), "{key}");
        }
    }

    #[test]
    fn every_address_is_absolute_https_under_the_apps_slug_without_a_slash_at_the_end() {
        for (descriptor, app) in all().iter().zip(Catalogue::hosted().iter()) {
            let regions = descriptor["regionBaseUrls"].as_object().unwrap();
            for address in regions.values().chain([&descriptor["baseUrl"]]) {
                let address = address.as_str().unwrap();
                assert!(address.starts_with("https://") && address.ends_with(&format!(".lethe.example/{}", app.slug)), "{address}");
            }
            assert_eq!(regions.keys().collect::<Vec<_>>(), ["EU", "US"]);
        }
    }

    #[test]
    fn lifecycle_paths_are_relative_and_named_as_their_events() {
        for descriptor in all() {
            let lifecycle = descriptor["lifecycle"].as_object().unwrap();
            assert_eq!(lifecycle.len(), 4);
            for event in [Installed::EVENT, Uninstalled::EVENT, Enabled::EVENT, Disabled::EVENT] {
                assert_eq!(lifecycle[event], format!("/{event}"));
            }
        }
    }

    #[test]
    fn all_three_migrations_are_done_and_tokens_are_demanded() {
        for descriptor in all() {
            assert_eq!(descriptor["apiMigrations"], json!({"gdpr": true, "signed-install": true, "context-qsh": true}));
            assert_eq!(descriptor["authentication"], json!({"type": "jwt"}));
            assert!(descriptor["apiVersion"].is_u64() && descriptor["enableLicensing"].is_boolean());
        }
    }

    #[test]
    fn scopes_are_connects_and_none_is_asked_for_twice() {
        let known = ["NONE", "READ", "WRITE", "DELETE", "PROJECT_ADMIN", "ADMIN", "ACT_AS_USER", "ACCESS_EMAIL_ADDRESSES"];
        for descriptor in all() {
            let mut scopes: Vec<&str> = descriptor["scopes"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect();
            assert!(scopes.iter().all(|scope| known.contains(scope)));
            let asked = scopes.len();
            scopes.sort_unstable();
            scopes.dedup();
            assert_eq!(scopes.len(), asked);
        }
        assert_eq!(
            serde_json::to_value([Scope::ProjectAdmin, Scope::AccessEmailAddresses]).unwrap(),
            json!(["PROJECT_ADMIN", "ACCESS_EMAIL_ADDRESSES"])
        );
    }

    #[test]
    fn the_descriptor_says_where_it_is() {
        for descriptor in all() {
            let itself = format!("{}/atlassian-connect.json", descriptor["baseUrl"].as_str().unwrap());
            assert_eq!(descriptor["links"]["self"], itself);
        }
    }

    const NONE: AttachmentLimits = AttachmentLimits { largest_bytes: 0, most: 0, total_bytes: 0 };

    #[test]
    fn an_app_without_pages_has_no_modules_and_one_with_pages_names_them() {
        let public = url("https://us.lethe.example");
        let vendor = Vendor { name: "v", url: "https://v.example" };
        let pages: &[Page] = &[Page { key: "main", url: "/page?issue={issue.key}", name: "Tests" }];
        let app = App {
            slug: "s",
            key: "k",
            name: "n",
            description: "d",
            vendor,
            scopes: &[],
            licensed: false,
            ended_licence: EndedLicence::Keeps,
            general_pages: pages,
            attachments: NONE,
            webhooks: &[],
        };
        let descriptor = serde_json::to_value(Descriptor::of(&app, &public, &BTreeMap::new())).unwrap();
        let page = json!({"key": "main", "url": "/page?issue={issue.key}", "name": {"value": "Tests"}});
        assert_eq!(descriptor["modules"], json!({"generalPages": [page]}));
        assert!(descriptor.get("regionBaseUrls").is_none());
        let bare = App { general_pages: &[], ..app };
        assert_eq!(serde_json::to_value(Descriptor::of(&bare, &public, &BTreeMap::new())).unwrap()["modules"], json!({}));
    }

    #[test]
    fn a_realm_is_read_as_it_is_written() {
        for realm in Realm::ALL {
            assert_eq!(realm.code().parse(), Ok(realm));
            assert_eq!(serde_json::to_value(realm).unwrap(), realm.code());
        }
        assert_eq!("eu".parse::<Realm>(), Err(UnknownRealm));
        assert_eq!("".parse::<Realm>(), Err(UnknownRealm));
    }
}
