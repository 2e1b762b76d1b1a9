//! The local host: the embedded AWS with the template's tables, every function with the environment that the template gives it, and the front
//! door over them. Each function has a platform, and so caches, of its own, as on Lambda.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use serde_json::Value;
use shared::platform::clock::Clock;
use shared::platform::config::{Config, ConfigFault};
use shared::platform::invocation::Invocation;
use shared::platform::log_lines::LogLines;
use shared::platform::outbound::Outbound;
use shared::platform::random::Random;
use shared::platform::schedule::{Deadline, Report};
use shared::platform::{Outside, Platform};
use shared::problem::{Problem, Refusal};
use tokio::sync::{Mutex, MutexGuard};

use crate::aws::{self, ACCESS_KEY, EmbeddedAws, REGION, SECRET_KEY};
use crate::delivery::{Delivery, DeliveryFault, End};
use crate::front_door::{Behaviour, front_door};
use crate::log_feed::{LogFeed, LogFeeder};
use crate::mounts::{MOUNTS, WORKERS, Work};
use crate::operator_door;
use crate::template::{Template, TemplateFault, bucket_name};
use crate::time_passing::Passing;
use crate::timetable::Timetable;

/// What the front door presents here. It guards nothing on this machine, but the code path is the same.
pub const ORIGIN_SECRET: &str = "local-front-door-local-front-door";

/// How often Lambda invokes a function with the same lines if it fails.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.
const ATTEMPTS: usize = 3;

/// How a local host is to be.
pub struct Settings {
    /// Where its state is kept; `None`: in memory, empty.
    pub folder: Option<PathBuf>,
    /// Under which scheme, host and port it is reached: part of every token's audience.
    pub public_url: String,
    /// Where install keys are published.
    pub install_keys_urls: String,
    /// The hosts that sites may have, as the configuration lists them.
    pub site_hosts: String,
    /// Where the script lies that pages load to talk to the site around them.
    pub bridge_script_url: String,
    /// The way to sites.
    pub sites: Arc<dyn Outbound>,
    /// The way to the outside services that telemetry goes to.
    pub sinks: Arc<dyn Outbound>,
    /// Where those are: each variable of theirs, as the template would give it.
    pub sink_variables: SinkVariables,
    /// Where browsers reach the embedded S3; `None`: nowhere, and what is presigned names the real one.
    pub s3_origin: Option<String>,
    /// The clock that everything goes by.
    pub clock: Arc<dyn Clock>,
    /// The randomness that everything takes.
    pub random: Arc<dyn Random>,
}

/// Where the outside services are that telemetry goes to, and what lets us in there; `off` for each that is.
#[derive(Clone, Debug)]
pub struct SinkVariables {
    /// Of Sentry.
    pub sentry_dsn: String,
    /// Of Google Analytics.
    pub ga4_url: String,
    /// The data stream there.
    pub ga4_measurement_id: String,
    /// Its secret.
    pub ga4_api_secret: String,
    /// Of Datadog.
    pub datadog_api_url: String,
    /// Its key.
    pub datadog_api_key: String,
}

impl SinkVariables {
    /// All are off.
    #[must_use]
    pub fn off() -> Self {
        let off = || "off".to_owned();
        Self {
            sentry_dsn: off(),
            ga4_url: "https://www.google-analytics.com".to_owned(),
            ga4_measurement_id: off(),
            ga4_api_secret: off(),
            datadog_api_url: off(),
            datadog_api_key: off(),
        }
    }
}

/// Why a local host does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostFault {
    /// The embedded AWS does not start.
    #[error(transparent)]
    Aws(#[from] aws::StartFault),
    /// The template is not readable, or names what is not there.
    #[error(transparent)]
    Template(#[from] TemplateFault),
    /// A function's environment in the template is not complete.
    #[error("{0}: {1}")]
    Config(String, ConfigFault),
    /// The template names a function that is not mounted.
    #[error("cannot mount {0}: add it to local/src/mounts.rs")]
    NotMounted(String),
}

/// A running world in this process.
pub struct LocalHost {
    aws: EmbeddedAws,
    platforms: BTreeMap<String, Platform>,
    functions: BTreeMap<String, Router>,
    front: Router,
    delivery: Delivery,
    /// The lines that are to be handed on, if anybody writes some there.
    log_feed: LogFeed,
    log_feeder: LogFeeder,
    template: Template,
    clock: Arc<dyn Clock>,
    /// One at a time.
    passing: Mutex<Passing>,
}

impl LocalHost {
    /// Starts it.
    ///
    /// # Errors
    /// [`HostFault`].
    pub async fn start(settings: Settings) -> Result<Self, HostFault> {
        let aws = match &settings.folder {
            Some(folder) => EmbeddedAws::in_folder(folder, Arc::clone(&settings.clock))?,
            None => EmbeddedAws::in_memory(Arc::clone(&settings.clock))?,
        };
        Self::start_on(aws, &settings).await
    }

    /// Starts it on an AWS that is there already: as a second deployment of the same code, with cold caches.
    ///
    /// # Errors
    /// [`HostFault`].
    pub async fn start_on(aws: EmbeddedAws, settings: &Settings) -> Result<Self, HostFault> {
        let template = Template::deployed()?;
        for table in template.tables()? {
            aws.create_table(&table)?;
        }
        for bucket in template.buckets(&settings.public_url)? {
            aws.create_bucket(&bucket)?;
        }
        if let Some(origin) = &settings.s3_origin {
            aws.serve_s3_at(origin);
        }
        let mut made = Made {
            wrapping_key: aws.create_wrapping_key("alias/lethe-wrapping-key").await?,
            certificate_key: aws.create_signing_key("alias/lethe-certificate-key").await?,
            queues: BTreeMap::new(),
        };
        for queue in template.queue_specs()? {
            made.queues.insert(queue.name.clone(), aws.create_queue(queue)?);
        }
        let (mut platforms, mut functions) = (BTreeMap::new(), BTreeMap::new());
        for id in template.functions() {
            let name = Template::function_name(&id);
            let config = config(&template, &id, settings, &made)?;
            let outside = Outside {
                clock: Arc::clone(&settings.clock),
                random: Arc::clone(&settings.random),
                aws: Some(aws.http_client()),
                sites: Arc::clone(&settings.sites),
                sinks: Arc::clone(&settings.sinks),
            };
            let platform = Platform::new(config, outside);
            if let Some((_, routes)) = MOUNTS.iter().find(|(mounted, _)| *mounted == name) {
                functions.insert(name.clone(), routes(platform.clone()));
            } else if work(&name).is_none() {
                return Err(HostFault::NotMounted(name));
            }
            platforms.insert(name, platform);
        }
        let mut behaviours = Vec::new();
        for route in template.routes()? {
            let name = Template::function_name(&route.function);
            let function = functions.get(&name).cloned().ok_or(HostFault::NotMounted(name))?;
            behaviours.push(Behaviour { pattern: route.pattern, function, streams: template.streams(&route.function) });
        }
        let front = front_door(behaviours, HeaderValue::from_static(ORIGIN_SECRET));
        let mut ends = Vec::new();
        for trigger in template.queue_triggers()? {
            let name = Template::function_name(&trigger.function);
            let (Some(Work::Queue(handler)), Some(platform)) = (work(&name), platforms.get(&name)) else {
                return Err(HostFault::NotMounted(name));
            };
            ends.push(End { trigger, platform: platform.clone(), handler });
        }
        let delivery = Delivery::new(aws.clone(), template.rules()?, ends);
        let (log_feed, log_feeder) = (LogFeed::default(), LogFeeder::of(template.subscriptions()?, Arc::clone(&settings.random)));
        let clock = Arc::clone(&settings.clock);
        let passing = Mutex::new(Passing::by(Timetable::of(template.schedules()?, clock.now().epoch_seconds())));
        Ok(Self { aws, platforms, functions, front, delivery, log_feed, log_feeder, template, clock, passing })
    }

    /// The same, with the log of this process as that of its functions: what they write is handed on as time passes.
    #[must_use]
    pub fn fed_by(self, log_feed: LogFeed) -> Self {
        Self { log_feed, ..self }
    }

    /// The embedded AWS below.
    #[must_use]
    pub const fn aws(&self) -> &EmbeddedAws {
        &self.aws
    }

    /// Everything, as Atlassian and browsers reach it.
    pub fn front(&self) -> Router {
        self.front.clone()
    }

    /// One function alone, as its function URL reaches it.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<Router> {
        self.functions.get(name).cloned()
    }

    /// A request to a function that only operators call, as this principal of IAM's, by its ARN. Which function it is says the path, after the
    /// app; any other is 404, because no other lets an operator in.
    pub async fn as_operator(&self, principal: &str, request: Request) -> Response {
        let named = request.uri().path().split('/').nth(2).unwrap_or_default();
        let is_theirs = self.template.operators().iter().any(|id| Template::function_name(id) == named);
        match self.function(named).filter(|_| is_theirs) {
            Some(function) => operator_door::pass(function, principal, request).await,
            None => Response::builder().status(404).body(Body::empty()).unwrap_or_default(),
        }
    }

    /// Tells the functions what S3 has told, and hands them every message that can be seen now: each once. Says how many are done with; see
    /// [`waits`](Self::waits) for the others, which come again when their queue's time is over.
    ///
    /// # Errors
    /// [`DeliveryFault`]; a function that fails is none.
    pub async fn deliver(&self) -> Result<usize, DeliveryFault> {
        Ok(self.delivery.deliver().await?.values().map(|handled| handled.done).sum())
    }

    /// How many messages wait to be delivered, or delivered again.
    #[must_use]
    pub fn waits(&self) -> usize {
        self.delivery.waits()
    }

    /// Puts a message into a queue, by its logical id in the template.
    ///
    /// # Errors
    /// [`DeliveryFault::Store`] if there is no such queue.
    pub fn send_to_queue(&self, queue: &str, body: String) -> Result<(), DeliveryFault> {
        self.delivery.send(queue, body)
    }

    /// Hands lines of the log to the functions that have subscribed to them, and says how many those were sent. Like Lambda it tries a few
    /// times, and then the lines are lost.
    ///
    /// # Errors
    /// What a function failed with at last.
    pub async fn count_lines(&self, lines: &[String]) -> Result<usize, Problem> {
        let mut sent = 0;
        for (function, count, event) in self.log_feeder.events(lines) {
            let name = Template::function_name(&function);
            let (Some(Work::Logs(handle)), Some(platform)) = (work(&name), self.platform(&name)) else {
                return Err(Problem::new(Refusal::Internal, "a log leads to a function that takes no lines"));
            };
            let lines = LogLines::read(&event)?;
            let mut handled = handle(platform.clone(), lines.clone()).await;
            for _ in 1..ATTEMPTS {
                if handled.is_err() {
                    handled = handle(platform.clone(), lines.clone()).await;
                }
            }
            handled?;
            sent += count;
        }
        Ok(sent)
    }

    /// The same with all lines that wait. What becomes of them the function itself has told its log.
    pub(crate) async fn hand_on_lines(&self) -> usize {
        self.count_lines(&self.log_feed.take()).await.unwrap_or_default()
    }

    /// What the functions of queues could never do, or failed at too often.
    ///
    /// # Errors
    /// [`DeliveryFault`] if the queues of dead letters cannot be read.
    pub async fn dead_letters(&self) -> Result<Vec<Value>, DeliveryFault> {
        self.delivery.dead_letters().await
    }

    /// Runs every function that has a schedule once, by its name, whenever it is due.
    pub async fn run_schedules(&self) -> BTreeMap<String, Result<Report, Problem>> {
        let mut ran = BTreeMap::new();
        for schedule in self.template.schedules().unwrap_or_default() {
            if let Some(report) = self.run(&schedule.function).await {
                ran.insert(Template::function_name(&schedule.function), report);
            }
        }
        ran
    }

    /// Runs one function that has a schedule, by its name, whenever it is due; nothing, if there is none of this name.
    pub async fn run_schedule(&self, name: &str) -> Option<Result<Report, Problem>> {
        let schedules = self.template.schedules().unwrap_or_default();
        let schedule = schedules.into_iter().find(|schedule| Template::function_name(&schedule.function) == name)?;
        self.run(&schedule.function).await
    }

    /// Runs a function once, by its logical id; nothing, if it is none that a schedule could run.
    pub(crate) async fn run(&self, function: &str) -> Option<Result<Report, Problem>> {
        let name = Template::function_name(function);
        let (Some(Work::Schedule(run)), Some(platform)) = (work(&name), self.platform(&name)) else { return None };
        let deadline = Deadline::after(&platform, self.template.timeout(function));
        Some(run(platform, deadline).await)
    }

    /// Invokes a function by its name, as a person does by hand.
    ///
    /// # Errors
    /// What the function failed with; 404 if there is none of this name that is invoked so.
    pub async fn invoke(&self, name: &str, event: Value) -> Result<Report, Problem> {
        let id = self.template.functions().into_iter().find(|id| Template::function_name(id) == name);
        let (Some(id), Some(Work::Invoked(run)), Some(platform)) = (id, work(name), self.platform(name)) else {
            return Err(Problem::new(Refusal::NotFound, "no such function is invoked by hand"));
        };
        let deadline = Deadline::after(&platform, self.template.timeout(&id));
        run(platform, Invocation { event, deadline }).await
    }

    pub(crate) const fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) async fn passing(&self) -> MutexGuard<'_, Passing> {
        self.passing.lock().await
    }

    /// The platform of one function, with its caches.
    #[must_use]
    pub fn platform(&self, name: &str) -> Option<Platform> {
        self.platforms.get(name).cloned()
    }
}

/// What a function of this name does for a queue, a schedule, a log or a person.
fn work(name: &str) -> Option<Work> {
    WORKERS.iter().find(|(mounted, _)| *mounted == name).map(|(_, work)| *work)
}

/// What has another name here than in the template.
struct Made {
    wrapping_key: String,
    certificate_key: String,
    /// The address of each queue.
    queues: BTreeMap<String, String>,
}

/// A function's configuration, from the environment that the template gives it. Three things differ on this machine: the public URL is plain
/// HTTP, and region and credentials are what the embedded AWS takes, as Lambda would set them.
fn config(template: &Template, function: &str, settings: &Settings, made: &Made) -> Result<Config, HostFault> {
    let parameter = |name: &str| match name {
        "InstallKeysUrls" => Some(settings.install_keys_urls.clone()),
        "SiteHosts" => Some(settings.site_hosts.clone()),
        "BridgeScriptUrl" => Some(settings.bridge_script_url.clone()),
        "OriginSecrets" | "OriginSecretPresented" => Some(ORIGIN_SECRET.to_owned()),
        "PublicDomain" => Some("localhost".to_owned()),
        "SentryDsn" => Some(settings.sink_variables.sentry_dsn.clone()),
        "Ga4Url" => Some(settings.sink_variables.ga4_url.clone()),
        "Ga4MeasurementId" => Some(settings.sink_variables.ga4_measurement_id.clone()),
        "Ga4ApiSecret" => Some(settings.sink_variables.ga4_api_secret.clone()),
        "DatadogApiUrl" => Some(settings.sink_variables.datadog_api_url.clone()),
        "DatadogApiKey" => Some(settings.sink_variables.datadog_api_key.clone()),
        _ => None,
    };
    let resource = |id: &str, attribute: &str| match (id, attribute) {
        ("WrappingKey", "Arn") => Some(made.wrapping_key.clone()),
        ("CertificateKey", "Arn") => Some(made.certificate_key.clone()),
        (queue, "Ref") if made.queues.contains_key(queue) => made.queues.get(queue).cloned(),
        (bucket, "Ref") if bucket.ends_with("Bucket") => Some(bucket_name(bucket)),
        (table, "Ref") => Some(table.to_owned()),
        _ => None,
    };
    let environment = template.environment(function, &parameter, &resource)?;
    let lookup = |variable: &str| match variable {
        "LETHE_PUBLIC_URL" => Some(settings.public_url.clone()),
        "AWS_ENDPOINT_URL_S3" => settings.s3_origin.clone(),
        "AWS_REGION" => Some(REGION.to_owned()),
        "AWS_ACCESS_KEY_ID" => Some(ACCESS_KEY.to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some(SECRET_KEY.to_owned()),
        other => environment.get(other).cloned(),
    };
    Config::read(lookup).map_err(|fault| HostFault::Config(function.to_owned(), fault))
}
