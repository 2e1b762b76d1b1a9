//! What Jira does of its own: installing the app, upgrading it, renaming a site, rotating its secret, switching off and on, leaving. Each is
//! the real signed event over HTTP, to where the app's descriptor says. Jira's own state changes only when the app has taken the event, as
//! 200 or 204.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::platform::clock::Clock;
use shared::platform::random::Random;
use tokio::sync::Mutex;

use super::descriptor::Descriptor;
use super::sites::secret;
use super::{Jira, Named, SiteFault, Standing, Story};
use crate::atlassian::{Atlassian, Signed, Site, TokenFault};

/// How long the app may take. It may wait for the site itself, and what it says then is to be seen.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How far ahead of the clock an event may be signed, in seconds. The functions bear 30.
const AHEAD: i64 = 10;

/// One thing that Jira may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is what an administrator does in Jira")]
pub enum Doing {
    Install,
    Upgrade,
    Rename,
    Rotate,
    Disable,
    Enable,
    Leave,
}

/// An event and what the app answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The event's name.
    pub event: &'static str,
    /// The answer; `None` if none came.
    pub status: Option<u16>,
}

impl Sent {
    /// Whether the app has taken it.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.status, Some(200 | 204))
    }
}

/// What came of a doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Whether Jira's own state has changed.
    pub changed: bool,
    /// What it says now.
    pub standing: Standing,
    /// The events, in order.
    pub sent: Vec<Sent>,
    /// All of it in a sentence.
    pub said: String,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DoingFault {
    /// It makes no sense as the app stands there.
    #[error("cannot do this: the app is {} on this site", .0.name().to_lowercase())]
    OutOfPlace(Standing),
    /// Too many events in too short a time: the next one would be signed too far ahead.
    #[error("cannot sign one more event now: wait a few seconds")]
    TooQuick,
    /// The app's descriptor names no address for the event.
    #[error("cannot send {0}: the app's descriptor does not ask for it")]
    NotAskedFor(&'static str),
    /// The app does not answer, or not well.
    #[error("cannot reach the app: {}", without_address(.0))]
    Unreachable(#[from] reqwest::Error),
    /// What the app gives as its descriptor is none.
    #[error("cannot read the app's descriptor: {0}")]
    Descriptor(serde_json::Error),
    /// An address in the descriptor is none.
    #[error("cannot read the app's descriptor: an address in it is none")]
    Address,
    /// A token cannot be made.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// The site is not there, or its state cannot be kept.
    #[error(transparent)]
    Site(#[from] SiteFault),
}

fn without_address(fault: &reqwest::Error) -> String {
    match fault.status() {
        Some(status) => format!("it answers {status}"),
        None if fault.is_timeout() => "it does not answer in time".to_owned(),
        None => "nobody answers".to_owned(),
    }
}

/// Who does them: one at a time, because events of a site have an order.
pub struct Doings {
    jira: Jira,
    origin: String,
    atlassian: Atlassian,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    http: reqwest::Client,
    one_at_a_time: Mutex<()>,
}

/// The site, the story and the events that a doing leads to.
struct Plan {
    site: Site,
    story: Story,
    events: &'static [&'static str],
    said: String,
}

impl Doings {
    /// Of this Jira, whose sites lie below `origin`.
    #[must_use]
    pub fn of(
        jira: Jira,
        origin: &str,
        atlassian: Atlassian,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        http: reqwest::Client,
    ) -> Self {
        Self { jira, origin: origin.to_owned(), atlassian, clock, random, http, one_at_a_time: Mutex::default() }
    }

    /// Does it. `is_kept` says whether the app has kept what it had of a site that has left.
    ///
    /// # Errors
    /// [`DoingFault`]; Jira's own state has not changed then. That the app refuses an event is no error but an answer.
    pub async fn act(&self, name: &str, doing: Doing, is_kept: bool) -> Result<Done, DoingFault> {
        let _turn = self.one_at_a_time.lock().await;
        let before = self.jira.site(name)?;
        let plan = self.plan(&before, doing, is_kept)?;
        let descriptor = Descriptor::of(&plan.site, &self.http).await?;
        let (mut sent, mut last_iat) = (Vec::new(), before.story.last_iat);
        for event in plan.events {
            last_iat = self.next_iat(last_iat)?;
            let address = descriptor.event(event).ok_or(DoingFault::NotAskedFor(event))?;
            let answered = Sent { event, status: self.send(&plan.site, event, &address, last_iat).await? };
            let taken = answered.is_taken();
            sent.push(answered);
            // The first event is the doing itself; what follows it is only told.
            if !taken {
                break;
            }
        }
        let changed = sent.first().is_some_and(Sent::is_taken);
        let (site, story) = if changed { (plan.site, plan.story) } else { (before.site, before.story) };
        let standing = story.standing;
        self.jira.settle(&site, Story { last_iat, ..story })?;
        let answers: Vec<String> = sent.iter().map(Sent::to_string).collect();
        let what = if changed { plan.said } else { format!("The app has not taken it; on {name} nothing has changed") };
        Ok(Done { changed, standing, sent, said: format!("{what}. {}.", answers.join(", ")) })
    }

    fn plan(&self, before: &Named, doing: Doing, is_kept: bool) -> Result<Plan, DoingFault> {
        let (name, standing) = (&before.name, before.story.standing);
        let (mut site, mut story) = (before.site.clone(), before.story.clone());
        let possible = match doing {
            Doing::Install => !standing.is_installed(),
            Doing::Upgrade | Doing::Rename | Doing::Rotate | Doing::Leave => standing.is_installed(),
            Doing::Disable => standing == Standing::Active,
            Doing::Enable => standing == Standing::Disabled,
        };
        if !possible {
            return Err(DoingFault::OutOfPlace(standing));
        }
        let now = self.clock.now().epoch_seconds();
        let (events, said): (&[&str], String) = match doing {
            Doing::Install => {
                let in_time = story.left_at.is_none() || is_kept;
                if !in_time {
                    (story.installed, story.left, story.left_at) = (0, 0, None);
                }
                story.installed += 1;
                story.standing = Standing::Active;
                let said = match standing {
                    Standing::Left if in_time => format!("{name} has come back"),
                    Standing::Left => format!("{name} has come back too late and begins anew"),
                    _ => format!("The app is installed on {name}"),
                };
                (&["installed", "enabled"], said)
            }
            Doing::Upgrade => (&["installed"], format!("The app on {name} is upgraded")),
            Doing::Rename => {
                let others = self.jira.sites();
                let free = |address: &String| !others.iter().any(|other| other.site.base_url == *address);
                let addresses = (story.renamed + 1..).map(|number| (number, format!("{}/{name}-renamed-{number}", self.origin)));
                (story.renamed, site.base_url) = addresses.into_iter().find(|(_, address)| free(address)).unwrap_or_default();
                (&["installed"], format!("{name} lies at {} now", site.base_url))
            }
            Doing::Rotate => {
                site.shared_secret = secret::<32>(self.random.as_ref())?;
                story.rotated += 1;
                (&["installed"], format!("{name} has a new secret"))
            }
            Doing::Disable => {
                story.standing = Standing::Disabled;
                (&["disabled"], format!("The app on {name} is switched off"))
            }
            Doing::Enable => {
                story.standing = Standing::Active;
                (&["enabled"], format!("The app on {name} is switched on"))
            }
            Doing::Leave => {
                story.standing = Standing::Left;
                story.left += 1;
                story.left_at = Some(now);
                (&["uninstalled"], format!("{name} has left"))
            }
        };
        Ok(Plan { site, story, events, said })
    }

    fn next_iat(&self, last: i64) -> Result<i64, DoingFault> {
        let now = self.clock.now().epoch_seconds();
        let next = now.max(last.saturating_add(1));
        if next > now.saturating_add(AHEAD) { Err(DoingFault::TooQuick) } else { Ok(next) }
    }

    async fn send(&self, site: &Site, event: &'static str, address: &str, iat: i64) -> Result<Option<u16>, DoingFault> {
        let parsed = url::Url::parse(address).map_err(|_| DoingFault::Address)?;
        let request = Signed { method: "POST", path: parsed.path(), query: parsed.query().unwrap_or_default() };
        let token = match event {
            "installed" | "uninstalled" => self.atlassian.install_token(site, request, iat)?,
            _ => site.host_token(request, iat)?,
        };
        let request = self.http.post(address).header("authorization", format!("JWT {token}")).header("content-type", "application/json");
        let answer = request.body(site.payload(event).to_string()).timeout(PATIENCE).send().await;
        Ok(answer.ok().map(|answer| answer.status().as_u16()))
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(out, "{} was answered {status}", self.event),
            None => write!(out, "{} was not answered", self.event),
        }
    }
}
