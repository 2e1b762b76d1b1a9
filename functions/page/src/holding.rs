//! What is held of a tenant, by data class: made of the register and the table of retention, so that it cannot say less than is stored.

use shared::records::class::DataClass;
use shared::records::register::{EVER_SHIPPED, KindRow};
use shared::records::retention::{self, RETENTIONS, Retention};

use crate::day::days;

const CLASSES: [DataClass; 5] =
    [DataClass::Account, DataClass::CustomerUploaded, DataClass::Operation, DataClass::Session, DataClass::Support];

/// One data class, as the page shows it.
pub(crate) struct Holding {
    /// Its name for the page's own use.
    pub(crate) slug: &'static str,
    /// Its name for people.
    pub(crate) name: &'static str,
    /// Why such data may be kept at all.
    pub(crate) purpose: &'static str,
    /// What is held of it; empty: nothing.
    pub(crate) held: Vec<String>,
    /// How long; empty where nothing is held.
    pub(crate) kept: Vec<Kept>,
}

/// How long something is kept, in days.
pub(crate) struct Kept {
    /// What, where it is not kept as long as the tenancy: the rule of a class needs no name.
    pub(crate) what: Option<&'static str>,
    pub(crate) usually: u64,
    pub(crate) at_the_latest: u64,
    pub(crate) counts_from: &'static str,
}

/// Every class, those without data included.
pub(crate) fn holdings() -> Vec<Holding> {
    CLASSES.into_iter().map(holding).collect()
}

fn holding(class: DataClass) -> Holding {
    let (slug, name, purpose) = words(class);
    let account = (class == DataClass::Account).then(|| ACCOUNT.to_owned());
    let kinds = EVER_SHIPPED.iter().filter(|row| row.class == class).map(|row| kind(row));
    let counted = counted(class).map(|row| described_counting(row).unwrap_or(row.what).to_owned());
    let held: Vec<String> = account.into_iter().chain(kinds).chain(counted).collect();
    let kept = kept(class);
    Holding { slug, name, purpose, held, kept }
}

const fn words(class: DataClass) -> (&'static str, &'static str, &'static str) {
    match class {
        DataClass::Account => ("account", "Account", "To check the licence, for the contract, and to talk to your site."),
        DataClass::CustomerUploaded => ("customer-uploaded", "Customer-uploaded", "What your users made with the app."),
        DataClass::Operation => ("operation", "Operation", "What the app needs for a while to work."),
        DataClass::Session => ("session", "Session", "How the app is used, anonymised."),
        DataClass::Support => ("support", "Support", "What was collected to answer a support request."),
    }
}

const ACCOUNT: &str = "What Atlassian tells us of the installation: the site's addresses and key, the product, the contract's numbers, and \
                       the secrets that your site and this app sign with.";

/// What is kept of how the app is used. None of it is a record of the tenant's, so the table of retention is where it is registered.
fn counted(class: DataClass) -> impl Iterator<Item = &'static Retention> {
    RETENTIONS.iter().filter(move |row| class == DataClass::Session && row.class == Some(class))
}

/// The same in words of the customer's.
fn described_counting(row: &Retention) -> Option<&'static str> {
    if row.what == retention::USAGE.what {
        return Some(
            "Usage: how often each function of the app was called on a day, under a pseudonym of your site that is another one every day and \
             is not published. No user is counted.",
        );
    }
    (row.what == retention::USAGE_SALTS.what)
        .then_some("Salts of usage: what pseudonyms of a day are made with. When it is destroyed, nobody can tell whose they were.")
}

fn kind(row: &KindRow) -> String {
    let what = described(row.name).unwrap_or(row.name);
    if row.retired { format!("{what} No longer written.") } else { what.to_owned() }
}

/// A kind of record in words of the customer's.
fn described(kind: &str) -> Option<&'static str> {
    match kind {
        "configuration" => Some("Configuration: the settings that administrators made in the app, names and values."),
        "attachment" => Some(
            "Attachments: the files that your users attached, and of each its name, type, size, digest and date, who attached it and what \
             it belongs to.",
        ),
        "attachment-usage" => Some("Limits of attachments: how many files there are and how large they are together."),
        "upload" => Some(
            "Uploads on their way: what is said of a large file until it has arrived and is sealed, and the parts of it that have arrived.",
        ),
        "issue-copies" => Some(
            "Copies of issues: of the projects and fields that your administrators select, each issue as it is and as it was before, without \
             names, e-mail addresses or pictures of people.",
        ),
        "seen-event" => Some("Events already seen: a number for each change of such an issue, so that none counts twice."),
        "licence" => Some("Licence: whether your site's licence of the app is active, as your site said last."),
        _ => None,
    }
}

/// How long what is held of a class is kept, each of its retentions once.
fn kept(class: DataClass) -> Vec<Kept> {
    let account = (class == DataClass::Account).then_some(&retention::ACCOUNT);
    let kinds = EVER_SHIPPED.iter().filter(|row| row.class == class).map(|row| row.kept);
    let mut rows: Vec<&'static Retention> = Vec::new();
    for row in account.into_iter().chain(kinds).chain(counted(class)) {
        if rows.iter().all(|known| known.what != row.what) {
            rows.push(row);
        }
    }
    rows.into_iter().map(told).collect()
}

fn told(row: &'static Retention) -> Kept {
    let what = (row.counts_from != "leaving").then_some(row.what);
    Kept { what, usually: days(row.target), at_the_latest: days(row.deadline), counts_from: row.counts_from }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise A-05: whatever is stored is told, in words.
    #[test]
    fn every_kind_that_was_ever_shipped_is_explained_to_those_whose_data_it_is() {
        for row in EVER_SHIPPED {
            assert!(described(row.name).is_some(), "{}", row.name);
            let told = holdings().into_iter().flat_map(|holding| holding.held).filter(|held| *held == kind(row)).count();
            assert_eq!(told, 1, "{}", row.name);
        }
    }

    /// Promise A-12.
    #[test]
    fn whatever_is_counted_is_explained_too() {
        let session = holdings().into_iter().find(|holding| holding.slug == "session").unwrap();
        let registered: Vec<_> = RETENTIONS.iter().filter(|row| row.class == Some(DataClass::Session)).collect();
        assert!(registered.iter().all(|row| described_counting(row).is_some()) && session.held.len() == registered.len());
        assert!(session.held[0].starts_with("Usage: "), "{:?}", session.held);
    }

    #[test]
    fn a_class_says_how_long_if_it_holds_something_and_only_then() {
        for holding in holdings() {
            assert_eq!(holding.held.is_empty(), holding.kept.is_empty(), "{}", holding.slug);
        }
    }

    #[test]
    fn every_class_is_shown_once() {
        let slugs: Vec<_> = holdings().iter().map(|holding| holding.slug).collect();
        assert_eq!(slugs, ["account", "customer-uploaded", "operation", "session", "support"]);
    }

    fn kept_of(slug: &str) -> Vec<(u64, u64, &'static str)> {
        let holding = holdings().into_iter().find(|holding| holding.slug == slug).unwrap();
        holding.kept.iter().map(|kept| (kept.usually, kept.at_the_latest, kept.counts_from)).collect()
    }

    /// Promise E-17. Promise E-34.
    #[test]
    fn the_account_and_what_users_made_are_kept_110_days_and_gone_after_180() {
        assert_eq!(kept_of("account"), [(110, 180, "leaving")]);
        let uploads = (days(retention::UPLOADS_BEGUN.target), days(retention::UPLOADS_BEGUN.deadline), "the upload's begin");
        assert_eq!(kept_of("customer-uploaded"), [(110, 180, "leaving"), uploads]);
    }

    #[test]
    fn what_goes_sooner_than_the_rest_of_its_class_is_named() {
        for kept in holdings().iter().flat_map(|holding| &holding.kept) {
            assert_eq!(kept.what.is_none(), kept.counts_from == "leaving", "{}", kept.counts_from);
        }
        let uploaded = holdings().into_iter().find(|holding| holding.slug == "customer-uploaded").unwrap();
        assert!(uploaded.kept.iter().any(|kept| kept.what == Some(retention::UPLOADS_BEGUN.what)));
    }

    #[test]
    fn a_kind_that_is_no_longer_written_is_still_told() {
        let KindRow { name, class, service, kept, .. } = *EVER_SHIPPED[0];
        let row = KindRow { name, class, service, kept, retired: true };
        assert!(kind(&row).ends_with("No longer written."));
    }
}
