//! The local host: the embedded AWS with the template's tables, every function with the environment that the template gives it, and the front
//! door over them. Each function has a platform, and so caches, of its own, as on Lambda.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use serde_json::Value;
use shared::platform::clock::Clock;
use shared::platform::config::{Config, ConfigFault};
use shared::platform::outbound::Outbound;
use shared::platform::random::Random;
use shared::platform::schedule::{Deadline, Report};
use shared::platform::{Outside, Platform};
use shared::problem::Problem;

use crate::aws::{self, ACCESS_KEY, EmbeddedAws, REGION, SECRET_KEY};
use crate::delivery::{Delivery, DeliveryFault, End};
use crate::front_door::{Behaviour, front_door};
use crate::mounts::{MOUNTS, WORKERS, Work};
use crate::template::{Template, TemplateFault, bucket_name};

/// What the front door presents here. It guards nothing on this machine, but the code path is the same.
pub const ORIGIN_SECRET: &str = "local-front-door-local-front-door";

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
    /// Where browsers reach the embedded S3; `None`: nowhere, and what is presigned names the real one.
    pub s3_origin: Option<String>,
    /// The clock that everything goes by.
    pub clock: Arc<dyn Clock>,
    /// The randomness that everything takes.
    pub random: Arc<dyn Random>,
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
    template: Template,
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
        let mut made = Made { wrapping_key: aws.create_wrapping_key("alias/lethe-wrapping-key").await?, queues: BTreeMap::new() };
        for queue in template.queues() {
            made.queues.insert(queue.clone(), aws.create_queue(&queue).await?);
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
        Ok(Self { aws, platforms, functions, front, delivery, template })
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

    /// Tells the functions what S3 has told, and what they failed at before: each message once. Says how many are done with; see
    /// [`waits`](Self::waits) for the others.
    ///
    /// # Errors
    /// [`DeliveryFault`]; a function that fails is none.
    pub async fn deliver(&self) -> Result<usize, DeliveryFault> {
        self.delivery.deliver().await
    }

    /// How many messages wait to be delivered again.
    #[must_use]
    pub fn waits(&self) -> usize {
        self.delivery.waits()
    }

    /// Puts a message into a queue, by its logical id in the template.
    pub fn send_to_queue(&self, queue: &str, body: String) {
        self.delivery.send(queue, body);
    }

    /// What the functions of queues could never do, or failed at too often.
    ///
    /// # Errors
    /// [`DeliveryFault`] if the queues of dead letters cannot be read.
    pub async fn dead_letters(&self) -> Result<Vec<Value>, DeliveryFault> {
        self.delivery.dead_letters().await
    }

    /// Runs every function that has a schedule once, by its name.
    pub async fn run_schedules(&self) -> BTreeMap<String, Result<Report, Problem>> {
        let mut ran = BTreeMap::new();
        for id in self.template.scheduled() {
            let name = Template::function_name(&id);
            if let (Some(Work::Schedule(run)), Some(platform)) = (work(&name), self.platform(&name)) {
                let deadline = Deadline::after(&platform, self.template.timeout(&id));
                ran.insert(name, run(platform, deadline).await);
            }
        }
        ran
    }

    /// The platform of one function, with its caches.
    #[must_use]
    pub fn platform(&self, name: &str) -> Option<Platform> {
        self.platforms.get(name).cloned()
    }
}

/// What a function of this name does for a queue or a schedule.
fn work(name: &str) -> Option<Work> {
    WORKERS.iter().find(|(mounted, _)| *mounted == name).map(|(_, work)| *work)
}

/// What has another name here than in the template.
struct Made {
    wrapping_key: String,
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
        _ => None,
    };
    let resource = |id: &str, attribute: &str| match (id, attribute) {
        ("WrappingKey", "Arn") => Some(made.wrapping_key.clone()),
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
