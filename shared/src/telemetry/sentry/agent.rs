//! Browsers and operating systems by their `User-Agent`, which is forgotten then. Each names what it descends from too, so the order decides.

use crate::telemetry::browser_error::{Browser, BrowserName, Os};

/// By what each browser is known; the first that is found is it.
const BROWSERS: [(&str, BrowserName); 16] = [
    ("Edg/", BrowserName::Edge),
    ("EdgA/", BrowserName::Edge),
    ("EdgiOS/", BrowserName::Edge),
    ("Edge/", BrowserName::Edge),
    ("OPR/", BrowserName::Opera),
    ("OPT/", BrowserName::Opera),
    ("OPiOS/", BrowserName::Opera),
    ("SamsungBrowser/", BrowserName::SamsungInternet),
    ("FxiOS/", BrowserName::Firefox),
    ("Firefox/", BrowserName::Firefox),
    ("CriOS/", BrowserName::Chrome),
    ("HeadlessChrome/", BrowserName::Chrome),
    ("Chromium/", BrowserName::Chrome),
    ("Chrome/", BrowserName::Chrome),
    // What only calls itself Safari, for what it shows pages with, has no version of it.
    ("Version/", BrowserName::Safari),
    ("Opera/", BrowserName::Opera),
];

/// By what each operating system is known; the first that is found is it.
const SYSTEMS: [(&str, Os); 9] = [
    ("Windows", Os::Windows),
    ("iPhone", Os::Ios),
    ("iPad", Os::Ios),
    ("iPod", Os::Ios),
    ("CrOS", Os::ChromeOs),
    ("Android", Os::Android),
    ("Macintosh", Os::MacOs),
    ("Linux", Os::Linux),
    ("X11", Os::Linux),
];

/// Longer ones are nobody's.
const MOST_BYTES: usize = 1024;

/// No browser has come further; a longer number may be of somebody.
const LAST_VERSION: u16 = 999;

/// Which browser and which operating system.
#[must_use]
pub fn of(user_agent: &str) -> (Option<Browser>, Option<Os>) {
    if user_agent.len() > MOST_BYTES {
        return (None, None);
    }
    let browser = BROWSERS.iter().find_map(|(mark, name)| {
        let (_, behind) = user_agent.split_once(mark)?;
        (*name != BrowserName::Safari || behind.contains("Safari/")).then(|| Browser { name: *name, version: major(behind) })
    });
    (browser, SYSTEMS.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, system)| *system))
}

fn major(version: &str) -> Option<u16> {
    let end = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end)?.parse().ok().filter(|major| *major <= LAST_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_among_its_ancestors() {
        use BrowserName::{Chrome, Edge, Firefox, Opera, Safari, SamsungInternet};
        const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        const APPLE: &str = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)";
        for (text, name, version, os) in [
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"), Chrome, 131, Os::Windows),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.70"),
                Edge,
                131,
                Os::Windows,
            ),
            (
                format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0"),
                Opera,
                115,
                Os::MacOs,
            ),
            (format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.1.1 Safari/605.1.15"), Safari, 18, Os::MacOs),
            ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".to_owned(), Firefox, 133, Os::Linux),
            ("Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0".to_owned(), Firefox, 133, Os::Android),
            (format!("Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36"), Chrome, 131, Os::Android),
            (
                format!("Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0"),
                Edge,
                131,
                Os::Android,
            ),
            (
                format!("Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"),
                SamsungInternet,
                27,
                Os::Android,
            ),
            (format!("{IPHONE} {APPLE} Version/18.1 Mobile/15E148 Safari/604.1"), Safari, 18, Os::Ios),
            (format!("{IPHONE} {APPLE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1"), Chrome, 131, Os::Ios),
            (format!("{IPHONE} {APPLE} FxiOS/133.0 Mobile/15E148 Safari/605.1.15"), Firefox, 133, Os::Ios),
            (format!("{IPHONE} {APPLE} Version/17.0 EdgiOS/131.0.2903.68 Mobile/15E148 Safari/604.1"), Edge, 131, Os::Ios),
            (format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"), Chrome, 131, Os::ChromeOs),
            (format!("Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36"), Chrome, 131, Os::Linux),
        ] {
            assert_eq!(of(&text), (Some(Browser { name, version: Some(version) }), Some(os)), "{text}");
        }
    }

    #[test]
    fn what_is_no_browser_is_none() {
        assert_eq!(of("curl/8.5.0"), (None, None));
        assert_eq!(
            of("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"),
            (None, Some(Os::Ios))
        );
        for version in ["99999999", "1000"] {
            assert_eq!(of(&format!("Firefox/{version}")), (Some(Browser { name: BrowserName::Firefox, version: None }), None));
        }
        assert_eq!(of(&"Firefox/133".repeat(200)), (None, None));
    }
}
