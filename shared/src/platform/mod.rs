//! The outside world, one file per thing, and [`Platform`], which holds what lives as long as the process: configuration, clock, randomness,
//! the clients of AWS, and the caches of install keys and of tenants' keys.

pub mod aws;
pub mod clock;
pub mod config;
pub mod door;
pub mod front;
pub mod health;
pub mod http_client;
pub mod log;
pub mod random;
pub mod wrapping_key;

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axum::Router;

use crate::connect::InstallKeys;
use crate::envelope::{KeyCache, Limits};
use clock::{Clock, SystemClock};
use config::{Config, ConfigFault};
use health::Health;
use http_client::LazyHttpClient;
use random::{Random, SystemRandom};
use wrapping_key::WrappingKey;

/// Everything that a function reaches beyond its own code. Cheap to clone.
#[derive(Clone)]
pub struct Platform(Arc<Inner>);

struct Inner {
    config: Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    dynamodb: aws_sdk_dynamodb::Client,
    wrapping_key: WrappingKey,
    key_cache: KeyCache,
    install_keys: InstallKeys,
    health: Health,
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
    /// Assembles the platform; `http_client` reaches AWS (`None`: the SDK's own).
    #[must_use]
    pub fn new(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>, http_client: Option<SharedHttpClient>) -> Self {
        let sdk_config = aws::sdk_config(&config, http_client);
        let wrapping_key = WrappingKey::new(aws_sdk_kms::Client::new(&sdk_config), config.wrapping_key.clone());
        let install_keys = InstallKeys::new(config.install_keys_urls.clone(), LazyHttpClient::default(), Arc::clone(&clock));
        Self(Arc::new(Inner {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk_config),
            key_cache: KeyCache::new(Limits::default(), Arc::clone(&clock)),
            config,
            clock,
            random,
            wrapping_key,
            install_keys,
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

    /// The key that wraps tenants' keys.
    #[must_use]
    pub fn wrapping_key(&self) -> &WrappingKey {
        &self.0.wrapping_key
    }

    /// Tenants' keys as unwrapped in this process.
    pub(crate) fn key_cache(&self) -> &KeyCache {
        &self.0.key_cache
    }

    /// The keys that sign installs.
    pub(crate) fn install_keys(&self) -> &InstallKeys {
        &self.0.install_keys
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
}

/// Runs one HTTP function on Lambda: reads and checks the configuration, then serves until the environment ends.
///
/// # Errors
/// [`StartFault`] before the first event, or when the runtime's API fails.
pub async fn start(routes: fn(Platform) -> Router) -> Result<(), StartFault> {
    log::start();
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let config = Config::read(|variable| std::env::var(variable).ok())?;
    let platform = Platform::new(config, Arc::new(SystemClock::start()), Arc::new(SystemRandom), None);
    door::run(routes(platform)).await.map_err(StartFault::Runtime)
}
