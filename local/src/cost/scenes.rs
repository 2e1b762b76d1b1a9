//! What is measured: the requests of an ordinary day, the steps of a tenant's life, and what runs by the clock. Each is done once, for real, on the
//! embedded AWS; what it asked for is counted.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::CostFault;
use super::counting::{self, Counting};
use super::issues::{self, Issues};
use super::size::Stored;
use super::stage::{Stage, Step, Traffic};
use crate::atlassian::Site;
use crate::aws::Service;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How long a setting is here; it does not compress.
pub(super) const SETTING_BYTES: usize = 600;
/// How many settings a tenant has here, and so how many a list shows.
pub(super) const SETTINGS: u16 = 20;
/// How many files it has here.
pub(super) const FILES: u16 = 20;
/// How long a file is that comes in one request.
pub(super) const FILE_BYTES: usize = 1 << 20;
/// How long one is that comes in parts.
pub(super) const LARGE_FILE_BYTES: usize = 20 << 20;
/// The length of a part.
const PART_BYTES: usize = 8 << 20;
/// How many tenants are asked about when questions to sites are counted.
pub(super) const ASKED_TENANTS: u16 = 20;
/// How many hours a purge may take here.
const MOST_HOURS: u32 = 24;

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// Everything that was measured.
pub(super) struct Scenes {
    pub(super) day: Day,
    pub(super) life: Life,
    /// One run of each function that has a schedule, with nothing to do.
    pub(super) runs: Vec<Step>,
    /// A week of one of them with [`ASKED_TENANTS`], each of which it asks once.
    pub(super) asking: Step,
    pub(super) counting: Counting,
    /// What one tenant holds, with its settings and files.
    pub(super) stored: Stored,
    /// What a purge leaves of it.
    pub(super) left_over: Stored,
}

/// Requests.
pub(super) struct Day {
    pub(super) read: Step,
    pub(super) read_cold: Step,
    pub(super) list: Step,
    pub(super) write: Step,
    pub(super) page: Step,
    pub(super) file_in: Step,
    pub(super) file_out: Step,
    pub(super) large_file: Step,
    pub(super) file_gone: Step,
    pub(super) descriptor: Step,
    pub(super) issues: Issues,
}

/// Comings and goings.
pub(super) struct Life {
    pub(super) install: Step,
    pub(super) upgrade: Step,
    pub(super) leave: Step,
    pub(super) come_back: Step,
    pub(super) purge: Step,
}

impl Day {
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        let settings = [&self.read, &self.read_cold, &self.list, &self.write, &self.page];
        let files = [&self.file_in, &self.file_out, &self.large_file, &self.file_gone, &self.descriptor];
        settings.into_iter().chain(files).chain(self.issues.steps())
    }
}

impl Life {
    pub(super) const fn steps(&self) -> [&Step; 5] {
        [&self.install, &self.upgrade, &self.leave, &self.come_back, &self.purge]
    }
}

/// Measures everything.
pub(super) async fn measure() -> Result<Scenes, CostFault> {
    let (asking, counting) = (asking().await?, counting::measure().await?);
    let mut stage = Stage::start().await?;
    let runs = runs(&stage).await?;
    let site = stage.site.clone();
    let install = stage.measure("a site installs the app for the first time", &["installed"], stage.lifecycle(&site, "installed")).await?;
    let day = day(&mut stage).await?;
    let stored = Stored::of(stage.aws())?;
    let idle = runs.iter().find(|run| run.ran == ["purge"]).ok_or(CostFault::Unlike("a run of `purge`"))?;
    let (life, left_over) = life(&stage, install, idle).await?;
    Ok(Scenes { day, life, runs, asking, counting, stored, left_over })
}

async fn day(stage: &mut Stage) -> Result<Day, CostFault> {
    let setting = noise_text(SETTING_BYTES);
    for number in 1..SETTINGS {
        stage.page_calls(Method::PUT, &format!("configuration/name-{number}"), JSON, setting.clone()).await?;
    }
    stage.page_calls(Method::PUT, "configuration/colour", JSON, setting.clone()).await?;
    for number in 1..FILES {
        let target = format!("attachments?name=plan-{number}.txt&owner=case-{number}");
        stage.page_calls(Method::POST, &target, BYTES, noise(1_000)).await?;
    }
    let target = "attachments?name=plan.txt&owner=case-1";
    let file = stage.page_calls(Method::POST, target, BYTES, noise(FILE_BYTES)).await?.json()?;
    let file = format!("attachments/{}", text(&file, "id")?);
    stage.loads("page").await?;
    stage.restarted().await?;
    let stage = &*stage;
    let page = async |method, target, kind, body: Bytes| Ok(stage.page_calls(method, target, kind, body).await?.traffic);
    let none = Bytes::new;
    let configuration = &["configuration"][..];
    let attachments = &["attachments"][..];
    let read = || page(Method::GET, "configuration/colour", JSON, none());
    let read_cold = stage.measure("the same, by a function that does not have the tenant's keys yet", configuration, read()).await?;
    // Whatever is measured from here on is measured where the keys are at hand.
    page(Method::GET, &file, BYTES, none()).await?;
    stage.loads("page").await?;
    Ok(Day {
        read: stage.measure("a setting is read", configuration, read()).await?,
        read_cold,
        list: stage.measure("20 settings are listed", configuration, page(Method::GET, "configuration", JSON, none())).await?,
        write: stage
            .measure("a setting is written", configuration, page(Method::PUT, "configuration/colour", JSON, setting.into()))
            .await?,
        page: {
            // What the site said of the user is forgotten after a minute.
            stage.pass(Duration::from_secs(61));
            stage.measure("the app's page is opened", &["page"], async { Ok(stage.loads("page").await?.traffic) }).await?
        },
        file_in: stage
            .measure("a file of 1 MiB is attached", attachments, page(Method::POST, target, BYTES, noise(FILE_BYTES).into()))
            .await?,
        file_out: stage.measure("it is read", attachments, page(Method::GET, &file, BYTES, none())).await?,
        large_file: {
            // Begun and completed by one function, sealed by another.
            let ran = ["attachments", "attachments", "attachment-seal"];
            stage.measure("a file of 20 MiB is uploaded in parts, and sealed", &ran, large_file(stage)).await?
        },
        file_gone: stage.measure("a file is removed", attachments, page(Method::DELETE, &file, BYTES, none())).await?,
        descriptor: {
            let ask = page(Method::GET, "atlassian-connect.json", JSON, none());
            stage.measure("the descriptor is read", &["descriptor"], ask).await?
        },
        issues: issues::measure(stage).await?,
    })
}

async fn large_file(stage: &Stage) -> Result<Traffic, CostFault> {
    let bytes = Bytes::from(noise(LARGE_FILE_BYTES));
    let parts: Vec<Bytes> = bytes.chunks(PART_BYTES).map(Bytes::copy_from_slice).collect();
    let sums: Vec<String> = parts.iter().map(|part| super::size::sha256(part)).collect();
    let said = json!({"name": "film.mov", "size": bytes.len(), "parts": sums}).to_string();
    let begun = stage.page_calls(Method::POST, "attachments/uploads", JSON, said).await?;
    let mut traffic = begun.traffic;
    let begun = begun.json()?;
    let missing = begun.get("missing").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (address, part) in missing.iter().zip(parts) {
        stage.put_part(address, part).await?;
    }
    let target = format!("attachments/uploads/{}/complete", text(&begun, "id")?);
    let completed = stage.page_calls(Method::POST, &target, JSON, Bytes::new()).await?.traffic;
    stage.host.deliver().await?;
    traffic.carried = super::stage::count(bytes.len());
    traffic.came += completed.came;
    traffic.went += completed.went;
    Ok(traffic)
}

async fn life(stage: &Stage, install: Step, idle: &Step) -> Result<(Life, Stored), CostFault> {
    let site = &stage.site;
    // So long after the installation that nobody doubts that it is meant.
    stage.pass(25 * HOUR);
    let upgrade = stage.measure("the app is upgraded on a site", &["installed"], stage.lifecycle(site, "installed")).await?;
    stage.pass(25 * HOUR);
    let leave = stage.measure("a customer leaves", &["uninstalled"], leaves(stage)).await?;
    stage.pass(HOUR);
    let come_back = stage.measure("they come back in time", &["installed"], stage.lifecycle(site, "installed")).await?;
    stage.pass(25 * HOUR);
    leaves(stage).await?;
    stage.pass(111 * DAY);
    let mut hours = 0;
    let mut purge = stage.measure("they are purged, verified twice, certified", &[], purged(stage, &mut hours)).await?;
    // The hourly runs come anyway; each message that was sent is a run of the worker.
    purge.usage = purge.usage.less(&idle.usage, hours);
    purge.ran.extend((0..purge.usage.sent()).map(|_| "purge-worker"));
    Ok((Life { install, upgrade, leave, come_back, purge }, Stored::of(stage.aws())?))
}

async fn leaves(stage: &Stage) -> Result<Traffic, CostFault> {
    let traffic = stage.lifecycle(&stage.site, "uninstalled").await?;
    stage.jira.remove(&stage.site);
    Ok(traffic)
}

/// From the run that finds it due to the certificate, with the hourly runs in between.
async fn purged(stage: &Stage, hours: &mut u32) -> Result<Traffic, CostFault> {
    while *hours < MOST_HOURS {
        run(stage, "purge").await?;
        *hours += 1;
        for _ in 0..60 {
            stage.pass(Duration::from_secs(60));
            stage.host.deliver().await?;
        }
        if stage.aws().calls().count(Service::Kms, "Sign") > 0 {
            return Ok(Traffic::default());
        }
    }
    Err(CostFault::Circle)
}

async fn run(stage: &Stage, function: &str) -> Result<Traffic, CostFault> {
    match stage.host.run_schedule(function).await {
        Some(Ok(_)) => Ok(Traffic::default()),
        Some(Err(problem)) => Err(CostFault::RunFailed(function.to_owned(), problem.reason().0.into_owned())),
        None => Err(CostFault::Unlike("a schedule")),
    }
}

/// Each function that has a schedule, run where there is nobody.
async fn runs(stage: &Stage) -> Result<Vec<Step>, CostFault> {
    let mut runs = Vec::new();
    for (what, function) in SCHEDULED {
        runs.push(stage.measure(what, &[function], run(stage, function)).await?);
    }
    Ok(runs)
}

/// Those that have a schedule; a test holds this against the template.
pub(super) const SCHEDULED: [(&str, &str); 6] = [
    ("`purge` finds nothing due", "purge"),
    ("`doubtful` finds nothing due", "doubtful"),
    ("`dormant` finds nobody to ask", "dormant"),
    ("`attachment-reconcile` finds nothing", "attachment-reconcile"),
    ("`issue-copies-sweep` finds nothing over", "issue-copies-sweep"),
    ("`usage-salts` finds none over", "usage-salts"),
];

/// A week in which every site is asked once.
async fn asking() -> Result<Step, CostFault> {
    let stage = Stage::start().await?;
    for number in 0..ASKED_TENANTS {
        let name = format!("tenant-{number:04}");
        let site = Site { client_key: name.clone(), base_url: format!("https://{name}.atlassian.net"), ..stage.site.clone() };
        stage.lifecycle(&site, "installed").await?;
    }
    let week = async {
        for _ in 0..7 {
            stage.pass(DAY);
            run(&stage, "dormant").await?;
        }
        Ok(Traffic::default())
    };
    stage.measure("20 sites are asked, once a week, whether the app is still wanted", &["dormant"; 7], week).await
}

fn text(answer: &Value, name: &'static str) -> Result<String, CostFault> {
    Ok(answer.get(name).and_then(Value::as_str).ok_or(CostFault::Unlike(name))?.to_owned())
}

/// Bytes that do not compress well.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [high, ..] = state.to_be_bytes();
        high
    };
    (0..length).map(|_| next()).collect()
}

/// A JSON text of this length, quotes included.
pub(super) fn noise_text(length: usize) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let inner = noise(length.saturating_sub(2)).into_iter().filter_map(|byte| letters.get(usize::from(byte % 64)));
    format!("\"{}\"", inner.map(|letter| char::from(*letter)).collect::<String>())
}
