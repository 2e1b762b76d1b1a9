use proptest::prelude::*;

use super::*;
use crate::telemetry::plants::{self, Dice, Sort};

/// What must never leave, in forms in which addresses carry it.
const PLANTS: &[&str] = &[
    "ada.lovelace@example.com",
    "ada.lovelace%40example.com",
    "Ada%20Lovelace",
    "ada-lovelace",
    "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077",
    "557058%3Af58131cb-b67d-43c7-b30d-6b58d40bd077",
    "5b10a2844c20165700ede21g",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "SECRET-42",
    "acme",
    "10.1.2.3",
];

fn app() -> &'static App {
    Catalogue::hosted().find("test-management").unwrap()
}

fn public() -> Url {
    Url::parse("https://eu.lethe.example").unwrap()
}

/// The addresses of the tenant's site.
const OWN: [&str; 3] = ["https://acme.atlassian.net", "https://jira.acme.example", "https://help.acme.example"];

fn page(text: &str) -> Option<String> {
    PageAddress::of(text, app(), &public()).map(String::from)
}

fn referrer(text: &str) -> Option<String> {
    let hosts = SiteHosts::parse(".atlassian.net,http://localhost:8081").unwrap();
    Referrer::of(text, &public(), &hosts, OWN.into_iter()).map(String::from)
}

#[test]
fn a_page_is_known_by_path_by_name_and_by_address() {
    for text in [
        "/test-management/page",
        "page",
        "page?xdm_e=https://acme.atlassian.net#top",
        "/test-management/page?jwt=eyJ.eyJ.x",
        "https://eu.lethe.example/test-management/page?user=ada#ada",
        "https://eu.lethe.example:443/test-management/page",
    ] {
        assert_eq!(page(text).as_deref(), Some("/test-management/page"), "{text}");
    }
    assert_eq!(PageAddress::of("page", app(), &public()).unwrap().under(&public()), "https://eu.lethe.example/test-management/page");
}

#[test]
fn what_is_no_page_of_the_app_is_none() {
    for text in [
        "",
        "/",
        "/page",
        "/other/page",
        "/test-management/page/",
        "/test-management/page/ada",
        "/test-management/Page",
        "/test-management/account",
        "test-management/page",
        "//test-management/page",
        "https://eu.lethe.example/",
        "https://elsewhere.example/test-management/page",
        "https://acme.atlassian.net/test-management/page",
        "http://eu.lethe.example/test-management/page",
        "javascript:page",
        "ada@example.com",
    ] {
        assert_eq!(page(text), None, "{text}");
    }
}

#[test]
fn a_referrer_of_ours_keeps_its_words_and_is_written_without_our_address() {
    assert_eq!(referrer("https://eu.lethe.example/test-management/page?x=ada").as_deref(), Some("/test-management/page"));
    assert_eq!(referrer("https://eu.lethe.example").as_deref(), Some("/"));
    let hosts = SiteHosts::parse(".atlassian.net").unwrap();
    let seen = Referrer::of("https://eu.lethe.example/test-management/x", &public(), &hosts, OWN.into_iter()).unwrap();
    assert_eq!(seen.under(&public()), "https://eu.lethe.example/test-management/:id");
}

/// Promise A-17.
#[test]
fn a_site_has_no_name() {
    for (text, expected) in [
        ("https://acme.atlassian.net/browse/TEST-1?focusedId=1", "https://your-site.atlassian.net/browse/:id"),
        (
            "https://other.atlassian.net/jira/software/c/projects/ACME/boards/7",
            "https://your-site.atlassian.net/jira/software/c/projects/:id/boards/:id",
        ),
        ("https://jira.acme.example/secure/Dashboard.jspa", "https://your-site.atlassian.net/secure/Dashboard.jspa"),
        ("https://help.acme.example/servicedesk/customer/portal/3", "https://your-site.atlassian.net/servicedesk/customer/portal/:id"),
        (
            "http://localhost:8081/plugins/servlet/ac/io.lethe.test-management/main",
            "https://your-site.atlassian.net/plugins/servlet/ac/io.lethe.test-management/main",
        ),
        ("https://acme.atlassian.net", "https://your-site.atlassian.net/"),
        ("https://acme.atlassian.net/Browse/", "https://your-site.atlassian.net/:id"),
        ("https://acme.atlassian.net/1/2/3/4/5/6/7/8/9/jira", "https://your-site.atlassian.net/:id/:id/:id/:id/:id/:id/:id/:id"),
    ] {
        assert_eq!(referrer(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn whatever_else_is_elsewhere_and_nothing_more() {
    for text in [
        "https://ada-lovelace.example/blog/jira",
        "http://acme.atlassian.net/browse/TEST-1",
        "https://acme.atlassian.net.evil.example/jira",
        "https://acme.atlassian.net:8443/jira",
        "https://ada:secret@blog.example/",
    ] {
        assert_eq!(referrer(text).as_deref(), Some("https://elsewhere.invalid"), "{text}");
    }
    for text in
        ["", "/jira", "about:blank", "data:text/html,ada", "javascript:ada", "android-app://com.example.ada", "ada@example.com", "https://"]
    {
        assert_eq!(referrer(text), None, "{text}");
    }
}

#[test]
fn an_address_is_read_back_only_if_we_made_it() {
    let page = |text: &str| serde_json::from_value::<PageAddress>(text.into()).is_ok();
    let referrer = |text: &str| serde_json::from_value::<Referrer>(text.into()).is_ok();
    assert!(page("/test-management/page"));
    assert!(
        !["", "/test-management/ada", "/test-management/page?ada", "https://eu.lethe.example/test-management/page"].into_iter().any(page)
    );
    for text in ["/", "/test-management/:id", "https://elsewhere.invalid", "https://your-site.atlassian.net/browse/:id"] {
        assert!(referrer(text), "{text}");
    }
    for text in [
        "",
        "/ada",
        "/browse/",
        "//browse",
        "/browse/:id?ada",
        "https://elsewhere.invalid/ada",
        "https://acme.atlassian.net/browse/:id",
        "https://your-site.atlassian.net",
        "https://your-site.atlassian.net.evil.example/",
        "https://your-site.atlassian.net/ada",
        "/:id/:id/:id/:id/:id/:id/:id/:id/:id",
    ] {
        assert!(!referrer(text), "{text}");
    }
}

/// Google Analytics cuts `page_referrer` after 420 letters.
#[test]
fn the_longest_referrer_fits() {
    let longest = WORDS.iter().copied().chain(app_words()).map(str::len).max().unwrap();
    assert!(SITE.len() + MOST_SEGMENTS * (longest + 1) <= 420);
}

#[test]
fn every_word_is_one_plain_segment() {
    for word in WORDS.iter().copied().chain(app_words()) {
        assert!(!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)), "{word}");
    }
    assert!(WORDS.is_sorted());
}

fn plant() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(PLANTS).prop_map(str::to_owned), "\\PC{1,20}", "[a-z]{1,12}"]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(WORDS).prop_map(str::to_owned), plant()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Promise A-17.
    #[test]
    fn nothing_that_was_planted_leaves(
        origin in proptest::sample::select(vec!["https://eu.lethe.example", "https://acme.atlassian.net", "https://jira.acme.example", "https://blog.example"]),
        user in proptest::option::of(plant()),
        segments in proptest::collection::vec(word(), 0..12),
        query in plant(),
        fragment in plant(),
    ) {
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let (scheme, host) = origin.split_once("://").unwrap();
        let address = format!("{scheme}://{user}{host}/{}?{query}={query}#{fragment}", segments.join("/"));
        if let Some(left) = referrer(&address) {
            let path = left.strip_prefix(SITE).or(left.strip_prefix(ELSEWHERE)).unwrap_or(&left);
            prop_assert!(left.starts_with('/') || left.starts_with(SITE) || left == ELSEWHERE, "{left}");
            for segment in path.split('/').filter(|segment| !segment.is_empty()) {
                prop_assert!(segment == SOMETHING || is_word(segment), "{left}");
            }
            prop_assert!(!PLANTS.iter().any(|plant| path.contains(plant)), "{left}");
            let read: Referrer = serde_json::from_value(left.clone().into()).unwrap();
            prop_assert_eq!(String::from(read), left);
        }
        if let Some(left) = page(&address) {
            prop_assert_eq!(left, "/test-management/page");
        }
    }
}

/// Where an address has room, and what a page may say beside it.
const ROOM: [&str; 8] = [
    "https://eu.lethe.example/test-management/page?user={}#{}",
    "https://{}@acme.atlassian.net/browse/{}",
    "https://acme.atlassian.net/people/{}/{}?{}={}",
    "https://acme.atlassian.net/jira/software/projects/{}/boards/{}#{}",
    "https://{}.example/{}",
    "page?{}",
    "/test-management/page#{}",
    "{}",
];

/// Promise A-17: the same plants as in errors of browsers, 100,000 times.
#[test]
fn no_plant_leaves_in_any_of_100_000_views() {
    let mut views = 0;
    for seed in 0..100_000 {
        let mut dice = Dice::of(seed);
        let sort = [Sort::Email, Sort::Account, Sort::Token, Sort::Host, Sort::Phone, Sort::Name][dice.below(6)];
        let plant = plants::plant(sort, &mut dice);
        let mut address = || dice.pick(&ROOM).replace("{}", &plant.text);
        let left = [page(&address()), referrer(&address())];
        views += left.iter().flatten().count();
        let leak = left.iter().flatten().find(|left| plant.found_in(left).is_some());
        assert_eq!(leak, None, "seed {seed}: of {plant:?}");
    }
    assert!(views > 50_000, "{views}");
}
