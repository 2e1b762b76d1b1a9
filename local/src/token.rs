//! Tokens for curl: what the site `acme` of the running host would send with a request, by the route that the request is for.

use std::error::Error;

use local::samples::{Sample, TokenKind};

use crate::small_jira::SmallJira;

/// The token for `method target` of this user, of the kind that the sample event of the same route carries.
/// A page's is taken from the page itself, which that user opens.
pub(crate) async fn token(functions: &str, jira: &str, user: &str, method: &str, target: &str) -> Result<String, Box<dyn Error>> {
    let endpoint = |path: &str| path.split(['/', '?']).nth(2).map(ToOwned::to_owned);
    let sample = Sample::all()?.into_iter().find(|sample| endpoint(sample.path()) == endpoint(target));
    let request = match sample.map(|sample| sample.token()) {
        Some(TokenKind::Host) => Some((method, target)),
        Some(TokenKind::Context) => None,
        Some(TokenKind::Install) => return Err("the small Jira signs and sends this one itself: see `cargo run -- curl`".into()),
        Some(TokenKind::Page) => return SmallJira::at(jira)?.page_token("acme", user, functions).await,
        Some(TokenKind::Public) => return Err("this route takes no token".into()),
        None => return Err("there is no such route".into()),
    };
    SmallJira::at(jira)?.token("acme", user, request).await
}
