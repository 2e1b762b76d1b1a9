//! What browsers are told about the page: what it may load and call, who may show it in a frame, and that nobody keeps it.
//!
//! Who may frame it comes from what is stored of the tenant, never from the request. HSTS and `nosniff` are the front's.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use shared::connect::SiteHosts;
use shared::problem::{Problem, Refusal};
use shared::tenant::Account;
use url::Url;

/// Nothing of the machine is needed.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), \
                           gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
                           publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

/// Who may show a page in a frame: the sources of `frame-ancestors`.
pub(crate) struct Ancestors(Vec<String>);

impl Ancestors {
    /// The origins under which the tenant's users see its site.
    pub(crate) fn of_tenant(account: &Account) -> Self {
        let displayed = account.display_url.iter().chain(&account.display_url_servicedesk_help_center);
        Self::of_addresses(std::iter::once(&account.base_url).chain(displayed).map(String::as_str))
    }

    /// Every site that there may be: for pages that hold nothing, so that a site's user reads our words and not the browser's.
    pub(crate) fn of_any_site(hosts: &SiteHosts) -> Self {
        Self(hosts.frame_sources().collect())
    }

    fn of_addresses<'a>(addresses: impl Iterator<Item = &'a str>) -> Self {
        let mut origins = Vec::new();
        for origin in addresses.filter_map(origin) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        Self(origins)
    }

    fn sources(&self) -> String {
        if self.0.is_empty() { "'none'".to_owned() } else { self.0.join(" ") }
    }
}

/// The origin of an address, if it is one of the web that a policy can name: in some hosts a parser lets pass, a `;` begins a new directive
/// and a `*` is any host.
fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let origin = url.origin().ascii_serialization();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'.' | b'-' | b'[' | b']');
    origin.bytes().all(plain).then_some(origin)
}

/// The headers of the page itself, which loads our files and the site's bridge, calls us, and puts large files where they arrive.
///
/// # Errors
/// 500 if the policy is no header's value.
pub(crate) fn of_page(bridge: &Url, incoming: &str, ancestors: &Ancestors) -> Result<HeaderMap, Problem> {
    let policy = origin(incoming).and_then(|incoming| {
        let loaded = format!("script-src 'self' {bridge}; style-src 'self'; connect-src 'self' {incoming}");
        of(&loaded, ancestors)
    });
    policy.ok_or_else(|| Problem::new(Refusal::Internal, "the page's policy is not plain"))
}

/// The headers of a page without data: it loads its style and nothing else. Nobody may frame it if the sites cannot be named.
pub(crate) fn of_refusal(ancestors: &Ancestors) -> HeaderMap {
    let loaded = "style-src 'self'";
    of(loaded, ancestors).or_else(|| of(loaded, &Ancestors(Vec::new()))).unwrap_or_default()
}

fn of(loaded: &str, ancestors: &Ancestors) -> Option<HeaderMap> {
    let framed = ancestors.sources();
    let policy = format!("default-src 'none'; {loaded}; base-uri 'none'; form-action 'none'; frame-ancestors {framed}");
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).ok()?);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ancestors(addresses: &[&str]) -> String {
        Ancestors::of_addresses(addresses.iter().copied()).sources()
    }

    #[test]
    fn a_site_is_named_once_by_its_origin() {
        let site = "https://acme.atlassian.net";
        assert_eq!(ancestors(&[site, site, "https://acme.atlassian.net/wiki", "https://ACME.atlassian.net:443/"]), site);
    }

    #[test]
    fn the_custom_domains_of_site_and_help_center_may_frame_the_page_too() {
        let addresses = ["https://acme.atlassian.net", "https://jira.acme.example", "https://help.acme.example/portal"];
        assert_eq!(ancestors(&addresses), "https://acme.atlassian.net https://jira.acme.example https://help.acme.example");
        assert_eq!(ancestors(&["http://localhost:8081/jira"]), "http://localhost:8081");
    }

    #[test]
    fn an_address_that_a_policy_cannot_name_is_left_out() {
        for address in [
            "",
            "acme",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc",
            "https://a;script-src.example",
            "https://*.example",
            "https://a,b.example",
            "https://a'b.example",
        ] {
            assert_eq!(ancestors(&[address]), "'none'", "{address}");
        }
    }

    #[test]
    fn the_page_runs_our_script_and_the_bridge_and_nothing_inline() {
        let bridge = Url::parse("https://bridge.example/all.js").unwrap();
        let ancestors = Ancestors::of_addresses(["https://acme.atlassian.net"].into_iter());
        let headers = of_page(&bridge, "https://incoming.s3.eu-west-1.amazonaws.com", &ancestors).unwrap();
        let policy = "default-src 'none'; script-src 'self' https://bridge.example/all.js; style-src 'self'; \
                      connect-src 'self' https://incoming.s3.eu-west-1.amazonaws.com; base-uri 'none'; form-action 'none'; frame-ancestors https://acme.atlassian.net";
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], policy);
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    }

    #[test]
    fn a_bucket_that_a_policy_cannot_name_makes_no_page() {
        let bridge = Url::parse("https://bridge.example/all.js").unwrap();
        for incoming in ["", "https://a;script-src.example", "https://*.example"] {
            assert!(of_page(&bridge, incoming, &Ancestors(Vec::new())).is_err(), "{incoming}");
        }
    }

    #[test]
    fn a_refusal_runs_nothing_and_may_stand_in_any_site() {
        let hosts = SiteHosts::parse(".atlassian.net,http://localhost:8081").unwrap();
        let headers = of_refusal(&Ancestors::of_any_site(&hosts));
        let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors https://*.atlassian.net \
                      http://localhost:8081";
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], policy);
    }
}
