//! What leaves when something fails in a browser (promises ): the app, the customer as an organisation, what failed and where in
//! the code, and which kind of browser. Nothing of the person, the page's content or the request.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::scrub::Scrubbed;
use super::sentry::intake::{Envelope, unpack};
use super::sentry::{Reduced, reduce};
use crate::problem::{Problem, Refusal};
use crate::tenant::Tenant;

/// The most that is kept of a chain of causes.
pub const MOST_EXCEPTIONS: usize = 8;

/// The most frames that are kept of one stack: the innermost.
pub const MOST_FRAMES: usize = 50;

/// What an error may have as JSON before it is shortened. An honest one has a tenth of it; a queue takes four times as much, and Sentry too.
const MOST_BYTES: usize = 256 * 1024;

/// The frames that are left of each stack then.
const FRAMES_LEFT: usize = 10;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrowserError {
    /// 32 hex digits that the same event always has, and that nobody else can make of it.
    pub event_id: String,
    /// When it came, in epoch seconds.
    pub at: i64,
    /// The app, as Atlassian knows it.
    pub addon_key: String,
    /// The tenant, as Atlassian names it.
    pub client_key: String,
    /// Where its site is.
    pub base_url: String,
    /// 32 hex digits that errors of one loading of a page share; made of no person.
    pub tracking_id: String,
    /// What was thrown; what it was caused by comes before it.
    pub exceptions: Vec<Exception>,
    /// Which browser.
    pub browser: Option<Browser>,
    /// Which operating system.
    pub os: Option<Os>,
}

/// What a browser has sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'s> {
    /// The token in the path, as it was given to the page.
    pub page_token: &'s str,
    /// How the body is packed, as the request says.
    pub content_encoding: Option<&'s str>,
    /// What the browser calls itself; forgotten when its name and version are read.
    pub user_agent: Option<&'s str>,
    /// An envelope of Sentry's SDK.
    pub body: &'s [u8],
}

impl BrowserError {
    /// What may leave of what a page of the tenant's sent; `None` if there is nothing in it that fails. Of several events the first is taken: SDKs
    /// send one.
    ///
    /// # Errors
    /// 400 that names the part at fault, or `dsn` if the envelope is for another project; 413 and 415 for the body.
    pub fn read(tenant: &Tenant, sent: &Sent<'_>) -> Result<Option<Self>, Problem> {
        let config = tenant.platform().config();
        let body = unpack(sent.body, sent.content_encoding)?;
        let envelope = Envelope::parse(&body)?;
        let is_ours = config.sinks.sentry.as_ref().zip(envelope.dsn.as_deref()).is_some_and(|(ours, named)| ours.is_named_by(named));
        if !is_ours {
            return Err(Problem::malformed("dsn", "must be the one that the page was given"));
        }
        let Some(event) = envelope.events.first() else { return Ok(None) };
        let Some(Reduced { exceptions, browser, os }) = reduce(event, sent.user_agent) else {
            let is_json = serde_json::from_slice::<IgnoredAny>(event).is_ok();
            return if is_json { Ok(None) } else { Err(Problem::malformed("event", "must be JSON")) };
        };
        // What has no name is named by what it says, so that it is the same when it comes again.
        let event_id = envelope.event_id.map_or_else(|| tenant.event_mark(&String::from_utf8_lossy(event)), |id| tenant.event_mark(&id));
        let error = Self {
            event_id,
            at: tenant.platform().now(),
            addon_key: tenant.app().key.to_owned(),
            client_key: tenant.account().client_key.clone(),
            base_url: tenant.account().base_url.clone(),
            tracking_id: tenant.tracking_mark(sent.page_token),
            exceptions,
            browser,
            os,
        };
        error.shortened().map(Some)
    }

    /// The same, with the outer frames left out where there is too much of them: a queue would not take it.
    fn shortened(mut self) -> Result<Self, Problem> {
        let json = serde_json::to_vec(&self).map_err(|_| Problem::new(Refusal::Internal, "cannot write an error"))?;
        if json.len() > MOST_BYTES {
            for Exception { frames, .. } in &mut self.exceptions {
                frames.drain(..frames.len().saturating_sub(FRAMES_LEFT));
            }
        }
        Ok(self)
    }
}

/// One exception of a chain of causes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its type, like `TypeError`.
    pub kind: Scrubbed,
    /// What it says.
    pub message: Scrubbed,
    /// Where it was thrown: the innermost call last.
    pub frames: Vec<Frame>,
}

/// One call of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The script, without query, fragment and user.
    pub file: Option<Scrubbed>,
    /// The function.
    pub function: Option<Scrubbed>,
    /// The line in it.
    pub line: Option<u32>,
    /// The column in that.
    pub column: Option<u32>,
}

/// A browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Browser {
    /// Which.
    pub name: BrowserName,
    /// Its major version.
    pub version: Option<u16>,
}

/// The browsers that we tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BrowserName {
    /// Google's.
    Chrome,
    /// Microsoft's.
    Edge,
    /// Mozilla's.
    Firefox,
    /// Opera's.
    Opera,
    /// Apple's.
    Safari,
    /// Samsung's.
    #[serde(rename = "Samsung Internet")]
    SamsungInternet,
}

/// The operating systems that we tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Os {
    /// Google's, for phones.
    Android,
    /// Google's, for notebooks.
    #[serde(rename = "Chrome OS")]
    ChromeOs,
    /// Apple's, for phones and tablets.
    #[serde(rename = "iOS")]
    Ios,
    /// Whichever.
    Linux,
    /// Apple's, for computers.
    #[serde(rename = "macOS")]
    MacOs,
    /// Microsoft's.
    Windows,
}
