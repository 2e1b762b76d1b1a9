//! What is backed up, and how: the class of every table and bucket follows from what lies in it (promises, E-28). Which plan and
//! which vault a class has stands in `template.yaml`, and a rule of the tests holds the two together.
//!
//! A kind whose records go before their tenant does is no reason for a backup: it is temporary, and its backup would keep for weeks what is
//! promised to be gone in days.

use super::register::{EVER_SHIPPED, Service};
use super::retention;

/// How something is backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackupClass {
    /// Not at all, and without point-in-time recovery.
    None,
    /// Every three hours, so that two points are four apart at most, and a day's copy in the backup region.
    Standard,
    /// References to what an outside vendor holds: every hour, and a night's copy (promise A-49). No service has any yet.
    Connector,
    /// What makes everything else readable: apart, for `KeyBackupDays`, and every point is copied.
    Keys,
    /// What says who has left, and what was done by hand: without customer data, never restored backwards, and every point is copied.
    Proof,
}

/// What lies in a table or bucket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Tenants, with what Atlassian says of the installation.
    Tenants,
    /// Tenants' wrapped keys.
    TenantKeys,
    /// Departures and tombstones.
    Departures,
    /// Entries of the audit.
    Audit,
    /// A service's records.
    Records(Service),
    /// A service's sealed objects.
    Objects(Service),
    /// What has arrived and is not sealed yet.
    Arrivals,
    /// Counters of how functions are used.
    Usage,
    /// What those are anonymised with, for two days. A copy would undo what destroying them does.
    Salts,
}

/// One table or bucket.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    /// Its logical id in `template.yaml`.
    pub resource: &'static str,
    /// What lies in it.
    pub contents: Contents,
}

/// Every table and bucket that holds something of a tenant's: whatever else `template.yaml` makes is not backed up.
pub const STORES: &[Store] = &[
    Store { resource: "TenantsTable", contents: Contents::Tenants },
    Store { resource: "TenantKeysTable", contents: Contents::TenantKeys },
    Store { resource: "DeparturesTable", contents: Contents::Departures },
    Store { resource: "AuditTable", contents: Contents::Audit },
    Store { resource: "ConfigurationTable", contents: Contents::Records(Service::Configuration) },
    Store { resource: "AttachmentsTable", contents: Contents::Records(Service::Attachments) },
    Store { resource: "LicencesTable", contents: Contents::Records(Service::Licences) },
    Store { resource: "IssueCopiesTable", contents: Contents::Records(Service::IssueCopies) },
    Store { resource: "SealedBucket", contents: Contents::Objects(Service::Attachments) },
    Store { resource: "IncomingBucket", contents: Contents::Arrivals },
    Store { resource: "UsageTable", contents: Contents::Usage },
    Store { resource: "UsageSaltsTable", contents: Contents::Salts },
];

impl BackupClass {
    /// The class of a table or bucket by its logical id; of what is no store it is [`BackupClass::None`].
    #[must_use]
    pub fn of(resource: &str) -> Self {
        STORES.iter().find(|store| store.resource == resource).map_or(Self::None, |store| store.contents.backup_class())
    }
}

impl Contents {
    /// How it is backed up.
    #[must_use]
    pub fn backup_class(self) -> BackupClass {
        match self {
            Self::Tenants => BackupClass::Standard,
            Self::TenantKeys => BackupClass::Keys,
            Self::Departures | Self::Audit => BackupClass::Proof,
            Self::Records(service) | Self::Objects(service) => of_service(service),
            Self::Arrivals | Self::Usage | Self::Salts => BackupClass::None,
        }
    }
}

/// A service is backed up if one of its kinds stays as long as its tenant does.
fn of_service(service: Service) -> BackupClass {
    let mut kinds = EVER_SHIPPED.iter().filter(|row| row.service == service);
    if kinds.any(|row| row.kept.target >= retention::GRACE) { BackupClass::Standard } else { BackupClass::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<(&'static str, BackupClass)> {
        STORES.iter().map(|store| (store.resource, BackupClass::of(store.resource))).collect()
    }

    /// Promises, E-17.
    #[test]
    fn what_stays_as_long_as_its_tenant_is_backed_up_and_what_goes_before_is_not() {
        let standard = classes().into_iter().filter(|(_, class)| *class == BackupClass::Standard).map(|(resource, _)| resource);
        assert_eq!(standard.collect::<Vec<_>>(), ["TenantsTable", "ConfigurationTable", "AttachmentsTable", "SealedBucket"]);
        let none = classes().into_iter().filter(|(_, class)| *class == BackupClass::None).map(|(resource, _)| resource);
        assert_eq!(none.collect::<Vec<_>>(), ["LicencesTable", "IssueCopiesTable", "IncomingBucket", "UsageTable", "UsageSaltsTable"]);
    }

    /// What shares their class would share their seven days.
    #[test]
    fn the_keys_are_alone_in_their_class() {
        let keys = classes().into_iter().filter(|(_, class)| *class == BackupClass::Keys).map(|(resource, _)| resource);
        assert_eq!(keys.collect::<Vec<_>>(), ["TenantKeysTable"]);
    }

    #[test]
    fn every_service_has_its_store() {
        for row in EVER_SHIPPED {
            assert!(STORES.iter().any(|store| store.contents == Contents::Records(row.service)), "{}", row.name);
        }
    }
}
