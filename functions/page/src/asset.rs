//! The files that the page loads: public, part of the program, and named with a hash of their content, so that browsers may keep them for a
//! year and still load what fits the page.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// The page's script: what it reports of itself, what its sections share, then a block for each, in one scope that nothing else on the page sees.
pub(crate) const SCRIPT: Asset = Asset {
    text: concat!(
        "\"use strict\";\n(() => {\n",
        include_str!("../assets/telemetry.js"),
        include_str!("../assets/site.js"),
        include_str!("../assets/configuration.js"),
        include_str!("../assets/transfer.js"),
        include_str!("../assets/attachments.js"),
        "})();\n"
    ),
    media_type: "text/javascript; charset=utf-8",
};

/// The page's style.
pub(crate) const STYLE: Asset = Asset { text: include_str!("../assets/page.css"), media_type: "text/css; charset=utf-8" };

/// One file.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    text: &'static str,
    media_type: &'static str,
}

impl Asset {
    /// How many bytes it has.
    #[cfg(test)]
    pub(crate) const fn len(self) -> usize {
        self.text.len()
    }

    /// The beginning of the content's SHA-256, hex.
    pub(crate) fn version(self) -> String {
        hex::encode(digest(&SHA256, self.text.as_bytes())).chars().take(16).collect()
    }

    /// The file. While a release goes out, a page of the new version may reach a function of the old one: what is not the version that was
    /// asked for is not kept by anybody.
    pub(crate) fn answer(self, query: Option<&str>) -> Response {
        let mut response = ([(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type))], self.text).into_response();
        if query == Some(format!("v={}", self.version()).as_str()) {
            let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
            response.headers_mut().insert(header::CACHE_CONTROL, forever);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(query: Option<&str>) -> bool {
        SCRIPT.answer(query).headers().get(header::CACHE_CONTROL).is_some()
    }

    #[test]
    fn a_version_changes_with_the_content() {
        let changed = Asset { text: "something else", ..SCRIPT };
        assert_ne!(SCRIPT.version(), changed.version());
        assert_ne!(SCRIPT.version(), STYLE.version());
        assert!(SCRIPT.version().len() == 16 && SCRIPT.version().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn only_the_version_that_was_asked_for_is_kept() {
        let current = format!("v={}", SCRIPT.version());
        assert!(kept(Some(&current)));
        for query in [None, Some(""), Some("v="), Some("v=0123456789abcdef"), Some("v")] {
            assert!(!kept(query), "{query:?}");
        }
    }

    #[test]
    fn script_and_style_load_nothing_from_elsewhere() {
        for asset in [SCRIPT, STYLE] {
            for foreign in ["http:", "https:", "@import", "url(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!asset.text.contains(foreign), "{foreign}");
            }
        }
    }
}
