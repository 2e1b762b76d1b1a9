//! The outside world, one file per thing, and [`Platform`], which holds what lives as long as the process: configuration, clock, randomness,
//! the clients of AWS, and the caches of install keys and of tenants' keys.

pub mod aws;
pub mod call;
pub mod certificate_key;
pub mod clock;
pub mod config;
pub mod door;
mod event;
pub mod front;
pub mod health;
pub mod http_client;
pub mod invocation;
pub mod log;
pub mod log_lines;
pub mod outbound;
pub mod principal;
pub mod queue;
pub mod random;
pub mod schedule;
pub mod signal;
pub mod sinks;
mod trust;
pub mod wrapping_key;

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use axum::Router;

use crate::connect::InstallKeys;
use crate::envelope::{KeyCache, Limits};
use crate::problem::Problem;
use crate::telemetry::budget::Budgets;
use crate::telemetry::forwarding;
use crate::tenant::app_user::AppUserCache;
use crate::tenant::rights::PermissionCache;
use certificate_key::CertificateKey;
use clock::{Clock, SystemClock};
use config::{Config, ConfigFault};
use health::Health;
use http_client::LazyHttpClient;
use invocation::Invocation;
use log_lines::LogLines;
use outbound::{Internet, Outbound};
use queue::{BatchAnswer, QueueEvent};
use random::{Random, SystemRandom};
use schedule::{Deadline, Report};
use wrapping_key::WrappingKey;

/// Everything that a function reaches beyond its own code. Cheap to clone.
#[derive(Clone)]
pub struct Platform(Arc<Inner>);

struct Inner {
    config: Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    dynamodb: aws_sdk_dynamodb::Client,
    sdk_config: SdkConfig,
    s3: OnceLock<aws_sdk_s3::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    wrapping_key: WrappingKey,
    certificate_key: CertificateKey,
    key_cache: KeyCache,
    install_keys: InstallKeys,
    sites: Arc<dyn Outbound>,
    sinks: Arc<dyn Outbound>,
    permissions: PermissionCache,
    app_users: AppUserCache,
    budgets: Budgets,
    forwarding: forwarding::Memory,
    health: Health,
}

/// What a platform is made of beside its configuration: everything that a test may want to be in charge of.
pub struct Outside {
    /// The clock that everything goes by.
    pub clock: Arc<dyn Clock>,
    /// The randomness that everything takes.
    pub random: Arc<dyn Random>,
    /// The way to AWS; `None`: the SDK's own.
    pub aws: Option<SharedHttpClient>,
    /// The way to tenants' sites.
    pub sites: Arc<dyn Outbound>,
    /// The way to the outside services that telemetry goes to.
    pub sinks: Arc<dyn Outbound>,
}

impl Outside {
    /// The real one.
    #[must_use]
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock::start()),
            random: Arc::new(SystemRandom),
            aws: None,
            sites: Arc::new(Internet::default()),
            sinks: Arc::new(Internet::nameless()),
        }
    }
}

/// Why a process does not start.
#[derive(thiserror::Error)]
pub enum StartFault {
    /// A variable is missing or not of its form.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// The Lambda runtime's API failed.
    #[error("cannot go on: the lambda runtime failed: {0}")]
    Runtime(lambda_runtime::Error),
}

/// What `main` returns is printed by its `Debug`: this way an operator reads a sentence.
impl fmt::Debug for StartFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Platform {
    /// Assembles the platform.
    #[must_use]
    pub fn new(config: Config, outside: Outside) -> Self {
        let Outside { clock, random, aws, sites, sinks } = outside;
        let sdk_config = aws::sdk_config(&config, aws);
        let wrapping_key = WrappingKey::new(aws_sdk_kms::Client::new(&sdk_config), config.wrapping_key.clone());
        let certificate_key = CertificateKey::new(aws_sdk_kms::Client::new(&sdk_config), config.certificate_key.clone());
        let install_keys = InstallKeys::new(config.install_keys_urls.clone(), LazyHttpClient::default(), Arc::clone(&clock));
        Self(Arc::new(Inner {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk_config),
            sdk_config,
            s3: OnceLock::new(),
            sqs: OnceLock::new(),
            key_cache: KeyCache::new(Limits::default(), Arc::clone(&clock)),
            config,
            clock,
            random,
            wrapping_key,
            certificate_key,
            install_keys,
            sites,
            sinks,
            permissions: PermissionCache::default(),
            app_users: AppUserCache::default(),
            budgets: Budgets::default(),
            forwarding: forwarding::Memory::default(),
            health: Health::default(),
        }))
    }

    /// The configuration, as checked at the start.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.clock.now().epoch_seconds()
    }

    /// The source of randomness.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        self.0.random.as_ref()
    }

    /// DynamoDB; only stores call it.
    pub(crate) fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.0.dynamodb
    }

    /// S3; only stores call it. Made when it is first asked for: most functions never do.
    pub(crate) fn s3(&self) -> &aws_sdk_s3::Client {
        self.0.s3.get_or_init(|| aws::s3(&self.0.sdk_config, self.0.config.s3_endpoint.as_ref()))
    }

    /// SQS; only the queue door calls it. Made when it is first asked for, like S3.
    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.sdk_config))
    }

    /// The key that wraps tenants' keys.
    #[must_use]
    pub fn wrapping_key(&self) -> &WrappingKey {
        &self.0.wrapping_key
    }

    /// The key that signs deletion certificates.
    #[must_use]
    pub fn certificate_key(&self) -> &CertificateKey {
        &self.0.certificate_key
    }

    /// Tenants' keys as unwrapped in this process.
    pub(crate) fn key_cache(&self) -> &KeyCache {
        &self.0.key_cache
    }

    /// The keys that sign installs.
    pub(crate) fn install_keys(&self) -> &InstallKeys {
        &self.0.install_keys
    }

    /// The way to tenants' sites.
    pub(crate) fn sites(&self) -> &dyn Outbound {
        self.0.sites.as_ref()
    }

    /// The way to the outside services that telemetry goes to.
    pub(crate) fn sinks(&self) -> &dyn Outbound {
        self.0.sinks.as_ref()
    }

    /// What sites said of their users a moment ago.
    pub(crate) fn permissions(&self) -> &PermissionCache {
        &self.0.permissions
    }

    /// The accounts that apps act under, as sites said.
    pub(crate) fn app_users(&self) -> &AppUserCache {
        &self.0.app_users
    }

    /// How much telemetry tenants may send yet.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        &self.0.budgets
    }

    /// What the forwarding of telemetry remembers.
    pub(crate) fn forwarding(&self) -> &forwarding::Memory {
        &self.0.forwarding
    }

    /// Whether we are well.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// The routes of one function behind what all functions share; see [`front::serve`].
    pub fn serve(self, function: &'static str, routes: Router<Self>) -> Router {
        front::serve(self, function, routes)
    }

    /// The same, for a function that only operators call; see [`front::serve_operators`].
    pub fn serve_operators(self, function: &'static str, routes: Router<Self>) -> Router {
        front::serve_operators(self, function, routes)
    }
}

/// Runs one HTTP function on Lambda: reads and checks the configuration, then serves until the environment ends.
///
/// # Errors
/// [`StartFault`] before the first event, or when the runtime's API fails.
pub async fn start(routes: fn(Platform) -> Router) -> Result<(), StartFault> {
    door::run(routes(configured()?)).await.map_err(StartFault::Runtime)
}

/// The same, for a function whose answers are streams.
///
/// # Errors
/// As [`start`].
pub async fn start_streaming(routes: fn(Platform) -> Router) -> Result<(), StartFault> {
    door::run_streaming(routes(configured()?)).await.map_err(StartFault::Runtime)
}

/// Runs one function of a queue on Lambda, likewise.
///
/// # Errors
/// As [`start`].
pub async fn start_queue<F>(handle: fn(Platform, QueueEvent) -> F) -> Result<(), StartFault>
where
    F: Future<Output = BatchAnswer>,
{
    queue::run(configured()?, handle).await.map_err(StartFault::Runtime)
}

/// Runs one function of a schedule on Lambda, likewise.
///
/// # Errors
/// As [`start`].
pub async fn start_schedule<F>(handle: fn(Platform, Deadline) -> F) -> Result<(), StartFault>
where
    F: Future<Output = Result<Report, Problem>>,
{
    schedule::run(configured()?, handle).await.map_err(StartFault::Runtime)
}

/// Runs one function of log groups on Lambda, likewise.
///
/// # Errors
/// As [`start`].
pub async fn start_logs<F>(handle: fn(Platform, LogLines) -> F) -> Result<(), StartFault>
where
    F: Future<Output = Result<Report, Problem>>,
{
    log_lines::run(configured()?, handle).await.map_err(StartFault::Runtime)
}

/// Runs one function that is invoked by hand on Lambda, likewise.
///
/// # Errors
/// As [`start`].
pub async fn start_invoked<F>(handle: fn(Platform, Invocation) -> F) -> Result<(), StartFault>
where
    F: Future<Output = Result<Report, Problem>>,
{
    invocation::run(configured()?, handle).await.map_err(StartFault::Runtime)
}

/// The platform of a process that Lambda has started.
fn configured() -> Result<Platform, StartFault> {
    log::start();
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let config = Config::read(|variable| std::env::var(variable).ok())?;
    Ok(Platform::new(config, Outside::real()))
}
