//! Tokens for curl: what the site `acme` would send with a request, by the route that the request is for.

use std::error::Error;
use std::path::Path;

use local::atlassian::{Atlassian, Signed, Site};
use local::samples::{Sample, TokenKind};
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::{Clock as _, SystemClock};

/// The token for `method target`, of the kind that the sample event of the same route carries.
pub(crate) fn token(address: &str, folder: &Path, method: &str, target: &str) -> Result<String, Box<dyn Error>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let slug = path.split('/').nth(1).unwrap_or_default();
    let app = Catalogue::hosted().find(slug).ok_or("the path must begin with the slug of an app, as in /test-management/account")?;
    let site = Site::acme(app, format!("{address}/{slug}"));
    let now = SystemClock::start().now().epoch_seconds();
    let request = Signed { method, path, query };
    let endpoint = |path: &str| path.split('/').nth(2).map(ToOwned::to_owned);
    let sample = Sample::all()?.into_iter().find(|sample| endpoint(sample.path()) == endpoint(path));
    match sample.map(|sample| sample.token()) {
        Some(TokenKind::Install) => Ok(Atlassian::of_host(folder)?.install_token(&site, request, now)?),
        Some(TokenKind::Host) => Ok(site.host_token(request, now)?),
        Some(TokenKind::Context) => Ok(site.context_token(now)?),
        Some(TokenKind::Public) => Err("this route takes no token".into()),
        None => Err("there is no such route".into()),
    }
}
