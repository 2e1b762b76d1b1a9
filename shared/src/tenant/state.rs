//! The rules of a tenant's life, as pure functions: given what is stored, what has come and the time, what is to be done.
//!
//! Lifecycle events may come twice, late, signed again and out of order, so an event counts only if its (`iat`, rank) is greater than the
//! last one's; in the same second, being installed outranks having left.

/// The states that a tenants item may name. No item: nothing, or purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// In use.
    Active,
    /// It has left; everything is kept for a return.
    Unsubscribed,
    /// Its keys are gone and the rest is going.
    Purging,
}

impl State {
    const ALL: [Self; 3] = [Self::Active, Self::Unsubscribed, Self::Purging];

    /// How a state is written in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unsubscribed => "unsubscribed",
            Self::Purging => "purging",
        }
    }

    /// The state that is written so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// The order of lifecycle events: when it was signed, and what outranks what within a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// The token's `iat`, in epoch seconds.
    pub iat: i64,
    /// 0 for leaving, 1 for being installed.
    pub rank: u8,
}

impl Order {
    /// The order of an `installed` signed at `iat`.
    #[must_use]
    pub const fn installed(iat: i64) -> Self {
        Self { iat, rank: 1 }
    }

    /// The order of an `uninstalled` signed at `iat`.
    #[must_use]
    pub const fn uninstalled(iat: i64) -> Self {
        Self { iat, rank: 0 }
    }
}

/// What the rules need to know of a stored tenant.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Its state.
    pub state: State,
    /// The last event that counted.
    pub last: Order,
    /// While it is unsubscribed: when its purge may start, in epoch seconds.
    pub purge_after: Option<i64>,
}

/// What an `installed` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Install {
    /// Nothing: it is not newer than what counted last.
    Ignore,
    /// The first life begins, or the next one after a purge was finished.
    Begin,
    /// Active already: the account is brought up to date.
    Update,
    /// It comes back in time: everything is there.
    Return,
    /// It comes back too late: the next epoch begins, empty.
    NextEpoch,
}

/// What an `installed` does to what is stored.
#[must_use]
pub fn on_installed(stored: Option<&Stored>, order: Order, now: i64) -> Install {
    let Some(stored) = stored else { return Install::Begin };
    if order <= stored.last {
        return Install::Ignore;
    }
    match (stored.state, stored.purge_after) {
        (State::Active, _) => Install::Update,
        (State::Unsubscribed, Some(purge_after)) if now < purge_after => Install::Return,
        (State::Unsubscribed | State::Purging, _) => Install::NextEpoch,
    }
}

/// What an `uninstalled` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing: there is nobody to leave, or it is not newer than what counted last.
    Ignore,
    /// It leaves; the clock starts.
    Leave,
    /// It has left already, but this event is newer: only the order is noted, so that an older `installed` no longer counts. The clock keeps
    /// the first leaving.
    Note,
}

/// What an `uninstalled` does to what is stored.
#[must_use]
pub fn on_uninstalled(stored: Option<&Stored>, order: Order) -> Leaving {
    match stored {
        Some(stored) if order > stored.last && stored.state == State::Active => Leaving::Leave,
        Some(stored) if order > stored.last => Leaving::Note,
        _ => Leaving::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stored(state: State, last: Order, purge_after: Option<i64>) -> Stored {
        Stored { state, last, purge_after }
    }

    #[test]
    fn an_event_that_is_not_newer_changes_nothing() {
        let active = stored(State::Active, Order::installed(100), None);
        for (order, what) in [(Order::installed(100), "again"), (Order::installed(99), "older")] {
            assert_eq!(on_installed(Some(&active), order, 0), Install::Ignore, "{what}");
        }
        for (order, what) in [(Order::uninstalled(100), "the same second"), (Order::uninstalled(99), "older")] {
            assert_eq!(on_uninstalled(Some(&active), order), Leaving::Ignore, "{what}");
        }
    }

    #[test]
    fn in_the_same_second_installed_outranks_uninstalled() {
        let left = stored(State::Unsubscribed, Order::uninstalled(100), Some(1_000));
        assert_eq!(on_installed(Some(&left), Order::installed(100), 100), Install::Return);
    }

    /// Promise E-35.
    #[test]
    fn a_return_is_one_only_before_the_purge_may_start() {
        let left = stored(State::Unsubscribed, Order::uninstalled(100), Some(1_000));
        assert_eq!(on_installed(Some(&left), Order::installed(101), 999), Install::Return);
        assert_eq!(on_installed(Some(&left), Order::installed(101), 1_000), Install::NextEpoch);
        let purging = stored(State::Purging, Order::uninstalled(100), None);
        assert_eq!(on_installed(Some(&purging), Order::installed(101), 999), Install::NextEpoch);
    }

    #[test]
    fn leaving_again_is_noted_so_that_an_older_install_does_not_count() {
        let left = stored(State::Unsubscribed, Order::uninstalled(100), Some(1_000));
        assert_eq!(on_uninstalled(Some(&left), Order::uninstalled(200)), Leaving::Note);
        let noted = stored(State::Unsubscribed, Order::uninstalled(200), Some(1_000));
        assert_eq!(on_installed(Some(&noted), Order::installed(150), 150), Install::Ignore);
    }

    #[test]
    fn uninstalling_nobody_is_fine() {
        assert_eq!(on_uninstalled(None, Order::uninstalled(1)), Leaving::Ignore);
    }
}
