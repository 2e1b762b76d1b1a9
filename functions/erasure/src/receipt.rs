//! The receipt of earlier deletion: what the customer can hold us to (promise E-36). It is made of what the departure says for good and of what is
//! promised, and of nothing that is configured, so that it is the same whenever and by whichever version it is shown.

use serde::Serialize;
use shared::platform::clock::rfc3339;
use shared::purge::timeline::{EARLY_EXISTING, EARLY_LIVE, EARLY_READABLE, PURGE};
use shared::tenant::departure::Departure;
use shared::tenant::id;

use crate::shown::DAY;

/// A receipt.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    /// Names it, and tells nothing.
    receipt: String,
    tenant_id: String,
    /// When it was asked for first; absent where the purge had begun before anybody asked, and then the dates count from the end of the keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<String>,
    live_data_gone_by: String,
    unreadable_by: String,
    gone_by: String,
}

impl Receipt {
    /// The receipt of a departure; `None` if its deletion has neither been asked for nor begun.
    pub(crate) fn of(departure: &Departure) -> Option<Self> {
        Self::of_request(departure).or_else(|| {
            let after_deletion = [PURGE, EARLY_READABLE - EARLY_LIVE, PURGE + EARLY_EXISTING - EARLY_LIVE];
            Some(Self::dated(departure, departure.shredded_at?, after_deletion))
        })
    }

    /// The same, only if it has been asked for.
    pub(crate) fn of_request(departure: &Departure) -> Option<Self> {
        Some(Self::dated(departure, departure.early_at?, [EARLY_LIVE, EARLY_READABLE, EARLY_EXISTING]))
    }

    fn dated(departure: &Departure, from: i64, in_days: [u64; 3]) -> Self {
        let [live_data_gone_by, unreadable_by, gone_by] = in_days.map(|days| rfc3339(after(from, days)));
        Self {
            // Of a random id and a moment that never changes.
            receipt: id::digest("receipt", &format!("{} {from}", departure.tenant_id)).chars().take(32).collect(),
            tenant_id: departure.tenant_id.clone(),
            asked_at: departure.early_at.map(rfc3339),
            live_data_gone_by,
            unreadable_by,
            gone_by,
        }
    }
}

fn after(moment: i64, days: u64) -> i64 {
    moment.saturating_add(i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY))
}
