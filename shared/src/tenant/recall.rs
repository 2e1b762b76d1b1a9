//! A tenant found again by its digest, where no token speaks for it: a record of ours does, or a token that we sealed ourselves.

use std::collections::HashMap;

use super::account::Account;
use super::lookup::{self, Known};
use super::{Standing, Tenant, id};
use crate::connect::catalogue::Catalogue;
use crate::platform::Platform;
use crate::problem::{Problem, Refusal};
use crate::records::reading::{Opening, Rider};

/// The active tenant with this digest; `None` if there is none, or if it has left. Whoever asks must hold something that only we can have made
/// for this very digest.
pub(crate) async fn active(platform: &Platform, digest: &str) -> Result<Option<Tenant>, Problem> {
    match lookup::known(platform, digest, None, true).await? {
        Some(known) => recalled(digest, known).await.map(Some),
        None => Ok(None),
    }
}

/// The same, with what rides along: fetched in the same call while the tenant's keys are at hand, else by one more.
pub(crate) async fn active_with<R: Rider>(platform: &Platform, digest: &str) -> Result<Option<(Tenant, R)>, Problem> {
    let wanted = R::wanted(&HashMap::new())?;
    let Some(mut known) = lookup::known(platform, digest, wanted.as_ref(), true).await? else { return Ok(None) };
    let item = match (known.along.take(), wanted) {
        (Some(item), _) => item,
        (None, Some(wanted)) => lookup::one(platform, (wanted.key)(known.keyring.clone(), &wanted.name)).await?,
        (None, None) => None,
    };
    let rider = R::open(Opening { keyring: known.keyring.clone(), item }).await?;
    Ok(Some((recalled(digest, known).await?, rider)))
}

/// A tenant that left, or that came back.
pub(crate) struct Departed {
    /// The tenant, in whatever state it is.
    pub(crate) tenant: Tenant,
    /// The revision of its tenants item: whoever acts upon what it was asked acts only if it has not moved since.
    pub(crate) revision: u64,
}

/// The tenant that a departure is about, whether it is active or not; `None` if it is not this one that lies under the digest, or its keys are
/// rightly gone. It may have left, so this is for one use alone: to ask its site whether that is true.
pub(crate) async fn departed(platform: &Platform, digest: &str, tenant_id: &str) -> Result<Option<Departed>, Problem> {
    match lookup::known(platform, digest, None, false).await? {
        Some(known) if known.item.tenant_id == tenant_id => {
            let revision = known.item.revision;
            Ok(Some(Departed { tenant: recalled(digest, known).await?, revision }))
        }
        _ => Ok(None),
    }
}

async fn recalled(digest: &str, Known { item, keyring, .. }: Known) -> Result<Tenant, Problem> {
    let account = Account::open(&keyring, &item).await?;
    let app = Catalogue::hosted().iter().find(|app| id::digest(app.slug, &account.client_key) == digest);
    let app = app.ok_or_else(|| Problem::new(Refusal::Internal, "the tenant's app is hosted no longer"))?;
    let standing = Standing { state: item.state, epoch: item.epoch, installed_at: item.installed_at, enabled: item.enabled };
    Ok(Tenant { app, keyring, account, standing })
}
