//! How far a purge is, and what it leaves behind.

use std::collections::BTreeMap;

/// How far a purge is: who works on it, where it goes on, and what it has found and deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurgeProgress {
    /// Who works on it.
    pub lease: Option<Lease>,
    /// Where it goes on.
    pub cursor: Option<String>,
    /// What it has deleted, by name of the kind or the sort of object.
    pub counts: BTreeMap<String, u64>,
    /// When nothing was found any more, in epoch seconds: two moments, an hour apart, end it.
    pub verified: Vec<i64>,
}

/// A purge's worker has it for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Made up by the worker that took it.
    pub token: String,
    /// Until when, in epoch seconds.
    pub until: i64,
}

/// What a finished purge leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// When it was finished, in epoch seconds.
    pub purged_at: i64,
    /// The deletion certificate, whole, as it is handed out.
    pub certificate: String,
    /// What the certificate's subject was salted with, hex: handed to the customer alone.
    pub salt: String,
}
