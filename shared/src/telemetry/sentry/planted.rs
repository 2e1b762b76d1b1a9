//! Nothing of a person leaves, wherever in an event it stands (promises ).
//!
//! 100,000 events are made of seeds, with plants in every member and depth that the SDK has. What is promised of those members that are kept:
//! addresses, accounts, tokens, machines and telephones go wherever they stand; names go in the places that names are known by. Of all
//! others nothing is kept at all.

use std::thread;

use serde_json::{Value, json};

use super::reduce;
use crate::telemetry::browser_error::{BrowserError, Frame};
use crate::telemetry::plants::{Dice, Plant, Sort, plant, plant_without_name};

const EVENTS: u64 = 100_000;

/// Where anything but a name is found.
const ANYWHERE: [&str; 16] = [
    "Request for {} failed",
    "{}",
    "Error: {}: not found",
    "({})",
    "['{}']",
    "{\"id\":\"{}\",\"n\":1}",
    "{\\\"id\\\":\\\"{}\\\"}",
    "x={}",
    "first line\n{}\nlast line",
    "GET https://acme.atlassian.net/rest/api/3/x/{}/y failed",
    "see https://acme.atlassian.net/x?q={}&r=1 for more",
    "at https://acme.atlassian.net/x#{}",
    "a, {}, b",
    "<b>{}</b>",
    "value: {}.",
    "Cannot read properties of undefined (reading '{}')",
];

/// Where a name is found.
const OF_A_NAME: [&str; 20] = [
    "No access for user {}",
    "changed by {} today",
    "created for {}.",
    "Hello {}, welcome",
    "Dear {}:",
    "{} is not allowed to do this",
    "cannot find \"{}\"",
    "cannot find '{}' here",
    "{\"displayName\":\"{}\",\"n\":1}",
    "{\\\"displayName\\\":\\\"{}\\\"}",
    "{\"user\":{\"name\":\"{}\"}}",
    "author: {}, n: 1",
    "assignee={};n=1",
    "reporter = '{}'",
    "{creator: \"{}\"}",
    "firstName: Max, lastName: {}",
    "user={}&x=1",
    "https://acme.atlassian.net/x?name={}",
    "userName: {}",
    "ask {} (admin)",
];

const FILES: [&str; 10] = [
    "https://acme.atlassian.net/{}/app.js",
    "https://acme.atlassian.net/app.js?user={}",
    "https://acme.atlassian.net/app.js#{}",
    "https://{}@acme.atlassian.net/app.js",
    "https://u:{}@acme.atlassian.net/app.js",
    "webpack:///./src/{}/x.js",
    "webpack-internal:///./src/x.js?{}",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop/{}",
    "eval at f (https://acme.atlassian.net/app.js?u={}:1:2), <anonymous>",
    "blob:https://acme.atlassian.net/{}",
];

const FILES_OF_A_NAME: [&str; 6] = [
    "C:\\Users\\{}\\app\\x.js",
    "/ho\u{6d}e/{}/app/x.js",
    "file:///Us\u{65}rs/{}/app/x.js",
    "https://acme.atlassian.net/app.js?user={}",
    "https://acme.atlassian.net/app.js#{}",
    "https://acme.atlassian.net/people/{}/app.js",
];

const FUNCTIONS: [&str; 5] = ["{}", "Object.{}", "async {}", "get {}", "{} [as x]"];

/// An event on its way.
struct Planting {
    dice: Dice,
    plants: Vec<Plant>,
    /// How often something was planted.
    planted: usize,
}

/// One of each sort, for the members of which nothing is kept.
const EVERY_SORT: [Sort; 6] = [Sort::Email, Sort::Account, Sort::Token, Sort::Host, Sort::Phone, Sort::Name];

impl Planting {
    fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let plants = EVERY_SORT.map(|sort| plant(sort, &mut dice)).into();
        Self { dice, plants, planted: 0 }
    }

    /// In a member that is kept.
    fn in_one_of(&mut self, places: &[&str], plant: Plant) -> String {
        let place = self.dice.pick(places);
        let text = place.replace("{}", &plant.text);
        self.plants.push(plant);
        self.planted += 1;
        text
    }

    /// In a member of which nothing is kept.
    fn anything(&mut self) -> String {
        self.planted += 1;
        self.plants[self.dice.below(EVERY_SORT.len())].text.clone()
    }

    fn text(&mut self) -> String {
        if self.dice.below(3) == 0 {
            let name = plant(Sort::Name, &mut self.dice);
            return self.in_one_of(&OF_A_NAME, name);
        }
        let plant = plant_without_name(&mut self.dice);
        self.in_one_of(&ANYWHERE, plant)
    }

    fn file(&mut self) -> String {
        if self.dice.below(3) == 0 {
            let mut name = plant(Sort::Name, &mut self.dice);
            if self.dice.below(3) == 0 {
                name.text = name.text.replace(' ', "%20");
            }
            return self.in_one_of(&FILES_OF_A_NAME, name);
        }
        let plant = plant_without_name(&mut self.dice);
        self.in_one_of(&FILES, plant)
    }

    fn function(&mut self) -> String {
        let plant = plant_without_name(&mut self.dice);
        self.in_one_of(&FUNCTIONS, plant)
    }

    fn frame(&mut self) -> Value {
        let mut frame = json!({
            "filename": self.file(), "function": self.function(), "lineno": 1 + self.dice.below(900), "colno": 1 + self.dice.below(90_000),
            "abs_path": self.file(), "module": self.anything(), "context_line": self.anything(), "pre_context": [self.anything()], "post_context": [self.anything()],
            "vars": {"user": {"deep": [self.anything()]}},
        });
        if self.dice.below(8) == 0 {
            frame["filename"] = Value::Null;
        }
        frame
    }

    fn exception(&mut self) -> Value {
        let frames: Vec<_> = (0..1 + self.dice.below(2)).map(|_| self.frame()).collect();
        let kind = if self.dice.below(4) == 0 { self.text() } else { "TypeError".to_owned() };
        json!({
            "type": kind, "value": self.text(), "module": self.anything(), "thread_id": self.anything(),
            "mechanism": {"type": "generic", "data": {"handler": self.anything()}, "description": self.anything()},
            "stacktrace": {"frames": frames, "registers": {"r1": self.anything()}}, "raw_stacktrace": {"frames": [{"filename": self.anything()}]},
        })
    }

    fn event(&mut self) -> Value {
        let mut event = json!({
            "event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "platform": "javascript", "timestamp": 1_763_812_345.123, "level": "error",
            "user": {"id": self.anything(), "email": self.anything(), "username": self.anything(), "ip_address": self.anything(), "geo": {"city": self.anything()}},
            "request": {
                "url": self.anything(), "query_string": self.anything(), "cookies": {"a": self.anything()}, "data": {"deep": [[self.anything()]]},
                "headers": {"User-Agent": format!("Mozilla/5.0 ({}) Chrome/131.0.0.0", self.anything()), "Referer": self.anything()}, "env": {"REMOTE_ADDR": self.anything()},
            },
            "breadcrumbs": [
                {"category": "xhr", "data": {"url": self.anything(), "body": {"deep": self.anything()}}, "message": self.anything()},
                {"category": "ui.click", "message": self.anything()},
            ],
            "contexts": {"browser": {"name": self.anything()}, "state": {"value": {"deep": self.anything()}}, "trace": {"data": {"x": self.anything()}}, "culture": {"timezone": self.anything()}},
            "tags": {"user": self.anything()}, "extra": {"arguments": [{"deep": [self.anything()]}]}, "modules": {"a": self.anything()},
            "threads": {"values": [{"name": self.anything(), "stacktrace": {"frames": [{"function": self.anything()}]}}]},
            "fingerprint": [self.anything()], "transaction": self.anything(), "server_name": self.anything(), "release": self.anything(), "dist": self.anything(),
            "environment": self.anything(), "logger": self.anything(), "culprit": self.anything(), "errors": [{"value": self.anything()}],
            "sdk": {"name": self.anything(), "settings": {"x": self.anything()}, "packages": [{"name": self.anything()}]}, "debug_meta": {"images": [{"code_file": self.anything()}]},
            "spans": [{"description": self.anything()}], "measurements": {"x": {"unit": self.anything()}}, "_metrics_summary": {"x": self.anything()},
        });
        match self.dice.below(5) {
            0 => event["logentry"] = json!({"message": self.anything(), "formatted": self.text(), "params": [self.anything()]}),
            1 => event["message"] = json!(self.text()),
            _ => {
                let exceptions: Vec<_> = (0..1 + self.dice.below(2)).map(|_| self.exception()).collect();
                event["exception"] = json!({"values": exceptions});
                event["message"] = json!(self.anything());
            }
        }
        event
    }
}

/// What leaves of the event of a seed, and what was planted in it, how often.
fn leaving(seed: u64) -> (String, BrowserError, Planting) {
    let mut planting = Planting::of(seed);
    let event = planting.event().to_string();
    let agent = planting.anything();
    let reduced = reduce(event.as_bytes(), Some(&agent)).unwrap_or_else(|| panic!("the event of seed {seed} is none"));
    let error = BrowserError {
        event_id: "0".repeat(32),
        at: 0,
        addon_key: "com.example.app".to_owned(),
        client_key: "client".to_owned(),
        base_url: "https://acme.atlassian.net".to_owned(),
        tracking_id: "1".repeat(32),
        exceptions: reduced.exceptions,
        browser: reduced.browser,
        os: reduced.os,
    };
    (serde_json::to_string(&error).unwrap(), error, planting)
}

fn kept(frame: &Frame) -> bool {
    frame.file.is_some() && frame.function.is_some() && frame.line.is_some() && frame.column.is_some()
}

#[test]
fn no_plant_leaves_in_any_of_100_000_events() {
    let halves = [0..EVENTS / 2, EVENTS / 2..EVENTS].map(|seeds| {
        thread::spawn(move || {
            let (mut planted, mut frames, mut leaks) = (0, 0, Vec::new());
            for seed in seeds {
                let (json, error, Planting { plants, planted: of_event, .. }) = leaving(seed);
                planted += of_event;
                frames += error.exceptions.iter().flat_map(|exception| &exception.frames).filter(|frame| kept(frame)).count();
                let leak = plants.iter().find_map(|plant| plant.found_in(&json));
                leaks.extend(leak.map(|leak| format!("seed {seed}: {leak} leaves in {json}")));
            }
            (planted, frames, leaks)
        })
    });
    let (mut planted, mut frames, mut leaks) = (0, 0, Vec::new());
    for half in halves {
        let (of_half, frames_of_half, leaks_of_half) = half.join().unwrap();
        planted += of_half;
        frames += frames_of_half;
        leaks.extend(leaks_of_half);
    }
    assert!(leaks.is_empty(), "{} leak: {:#?}", leaks.len(), leaks.iter().take(5).collect::<Vec<_>>());
    // Nothing leaves of an event that is empty either.
    assert!(planted > 40 * 100_000 && frames > 100_000, "{planted} plants, {frames} frames");
}

#[test]
fn an_event_of_a_seed_is_always_the_same() {
    assert_eq!(leaving(7).0, leaving(7).0);
    assert_ne!(leaving(7).0, leaving(8).0);
}

/// What the test above would not see if it could see nothing.
#[test]
fn a_plant_is_seen_where_it_leaves() {
    let plant = plant(Sort::Email, &mut Dice::of(1));
    assert!(plant.found_in(&format!("{{\"message\":\"{}\"}}", plant.text)).is_some());
}
