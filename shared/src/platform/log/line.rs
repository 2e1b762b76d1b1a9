//! One line: every member that it may have, in the field names of the Elastic Common Schema 9.1, and beside them what CloudWatch counts.
//!
//! `_aws` follows the specification of the embedded metric format: what it names as metrics and dimensions stands at the root. It is there
//! where there is something to count and nowhere else, so that a call of which there is nothing to say makes no metric.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde::Serialize;
use tracing::{Level, Metadata};

use super::fields::Told;
use crate::platform::clock;
use crate::platform::signal::Signal;

/// The version of the schema.
const SCHEMA: &str = "9.1.0";

/// One line. Its order is the order in which a person reads.
#[derive(Serialize)]
pub(super) struct Line<'l> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    log: Log<'l>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'l str>,
    ecs: Ecs,
    service: Service,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud: Option<Cloud<'l>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    faas: Option<Faas<'l>>,
    event: Event<'l>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http<'l>>,
    #[serde(skip_serializing_if = "Labels::are_none")]
    labels: Labels<'l>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    counted: Option<Counted<'l>>,
}

#[derive(Serialize)]
struct Log<'l> {
    level: &'static str,
    /// Who spoke, where it was not us.
    #[serde(skip_serializing_if = "Option::is_none")]
    logger: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin<'l>>,
}

/// From where in the code: of panics, and of those who are not us.
#[derive(Serialize)]
struct Origin<'l> {
    file: File<'l>,
}

#[derive(Serialize)]
struct File<'l> {
    name: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

#[derive(Serialize)]
struct Ecs {
    version: &'static str,
}

#[derive(Serialize)]
struct Service {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Cloud<'l> {
    provider: &'static str,
    region: &'l str,
}

#[derive(Serialize)]
struct Faas<'l> {
    name: &'l str,
}

#[derive(Serialize)]
struct Event<'l> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'l str>,
    /// In nanoseconds. On the one event of a call, a message or a run, and on no other line.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
}

#[derive(Serialize)]
struct Http<'l> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request<'l>>,
    response: Response,
}

#[derive(Serialize)]
struct Request<'l> {
    method: &'l str,
}

#[derive(Serialize)]
struct Response {
    status_code: u64,
}

/// What the schema has no name for.
#[derive(Default, PartialEq, Eq, Serialize)]
struct Labels<'l> {
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'l str>,
    /// A mark of the tenant that is another one each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'l str>,
    /// Of a message: done, dead or again; of a run: done, incident or again; of an operator's call: what the audit lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'l str>,
    /// What a run did, and how often.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<&'l str>,
    /// Under which a person finds the customer, where one must look.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'l str>,
    /// Of the audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'l str>,
}

impl Labels<'_> {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What CloudWatch counts, and what it counts it by.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Counted<'l> {
    #[serde(rename = "_aws")]
    metadata: Counting<'l>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys_unwrapped: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Counting<'l> {
    /// In milliseconds.
    timestamp: i64,
    cloud_watch_metrics: Vec<Directive<'l>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'l> {
    namespace: &'l str,
    /// Sets of dimensions; an empty set is the metric without any.
    dimensions: [&'static [&'static str]; 1],
    metrics: [Metric; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

impl<'l> Line<'l> {
    /// The line of one event, `told` by us, in a call that is `whose`.
    pub(super) fn ours(level: Level, at_millis: i64, told: &'l Told, whose: &'l Told) -> Self {
        let file = told.text("file").map(|name| File { name, line: told.number("line") });
        let response = told.number("status").map(|status_code| Response { status_code });
        Self {
            log: Log { level: name_of(level), logger: None, origin: file.map(|file| Origin { file }) },
            message: told.text("message"),
            event: Event {
                kind: "event",
                outcome: told.truth("succeeded").map(|succeeded| if succeeded { "success" } else { "failure" }),
                reason: told.text("reason"),
                duration: told.number("duration_nanos"),
            },
            http: response.map(|response| Http { request: told.text("method").map(|method| Request { method }), response }),
            labels: Labels {
                route: told.text("route"),
                app: told.text("app"),
                tenant: told.text("tenant"),
                outcome: told.text("outcome"),
                signal: told.text("signal"),
                counts: told.text("counts"),
                digest: told.text("digest"),
                stage: told.text("stage"),
                cause: told.text("cause"),
                entry: told.text("entry"),
            },
            counted: Counted::of(at_millis, told, whose),
            ..Self::of(level, at_millis, whose)
        }
    }

    /// The line of what somebody else says: who it was and from where, and nothing that was said.
    pub(super) fn anothers(metadata: &Metadata<'static>, at_millis: i64, whose: &'l Told) -> Self {
        let origin = metadata.file().map(|name| Origin { file: File { name, line: metadata.line().map(u64::from) } });
        let log = Log { level: name_of(*metadata.level()), logger: Some(metadata.target()), origin };
        Self { log, ..Self::of(*metadata.level(), at_millis, whose) }
    }

    /// What every line has.
    fn of(level: Level, at_millis: i64, whose: &'l Told) -> Self {
        Self {
            timestamp: clock::rfc3339_millis(at_millis),
            log: Log { level: name_of(level), logger: None, origin: None },
            message: None,
            ecs: Ecs { version: SCHEMA },
            service: Service { name: "lethe", version: env!("CARGO_PKG_VERSION") },
            cloud: whose.text("region").map(|region| Cloud { provider: "aws", region }),
            faas: whose.text("function").map(|name| Faas { name }),
            event: Event { kind: "event", outcome: None, reason: None, duration: None },
            http: None,
            labels: Labels::default(),
            counted: None,
        }
    }
}

impl<'l> Counted<'l> {
    /// What there is to count; outside of a call there is no namespace, and nothing is counted.
    fn of(at_millis: i64, told: &'l Told, whose: &'l Told) -> Option<Self> {
        let namespace = whose.text("namespace")?;
        let signal = told.text("signal");
        let function = whose.text("function").filter(|_| signal == Some(Signal::Failed.name()));
        let keys_unwrapped = told.number("unwrapped").filter(|times| *times > 0);
        let directive = |name, dimensions: &'static [&'static str]| Directive {
            namespace,
            dimensions: [dimensions],
            metrics: [Metric { name, unit: "Count" }],
        };
        let cloud_watch_metrics: Vec<_> = [
            signal.map(|_| directive("Signals", &["Signal"])),
            function.map(|_| directive("Failures", &["Function"])),
            keys_unwrapped.map(|_| directive("KeysUnwrapped", &[])),
        ]
        .into_iter()
        .flatten()
        .collect();
        if cloud_watch_metrics.is_empty() {
            return None;
        }
        let metadata = Counting { timestamp: at_millis, cloud_watch_metrics };
        Some(Self { metadata, function, signal, signals: signal.map(|_| 1), failures: function.map(|_| 1), keys_unwrapped })
    }
}

const fn name_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}
