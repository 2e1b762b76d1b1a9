//! The page for whoever may not see the page: plain words with the refusal's own status, no data, no script. Every 401 reads the same.

use askama::Template as _;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use shared::connect::SiteHosts;
use shared::problem::{Problem, Refusal};

use crate::asset;
use crate::headers::{self, Ancestors};

#[derive(askama::Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    title: &'static str,
    advice: &'static str,
    detail: Option<&'a str>,
    /// Absent where there is no app, and so no style of it.
    style_version: Option<String>,
}

/// The answer of a problem, for people. Status, `WWW-Authenticate`, `Retry-After` and the reason for the log stay the problem's own.
pub(crate) fn answer(problem: Problem, hosts: &SiteHosts) -> Response {
    let html = page(&problem);
    let mut response = problem.into_response();
    let Ok(html) = html else { return response };
    *response.body_mut() = Body::from(html);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(headers::of_refusal(&Ancestors::of_any_site(hosts)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn page(problem: &Problem) -> askama::Result<String> {
    let (title, advice) = words(problem.refusal());
    let style_version = (problem.refusal() != Refusal::NotFound).then(|| asset::STYLE.version());
    Refused { title, advice, detail: problem.detail(), style_version }.render()
}

const fn words(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Unauthorized => (
            "This page cannot be shown here",
            "Open it from the menu of your Atlassian site. If you did, reload the site's page: its pass for this page is good for a few \
             minutes. If the app was removed from the site, it has to be installed again first.",
        ),
        Refusal::Forbidden => ("This page is not for you", "Log in to your Atlassian site, then open this page from its menu."),
        Refusal::NotFound => {
            ("There is nothing here", "No app of ours has this address. Open the page from the menu of your Atlassian site.")
        }
        Refusal::Unavailable => ("This page is away for now", "Something that it needs does not answer. Reload it in a moment."),
        Refusal::Malformed => ("This address is damaged", "Open the page from the menu of your Atlassian site."),
        Refusal::MethodNotAllowed
        | Refusal::LimitReached
        | Refusal::WrongState
        | Refusal::Incomplete
        | Refusal::RevisionConflict
        | Refusal::TooLarge
        | Refusal::UnsupportedType
        | Refusal::RangeNotSatisfiable
        | Refusal::TooManyRequests
        | Refusal::Internal => ("Something failed here", "It is not your fault. Reload the page in a moment."),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use shared::problem::Reason;

    use super::*;

    fn hosts() -> SiteHosts {
        SiteHosts::parse(".atlassian.net").unwrap()
    }

    #[test]
    fn a_refusal_is_html_with_the_problems_own_status_and_reason() {
        let response = answer(Problem::unauthorized("tenant has left"), &hosts());
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "JWT");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.extensions().get::<Reason>().map(|reason| reason.0.as_ref()), Some("tenant has left"));
        assert_eq!(answer(Problem::unavailable("away"), &hosts()).headers()[header::RETRY_AFTER], "5");
    }

    #[test]
    fn every_refusal_of_identity_reads_the_same() {
        assert_eq!(page(&Problem::unauthorized("expired")).unwrap(), page(&Problem::unauthorized("no such tenant")).unwrap());
    }

    #[test]
    fn a_refusal_has_no_script_no_inline_style_and_not_the_reason() {
        for refusal in [
            Refusal::Malformed,
            Refusal::Unauthorized,
            Refusal::Forbidden,
            Refusal::NotFound,
            Refusal::MethodNotAllowed,
            Refusal::RevisionConflict,
            Refusal::TooLarge,
            Refusal::UnsupportedType,
            Refusal::Internal,
            Refusal::Unavailable,
        ] {
            let html = page(&Problem::new(refusal, "why-it-was-refused")).unwrap();
            for absent in ["<script", "style=", "<style", "why-it-was-refused", "http-equiv"] {
                assert!(!html.contains(absent), "{refusal:?}: {absent}");
            }
            assert!(html.contains("<main id=\"refused\"") && html.contains("lang=\"en\""), "{refusal:?}");
        }
    }

    #[test]
    fn what_a_person_may_know_is_said_and_escaped() {
        assert!(page(&Problem::forbidden("only for users who are logged in")).unwrap().contains("only for users who are logged in"));
        assert!(page(&Problem::forbidden("<b>")).unwrap().contains("&#60;b&#62;"));
    }
}
