//! Typed configuration, read once from the environment and checked before the first event.
//!
//! Every variable of ours is required: nothing falls back to a default that hides a mistake. Of AWS's three may be absent: `AWS_SESSION_TOKEN`,
//! which long-lived local keys do not have, `AWS_ENDPOINT_URL`, which only an emulator sets, and `AWS_ENDPOINT_URL_S3`, which only the local host
//! does. All faults are told at once, by the variable's name and never with its value. `template.yaml` sets ours in `Globals`; a test reads them
//! from there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use url::Url;
use zeroize::Zeroizing;

use super::sinks::{Dsn, Ga4, OFF, SinkSecret, SinkSecrets, Sinks};
use crate::connect::{Realm, SiteHosts};
use crate::purge::timeline::Timeline;

/// What a function must know before it may answer anything.
pub struct Config {
    /// The region that we run in, and the only one that our tenants' data lies in.
    pub region: String,
    /// Scheme and host under which Atlassian and browsers reach this region; part of every token's audience, never read from a header.
    pub public_url: Url,
    /// The public URLs of all regions by Atlassian's realm, listed in the descriptors; empty where there is one region only.
    pub region_base_urls: BTreeMap<Realm, Url>,
    /// The secrets that the front door may present.
    pub origin_secrets: OriginSecrets,
    /// Where Atlassian publishes the keys that sign installs, in the order to ask.
    pub install_keys_urls: Vec<Url>,
    /// The hosts that a tenant's site may have.
    pub site_hosts: SiteHosts,
    /// The script that our pages load to talk to the site around them: Atlassian's own.
    pub bridge_script_url: Url,
    /// ARN of the KMS key that wraps every tenant's keys.
    pub wrapping_key: String,
    /// ARN of the KMS key that signs deletion certificates.
    pub certificate_key: String,
    /// From leaving to the last copy, added up from the configured terms.
    pub timeline: Timeline,
    /// Physical names of the tables.
    pub tables: Tables,
    /// Physical names of the buckets.
    pub buckets: Buckets,
    /// Addresses of the queues that we send to ourselves.
    pub queues: Queues,
    /// The namespace of what the log counts.
    pub metrics_namespace: String,
    /// Where telemetry goes.
    pub sinks: Sinks,
    /// What it is let in with there.
    pub sink_secrets: SinkSecrets,
    /// Where AWS is, if not where the SDK would look: only under an emulator.
    pub(crate) endpoint: Option<Url>,
    /// Where S3 is, if not where the SDK would look: only under an emulator and on the local host. It is part of presigned addresses.
    pub(crate) s3_endpoint: Option<Url>,
    /// What we sign calls to AWS with.
    pub(crate) credentials: Credentials,
}

/// Physical names of the tables; the logical ones, bound into every seal, are constants of the code.
#[derive(Clone, Debug)]
pub struct Tables {
    /// One item per installation of an app: the linearisation point of its life.
    pub tenants: String,
    /// The wrapped keys of each tenant.
    pub tenant_keys: String,
    /// One item per leaving.
    pub departures: String,
    /// The records of the configuration service.
    pub configuration: String,
    /// The records of the attachment service.
    pub attachments: String,
    /// What sites said of their licences.
    pub licences: String,
    /// Copies of issues, and which events were seen.
    pub issue_copies: String,
    /// How often functions are used, anonymised.
    pub usage: String,
    /// What that was anonymised with, for two days.
    pub usage_salts: String,
    /// Who did what by hand, and why.
    pub audit: String,
}

/// Physical names of the buckets.
#[derive(Clone, Debug)]
pub struct Buckets {
    /// Where large files arrive, unsealed, for a day at most.
    pub incoming: String,
    /// Sealed objects.
    pub sealed: String,
}

/// Addresses of the queues that we send to ourselves.
#[derive(Clone, Debug)]
pub struct Queues {
    /// What arrived and can never be sealed.
    pub attachment_dead_letters: String,
    /// The leavings whose purge goes on.
    pub purge: String,
    /// What the purge can do nothing with.
    pub purge_dead_letters: String,
    /// Events of issues that are to be kept.
    pub issue_events: String,
    /// Those that can never be kept.
    pub issue_events_dead_letters: String,
    /// What is to leave for a sink.
    pub telemetry: String,
    /// What could not.
    pub telemetry_dead_letters: String,
}

/// Credentials for AWS as Lambda hands them to the process; neither shown nor logged.
pub(crate) struct Credentials {
    /// `AWS_ACCESS_KEY_ID`
    pub(crate) access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`
    pub(crate) secret_access_key: Zeroizing<String>,
    /// `AWS_SESSION_TOKEN`; absent only for long-lived local keys.
    pub(crate) session_token: Option<Zeroizing<String>>,
}

/// The secrets that tell our front door from anybody else who found a function's URL: one, or two while it is being changed.
pub struct OriginSecrets(Vec<Zeroizing<String>>);

impl OriginSecrets {
    /// Whether `presented` is one of ours; compares each in constant time.
    #[must_use]
    pub fn accept(&self, presented: &[u8]) -> bool {
        self.0.iter().fold(false, |found, secret| {
            let same = aws_lc_rs::constant_time::verify_slices_are_equal(secret.as_bytes(), presented).is_ok();
            found | same
        })
    }
}

/// Why a process does not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigFault(pub Vec<VariableFault>);

/// What is wrong with one variable.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable} {problem}")]
pub struct VariableFault {
    /// The variable's name.
    pub variable: &'static str,
    /// What it should be; never what it is.
    pub problem: &'static str,
}

impl Config {
    /// Reads the configuration through `lookup`, which answers a variable's value by its name.
    ///
    /// # Errors
    /// [`ConfigFault`] with every variable that is missing or not of its form.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigFault> {
        let mut env = Environment { lookup, faults: Vec::new() };
        let public_url = env.parse("LETHE_PUBLIC_URL", "must be an https URL without path, query or user", origin);
        let region_base_urls = env.parse("LETHE_REGION_BASE_URLS", "must be a JSON object of realm to https URL, or {}", realms);
        let origin_secrets = env.parse("LETHE_ORIGIN_SECRETS", "must be one or two secrets of 32 characters or more, by comma", secrets);
        let install_keys_urls = env.parse("LETHE_INSTALL_KEYS_URLS", "must be one or more https URLs, by comma", urls);
        let site_hosts =
            env.parse("LETHE_SITE_HOSTS", "must be host suffixes like .atlassian.net, by comma", |text| SiteHosts::parse(text).ok());
        let bridge_script_url = env.parse("LETHE_BRIDGE_SCRIPT_URL", "must be the https URL of a script, of plain letters", script);
        let wrapping_key = env.parse("LETHE_WRAPPING_KEY", "must be the ARN of a KMS key, not of an alias", key_arn);
        let certificate_key = env.parse("LETHE_CERTIFICATE_KEY", "must be the ARN of a KMS key, not of an alias", key_arn);
        let key_backup_days = env.parse("LETHE_KEY_BACKUP_DAYS", DAYS, days);
        let data_backup_days = env.parse("LETHE_DATA_BACKUP_DAYS", DAYS, days);
        let timeline = key_backup_days.zip(data_backup_days).and_then(|(keys, data)| env.timeline(keys, data));
        let region = env.text("AWS_REGION");
        let tenants = env.text("LETHE_TENANTS_TABLE");
        let tenant_keys = env.text("LETHE_TENANT_KEYS_TABLE");
        let departures = env.text("LETHE_DEPARTURES_TABLE");
        let configuration = env.text("LETHE_CONFIGURATION_TABLE");
        let attachments = env.text("LETHE_ATTACHMENTS_TABLE");
        let licences = env.text("LETHE_LICENCES_TABLE");
        let issue_copies = env.text("LETHE_ISSUE_COPIES_TABLE");
        let usage = env.text("LETHE_USAGE_TABLE");
        let usage_salts = env.text("LETHE_USAGE_SALTS_TABLE");
        let audit = env.text("LETHE_AUDIT_TABLE");
        let incoming = env.text("LETHE_INCOMING_BUCKET");
        let sealed = env.text("LETHE_SEALED_BUCKET");
        let attachment_dead_letters = env.text("LETHE_ATTACHMENT_DEAD_LETTERS");
        let purge = env.text("LETHE_PURGE_QUEUE");
        let purge_dead_letters = env.text("LETHE_PURGE_DEAD_LETTERS");
        let issue_events = env.text("LETHE_ISSUE_EVENTS_QUEUE");
        let issue_events_dead_letters = env.text("LETHE_ISSUE_EVENTS_DEAD_LETTERS");
        let telemetry = env.text("LETHE_TELEMETRY_QUEUE");
        let telemetry_dead_letters = env.text("LETHE_TELEMETRY_DEAD_LETTERS");
        let metrics_namespace = env.text("LETHE_METRICS_NAMESPACE");
        let sentry = env.parse("LETHE_SENTRY_DSN", "must be a DSN of Sentry's, https://key@host/project, or off", |text| {
            off_or(text, |text| Dsn::parse(text, secure))
        });
        let ga4_url = env.parse("LETHE_GA4_URL", "must be an https URL without query or user", secure);
        let ga4_stream =
            env.parse("LETHE_GA4_MEASUREMENT_ID", "must be a measurement id, G-…, or off", |text| off_or(text, measurement_id));
        let datadog = env.parse("LETHE_DATADOG_API_URL", "must be an https URL without query or user, or off", |text| off_or(text, secure));
        let sink_secrets =
            env.sink_secrets(ga4_stream.as_ref().is_some_and(Option::is_some), datadog.as_ref().is_some_and(Option::is_some));
        let endpoint = env.endpoint("AWS_ENDPOINT_URL");
        let s3_endpoint = env.endpoint("AWS_ENDPOINT_URL_S3");
        let access_key_id = env.text("AWS_ACCESS_KEY_ID");
        let secret_access_key = env.text("AWS_SECRET_ACCESS_KEY").map(Zeroizing::new);
        let session_token = (env.lookup)("AWS_SESSION_TOKEN").map(Zeroizing::new);

        let read = || {
            Some(Self {
                region: region?,
                public_url: public_url?,
                region_base_urls: region_base_urls?,
                origin_secrets: origin_secrets?,
                install_keys_urls: install_keys_urls?,
                site_hosts: site_hosts?,
                bridge_script_url: bridge_script_url?,
                wrapping_key: wrapping_key?,
                certificate_key: certificate_key?,
                timeline: timeline?,
                tables: Tables {
                    tenants: tenants?,
                    tenant_keys: tenant_keys?,
                    departures: departures?,
                    configuration: configuration?,
                    attachments: attachments?,
                    licences: licences?,
                    issue_copies: issue_copies?,
                    usage: usage?,
                    usage_salts: usage_salts?,
                    audit: audit?,
                },
                buckets: Buckets { incoming: incoming?, sealed: sealed? },
                queues: Queues {
                    attachment_dead_letters: attachment_dead_letters?,
                    purge: purge?,
                    purge_dead_letters: purge_dead_letters?,
                    issue_events: issue_events?,
                    issue_events_dead_letters: issue_events_dead_letters?,
                    telemetry: telemetry?,
                    telemetry_dead_letters: telemetry_dead_letters?,
                },
                metrics_namespace: metrics_namespace?,
                sinks: Sinks {
                    sentry: sentry?,
                    ga4: Some(ga4_url?).zip(ga4_stream?).map(|(url, measurement_id)| Ga4 { url, measurement_id }),
                    datadog: datadog?,
                },
                sink_secrets: sink_secrets?,
                endpoint: endpoint.clone()?,
                s3_endpoint: s3_endpoint?.or(endpoint?),
                credentials: Credentials { access_key_id: access_key_id?, secret_access_key: secret_access_key?, session_token },
            })
        };
        read().ok_or(ConfigFault(env.faults))
    }

    /// The origin that browsers put large files to: that of the incoming bucket, or of the endpoint, which is addressed by path.
    #[must_use]
    pub fn incoming_origin(&self) -> String {
        match &self.s3_endpoint {
            Some(endpoint) => endpoint.origin().ascii_serialization(),
            None => format!("https://{}.s3.{}.amazonaws.com", self.buckets.incoming, self.region),
        }
    }
}

struct Environment<L> {
    lookup: L,
    faults: Vec<VariableFault>,
}

impl<L: Fn(&str) -> Option<String>> Environment<L> {
    fn text(&mut self, variable: &'static str) -> Option<String> {
        self.parse(variable, "must not be empty", |text| Some(text.to_owned()))
    }

    fn parse<T>(&mut self, variable: &'static str, problem: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = (self.lookup)(variable).filter(|value| !value.trim().is_empty());
        let Some(value) = value else {
            self.faults.push(VariableFault { variable, problem: "is not set" });
            return None;
        };
        let parsed = parse(value.trim());
        if parsed.is_none() {
            self.faults.push(VariableFault { variable, problem });
        }
        parsed
    }

    /// An address that may be absent, and is of its form where it is not.
    fn endpoint(&mut self, variable: &'static str) -> Option<Option<Url>> {
        match (self.lookup)(variable) {
            None => Some(None),
            Some(_) => self.parse(variable, "must be an https URL without path, query or user", |text| origin(text).map(Some)),
        }
    }

    /// What sinks let us in with; a sink that is on has to have its own.
    fn sink_secrets(&mut self, has_ga4: bool, has_datadog: bool) -> Option<SinkSecrets> {
        let mut secret = |variable: &'static str, is_on: bool| {
            let problem = "must be a secret of plain letters, off where its sink is, or elsewhere";
            self.parse(variable, problem, |text| SinkSecret::parse(text).filter(|secret| !secret.lacks(is_on)))
        };
        let (ga4, datadog) = (secret("LETHE_GA4_API_SECRET", has_ga4), secret("LETHE_DATADOG_API_KEY", has_datadog));
        Some(SinkSecrets { ga4: ga4?, datadog: datadog? })
    }

    /// Above what we promise, nothing starts.
    fn timeline(&mut self, key_backup_days: u32, data_backup_days: u32) -> Option<Timeline> {
        let timeline = Timeline::configured(key_backup_days, data_backup_days);
        if timeline.is_err() {
            let problem = "and LETHE_KEY_BACKUP_DAYS keep backups for none or for more days than the promised deadlines allow";
            self.faults.push(VariableFault { variable: "LETHE_DATA_BACKUP_DAYS", problem });
        }
        timeline.ok()
    }
}

/// What a number of days is refused with.
const DAYS: &str = "must be a number of days";

fn days(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn key_arn(arn: &str) -> Option<String> {
    (arn.starts_with("arn:") && arn.contains(":key/")).then(|| arn.to_owned())
}

/// https, or http on this very machine for the local host.
fn secure(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let loopback = url.host_str().is_some_and(|host| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()));
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    (plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))).then_some(url)
}

/// What is said to be off is nothing, and everything else has to be what it should.
#[expect(clippy::option_option, reason = "not there, off, or of no form")]
fn off_or<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text == OFF { Some(None) } else { parse(text).map(Some) }
}

fn measurement_id(text: &str) -> Option<String> {
    let rest = text.strip_prefix("G-")?;
    (!rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())).then(|| text.to_owned())
}

fn origin(text: &str) -> Option<Url> {
    secure(text).filter(|url| url.path() == "/")
}

/// It stands in a content security policy, where a semicolon or a comma would begin something new.
fn script(text: &str) -> Option<Url> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/' | b':');
    secure(text).filter(|url| url.as_str().bytes().all(plain))
}

fn urls(text: &str) -> Option<Vec<Url>> {
    text.split(',').map(|url| secure(url.trim())).collect()
}

fn secrets(text: &str) -> Option<OriginSecrets> {
    let secrets: Vec<_> = text.split(',').map(|secret| Zeroizing::new(secret.trim().to_owned())).collect();
    ((1..=2).contains(&secrets.len()) && secrets.iter().all(|secret| secret.len() >= 32)).then_some(OriginSecrets(secrets))
}

fn realms(text: &str) -> Option<BTreeMap<Realm, Url>> {
    let listed: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
    listed.iter().map(|(realm, url)| Some((realm.parse().ok()?, origin(url)?))).collect()
}

#[cfg(test)]
mod tests;
