//! The story of one customer, told on the terminal: a site installs the app, its administrator stores something, a member may not, the
//! customer leaves, is refused, comes back to everything, and in a world of its own leaves for good.

use std::error::Error;

use local::atlassian::Atlassian;
use local::log_feed::LogFeed;
use local::machine::{Machine, Plan};
use reqwest::Method;
use serde_json::Value;
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::{Clock as _, SystemClock};
use shared::platform::http_client::http_client;

use crate::small_jira::SmallJira;

type Told<T = ()> = Result<T, Box<dyn Error>>;

const DAY: u64 = 86_400;

/// What the story stores.
const SETTING: &str = r#"{"environments":["staging","production"]}"#;

/// Plays against the host whose functions and small Jira are at these addresses, or against one of its own if nobody answers there.
pub(crate) async fn play(functions: &str, jira: &str) -> Told {
    let http = http_client()?;
    let slug = Catalogue::hosted().iter().next().ok_or("the catalogue is empty")?.slug;
    let answering = http.get(format!("{functions}/{slug}/health")).send().await.is_ok_and(|answer| answer.status().is_success());
    let own = if answering {
        println!("Playing against the host at {functions}.\n");
        None
    } else {
        let plan = Plan { folder: None, functions_port: 0, jira_port: 0, s3_port: 0, install_keys_url: None, log_feed: LogFeed::default() };
        let machine = Machine::start(plan, Atlassian::new()?).await?;
        println!("No host runs at the given port, so here is one in memory at {}.\n", machine.functions());
        Some(machine)
    };
    let (functions, jira) = own.as_ref().map_or((functions, jira), |machine| (machine.functions(), machine.jira()));
    // A customer of its own for every play.
    let site = format!("play-{}", SystemClock::start().now().epoch_millis());
    let jira = SmallJira::at(jira)?;
    jira.add(&site).await?;
    let mut player = Player { http, jira, site, base: format!("{functions}/{slug}"), slug, mistakes: 0 };
    player.live().await?;
    match &own {
        Some(machine) => {
            player.look_for_plain_text(machine)?;
            player.leave_for_good().await?;
        }
        None => player.act("The customer leaves again, and the clock is yours: see them in the small Jira", "leave").await?,
    }
    if player.mistakes > 0 {
        return Err(format!("{} answers were not as they should be", player.mistakes).into());
    }
    println!("\nEvery answer was as it should be.");
    Ok(())
}

struct Player {
    http: reqwest::Client,
    jira: SmallJira,
    site: String,
    /// The app's base URL.
    base: String,
    slug: &'static str,
    mistakes: u32,
}

impl Player {
    async fn live(&mut self) -> Told {
        let setting = "configuration/test-environments";
        self.step("Atlassian reads the descriptor", Method::GET, "atlassian-connect.json", None, 200).await?;
        self.act("An admin installs the app: Atlassian signs it with its own key", "install").await?;
        self.step("Ada, who administers the site, stores a setting", Method::PUT, setting, Some("ada"), 201).await?;
        self.step("Max, a member, reads it", Method::GET, setting, Some("max"), 200).await?;
        self.step("and may not change it", Method::PUT, setting, Some("max"), 403).await?;
        self.step("Whoever is not logged in may not even read it", Method::GET, setting, Some("nobody"), 403).await?;
        self.step("This is what we hold of the customer", Method::GET, "account", Some("ada"), 200).await?;
        self.act("The site is renamed", "rename").await?;
        self.act("and gets a new secret", "rotate").await?;
        self.act("The customer leaves", "leave").await?;
        self.step("and is refused from that moment", Method::GET, setting, Some("ada"), 401).await?;
        self.act("They come back in time", "install").await?;
        self.step("and find everything", Method::GET, setting, Some("ada"), 200).await
    }

    async fn leave_for_good(&mut self) -> Told {
        self.act("The customer leaves for good", "leave").await?;
        for (story, days) in [("110 days pass, in which they could come back", 110), ("and one more", 1)] {
            let moved = self.jira.advance(days * DAY).await?;
            println!("{story}\n    {}", text(&moved, "said"));
        }
        let stored = self.jira.stored(&self.site).await?;
        let gone = stored.get("gone").and_then(Value::as_bool) == Some(true);
        self.mistakes += u32::from(!gone);
        println!("{}\n    {}", if gone { "It is gone" } else { "It is not gone" }, text(&stored, "said"));
        Ok(())
    }

    /// That nothing of what was stored, nor the customer's name or secret, can be read where it lies.
    fn look_for_plain_text(&mut self, machine: &Machine) -> Told {
        let site = machine.sites().site(&self.site)?.site;
        println!("In the tables and buckets, as they lie there");
        for (what, mark) in [
            ("the value", "staging"),
            ("the setting's name", "test-environments"),
            ("the customer's name", site.client_key.as_str()),
            ("the shared secret", site.shared_secret.as_str()),
        ] {
            let places = machine.aws().places_of(mark.as_bytes())?.len();
            self.mistakes += u32::from(places > 0);
            println!("    {what} is found in {places} places");
        }
        Ok(())
    }

    /// Something that Jira does.
    async fn act(&mut self, story: &str, doing: &str) -> Told {
        let done = self.jira.act(&self.site, doing).await?;
        let sent = done.get("sent").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let as_expected = !sent.is_empty() && sent.iter().all(|sent| matches!(sent.get("status").and_then(Value::as_u64), Some(200 | 204)));
        self.mistakes += u32::from(!as_expected);
        println!("{story}\n    {}", text(&done, "said"));
        Ok(())
    }

    /// Something that a user does, or Atlassian without a token.
    async fn step(&mut self, story: &str, method: Method, endpoint: &str, user: Option<&str>, expected: u16) -> Told {
        let target = format!("/{}/{endpoint}", self.slug);
        let mut call = self.http.request(method.clone(), format!("{}/{endpoint}", self.base));
        if let Some(user) = user {
            // The page's own calls carry a context token, whatever they ask for.
            let request = (endpoint == "account").then_some((method.as_str(), target.as_str()));
            let token = self.jira.token(&self.site, user, request).await?;
            call = call.header("authorization", format!("JWT {token}"));
        }
        if method == Method::PUT {
            call = call.header("content-type", "application/json").body(SETTING);
        }
        let answer = call.send().await?;
        let status = answer.status();
        self.mistakes += u32::from(status.as_u16() != expected);
        let text: String = answer.text().await?.chars().take(100).collect();
        println!("{story}\n    {method} {target}\n    {status} {text}");
        Ok(())
    }
}

fn text<'v>(answer: &'v Value, member: &str) -> &'v str {
    answer.get(member).and_then(Value::as_str).unwrap_or_default()
}
