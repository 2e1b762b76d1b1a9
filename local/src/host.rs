//! The local host: the embedded AWS with the template's tables, every function with the environment that the template gives it, and the front
//! door over them. Each function has a platform, and so caches, of its own, as on Lambda.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use shared::platform::Platform;
use shared::platform::clock::Clock;
use shared::platform::config::{Config, ConfigFault};
use shared::platform::random::Random;

use crate::aws::{self, ACCESS_KEY, EmbeddedAws, REGION, SECRET_KEY};
use crate::front_door::{Behaviour, front_door};
use crate::mounts::MOUNTS;
use crate::template::{Template, TemplateFault};

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
        let wrapping_key = aws.create_wrapping_key("alias/lethe-wrapping-key").await?;
        let (mut platforms, mut functions) = (BTreeMap::new(), BTreeMap::new());
        for id in template.functions() {
            let name = Template::function_name(&id);
            let config = config(&template, &id, settings, &wrapping_key)?;
            let http_client = Some(aws.http_client());
            let platform = Platform::new(config, Arc::clone(&settings.clock), Arc::clone(&settings.random), http_client);
            let mount = MOUNTS.iter().find(|(mounted, _)| *mounted == name);
            let (_, routes) = mount.ok_or_else(|| HostFault::NotMounted(name.clone()))?;
            functions.insert(name.clone(), routes(platform.clone()));
            platforms.insert(name, platform);
        }
        let mut behaviours = Vec::new();
        for route in template.routes()? {
            let name = Template::function_name(&route.function);
            let function = functions.get(&name).cloned().ok_or(HostFault::NotMounted(name))?;
            behaviours.push(Behaviour { pattern: route.pattern, function });
        }
        let front = front_door(behaviours, HeaderValue::from_static(ORIGIN_SECRET));
        Ok(Self { aws, platforms, functions, front })
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

    /// The platform of one function, with its caches.
    #[must_use]
    pub fn platform(&self, name: &str) -> Option<Platform> {
        self.platforms.get(name).cloned()
    }
}

/// A function's configuration, from the environment that the template gives it. Three things differ on this machine: the public URL is plain
/// HTTP, and region and credentials are what the embedded AWS takes, as Lambda would set them.
fn config(template: &Template, function: &str, settings: &Settings, wrapping_key: &str) -> Result<Config, HostFault> {
    let parameter = |name: &str| match name {
        "InstallKeysUrls" => Some(settings.install_keys_urls.clone()),
        "OriginSecrets" | "OriginSecretPresented" => Some(ORIGIN_SECRET.to_owned()),
        "PublicDomain" => Some("localhost".to_owned()),
        _ => None,
    };
    let resource = |id: &str, attribute: &str| match (id, attribute) {
        ("WrappingKey", "Arn") => Some(wrapping_key.to_owned()),
        (table, "Ref") => Some(table.to_owned()),
        _ => None,
    };
    let environment = template.environment(function, &parameter, &resource)?;
    let lookup = |variable: &str| match variable {
        "LETHE_PUBLIC_URL" => Some(settings.public_url.clone()),
        "AWS_REGION" => Some(REGION.to_owned()),
        "AWS_ACCESS_KEY_ID" => Some(ACCESS_KEY.to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some(SECRET_KEY.to_owned()),
        other => environment.get(other).cloned(),
    };
    Config::read(lookup).map_err(|fault| HostFault::Config(function.to_owned(), fault))
}
