//! Addresses as templates: which page, and nothing of whom or what it was about (promise A-17).
//!
//! An address is taken apart, and what leaves is put together again from lists of ours: the pages of the catalogue, three origins, and the words of
//! Jira's own paths. Whatever stands on none of them becomes `:id` or is dropped, so that no name, token or key can pass, however it is written.
//! Read from the queue, an address is held against the same lists again.

mod words;

use serde::{Deserialize, Serialize};
use url::Url;

use self::words::{WORDS, app_words};
use crate::connect::SiteHosts;
use crate::connect::catalogue::{App, Catalogue};

/// The most of a path that is kept.
const MOST_SEGMENTS: usize = 8;

/// What stands for a segment that is no word.
const SOMETHING: &str = ":id";

/// What stands for the tenant's own site, and for every other: a site's name is its customer's, and it would outlive the tenant's keys where it
/// goes. Which tenant it was is said beside it, until those keys are gone.
const SITE: &str = "https://your-site.atlassian.net";

/// What stands for everywhere else: a blog's host may be a person's name.
const ELSEWHERE: &str = "https://elsewhere.invalid";

/// A page of ours: the path of a page of the catalogue, below our public address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PageAddress(String);

impl PageAddress {
    /// The page of this app that `page` names: by its path (`/test-management/page`), relative to the app (`page`), or by its whole address
    /// under `public`. Query and fragment do not count. `None` if it is no page of the app's.
    #[must_use]
    pub fn of(page: &str, app: &App, public: &Url) -> Option<Self> {
        let path = match Url::parse(page) {
            Ok(address) if address.origin() == public.origin() => address.path().to_owned(),
            Ok(_) => return None,
            Err(_) => without_query(page).to_owned(),
        };
        let relative = !path.starts_with('/');
        pages(app).find(|known| *known == path || (relative && known.strip_prefix(&format!("/{}/", app.slug)) == Some(&path))).map(Self)
    }

    /// As an address under `public`.
    #[must_use]
    pub fn under(&self, public: &Url) -> String {
        format!("{}{}", public.origin().ascii_serialization(), self.0)
    }
}

/// The paths of an app's pages.
fn pages(app: &App) -> impl Iterator<Item = String> {
    app.general_pages.iter().map(|page| format!("/{}{}", app.slug, without_query(page.url)))
}

fn without_query(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

/// What is read is an address of none of our lists. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address that we made")]
pub struct Foreign;

impl TryFrom<String> for PageAddress {
    type Error = Foreign;

    fn try_from(text: String) -> Result<Self, Foreign> {
        Catalogue::hosted().iter().flat_map(pages).any(|page| page == text).then_some(Self(text)).ok_or(Foreign)
    }
}

impl From<PageAddress> for String {
    fn from(page: PageAddress) -> Self {
        page.0
    }
}

/// Where a visitor came from: one of three origins, of which our own is not written out, and a path of words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Referrer(String);

impl Referrer {
    /// Where `address` is, for a page of the tenant whose site has these addresses; `None` if it is no address of the web.
    #[must_use]
    pub fn of<'a>(address: &str, public: &Url, hosts: &SiteHosts, mut own: impl Iterator<Item = &'a str>) -> Option<Self> {
        let address = Url::parse(address).ok().filter(|address| matches!(address.scheme(), "https" | "http"))?;
        if address.origin() == public.origin() {
            return Some(Self(template(address.path())));
        }
        let origin = address.origin().ascii_serialization();
        let is_own = |site: &str| Url::parse(site).is_ok_and(|site| site.origin() == address.origin());
        if hosts.site(&origin).is_some() || own.any(is_own) {
            return Some(Self(format!("{SITE}{}", template(address.path()))));
        }
        Some(Self(ELSEWHERE.to_owned()))
    }

    /// As an address, where ours is `public`.
    #[must_use]
    pub fn under(&self, public: &Url) -> String {
        let is_ours = self.0.starts_with('/');
        if is_ours { format!("{}{}", public.origin().ascii_serialization(), self.0) } else { self.0.clone() }
    }
}

/// A path with what is no word taken out.
fn template(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).take(MOST_SEGMENTS);
    let kept: Vec<_> = segments.map(|segment| if is_word(segment) { segment } else { SOMETHING }).collect();
    format!("/{}", kept.join("/"))
}

fn is_word(segment: &str) -> bool {
    WORDS.contains(&segment) || app_words().any(|word| word == segment)
}

impl TryFrom<String> for Referrer {
    type Error = Foreign;

    fn try_from(text: String) -> Result<Self, Foreign> {
        let path = text.strip_prefix(SITE).unwrap_or(&text);
        // A template is its own template.
        let is_ours = text == ELSEWHERE || (path.starts_with('/') && template(path) == path);
        is_ours.then_some(Self(text)).ok_or(Foreign)
    }
}

impl From<Referrer> for String {
    fn from(referrer: Referrer) -> Self {
        referrer.0
    }
}

#[cfg(test)]
mod tests;
