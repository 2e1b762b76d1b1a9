//! A tenant found again by its digest, where no token speaks for it: a record of ours does, or a token that we sealed ourselves.

use super::account::Account;
use super::lookup::{self, Known};
use super::{Standing, Tenant, id};
use crate::connect::catalogue::Catalogue;
use crate::platform::Platform;
use crate::problem::{Problem, Refusal};

/// The active tenant with this digest; `None` if there is none, or if it has left. Whoever asks must hold something that only we can have made
/// for this very digest.
pub(crate) async fn active(platform: &Platform, digest: &str) -> Result<Option<Tenant>, Problem> {
    let Some(Known { item, keyring, .. }) = lookup::known(platform, digest, None, true).await? else { return Ok(None) };
    let account = Account::open(&keyring, &item).await?;
    let app = Catalogue::hosted().iter().find(|app| id::digest(app.slug, &account.client_key) == digest);
    let app = app.ok_or_else(|| Problem::new(Refusal::Internal, "the tenant's app is hosted no longer"))?;
    let standing = Standing { state: item.state, epoch: item.epoch, installed_at: item.installed_at, enabled: item.enabled };
    Ok(Some(Tenant { app, keyring, account, standing }))
}
