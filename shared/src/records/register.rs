//! Every kind of record ever shipped, one row each. The list is append-only: a kind that is no longer written is marked retired and stays,
//! so that the purge still knows where its records lie. `ever-shipped.txt` beside this file is the memory that a test compares with.

use super::class::DataClass;
use super::retention::{self, Retention};
use crate::platform::config::Tables;

/// A service that keeps records, in a table of its own that only its functions may touch (promise A-42).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// What admins set in an app.
    Configuration,
    /// Files that users attach.
    Attachments,
    /// What sites said of their licences.
    Licences,
    /// Copies of issues.
    IssueCopies,
}

impl Service {
    /// The service's name, which is its table's logical name too: bound into every seal, so it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Attachments => "attachments",
            Self::Licences => "licences",
            Self::IssueCopies => "issue-copies",
        }
    }

    /// The physical name of its table.
    #[must_use]
    pub fn table(self, tables: &Tables) -> &str {
        match self {
            Self::Configuration => &tables.configuration,
            Self::Attachments => &tables.attachments,
            Self::Licences => &tables.licences,
            Self::IssueCopies => &tables.issue_copies,
        }
    }
}

/// One kind's row.
#[derive(Debug)]
pub struct KindRow {
    /// The kind's name: part of its records' keys and seals, never changed.
    pub name: &'static str,
    /// Why its records may be kept.
    pub class: DataClass,
    /// The service that its records belong to.
    pub service: Service,
    /// How long its records are kept.
    pub kept: &'static Retention,
    /// Whether it is still written.
    pub retired: bool,
}

/// What an app's admins set in the app (promise E-16).
pub const CONFIGURATION: KindRow = KindRow {
    name: "configuration",
    class: DataClass::CustomerUploaded,
    service: Service::Configuration,
    kept: &retention::UPLOADED,
    retired: false,
};

/// What is known of a file that a user attached (promises A-28, E-16).
pub const ATTACHMENT: KindRow = KindRow {
    name: "attachment",
    class: DataClass::CustomerUploaded,
    service: Service::Attachments,
    kept: &retention::UPLOADED,
    retired: false,
};

/// How many files a tenant has and how large they are: two numbers, so that limits hold.
pub const ATTACHMENT_USAGE: KindRow = KindRow {
    name: "attachment-usage",
    class: DataClass::Operation,
    service: Service::Attachments,
    kept: &retention::COUNTS,
    retired: false,
};

/// An upload on its way.
pub const UPLOAD: KindRow = KindRow {
    name: "upload",
    class: DataClass::CustomerUploaded,
    service: Service::Attachments,
    kept: &retention::UPLOADS_BEGUN,
    retired: false,
};

/// What a site said of the app's licence (promise E-12).
pub const LICENCE: KindRow =
    KindRow { name: "licence", class: DataClass::Operation, service: Service::Licences, kept: &retention::LICENCE, retired: false };

/// The latest and the previous copy of an issue (promises E-10, E-15).
pub const ISSUE_COPIES: KindRow = KindRow {
    name: "issue-copies",
    class: DataClass::Operation,
    service: Service::IssueCopies,
    kept: &retention::ISSUE_COPIES,
    retired: false,
};

/// That an event of an issue was seen, so that it counts once.
pub const SEEN_EVENT: KindRow = KindRow {
    name: "seen-event",
    class: DataClass::Operation,
    service: Service::IssueCopies,
    kept: &retention::SEEN_EVENTS,
    retired: false,
};

/// All of them, in the order in which they came.
pub const EVER_SHIPPED: &[&KindRow] = &[&CONFIGURATION, &ATTACHMENT, &ATTACHMENT_USAGE, &UPLOAD, &LICENCE, &ISSUE_COPIES, &SEEN_EVENT];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_kept_as_its_class_is() {
        for row in EVER_SHIPPED {
            assert_eq!(row.kept.class, Some(row.class), "{}", row.name);
        }
    }

    /// Promise A-05: what may be stored is a list, and the list only grows.
    #[test]
    fn no_kind_that_was_ever_shipped_is_forgotten() {
        let rows: Vec<String> = EVER_SHIPPED.iter().map(|row| format!("{} {} {:?}", row.name, row.service.name(), row.class)).collect();
        let remembered: Vec<&str> = include_str!("ever-shipped.txt").lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(rows, remembered, "add new kinds at the end of both lists; never remove or change one");
    }
}
