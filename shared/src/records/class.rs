//! The data classes of the vendors' statements. Whatever is kept belongs to exactly one, and its class says why it may be kept at all.

use serde::Serialize;

/// Why a piece of a customer's data is kept (promises, E-08, E-10, E-16, E-21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataClass {
    /// What Atlassian tells us of the installation: for licence, contract and contact.
    Account,
    /// What the app needs for a while to work.
    Operation,
    /// What users made with the app, its configuration included.
    CustomerUploaded,
    /// How the app is used, anonymised.
    Session,
    /// What was collected to answer a support request.
    Support,
}
