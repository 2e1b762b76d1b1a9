//! A departure as it lies in the table.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Cause, Departure, Evidence, Hold, HoldReason, Lease, PastHold, Proof, PurgeProgress, Stage};
use crate::records::item::{self, Damaged, Item, n, s};
use crate::records::retention;

impl Departure {
    /// The departure's key.
    pub(crate) fn key(digest: &str, tenant_id: &str) -> Item {
        item::item([("digest", s(digest)), ("tenant_id", s(tenant_id))])
    }

    /// The departure, whole.
    pub(crate) fn to_item(&self) -> Item {
        let mut item = Self::key(&self.digest, &self.tenant_id);
        let mut put = |name: &str, value| drop(item.insert(name.to_owned(), value));
        put("app", s(&self.app));
        put("epoch", n(self.epoch));
        put("cause", s(self.cause.name()));
        put("left_at", n(self.left_at));
        put("purge_after", n(self.purge_after));
        put("stage", s(self.stage.name()));
        if let Some(due_at) = self.due_at {
            put("due_shard", n(self.due_shard()));
            put("due_at", n(due_at));
        }
        let moments = [
            ("doubt_at", self.doubt_at),
            ("early_at", self.early_at),
            ("returned_at", self.returned_at),
            ("shredded_at", self.shredded_at),
        ];
        for (name, moment) in moments {
            if let Some(moment) = moment {
                put(name, n(moment));
            }
        }
        if let Some(Evidence { since, times, last_status }) = self.evidence {
            put("evidence_since", n(since));
            put("evidence_times", n(times));
            put("evidence_status", n(last_status));
        }
        if let Some(hold) = &self.hold {
            put("hold_by", s(&hold.placed_by));
            put("hold_reason", s(hold.reason.name()));
            put("hold_placed_at", n(hold.placed_at));
            put("hold_until", n(hold.until));
        }
        if !self.past_holds.is_empty() {
            put("past_holds", past_holds(&self.past_holds));
        }
        if let Some(lease) = &self.purge.lease {
            put("lease", s(&lease.token));
            put("lease_until", n(lease.until));
        }
        if let Some(cursor) = &self.purge.cursor {
            put("purge_cursor", s(cursor));
        }
        if !self.purge.counts.is_empty() {
            put("purge_counts", counts(&self.purge.counts));
        }
        if !self.purge.verified.is_empty() {
            put("verified", moments_list(&self.purge.verified));
        }
        if let Some(proof) = &self.proof {
            put("purged_at", n(proof.purged_at));
            put("certificate", s(&proof.certificate));
            put("salt", s(&proof.salt));
            put("expires_at", n(tombstone_until(proof.purged_at)));
        }
        item
    }

    /// What holds while nobody has changed it since it was read: a condition, and its values.
    pub(crate) fn unchanged(&self) -> (String, Vec<(&'static str, AttributeValue)>) {
        let mut condition = "stage = :stage AND left_at = :left_at AND purge_after = :purge_after".to_owned();
        let mut values = vec![(":stage", s(self.stage.name())), (":left_at", n(self.left_at)), (":purge_after", n(self.purge_after))];
        for (attribute, value, moment) in [
            ("due_at", ":due_at", self.due_at),
            ("doubt_at", ":doubt_at", self.doubt_at),
            ("hold_until", ":hold_until", self.hold.as_ref().map(|hold| hold.until)),
            ("early_at", ":early_at", self.early_at),
        ] {
            match moment {
                Some(moment) => {
                    condition.push_str(&format!(" AND {attribute} = {value}"));
                    values.push((value, n(moment)));
                }
                None => condition.push_str(&format!(" AND attribute_not_exists({attribute})")),
            }
        }
        (condition, values)
    }

    pub(crate) fn from_item(item: &Item) -> Result<Self, Damaged> {
        Ok(Self {
            digest: item::text(item, "digest")?,
            tenant_id: item::text(item, "tenant_id")?,
            app: item::text(item, "app")?,
            epoch: item::number(item, "epoch")?,
            cause: Cause::named(&item::text(item, "cause")?).ok_or(Damaged("cause"))?,
            evidence: evidence(item)?,
            left_at: item::number(item, "left_at")?,
            purge_after: item::number(item, "purge_after")?,
            stage: Stage::named(&item::text(item, "stage")?).ok_or(Damaged("stage"))?,
            due_at: item::number_if_any(item, "due_at")?,
            doubt_at: item::number_if_any(item, "doubt_at")?,
            hold: hold(item)?,
            past_holds: past_holds_of(item)?,
            early_at: item::number_if_any(item, "early_at")?,
            returned_at: item::number_if_any(item, "returned_at")?,
            shredded_at: item::number_if_any(item, "shredded_at")?,
            purge: progress(item)?,
            proof: proof(item)?,
        })
    }
}

/// Until when a tombstone is kept, in epoch seconds.
pub(crate) fn tombstone_until(purged_at: i64) -> i64 {
    purged_at.saturating_add(i64::try_from(retention::TOMBSTONE.as_secs()).unwrap_or(i64::MAX))
}

/// Counts as an attribute.
pub(crate) fn counts(counts: &BTreeMap<String, u64>) -> AttributeValue {
    AttributeValue::M(counts.iter().map(|(what, count)| (what.clone(), n(count))).collect())
}

/// Moments as an attribute.
pub(crate) fn moments_list(moments: &[i64]) -> AttributeValue {
    AttributeValue::L(moments.iter().map(n).collect())
}

/// Holds that are over, as an attribute.
pub(crate) fn past_holds(holds: &[PastHold]) -> AttributeValue {
    let past = |hold: &PastHold| {
        AttributeValue::M(item::item([
            ("reason", s(hold.reason.name())),
            ("placed_at", n(hold.placed_at)),
            ("until", n(hold.until)),
            ("ended_at", n(hold.ended_at)),
        ]))
    };
    AttributeValue::L(holds.iter().map(past).collect())
}

fn evidence(item: &Item) -> Result<Option<Evidence>, Damaged> {
    let Some(since) = item::number_if_any(item, "evidence_since")? else { return Ok(None) };
    Ok(Some(Evidence { since, times: item::number(item, "evidence_times")?, last_status: item::number(item, "evidence_status")? }))
}

fn hold(item: &Item) -> Result<Option<Hold>, Damaged> {
    let Some(until) = item::number_if_any(item, "hold_until")? else { return Ok(None) };
    let reason = HoldReason::named(&item::text(item, "hold_reason")?).ok_or(Damaged("hold_reason"))?;
    let (placed_by, placed_at) = (item::text(item, "hold_by")?, item::number(item, "hold_placed_at")?);
    Ok(Some(Hold { placed_by, reason, placed_at, until }))
}

fn past_holds_of(item: &Item) -> Result<Vec<PastHold>, Damaged> {
    let Some(held) = item.get("past_holds") else { return Ok(Vec::new()) };
    let past = |hold: &AttributeValue| {
        let hold: &HashMap<_, _> = hold.as_m().ok()?;
        let reason = HoldReason::named(&item::text(hold, "reason").ok()?)?;
        let moment = |name| item::number(hold, name).ok();
        Some(PastHold { reason, placed_at: moment("placed_at")?, until: moment("until")?, ended_at: moment("ended_at")? })
    };
    let held = held.as_l().map_err(|_| Damaged("past_holds"))?;
    held.iter().map(|hold| past(hold).ok_or(Damaged("past_holds"))).collect()
}

fn progress(item: &Item) -> Result<PurgeProgress, Damaged> {
    let counted = |(what, count): (&String, &AttributeValue)| {
        let count = count.as_n().ok().and_then(|count| count.parse().ok()).ok_or(Damaged("purge_counts"))?;
        Ok((what.clone(), count))
    };
    let counts = match item.get("purge_counts") {
        Some(counts) => counts.as_m().map_err(|_| Damaged("purge_counts"))?.iter().map(counted).collect::<Result<_, _>>()?,
        None => BTreeMap::new(),
    };
    let verified = match item.get("verified") {
        Some(moments) => {
            let moments = moments.as_l().map_err(|_| Damaged("verified"))?;
            let moment = |moment: &AttributeValue| moment.as_n().ok()?.parse().ok();
            moments.iter().map(|each| moment(each).ok_or(Damaged("verified"))).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    let cursor = item.contains_key("purge_cursor").then(|| item::text(item, "purge_cursor")).transpose()?;
    let until = item::number_if_any(item, "lease_until")?;
    let lease = until.map(|until| Ok(Lease { token: item::text(item, "lease")?, until })).transpose()?;
    Ok(PurgeProgress { lease, cursor, counts, verified })
}

fn proof(item: &Item) -> Result<Option<Proof>, Damaged> {
    let Some(purged_at) = item::number_if_any(item, "purged_at")? else { return Ok(None) };
    Ok(Some(Proof { purged_at, certificate: item::text(item, "certificate")?, salt: item::text(item, "salt")? }))
}
