//! Where a request carries its token.
//!
//! `Authorization: JWT …`, or the query parameter `jwt` on page loads. A request must not carry two: which of them counts would differ
//! between us and whoever stands in front. Parameter names are read exactly as the hash reads them, so what the hash leaves out is a
//! token here.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::TokenFault;
use crate::connect::qsh;

/// The scheme, in exactly this spelling. `Bearer` is Forge's and never a Connect token.
const SCHEME: &str = "JWT ";

/// A token as it came, unread. It is a credential while it lives, so it is never printed.
pub struct Carried<'a>(Cow<'a, str>);

impl<'a> Carried<'a> {
    /// The request's one token.
    ///
    /// # Errors
    /// [`TokenFault::Missing`]; [`TokenFault::Ambiguous`] for two `Authorization` headers, two `jwt` parameters, or a header and a
    /// parameter that differ; [`TokenFault::MalformedQuery`].
    pub fn find(headers: &'a HeaderMap, raw_query: Option<&'a str>) -> Result<Self, TokenFault> {
        match (in_header(headers)?, in_query(raw_query.unwrap_or_default())?) {
            (Some(header), Some(parameter)) if header != parameter => Err(TokenFault::Ambiguous),
            (Some(header), _) => Ok(Self(Cow::Borrowed(header))),
            (None, Some(parameter)) => Ok(Self(parameter)),
            (None, None) => Err(TokenFault::Missing),
        }
    }
}

fn in_header(headers: &HeaderMap) -> Result<Option<&str>, TokenFault> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(TokenFault::Ambiguous);
    }
    Ok(first.and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix(SCHEME)))
}

fn in_query(raw_query: &str) -> Result<Option<Cow<'_, str>>, TokenFault> {
    let mut token = None;
    for pair in qsh::pairs(raw_query) {
        let (name, value) = pair?;
        if name == "jwt" && token.replace(value).is_some() {
            return Err(TokenFault::Ambiguous);
        }
    }
    Ok(token)
}

impl Deref for Carried<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Carried<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Carried(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(authorization: &[&str], query: Option<&str>) -> Result<String, TokenFault> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        Carried::find(&headers, query).map(|token| token.to_string())
    }

    #[test]
    fn a_token_is_found_in_the_header_and_in_the_query() {
        assert_eq!(found(&["JWT a.b.c"], Some("x=1")), Ok("a.b.c".to_owned()));
        assert_eq!(found(&[], Some("x=1&jwt=a.b.c&y=2")), Ok("a.b.c".to_owned()));
        assert_eq!(found(&[], Some("%6Awt=a%2Eb.c")), Ok("a.b.c".to_owned()));
    }

    #[test]
    fn another_scheme_is_no_token() {
        for header in ["Bearer a.b.c", "jwt a.b.c", "JWTa.b.c", "Basic eDp5", "a.b.c"] {
            assert_eq!(found(&[header], None), Err(TokenFault::Missing), "{header}");
        }
        assert_eq!(found(&[], None), Err(TokenFault::Missing));
        assert_eq!(found(&[], Some("JWT=a.b.c")), Err(TokenFault::Missing));
    }

    #[test]
    fn two_tokens_are_refused() {
        assert_eq!(found(&["JWT a.b.c"], Some("jwt=a.b.d")), Err(TokenFault::Ambiguous));
        assert_eq!(found(&[], Some("jwt=a.b.c&jwt=a.b.c")), Err(TokenFault::Ambiguous));
        assert_eq!(found(&[], Some("jwt=a.b.c&%6awt=a.b.d")), Err(TokenFault::Ambiguous));
        assert_eq!(found(&["JWT a.b.c", "JWT a.b.c"], None), Err(TokenFault::Ambiguous));
        assert_eq!(found(&["JWT a.b.c", "Bearer x"], None), Err(TokenFault::Ambiguous));
    }

    #[test]
    fn the_same_token_in_header_and_query_is_fine() {
        assert_eq!(found(&["JWT a.b.c"], Some("jwt=a.b.c")), Ok("a.b.c".to_owned()));
    }

    #[test]
    fn a_malformed_query_is_named_as_such() {
        assert_eq!(found(&["JWT a.b.c"], Some("q=%")), Err(TokenFault::MalformedQuery));
    }
}
