//! What a server on loopback must check, because every page in the same browser can reach it: that it is asked under its own name (or another
//! site's name may point here), and that whoever changes something is its own page, not another one's form.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Under which port it is asked, and which app its page embeds.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    port: u16,
    policy: HeaderValue,
}

impl Guard {
    /// Of the server on this port; `app` is the origin that may be embedded.
    pub(super) fn of(port: u16, app: &str) -> Self {
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src {app}; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Self { port, policy: HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'")) }
    }

    fn is_own(&self, host: &str) -> bool {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        matches!(name, "localhost" | "127.0.0.1" | "[::1]") && port.parse() == Ok(self.port)
    }

    /// 421 for a name that is none of ours.
    fn named_right(&self, headers: &HeaderMap) -> bool {
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| self.is_own(host))
    }

    fn accepts_change(&self, headers: &HeaderMap) -> bool {
        let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        is_json && origin.is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|host| self.is_own(host)))
    }
}

/// For everything on this port.
pub(super) async fn named_right(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut answer = if guard.named_right(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "this is not the address of this server").into_response()
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, guard.policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// For what changes something.
pub(super) async fn from_own_page(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if request.method() == Method::GET || guard.accepts_change(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only this server's own page may ask for this, and only as JSON").into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn another_name_that_points_here_is_refused() {
        let guard = Guard::of(8081, "http://127.0.0.1:8080");
        for host in ["localhost:8081", "127.0.0.1:8081", "[::1]:8081"] {
            assert!(guard.named_right(&headers(&[("host", host)])), "{host}");
        }
        for host in ["evil.example:8081", "localhost:8080", "localhost", "localhost.evil.example:8081", "evil.example", "", "127.0.0.1:"] {
            assert!(!guard.named_right(&headers(&[("host", host)])), "{host}");
        }
        assert!(!guard.named_right(&HeaderMap::new()));
    }

    #[test]
    fn another_page_may_change_nothing() {
        let guard = Guard::of(8081, "http://127.0.0.1:8080");
        let json = ("content-type", "application/json");
        assert!(guard.accepts_change(&headers(&[json])));
        assert!(guard.accepts_change(&headers(&[json, ("origin", "http://localhost:8081")])));
        for origin in ["http://127.0.0.1:8080", "https://localhost:8081", "http://evil.example:8081", "null", ""] {
            assert!(!guard.accepts_change(&headers(&[json, ("origin", origin)])), "{origin}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            assert!(!guard.accepts_change(&headers(&[("content-type", kind)])), "{kind}");
        }
        assert!(!guard.accepts_change(&HeaderMap::new()));
    }
}
