//! Which addresses may be an Atlassian site.
//!
//! What a site calls its address becomes the target of our calls and part of a page's content security policy, so it is held against a list
//! from the configuration. Refuses server and data-centre hosts, and every address that says more than a host and a path.

use url::{Host, Url};

/// The longest address we take, in bytes.
const MAX_URL_BYTES: usize = 2 * 1024;

/// The host endings and exact origins that count as Atlassian's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteHosts {
    suffixes: Vec<String>,
    origins: Vec<Url>,
}

/// The list holds an entry that is neither a host ending nor an origin, or is empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {0:?} as a site host: neither an ending like .atlassian.net nor an origin like https://jira.example")]
pub struct BadSiteHost(String);

impl SiteHosts {
    /// Reads a list with commas: endings of at least two labels, each with its leading dot (`.atlassian.net, .jira.com`), and exact
    /// origins, whose scheme is `https`, or `http` on this machine (`http://localhost:8081`).
    ///
    /// # Errors
    /// [`BadSiteHost`] with the first entry that is neither.
    pub fn parse(list: &str) -> Result<Self, BadSiteHost> {
        let mut hosts = Self { suffixes: Vec::new(), origins: Vec::new() };
        for entry in list.split(',').map(str::trim) {
            if is_suffix(entry) {
                hosts.suffixes.push(entry.to_owned());
            } else {
                hosts.origins.push(origin(entry).ok_or_else(|| BadSiteHost(entry.to_owned()))?);
            }
        }
        Ok(hosts)
    }

    /// The address if it is a site's own, where its REST API is; `None` if we must not call it.
    pub(crate) fn site(&self, text: &str) -> Option<Url> {
        let url = plain(text)?;
        let allowed = self.is_listed(&url) || (url.scheme() == "https" && url.port().is_none() && self.has_suffix(&url));
        allowed.then_some(url)
    }

    /// The address if it may be shown and may embed us. Customers bring their own domains here, so it is never called.
    pub(crate) fn display(&self, text: &str) -> Option<Url> {
        plain(text).filter(|url| url.scheme() == "https" || self.is_listed(url))
    }

    /// All that the list allows, as sources of a content security policy.
    pub fn frame_sources(&self) -> impl Iterator<Item = String> {
        let sites = self.suffixes.iter().map(|suffix| format!("https://*{suffix}"));
        sites.chain(self.origins.iter().map(|origin| origin.origin().ascii_serialization()))
    }

    fn is_listed(&self, url: &Url) -> bool {
        self.origins.iter().any(|origin| origin.origin() == url.origin())
    }

    fn has_suffix(&self, url: &Url) -> bool {
        let Some(Host::Domain(domain)) = url.host() else { return false };
        self.suffixes.iter().any(|suffix| domain.strip_suffix(suffix.as_str()).is_some_and(|site| !site.is_empty()))
    }
}

fn is_suffix(entry: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    entry.strip_prefix('.').is_some_and(|domain| domain.contains('.') && domain.split('.').all(label))
}

fn origin(entry: &str) -> Option<Url> {
    let url = plain(entry).filter(|url| url.path() == "/")?;
    let on_this_machine = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "https" || (url.scheme() == "http" && on_this_machine)).then_some(url)
}

/// An address that its parser does not read otherwise than a person would: no white space or backslashes, which it drops or turns, no user,
/// query or fragment, and a host of plain letters, because a `;` in it would open a new directive in a content security policy.
fn plain(text: &str) -> Option<Url> {
    if text.len() > MAX_URL_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') || text.contains('@') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let plain_host = match url.host()? {
        Host::Domain(domain) => domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    (plain_host && url.query().is_none() && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> SiteHosts {
        SiteHosts::parse(".atlassian.net, .jira.com,http://localhost:8081").unwrap()
    }

    #[test]
    fn a_site_ends_in_a_listed_suffix_or_is_a_listed_origin() {
        for site in [
            "https://acme.atlassian.net",
            "https://acme.atlassian.net/wiki",
            "https://ACME.jira.com:443/",
            "http://localhost:8081",
            "http://localhost:8081/jira",
        ] {
            assert!(hosts().site(site).is_some(), "{site}");
        }
    }

    /// Promise A-01. Promise E-03.
    #[test]
    fn a_server_or_data_centre_host_is_no_site() {
        for site in [
            "https://jira.acme.example",
            "http://jira.acme.example:8080",
            "https://10.0.0.5",
            "https://[::1]",
            "https://169.254.169.254/latest",
        ] {
            assert_eq!(hosts().site(site), None, "{site}");
        }
    }

    #[test]
    fn an_address_that_only_looks_like_a_site_is_refused() {
        for site in [
            "",
            "acme.atlassian.net",
            "http://acme.atlassian.net",
            "ftp://acme.atlassian.net",
            "https://.atlassian.net",
            "https://atlassian.net",
            "https://evilatlassian.net",
            "https://acme.atlassian.net.evil.example",
            "https://acme.atlassian.net.",
            "https://acme.atlassian.net:8443",
            "https://acme.atlassian.net@evil.example",
            "https://user:secret@acme.atlassian.net",
            "https://evil.example/.atlassian.net",
            "https://evil.example#.atlassian.net",
            "https://evil.example?.atlassian.net",
            "https://acme.atlassian.net?x",
            "https://acme.atlassian.net#x",
            "https://evil.example\\.atlassian.net",
            "https://acme.atlassian\n.net",
            " https://acme.atlassian.net",
            "https://a;sandbox.atlassian.net",
            "https://a'b.atlassian.net",
            "http://localhost:8082",
            "https://localhost:8081",
            "http://127.0.0.1:8081",
        ] {
            assert_eq!(hosts().site(site), None, "{site}");
        }
        assert_eq!(hosts().site(&format!("https://acme.atlassian.net/{}", "a".repeat(2048))), None);
    }

    #[test]
    fn a_display_address_may_be_a_customers_own_but_must_be_plain() {
        assert!(hosts().display("https://support.acme.example").is_some());
        assert!(hosts().display("http://localhost:8081").is_some());
        for address in ["http://support.acme.example", "javascript:alert(1)", "https://x;script-src.example", "https://a.example/?q"] {
            assert_eq!(hosts().display(address), None, "{address}");
        }
    }

    #[test]
    fn a_policy_names_every_site_of_the_list() {
        let sources: Vec<_> = hosts().frame_sources().collect();
        assert_eq!(sources, ["https://*.atlassian.net", "https://*.jira.com", "http://localhost:8081"]);
    }

    #[test]
    fn a_list_with_a_useless_entry_is_refused() {
        for list in [
            "",
            ".net",
            "atlassian.net",
            "..net",
            ".atlassian.net,",
            ".Atlassian.net",
            "http://jira.example",
            "https://jira.example/x",
            "*",
        ] {
            assert!(SiteHosts::parse(list).is_err(), "{list}");
        }
    }
}
