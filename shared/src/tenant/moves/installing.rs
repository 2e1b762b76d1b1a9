//! What being installed writes: a life begins, is brought up to date, goes on after a return, or begins anew.

use std::iter;
use std::sync::Arc;

use super::super::account::Account;
use super::super::departure::{Departure, Stage};
use super::super::departures;
use super::super::dormancy::spells::{REFUSALS, UNLICENSED};
use super::super::id::new_tenant_id;
use super::super::item::TenantItem;
use super::super::state::{Order, State};
use super::purging::IN_FLIGHT;
use super::{Event, RETURN_DOUBTED, by_digest};
use crate::connect::Installed;
use crate::envelope::{KeyItem, KeyMaterial, Limits, TenantKeys, Usage, WrappedVersion};
use crate::platform::Platform;
use crate::platform::wrapping_key::Wrapped;
use crate::problem::Problem;
use crate::records::item::{b, n, s};
use crate::records::keyring::{self, Keyring};
use crate::records::transaction::{Outcome, Transaction, at_revision, of_tenant};

/// The bytes of a tenant's keys: the data key and the index key, 32 each.
const KEY_BYTES: i32 = 64;

/// The first life of an installation, or the one after a finished purge.
pub(super) async fn begin(platform: &Platform, event: &Event, installed: &Installed, now: i64) -> Result<Outcome, Problem> {
    let epoch = last_epoch(platform, &event.digest).await?.saturating_add(1);
    let (tenant, key_item) = newborn(platform, event, installed, epoch, now).await?;
    let tables = &platform.config().tables;
    let absent = "attribute_not_exists(digest)";
    Transaction::new()
        .put(&tables.tenants, tenant.to_item(), absent, &[])
        .put(&tables.tenant_keys, keyring::to_item(&event.digest, &key_item), absent, &[])
        .commit(platform, &event.move_id)
        .await
}

/// Too late for a return: a new tenant id and new keys, over the old ones, which are gone with that. What was open of the leaving goes on as
/// a purge.
pub(super) async fn next_epoch(
    platform: &Platform,
    event: &Event,
    installed: &Installed,
    before: &TenantItem,
    now: i64,
) -> Result<Outcome, Problem> {
    let (mut tenant, key_item) = newborn(platform, event, installed, before.epoch.saturating_add(1), now).await?;
    tenant.revision = before.revision.saturating_add(1);
    let tables = &platform.config().tables;
    let departure = departures::find(platform, &event.digest, &before.tenant_id).await?;
    let mut transaction = Transaction::new()
        .put(
            &tables.tenants,
            tenant.to_item(),
            "revision = :revision AND tenant_id = :tenant_id",
            &[at_revision(before.revision), of_tenant(&before.tenant_id)],
        )
        .put(
            &tables.tenant_keys,
            keyring::to_item(&event.digest, &key_item),
            "attribute_not_exists(digest) OR tenant_id = :tenant_id",
            &[of_tenant(&before.tenant_id)],
        );
    transaction = match departure.map(|departure| departure.stage) {
        Some(Stage::Marked) => transaction.update(
            &tables.departures,
            Departure::key(&event.digest, &before.tenant_id),
            "SET stage = :purging, shredded_at = :now, due_at = :due REMOVE doubt_at",
            "stage = :marked",
            &[
                (":purging", s(Stage::Purging.name())),
                (":marked", s(Stage::Marked.name())),
                (":now", n(now)),
                (":due", n(now.saturating_add(IN_FLIGHT))),
            ],
        ),
        Some(Stage::Purging | Stage::Purged) => transaction,
        // Lost, as by a restore, or only that of an earlier leaving is left: without one, nothing would lead to the old life's records any more.
        None | Some(Stage::Returned) => {
            let left_at = before.left_at.unwrap_or(now);
            let lost = Departure::beginning(event.app, &event.digest, &before.tenant_id, before.epoch, left_at);
            let purge_after = before.purge_after.unwrap_or(now).min(now);
            let due_at = Some(now.saturating_add(IN_FLIGHT));
            let lost = Departure { stage: Stage::Purging, purge_after, shredded_at: Some(now), due_at, ..lost };
            let returned = (":returned", s(Stage::Returned.name()));
            transaction.put(&tables.departures, lost.to_item(), "attribute_not_exists(digest) OR stage = :returned", &[returned])
        }
    };
    transaction.commit(platform, &event.move_id).await
}

/// Installed again while active: an upgrade, a rename, a new secret.
pub(super) async fn update(
    platform: &Platform,
    event: &Event,
    installed: &Installed,
    before: &TenantItem,
    keyring: &Keyring,
    now: i64,
) -> Result<Outcome, Problem> {
    let account = sealed_account(installed, before, keyring, now).await?;
    Transaction::new()
        .update(
            &platform.config().tables.tenants,
            by_digest(&event.digest),
            // Whoever installs it knows us, whatever the site answered before. What it pays for is another matter.
            &format!(
                "SET account = :account, revision = revision + :one, event_iat = :iat, event_rank = :rank, move_id = :move_id \
                 REMOVE {REFUSALS}"
            ),
            "revision = :revision AND tenant_id = :tenant_id AND #state = :active",
            &[
                (":account", b(account)),
                (":one", n(1)),
                (":iat", n(event.iat)),
                (":rank", n(Order::installed(event.iat).rank)),
                (":move_id", s(&event.move_id)),
                (":active", s(State::Active.name())),
                at_revision(before.revision),
                of_tenant(&before.tenant_id),
            ],
        )
        .commit(platform, &event.move_id)
        .await
}

/// Back in time: the same tenant, with everything (promise E-35).
pub(super) async fn come_back(
    platform: &Platform,
    event: &Event,
    installed: &Installed,
    before: &TenantItem,
    keyring: &Keyring,
    now: i64,
) -> Result<Outcome, Problem> {
    let account = sealed_account(installed, before, keyring, now).await?;
    let tables = &platform.config().tables;
    let transaction = Transaction::new()
        .update(
            &tables.tenants,
            by_digest(&event.digest),
            &format!(
                "SET #state = :active, account = :account, enabled = :enabled, revision = revision + :one, event_iat = :iat, \
                 event_rank = :rank, move_id = :move_id REMOVE left_at, purge_after, {REFUSALS}, {UNLICENSED}"
            ),
            "revision = :revision AND tenant_id = :tenant_id AND #state = :unsubscribed AND purge_after > :now",
            &[
                (":account", b(account)),
                (":enabled", aws_sdk_dynamodb::types::AttributeValue::Bool(true)),
                (":one", n(1)),
                (":iat", n(event.iat)),
                (":rank", n(Order::installed(event.iat).rank)),
                (":move_id", s(&event.move_id)),
                (":active", s(State::Active.name())),
                (":unsubscribed", s(State::Unsubscribed.name())),
                (":now", n(now)),
                at_revision(before.revision),
                of_tenant(&before.tenant_id),
            ],
        )
        .update(
            &tables.tenant_keys,
            by_digest(&event.digest),
            "SET rev = rev + :one REMOVE expires_at",
            "tenant_id = :tenant_id AND expires_at > :now",
            &[(":one", n(1)), (":now", n(now)), of_tenant(&before.tenant_id)],
        );
    // An installation may be told again, late and signed again, so the site is asked a day later whether it is true.
    let doubt_at = now.saturating_add(RETURN_DOUBTED);
    let transaction = if departures::find(platform, &event.digest, &before.tenant_id).await?.is_some() {
        transaction.update(
            &tables.departures,
            Departure::key(&event.digest, &before.tenant_id),
            "SET stage = :returned, returned_at = :now, doubt_at = :doubt, due_at = :doubt",
            "stage = :marked",
            &[(":returned", s(Stage::Returned.name())), (":marked", s(Stage::Marked.name())), (":now", n(now)), (":doubt", n(doubt_at))],
        )
    } else {
        // Lost, as by a restore: whoever comes back in time must not be kept out by that.
        let lost = Departure::beginning(event.app, &event.digest, &before.tenant_id, before.epoch, before.left_at.unwrap_or(now));
        let (doubt_at, due_at) = (Some(doubt_at), Some(doubt_at));
        let lost = Departure { stage: Stage::Returned, returned_at: Some(now), doubt_at, due_at, ..lost };
        transaction.put(&tables.departures, lost.to_item(), "attribute_not_exists(digest)", &[])
    };
    transaction.commit(platform, &event.move_id).await
}

/// A tenant that has just been born: new id, new keys, its account sealed under them.
async fn newborn(
    platform: &Platform,
    event: &Event,
    installed: &Installed,
    epoch: u64,
    now: i64,
) -> Result<(TenantItem, KeyItem), Problem> {
    let tenant_id = new_tenant_id(platform.random())?;
    let mut generated = platform.wrapping_key().generate(&tenant_id, 1, KEY_BYTES).await?;
    let Wrapped { bytes, key_arn } = generated.wrapped;
    let version = WrappedVersion { wrapped: bytes, created_at: now, key_arn, usage: Usage::SealAndOpen };
    let versions = iter::once((1, version)).collect();
    let key_item = KeyItem { tenant_id: tenant_id.clone(), rev: 1, current: 1, versions, expires_at: None };
    let material = KeyMaterial::new(std::mem::take(&mut *generated.plaintext))?;
    let keys = TenantKeys::from_item(&key_item, &material, Limits::default().max_seals)?;
    let keyring = Keyring::new(platform, &event.digest, Arc::new(keys));
    let tenant = TenantItem {
        digest: event.digest.clone(),
        app: event.app.to_owned(),
        tenant_id,
        state: State::Active,
        epoch,
        revision: 1,
        last: Order::installed(event.iat),
        move_id: event.move_id.clone(),
        installed_at: now,
        left_at: None,
        purge_after: None,
        enabled: true,
        account: Account::after(installed, None, now).seal(&keyring, &event.digest)?,
    };
    Ok((tenant, key_item))
}

async fn sealed_account(installed: &Installed, before: &TenantItem, keyring: &Keyring, now: i64) -> Result<Vec<u8>, Problem> {
    let known = Account::open(keyring, before).await?;
    Account::after(installed, Some(&known), now).seal(keyring, &before.digest)
}

/// The number of the last life that left under this digest; 0 if none did.
async fn last_epoch(platform: &Platform, digest: &str) -> Result<u64, Problem> {
    let departures = departures::of_digest(platform, digest).await?;
    Ok(departures.iter().map(|departure| departure.epoch).max().unwrap_or_default())
}
