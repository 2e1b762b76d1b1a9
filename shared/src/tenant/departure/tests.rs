//! What a departure says of itself, and that it comes back from the table as it went.

use std::collections::BTreeMap;

use super::*;
use crate::records::item::{n, s};

const DAY: i64 = 86_400;

fn hold() -> Hold {
    Hold { placed_by: "arn:aws:iam::1:role/operator".to_owned(), reason: HoldReason::Dispute, placed_at: 5, until: 9 }
}

#[test]
fn a_departure_comes_back_from_the_table_as_it_went() {
    let departure = Departure::beginning("app", "00af", "t-1", 2, 1_000);
    assert_eq!(Departure::from_item(&departure.to_item()).unwrap(), departure);
    assert_eq!(departure.due_shard(), 15);
    assert_eq!(departure.purge_after, 1_000 + 110 * DAY);
    assert_eq!(departure.keys_expire_at(), departure.purge_after + DAY);
    assert_eq!(departure.deadline(), 1_000 + 180 * DAY);
}

#[test]
fn a_held_departure_half_purged_comes_back_too_and_a_closed_one_is_not_due() {
    let past_holds = vec![PastHold { reason: HoldReason::Investigation, placed_at: 1, until: 3, ended_at: 2 }];
    let counts = BTreeMap::from([("configuration".to_owned(), 3)]);
    let lease = Some(Lease { token: "l".to_owned(), until: 7 });
    let purge = PurgeProgress { lease, cursor: Some("c".to_owned()), counts, verified: vec![3, 4] };
    let open = Departure {
        cause: Cause::Dormant,
        evidence: Some(Evidence { since: 1, times: 5, last_status: 401 }),
        doubt_at: Some(3),
        hold: Some(hold()),
        past_holds,
        early_at: Some(4),
        returned_at: Some(5),
        shredded_at: Some(6),
        purge,
        ..Departure::beginning("app", "00af", "t-1", 2, 1_000)
    };
    assert_eq!(Departure::from_item(&open.to_item()).unwrap(), open);
    let proof = Some(Proof { purged_at: 8, certificate: "{}".to_owned(), salt: "5a".to_owned() });
    let closed = Departure { stage: Stage::Purged, due_at: None, proof, ..open };
    let item = closed.to_item();
    assert!(!item.contains_key("due_shard") && !item.contains_key("due_at"));
    assert_eq!(Departure::from_item(&item).unwrap(), closed);
}

#[test]
fn a_damaged_departure_is_refused_by_attribute() {
    let whole = Departure::beginning("app", "00af", "t-1", 2, 1_000).to_item();
    for (attribute, value) in [
        ("stage", s("gone")),
        ("cause", s("boredom")),
        ("purge_counts", n(1)),
        ("purge_cursor", n(1)),
        ("lease_until", s("x")),
        ("due_at", s("x")),
        ("verified", n(1)),
        ("past_holds", n(1)),
        ("evidence_since", s("x")),
        ("purged_at", s("x")),
    ] {
        let mut item = whole.clone();
        item.insert(attribute.to_owned(), value);
        assert_eq!(Departure::from_item(&item).unwrap_err().0, attribute);
    }
    let mut item = whole;
    item.insert("hold_until".to_owned(), n(1));
    assert_eq!(Departure::from_item(&item).unwrap_err().0, "hold_reason");
}

#[test]
fn a_hold_keeps_longer_than_the_grace_and_never_shorter() {
    let left = Departure::beginning("app", "00af", "t-1", 1, 0);
    let held = |until| Departure { hold: Some(Hold { until, ..hold() }), ..left.clone() };
    assert_eq!(held(10 * DAY).kept_until(), 110 * DAY);
    assert_eq!(held(120 * DAY).kept_until(), 120 * DAY);
    assert_eq!(held(120 * DAY).keys_expire_at(), 121 * DAY);
}

#[test]
fn a_doubted_leaving_is_due_when_the_site_is_to_be_asked_and_then_when_it_is_to_be_purged() {
    let doubted = Departure::beginning("app", "00af", "t-1", 1, 0).doubted(3_600);
    assert_eq!(doubted.due_at, Some(3_600));
    assert_eq!(Departure { doubt_at: None, ..doubted }.next(), 110 * DAY);
}
