//! What becomes of a tenant that a backup, or the live table, names: decided by its tenants item and its live departure alone.

use super::named::Named;
use crate::tenant::departure::{Departure, Stage};
use crate::tenant::state::State;

/// What a tenant is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// In use: everything stays, and its keys have no end.
    Active,
    /// It has left and may return: everything stays, dated.
    Left {
        /// When it left.
        left_at: i64,
        /// Until when it may return.
        purge_after: i64,
        /// When TTL may delete its keys.
        keys_expire_at: i64,
    },
    /// It has left and may return no more. Nothing of it stays but its tenants item: by that the purge, which is due, finds it and closes the
    /// departure.
    Overdue {
        /// When it left.
        left_at: i64,
        /// Until when it could have returned.
        purge_after: i64,
    },
    /// Purged, or being purged: nothing of it stays.
    Gone,
}

/// What the departure makes of the tenant; none if there ought to be a departure and is not.
pub(super) fn fate(tenant: &Named, departure: Option<&Departure>, now: i64) -> Option<Fate> {
    // A purge that has begun is never undone.
    if tenant.state == State::Purging {
        return Some(Fate::Gone);
    }
    let has_left = tenant.state == State::Unsubscribed;
    match departure {
        Some(departure) => match departure.stage {
            Stage::Purging | Stage::Purged => Some(Fate::Gone),
            Stage::Marked => Some(left(departure, now)),
            // Of a later leaving than the one that it returned from, the departure is lost.
            Stage::Returned if has_left && tenant.left_at > Some(departure.left_at) => None,
            Stage::Returned => Some(Fate::Active),
        },
        None if has_left => None,
        None => Some(Fate::Active),
    }
}

fn left(departure: &Departure, now: i64) -> Fate {
    let (left_at, purge_after) = (departure.left_at, departure.kept_until());
    if purge_after <= now {
        return Fate::Overdue { left_at, purge_after };
    }
    Fate::Left { left_at, purge_after, keys_expire_at: departure.keys_expire_at() }
}

impl Fate {
    /// Whether the tenants item says so already.
    pub(super) fn is_told_by(self, tenant: &Named) -> bool {
        let dated = |left_at, purge_after| {
            tenant.state == State::Unsubscribed && tenant.left_at == Some(left_at) && tenant.purge_after == Some(purge_after)
        };
        match self {
            Self::Active => tenant.state == State::Active,
            Self::Left { left_at, purge_after, .. } | Self::Overdue { left_at, purge_after } => dated(left_at, purge_after),
            Self::Gone => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::departure::{Hold, HoldReason};

    const DAY: i64 = 86_400;

    fn tenant(state: State, left_at: Option<i64>) -> Named {
        Named {
            digest: "d".to_owned(),
            app: "app".to_owned(),
            tenant_id: "t".to_owned(),
            state,
            epoch: 1,
            revision: 1,
            left_at,
            purge_after: left_at.map(|left_at| left_at + 110 * DAY),
        }
    }

    fn departure(stage: Stage, left_at: i64) -> Departure {
        Departure { stage, ..Departure::beginning("app", "d", "t", 1, left_at) }
    }

    #[test]
    fn who_was_purged_is_gone_whatever_the_backup_says() {
        for stage in [Stage::Purging, Stage::Purged] {
            for tenant in [tenant(State::Active, None), tenant(State::Unsubscribed, Some(5)), tenant(State::Purging, Some(5))] {
                assert_eq!(fate(&tenant, Some(&departure(stage, 5)), 6), Some(Fate::Gone), "{stage:?} {:?}", tenant.state);
            }
        }
        assert_eq!(fate(&tenant(State::Purging, Some(5)), None, 6), Some(Fate::Gone));
    }

    #[test]
    fn who_left_after_the_backup_has_left() {
        let left = Fate::Left { left_at: 5, purge_after: 5 + 110 * DAY, keys_expire_at: 5 + 111 * DAY };
        let decided = |tenant: &Named, now| fate(tenant, Some(&departure(Stage::Marked, 5)), now);
        for tenant in [tenant(State::Active, None), tenant(State::Unsubscribed, Some(5)), tenant(State::Unsubscribed, Some(1))] {
            assert_eq!(decided(&tenant, 5 + 110 * DAY - 1), Some(left));
            assert_eq!(decided(&tenant, 5 + 110 * DAY), Some(Fate::Overdue { left_at: 5, purge_after: 5 + 110 * DAY }));
        }
        assert!(left.is_told_by(&tenant(State::Unsubscribed, Some(5))));
        assert!(!left.is_told_by(&tenant(State::Unsubscribed, Some(4))) && !left.is_told_by(&tenant(State::Active, None)));
    }

    #[test]
    fn a_hold_lengthens_what_is_kept() {
        let until = 5 + 120 * DAY;
        let hold = Hold { placed_by: "p".to_owned(), reason: HoldReason::Dispute, placed_at: 6, until };
        let held = Departure { hold: Some(hold), ..departure(Stage::Marked, 5) };
        let left = Fate::Left { left_at: 5, purge_after: until, keys_expire_at: until + DAY };
        assert_eq!(fate(&tenant(State::Unsubscribed, Some(5)), Some(&held), 5 + 115 * DAY), Some(left));
    }

    #[test]
    fn who_returned_after_the_backup_is_back() {
        let returned = departure(Stage::Returned, 5);
        for tenant in [tenant(State::Active, None), tenant(State::Unsubscribed, Some(5)), tenant(State::Unsubscribed, Some(1))] {
            assert_eq!(fate(&tenant, Some(&returned), 6), Some(Fate::Active));
        }
        assert_eq!(fate(&tenant(State::Active, None), None, 6), Some(Fate::Active));
    }

    #[test]
    fn a_leaving_without_a_departure_is_found_out() {
        assert_eq!(fate(&tenant(State::Unsubscribed, Some(5)), None, 6), None);
        assert_eq!(fate(&tenant(State::Unsubscribed, Some(5)), Some(&departure(Stage::Returned, 4)), 6), None);
    }
}
