//! What must hold after every event, every day, and at the end; each with the promise that it is.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::purge::certificate::{Salt, SubjectClaim, verify};

use super::course::{Actor, Course, Held};
use super::model::{Left, Life, Untruth};
use super::operation_data;
use super::snapshots::{DEPARTURES, INCOMING, ISSUE_COPIES, KEYS, SEALED, TENANTS, number, text};
use super::wire::Place;
use crate::model::DAY;

/// A purge that is due has begun, or TTL has deleted the keys, after this at the latest: the TTL margin and the sweep of the timeline.
const KEYS_GONE: i64 = 4 * DAY;

/// What may be live after it was due, at most.
const LIVE_GONE: i64 = 7 * DAY;

/// Promise A-12: whoever does something changes nothing of anybody else's, and no purge changes anything of who is active.
pub fn may_touch(course: &Course, actor: Actor, place: &Place, before: Option<&Value>, after: Option<&Value>, digest: &str) -> Held {
    let index = course.by_digest.get(digest).copied();
    let refuse = |why: &str| {
        let what = format!("{why}: {actor:?} changed {place:?} from {} to {}", shown(before), shown(after));
        course.broken("A-12", what, index)
    };
    if place.table == ISSUE_COPIES
        && let Some(index) = index
        && let Err(why) = operation_data::may_be_written(course, actor, before, after, index)
    {
        return refuse(&why);
    }
    if let Actor::Tenant(acting) = actor {
        return if index == Some(acting) { Ok(()) } else { refuse("another tenant's") };
    }
    let Some(tenant) = index.map(|index| &course.tenants[index]) else { return refuse("nobody's") };
    let owner = super::snapshots::owner(&place.table, before.or(after).unwrap_or(&Value::Null));
    let is_active = tenant.lives.iter().any(|life| life.id == owner && life.left.is_none());
    let kind = if place.key.contains("#upload\"") { "upload" } else { "" };
    let spared = match (actor, place.table.as_str()) {
        // What the purge of the life before may take lay there before this life began.
        (Actor::Queues, INCOMING) if place.key.ends_with("#upload") && after.is_none() => {
            let since = before.and_then(|item| item["since"].as_i64()).unwrap_or_default();
            tenant.present().is_none_or(|life| life.left.is_some() || since < life.born_at)
        }
        (_, DEPARTURES | INCOMING) => true,
        (Actor::Function("purge"), _) => !is_active,
        // Files that have arrived are sealed by the same queues, and counted.
        (Actor::Queues, "ConfigurationTable" | TENANTS | KEYS) => !is_active,
        (Actor::Queues, "AttachmentsTable") => !is_active || after.is_some() || kind == "upload",
        (Actor::Queues, SEALED) => !is_active || after.is_some() || place.key.ends_with("#upload"),
        (Actor::Time, TENANTS | KEYS) => !is_active,
        _ => true,
    };
    if spared { Ok(()) } else { refuse("of an active tenant") }
}

fn shown(item: Option<&Value>) -> String {
    item.map_or("nothing".to_owned(), |item| item.to_string().chars().take(600).collect())
}

/// What must hold of a tenant after every event.
pub fn of_digest(course: &mut Course, digest: &str) -> Held {
    let Some(index) = course.by_digest.get(digest).copied() else { return Ok(()) };
    name_lives(course, index, digest);
    let (tenant, keys) = (course.shelf.of_digest(TENANTS, digest), course.shelf.of_digest(KEYS, digest));
    let broken = |promise, what: &str| course.broken(promise, what.to_owned(), Some(index));
    let model = &course.tenants[index];
    let id = tenant.map(|item| text(item, "tenant_id")).unwrap_or_default();
    let state = tenant.map(|item| text(item, "state")).unwrap_or_default();
    let departure = course.shelf.departure(id);
    let stage = departure.map(|item| text(item, "stage")).unwrap_or_default();
    if let Some(keys) = keys
        && text(keys, "tenant_id") != id
    {
        return broken("E-33", "two ids under one digest: the keys are not the tenant's");
    }
    match state {
        "active" => {
            let Some(keys) = keys else { return broken("E-35", "an active tenant has no keys") };
            if keys.get("expires_at").is_some() {
                return broken("E-35", "the keys of an active tenant expire");
            }
            if departure.is_some() && stage != "returned" {
                return broken("E-33", "an active tenant's departure is open or closed by a purge");
            }
        }
        "unsubscribed" => {
            let Some(departure) = departure.filter(|_| stage == "marked") else {
                return broken("E-34", "who has left has no open departure");
            };
            let kept_until = number(departure, "purge_after").max(number(departure, "hold_until")).unwrap_or_default();
            if number(tenant.unwrap_or(&Value::Null), "purge_after") != Some(kept_until) {
                return broken("E-35", "tenant and departure disagree on until when it may return");
            }
            match keys.map(|keys| number(keys, "expires_at")) {
                Some(expires_at) if expires_at != Some(kept_until + DAY) => {
                    return broken("E-34", "the keys of who has left do not expire a day after the last day of return");
                }
                None if course.now() <= kept_until + DAY => return broken("E-35", "the keys are gone before the last day of return"),
                _ => {}
            }
        }
        "purging" => {
            if keys.is_some() || stage != "purging" {
                return broken("E-34", "commit and shred are not one act: keys, or no purging departure, of who is being purged");
            }
        }
        _ => {
            if keys.is_some() {
                return broken("E-33", "keys without a tenant");
            }
        }
    }
    for life in &model.lives {
        let Some(departure) = course.shelf.departure(&life.id) else { continue };
        let stage = text(departure, "stage");
        if stage == "marked" && (id != life.id || state != "unsubscribed") {
            return broken("E-34", "a marked departure whose tenant is not there: nothing will ever purge it");
        }
        if ["purging", "purged"].contains(&stage) {
            let began = number(departure, "shredded_at").unwrap_or_default();
            let Some(left) = life.left else { return broken("E-35", "who is active is being purged") };
            if began < left.kept_until() {
                return broken("E-35", "a purge began before the last day of return");
            }
            if keys.is_some_and(|keys| text(keys, "tenant_id") == life.id) {
                return broken("E-34", "keys of who is being purged");
            }
        }
    }
    agrees(course, index, id, state)?;
    certified(course, index)
}

/// Puts our own ids to the lives of the model, and notes what the store says first: that a purge has begun.
fn name_lives(course: &mut Course, index: usize, digest: &str) {
    let id = course.shelf.of_digest(TENANTS, digest).map(|item| text(item, "tenant_id").to_owned());
    let tenant = &mut course.tenants[index];
    let known = id.as_ref().is_some_and(|id| tenant.lives.iter().any(|life| life.id == *id));
    if let (Some(id), false) = (id, known)
        && let Some(life) = tenant.lives.last_mut().filter(|life| life.id.is_empty())
    {
        life.id = id;
    }
    for life in &mut tenant.lives {
        let shredded_at = course.shelf.departure(&life.id).and_then(|item| number(item, "shredded_at"));
        if let (Some(left), Some(shredded_at)) = (&mut life.left, shredded_at)
            && left.shredded_at.is_none()
        {
            left.shredded_at = Some(shredded_at);
            course.totals.purges += 1;
        }
    }
}

/// The store says what the model says.
fn agrees(course: &Course, index: usize, id: &str, state: &str) -> Held {
    let Some(life) = course.tenants[index].present() else { return Ok(()) };
    let said = match life.left {
        None => state == "active" && id == life.id,
        Some(Left { shredded_at: None, .. }) => state == "unsubscribed" && id == life.id,
        Some(_) => state == "purging" && id == life.id || state.is_empty(),
    };
    if !said {
        return course.broken("E-33", format!("the store says {state:?} of {id}, the model {:?} of {}", life.left, life.id), Some(index));
    }
    let kept_until = course.shelf.of_digest(TENANTS, &course.tenants[index].digest).and_then(|item| number(item, "purge_after"));
    match life.left {
        Some(left) if left.shredded_at.is_none() && kept_until != Some(left.kept_until()) => {
            course.broken("E-35", format!("kept until {kept_until:?}, by the model until {}", left.kept_until()), Some(index))
        }
        _ => Ok(()),
    }?;
    let shredded = life.left.is_some_and(|left| left.shredded_at.is_some());
    let settings = course.shelf.of_life(&life.id).filter(|(place, _)| place.table == "ConfigurationTable").count();
    if !shredded && settings != life.records.len() {
        return course.broken("E-35", format!("{settings} settings lie there, {} were stored", life.records.len()), Some(index));
    }
    Ok(())
}

/// What a purge that has not deleted anything yet is going to find.
pub fn count_before_purging(course: &mut Course) {
    let is_new =
        |item: &Value| text(item, "stage") == "purging" && item.get("purge_cursor").is_none() && item.get("purge_counts").is_none();
    let purging = course.shelf.table(DEPARTURES).filter(|(_, item)| is_new(item));
    let found: Vec<_> =
        purging.map(|(_, item)| (text(item, "digest").to_owned(), text(item, "tenant_id").to_owned(), found(course, item))).collect();
    for (digest, id, found) in found {
        let Some(index) = course.by_digest.get(&digest).copied() else { continue };
        if let Some(life) = course.tenants[index].life(&id) {
            life.found = Some(found);
        }
    }
}

fn found(course: &Course, departure: &Value) -> BTreeMap<String, u64> {
    let (digest, id) = (text(departure, "digest"), text(departure, "tenant_id"));
    let mut counts = BTreeMap::new();
    let mut add = |what: &str| *counts.entry(what.to_owned()).or_default() += 1;
    for (place, item) in course.shelf.of_life(id) {
        match place.table.as_str() {
            TENANTS | KEYS | DEPARTURES => {}
            SEALED if item["what"] == "upload" => add("sealed-uploads"),
            SEALED => add("sealed-versions"),
            _ => add(text(item, "partition").split('#').nth(1).unwrap_or_default()),
        }
    }
    let is_over = course.shelf.of_digest(TENANTS, digest).is_none_or(|tenant| text(tenant, "tenant_id") != id);
    let before = if is_over { number(departure, "shredded_at").unwrap_or(i64::MAX) } else { i64::MAX };
    for place in course.shelf.objects(INCOMING, digest) {
        let Some(item) = course.shelf.get(&place).filter(|item| item["since"].as_i64() < Some(before)) else { continue };
        add(if item["what"] == "upload" { "incoming-uploads" } else { "incoming-objects" });
    }
    counts
}

/// Promises E-34, E-36: a tombstone implies emptiness, and a certificate that verifies and counts what was there.
fn certified(course: &mut Course, index: usize) -> Held {
    let purged = |life: &&Life| course.shelf.departure(&life.id).is_some_and(|item| text(item, "stage") == "purged");
    let new: Vec<String> =
        course.tenants[index].lives.iter().filter(purged).filter(|life| !life.is_certified).map(|life| life.id.clone()).collect();
    for id in new {
        certify(course, index, &id)?;
        course.totals.certificates += 1;
        if let Some(life) = course.tenants[index].life(&id) {
            life.is_certified = true;
        }
    }
    for life in course.tenants[index].lives.iter().filter(|life| life.is_certified) {
        if let Some((place, _)) = course.shelf.of_life(&life.id).find(|(place, _)| place.table != DEPARTURES) {
            return course.broken("E-34", format!("a tombstone, and {place:?} lies there still"), Some(index));
        }
    }
    Ok(())
}

fn certify(course: &Course, index: usize, id: &str) -> Held {
    let tenant = &course.tenants[index];
    let broken = |what: String| course.broken("E-36", what, Some(index));
    let (Some(departure), Some(life)) = (course.shelf.departure(id), tenant.lives.iter().find(|life| life.id == id)) else { return Ok(()) };
    let claim = SubjectClaim {
        app: tenant.site.app.slug.to_owned(),
        client_key: tenant.site.client_key.clone(),
        salt: Salt::from_hex(text(departure, "salt")).unwrap(),
    };
    let certificate = match verify(text(departure, "certificate").as_bytes(), &course.published, Some(&claim)) {
        Ok(certificate) => certificate,
        Err(fault) => return broken(format!("the certificate does not verify: {fault}")),
    };
    let mut counted: BTreeMap<String, u64> =
        certificate.deleted.iter().filter(|deleted| deleted.count > 0).map(|deleted| (deleted.what.clone(), deleted.count)).collect();
    if (counted.remove("tenant-keys"), counted.remove("account")) != (Some(1), Some(1)) {
        return broken("the certificate counts neither keys nor account".to_owned());
    }
    let found = life.found.clone().unwrap_or_default();
    let agrees = if life.is_inexact { counted.iter().all(|(what, count)| found.get(what) >= Some(count)) } else { counted == found };
    if !agrees {
        return broken(format!("the certificate counts {counted:?}, there were {found:?}"));
    }
    if counted.get("configuration").copied().unwrap_or_default() != life.records.len() as u64 {
        return broken(format!("the certificate counts {counted:?}, and {} settings were stored", life.records.len()));
    }
    let left = life.left.unwrap();
    if (certificate.left_at.epoch_seconds(), certificate.tenant_id.as_str()) != (left.left_at, id) {
        return broken("the certificate is about another leaving".to_owned());
    }
    over_in_time(course, index, life)
}

/// Promises E-17, E-34, E-36, A-48: whoever left is readable nowhere and exists nowhere in time, backups and restored tables included.
fn over_in_time(course: &Course, index: usize, life: &Life) -> Held {
    let left = life.left.unwrap();
    let (keys, data) = course.shelf.copies_until(&life.id, course.world.host.platform("purge").unwrap().config().timeline);
    let (readable, existing) = left.limits();
    let days = |moment: i64| match moment {
        i64::MAX => "for ever".to_owned(),
        _ => format!("until day {:.2}", (moment - left.left_at) as f64 / DAY as f64),
    };
    // What is sealed can be read as long as a copy of it and a copy of its keys are somewhere.
    if keys.min(data) > Some(readable) {
        let until = days(keys.min(data).unwrap());
        return course.broken("E-17", format!("readable {until}, promised is {}", days(readable)), Some(index));
    }
    if keys.max(data) > Some(existing) {
        let until = days(keys.max(data).unwrap());
        return course.broken("E-34", format!("existing {until}, promised is {}", days(existing)), Some(index));
    }
    Ok(())
}

/// What must hold every day, whatever failed.
pub fn of_the_day(course: &mut Course) -> Held {
    operation_data::of_the_day(course)?;
    let now = course.now();
    for (index, tenant) in course.tenants.iter().enumerate() {
        // A return is undone when the site has refused us for four days in a row, a leaving as soon as it knows us.
        let believed_for = |untruth: Untruth| if untruth.truth.is_some() { 7 * DAY } else { 3 * DAY };
        if tenant.untruth.is_some_and(|untruth| untruth.told_at + believed_for(untruth) < now) {
            return course.broken("E-33", "an event that is not true is believed for days".to_owned(), Some(index));
        }
        for life in &tenant.lives {
            let Some(left) = life.left else { continue };
            let since = now - left.kept_until().max(left.held_until);
            let keys = course.shelf.of_digest(KEYS, &tenant.digest).is_some_and(|keys| text(keys, "tenant_id") == life.id);
            if since > KEYS_GONE && keys {
                return course.broken("E-17", "live keys of who left, days after they were due".to_owned(), Some(index));
            }
            if since > LIVE_GONE && !life.is_certified {
                return course.broken("E-34", "not purged a week after it was due".to_owned(), Some(index));
            }
        }
    }
    Ok(())
}

/// What must hold when all is over.
pub fn at_the_end(course: &mut Course) -> Held {
    of_the_day(course)?;
    if course.world.host.waits() > 0 {
        return course.broken("E-34", format!("{} messages are left in the queues", course.world.host.waits()), None);
    }
    for index in 0..course.tenants.len() {
        let digest = course.tenants[index].digest.clone();
        of_digest(course, &digest)?;
        for life in &course.tenants[index].lives {
            if life.left.is_some_and(|left| left.kept_until() + 2 * DAY < course.now()) && !life.is_certified {
                return course.broken("E-36", "purged, and there is no certificate".to_owned(), Some(index));
            }
        }
    }
    Ok(())
}
