//! `GET /{app}/account`: the tenant as we hold it, for its administrators (promises, E-08), and how long we keep what.
//!
//! Built field by field: nothing secret can slip in by being part of the account.

use std::iter;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::connect::ProductType;
use shared::platform::Platform;
use shared::platform::clock::rfc3339;
use shared::records::retention::{self, ClassRetention};
use shared::tenant::account::Entitlement;
use shared::tenant::{self, Admin, HostToken};

/// The routes of `account`.
pub fn routes(platform: Platform) -> Router {
    platform.serve("account", Router::new().route("/{app}/account", get(account)))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    app: &'static str,
    app_key: &'static str,
    hosting: &'static str,
    client_key: String,
    base_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_url_servicedesk_help_center: Option<String>,
    product_type: ProductType,
    #[serde(flatten)]
    entitlement: Entitlement,
    #[serde(skip_serializing_if = "Option::is_none")]
    installation_id: Option<String>,
    state: tenant::State,
    enabled: bool,
    region: String,
    installed_at: String,
    /// How many times this installation began anew, the first time included.
    epoch: u64,
    /// What is held and never shown.
    held_sealed: Vec<&'static str>,
    retention: Vec<ClassRetention>,
}

async fn account(State(platform): State<Platform>, token: HostToken<Admin>) -> Json<Account> {
    let (account, standing) = (token.tenant.account(), token.tenant.standing());
    Json(Account {
        app: token.tenant.app().slug,
        app_key: token.tenant.app().key,
        hosting: "cloud",
        client_key: account.client_key.clone(),
        base_url: account.base_url.clone(),
        display_url: account.display_url.clone(),
        display_url_servicedesk_help_center: account.display_url_servicedesk_help_center.clone(),
        product_type: account.product_type,
        entitlement: account.entitlement.clone(),
        installation_id: account.installation_id.clone(),
        state: standing.state,
        enabled: standing.enabled,
        region: platform.config().region.clone(),
        installed_at: rfc3339(standing.installed_at),
        epoch: standing.epoch,
        held_sealed: iter::once("sharedSecret").chain(account.oauth_client_id.as_ref().map(|_| "oauthClientId")).collect(),
        retention: retention::shown().collect(),
    })
}
