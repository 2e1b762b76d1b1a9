//! The register of sinks and processors: whoever gets anything of ours, what for, where, exactly what, and for how long (promises ).
//!
//! What leaves as telemetry leaves to improve the product: a [`Destination`] with another purpose does not compile. What a row says of fields, a
//! test compares with what is sent. `docs/SINKS.md` is printed from here.

use crate::platform::Platform;
use crate::platform::sinks::Sinks;
use crate::records::DataClass;

/// One sink or processor.
#[derive(Clone, Copy, Debug)]
pub struct Sink {
    /// Its name.
    pub name: &'static str,
    /// What it gets, in words.
    pub gets: &'static str,
    /// What for.
    pub purpose: Purpose,
    /// Where that lies.
    pub region: &'static str,
    /// The class of what it gets; none: no customer data.
    pub class: Option<DataClass>,
    /// Whom that can name.
    pub names: Names,
    /// For how long it is kept there.
    pub kept: Kept,
    /// All fields, as they are sent; none where we do not make them up ourselves.
    pub fields: &'static [&'static str],
    /// What it learns or does beyond that, and what we do about it.
    pub beyond: &'static str,
    /// What switches it on.
    pub configured: &'static str,
}

/// What something leaves for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To improve the product, and for nothing else.
    Improvement,
    /// To see that it is well.
    Operation,
    /// It is the product's ground: without it there is none.
    Foundation,
}

/// Whom something can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Nobody.
    Nobody,
    /// A customer as an organisation, and no person.
    Organisation,
    /// What users have written, sealed under their own keys.
    Sealed,
    /// Its own users, to itself.
    ItsOwnUsers,
}

/// For how long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// So many days: set there, by hand, as docs/OPERATIONS.md says.
    Days(u64),
    /// As the table of retentions says.
    AsRetention,
    /// Nothing is kept that was not there before.
    Nothing,
}

/// Sentry.
pub const SENTRY: Sink = improving(Sink {
    name: "Sentry",
    gets: "what fails in browsers, freed of people and secrets",
    purpose: Purpose::Improvement,
    region: "that of the DSN; for Europe an organisation in Sentry's EU region (`…ingest.de.sentry.io`)",
    class: Some(DataClass::Operation),
    names: Names::Organisation,
    kept: Kept::Days(30),
    fields: &[
        "contexts.browser.name",
        "contexts.browser.version",
        "contexts.os.name",
        "event_id",
        "exception.values[].stacktrace.frames[].colno",
        "exception.values[].stacktrace.frames[].filename",
        "exception.values[].stacktrace.frames[].function",
        "exception.values[].stacktrace.frames[].lineno",
        "exception.values[].type",
        "exception.values[].value",
        "platform",
        "sdk.name",
        "sdk.settings.infer_ip",
        "sdk.version",
        "tags.addon_key",
        "tags.base_url",
        "tags.client_key",
        "tags.tracking_id",
        "timestamp",
    ],
    beyond: "It sees our address and not the browser's, and is told to infer none (`infer_ip`). An event that is sent twice has the same `event_id` \
             and counts once there.",
    configured: "`SentryDsn`",
});

/// Google Analytics 4.
pub const GOOGLE_ANALYTICS: Sink = improving(Sink {
    name: "Google Analytics",
    gets: "which pages of ours are seen, as templates",
    purpose: Purpose::Improvement,
    region: "Google's choice",
    class: Some(DataClass::Session),
    names: Names::Nobody,
    kept: Kept::Days(60),
    fields: &["client_id", "events[].name", "events[].params.page_location", "events[].params.page_referrer", "events[].params.tenant"],
    beyond: "It never meets a browser: no cookie, no name of a browser, no address but ours. `client_id` is made anew for every call and joins \
             nothing. `tenant` is another one every month; whose it was cannot be said once the tenant's keys are gone. A view that is sent twice \
             counts twice.",
    configured: "`Ga4MeasurementId`, `Ga4ApiSecret`",
});

/// Datadog.
pub const DATADOG: Sink = improving(Sink {
    name: "Datadog",
    gets: "how often functions were called in a minute, how long that took, and how it ended",
    purpose: Purpose::Improvement,
    region: "that of `DatadogApiUrl`; for Europe `https://api.datadoghq.eu`",
    class: None,
    names: Names::Nobody,
    kept: Kept::Days(455),
    fields: &[
        "series[].interval",
        "series[].metric",
        "series[].points[].timestamp",
        "series[].points[].value",
        "series[].tags[]",
        "series[].type",
        "series[].unit",
    ],
    beyond: "Tags are `function`, `outcome`, `region` and `forwarder`, which is a random word of the process that sends. No tenant is in it. What \
             lies back for more than an hour is not taken there, so it is not sent. A sum whose answer was lost may count twice.",
    configured: "`DatadogApiUrl`, `DatadogApiKey`; what CloudWatch counts goes by `DatadogUrl`",
});

/// Elastic.
const ELASTIC: Sink = Sink {
    name: "Elastic",
    gets: "the log: what happened, without customer data, with a mark of the tenant that is another one every day",
    purpose: Purpose::Operation,
    region: "that of `ElasticUrl`",
    class: None,
    names: Names::Nobody,
    kept: Kept::Days(30),
    fields: &[],
    beyond: "A line has the members that the log's formatter lists, and no others.",
    configured: "`ElasticUrl`, `ElasticSecretArn`",
};

/// AWS.
const AWS: Sink = Sink {
    name: "Amazon Web Services",
    gets: "everything that is stored, in our own account",
    purpose: Purpose::Foundation,
    region: "that of the stack, and the backup region of the same jurisdiction",
    class: Some(DataClass::CustomerUploaded),
    names: Names::Sealed,
    kept: Kept::AsRetention,
    fields: &[],
    beyond: "KMS unwraps keys for our roles alone. What an account records of itself: [RETENTION](RETENTION.md).",
    configured: "the stack",
};

/// Atlassian.
const ATLASSIAN: Sink = Sink {
    name: "Atlassian (the customer's own site)",
    gets: "questions about its own users, projects and licence, asked as the app",
    purpose: Purpose::Foundation,
    region: "the site's",
    class: None,
    names: Names::ItsOwnUsers,
    kept: Kept::Nothing,
    fields: &[],
    beyond: "Nothing is written to the site.",
    configured: "the installation of the app",
};

/// All of them.
pub const REGISTER: &[Sink] = &[SENTRY, GOOGLE_ANALYTICS, DATADOG, ELASTIC, AWS, ATLASSIAN];

/// A sink that telemetry may leave for. With any other purpose this does not compile.
const fn improving(sink: Sink) -> Sink {
    assert!(matches!(sink.purpose, Purpose::Improvement), "telemetry leaves to improve the product, and for nothing else");
    sink
}

/// Where telemetry leaves for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// [`SENTRY`].
    Sentry,
    /// [`GOOGLE_ANALYTICS`].
    GoogleAnalytics,
    /// [`DATADOG`].
    Datadog,
}

impl Destination {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sentry, Self::GoogleAnalytics, Self::Datadog];

    /// Its row of the register.
    #[must_use]
    pub const fn sink(self) -> &'static Sink {
        match self {
            Self::Sentry => &SENTRY,
            Self::GoogleAnalytics => &GOOGLE_ANALYTICS,
            Self::Datadog => &DATADOG,
        }
    }

    /// Whether it is configured.
    #[must_use]
    pub const fn is_on(self, sinks: &Sinks) -> bool {
        match self {
            Self::Sentry => sinks.sentry.is_some(),
            Self::GoogleAnalytics => sinks.ga4.is_some(),
            Self::Datadog => sinks.datadog.is_some(),
        }
    }

    /// How the log says that nothing leaves for it.
    #[must_use]
    pub const fn off(self) -> &'static str {
        match self {
            Self::Sentry => "sentry is off",
            Self::GoogleAnalytics => "google analytics is off",
            Self::Datadog => "datadog is off",
        }
    }

    /// Says in the log that nothing leaves for it, if that is so: for the start of what would send there. A process says it once.
    pub fn tell_if_off(self, platform: &Platform) {
        if !self.is_on(&platform.config().sinks) && platform.forwarding().is_untold(self) {
            tracing::info!(target: "lethe", message = self.off());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::platform::log::MESSAGES;
    use crate::records::retention::LONGEST_SINK;

    /// Promises.
    #[test]
    fn telemetry_leaves_to_improve_the_product_and_for_nothing_else() {
        for destination in Destination::ALL {
            assert_eq!(destination.sink().purpose, Purpose::Improvement);
            assert!(REGISTER.iter().any(|sink| sink.name == destination.sink().name));
            assert!(MESSAGES.contains(&destination.off()), "the log says it");
        }
    }

    /// Promise E-34.
    #[test]
    fn whatever_can_name_a_customer_is_gone_from_a_sink_before_earlier_deletion_is_due() {
        for sink in REGISTER {
            match sink.kept {
                Kept::Days(days) if sink.names != Names::Nobody => {
                    assert!(Duration::from_secs(days * 86_400) <= LONGEST_SINK, "{}", sink.name)
                }
                // What keeps nothing of ours, or as the table of retentions says, is held to that table.
                Kept::Days(_) | Kept::AsRetention | Kept::Nothing => {}
            }
            assert!(sink.names != Names::Nobody || matches!(sink.class, None | Some(DataClass::Session)), "{}", sink.name);
        }
    }

    #[test]
    fn what_improves_the_product_lists_its_fields() {
        for sink in REGISTER {
            assert_eq!(sink.purpose == Purpose::Improvement, !sink.fields.is_empty(), "{}", sink.name);
            assert!(sink.fields.is_sorted(), "{}", sink.name);
        }
    }
}
