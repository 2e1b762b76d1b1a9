//! `docs/RETENTION.md`, made of the tables that the code runs on, so that the page cannot say anything else. A test compares the two.

use std::fmt::Write as _;
use std::time::Duration;

use shared::purge::timeline::{EARLY_LIVE, Sum, Timeline};
use shared::records::DataClass;
use shared::records::backups::{BackupClass, Contents, STORES};
use shared::records::register::EVER_SHIPPED;
use shared::records::retention::{DEADLINE, Ending, GRACE, LONGEST_SINK, RETENTIONS, SINKS};
use shared::telemetry::sink::{Kept, REGISTER};

use crate::sinks_page::names;

/// The page, with the longest timeline that a deployment may have.
#[must_use]
pub fn retention_page() -> String {
    let timeline = Timeline::LONGEST;
    [introduction(), rows(timeline), kinds(), sums(timeline), early(timeline), backups(timeline), sinks()].join("\n")
}

fn introduction() -> String {
    "# Retention\n\n\
     How long Lethe keeps anything, and when the last copy is gone. This page is printed by `cargo run -p local -- retention` from the \
     tables that the code itself uses; a test compares it with them, and `template.yaml` with both. All times are in days.\n"
        .to_owned()
}

fn rows(timeline: Timeline) -> String {
    let mut rows: Vec<_> = RETENTIONS.iter().collect();
    rows.sort_by_key(|row| (row.class.is_none(), row.class));
    let rows = rows
        .into_iter()
        .map(|row| [class(row.class), row.what.to_owned(), row.counts_from.to_owned(), in_days(row.target), in_days(row.deadline)]);
    let table = table(["Class", "What", "Counts from", "Usually gone after", "Gone at the latest after"], rows);
    let backups = timeline.gone_by(0) / 86_400;
    format!(
        "## By data class\n\n{table}\n\
         A deadline that counts from leaving includes every backup. Any other is of what is live: its sealed copies in backups are gone \
         {backups} days later at the latest, and with the tenant's keys if that is sooner.\n"
    )
}

fn kinds() -> String {
    let rows = EVER_SHIPPED.iter().map(|row| {
        let written = if row.retired { "no longer" } else { "yes" };
        [
            format!("`{}`", row.name),
            format!("`{}`", row.service.name()),
            class(Some(row.class)),
            row.kept.what.to_owned(),
            written.to_owned(),
        ]
    });
    let table = table(["Kind", "Service", "Class", "Kept as", "Written"], rows);
    format!("## Every kind of record ever shipped\n\nThe list only grows: a kind that is no longer written is still purged.\n\n{table}")
}

fn sums(timeline: Timeline) -> String {
    let (grace, deadline) = (in_days(GRACE), in_days(DEADLINE));
    format!(
        "## From leaving to the last copy\n\n\
         A customer who leaves can return for {grace} days and finds everything. Then the purge deletes their keys, which makes every copy \
         unreadable, and after the keys everything else. Each sum is the worst case: every step takes as long as it may. The promise is \
         {deadline} days. A deployment whose sums are longer does not start.\n\n{}\n{}",
        sum(&timeline.readable()),
        sum(&timeline.existing()),
    )
}

fn early(timeline: Timeline) -> String {
    format!(
        "## Earlier deletion\n\n\
         On request a customer's data is deleted without waiting for the end of the grace: within {EARLY_LIVE} day nothing is left but \
         backups. The days count from the request.\n\n{}\n{}\n\
         While a hold stands, the purge waits and these promises are suspended. A hold ends by itself after 30 days unless somebody renews \
         it, and it is written in the deletion certificate.\n",
        sum(&timeline.early_readable()),
        sum(&timeline.early_existing()),
    )
}

fn sum(sum: &Sum) -> String {
    let mut passed = 0;
    let steps = sum.terms.iter().map(|term| {
        passed += term.days;
        [term.what.to_owned(), term.why.to_owned(), term.days.to_string(), passed.to_string()]
    });
    let table = table(["Step", "Because", "Days", "Passed"], steps);
    let title = capital(sum.reached);
    format!("### {title}: {} days\n\nPromised: {} days.\n\n{table}", sum.days(), sum.promised)
}

fn backups(timeline: Timeline) -> String {
    let (keys, data) = (timeline.key_backup_days().to_string(), timeline.data_backup_days().to_string());
    let rows = STORES.iter().map(|store| {
        let (how, days) = match store.contents.backup_class() {
            BackupClass::None if matches!(store.contents, Contents::Usage | Contents::Salts) => {
                ("not backed up: nobody depends on it, and a copy of a salt would undo its end", "0")
            }
            BackupClass::None => ("not backed up: what lies there goes before its tenant does", "0"),
            BackupClass::Standard => ("a point every four hours at the latest, and a day's copy in the backup region", data.as_str()),
            BackupClass::Connector => ("a point every hour, and a night's copy in the backup region", data.as_str()),
            BackupClass::Keys => ("a point every four hours at the latest, each copied to the backup region", keys.as_str()),
            BackupClass::Proof => {
                ("a point every four hours at the latest, each copied to the backup region; no customer data", data.as_str())
            }
        };
        [store.resource.to_owned(), how.to_owned(), days.to_owned()]
    });
    let table = table(["Of", "How", "Days at most"], rows);
    format!(
        "## Backups\n\nA deployment may keep them for fewer days (`KeyBackupDays`, `DataBackupDays`), and never for more. A table that is backed up \
         can be restored to any second of these days too. The sums above have a copy count its days \
         from when it is made, which is the worst case.\n\n{table}"
    )
}

fn sinks() -> String {
    let longest = in_days(LONGEST_SINK);
    let rows = SINKS.iter().map(|sink| {
        let setting = match sink.ending {
            Ending::Messages => "`MessageRetentionPeriod`",
            Ending::Events => "`RetentionInDays`",
            Ending::Objects => "`ExpirationInDays`",
            Ending::OldVersions => "`NoncurrentDays`",
            Ending::Parts => "`DaysAfterInitiation`",
        };
        [sink.resource.to_owned(), sink.holds.to_owned(), setting.to_owned(), in_days(sink.kept)]
    });
    let inside = table(["Where", "What lies there", "Setting", "Days"], rows);
    let outside = REGISTER.iter().filter_map(|sink| match sink.kept {
        Kept::Days(days) => Some([sink.name.to_owned(), sink.gets.to_owned(), names(sink.names).to_owned(), days.to_string()]),
        Kept::AsRetention | Kept::Nothing => None,
    });
    let outside = table(["Whom", "What", "Can name", "Days"], outside);
    format!(
        "## Queues, logs and leftovers\n\nAWS deletes these by itself. None may be kept for more than {longest} days.\n\n{inside}\n\
         What has left for outside services ends there, from the day on which it left; what waits in our queue before adds a day at most. What can name a customer may not \
         be kept for more than {longest} days either ([SINKS](SINKS.md)):\n\n{outside}\n\
         What an account records of itself is not in this list. CloudTrail's data events, where they are switched on, hold users' IP \
         addresses and objects' names; [OPERATIONS](OPERATIONS.md) says how to keep them no longer.\n"
    )
}

pub(crate) fn class(class: Option<DataClass>) -> String {
    match class {
        None => "no customer data",
        Some(DataClass::Account) => "account",
        Some(DataClass::Operation) => "operation",
        Some(DataClass::CustomerUploaded) => "customer-uploaded",
        Some(DataClass::Session) => "session",
        Some(DataClass::Support) => "support",
    }
    .to_owned()
}

fn in_days(duration: Duration) -> String {
    (duration.as_secs() / 86_400).to_string()
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A table of Markdown. No cell holds a bar.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}
