//! Holds: a person's word that a purge must wait.

/// A hold that stands. While it stands past a deadline the promise is suspended, and that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The principal who placed it, or renewed it last.
    pub placed_by: String,
    /// Why; from a list, because free text may name a customer.
    pub reason: HoldReason,
    /// When it was placed first, in epoch seconds.
    pub placed_at: i64,
    /// Until when, in epoch seconds; 30 days after it was placed or renewed at the latest.
    pub until: i64,
}

/// A hold that stands no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastHold {
    /// Why it was placed.
    pub reason: HoldReason,
    /// When it was placed.
    pub placed_at: i64,
    /// Until when it was to stand.
    pub until: i64,
    /// When it ended: then, or before, because it was lifted.
    pub ended_at: i64,
}

/// How long a hold stands at most before a person must renew it, in seconds.
pub const LONGEST: i64 = 30 * 24 * 60 * 60;

/// Why a purge may be made to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// The law forbids to delete for now.
    LegalObligation,
    /// An incident is being looked into.
    Investigation,
    /// The customer disputes the leaving.
    Dispute,
}

impl HoldReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::LegalObligation, Self::Investigation, Self::Dispute];

    /// How a reason is written in the table, in requests and in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LegalObligation => "legal-obligation",
            Self::Investigation => "investigation",
            Self::Dispute => "dispute",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl Hold {
    /// The hold as a past one, that ended now or was over before.
    #[must_use]
    pub fn ended(&self, now: i64) -> PastHold {
        PastHold { reason: self.reason, placed_at: self.placed_at, until: self.until, ended_at: self.until.min(now).max(self.placed_at) }
    }
}
