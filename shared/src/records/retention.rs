//! How long anything is kept: the one table that code, documents and answers take it from (promises E-17, E-26, E-34).
//!
//! A `target` is what usually happens, a `deadline` what holds at the latest. Both count from the event that ends the need. [`SINKS`] is what
//! ages out by a setting of AWS's. How the backups' days add up to the deadline is in [`timeline`](crate::purge::timeline).

use std::time::Duration;

use serde::Serialize;

use super::class::DataClass;

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
}

/// From leaving until the purge may start: all is kept for a return until then (promise E-35).
pub const GRACE: Duration = days(110);

/// TTL may delete the keys only a day after the purge should have, so that it is never TTL that decides.
pub const TTL_MARGIN: Duration = days(1);

/// From a request for earlier deletion until no copy exists anywhere (promise E-36).
pub const EARLY_DEADLINE: Duration = days(49);

/// From the beginning of a purge until no copy exists anywhere, at most: the terms after the grace in the timeline's sum, which a test adds up.
pub const AFTER_GRACE: Duration = days(55);

/// From leaving until no copy exists anywhere, backups included (promises E-17, E-34).
pub const DEADLINE: Duration = days(180);

/// How long a tombstone is kept, and an entry of the audit: the proof outlives the data.
pub const TOMBSTONE: Duration = days(7 * 365 + 2);

/// How long a line of a log is kept (promise A-03).
pub const LOGS: Duration = days(30);

/// How long an in-flight token signed with the previous shared secret is honoured after a rotation: the longest life of one seen.
pub const PREVIOUS_SECRET: Duration = Duration::from_secs(15 * 60);

/// How long a page's cursor is good for.
pub const CURSOR: Duration = Duration::from_secs(60 * 60);

/// How long the record of an upload is kept, from its last change: longer than S3 keeps what is not completed.
pub const UPLOAD: Duration = days(2);

/// How long the token is good for that a page of ours sends its telemetry with: a working day with the page open.
pub const PAGE_TOKEN: Duration = Duration::from_secs(12 * 60 * 60);

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// What is kept.
    pub what: &'static str,
    /// Its class; `None` for what holds no customer data.
    pub class: Option<DataClass>,
    /// The event that the time counts from.
    pub counts_from: &'static str,
    /// Usually gone after this.
    pub target: Duration,
    /// Gone at the latest after this.
    pub deadline: Duration,
}

/// The installation.
pub const ACCOUNT: Retention = Retention {
    what: "account: the installation as Atlassian describes it",
    class: Some(DataClass::Account),
    counts_from: "leaving",
    target: GRACE,
    deadline: DEADLINE,
};

/// What users made.
pub const UPLOADED: Retention = Retention {
    what: "what users made with the app, its configuration included",
    class: Some(DataClass::CustomerUploaded),
    counts_from: "leaving",
    target: GRACE,
    deadline: DEADLINE,
};

/// What is still to become something that users made.
pub const UPLOADS_BEGUN: Retention = Retention {
    what: "uploads begun and not completed",
    class: Some(DataClass::CustomerUploaded),
    counts_from: "the upload's begin",
    target: days(1),
    deadline: days(4),
};

/// What limits are held against.
pub const COUNTS: Retention = Retention {
    what: "how many files are attached, and how large they are together",
    class: Some(DataClass::Operation),
    counts_from: "leaving",
    target: GRACE,
    deadline: DEADLINE,
};

/// What a site said of the app's licence.
pub const LICENCE: Retention = Retention {
    what: "licence of the installed app",
    class: Some(DataClass::Operation),
    counts_from: "asking Atlassian",
    target: days(1),
    deadline: days(4),
};

/// What issues looked like, for a while.
pub const ISSUE_COPIES: Retention = Retention {
    what: "copies of issues, relations and traces",
    class: Some(DataClass::Operation),
    counts_from: "the last event of their twin",
    target: days(30),
    deadline: days(33),
};

/// What makes an event that comes again count once.
pub const SEEN_EVENTS: Retention = Retention {
    what: "identifiers of events already seen",
    class: Some(DataClass::Operation),
    counts_from: "the event",
    target: days(7),
    deadline: days(10),
};

/// How often functions were used.
pub const USAGE: Retention = Retention {
    what: "usage counters, anonymised",
    class: Some(DataClass::Session),
    counts_from: "the day counted",
    target: days(400),
    deadline: days(403),
};

/// What a day's counters are anonymised with: who has it could tell again which counter was whose, and nobody has it any more. A run destroys it;
/// TTL would, if none did.
pub const USAGE_SALTS: Retention = Retention {
    what: "the salt of a day's usage counters",
    class: Some(DataClass::Session),
    counts_from: "the beginning of the day counted",
    target: days(2),
    deadline: days(6),
};

/// What makes lines of the log that come again count once.
pub const COUNTED_LINES: Retention = Retention {
    what: "which lines of the log were counted, without customer data",
    class: None,
    counts_from: "counting them",
    target: days(3),
    deadline: days(6),
};

/// The table. Longer than [`DEADLINE`] is only what holds no customer data.
pub const RETENTIONS: &[Retention] = &[
    ACCOUNT,
    UPLOADED,
    UPLOADS_BEGUN,
    COUNTS,
    ISSUE_COPIES,
    LICENCE,
    SEEN_EVENTS,
    Retention {
        what: "queues, dead letters and outside sinks",
        class: Some(DataClass::Operation),
        counts_from: "the message",
        target: days(14),
        deadline: LONGEST_SINK,
    },
    Retention {
        what: "support bundles",
        class: Some(DataClass::Support),
        counts_from: "the ticket's closing, or leaving if sooner",
        target: days(30),
        deadline: days(33),
    },
    USAGE,
    USAGE_SALTS,
    COUNTED_LINES,
    Retention { what: "logs, without customer data", class: None, counts_from: "the event", target: LOGS, deadline: days(31) },
    Retention {
        what: "audit entries and tombstones, without customer data",
        class: None,
        counts_from: "the entry",
        target: TOMBSTONE,
        deadline: days(7 * 365 + 5),
    },
];

/// What makes an end of what lies in a sink: the setting in `template.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A queue's messages: `MessageRetentionPeriod`.
    Messages,
    /// A log group's events: `RetentionInDays`.
    Events,
    /// A bucket's objects: `ExpirationInDays`.
    Objects,
    /// What became of a bucket's objects when they were replaced or deleted: `NoncurrentDays`.
    OldVersions,
    /// The parts of uploads to a bucket that are never completed: `DaysAfterInitiation`.
    Parts,
}

/// Where something lies on its way, or is left by the way, until AWS deletes it by itself (promises A-03, E-34).
#[derive(Clone, Copy, Debug)]
pub struct Sink {
    /// Its logical id in `template.yaml`; [`LOG_GROUPS`] stands for all of them.
    pub resource: &'static str,
    /// What lies in it.
    pub holds: &'static str,
    /// Which setting makes an end.
    pub ending: Ending,
    /// What that setting says.
    pub kept: Duration,
}

/// Every log group: all are the same.
pub const LOG_GROUPS: &str = "every log group";

/// The longest that anything may lie in a queue or another sink: no longer than earlier deletion takes (promises E-34, E-36).
pub const LONGEST_SINK: Duration = days(49);

/// Every queue and every other sink: whatever `template.yaml` makes and is not here, a test refuses.
pub const SINKS: &[Sink] = &[
    Sink { resource: "ArrivalQueue", holds: "names of objects that have arrived", ending: Ending::Messages, kept: days(14) },
    Sink {
        resource: "AttachmentDeadLetters",
        holds: "names of objects that could not be sealed, and why",
        ending: Ending::Messages,
        kept: days(14),
    },
    Sink { resource: "PurgeQueue", holds: "ids of leavings whose purge goes on", ending: Ending::Messages, kept: days(14) },
    Sink { resource: "PurgeDeadLetters", holds: "ids of leavings whose purge failed", ending: Ending::Messages, kept: days(14) },
    Sink { resource: "IssueEventsQueue", holds: "sealed events of issues on their way", ending: Ending::Messages, kept: days(4) },
    Sink {
        resource: "IssueEventsDeadLetters",
        holds: "sealed events of issues that could not be kept, and why",
        ending: Ending::Messages,
        kept: days(14),
    },
    Sink { resource: "TelemetryQueue", holds: "telemetry on its way to a sink", ending: Ending::Messages, kept: days(1) },
    Sink { resource: "TelemetryDeadLetters", holds: "telemetry that could not leave, and why", ending: Ending::Messages, kept: days(7) },
    Sink {
        resource: "FailedRuns",
        holds: "hours whose scheduled runs failed, and lines of the log that were not counted",
        ending: Ending::Messages,
        kept: days(14),
    },
    Sink { resource: "IncomingBucket", holds: "large files as they arrive, unsealed", ending: Ending::Objects, kept: days(1) },
    Sink { resource: "IncomingBucket", holds: "parts of large files, unsealed", ending: Ending::Parts, kept: days(1) },
    Sink { resource: "SealedBucket", holds: "sealed files that were replaced or deleted", ending: Ending::OldVersions, kept: days(7) },
    Sink { resource: "SealedBucket", holds: "parts of files that are being sealed", ending: Ending::Parts, kept: days(1) },
    Sink { resource: "UndeliveredBucket", holds: "log lines and metrics that were not taken", ending: Ending::Objects, kept: days(7) },
    Sink { resource: "UndeliveredBucket", holds: "parts of such", ending: Ending::Parts, kept: days(1) },
    Sink { resource: LOG_GROUPS, holds: "what happened, without customer data", ending: Ending::Events, kept: LOGS },
];

/// One class's answer to "how long": days, as the account page shows them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassRetention {
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_class: Option<DataClass>,
    counts_from: &'static str,
    usually_after_days: u64,
    at_the_latest_after_days: u64,
}

/// The table as answers show it.
pub fn shown() -> impl Iterator<Item = ClassRetention> {
    RETENTIONS.iter().map(|row| ClassRetention {
        what: row.what,
        data_class: row.class,
        counts_from: row.counts_from,
        usually_after_days: row.target.as_secs() / 86_400,
        at_the_latest_after_days: row.deadline.as_secs() / 86_400,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promises E-17, E-34.
    #[test]
    fn nothing_that_names_a_customer_outlives_the_deadline() {
        for row in RETENTIONS {
            assert!(row.target <= row.deadline, "{}", row.what);
            let anonymous = row.class.is_none() || row.class == Some(DataClass::Session);
            assert!(anonymous || row.deadline <= DEADLINE, "{}", row.what);
        }
    }

    /// Promises A-03, E-34.
    #[test]
    fn nothing_lies_in_a_sink_for_longer_than_earlier_deletion_takes() {
        for sink in SINKS {
            let longest = if sink.ending == Ending::Events { LOGS } else { LONGEST_SINK };
            assert!(sink.kept <= longest, "{}", sink.resource);
        }
    }

    #[test]
    fn every_class_has_its_retention() {
        use DataClass::{Account, CustomerUploaded, Operation, Session, Support};
        for class in [Account, Operation, CustomerUploaded, Session, Support] {
            assert!(RETENTIONS.iter().any(|row| row.class == Some(class)), "{class:?}");
        }
    }
}
