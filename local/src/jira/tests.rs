//! The small Jira against the functions, over real sockets: what it does, what its page is told, and what it refuses.

use std::time::Duration;

mod issues;
mod leaving;
mod telemetry;

use axum::http::{Method, StatusCode};
use reqwest::Response;
use serde_json::{Value, json};
use shared::platform::http_client::http_client;

use crate::atlassian::Atlassian;
use crate::log_feed::LogFeed;
use crate::machine::{Machine, MachineFault, Plan};

const DAY: u64 = 86_400;

fn plan() -> Plan {
    Plan { folder: None, functions_port: 0, jira_port: 0, s3_port: 0, install_keys_url: None, log_feed: LogFeed::default() }
}

struct Player {
    machine: Machine,
    http: reqwest::Client,
}

impl Player {
    async fn new() -> Self {
        Self::with(plan(), Atlassian::new().unwrap()).await
    }

    async fn with(plan: Plan, atlassian: Atlassian) -> Self {
        Self { machine: Machine::start(plan, atlassian).await.unwrap(), http: http_client().unwrap() }
    }

    fn play(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}/play/{path}", self.machine.jira()))
    }

    async fn get(&self, path: &str) -> Value {
        json(self.play(Method::GET, path).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.play(Method::POST, path).header("content-type", "application/json");
        // Months may have to pass before the answer.
        request.body(body.to_string()).timeout(Duration::from_secs(60)).send().await.unwrap()
    }

    async fn act(&self, site: &str, doing: &str) -> Value {
        json(self.post(&format!("sites/{site}/doings"), &json!({"doing": doing})).await).await
    }

    async fn advance(&self, days: u64) -> Value {
        json(self.post("clock", &json!({"seconds": days * DAY})).await).await
    }

    async fn configuration(&self, site: &str, user: &str, method: Method, name: &str) -> u16 {
        let token = self.get(&format!("sites/{site}/token?user={user}")).await["token"].as_str().unwrap().to_owned();
        let address = format!("{}/test-management/configuration{name}", self.machine.functions());
        let request = self.http.request(method, address).header("authorization", format!("JWT {token}"));
        request.header("content-type", "application/json").body(r#""blue""#).send().await.unwrap().status().as_u16()
    }

    async fn sees(&self, site: &str) -> Vec<u64> {
        let seen = self.get(&format!("sites/{site}/seen")).await;
        seen["seen"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect()
    }

    async fn standing(&self, site: &str) -> String {
        let state = self.get("state").await;
        let sites = state["sites"].as_array().unwrap();
        sites.iter().find(|one| one["key"] == site).unwrap()["standing"].as_str().unwrap().to_owned()
    }
}

async fn json(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_customer_installs_leaves_and_is_gone() {
    let player = Player::new().await;
    let installed = player.act("acme", "install").await;
    assert_eq!(installed["sent"], json!([{"event": "installed", "status": 204}, {"event": "enabled", "status": 204}]));
    assert_eq!(player.configuration("acme", "ada", Method::PUT, "/theme").await, 201);
    let page = player.get("sites/acme/page?user=max").await["address"].as_str().unwrap().to_owned();
    assert_eq!(player.http.get(page).send().await.unwrap().status(), StatusCode::OK);
    let stored = player.get("sites/acme/stored").await;
    assert_eq!((&stored["gone"], &stored["remains"]["records"], &stored["remains"]["readable"]), (&json!(false), &json!(1), &json!(2)));
    let lying = stored.to_string();
    assert!(lying.contains("sealed, ") && !lying.contains("theme") && !lying.contains("blue"), "{lying}");

    assert_eq!(player.sees("acme").await, [200, 200]);
    assert!(player.get("sites/acme/seen").await.to_string().contains("theme"));

    player.act("acme", "leave").await;
    assert_eq!(player.sees("acme").await, [401, 401]);
    assert_eq!((player.standing("acme").await.as_str(), player.configuration("acme", "ada", Method::GET, "").await), ("Left", 401));
    player.advance(109).await;
    assert_eq!(player.get("sites/acme/stored").await["gone"], false, "the grace is not over");
    let moved = player.advance(2).await;
    let said = moved["said"].as_str().unwrap();
    assert!(said.contains("purge ran ") && said.contains("purge-worker handled "), "{said}");
    let stored = player.get("sites/acme/stored").await;
    assert_eq!((&stored["gone"], &stored["remains"]["readable"], &stored["remains"]["unreadable"]), (&json!(true), &json!(0), &json!(0)));
    assert_eq!(stored["said"], "Nothing sealed of acme is left, and no keys are.");

    assert!(player.act("acme", "install").await["said"].as_str().unwrap().contains("begins anew"));
    let stored = player.get("sites/acme/stored").await;
    assert_eq!((&stored["gone"], &stored["remains"]["records"], &stored["remains"]["unreadable"]), (&json!(false), &json!(0), &json!(0)));
}

#[tokio::test]
async fn a_site_that_is_renamed_and_rotated_still_reaches_its_settings() {
    let player = Player::new().await;
    for doing in ["install", "rename", "rotate", "upgrade", "disable", "enable"] {
        assert_eq!(player.act("acme", doing).await["changed"], true, "{doing}");
        assert_eq!(player.configuration("acme", "ada", Method::PUT, "/theme").await / 100, 2, "{doing}");
    }
    assert_eq!(player.machine.sites().site("acme").unwrap().site.base_url, format!("{}/acme-renamed-1", player.machine.jira()));
}

#[tokio::test]
async fn the_site_is_asked_over_a_socket_and_its_answer_counts() {
    let player = Player::new().await;
    player.act("acme", "install").await;
    assert_eq!(player.configuration("acme", "max", Method::PUT, "/theme").await, 403);
    player.post("sites/acme/trouble", &json!({"trouble": "broken"})).await;
    assert_eq!(player.configuration("acme", "ada", Method::PUT, "/theme").await, 503);
    player.post("sites/acme/trouble", &json!({"trouble": "none"})).await;
    assert_eq!(player.configuration("acme", "ada", Method::PUT, "/theme").await, 201);
    let calls = player.get("calls").await;
    assert!(calls[0]["for_view"] == false && !calls.to_string().contains("theme"));
    assert_eq!(calls[0]["path"], "/test-management/configuration/…");
    let round_trips = calls[0]["round_trips"].as_array().unwrap();
    assert!(round_trips.contains(&json!("site POST /rest/api/3/permissions/check")) && round_trips.contains(&json!("DynamoDB.UpdateItem")));
}

#[tokio::test]
async fn a_doing_that_makes_no_sense_or_has_no_answer_changes_nothing() {
    let player = Player::new().await;
    for doing in ["upgrade", "leave", "disable"] {
        let answer = player.post("sites/acme/doings", &json!({"doing": doing})).await;
        assert_eq!(answer.status(), StatusCode::CONFLICT, "{doing}");
    }
    assert_eq!(player.post("sites/nobody/doings", &json!({"doing": "install"})).await.status(), StatusCode::NOT_FOUND);
    // Whoever does not have the key that is published is not believed.
    let forger = Machine::start(
        Plan { install_keys_url: Some(format!("{}/install-keys", player.machine.jira())), ..plan() },
        Atlassian::new().unwrap(),
    );
    let forger = Player { machine: forger.await.unwrap(), http: http_client().unwrap() };
    let refused = forger.act("acme", "install").await;
    assert_eq!((&refused["changed"], &refused["sent"]), (&json!(false), &json!([{"event": "installed", "status": 401}])));
    assert_eq!(forger.standing("acme").await, "Not installed");
}

#[tokio::test]
async fn a_machine_started_again_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = || Plan { folder: Some(folder.path().to_owned()), ..plan() };
    let atlassian = Atlassian::new().unwrap();
    let player = Player::with(in_folder(), atlassian.clone()).await;
    assert!(matches!(Machine::start(in_folder(), atlassian.clone()).await, Err(MachineFault::Taken(_))));
    player.act("acme", "install").await;
    assert_eq!(player.configuration("acme", "ada", Method::PUT, "/theme").await, 201);
    let then = player.advance(30).await["now"].as_str().unwrap().to_owned();
    drop(player);

    let again = Player::with(in_folder(), atlassian).await;
    assert!(again.get("state").await["now"].as_str().unwrap() >= then.as_str());
    assert_eq!((again.standing("acme").await.as_str(), again.configuration("acme", "max", Method::GET, "/theme").await), ("Active", 200));
    assert_eq!(again.act("acme", "leave").await["changed"], true);
}

#[tokio::test]
async fn another_page_in_the_same_browser_gets_nothing_and_does_nothing() {
    let player = Player::new().await;
    let act = |name: &'static str, value: String| {
        let request = player.play(Method::POST, "sites/acme/doings").header("content-type", "application/json").header(name, value);
        request.body(r#"{"doing":"install"}"#).send()
    };
    assert_eq!(act("origin", player.machine.functions().to_owned()).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(act("host", "evil.example".to_owned()).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    let form = player.play(Method::POST, "clock").header("content-type", "text/plain").body(r#"{"seconds":86400}"#).send().await.unwrap();
    assert_eq!(form.status(), StatusCode::FORBIDDEN);
    assert_eq!(player.standing("acme").await, "Not installed");
    assert_eq!(act("origin", player.machine.jira().to_owned()).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_and_the_bridge_are_served_and_guarded() {
    let player = Player::new().await;
    for (path, kind, part) in [
        ("/", "text/html; charset=utf-8", "<select id=\"site\">"),
        ("/jira.css", "text/css; charset=utf-8", "prefers-color-scheme"),
        ("/jira.js", "text/javascript; charset=utf-8", "state.functions"),
        ("/leaving.js", "text/javascript; charset=utf-8", "drawLeaving"),
        ("/issues.js", "text/javascript; charset=utf-8", "issuesOf"),
        ("/stored.js", "text/javascript; charset=utf-8", "drawStored"),
        ("/certificate.js", "text/javascript; charset=utf-8", "drawCertificate"),
        ("/drawing.js", "text/javascript; charset=utf-8", "replaceChildren"),
        ("/all.js", "text/javascript; charset=utf-8", "window.AP ="),
    ] {
        let answer = player.http.get(format!("{}{path}", player.machine.jira())).send().await.unwrap();
        let headers = answer.headers().clone();
        assert_eq!(
            (headers["content-type"].as_bytes(), headers["x-content-type-options"].as_bytes()),
            (kind.as_bytes(), &b"nosniff"[..]),
            "{path}"
        );
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains(player.machine.functions()) && !policy.contains("unsafe"));
        assert!(answer.text().await.unwrap().contains(part), "{path}");
    }
    // The page works under one name only.
    let elsewhere = player.machine.jira().replace("localhost", "127.0.0.1");
    let answer = player.http.get(&elsewhere).send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()["location"].to_str().unwrap()),
        (StatusCode::TEMPORARY_REDIRECT, format!("{}/", player.machine.jira()).as_str())
    );
}
