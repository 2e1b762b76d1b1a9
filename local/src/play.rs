//! The story of one installation, told on the terminal: Atlassian installs the app with a signed token, a user stores something, the customer
//! leaves, is refused, and comes back to everything.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use local::atlassian::{Atlassian, Signed, Site};
use local::host::{LocalHost, Settings};
use reqwest::{Method, Response, StatusCode};
use shared::connect::catalogue::Catalogue;
use shared::platform::clock::{Clock as _, SystemClock};
use shared::platform::http_client::http_client;
use shared::platform::random::SystemRandom;

type Told<T = ()> = Result<T, Box<dyn Error>>;

/// Plays against the host at `address`, or against one of its own if nobody answers there.
pub(crate) async fn play(address: &str, folder: &Path) -> Told {
    let http = http_client()?;
    let app = Catalogue::hosted().iter().next().ok_or("the catalogue is empty")?;
    let answering = http.get(format!("{address}/{}/health", app.slug)).send().await.is_ok_and(|answer| answer.status().is_success());
    let atlassian = if answering { Atlassian::of_host(folder)? } else { Atlassian::new()? };
    let (address, host) = if answering {
        println!("Playing against the host at {address}.\n");
        (address.to_owned(), None)
    } else {
        let (address, host) = own_host(&atlassian).await?;
        println!("No host runs at the given port, so here is one in memory at {address}.\n");
        (address, Some(host))
    };
    let began = SystemClock::start().now().epoch_seconds();
    // A customer of its own for every play: its events are signed seconds ahead, which would outlast the beginning of the next one.
    let site = Site { client_key: format!("acme-client-key-{began}"), ..Site::acme(app, format!("{address}/{}", app.slug)) };
    let mut player = Player { http, atlassian, site, address, now: began, mistakes: 0 };
    player.tell().await?;
    if let Some(host) = host {
        show_sealed(&host)?;
    }
    if player.mistakes > 0 {
        return Err(format!("{} answers were not as they should be", player.mistakes).into());
    }
    println!("\nEvery answer was as it should be.");
    Ok(())
}

async fn own_host(atlassian: &Atlassian) -> Told<(String, LocalHost)> {
    let (keys, functions) = (super::listen(0).await?, super::listen(0).await?);
    let (keys_port, port) = (keys.local_addr()?.port(), functions.local_addr()?.port());
    let key_server = atlassian.key_server();
    tokio::spawn(async move { axum::serve(keys, key_server).await });
    let settings = Settings {
        folder: None,
        public_url: super::address(port),
        install_keys_urls: super::address(keys_port),
        clock: Arc::new(SystemClock::start()),
        random: Arc::new(SystemRandom),
    };
    let host = LocalHost::start(settings).await?;
    let front = host.front();
    tokio::spawn(async move { axum::serve(functions, front).await });
    Ok((super::address(port), host))
}

/// What lies in the tables after all this: a line of it, sealed.
fn show_sealed(host: &LocalHost) -> Told {
    let marks = ["acme-shared-secret-of-this-machine-only", "staging", "test-environments", "acme-client-key"];
    println!("\nIn the tables, as they lie there:");
    for mark in marks {
        let places = host.aws().places_of(mark.as_bytes())?;
        println!("  {mark:?} is found in {} places", places.len());
    }
    Ok(())
}

struct Player {
    http: reqwest::Client,
    atlassian: Atlassian,
    site: Site,
    address: String,
    /// Each event is signed a second after the last, so that their order is plain.
    now: i64,
    mistakes: u32,
}

impl Player {
    async fn tell(&mut self) -> Told {
        self.step("Atlassian reads the descriptor", Method::GET, "atlassian-connect.json", None, 200).await?;
        self.step("An admin installs the app: Atlassian signs it with its own key", Method::POST, "installed", None, 204).await?;
        self.step("Jira switches it on", Method::POST, "enabled", None, 204).await?;
        let body = Some(r#"{"environments":["staging","production"]}"#);
        self.step("A user stores a setting", Method::PUT, "configuration/test-environments", body, 201).await?;
        self.step("and reads it", Method::GET, "configuration/test-environments", None, 200).await?;
        self.step("This is what we hold of the customer", Method::GET, "account", None, 200).await?;
        self.step("The customer leaves", Method::POST, "uninstalled", None, 204).await?;
        self.step("and is refused from that moment", Method::GET, "configuration/test-environments", None, 401).await?;
        self.step("They come back in time", Method::POST, "installed", None, 204).await?;
        self.step("and find everything", Method::GET, "configuration/test-environments", None, 200).await?;
        self.step("The setting is removed again", Method::DELETE, "configuration/test-environments", None, 204).await
    }

    async fn step(&mut self, story: &str, method: Method, endpoint: &str, body: Option<&'static str>, expected: u16) -> Told {
        self.now += 1;
        let answer = self.send(&method, endpoint, body).await?;
        let status = answer.status();
        // A setting that an earlier play left behind is written over, not made.
        let as_expected = status.as_u16() == expected || (expected == 201 && status == StatusCode::NO_CONTENT);
        self.mistakes += u32::from(!as_expected);
        let text: String = answer.text().await?.chars().take(100).collect();
        println!("{story}\n    {method} /{}/{endpoint}\n    {status} {text}", self.site.app.slug);
        Ok(())
    }

    async fn send(&self, method: &Method, endpoint: &str, body: Option<&'static str>) -> Told<Response> {
        let path = format!("/{}/{endpoint}", self.site.app.slug);
        let request = Signed { method: method.as_str(), path: &path, query: "" };
        let mut call = self.http.request(method.clone(), format!("{}{path}", self.address));
        let token = match endpoint {
            "atlassian-connect.json" => None,
            "installed" | "uninstalled" => Some(self.atlassian.install_token(&self.site, request, self.now)?),
            "enabled" | "account" => Some(self.site.host_token(request, self.now)?),
            _ => Some(self.site.context_token(self.now)?),
        };
        if let Some(token) = token {
            call = call.header("authorization", format!("JWT {token}"));
        }
        if matches!(endpoint, "installed" | "uninstalled" | "enabled") {
            call = call.header("content-type", "application/json").body(self.site.payload(endpoint).to_string());
        }
        if let Some(body) = body {
            call = call.header("content-type", "application/json").body(body);
        }
        Ok(call.send().await?)
    }
}
