//! How long anything is kept: the one table that code, documents and answers take it from (promises E-17, E-26, E-34).
//!
//! A `target` is what usually happens, a `deadline` what holds at the latest. Both count from the event that ends the need.

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

/// From leaving until no copy exists anywhere, backups included (promises E-17, E-34).
pub const DEADLINE: Duration = days(180);

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

/// The table. Longer than [`DEADLINE`] is only what holds no customer data.
pub const RETENTIONS: &[Retention] = &[
    ACCOUNT,
    UPLOADED,
    UPLOADS_BEGUN,
    COUNTS,
    Retention {
        what: "copies of issues, relations and traces",
        class: Some(DataClass::Operation),
        counts_from: "the last event of their twin",
        target: days(30),
        deadline: days(33),
    },
    Retention {
        what: "licence of the installed app",
        class: Some(DataClass::Operation),
        counts_from: "asking Atlassian",
        target: days(1),
        deadline: days(4),
    },
    Retention {
        what: "identifiers of events already seen",
        class: Some(DataClass::Operation),
        counts_from: "the event",
        target: days(7),
        deadline: days(10),
    },
    Retention {
        what: "queues, dead letters and outside sinks",
        class: Some(DataClass::Operation),
        counts_from: "the message",
        target: days(14),
        deadline: days(49),
    },
    Retention {
        what: "support bundles",
        class: Some(DataClass::Support),
        counts_from: "the ticket's closing, or leaving if sooner",
        target: days(30),
        deadline: days(33),
    },
    Retention {
        what: "usage counters, anonymised",
        class: Some(DataClass::Session),
        counts_from: "the day counted",
        target: days(400),
        deadline: days(403),
    },
    Retention { what: "logs, without customer data", class: None, counts_from: "the event", target: days(30), deadline: days(31) },
    Retention {
        what: "audit entries and tombstones, without customer data",
        class: None,
        counts_from: "the entry",
        target: days(7 * 365 + 2),
        deadline: days(7 * 365 + 5),
    },
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

    #[test]
    fn every_class_has_its_retention() {
        use DataClass::{Account, CustomerUploaded, Operation, Session, Support};
        for class in [Account, Operation, CustomerUploaded, Session, Support] {
            assert!(RETENTIONS.iter().any(|row| row.class == Some(class)), "{class:?}");
        }
    }
}
